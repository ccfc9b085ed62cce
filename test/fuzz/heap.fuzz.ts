/**
 * Goal: buffers, views, brackets, attachments and handles, in any order, agree with a plain model:
 * holders keep the memory, views that were closed see zeros, and no owner ever sees another owner's
 * bytes.
 *
 * Method: events drawn from a seed go to a real heap, small enough to fill up, and to a model in
 * which a buffer is an array with one word per page and a set of holders. After every event the
 * heap's counts are compared, and the words of one buffer. Arrays kept from closed views are
 * checked too. The proportions of events are drawn for each heap.
 *
 * A failure names the seed: DMABUF_FUZZ_SEED=<seed> runs it again. DMABUF_FUZZ_STEPS is the number
 * of events.
 */

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { env } from 'node:process';
import { test } from 'node:test';

import { KiB, MiB, isDmaBufError, openHandle, openHeap } from '../../src/index.ts';
import type { Attachment } from '../../src/heap/importer/index.ts';
import type { BufferHandle, BufferView, DmaBuf, Heap, WorkerBuffer } from '../../src/index.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

const SEED_FIRST = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(2 ** 32 - 1));
const STEP_COUNT = Number(env['DMABUF_FUZZ_STEPS'] ?? 40_000);
const STEPS_PER_HEAP = 1000;
const CAPACITY = 4 * MiB;

/** A kind of heap, and how one for a run is opened. */
interface HeapKind {
  readonly name: string;
  readonly missing: string | false;
  /** @param random draws what can be chosen */
  open(random: SeededRandom): Heap;
}

const HEAP_KINDS: readonly HeapKind[] = [
  {
    name: 'embedded',
    missing: false,
    open: (random) =>
      openEmbeddedHeap({ capacity: CAPACITY, cached: [0, 64 * KiB, CAPACITY][random.below(3)] as number }),
  },
  {
    name: 'kernel',
    missing: cannotOpen('/dev/dma_heap/system'),
    open: () => openHeap('system', { backends: ['kernel'] }),
  },
  {
    name: 'udmabuf',
    missing: cannotOpen('/dev/udmabuf'),
    open: () => openHeap('system', { backends: ['udmabuf'] }),
  },
];

type Closable = BufferView | Attachment | WorkerBuffer | BufferHandle;

/** A buffer, and what the model knows of it. */
interface Modelled {
  readonly buffer: DmaBuf;
  /** The first word of every page. */
  readonly words: Uint32Array;
  readonly holders: Set<Closable>;
  readonly views: BufferView[];
  open: boolean;
}

class HeapModel {
  readonly heap: Heap;
  readonly #random: SeededRandom;
  readonly #weights: number[];
  readonly #live: Modelled[] = [];
  /** Arrays whose window is gone. */
  readonly #stale: Uint8Array[] = [];
  #stamp = 1;

  constructor(kind: HeapKind, seed: number) {
    this.#random = new SeededRandom(seed);
    this.heap = kind.open(this.#random);
    this.#weights = this.#events.map(() => 1 + this.#random.below(10));
  }

  readonly #events: readonly (() => void)[] = [
    () => this.#allocate(),
    () => this.#map(),
    () => this.#write(),
    () => this.#access(),
    () => this.#attach(),
    () => this.#share(),
    () => this.#closeHolder(),
    () => this.#closeHolder(),
    () => this.#closeBuffer(),
    () => this.#writeStale(),
  ];

  step(): void {
    const total = this.#weights.reduce((sum, weight) => sum + weight, 0);
    let draw = this.#random.below(total);
    const index = this.#weights.findIndex((weight) => (draw -= weight) < 0);
    this.#events[index]?.();
    this.#compare();
  }

  end(): void {
    for (const modelled of this.#live) {
      modelled.open = false;
      modelled.buffer.close();
      for (const holder of modelled.holders) closeHolder(holder);
    }
    const { usedBytes, bufferCount, mappingCount } = this.heap.stats();
    assert.deepEqual({ usedBytes, bufferCount, mappingCount }, { usedBytes: 0, bufferCount: 0, mappingCount: 0 });
    this.heap.close();
  }

  #allocate(): void {
    const pageCount = 1 + this.#random.below([4, 40, 400][this.#random.below(3)] as number);
    const length = pageCount * this.heap.pageSize;
    const used = this.#usedBytes;
    // The machine's memory is the limit there, and this test must not fill it.
    if (this.heap.stats().capacityBytes === undefined && used + length > CAPACITY) return;
    try {
      const buffer = this.heap.allocate(length, { shareable: this.#random.below(8) === 0 });
      assert.ok(used + length <= CAPACITY, 'more than the capacity was allocated');
      this.#live.push({ buffer, words: new Uint32Array(pageCount), holders: new Set(), views: [], open: true });
    } catch (error) {
      assert.ok(isDmaBufError(error, 'ENOMEM'), String(error));
      assert.ok(used + length > CAPACITY, 'less than the capacity was refused');
    }
  }

  #map(): void {
    const modelled = this.#pick((candidate) => candidate.open);
    if (modelled === undefined) return;
    const view = modelled.buffer.vmap({ populate: this.#random.below(2) === 0 });
    modelled.holders.add(view);
    modelled.views.push(view);
  }

  #write(): void {
    const modelled = this.#pick((candidate) => candidate.views.length > 0);
    const view = modelled?.views[0];
    if (modelled === undefined || view === undefined) return;
    this.#stampPage(modelled, view.as(Uint32Array));
  }

  #access(): void {
    const modelled = this.#pick((candidate) => candidate.open);
    modelled?.buffer.accessSync('write', (bytes) => {
      this.#stampPage(modelled, new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
    });
  }

