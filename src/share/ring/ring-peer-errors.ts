import { setImmediate } from 'node:timers/promises';
import { types } from 'node:util';

import type { PeerCredentials } from '../../linux/calls/unix-socket-calls.ts';

/**
 * Called about a peer that did not become a consumer, or was removed. It may be async. Its
 * exceptions and rejections are counted, and go no further.
 */
export type PeerErrorListener = (error: Error, peer: PeerCredentials) => unknown;

/** Reports misbehaving peers, and counts them: the producer gets no exception. */
export class RingPeerErrors {
  readonly #listener: PeerErrorListener | undefined;
  #refusedCount = 0;
  #putOutCount = 0;
  #listenerFailureCount = 0;

  constructor(listener: PeerErrorListener | undefined) {
    this.#listener = listener;
  }

  get refusedCount(): number {
    return this.#refusedCount;
  }

  get putOutCount(): number {
    return this.#putOutCount;
  }

  get listenerFailureCount(): number {
    return this.#listenerFailureCount;
  }

  /** A peer did not become a consumer. */
  refused(error: unknown, peer: PeerCredentials): void {
    this.#refusedCount += 1;
    void this.#tell(error, peer);
  }

  /** A consumer broke the protocol. */
  putOut(error: unknown, peer: PeerCredentials): void {
    this.#putOutCount += 1;
    void this.#tell(error, peer);
  }

  /** An error on this side when a consumer was removed. */
  notLetGo(error: unknown, peer: PeerCredentials): void {
    void this.#tell(error, peer);
  }

  /** Never rejects. */
  async #tell(error: unknown, peer: PeerCredentials): Promise<void> {
    if (this.#listener === undefined) return;
    // Deferred: the ring may be in the middle of an operation, and the listener may call it.
    await setImmediate();
    try {
      const shown = types.isNativeError(error) ? error : new Error('Gave up', { cause: error });
      await this.#listener(shown, peer);
    } catch {
      this.#listenerFailureCount += 1;
    }
  }
}
