import { errnoName } from '../../base/errors.ts';
import type { MappingEvent, UnmappingEvent } from '../mapping-event.ts';
import { BufferUses } from './buffer-uses.ts';
import { nameConsumer } from './consumer.ts';
import type { Consumer, ConsumerFacts } from './consumer.ts';
import { DISTURBING } from './disturbing-marks.ts';
import { DurationSample } from './duration-sample.ts';
import { addTimes, divideTime, NO_TIME } from './part-times.ts';
import type { PartTimes } from './part-times.ts';

/** What one call path does. What the source does not tell is absent. */
export interface CallerStatistics {
  /** Functions from the innermost `dma_buf_vmap` outward. */
  readonly path: readonly string[];
  /** Which driver that is, as far as its functions tell. */
  readonly consumer: Consumer;
  /** How often it mapped a buffer. */
  readonly callCount: number;
  /** Stacks sampled while it mapped: no calls. Absent: none. */
  readonly sampleCount?: number;
  /** How many of the calls were refused. */
  readonly failureCount: number;
  /** How often each was returned, by its name: `ENOMEM`. */
  readonly failures: Readonly<Record<string, number>>;
  /** Of all its calls whose buffer's size is known. */
  readonly totalBytes?: number;
  /** The smallest and the largest of the buffers whose size is known. */
  readonly sizeBytes?: {
    /** Of the smallest. */
    readonly min: number;
    /** Of the largest. */
    readonly max: number;
  };
  /** Of all its calls whose duration is known. */
  readonly totalNs?: number;
  /** Of those that nothing disturbed. */
  readonly medianNs?: number;
  /** The longest of all whose duration is known. */
  readonly maxNs?: number;
  /** How many durations are in no median, since something else ran meanwhile. */
  readonly disturbedCount: number;
  /** Of the calls whose parts are known. */
  readonly partTimes?: PartTimes;
  /** How many calls {@link partTimes} is of, and how many bytes they mapped. */
  readonly dividedCount: number;
  /** How many of those a tracer of the kernel measured: its cost is in their times. */
  readonly tracedCount: number;
  /** From the first call to the last, where there are times. */
  readonly firstTime?: number;
  /** In seconds, as {@link firstTime}. */
  readonly lastTime?: number;
  /** Where buffers are told apart. */
  readonly buffers?: {
    /** How many different buffers it mapped. */
    readonly count: number;
    /** Mappings of a buffer that it had mapped before. */
    readonly repeatCount: number;
    /** What those took, where it is known. */
    readonly repeatNs: number;
    /** Mappings that were undone before the same buffer was mapped again. */
    readonly oneUseCount: number;
  };
  /** Whose buffers it mapped, by name, in order: at most 16. */
  readonly exporters: readonly string[];
  /** The names of the tasks that mapped, in order: at most 16. A kernel thread maps for others. */
  readonly tasks: readonly string[];
}

const NAMES_MAX = 16;

/** Adds up what one call path does. */
export class CallerTotals {
  readonly #path: readonly string[];
  readonly #consumer: Consumer;
  readonly #durations = new DurationSample();
  readonly #undisturbed = new DurationSample();
  readonly #uses = new BufferUses();
  readonly #exporters = new Set<string>();
  readonly #tasks = new Set<string>();
  #callCount = 0;
  #sampleCount = 0;
  readonly #failures = new Map<string, number>();
  #sizedCount = 0;
  #totalBytes = 0;
  #minBytes = Number.POSITIVE_INFINITY;
  #maxBytes = 0;
  #disturbedCount = 0;
  #partTimes: PartTimes = NO_TIME;
  #dividedCount = 0;
  #tracedCount = 0;
  #firstTime: number | undefined;
  #lastTime: number | undefined;

  constructor(event: ConsumerFacts) {
    this.#path = event.path;
    this.#consumer = nameConsumer(event);
  }

