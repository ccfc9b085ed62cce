import { read, write } from 'node:fs';

import type { OwnedFd } from '../linux/calls/fd.ts';
import { readiness } from '../linux/calls/readiness.ts';

/** What adds 1 to an eventfd (man 2 eventfd). */
const ONE = Buffer.from(BigUint64Array.of(1n).buffer);

/**
 * An eventfd that is shared with other processes. They could let a read or a write of it block, so
 * each is made in another thread, one at a time.
 */
export class EventSignal {
  readonly #fd: OwnedFd;
  readonly #end = new AbortController();
  #isBusy = false;
  #wantsMore = false;

  /** Takes ownership of the descriptor. */
  constructor(fd: OwnedFd) {
    this.#fd = fd;
  }

  /** Wakes the other end. */
  send(): void {
    if (this.#isBusy) this.#wantsMore = true;
    else this.#send();
  }

  /** Calls `woken` at each signal of the other end, until this is closed. */
  async receive(woken: () => void): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await readiness.wait(this.#fd.borrow(), 'read', { signal });
      await this.#drain();
      if (!signal.aborted) woken();
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort(new Error('The signal was closed'));
    // Its number must stay its own until the other thread is done with it.
    if (!this.#isBusy) this.#fd.closeAside();
  }

  #send(): void {
    if (this.#end.signal.aborted) return;
    this.#isBusy = true;
    // An error is that of an eventfd that is full: the other end is woken anyhow.
    write(this.#fd.borrow(), ONE, () => {
      this.#done();
      if (this.#wantsMore) this.#send();
      this.#wantsMore = false;
    });
  }

  async #drain(): Promise<void> {
    this.#isBusy = true;
    await new Promise<void>((resolve) => {
      read(this.#fd.borrow(), Buffer.alloc(ONE.length), 0, ONE.length, null, () => {
        this.#done();
        resolve();
      });
    });
  }

  #done(): void {
    this.#isBusy = false;
    if (this.#end.signal.aborted) this.#fd.closeAside();
  }
}
