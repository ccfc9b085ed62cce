import { closeSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';

import { addressOf, kernelCalls } from '../../../src/linux/calls/kernel-calls.ts';

/**
 * Why this process cannot trace what exporters map; false where it can. For the `skip` of a test.
 */
export function cannotTrace(): string | false {
  if (process.geteuid?.() !== 0) return 'only root may trace the kernel: npm run vm boots one where we are';
  if (!/ \/sys\/kernel\/tracing tracefs /u.test(readFileSync('/proc/self/mounts', 'utf8')))
    return 'tracefs is not mounted: run "mount -t tracefs nodev /sys/kernel/tracing"';
  if (!readdirSync('/sys/kernel/tracing').includes('kprobe_events')) return 'this kernel has no CONFIG_KPROBE_EVENTS';
  return false;
}

/**
 * Why `/proc/self/pagemap` does not tell this process where its pages lie; false where it does. For
 * the `skip` of a test.
 */
export function cannotSeePfns(): string | false {
  const touched = new Uint8Array(
    new SharedArrayBuffer(kernelCalls.getpagesize(), { maxByteLength: kernelCalls.getpagesize() }),
  ).fill(1);
  const entry = Buffer.alloc(8);
  const fd = openSync('/proc/self/pagemap', 'r');
  readSync(fd, entry, 0, entry.length, (addressOf(touched) / touched.length) * entry.length);
  closeSync(fd);
  // Bits 0 to 54 (Documentation/admin-guide/mm/pagemap.rst).
  const pfn = BigInt.asUintN(55, entry.readBigUInt64LE());
  return pfn === 0n ? 'where pages lie is told only to root outside of containers (CAP_SYS_ADMIN)' : false;
}

/** What a heap of the conformance suite lacks, by why layouts cannot be told. */
export function lacksLayout(why: string | false): { readonly layout?: string } {
  return why === false ? {} : { layout: why };
}