  add(event: MappingEvent): void {
    const { count = 1, marks = [], sizeBytes, exporter, task, result, time } = event;
    if (marks.includes('sample')) {
      this.#sampleCount += count;
      return;
    }
    this.#callCount += count;
    if (result !== undefined && result < 0) this.#addFailure(errnoName(-result), count);
    if (sizeBytes !== undefined) this.#addSize(sizeBytes, count);
    addName(this.#exporters, exporter);
    addName(this.#tasks, task?.comm);
    if (time !== undefined) {
      this.#firstTime = Math.min(this.#firstTime ?? time, time);
      this.#lastTime = Math.max(this.#lastTime ?? time, time);
    }
    this.#addDuration(event);
    if (event.buffer !== undefined) this.#uses.map(event.buffer, event.durationNs ?? 0);
  }

  unmap({ buffer }: UnmappingEvent): void {
    if (buffer !== undefined) this.#uses.unmap(buffer);
  }

  statistics(): CallerStatistics {
    const { count, repeatCount, repeatNs, oneUseCount } = { count: this.#uses.bufferCount, ...usesOf(this.#uses) };
    const medianNs = this.#undisturbed.median();
    return {
      path: this.#path,
      consumer: this.#consumer,
      callCount: this.#callCount,
      ...(this.#sampleCount === 0 ? {} : { sampleCount: this.#sampleCount }),
      failureCount: [...this.#failures.values()].reduce((sum, one) => sum + one, 0),
      failures: Object.fromEntries(this.#failures),
      ...(this.#sizedCount === 0
        ? {}
        : { totalBytes: this.#totalBytes, sizeBytes: { min: this.#minBytes, max: this.#maxBytes } }),
      ...(this.#durations.count === 0 ? {} : { totalNs: this.#durations.totalNs, maxNs: this.#durations.maxNs }),
      ...(medianNs === undefined ? {} : { medianNs }),
      disturbedCount: this.#disturbedCount,
      ...(this.#dividedCount === 0 ? {} : { partTimes: this.#partTimes }),
      dividedCount: this.#dividedCount,
      tracedCount: this.#tracedCount,
      ...(this.#firstTime === undefined ? {} : { firstTime: this.#firstTime }),
      ...(this.#lastTime === undefined ? {} : { lastTime: this.#lastTime }),
      ...(count === 0 ? {} : { buffers: { count, repeatCount, repeatNs, oneUseCount } }),
      exporters: [...this.#exporters].toSorted(),
      tasks: [...this.#tasks].toSorted(),
    };
  }

  #addFailure(name: string, count: number): void {
    this.#failures.set(name, (this.#failures.get(name) ?? 0) + count);
  }

  #addSize(sizeBytes: number, count: number): void {
    this.#sizedCount += count;
    this.#totalBytes += sizeBytes * count;
    this.#minBytes = Math.min(this.#minBytes, sizeBytes);
    this.#maxBytes = Math.max(this.#maxBytes, sizeBytes);
  }

  #addDuration({ form, durationNs, marks = [], parts }: MappingEvent): void {
    if (durationNs === undefined || durationNs === null) return;
    this.#durations.add(durationNs);
    if (marks.some((mark) => DISTURBING.has(mark))) {
      this.#disturbedCount += 1;
      return;
    }
    this.#undisturbed.add(durationNs);
    const times = parts === undefined ? undefined : divideTime(parts, durationNs);
    if (times === undefined) return;
    this.#partTimes = addTimes(this.#partTimes, times);
    this.#dividedCount += 1;
    if (form !== 'replay') this.#tracedCount += 1;
  }
}

function addName(names: Set<string>, name: string | undefined): void {
  if (name !== undefined && names.size < NAMES_MAX) names.add(name);
}

function usesOf({ repeatCount, repeatNs, oneUseCount }: BufferUses): {
  repeatCount: number;
  repeatNs: number;
  oneUseCount: number;
} {
  return { repeatCount, repeatNs, oneUseCount };
}
