import { assert } from '../../base/assert.ts';
import { roundUp } from '../../base/quantities.ts';

/** The numbers that determine the size of a consumer's area. */
export interface RingShape {
  readonly frameCount: number;
  /** Bytes of metadata per frame. */
  readonly metadataBytes: number;
  /** How many frames the consumer may hold at the same time. */
  readonly heldMax: number;
}

/** The producer's data about a frame. */
export interface FrameDetails {
  /** In ns. */
  readonly timestamp: bigint;
  readonly metadata: Uint8Array;
}

/**
 * Two processes that write to the same cache line slow each other down. CPUs fetch neighbouring
 * lines in pairs.
 */
const LINE_BYTES = 128;
const WORD_BYTES = 8;
const LINE_WORDS = LINE_BYTES / WORD_BYTES;

/**
 * Words of the producer: whether the ring has ended, its newest sequence number, and the number of
 * its current wait.
 */
const ENDED = 0;
const NEWEST = 1;
const PRODUCER_WAIT = 2;
const SEQUENCES = LINE_WORDS;

/** Words of the consumer, from its own first word on. */
const CURSOR = 0;
const DROPPED = 1;
const CONSUMER_WAIT = 2;
const HELD_FRAMES = 3;

/**
 * The memory through which a producer and one consumer agree. Each consumer has an area of its own,
 * so it cannot harm another. Every word has a single writer, so no lock is needed, and a killed
 * process leaves no word half-written.
 *
 * Words have 64 bits and are accessed by Atomics only, so both processes see the same order
 * (ECMAScript 29.7). Every word comes from another process, so it may be any number.
 */
export class RingArea {
  readonly shape: RingShape;
  readonly ended = ENDED;
  /** The sequence number of the newest frame; 0 before the first. */
  readonly newest = NEWEST;
  /** The number of the producer's current wait; 0 while it does not wait. */
  readonly producerWait = PRODUCER_WAIT;
  /** The sequence number that the consumer takes next, or a later one. */
  readonly cursor: number;
  /** How many sequence numbers the consumer has skipped. */
  readonly dropped: number;
  /** The number of the consumer's current wait; 0 while it does not wait. */
  readonly consumerWait: number;
  readonly #words: BigInt64Array<SharedArrayBuffer>;
  readonly #details: Uint8Array<SharedArrayBuffer>;
  readonly #heldFrames: number;

  /** @param bytes at least {@link ringAreaBytes}, aligned to 8 */
  constructor(bytes: Uint8Array<SharedArrayBuffer>, shape: RingShape) {
    const { consumerWords, wordCount } = wordsOf(shape);
    assert(bytes.length >= wordCount * WORD_BYTES, 'An area must hold the words of its shape');
    this.shape = shape;
    this.cursor = consumerWords + CURSOR;
    this.dropped = consumerWords + DROPPED;
    this.consumerWait = consumerWords + CONSUMER_WAIT;
    this.#heldFrames = consumerWords + HELD_FRAMES;
    this.#words = new BigInt64Array(bytes.buffer, bytes.byteOffset, wordCount);
    this.#details = bytes;
  }

  /**
   * The word with the sequence number of a frame's contents; 0 while the frame cannot be taken. The
   * producer writes it.
   */
  sequenceOf(frame: number): number {
    return SEQUENCES + frame;
  }

  /** A word with the index of a held frame, plus 1; 0 for none. The consumer writes it. */
  heldFrame(slot: number): number {
    return this.#heldFrames + slot;
  }

  load(word: number): number {
    return Number(Atomics.load(this.#words, word));
  }

  store(word: number, value: number): void {
    Atomics.store(this.#words, word, BigInt(value));
  }

  /** Only while no consumer may hold the frame. */
  writeDetails(frame: number, details: FrameDetails): void {
    const word = detailsWord(this.shape, frame);
    const offset = (word + 1) * WORD_BYTES;
    this.#words[word] = BigInt.asIntN(64, details.timestamp);
    this.#details.fill(0, offset, offset + this.shape.metadataBytes);
    this.#details.set(details.metadata, offset);
  }

  /** Only while the frame is held. A copy. */
  readDetails(frame: number): FrameDetails {
    const word = detailsWord(this.shape, frame);
    const offset = (word + 1) * WORD_BYTES;
    return {
      timestamp: this.#words[word] ?? 0n,
      metadata: new Uint8Array(this.#details.subarray(offset, offset + this.shape.metadataBytes)),
    };
  }
}

/** The length of an area, in bytes. */
export function ringAreaBytes(shape: RingShape): number {
  return wordsOf(shape).wordCount * WORD_BYTES;
}

function detailsWord(shape: RingShape, frame: number): number {
  return SEQUENCES + roundUp(shape.frameCount, LINE_WORDS) + frame * detailsWords(shape);
}

function detailsWords({ metadataBytes }: RingShape): number {
  return 1 + roundUp(metadataBytes, WORD_BYTES) / WORD_BYTES;
}

function wordsOf(shape: RingShape): { consumerWords: number; wordCount: number } {
  const consumerWords = roundUp(detailsWord(shape, shape.frameCount), LINE_WORDS);
  return { consumerWords, wordCount: consumerWords + HELD_FRAMES + shape.heldMax };
}
