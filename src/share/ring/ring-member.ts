import { runAllSteps } from '../../base/cleanup.ts';
import type { PeerCredentials } from '../../linux/calls/unix-socket-calls.ts';
import type { BufferConnection } from '../connection/buffer-connection.ts';
import type { RingArea } from './ring-area.ts';
import type { RingAreaMemory } from './ring-area-memory.ts';
import type { RingMode } from './ring-claims.ts';
import { sendWake } from './ring-messages.ts';
import type { RingReader } from './ring-publisher.ts';

/** The producer's knowledge of a consumer. Impossible values from the consumer are ignored. */
export interface RingConsumerStats {
  /** The process that connected. */
  readonly pid: number;
  /** The frames that it takes. */
  readonly mode: RingMode;
  /** Whether the producer waits for it. */
  readonly block: boolean;
  /** How many frames it may hold at the same time. */
  readonly heldMax: number;
  /** How many frames it holds now. */
  readonly heldCount: number;
  /** How many frames it has skipped. */
  readonly dropped: number;
}

/** The conditions on which a consumer of a ring was admitted. */
interface Admission {
  readonly mode: RingMode;
  readonly block: boolean;
  readonly connection: BufferConnection;
  readonly memory: RingAreaMemory;
  /** The consumer breaks the protocol. Must not throw. */
  putOut(why: string): void;
}

/** A consumer, on the producer's side. */
export class RingMember implements RingReader {
  readonly area: RingArea;
  readonly block: boolean;
  readonly #admission: Admission;

  /** Takes ownership of connection and area. */
  constructor(admission: Admission) {
    this.#admission = admission;
    this.area = admission.memory.area;
    this.block = admission.block;
  }

  get heldMax(): number {
    return this.area.shape.heldMax;
  }

  get peer(): PeerCredentials {
    return this.#admission.connection.peer;
  }

  wake(): boolean {
    return sendWake(this.#admission.connection);
  }

  putOut(why: string): void {
    this.#admission.putOut(why);
  }

  /** @param published the number of frames published so far */
  stats(published: number): RingConsumerStats {
    const { area } = this;
    const { mode, block, connection } = this.#admission;
    const slots = Array.from({ length: this.heldMax }, (_, slot) => area.load(area.heldFrame(slot)));
    return {
      pid: connection.peer.pid,
      mode,
      block,
      heldMax: this.heldMax,
      heldCount: slots.filter((held) => held !== 0).length,
      dropped: Math.min(Math.max(0, area.load(area.dropped)), published),
    };
  }

  close(): void {
    const { connection, memory } = this.#admission;
    runAllSteps([() => connection.close(), () => memory.close()], 'A consumer could not be let go');
  }
}
