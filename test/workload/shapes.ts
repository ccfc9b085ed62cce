/** Buffers whose tables have a given shape. */

import assert from 'node:assert/strict';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeapOptions } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { createUdmabuf, importBuffer } from '../../src/index.ts';
import type { DmaBuf, Heap } from '../../src/index.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { bytesInArena, bytesInFile, PAGE_BYTES } from './buffer-bytes.ts';
import type { BufferBytes, PageRange } from './buffer-bytes.ts';

/** A buffer, and its bytes by another way than its window. */
export interface ShapedBuffer {
  readonly buffer: DmaBuf;
  readonly bytes: BufferBytes;
  readonly close: () => void;
}

/** How buffers are made of at least so many bytes. */
export interface Shape {
  readonly name: string;
  /** What a buffer of 64 KiB has more, or less, in bytes. */
  readonly extraBytes: number;
  /** The pages of each entry of a buffer that was asked for with 64 KiB; absent: not told. */
  readonly entryPages?: readonly number[];
  /** Entries that lie together count as one. */
  readonly runCount?: number;
  readonly make: (lengthBytes: number) => ShapedBuffer;
  /** For consumers that allocate by themselves. */
  readonly openHeap: () => Heap;
  /** Of a buffer of such a heap. */
  readonly bytesOf?: (heap: Heap, buffer: DmaBuf) => BufferBytes | undefined;
}

const ones = (count: number): number[] => Array.from({ length: count }, () => 1);

type EmbeddedShape = Required<Pick<Shape, 'name' | 'extraBytes' | 'entryPages' | 'runCount'>> & {
  readonly orders?: readonly number[];
  readonly contiguous?: boolean;
  readonly mix?: 'aged' | 'fresh' | 'single-pages';
};

/** By the orders and the mix: literals, as the policy of the kernel's heap is (8, 4, 0 there). */
const EMBEDDED: readonly EmbeddedShape[] = [
  { name: 'one entry', contiguous: true, extraBytes: 0, entryPages: [16], runCount: 1 },
  { name: 'entries that lie together', orders: [3, 0], extraBytes: 0, entryPages: [8, 8], runCount: 1 },
  { name: 'equal entries', orders: [2, 0], mix: 'fresh', extraBytes: 0, entryPages: [4, 4, 4, 4], runCount: 4 },
  {
    name: 'descending orders',
    orders: [3, 1, 0],
    mix: 'aged',
    extraBytes: 0,
    entryPages: [8, 2, 2, 1, 1, 1, 1],
    runCount: 7,
  },
  { name: 'entries of order 0', mix: 'single-pages', extraBytes: 0, entryPages: ones(16), runCount: 16 },
  {
    name: 'a tail of one page',
    orders: [2, 0],
    mix: 'fresh',
    extraBytes: 4096,
    entryPages: [4, 4, 4, 4, 1],
    runCount: 5,
  },
  // The heap rounds up.
  {
    name: 'a length that ends within a page',
    orders: [2, 0],
    mix: 'fresh',
    extraBytes: -100,
    entryPages: [4, 4, 4, 4],
    runCount: 4,
  },
];

export const EMBEDDED_SHAPES: readonly Shape[] = EMBEDDED.map((shape) => {
  const { name, extraBytes, entryPages, runCount } = shape;
  const open = (lengthBytes: number): ReturnType<typeof openEmbeddedHeap> =>
    openEmbeddedHeap(optionsOf(shape, lengthBytes));
  return {
    name,
    extraBytes,
    entryPages,
    runCount,
    openHeap: () => open(16 * MiB),
    bytesOf: (heap, buffer) =>
      'arena' in heap ? bytesInArena((heap as ReturnType<typeof open>).arena, buffer) : undefined,
    make: (lengthBytes) => {
      const heap = open(lengthBytes);
      const buffer = heap.allocate(lengthBytes);
      return {
        buffer,
        bytes: bytesInArena(heap.arena, buffer),
        close: () => closeAll(heap, [buffer]),
      };
    },
  };
});

