/**
 * Weights of a model that a session of an NPU holds mapped, 1 to 2.4 GiB, while it maps small
 * buffers beside them.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { GiB, MiB } from '../../src/base/sizes.ts';
import { toAddress, toByteLength } from '../../src/base/quantities.ts';
import type { DmaBuf } from '../../src/index.ts';
import { addressOf } from '../../src/linux/calls/kernel-calls.ts';
import { readAvailableMemory } from '../../src/linux/proc/available-memory.ts';
import type { OrderMixName } from '../../src/pages/order-mixes.ts';
import { ApusysSession } from '../../src/workload/consumers/apusys-map.ts';
import { countLocks } from '../../src/workload/kernel/buffer-locks.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import { presentPages } from '../support/devices/page-tables.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

interface Weights {
  readonly name: string;
  readonly lengths: readonly number[];
  /** Of all of them, by order. */
  readonly entryCounts: Readonly<Record<number, number>>;
}

/** Held one after the other, of the same pages: a machine takes long to give new ones. */
interface WeightsOfHeap {
  readonly mix: OrderMixName;
  /** The first has as many as any. */
  readonly weights: readonly [Weights, ...Weights[]];
}

/** 1,229 chunks of 2 MiB. */
const LENGTH_2_4_GIB = 2_577_399_808;
/** Huge: all in order 9. Aged: of 262,144 pages, 60 % in order 9 and 30 % in order 4. */
const HEAPS: readonly WeightsOfHeap[] = [
  {
    mix: 'aged',
    weights: [{ name: '1 GiB', lengths: [GiB], entryCounts: { 9: 307, 4: 4921, 0: 26_224 } }],
  },
  {
    mix: 'huge',
    weights: [
      { name: '2.4 GiB', lengths: [LENGTH_2_4_GIB], entryCounts: { 9: 1229 } },
      {
        name: '64 of 32 MiB',
        lengths: Array.from({ length: 64 }, () => 32 * MiB),
        entryCounts: { 9: 1024 },
      },
    ],
  },
];
/** A second of them at the recipe's pace. */
const SMALL_COUNT = 200;
const PAGE_BYTES = 4096;
/** For what else is in the process, and for page tables. */
const SPARE_BYTES = GiB;
/** Of what `vm.max_map_count` leaves to a process by default, less than half. */
const MAPPINGS_NEEDED = 40_000;

const sum = (lengths: readonly number[]): number => lengths.reduce((all, length) => all + length, 0);

const lengthOf = ({ weights: [first] }: WeightsOfHeap): number => sum(first.lengths);

function missingFor(group: WeightsOfHeap): string | false {
  const { bytes, limitedBy } = readAvailableMemory();
  const neededMiB = Math.ceil((lengthOf(group) + SPARE_BYTES) / MiB);
  if (bytes < neededMiB * MiB)
    return `it takes ${neededMiB} MiB, and ${limitedBy} leaves ${Math.floor(bytes / MiB)} MiB`;
  const mappingsMax = Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));
  return mappingsMax < MAPPINGS_NEEDED ? `vm.max_map_count is ${mappingsMax}, below ${MAPPINGS_NEEDED}` : false;
}

function heapFor(group: WeightsOfHeap): EmbeddedHeap {
  const length = lengthOf(group);
  const fragmentation = { mix: group.mix, length };
  return openEmbeddedHeap({
    capacity: 3 * length,
    cached: length,
    orders: [9, 4, 0],
    hugePages: false,
    fragmentation,
  });
}

/** The number of each buffer in its first bytes, and that of its last page in its last. */
function stamp(buffer: DmaBuf, number: number): void {
  using view = buffer.vmap();
  view.subarray(0, 1)[0] = number;
  view.subarray(buffer.length - PAGE_BYTES, 1)[0] = 255 - number;
}

/** By the pages themselves, of which the heap's table tells the first and the last. */
function stampOf({ arena }: EmbeddedHeap, buffer: DmaBuf): [first: number | undefined, last: number | undefined] {
  const layout = buffer.layout();
  assert.ok(layout.known);
  const { table } = layout;
  const last = table.entry(table.entryCount - 1);
  return [arena.read(table.entry(0).pfn)[0], arena.read(last.pfn + last.length / PAGE_BYTES - 1)[0]];
}

