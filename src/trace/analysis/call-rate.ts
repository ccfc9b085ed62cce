import type { CallerStatistics } from './caller-statistics.ts';

/** Fewer calls are no rate. */
const STEADY_CALLS_MIN = 10;

/** How often a call path maps, and over how long. */
interface CallRate {
  readonly seconds: number;
  readonly callsPerSecond: number;
}

/** Undefined for too few calls, and where there are no times. */
export function callRate({
  callCount,
  firstTime,
  lastTime,
}: Pick<CallerStatistics, 'callCount' | 'firstTime' | 'lastTime'>): CallRate | undefined {
  if (callCount < STEADY_CALLS_MIN || firstTime === undefined || lastTime === undefined) return undefined;
  const seconds = lastTime - firstTime;
  return seconds > 0 ? { seconds, callsPerSecond: (callCount - 1) / seconds } : undefined;
}
