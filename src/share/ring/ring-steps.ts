/**
 * An operation on memory that another process accesses as well. It yields before each access to
 * that memory, where the other process may act, and where either may be killed. A test decides what
 * happens at each of these points.
 */
export type RingSteps<Result> = Generator<void, Result, void>;

/** Runs the whole operation. */
export function completeSteps<Result>(steps: RingSteps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