  #attach(): void {
    const modelled = this.#pick((candidate) => candidate.open);
    modelled?.holders.add(modelled.buffer.attach({ name: 'device' }));
  }

  #share(): void {
    const modelled = this.#pick((candidate) => candidate.open);
    if (modelled === undefined) return;
    const handle = modelled.buffer.toHandle();
    modelled.holders.add(openHandle(handle));
  }

  #closeHolder(): void {
    const modelled = this.#pick((candidate) => candidate.holders.size > 0);
    const holder = [...(modelled?.holders ?? [])][this.#random.below(modelled?.holders.size ?? 1)];
    if (modelled === undefined || holder === undefined) return;
    const index = modelled.views.indexOf(holder as BufferView);
    const bytes = index === -1 ? undefined : modelled.views.splice(index, 1)[0]?.bytes;
    modelled.holders.delete(holder);
    closeHolder(holder);
    const isShared = [...modelled.holders].some((other) => 'accessSync' in other);
    if (bytes !== undefined && modelled.views.length === 0 && !isShared) this.#keepStale(bytes, modelled);
    this.#dropIfGone(modelled);
  }

  #closeBuffer(): void {
    const modelled = this.#pick((candidate) => candidate.open);
    if (modelled === undefined) return;
    modelled.open = false;
    modelled.buffer.close();
    this.#dropIfGone(modelled);
  }

  /** A write into an array of a closed buffer must have no effect. */
  #writeStale(): void {
    this.#stale[this.#random.below(Math.max(1, this.#stale.length))]?.fill(0xee, 0, 16);
  }

  /**
   * Arrays of a living buffer show it again when it is mapped again. Only those of a closed buffer
   * stay dead.
   */
  #keepStale(bytes: Uint8Array, modelled: Modelled): void {
    assert.equal(bytes[0], 0, 'an array kept after the last close reads zeros');
    if (modelled.open || modelled.holders.size > 0) return;
    this.#stale.push(bytes);
    if (this.#stale.length > 16) this.#stale.shift();
  }

  #stampPage(modelled: Modelled, words: Uint32Array): void {
    const page = this.#random.below(modelled.words.length);
    this.#stamp += 1;
    words[(page * this.heap.pageSize) / 4] = this.#stamp;
    modelled.words[page] = this.#stamp;
  }

  #dropIfGone(modelled: Modelled): void {
    if (!modelled.open && modelled.holders.size === 0) this.#live.splice(this.#live.indexOf(modelled), 1);
  }

  #pick(suits: (candidate: Modelled) => boolean): Modelled | undefined {
    const candidates = this.#live.filter(suits);
    return candidates[this.#random.below(Math.max(1, candidates.length))];
  }

  get #usedBytes(): number {
    return this.#live.reduce((sum, { words }) => sum + words.length * this.heap.pageSize, 0);
  }

  #compare(): void {
    const { usedBytes, bufferCount } = this.heap.stats();
    assert.deepEqual({ usedBytes, bufferCount }, { usedBytes: this.#usedBytes, bufferCount: this.#live.length });
    const modelled = this.#pick((candidate) => candidate.open);
    modelled?.buffer.accessSync('read', (bytes) => {
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      const stride = this.heap.pageSize / 4;
      modelled.words.forEach((expected, page) => assert.equal(words[page * stride], expected, `page ${page}`));
    });
  }
}

function closeHolder(holder: Closable): void {
  if ('detach' in holder) holder.detach();
  else if ('close' in holder) holder.close();
}

checkLeaksAfterFile();

for (const kind of HEAP_KINDS) {
  test(
    `DmaBuf of ${kind.name}: any order of events does what a plain model says`,
    { skip: kind.missing },
    (context) => {
      let seed = SEED_FIRST;
      for (let steps = 0; steps < STEP_COUNT; steps += STEPS_PER_HEAP) {
        const model = new HeapModel(kind, seed);
        let step = 0;
        try {
          for (; step < STEPS_PER_HEAP; step += 1) model.step();
          model.end();
        } catch (error) {
          throw new Error(`Failed at step ${step}: run it again with DMABUF_FUZZ_SEED=${seed}`, { cause: error });
        }
        seed = (seed + 1) % 2 ** 32;
      }
      context.diagnostic(`${STEP_COUNT} events, seeds from ${SEED_FIRST}`);
    },
  );
}
