/** A piece of work whose time shows the present speed of this machine. */

/**
 * Takes some 20 ms on a present-day processor, and two or three times as long in an emulator. That
 * is longer than the time slices of a busy machine, so that one measurement includes its share of
 * them.
 */
const STEP_COUNT = 25_000_000;
/**
 * A linear congruential generator: every step needs the one before, so the compiler removes none.
 */
const [FACTOR, ADDEND] = [1_664_525, 1_013_904_223];

export function fixedWork(): number {
  let state = 1;
  for (let step = 0; step < STEP_COUNT; step += 1) state = (Math.imul(state, FACTOR) + ADDEND) | 0;
  return state;
}

/** Repeated until the compiler has optimized the loop, at its second or third call. */
const WARM_UP_COUNT = 4;

export function warmUpFixedWork(): void {
  for (let call = 0; call < WARM_UP_COUNT; call += 1) fixedWork();
}

/**
 * How long {@link fixedWork} takes, in milliseconds of elapsed time. Processor time would not show
 * the load: a program that waits for a processor uses none, and neither does a guest of KVM, which
 * learns how much of its time was taken from it.
 */
export function measureFixedWorkMs(): number {
  const start = performance.now();
  fixedWork();
  return performance.now() - start;
}
