import { closeSync, openSync, readSync } from 'node:fs';

import type { MemoryRange } from '../../../src/linux/calls/memory-calls.ts';

const ENTRY_BYTES = 8;
/** Bit 63 of an entry is "page present" (Documentation/admin-guide/mm/pagemap.rst). */
const PRESENT = 1n << 63n;

/**
 * Which pages of this process's memory have a page-table entry: those that can be touched without a
 * page fault.
 */
export function presentPages(range: MemoryRange, pageSize: number): boolean[] {
  const entries = Buffer.alloc((range.length / pageSize) * ENTRY_BYTES);
  const fd = openSync('/proc/self/pagemap', 'r');
  try {
    readSync(fd, entries, 0, entries.length, (range.address / pageSize) * ENTRY_BYTES);
  } finally {
    closeSync(fd);
  }
  return Array.from(
    { length: range.length / pageSize },
    (_, index) => (entries.readBigUInt64LE(index * ENTRY_BYTES) & PRESENT) !== 0n,
  );
}
