import { median } from '../base/median.ts';

/** Medians of the frames since the last reading, in nanoseconds. */
export type StageTimes<Stage extends string> = Readonly<Record<Stage, number>>;

/** More are not kept: the newest say how it is going. */
const FRAME_COUNT_MAX = 512;

/** Collects how long the stages of a frame's way take. */
export class StageClock<Stage extends string> {
  readonly #stages: readonly Stage[];
  #samples: number[][];
  #last = process.hrtime.bigint();

  constructor(stages: readonly Stage[]) {
    this.#stages = stages;
    this.#samples = stages.map(() => []);
  }

  /** A frame's way begins. */
  start(): void {
    this.#last = process.hrtime.bigint();
  }

  /** A stage ends, and the next one begins. */
  end(stage: Stage): void {
    const now = process.hrtime.bigint();
    const samples = this.#samples[this.#stages.indexOf(stage)] as number[];
    samples.push(Number(now - this.#last));
    if (samples.length > FRAME_COUNT_MAX) samples.shift();
    this.#last = now;
  }

  /** Medians since the last reading; 0 for a stage that no frame has been through. */
  read(): StageTimes<Stage> {
    const times = this.#stages.map((stage, index) => [stage, medianOf(this.#samples[index] as number[])] as const);
    this.#samples = this.#stages.map(() => []);
    return Object.freeze(Object.fromEntries(times)) as StageTimes<Stage>;
  }
}

function medianOf(samples: readonly number[]): number {
  return samples.length === 0 ? 0 : median(samples);
}
