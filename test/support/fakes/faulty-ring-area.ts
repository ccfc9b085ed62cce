import { RingArea } from '../../../src/share/ring/ring-area.ts';
import type { RingShape } from '../../../src/share/ring/ring-area.ts';

/** Deliberate faults, which the tests must detect. */
export const RING_FAULTS = [
  'producer does not look who holds a frame',
  'producer does not look again who holds a frame',
  'producer does not tell that a frame is gone',
  'producer announces a frame before it is there',
  'producer overwrites what a consumer must not miss',
  'producer wakes nobody',
  'consumer does not say what it holds',
  'consumer does not look again after saying what it holds',
  'consumer wakes nobody',
] as const;
export type RingFault = (typeof RING_FAULTS)[number];

/** An area as a process sees it that breaks one rule. */
export class FaultyRingArea extends RingArea {
  readonly #fault: RingFault | undefined;
  #lastStore = { word: -1, value: 0 };
  #lastSequences = new Map<number, number>();
  #late: (() => void) | undefined;

  constructor(bytes: Uint8Array<SharedArrayBuffer>, shape: RingShape, fault: RingFault | undefined) {
    super(bytes, shape);
    this.#fault = fault;
  }

  override load(word: number): number {
    this.#late?.();
    this.#late = undefined;
    if (this.#is('consumer does not look again after saying what it holds') && this.#isSlot(this.#lastStore.word)) {
      if (this.#lastStore.value !== 0 && this.#isSequence(word)) return this.#lastSequences.get(word) ?? 0;
    }
    if (this.#isSlot(word) && this.#looksAway()) return 0;
    if (this.#is('producer overwrites what a consumer must not miss') && word === this.cursor) return 2 ** 40;
    if (this.#is('producer wakes nobody') && word === this.consumerWait) return 0;
    if (this.#is('consumer wakes nobody') && word === this.producerWait) return 0;
    const value = super.load(word);
    this.#lastSequences.set(word, value);
    return value;
  }

  override store(word: number, value: number): void {
    this.#lastStore = { word, value };
    if (this.#is('producer does not tell that a frame is gone') && this.#isSequence(word) && value === 0) return;
    if (this.#is('consumer does not say what it holds') && this.#isSlot(word)) return;
    if (this.#is('producer announces a frame before it is there') && this.#isSequence(word) && value !== 0) {
      this.#late = () => super.store(word, value);
      return;
    }
    super.store(word, value);
  }

  #is(fault: RingFault): boolean {
    return this.#fault === fault;
  }

  #looksAway(): boolean {
    if (this.#is('producer does not look who holds a frame')) return true;
    const { word, value } = this.#lastStore;
    return this.#is('producer does not look again who holds a frame') && this.#isSequence(word) && value === 0;
  }

  #isSlot(word: number): boolean {
    return word >= this.heldFrame(0) && word < this.heldFrame(this.shape.heldMax);
  }

  #isSequence(word: number): boolean {
    return word >= this.sequenceOf(0) && word < this.sequenceOf(this.shape.frameCount);
  }
}
