import { onAbort } from '../../base/abort.ts';

/** A time limit. */
interface DeadlineOptions {
  readonly timeoutMs: number;
  /** The abort reason when the time is over. */
  readonly reason: () => Error;
  /** Aborts it earlier, with a reason of its own. */
  readonly signal: AbortSignal | undefined;
}

/**
 * A signal that aborts after some time, or together with another signal. End it when it is no
 * longer needed.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #stopListening: () => void;
  readonly #timer: NodeJS.Timeout;

  /** @param options whose `signal`, if any, has not aborted */
  constructor({ timeoutMs, reason, signal }: DeadlineOptions) {
    this.#timer = setTimeout(() => this.#controller.abort(reason()), timeoutMs);
    this.#stopListening = onAbort(signal, (abortReason) => this.#controller.abort(abortReason));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Idempotent. */
  end(): void {
    clearTimeout(this.#timer);
    this.#stopListening();
  }
}
