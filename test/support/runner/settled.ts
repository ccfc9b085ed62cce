import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

/** Between two looks. */
const PAUSE_MS = 20;
/** More than a busy machine takes: what never comes is a failure then. */
const LOOKS_MAX = 1500;

/**
 * What two looks in a row show: the event loop keeps some descriptors for a turn longer than they
 * are needed, and the kernel ends threads a moment after they are joined.
 */
export async function settled<Seen>(look: () => Seen, pauseMs = PAUSE_MS): Promise<Seen> {
  for (let before = look(); ;) {
    await sleep(pauseMs);
    const now = look();
    if (isDeepStrictEqual(now, before)) return now;
    before = now;
  }
}

/** Waits until it is so: however long the kernel takes. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(PAUSE_MS);
}

/** Asserts that `look` shows what is expected, at once or soon. */
export async function assertSettles<Seen>(look: () => Seen, expected: Seen, message?: string): Promise<void> {
  for (let count = 0; count < LOOKS_MAX && !isDeepStrictEqual(look(), expected); count += 1) await sleep(PAUSE_MS);
  assert.deepEqual(look(), expected, message);
}
