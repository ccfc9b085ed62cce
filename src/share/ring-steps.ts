/**
 * An operation on memory that another process works on as well. It yields before each access to that memory: there the other
 * may come in between, and there either may be killed. A test decides what happens at each of these points.
 */
export type RingSteps<Result> = Generator<void, Result, void>;

/** Does the whole operation. */
export function completeSteps<Result>(steps: RingSteps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
