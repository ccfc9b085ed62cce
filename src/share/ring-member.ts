import { runAllSteps } from '../base/cleanup.ts';
import type { BufferConnection } from './buffer-connection.ts';
import type { RingArea } from './ring-area.ts';
import type { RingAreaMemory } from './ring-area-memory.ts';
import type { RingMode } from './ring-claims.ts';
import { sendWake } from './ring-messages.ts';
import type { RingReader } from './ring-publisher.ts';

/** What a producer knows of a consumer. What the consumer says of itself is believed only as far as it can be true. */
export interface RingConsumerStats {
  /** The process that connected. */
  readonly pid: number;
  readonly mode: RingMode;
  /** Whether the producer waits for it. */
  readonly block: boolean;
  readonly heldMax: number;
  /** How many frames it holds now. */
  readonly heldCount: number;
  /** How many frames it has passed over. */
  readonly dropped: number;
}

/** What a consumer of a ring was admitted with. */
interface Admission {
  readonly mode: RingMode;
  readonly block: boolean;
  readonly connection: BufferConnection;
  readonly memory: RingAreaMemory;
}

/** A consumer, on its producer's side. */
export class RingMember implements RingReader {
  readonly area: RingArea;
  readonly block: boolean;
  readonly #admission: Admission;

  /** Takes connection and area over. */
  constructor(admission: Admission) {
    this.#admission = admission;
    this.area = admission.memory.area;
    this.block = admission.block;
  }

  get heldMax(): number {
    return this.area.shape.heldMax;
  }

  wake(): boolean {
    return sendWake(this.#admission.connection);
  }

  /** @param published how many frames there were so far */
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
