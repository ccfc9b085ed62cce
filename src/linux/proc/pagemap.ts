import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

import type { Address, ByteLength } from '../../base/quantities.ts';
import { withFileErrors } from './system-file.ts';
import { thisMachine } from '../machine.ts';
import type { Machine } from '../machine.ts';

/** A page of a mapping, from its pagemap entry. */
export type PagemapEntry =
  | { readonly state: 'present'; readonly pfn: number }
  /** In memory, but the pfn is hidden: it takes CAP_SYS_ADMIN. */
  | { readonly state: 'hidden' }
  /** Swapped out, never touched, or mapped in a way that the pagemap does not show. */
  | { readonly state: 'absent' };

const ENTRY_BYTES = 8;
const PRESENT = 1n << 63n;
const PFN_BITS = 55;

/**
 * The places of `pageCount` pages of this process's memory
 * (Documentation/admin-guide/mm/pagemap.rst).
 *
 * @throws {DmaBufError} as the kernel refuses
 */
export function readPagemap(
  range: { readonly address: Address; readonly pageCount: number; readonly pageSize: ByteLength },
  machine: Machine = thisMachine,
): PagemapEntry[] {
  const { address, pageCount, pageSize } = range;
  const bytes = Buffer.alloc(pageCount * ENTRY_BYTES);
  const path = join(machine.root, 'proc/self/pagemap');
  withFileErrors('read', path, () => {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, bytes, 0, bytes.length, (address / pageSize) * ENTRY_BYTES);
    } finally {
      closeSync(fd);
    }
  });
  return Array.from({ length: pageCount }, (_, index) => decodeEntry(bytes.readBigUInt64LE(index * ENTRY_BYTES)));
}

/**
 * include/uapi/linux/fs.h has no names for these. fs/proc/task_mmu.c: PM_PRESENT and
 * PM_PFRAME_BITS.
 */
function decodeEntry(entry: bigint): PagemapEntry {
  if ((entry & PRESENT) === 0n) return { state: 'absent' };
  const pfn = Number(BigInt.asUintN(PFN_BITS, entry));
  return pfn === 0 ? { state: 'hidden' } : { state: 'present', pfn };
}
