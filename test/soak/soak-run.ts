/**
 * Goal: buffers may be allocated, mapped, shared, dropped, and their holders killed for any length
 * of time: nothing is left behind.
 *
 * Method: steps drawn from a seed, with other processes and threads that are ended at any time; at
 * the end everything that is known of is let go, and what the process and the kernel hold is
 * compared with what they held at the start.
 */

import { setImmediate } from 'node:timers/promises';

import { MiB, importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { BackendKind, BufferView, Heap } from '../../src/index.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { SOAK_BUFFER_NAME, compareHoldings, readHoldings } from './holdings.ts';
import { SoakChild, SoakThread } from './soak-partners.ts';
import type { SoakPartner, TaggedBuffer } from './soak-partners.ts';
import { hasTags, writeTags } from './tagged-pages.ts';

/** What to soak, and for how long. */
export interface SoakOptions {
  readonly seconds: number;
  /** A whole number from 0 to 2^32 - 1. */
  readonly seed: number;
  readonly backends: readonly BackendKind[];
}

export interface SoakReport {
  /** How often each kind of step was done. */
  readonly stepCounts: Readonly<Record<string, number>>;
  /** The growth since the start. Empty when nothing was left behind. */
  readonly leaks: readonly string[];
}

interface HeldBuffer extends TaggedBuffer {
  readonly views: BufferView[];
}

interface Step {
  readonly name: string;
  readonly weight: number;
  run(): Promise<void> | void;
}

const HELD_MAX = 40;
const PARTNERS_MAX = 3;
const PAGE_COUNT_MAX = 64;
const LARGE_BYTES = 8 * MiB;
const WARM_UP_STEPS = 60;
const EMBEDDED = { capacity: 512 * MiB, cached: 4 * MiB };

class SoakRun {
  readonly stepCounts: Record<string, number> = {};
  readonly #random: SeededRandom;
  readonly #heaps: readonly Heap[];
  readonly #held: HeldBuffer[] = [];
  readonly #partners: SoakPartner[] = [];
  readonly #steps: readonly Step[];
  #tagNext = 1;

  constructor({ seed, backends }: SoakOptions) {
    this.#random = new SeededRandom(seed);
    this.#heaps = backends.map((backend) => openHeap('system', { backends: [backend], embedded: EMBEDDED }));
    this.#steps = [
      { name: 'allocate', weight: 30, run: () => this.#allocate() },
      { name: 'map', weight: 30, run: () => this.#map() },
      { name: 'look', weight: 30, run: () => this.#look() },
      { name: 'unmap', weight: 20, run: () => this.#take(this.#any()?.views)?.close() },
      { name: 'close', weight: 15, run: () => this.#close() },
      { name: 'forget', weight: 5, run: () => void this.#take(this.#held) },
      { name: 'import', weight: 10, run: () => this.#import() },
      { name: 'share', weight: 40, run: () => this.#share() },
      { name: 'begin a child', weight: 1, run: () => this.#begin(() => new SoakChild()) },
      { name: 'begin a thread', weight: 1, run: () => this.#begin(() => new SoakThread()) },
      { name: 'end a partner', weight: 2, run: () => this.#end() },
    ];
  }

  async step(): Promise<void> {
    const total = this.#steps.reduce((sum, { weight }) => sum + weight, 0);
    let drawn = this.#random.below(total);
    const step = this.#steps.find(({ weight }) => (drawn -= weight) < 0);
    if (step === undefined) return;
    this.stepCounts[step.name] = (this.stepCounts[step.name] ?? 0) + 1;
    await step.run();
  }

  /** Releases everything. Allocations that heaps still count are left behind. */
  async settle(): Promise<string[]> {
    while (this.#partners.length > 0) await this.#end();
    while (this.#held.length > 0) this.#close();
    const isSettled = (): boolean => this.#heaps.every((heap) => heap.stats().bufferCount === 0);
    await collectGarbageUntil(isSettled, 300);
    const left = this.#heaps.flatMap((heap) => leftIn(heap));
    for (const heap of this.#heaps) heap.close();
    return left;
  }

  #any(): HeldBuffer | undefined {
    return this.#held.length === 0 ? undefined : this.#held[this.#random.below(this.#held.length)];
  }

  #take<Value>(list: Value[] = []): Value | undefined {
    return list.length === 0 ? undefined : list.splice(this.#random.below(list.length), 1)[0];
  }

  #allocate(): void {
    if (this.#held.length >= HELD_MAX) this.#close();
    const heap = this.#heaps[this.#random.below(this.#heaps.length)];
    if (heap === undefined) return;
    const isLarge = this.#random.below(20) === 0;
    const length = isLarge ? LARGE_BYTES : (1 + this.#random.below(PAGE_COUNT_MAX)) * heap.pageSize;
    const shareable = this.#random.below(4) > 0;
    const buffer = heap.allocate(length, { name: SOAK_BUFFER_NAME, shareable });
    const tagged = { buffer, tag: this.#tagNext, pageSize: heap.pageSize, views: [] };
    this.#tagNext += 1;
    this.#held.push(tagged);
    buffer.accessSync('readwrite', (bytes) => {
      if (!hasTags(bytes, 0, heap.pageSize)) throw new Error(`Buffer ${tagged.tag} of ${heap.backend} was not zeroed`);
      writeTags(bytes, tagged.tag, heap.pageSize);
    });
  }

  #map(): void {
    const held = this.#any();
    held?.views.push(held.buffer.vmap({ populate: this.#random.below(4) === 0 }));
  }

  async #look(): Promise<void> {
    const held = this.#any();
    await held?.buffer.access('read', (bytes) => assertTags(bytes, held));
    for (const view of held?.views ?? []) assertTags(view.bytes, held as HeldBuffer);
  }

  #close(): void {
    const held = this.#take(this.#held);
    held?.buffer.close();
    // After the buffer itself: views go on without it.
    for (const view of held?.views ?? []) {
      assertTags(view.bytes, held as HeldBuffer);
      view.close();
    }
  }

  #import(): void {
    const held = this.#any();
    if (held === undefined) return;
    try {
      const fd = held.buffer.exportFd();
      const imported = importBuffer(fd);
      fd.close();
      imported.accessSync('read', (bytes) => assertTags(bytes, held));
      // The others are left to the collector.
      if (this.#random.below(4) > 0) imported.close();
    } catch (error) {
      refuseUnlessPrivate(error);
    }
  }

  #share(): void {
    const held = this.#any();
    const partner = this.#partners[this.#random.below(Math.max(1, this.#partners.length))];
    if (held === undefined || partner === undefined) return;
    try {
      partner.share(held);
    } catch (error) {
      refuseUnlessPrivate(error);
    }
  }

  #begin(open: () => SoakPartner): void {
    if (this.#partners.length < PARTNERS_MAX) this.#partners.push(open());
  }

  async #end(): Promise<void> {
    await this.#take(this.#partners)?.end();
  }
}

function assertTags(bytes: Uint8Array, { tag, pageSize }: TaggedBuffer): void {
  if (!hasTags(bytes, tag, pageSize)) throw new Error(`Buffer ${tag} has other memory than its own`);
}

/** A buffer that was not made to be shared is refused, and rightly. */
function refuseUnlessPrivate(error: unknown): void {
  if (!isDmaBufError(error, 'EOPNOTSUPP')) throw error;
}

function leftIn(heap: Heap): string[] {
  const { bufferCount, usedBytes, committedBytes, cachedBytes, mappingCount } = heap.stats();
  const left = {
    bufferCount,
    usedBytes,
    'committed bytes that are not cached': committedBytes - cachedBytes,
    mappingCount,
  };
  return Object.entries(left)
    .filter(([, count]) => count !== 0)
    .map(([what, count]) => `${heap.backend} heap: ${what} is ${count} after everything was let go`);
}

/**
 * Loads what is loaded once and stays: a process, a thread, the descriptor that waiting is done
 * with.
 */
async function warmUp(options: SoakOptions): Promise<void> {
  const run = new SoakRun(options);
  for (let count = 0; count < WARM_UP_STEPS; count += 1) await run.step();
  await run.settle();
}

/**
 * @throws when a holder sees memory that is not the buffer's, or a valid operation is refused
 */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  await warmUp(options);
  const before = readHoldings();
  const run = new SoakRun(options);
  const end = performance.now() + options.seconds * 1000;
  while (performance.now() < end) {
    await run.step();
    // Finalizers, answers of threads, and the deaths of children come between steps.
    await setImmediate();
  }
  const left = await run.settle();
  await collectGarbageUntil(() => compareHoldings(before, readHoldings()).length === 0, 300);
  return { stepCounts: run.stepCounts, leaks: [...left, ...compareHoldings(before, readHoldings())] };
}
