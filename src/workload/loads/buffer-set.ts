import { assert } from '../../base/assert.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { LoadContext, SlotPolicy } from './load.ts';

/** A buffer, and the slot of a queue that it is to go into. */
interface SlottedBuffer {
  readonly slot: number;
  readonly buffer: DmaBuf;
}

/** Buffers of one length, in turn. */
export class BufferSet {
  readonly #buffers: readonly DmaBuf[];
  readonly #slots: SlotPolicy;

  /** @throws as allocating fails: nothing stays allocated */
  constructor(
    context: LoadContext,
    wanted: { readonly lengthBytes: number; readonly bufferCount: number; readonly slots?: SlotPolicy },
  ) {
    this.#slots = wanted.slots ?? 'kept';
    const buffers: DmaBuf[] = [];
    try {
      for (let index = 0; index < wanted.bufferCount; index += 1)
        buffers.push(context.kernel.allocate(context.heap, wanted.lengthBytes, `frame-${index}`));
    } catch (error) {
      for (const buffer of buffers) buffer.close();
      throw error;
    }
    this.#buffers = buffers;
  }

  /** The buffer of a step. */
  at(step: number): DmaBuf {
    const buffer = this.#buffers[step % this.#buffers.length];
    assert(buffer !== undefined, 'A set has buffers');
    return buffer;
  }

  /** The same, with its slot. Shuffled, a slot never gets the buffer that it has. */
  slottedAt(step: number): SlottedBuffer {
    const count = this.#buffers.length;
    const slot = step % count;
    if (this.#slots === 'kept' || count === 1) return { slot, buffer: this.at(step) };
    // Each round moves back by one, so that every slot gets another buffer than before: one that no
    // slot still has mapped, but for the first of a round.
    const shift = Math.floor(step / count) + 1;
    return { slot, buffer: this.at(slot + count - (shift % count)) };
  }

  close(): void {
    for (const buffer of this.#buffers) buffer.close();
  }
}
