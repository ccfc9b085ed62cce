import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { heldMemory } from '../support/runner/leak-check.ts';
import { heldDescriptors } from '../share/held-descriptors.ts';

const BUFINFO = '/sys/kernel/debug/dma_buf/bufinfo';
/**
 * Only there no other program uses shared memory at the same time, nor another test where the soak
 * runs in a guest whose test files run one at a time.
 */
const GUEST = 'dmabuf-guest';

/** The name of a soak's buffers, which distinguishes them from others. */
export const SOAK_BUFFER_NAME: string = `soak-${process.pid}`;

/** The resources that must not grow during a soak. */
export interface Holdings {
  /** Of this process, by kind. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** Of memfds and dma-bufs, in this process. */
  readonly mappingCount: number;
  /**
   * Dma-bufs of the soak that the kernel knows, with any holder. Undefined where the kernel does
   * not show them.
   */
  readonly dmaBufCount: number | undefined;
  /** Pages of memfds that the machine has in memory. Undefined where others have some too. */
  readonly sharedMemoryKiB: number | undefined;
}

export function readHoldings(): Holdings {
  return {
    descriptors: heldDescriptors(),
    mappingCount: heldMemory().mappingCount,
    dmaBufCount: countDmaBufs(),
    sharedMemoryKiB: hostname() === GUEST ? readSharedMemoryKiB() : undefined,
  };
}

/** The growth since the earlier reading, in words. */
export function compareHoldings(before: Holdings, after: Holdings): string[] {
  const kinds = Object.keys(after.descriptors).map((kind) => ({
    what: `descriptors of ${kind}`,
    before: before.descriptors[kind] ?? 0,
    after: after.descriptors[kind] ?? 0,
  }));
  const counts = [
    ...kinds,
    { what: 'mappings of memfds and dma-bufs', before: before.mappingCount, after: after.mappingCount },
    { what: 'dma-bufs in the kernel', before: before.dmaBufCount ?? 0, after: after.dmaBufCount ?? 0 },
    { what: 'KiB of shared memory', before: before.sharedMemoryKiB ?? 0, after: after.sharedMemoryKiB ?? 0 },
  ];
  return counts
    .filter((count) => count.after > count.before)
    .map((count) => `${count.what}: ${count.before} before, ${count.after} after`);
}

function countDmaBufs(): number | undefined {
  try {
    return readFileSync(BUFINFO, 'utf8').split(SOAK_BUFFER_NAME).length - 1;
  } catch {
    return undefined;
  }
}

function readSharedMemoryKiB(): number {
  // Each processor counts pages by itself, and adds them to the sum later (mm/vmstat.c).
  writeFileSync('/proc/sys/vm/stat_refresh', '1');
  return Number(/^Shmem:\s+(?<kib>\d+) kB$/mu.exec(readFileSync('/proc/meminfo', 'utf8'))?.groups?.['kib']);
}
