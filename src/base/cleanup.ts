/**
 * Runs every step, even after one threw. Then throws what was thrown, several as one
 * `AggregateError`.
 */
export function runAllSteps(steps: Iterable<() => void>, message: string): void {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, message);
}

/**
 * The steps that undo an operation, in reverse order, unless the whole succeeds. (`DisposableStack`
 * would do; Node 20 does not have it.)
 *
 * `using` is shorter for resources that are closed on every exit, where two things do not matter.
 * When the close itself fails, `using` leaves behind what the body has made. And it reports both
 * failures as a SuppressedError, which Node 20 does not have.
 */
export class CleanupStack {
  #steps: (() => void)[] = [];

  /** Adds a step to run, before those already added, when this stack is unwound. */
  defer(step: () => void): void {
    this.#steps.push(step);
  }

  /** The whole succeeded: forgets every step. */
  disarm(): void {
    this.#steps = [];
  }

  /** Runs the steps, last added first, and forgets them. */
  unwind(): void {
    const steps = this.#steps.toReversed();
    this.#steps = [];
    runAllSteps(steps, 'Several cleanup steps failed');
  }
}

/**
 * Runs `body` with a stack. When `body` throws, unwinds the stack and rethrows the error, together
 * with any error of the unwinding.
 */
export function withCleanup<Result>(body: (cleanup: CleanupStack) => Result): Result {
  const cleanup = new CleanupStack();
  try {
    const result = body(cleanup);
    cleanup.disarm();
    return result;
  } catch (error) {
    try {
      cleanup.unwind();
    } catch (cleanupError) {
      throw new AggregateError([error, cleanupError], 'An operation and its cleanup both failed', {
        cause: cleanupError,
      });
    }
    throw error;
  }
}
