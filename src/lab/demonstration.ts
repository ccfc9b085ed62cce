import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../base/errors.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { KiB, MiB } from '../base/sizes.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';

/** What a machine with a camera and an accelerator has, by its usual sizes. */
const KINDS = [
  { name: 'camera 1080p NV12', length: (1920 * 1080 * 3) / 2, weight: 6 },
  { name: 'camera 2160p NV12', length: (3840 * 2160 * 3) / 2, weight: 2 },
  { name: 'screen 1080p XRGB8888', length: 1920 * 1080 * 4, weight: 3 },
  { name: 'tensor 224x224x3', length: 224 * 224 * 3, weight: 8 },
  { name: 'metadata', length: 16 * KiB, weight: 12 },
  { name: 'weights', length: 48 * MiB, weight: 1 },
];
const WEIGHT_TOTAL = KINDS.reduce((sum, { weight }) => sum + weight, 0);
const STEP_MS = 50;
const CHANGES_A_STEP = 4;
/** Of the capacity: above, buffers go rather than come. */
const FULL_SHARE = 0.9;
/** At the first filling, of 3 MiB on average: more than any machine has. */
const FIRST_DRAWS_MAX = 100_000;
/** Of the buffers: mapped, so that views show. */
const MAPPED_SHARE = 0.2;

/**
 * A heap whose buffers come and go, so that there is something to see on any machine. Nothing is
 * written into them, so they cost no memory.
 */
export class DemonstrationHeap {
  readonly heap: EmbeddedHeap;
  readonly #random: SeededRandom;
  readonly #capacityBytes: number;
  readonly #buffers: DmaBuf[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @throws as {@link openEmbeddedHeap} */
  constructor({ capacityBytes, seed }: { readonly capacityBytes: number; readonly seed: number }) {
    this.heap = openEmbeddedHeap({ capacity: capacityBytes });
    this.#capacityBytes = capacityBytes;
    this.#random = new SeededRandom(seed);
    // A small heap may have no room for what is drawn.
    for (let draw = 0; draw < FIRST_DRAWS_MAX && this.#usedShare() < FULL_SHARE / 2; draw += 1) this.#add();
    this.#timer = setInterval(() => this.#step(), STEP_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const buffer of this.#buffers) buffer.close();
    this.heap.close();
  }

  #step(): void {
    for (let change = 0; change < CHANGES_A_STEP; change += 1) {
      if (this.#random.below(1000) / 1000 > this.#usedShare() / FULL_SHARE / 2) this.#add();
      else this.#remove();
    }
  }

  #usedShare(): number {
    return this.heap.stats().usedBytes / this.#capacityBytes;
  }

  #add(): void {
    const { name, length } = this.#drawKind();
    if (this.heap.stats().usedBytes + length > this.#capacityBytes * FULL_SHARE) return;
    try {
      const buffer = this.heap.allocate(length, { name });
      this.#buffers.push(buffer);
      if (this.#random.below(1000) < MAPPED_SHARE * 1000) buffer.vmap();
    } catch (error) {
      // The machine may run out of memory or of mappings meanwhile: the lab goes on.
      if (!isDmaBufError(error)) throw error;
    }
  }

  #remove(): void {
    if (this.#buffers.length === 0) return;
    const [buffer] = this.#buffers.splice(this.#random.below(this.#buffers.length), 1);
    buffer?.close();
  }

  #drawKind(): { readonly name: string; readonly length: number } {
    let left = this.#random.below(WEIGHT_TOTAL);
    const drawn = KINDS.find(({ weight }) => (left -= weight) < 0);
    return drawn ?? { name: 'metadata', length: 16 * KiB };
  }
}
