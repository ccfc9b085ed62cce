import { setImmediate } from 'node:timers/promises';

import { throwIfAborted } from '../../base/abort.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { runAllSteps } from '../../base/cleanup.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { BufferConnection } from '../connection/buffer-connection.ts';
import { Deadline } from './deadline.ts';
import type { CheckedRing } from './frame-ring-options.ts';
import type { ReceivedMessage } from '../connection/received-message.ts';
import type { AdmissionOptions, CheckedAdmission } from './ring-admission.ts';
import { createRingArea } from './ring-area-memory.ts';
import type { RingFrameMemory } from './ring-frame-memory.ts';
import { RingMember } from './ring-member.ts';
import type { RingConsumerStats } from './ring-member.ts';
import { decodeJoin, encodeRingMessage, protocolError } from './ring-messages.ts';
import type { JoinMessage } from './ring-messages.ts';
import type { RingPeerErrors } from './ring-peer-errors.ts';
import type { RingPublisher } from './ring-publisher.ts';
import { completeSteps } from './ring-steps.ts';

/** Options of `FrameRing.addConsumer`. */
export interface AddConsumerOptions extends AdmissionOptions, WaitOptions {}

/** The conditions for admitting a connection. */
type Admission = CheckedAdmission & { readonly signal: AbortSignal | undefined };

/** The ring that consumers join. */
interface JoinableRing {
  readonly options: CheckedRing;
  readonly publisher: RingPublisher;
  readonly frames: readonly RingFrameMemory[];
  readonly peerErrors: RingPeerErrors;
  /** A consumer has joined, left, or sent a message. */
  changed(): void;
}

/** The consumers of a ring, on the producer's side: which may join, and until when each stays. */
export class RingMembers {
  readonly #ring: JoinableRing;
  readonly #members = new Set<RingMember>();
  /** Connections whose request has not come yet. */
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

  /**
   * Lets the consumer at the other end join. When it cannot, or not in time, closes the connection.
   */
  async add(connection: BufferConnection, admission: Admission): Promise<void> {
    const { joinTimeoutMs, signal } = admission;
    let deadline: Deadline | undefined;
    try {
      throwIfAborted(signal);
      this.#checkOpen();
      deadline = new Deadline({ timeoutMs: joinTimeoutMs, reason: () => timeoutError(joinTimeoutMs), signal });
      const limited = { ...admission, signal: deadline.signal };
      const join = await this.#receiveJoin(connection, limited);
      this.#checkOpen();
      const refusal = this.#refusalOf(join, admission);
      if (refusal === undefined) await this.#admit(connection, join, limited);
      else await refuse(connection, refusal, limited);
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      deadline?.end();
    }
  }

  /** Tells every consumer that the ring has ended, and removes it. */
  close(): void {
    this.#closed = true;
    for (const member of this.#members) completeSteps(this.#ring.publisher.end(member));
    const members = [...this.#members].map((member) => () => this.#drop(member));
    const joining = [...this.#joining].map((connection) => () => connection.close());
    runAllSteps([...members, ...joining], 'Several consumers could not be let go');
  }

  async #receiveJoin(connection: BufferConnection, { signal }: WaitOptions): Promise<JoinMessage> {
    this.#joining.add(connection);
    try {
      const received = await connection.receive({ signal });
      if (received === undefined) throw new DmaBufError('Cannot add the consumer as it is gone', { code: 'EPIPE' });
      refuseDescriptors(received);
      return decodeJoin(received.message);
    } finally {
      this.#joining.delete(connection);
    }
  }

  /**
   * The frames that all consumers may hold, those being written and the newest are different
   * frames. So one can always be taken.
   */
  #refusalOf({ heldMax }: JoinMessage, { heldMax: heldMaxAllowed }: Admission): string | undefined {
    if (heldMax > heldMaxAllowed)
      return `a consumer may hold ${heldMaxAllowed} frames here and it asks for ${heldMax}: join with less { heldMax }`;
    const { frameCount, writableMax } = this.#ring.options;
    const heldByOthers = [...this.#members].reduce((sum, member) => sum + member.heldMax, 0);
    const needed = 1 + writableMax + heldByOthers + heldMax;
    if (needed <= frameCount) return undefined;
    return `${needed} frames would be needed and there are ${frameCount}: create the ring with more { frameCount }, or join with less { heldMax }`;
  }

  async #admit(connection: BufferConnection, join: JoinMessage, { block, signal }: Admission): Promise<void> {
    const { publisher, frames } = this.#ring;
    const { frameLength, frameCount, metadataBytes } = this.#ring.options;
    const { mode, heldMax } = join;
    const memory = createRingArea({ frameCount, metadataBytes, heldMax });
    const member: RingMember = new RingMember({
      connection,
      memory,
      mode,
      block: block && mode === 'every',
      putOut: (why) => this.#putOut(member, protocolError(why)),
    });
    // Before any wait: two consumers that join at once must not be promised the same frames.
    this.#members.add(member);
    publisher.addReader(member);
    const message = encodeRingMessage({ frameLength, frameCount, metadataBytes, heldMax });
    try {
      const buffers = [memory.buffer, ...frames.map(({ buffer }) => buffer)];
      // All frames are alike, so the description of the first is valid for each.
      await connection.send({ message, buffers, frame: frames[0]?.layout }, { signal });
    } catch (error) {
      this.#drop(member);
      throw error;
    }
    // A producer that waits for a frame must notify this consumer as well.
    this.#ring.changed();
    void this.#watch(member, connection);
  }

  /** Resolves when the consumer is gone: it holds no frames then. Never rejects. */
  async #watch(member: RingMember, connection: BufferConnection): Promise<void> {
    try {
      for (let received = await connection.receive(); received !== undefined; received = await connection.receive()) {
        refuseDescriptors(received);
        this.#ring.changed();
        // A consumer that sends all the time must not block the event loop.
        await setImmediate();
      }
    } catch (error) {
      // Closed or removed by this side: the connection ends while it is watched.
      if (this.#members.has(member)) this.#putOut(member, error);
    }
    this.#letGo(member);
  }

  /**
   * A consumer that sends an invalid message, or breaks the protocol in its words, is reported and
   * removed.
   */
  #putOut(member: RingMember, error: unknown): void {
    this.#ring.peerErrors.putOut(error, member.peer);
    this.#letGo(member);
  }

  /** As {@link #drop}, without throwing. */
  #letGo(member: RingMember): void {
    try {
      this.#drop(member);
    } catch (error) {
      this.#ring.peerErrors.notLetGo(error, member.peer);
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

async function refuse(connection: BufferConnection, refusal: string, { signal }: Admission): Promise<never> {
  await connection.send({ message: encodeRingMessage({ refusal }) }, { signal });
  throw new DmaBufError(`Cannot add the consumer as ${refusal}`, { code: 'EBUSY' });
}

/** A consumer has nothing to send but wake-ups. Any contents are closed. */
function refuseDescriptors(received: ReceivedMessage): void {
  const count = received.buffers.length + received.syncFiles.length;
  received.close();
  if (count > 0) throw protocolError(`it comes with ${count} buffers and sync files, where a consumer sends none`);
}

function timeoutError(joinTimeoutMs: number): DmaBufError {
  return new DmaBufError(
    `Cannot add the consumer as it did not join within ${joinTimeoutMs} ms: a process that connects has to call joinFrameRing()`,
    { code: 'ETIMEDOUT', values: { joinTimeoutMs } },
  );
}
