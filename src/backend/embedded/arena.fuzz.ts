/**
 * Goal: in any state of the kernel's huge pages, an arena hands out zeros, keeps its owners'
 * writes, counts exactly the committed pages as cached, within the limit, and gives everything back
 * in the end.
 *
 * Method: buffers of random chunks are taken from an arena over a real memfd and given back, in any
 * order, and their pages are written through the file. In between, the file undergoes what the
 * kernel may do with huge pages: whole places of huge pages are committed in which only some page
 * has an owner. The kernel reports the committed pages (SEEK_DATA); a plain array knows the owner
 * of each page.
 *
 * A failure names the seed: DMABUF_FUZZ_SEED=<seed> runs it again. DMABUF_FUZZ_STEPS is the number
 * of events.
 */

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import { env } from 'node:process';
import { test } from 'node:test';

import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { toOrder, toPageCount } from '../../base/quantities.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { FileRuns } from '../../linux/calls/memory-calls.ts';
import { allocateChunks } from '../../pages/allocate-chunks.ts';
import { BuddyAllocator } from '../../pages/buddy-allocator.ts';
import { freeChunks } from '../../pages/chunk-list.ts';
import type { ChunkList } from '../../pages/chunk-list.ts';
import { toOrderTable } from '../../pages/order-table.ts';
import { SgTable } from '../../sg/sg-table.ts';
import { Arena } from './arena.ts';
import { fileRunsOf } from './buffer.ts';

const SEED_FIRST = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(2 ** 32 - 1));
const STEP_COUNT = Number(env['DMABUF_FUZZ_STEPS'] ?? 6000);
const STEPS_PER_ARENA = 300;

const calls = new MemoryCalls();
const pageSize = calls.pageSize();
const ORDERS = toOrderTable([3, 1, 0]);
/** Small, so that buffers share many of them. */
const BLOCK_ORDER = 4;
const BLOCK_PAGES = 2 ** BLOCK_ORDER;

/** A buffer, and its owner's writes. */
interface Modelled {
  readonly chunks: ChunkList;
  readonly runs: FileRuns;
  /** Ranges of the arena, in buffer order. */
  readonly pages: readonly number[];
  /** By page of the arena: the byte that the owner wrote at its start. */
  readonly written: Map<number, number>;
  /**
   * Whether it was mapped, or pages were wiped for it. Otherwise no page fault has committed any of
   * it.
   */
  touched: boolean;
}