function optionsOf({ orders, contiguous, mix }: EmbeddedShape, length: number): EmbeddedHeapOptions {
  return {
    capacity: 4 * length + MiB,
    hugePages: false,
    ...(orders === undefined ? {} : { orders }),
    ...(contiguous === undefined ? {} : { contiguous }),
    ...(mix === undefined ? {} : { fragmentation: { mix, length } }),
  };
}

/** A memfd may have any length, and its buffer has that length too. */
export const MEMFD_SHAPE: Shape = {
  name: 'a memfd whose length ends within a page',
  extraBytes: 100,
  openHeap: () => openEmbeddedHeap({ capacity: 64 * MiB }),
  make: (lengthBytes) => {
    const fd = createMemfd({ length: lengthBytes });
    const buffer = importBuffer(fd);
    const pages: PageRange = [0, Math.ceil(lengthBytes / PAGE_BYTES)];
    return { buffer, bytes: bytesInFile(fd, [pages]), close: () => [buffer, fd].forEach((each) => each.close()) };
  },
};

/** Of 64 pages of a memfd, in this order. A shorter buffer has the first of them. */
const LISTS: readonly { readonly name: string; readonly ranges: readonly PageRange[]; readonly extraBytes: number }[] =
  [
    { name: 'one entry at an offset', ranges: [[3, 17]], extraBytes: 0 },
    { name: 'single pages, backwards', ranges: ones(16).map((count, index) => [62 - 2 * index, count]), extraBytes: 0 },
    {
      name: 'descending lengths',
      ranges: [
        [40, 8],
        [20, 2],
        [30, 2],
        [9, 1],
        [7, 1],
        [5, 1],
        [0, 1],
      ],
      extraBytes: 0,
    },
    {
      name: 'a tail of one page',
      ranges: [
        [20, 16],
        [3, 1],
      ],
      extraBytes: 4096,
    },
  ];
const FILE_PAGES = 64;

/** @param openHeap for consumers that allocate by themselves */
export function udmabufShapes(openHeap: () => Heap): readonly Shape[] {
  return LISTS.map(({ name, ranges, extraBytes }) => ({
    name,
    extraBytes,
    openHeap,
    make: (lengthBytes) => {
      const fd = createMemfd({ length: FILE_PAGES * PAGE_BYTES });
      const items = firstPages(ranges, lengthBytes / PAGE_BYTES);
      const buffer = createUdmabuf(
        items.map(([first, count]) => ({ fd, offset: first * PAGE_BYTES, length: count * PAGE_BYTES })),
      );
      return { buffer, bytes: bytesInFile(fd, items), close: () => [buffer, fd].forEach((each) => each.close()) };
    },
  }));
}

/** The kernel chooses what its buffers are made of: their lengths alone can be chosen. */
export function kernelShapes(openHeap: () => Heap): readonly Shape[] {
  const make = (lengthBytes: number): ShapedBuffer => makeInKernel(openHeap(), lengthBytes);
  return [
    { name: 'a tail of one page', extraBytes: 4096, openHeap, make },
    { name: 'a length that ends within a page', extraBytes: -100, openHeap, make },
  ];
}

/** Another importer has its bytes, which maps the file anew, as a whole. */
function makeInKernel(heap: Heap, lengthBytes: number): ShapedBuffer {
  const buffer = heap.allocate(lengthBytes);
  const fd = buffer.exportFd();
  const other = importBuffer(fd);
  fd.close();
  const view = other.vmap();
  const bytes: BufferBytes = {
    read: (offset) => view.subarray(offset, 1)[0] ?? Number.NaN,
    write: (offset, byte) => void view.subarray(offset, 1).fill(byte),
  };
  return { buffer, bytes, close: () => closeAll(heap, [view, other, buffer]) };
}

/** A mapping or an attachment that is left would keep the buffer. */
function closeAll(heap: Heap, users: readonly { close(): void }[]): void {
  for (const user of users) user.close();
  assert.equal(heap.stats().bufferCount, 0);
  heap.close();
}

function firstPages(ranges: readonly PageRange[], pageCount: number): PageRange[] {
  const taken: PageRange[] = [];
  let left = pageCount;
  for (const [first, count] of ranges) {
    if (left === 0) break;
    const used = Math.min(count, left);
    taken.push([first, used]);
    left -= used;
  }
  return taken;
}
