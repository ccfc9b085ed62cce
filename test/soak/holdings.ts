import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { heldMemory } from '../support/leak-check.ts';
import { heldDescriptors } from '../share/held-descriptors.ts';

const BUFINFO = '/sys/kernel/debug/dma_buf/bufinfo';
/** Only there nobody else takes shared memory at the same time. */
const GUEST = 'dmabuf-guest';

/** Buffers of a soak are named so, to be told from everybody else's. */
export const SOAK_BUFFER_NAME: string = `soak-${process.pid}`;

/** What a soak may not leave more of than it found. */
export interface Holdings {
  /** Of this process, by kind. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** Of memfds and dma-bufs, in this process. */
  readonly mappingCount: number;
  /** Dma-bufs of the soak that the kernel knows, whoever holds them. Undefined where it does not tell. */
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

/** What there is more of than before, in words. */
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
  return Number(/^Shmem:\s+(?<kib>\d+) kB$/mu.exec(readFileSync('/proc/meminfo', 'utf8'))?.groups?.['kib']);
}
