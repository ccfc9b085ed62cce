import { quantile } from '../base/median.ts';

/** The number of runs of a measurement. */
export interface Sampling {
  /** Timed runs. */
  readonly rounds: number;
  /** Untimed runs before them: caches fill, pages are faulted in, code is compiled. */
  readonly warmupRounds: number;
}

/**
 * The times of the runs. Quote the median. A wide gap between the quartiles shows that the machine
 * was busy.
 */
interface Sample {
  readonly minNs: number;
  readonly firstQuartileNs: number;
  readonly medianNs: number;
  readonly thirdQuartileNs: number;
}

export const SAMPLING_DEFAULT: Sampling = { rounds: 51, warmupRounds: 20 };

export function toSample(timesNs: readonly number[]): Sample {
  const sorted = timesNs.toSorted((a, b) => a - b);
  return {
    minNs: quantile(sorted, 0),
    firstQuartileNs: quantile(sorted, 0.25),
    medianNs: quantile(sorted, 0.5),
    thirdQuartileNs: quantile(sorted, 0.75),
  };
}

/**
 * Runs `run` again and again, with a clock reading before and after each: for runs of a microsecond
 * or more.
 */
export function sample(run: () => void, sampling: Sampling = SAMPLING_DEFAULT): Sample {
  const timesNs: number[] = [];
  for (let round = -sampling.warmupRounds; round < sampling.rounds; round++) {
    const start = process.hrtime.bigint();
    run();
    const took = Number(process.hrtime.bigint() - start);
    if (round >= 0) timesNs.push(took);
  }
  return toSample(timesNs);
}
