import { onAbort, throwIfAborted } from '../base/abort.ts';
import type { FlipEvent } from '../linux/calls/drm-commit-calls.ts';
import type { BorrowedFd, OwnedFd } from '../linux/calls/fd.ts';
import { readiness } from '../linux/calls/readiness.ts';

/** Where flips are told. */
interface FlipSource {
  /** Does not wait. */
  readFlips(card: BorrowedFd): FlipEvent[];
}

/** How an event is waited for. */
type WaitForEvent = (card: BorrowedFd, signal: AbortSignal) => Promise<void>;

const waitForEvent: WaitForEvent = async (card, signal) => await readiness.wait(card, 'read', { signal });

/**
 * The flips of one CRTC, one at a time: the kernel refuses a second one with EBUSY until it has
 * reported the first (drivers/gpu/drm/drm_atomic_helper.c, drm_atomic_helper_setup_commit).
 */
export class Flips {
  readonly #source: FlipSource;
  readonly #card: OwnedFd;
  readonly #wait: WaitForEvent;
  readonly #end = new AbortController();
  /** Settles when the flip under way is reported, or never will be. */
  #flying: Promise<unknown> | undefined;
  #tokenNext = 1;

  constructor(source: FlipSource, card: OwnedFd, wait: WaitForEvent = waitForEvent) {
    this.#source = source;
    this.#card = card;
    this.#wait = wait;
  }

  /**
   * Makes a flip once the one before is reported, and waits until it is reported itself.
   *
   * @param commit asks the kernel for the flip; the token is to come back in its event
   * @throws the abort reason when given up, before `commit` ran or after
   */
  async make(commit: (token: number) => void, signal: AbortSignal | undefined): Promise<FlipEvent> {
    throwIfAborted(signal);
    while (this.#flying !== undefined) await unlessAborted(this.#flying, signal);
    throwIfAborted(this.#end.signal);
    const token = this.#tokenNext;
    this.#tokenNext = (this.#tokenNext % 0xffff_ffff) + 1;
    commit(token);
    const reported = this.#reported(token);
    const land = (): void => {
      this.#flying = undefined;
    };
    this.#flying = reported.then(land, land);
    return await unlessAborted(reported, signal);
  }

  /** Rejects what waits with `reason`. */
  end(reason: Error): void {
    this.#end.abort(reason);
  }

  async #reported(token: number): Promise<FlipEvent> {
    for (;;) {
      const flip = this.#source.readFlips(this.#card.borrow()).find((event) => event.token === token);
      if (flip !== undefined) return flip;
      await this.#wait(this.#card.borrow(), this.#end.signal);
    }
  }
}

/** What `promise` gives, or the reason of the signal, whichever comes first. */
async function unlessAborted<Result>(promise: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  let stopListening = (): void => {};
  try {
    throwIfAborted(signal);
    return await new Promise<Result>((resolve, reject) => {
      stopListening = onAbort(signal, reject);
      promise.then(resolve, reject);
    });
  } finally {
    stopListening();
  }
}
