import { TIME_USES } from './time-use.ts';
import type { TimeUse } from './time-use.ts';

/** What a bin holds: calls, and nanoseconds by what they went into. */
type Bin = Float64Array;

const CALLS = 0;
const FIELD_COUNT = 1 + TIME_USES.length;

/** What happened in some neighbouring bins. */
export interface TimeLineSlice {
  readonly calls: number;
  readonly totalNs: number;
  /** As {@link TIME_USES}. */
  readonly nsByUse: readonly number[];
}

/** The mappings of one consumer, by the bins of its time line. */
export class TimeLineRow {
  readonly consumer: string;
  #bins = new Map<number, Bin>();
  callCount = 0;
  totalNs = 0;

  constructor(consumer: string) {
    this.consumer = consumer;
  }

  addCalls(bin: number, count: number): void {
    this.#add(bin, CALLS, count);
    this.callCount += count;
  }

  addTime(bin: number, use: TimeUse, ns: number): void {
    this.#add(bin, 1 + TIME_USES.indexOf(use), ns);
    this.totalNs += ns;
  }

  /** Two bins become one. */
  halve(): void {
    const halved = new Map<number, Bin>();
    for (const [bin, fields] of this.#bins) {
      const target = Math.floor(bin / 2);
      const sum = halved.get(target);
      if (sum === undefined) halved.set(target, fields);
      else for (const [index, value] of fields.entries()) sum[index] = (sum[index] ?? 0) + value;
    }
    this.#bins = halved;
  }

  /** All bins from `first` on, `count` of them, as one. */
  slice(first: number, count = 1): TimeLineSlice {
    const sums = Array.from<number>({ length: FIELD_COUNT }).fill(0);
    for (let bin = first; bin < first + count; bin += 1) {
      for (const [index, value] of (this.#bins.get(bin) ?? []).entries()) sums[index] = (sums[index] ?? 0) + value;
    }
    const [calls = 0, ...nsByUse] = sums;
    return { calls, totalNs: nsByUse.reduce((sum, ns) => sum + ns, 0), nsByUse };
  }

  #add(bin: number, field: number, value: number): void {
    const fields = this.#bins.get(bin) ?? new Float64Array(FIELD_COUNT);
    fields[field] = (fields[field] ?? 0) + value;
    this.#bins.set(bin, fields);
  }
}