for (const group of HEAPS) {
  const names = group.weights.map(({ name }) => name).join(', then ');

  test(`${names}, mix ${group.mix}, held mapped`, { skip: missingFor(group) }, async (t) => {
    using heap = heapFor(group);
    for (const weights of group.weights)
      await t.test(
        `${weights.name}: mapped once, held while ${SMALL_COUNT} small buffers come and go, given back`,
        async (t) => {
          const longestNs = await holdWeights(heap, weights);
          t.diagnostic(`the longest hold of the session: ${Math.round(longestNs / 1e6)} ms`);
        },
      );
  });
}

/** @returns how long the session was held at the longest */
async function holdWeights(heap: EmbeddedHeap, weights: Weights): Promise<number> {
  using smallHeap = openEmbeddedHeap({ capacity: 16 * MiB });
  const mappedBytes: number[] = [];
  const lockCounts = countLocks();
  const kernel = new KernelFunctions({
    lockCounts,
    conversion: 'entry',
    onRecord: (record) => void (record.kind === 'mapping' && mappedBytes.push(record.sizeBytes ?? Number.NaN)),
  });
  const session = new ApusysSession(kernel, { mapsUnknownBuffers: true });
  const large = weights.lengths.map((length) => heap.allocate(length));
  using small = smallHeap.allocate(MiB);

  // The last comes while the session's lock is held for the first.
  await Promise.all([...large, small].map(async (buffer) => await session.map(buffer)));
  // Every page of a kernel's mapping is there when the call returns.
  assert.deepEqual(large.map(presentBytes), weights.lengths);
  await session.unmap(small);
  assert.deepEqual(mappedBytes, [...weights.lengths, MiB]);
  assert.equal(lockCounts.driver.read().waitCount, weights.lengths.length);
  assert.deepEqual(entryCountsOf(large), weights.entryCounts);

  for (const [index, buffer] of large.entries()) stamp(buffer, index);
  for (let count = 1; count < SMALL_COUNT; count += 1) {
    await session.map(small);
    await session.unmap(small);
  }
  assert.equal(mappedBytes.length, weights.lengths.length + SMALL_COUNT);
  assert.deepEqual(
    large.map((buffer) => kernel.mapCount(buffer)),
    large.map(() => 1),
  );
  assert.deepEqual(
    large.map((buffer) => stampOf(heap, buffer)),
    large.map((_, index) => [index, 255 - index]),
  );

  await session.close();
  for (const buffer of large) {
    assert.equal(kernel.mapCount(buffer), 0);
    buffer.close();
  }
  const { bufferCount, mappingCount, usedBytes } = heap.stats();
  assert.deepEqual({ bufferCount, mappingCount, usedBytes }, { bufferCount: 0, mappingCount: 0, usedBytes: 0 });
  return lockCounts.driver.read().heldNsMax;
}

test('the mended driver attaches 2.4 GiB of weights, and maps and commits nothing', async () => {
  using heap = openEmbeddedHeap({ capacity: 3 * LENGTH_2_4_GIB, hugePages: false });
  let mappingCount = 0;
  const kernel = new KernelFunctions({ onRecord: () => void (mappingCount += 1) });
  const session = new ApusysSession(kernel);
  using buffer = heap.allocate(LENGTH_2_4_GIB);
  await session.map(buffer);
  assert.deepEqual([mappingCount, heap.stats().committedBytes], [0, 0]);
  await session.close();
});

/** By the page tables of this process. */
function presentBytes(buffer: DmaBuf): number {
  // The window that is there already, with one more user.
  using view = buffer.vmap();
  const address = toAddress(addressOf(view.subarray(0, 1)));
  const pages = presentPages({ address, length: toByteLength(view.length) }, PAGE_BYTES);
  return pages.filter(Boolean).length * PAGE_BYTES;
}

function entryCountsOf(buffers: readonly DmaBuf[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const buffer of buffers) {
    const layout = buffer.layout();
    assert.ok(layout.known);
    for (const { length } of layout.table.entries()) {
      const order = Math.log2(length / PAGE_BYTES);
      counts[order] = (counts[order] ?? 0) + 1;
    }
  }
  return counts;
}
