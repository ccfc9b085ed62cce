/** A buffer's bytes by another way than the window under test. */

import { readSync, writeSync } from 'node:fs';

import type { ArenaPages } from '../../src/backend/embedded/embedded-heap.ts';
import type { DmaBuf } from '../../src/index.ts';
import type { OwnedFd } from '../../src/linux/calls/fd.ts';

export const PAGE_BYTES = 4096;

/** Reads and writes the bytes of a buffer, by their offsets in it. */
export interface BufferBytes {
  read(offset: number): number;
  write(offset: number, byte: number): void;
}

/** Consecutive pages of a file: the number of the first, and how many they are. */
export type PageRange = readonly [first: number, count: number];

/** Of an embedded heap's buffer: its pages one by one, in the order of the heap's table. */
export function bytesInArena(arena: ArenaPages, buffer: DmaBuf): BufferBytes {
  const layout = buffer.layout();
  if (!layout.known) throw new Error('An embedded heap tells its tables');
  const pfns: number[] = [];
  for (const { pfn, length } of layout.table.entries())
    for (let index = 0; index < length / PAGE_BYTES; index += 1) pfns.push(pfn + index);
  const pfnAt = (offset: number): number => pfns[Math.floor(offset / PAGE_BYTES)] ?? Number.NaN;
  return {
    read: (offset) => arena.read(pfnAt(offset))[offset % PAGE_BYTES] ?? Number.NaN,
    write: (offset, byte) => {
      const page = arena.read(pfnAt(offset));
      page[offset % PAGE_BYTES] = byte;
      arena.write(pfnAt(offset), page);
    },
  };
}

/** Of pages of a memfd, in that order: by the kernel's reads and writes of the file. */
export function bytesInFile(fd: OwnedFd, ranges: readonly PageRange[]): BufferBytes {
  const pages = ranges.flatMap(([first, count]) => Array.from({ length: count }, (_, index) => first + index));
  const placeOf = (offset: number): number =>
    (pages[Math.floor(offset / PAGE_BYTES)] ?? Number.NaN) * PAGE_BYTES + (offset % PAGE_BYTES);
  return {
    read: (offset) => {
      const byte = new Uint8Array(1);
      readSync(fd.borrow(), byte, 0, 1, placeOf(offset));
      return byte[0] ?? Number.NaN;
    },
    write: (offset, byte) => {
      writeSync(fd.borrow(), Uint8Array.of(byte), 0, 1, placeOf(offset));
    },
  };
}
