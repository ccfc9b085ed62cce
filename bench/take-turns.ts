import { assert } from '../src/base/assert.ts';
import { median } from '../src/base/median.ts';

/** Does something once and returns the times of its steps. */
export type Round<Times> = () => Times | Promise<Times>;

type Contestant = Round<unknown> | undefined;

/** A list of times for each contestant. */
type TimesOf<Contestants extends readonly Contestant[]> = {
  -readonly [Index in keyof Contestants]: Awaited<ReturnType<NonNullable<Contestants[Index]>>>[];
};

/** How often the contestants are run. */
export interface Turns {
  readonly turns: number;
  /**
   * Timed, in a row: the memory of one contestant should not push that of another out of the
   * caches.
   */
  readonly roundsPerTurn: number;
  /** At the start of each turn, not timed. */
  readonly warmupRounds: number;
}

/**
 * Runs every contestant for some rounds, then every one again, and so on: a disturbance of the
 * machine affects all of them.
 *
 * @param contestants undefined for one that is missing: it has no times
 * @returns the times of the counted rounds, by contestant
 */
export async function takeTurns<const Contestants extends readonly Contestant[]>(
  contestants: Contestants,
  { turns, roundsPerTurn, warmupRounds }: Turns,
): Promise<TimesOf<Contestants>> {
  const times: unknown[][] = contestants.map(() => []);
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [index, run] of contestants.entries()) {
      if (run === undefined) continue;
      for (let round = -warmupRounds; round < roundsPerTurn; round += 1) {
        const took = await run();
        if (round >= 0) times[index]?.push(took);
      }
    }
  }
  return times as unknown as TimesOf<Contestants>;
}

/** Null where nothing was measured. */
export function medianOrNull(timesNs: readonly number[]): number | null {
  return timesNs.length === 0 ? null : median(timesNs);
}

/** The 90th percentile of the times. */
export function ninetiethPercentile(timesNs: readonly number[]): number {
  const found = timesNs.toSorted((a, b) => a - b)[Math.ceil(timesNs.length * 0.9) - 1];
  assert(found !== undefined, 'A percentile needs a value');
  return found;
}

/** The ns since `start`, a reading of `process.hrtime.bigint()`. */
export function nsSince(start: bigint): number {
  return Number(process.hrtime.bigint() - start);
}
