/**
 * Goal: the suballocator hands out what a map of granules says is free, and nothing twice.
 *
 * Method: seeded events go to the suballocator and to a twin that knows of each granule only
 * whether it is taken. Offsets, chunks and counters are compared after every event, and so are the
 * bytes: each allocation keeps its own pattern, and begins as zeros.
 *
 * A failure names its seed: DMABUF_FUZZ_SEED=<seed> makes that run the first. DMABUF_FUZZ_STEPS is
 * the number of events, 20,000 unless given.
 */

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { env } from 'node:process';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../base/errors.ts';
import { UINT_MAX } from '../base/limits.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { KiB, MiB } from '../base/sizes.ts';
import { createSuballocator } from './suballocator.ts';
import type { Suballocation } from './suballocation.ts';

const SEED_FIRST = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(UINT_MAX));
const STEP_COUNT = Number(env['DMABUF_FUZZ_STEPS'] ?? 20_000);
const STEPS_A_RUN = 500;

const GRANULE = 256;
const OPTIONS = { granule: GRANULE, chunkLength: 64 * KiB, lengthMax: 320 * KiB, idleChunksMax: 2 };

/** Of each granule whether it is taken. */
type TwinChunk = boolean[];

interface TwinPart {
  readonly chunk: TwinChunk;
  readonly start: number;
  readonly count: number;
}

class SuballocatorTwin {
  chunks: TwinChunk[] = [];

  /** Undefined where there is no room. */
  allocate(length: number, alignment: number): TwinPart | undefined {
    const count = Math.ceil(length / GRANULE);
    const step = Math.max(1, alignment / GRANULE);
    for (const chunk of this.chunks) {
      for (let start = 0; start + count <= chunk.length; start += step) {
        if (!chunk.slice(start, start + count).includes(true)) return take({ chunk, start, count });
      }
    }
    const bytes = Math.max(OPTIONS.chunkLength, count * GRANULE);
    // The heap gives whole pages.
    const granules = (Math.ceil(bytes / 4096) * 4096) / GRANULE;
    if (this.length + bytes > OPTIONS.lengthMax) this.chunks = this.chunks.filter((chunk) => chunk.includes(true));
    if (this.length + bytes > OPTIONS.lengthMax) return undefined;
    const chunk = Array.from({ length: granules }, () => false);
    this.chunks.push(chunk);
    return take({ chunk, start: 0, count });
  }

  free({ chunk, start, count }: TwinPart): void {
    chunk.fill(false, start, start + count);
    const idle = this.chunks.filter((other) => !other.includes(true));
    if (chunk.includes(true) || idle.length <= OPTIONS.idleChunksMax) return;
    const largest = Math.max(...idle.map((other) => other.length));
    const goes = idle.find((other) => other.length === largest);
    this.chunks = this.chunks.filter((other) => other !== goes);
  }

  get length(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length * GRANULE, 0);
  }
}

function take(part: TwinPart): TwinPart {
  part.chunk.fill(true, part.start, part.start + part.count);
  return part;
}

interface Taken {
  readonly allocation: Suballocation;
  readonly part: TwinPart;
  readonly pattern: number;
}

function isFilled(bytes: Uint8Array, value: number): boolean {
  return bytes.every((byte) => byte === value);
}

/** @param skew what the twin's offsets are wrong by: planted, to be caught */
function runOnce(seed: number, skew = 0): void {
  const random = new SeededRandom(seed);
  const heap = openEmbeddedHeap({ capacity: 4 * MiB });
  const pool = createSuballocator(heap, OPTIONS);
  const twin = new SuballocatorTwin();
  const taken: Taken[] = [];
  const allocate = (): void => {
    const length = 1 + random.below([300, 3000, 40 * KiB, 100 * KiB][random.below(4)] as number);
    const alignment = 2 ** random.below(14);
    const part = twin.allocate(length, alignment);
    if (part === undefined) {
      assert.throws(
        () => pool.allocate(length, { alignment }),
        (error) => isDmaBufError(error, 'ENOMEM'),
      );
      return;
    }
    const allocation = pool.allocate(length, { alignment });
    assert.equal(allocation.offset, part.start * GRANULE + skew);
    assert.ok(isFilled(allocation.bytes, 0), 'An allocation must begin as zeros');
    const pattern = 1 + random.below(255);
    allocation.bytes.fill(pattern);
    taken.push({ allocation, part, pattern });
  };
  const free = (): void => {
    const [old] = taken.splice(random.below(Math.max(1, taken.length)), 1);
    if (old === undefined) return;
    assert.ok(isFilled(old.allocation.bytes, old.pattern), 'An allocation must keep its bytes');
    pool.free(old.allocation);
    twin.free(old.part);
  };
  // Runs that fill the chunks, and runs that empty them.
  const bias = 3 + random.below(5);
  try {
    for (let step = 0; step < STEPS_A_RUN; step += 1) {
      if (random.below(10) < bias) allocate();
      else free();
      const stats = pool.stats();
      const used = taken.reduce((sum, { part }) => sum + part.count * GRANULE, 0);
      assert.deepEqual(
        [stats.chunkCount, stats.length, stats.usedLength, stats.allocationCount],
        [twin.chunks.length, twin.length, used, taken.length],
      );
    }
    while (taken.length > 0) free();
  } finally {
    for (const { allocation } of taken) allocation.free();
    pool.close();
    heap.close();
  }
}

test('Suballocator does what a map of granules says', () => {
  for (let run = 0; run < STEP_COUNT / STEPS_A_RUN; run += 1) {
    const seed = (SEED_FIRST + run) >>> 0;
    try {
      runOnce(seed);
    } catch (cause) {
      throw new Error(`DMABUF_FUZZ_SEED=${seed}: ${(cause as Error).message}`, { cause });
    }
  }
});

test('the comparison of suballocations catches an offset that is wrong by a granule', () => {
  assert.throws(() => runOnce(1, GRANULE), assert.AssertionError);
});
