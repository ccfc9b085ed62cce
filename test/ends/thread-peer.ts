import { setTimeout } from 'node:timers/promises';

import { listen } from '../../src/share/index.ts';
import type { BufferConnection, BufferListener } from '../../src/share/index.ts';

/**
 * The other end of a thread's connections: sends and receives all the time, and watches for their
 * end.
 */
export class ThreadPeer {
  readonly #listener: BufferListener;
  readonly #accepting: Promise<void>;
  readonly #open = new Set<BufferConnection>();
  #acceptedCount = 0;

  private constructor(listener: BufferListener) {
    this.#listener = listener;
    this.#accepting = this.#accept();
  }

  static async listen(path: string): Promise<ThreadPeer> {
    return new ThreadPeer(await listen(path));
  }

  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  /**
   * Once the thread has ended: how many connections do not know it after so many turns of the
   * event loop, of at least a millisecond each. A machine that is busy with others makes turns
   * longer, not fewer.
   */
  async countUnseenEnds(turnsMax: number): Promise<number> {
    for (let turn = 0; turn < turnsMax && this.#open.size > 0; turn += 1) await setTimeout(1);
    return this.#open.size;
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#acceptedCount += 1;
      this.#open.add(connection);
      void this.#exchange(connection);
      const seen = (): void => {
        this.#open.delete(connection);
        connection.close();
      };
      // Closed here already: sending was refused as the other end is gone, which ended the
      // exchange.
      void connection.whenPeerCloses().then(seen, () => (connection.closed ? seen() : undefined));
    }
  }

  async #exchange(connection: BufferConnection): Promise<void> {
    try {
      connection.trySend({ message: 'first' });
      for await (const message of connection) {
        message.close();
        connection.trySend({ message: 'more' });
      }
    } catch {
      // The other end is gone, as it should be.
    }
  }
}