class ArenaModel {
  readonly #random: SeededRandom;
  readonly #arena: Arena;
  readonly #allocator: BuddyAllocator;
  readonly #cachedBytesMax: number;
  readonly #pageCount: number;
  readonly #live: Modelled[] = [];
  readonly #events: readonly (() => void)[] = [
    () => this.#allocate(),
    () => this.#allocate(),
    () => this.#write(),
    () => this.#write(),
    () => this.#commitStrays(),
    () => this.#writePast(),
    () => this.#free(),
    () => this.#free(),
    () => this.#giveBackAll(),
  ];
  /** Some arenas never draw the rare ones. */
  readonly #weights: readonly number[];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    // Its last block may be cut off.
    this.#pageCount = BLOCK_PAGES * (4 + this.#random.below(12)) + this.#random.below(BLOCK_PAGES);
    this.#cachedBytesMax = [0, 5, BLOCK_PAGES, this.#pageCount][this.#random.below(4)] as number;
    this.#cachedBytesMax *= pageSize;
    const pageCount = toPageCount(this.#pageCount);
    this.#arena = new Arena(calls, { pageCount, pageSize, hugePageBytes: BLOCK_PAGES * pageSize });
    this.#allocator = new BuddyAllocator({ pageCount, orderMax: toOrder(BLOCK_ORDER + 1) });
    this.#weights = this.#events.map(() => this.#random.below(6));
  }

  step(): void {
    const total = this.#weights.reduce((sum, weight) => sum + weight, 0);
    let draw = this.#random.below(Math.max(1, total));
    const index = this.#weights.findIndex((weight) => (draw -= weight) < 0);
    this.#events[index]?.();
    this.#compare();
  }

  end(): void {
    while (this.#live.length > 0) {
      this.#free();
      this.#compare();
    }
    assert.equal(this.#arena.cachedBytes, this.#arena.committedBytes, 'what nobody owns is cached');
    this.#arena.giveBackCachedPages();
    assert.deepEqual([this.#arena.cachedBytes, this.#arena.committedBytes], [0, 0], 'everything goes back');
    this.close();
  }

  close(): void {
    this.#arena.close();
  }

  #allocate(): void {
    const pageCount = toPageCount(1 + this.#random.below(3 * BLOCK_PAGES));
    const chunks = allocateChunks(this.#allocator, pageCount, ORDERS, toOrder(BLOCK_ORDER));
    if (chunks === undefined) return;
    const runs = fileRunsOf(SgTable.fromChunks({ ...chunks, pageSize }));
    const pages = pagesOf(runs);
    const hugeLength = this.#hugeLengthOf(pages);
    this.#arena.makeRoomForHugePages(runs, hugeLength);
    const touched = this.#arena.countDirtyPages(runs) > 0;
    this.#arena.assign(runs, hugeLength);
    for (const page of pages) assert.ok(this.#isZero(page), `page ${page} is zero for its next owner`);
    this.#live.push({ chunks, runs, pages, written: new Map(), touched });
  }

  /** Whole blocks at the buffer's start, or none: as for a window that is not aligned. */
  #hugeLengthOf(pages: readonly number[]): number {
    let blockCount = 0;
    while (isBlock(pages.slice(blockCount * BLOCK_PAGES, (blockCount + 1) * BLOCK_PAGES))) blockCount += 1;
    return this.#random.below(4) === 0 ? 0 : blockCount * BLOCK_PAGES * pageSize;
  }

  #write(): void {
    const buffer = this.#pick();
    if (buffer === undefined) return;
    const page = this.#pageOf(buffer);
    const byte = 1 + this.#random.below(255);
    buffer.written.set(page, byte);
    buffer.touched = true;
    this.#writePage(page, byte);
  }

  #writePage(page: number, byte: number): void {
    writeSync(this.#arena.fd.borrow(), new Uint8Array(pageSize).fill(byte), 0, pageSize, page * pageSize);
  }

  /** Like a page fault that takes a huge page, or the rest of one that could not be split. */
  #commitStrays(): void {
    const buffer = this.#pick();
    if (buffer === undefined) return;
    buffer.touched = true;
    const first = Math.floor(this.#pageOf(buffer) / BLOCK_PAGES) * BLOCK_PAGES;
    const committed = new Set(this.#committedPages());
    for (let page = first; page < Math.min(first + BLOCK_PAGES, this.#pageCount); page += 1) {
      if (!committed.has(page)) this.#writePage(page, 0);
    }
  }

  /** Writes outside the owner's windows, or to free pages. */
  #writePast(): void {
    const page = this.#random.below(this.#pageCount);
    const byte = 1 + this.#random.below(255);
    const owner = this.#live.find(({ pages }) => pages.includes(page));
    this.#arena.writePage(page as Parameters<Arena['writePage']>[0], new Uint8Array(pageSize).fill(byte));
    owner?.written.set(page, byte);
  }

  #free(): void {
    const buffer = this.#pick();
    if (buffer === undefined) return;
    this.#live.splice(this.#live.indexOf(buffer), 1);
    const cachedBefore = this.#arena.cachedBytes;
    const touched = buffer.touched || this.#random.below(2) === 0;
    this.#arena.reclaim(buffer.runs, { touched, cachedBytesMax: this.#cachedBytesMax });
    freeChunks(this.#allocator, buffer.chunks);
    // Pages written directly stay beyond the limit, until memory is needed.
    assert.ok(this.#arena.cachedBytes <= Math.max(this.#cachedBytesMax, cachedBefore + buffer.pages.length * pageSize));
  }

  #giveBackAll(): void {
    this.#arena.giveBackCachedPages();
    assert.equal(this.#arena.cachedBytes, 0);
  }

  #compare(): void {
    const committed = this.#committedPages();
    const owned = new Set(this.#live.flatMap(({ pages }) => pages));
    const ownedBlocks = new Set([...owned].map((page) => Math.floor(page / BLOCK_PAGES)));
    const unowned = committed.filter((page) => !owned.has(page));
    const inFreeBlocks = unowned.filter((page) => !ownedBlocks.has(Math.floor(page / BLOCK_PAGES)));
    const cachedPages = this.#arena.cachedBytes / pageSize;
    assert.ok(cachedPages <= unowned.length, `${cachedPages} pages count as cached, and ${unowned.length} are there`);
    assert.ok(
      cachedPages >= inFreeBlocks.length,
      `${inFreeBlocks.length} pages are nobody's, ${cachedPages} are cached`,
    );
    for (const { written } of this.#live) {
      for (const [page, byte] of written) assert.equal(this.#firstByteOf(page), byte, `page ${page}`);
    }
  }

  #committedPages(): number[] {
    const pages: number[] = [];
    const fd = this.#arena.fd.borrow();
    for (let data = calls.nextData(fd, 0); data !== undefined; data = calls.nextData(fd, data.end)) {
      for (let offset = data.start; offset < data.end; offset += pageSize) pages.push(offset / pageSize);
      if (data.end >= this.#pageCount * pageSize) break;
    }
    return pages;
  }

  #isZero(page: number): boolean {
    const bytes = Buffer.alloc(pageSize);
    readSync(this.#arena.fd.borrow(), bytes, 0, pageSize, page * pageSize);
    return bytes.every((byte) => byte === 0);
  }

  #firstByteOf(page: number): number | undefined {
    const bytes = Buffer.alloc(1);
    readSync(this.#arena.fd.borrow(), bytes, 0, 1, page * pageSize);
    return bytes[0];
  }

  #pick(): Modelled | undefined {
    return this.#live[this.#random.below(Math.max(1, this.#live.length))];
  }

  #pageOf({ pages }: Modelled): number {
    return pages[this.#random.below(pages.length)] as number;
  }
}

function pagesOf({ offsets, lengths }: FileRuns): number[] {
  return Array.from(offsets, (offset, run) =>
    Array.from({ length: (lengths[run] as number) / pageSize }, (_, index) => offset / pageSize + index),
  ).flat();
}

function isBlock(pages: readonly number[]): boolean {
  const [first] = pages;
  if (first === undefined || pages.length < BLOCK_PAGES || first % BLOCK_PAGES !== 0) return false;
  return pages.every((page, index) => page === first + index);
}

checkLeaksAfterFile();

test('Arena: with huge pages in any state, free pages are zero, counted and given back', (context) => {
  let seed = SEED_FIRST;
  for (let steps = 0; steps < STEP_COUNT; steps += STEPS_PER_ARENA) {
    const model = new ArenaModel(seed);
    let step = 0;
    try {
      for (; step < STEPS_PER_ARENA; step += 1) model.step();
      model.end();
    } catch (error) {
      model.close();
      throw new Error(`Failed at step ${step}: run it again with DMABUF_FUZZ_SEED=${seed}: ${String(error)}`, {
        cause: error,
      });
    }
    seed = (seed + 1) % 2 ** 32;
  }
  context.diagnostic(`${STEP_COUNT} events, seeds from ${SEED_FIRST}`);
});
