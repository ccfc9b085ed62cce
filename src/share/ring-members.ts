import { setImmediate } from 'node:timers/promises';

import { runAllSteps } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { BufferConnection, ShareWaitOptions } from './buffer-connection.ts';
import type { CheckedRing } from './frame-ring-options.ts';
import { createRingArea } from './ring-area-memory.ts';
import { RingMember } from './ring-member.ts';
import type { RingConsumerStats } from './ring-member.ts';
import { decodeJoin, encodeRingMessage } from './ring-messages.ts';
import type { JoinMessage } from './ring-messages.ts';
import type { RingPublisher } from './ring-publisher.ts';
import { completeSteps } from './ring-steps.ts';

/** Options of `FrameRing.addConsumer`. */
export interface AddConsumerOptions extends ShareWaitOptions {
  /**
   * Whether the producer waits for this consumer when it takes every frame and has fallen behind, rather than overwrite what it has
   * not taken. Default: false.
   */
  readonly block?: boolean | undefined;
}

/** The ring that consumers join. */
interface JoinableRing {
  readonly options: CheckedRing;
  readonly publisher: RingPublisher;
  readonly buffers: readonly DmaBuf[];
  /** A consumer has come, gone, or sent a message. */
  changed(): void;
}

/** The consumers of a ring, on its producer's side: who may join, and until when each is there. */
export class RingMembers {
  readonly #ring: JoinableRing;
  readonly #members = new Set<RingMember>();
  /** Connections whose consumers have not said yet what they want. */
  readonly #joining = new Set<BufferConnection>();
  #closed = false;

  constructor(ring: JoinableRing) {
    this.#ring = ring;
  }

  get count(): number {
    return this.#members.size;
  }

  stats(): RingConsumerStats[] {
    return [...this.#members].map((member) => member.stats(this.#ring.publisher.sequence));
  }

  /** Lets the consumer at the other end join. When it cannot, the connection is closed. */
  async add(connection: BufferConnection, options: AddConsumerOptions): Promise<void> {
    try {
      this.#checkOpen();
      const join = await this.#receiveJoin(connection, options);
      this.#checkOpen();
      const refusal = this.#refusalOf(join);
      if (refusal === undefined) await this.#admit(connection, join, options);
      else await refuse(connection, refusal);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Tells every consumer that nothing more will come, and lets go of it. */
  close(): void {
    this.#closed = true;
    for (const member of this.#members) completeSteps(this.#ring.publisher.end(member));
    const members = [...this.#members].map((member) => () => this.#drop(member));
    const joining = [...this.#joining].map((connection) => () => connection.close());
    runAllSteps([...members, ...joining], 'Several consumers could not be let go');
  }

  async #receiveJoin(connection: BufferConnection, { signal }: ShareWaitOptions): Promise<JoinMessage> {
    this.#joining.add(connection);
    try {
      const received = await connection.receive({ signal });
      if (received === undefined) throw new DmaBufError('Cannot add the consumer as it is gone', { code: 'EPIPE' });
      received.close();
      return decodeJoin(received.message);
    } finally {
      this.#joining.delete(connection);
    }
  }

  /** What all may hold, what is written and the newest are different frames: so one can always be taken. */
  #refusalOf({ heldMax }: JoinMessage): string | undefined {
    const { frameCount, writableMax } = this.#ring.options;
    const heldByOthers = [...this.#members].reduce((sum, member) => sum + member.heldMax, 0);
    const needed = 1 + writableMax + heldByOthers + heldMax;
    if (needed <= frameCount) return undefined;
    return `${needed} frames would be needed and there are ${frameCount}: create the ring with more { frameCount }, or join with less { heldMax }`;
  }

  async #admit(connection: BufferConnection, join: JoinMessage, options: AddConsumerOptions): Promise<void> {
    const { publisher, buffers } = this.#ring;
    const { frameLength, frameCount, metadataBytes } = this.#ring.options;
    const { mode, heldMax } = join;
    const memory = createRingArea({ frameCount, metadataBytes, heldMax });
    const member = new RingMember({ connection, memory, mode, block: options.block === true && mode === 'every' });
    // Before anything is waited for: two that join at once must not be promised the same frames.
    this.#members.add(member);
    publisher.addReader(member);
    const message = encodeRingMessage({ frameLength, frameCount, metadataBytes, heldMax });
    try {
      await connection.send({ message, buffers: [memory.buffer, ...buffers] }, { signal: options.signal });
    } catch (error) {
      this.#drop(member);
      throw error;
    }
    // Whoever waits for a frame has to tell this one as well.
    this.#ring.changed();
    void this.#watch(member, connection);
  }

  /** Until the consumer is gone: then it holds nothing any more. */
  async #watch(member: RingMember, connection: BufferConnection): Promise<void> {
    try {
      for (let received = await connection.receive(); received !== undefined; received = await connection.receive()) {
        received.close();
        this.#ring.changed();
        // One that sends all the time must not keep the event loop from turning.
        await setImmediate();
      }
    } catch (error) {
      // One that sends what is no message is as good as gone.
      if (!isDmaBufError(error)) throw error;
    } finally {
      this.#drop(member);
    }
  }

  #drop(member: RingMember): void {
    if (!this.#members.delete(member)) return;
    this.#ring.publisher.removeReader(member);
    this.#ring.changed();
    member.close();
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new DmaBufError('Cannot add a consumer to the frame ring after it was closed', { code: 'ERR_DMABUF_CLOSED' });
  }
}

async function refuse(connection: BufferConnection, refusal: string): Promise<never> {
  await connection.send({ message: encodeRingMessage({ refusal }) });
  throw new DmaBufError(`Cannot add the consumer as ${refusal}`, { code: 'EBUSY' });
}
