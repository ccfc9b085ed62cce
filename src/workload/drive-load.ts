import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

import { throwIfAborted } from '../base/abort.ts';
import type { Load } from './loads/load.ts';
import type { PacedLoad } from './workload.ts';

/** In real time, for so long; or as fast as possible, so many steps of each consumer. */
export type LoadExtent = { readonly seconds: number } | { readonly stepCount: number };

/** A consumer that has what it needs. */
export interface StartedLoad {
  readonly load: Load;
  readonly description: PacedLoad;
}

/** How one consumer got on. */
export interface LoadOutcome {
  readonly consumer: string;
  readonly stepCount: number;
  /** Steps that were done after their deadline. Absent: it was not paced. */
  readonly lateCount?: number;
  /** Of a step, from when it was due to when it was done, at the longest. */
  readonly stepNsMax: number;
}

/** Told of each step when it is done, and whether that was after its deadline. */
export type OnStep = (isLate: boolean) => void;

interface DriveOptions {
  readonly extent: LoadExtent;
  readonly signal: AbortSignal;
  readonly onStep: OnStep | undefined;
}

/**
 * Makes the steps of a consumer, each when it is due, or as soon as the one before is done.
 *
 * @throws the signal's reason, before the next step; as a step fails
 */
export async function driveLoad(
  { load, description }: StartedLoad,
  { extent, signal, onStep }: DriveOptions,
): Promise<LoadOutcome> {
  const { consumer, stepsPerSecond } = description;
  const isPaced = 'seconds' in extent;
  const stepCount = isPaced ? Math.ceil(extent.seconds * stepsPerSecond) : extent.stepCount;
  const periodMs = 1000 / stepsPerSecond;
  const { deadlineMs = periodMs } = description;
  const since = performance.now();
  let lateCount = 0;
  let stepMsMax = 0;
  for (let index = 0; index < stepCount; index += 1) {
    const dueMs = isPaced ? since + index * periodMs : performance.now();
    await waitUntil(dueMs, signal);
    await load.step(index);
    const tookMs = performance.now() - dueMs;
    const isLate = isPaced && tookMs > deadlineMs;
    if (isLate) lateCount += 1;
    stepMsMax = Math.max(stepMsMax, tookMs);
    onStep?.(isLate);
  }
  return { consumer, stepCount, ...(isPaced ? { lateCount } : {}), stepNsMax: Math.round(stepMsMax * 1e6) };
}

/**
 * At least a turn of the event loop: signals and other consumers come in between. A timer may fire
 * early, as its time is counted in whole milliseconds, from the beginning of a turn.
 */
async function waitUntil(dueMs: number, signal: AbortSignal): Promise<void> {
  do {
    const leftMs = dueMs - performance.now();
    await (leftMs > 0 ? sleep(leftMs, undefined, { signal }) : turn(undefined, { signal })).catch(() => {});
    throwIfAborted(signal);
  } while (performance.now() < dueMs);
}
