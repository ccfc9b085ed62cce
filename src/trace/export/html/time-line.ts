import { nameConsumer } from '../../analysis/consumer.ts';
import { divideTime, waitBeforeNs } from '../../analysis/part-times.ts';
import type { MappingEvent } from '../../mapping-event.ts';
import { shortName } from './markup.ts';
import { TimeLineRow } from './time-line-row.ts';
import { TIME_USES } from './time-use.ts';
import type { TimeUse } from './time-use.ts';

/** As many as there are pixels for on a small screen. */
export const BINS_MAX = 360;
/** A hostile file invents consumers; a machine has some dozens. */
const ROWS_MAX = 256;
const PATHS_MAX = 16_384;
const OTHER_CONSUMERS = 'all others';
/** A nanosecond: a trace is never finer. */
const FIRST_BIN_SECONDS = 2 ** -30;

/**
 * When each consumer mapped, and what that time went into, in bins of equal length. However long
 * the trace is, there are at most {@link BINS_MAX} bins: where they do not suffice, two and two
 * become one. Times may come in any order.
 */
export class TimeLine {
  readonly #rows = new Map<string, TimeLineRow>();
  readonly #rowsByPath = new Map<string, TimeLineRow>();
  #binSeconds = FIRST_BIN_SECONDS;
  /** The first time that came: bin 0 begins there. */
  #originSeconds: number | undefined;
  #firstBin = 0;
  #lastBin = 0;
  /** Mappings without a time. */
  untimedCount = 0;

  add(event: MappingEvent): void {
    if (event.marks?.includes('sample') === true) return;
    const { time, count = 1 } = event;
    const start = time === undefined ? Number.NaN : time - (this.#originSeconds ?? time);
    const durationNs = event.durationNs ?? undefined;
    const end = start + (durationNs ?? 0) / 1e9;
    if (time === undefined || !Number.isFinite(start) || !Number.isFinite(end)) {
      this.untimedCount += count;
      return;
    }
    this.#originSeconds ??= time;
    const waitSeconds = durationNs === undefined ? 0 : waitBeforeNs(event.parts ?? []) / 1e9;
    this.#widenFor(start - waitSeconds, end);
    const row = this.#rowOf(event);
    row.addCalls(this.#binAt(start), count);
    if (durationNs !== undefined) this.#addTimes(row, start, { durationNs, parts: event.parts });
  }

  /** By time spent, then by calls: the most first. */
  rows(): TimeLineRow[] {
    return [...this.#rows.values()].toSorted(
      (one, other) => other.totalNs - one.totalNs || other.callCount - one.callCount,
    );
  }

  /** Seconds, as the trace prints them. */
  get startSeconds(): number {
    return (this.#originSeconds ?? 0) + this.#firstBin * this.#binSeconds;
  }

  get binSeconds(): number {
    return this.#binSeconds;
  }

  get firstBin(): number {
    return this.#firstBin;
  }

  /** 0 where nothing has a time. */
  get binCount(): number {
    return this.#originSeconds === undefined ? 0 : this.#lastBin - this.#firstBin + 1;
  }

  #binAt(seconds: number): number {
    return Math.floor(seconds / this.#binSeconds);
  }

  #widenFor(start: number, end: number): void {
    while (Math.max(this.#lastBin, this.#binAt(end)) - Math.min(this.#firstBin, this.#binAt(start)) >= BINS_MAX) {
      this.#binSeconds *= 2;
      this.#firstBin = Math.floor(this.#firstBin / 2);
      this.#lastBin = Math.floor(this.#lastBin / 2);
      for (const row of this.#rows.values()) row.halve();
    }
    this.#firstBin = Math.min(this.#firstBin, this.#binAt(start));
    this.#lastBin = Math.max(this.#lastBin, this.#binAt(end));
  }

  #rowOf(event: MappingEvent): TimeLineRow {
    const path = event.path.join(';');
    const known = this.#rowsByPath.get(path);
    if (known !== undefined) return known;
    const name = this.#rowsByPath.size < PATHS_MAX ? shortName(nameConsumer(event).name) : OTHER_CONSUMERS;
    const row = this.#rows.get(name) ?? this.#newRow(this.#rows.size < ROWS_MAX ? name : OTHER_CONSUMERS);
    if (this.#rowsByPath.size < PATHS_MAX) this.#rowsByPath.set(path, row);
    return row;
  }

  #newRow(name: string): TimeLineRow {
    const row = this.#rows.get(name) ?? new TimeLineRow(name);
    this.#rows.set(name, row);
    return row;
  }

  #addTimes(
    row: TimeLineRow,
    start: number,
    { durationNs, parts }: { readonly durationNs: number; readonly parts: MappingEvent['parts'] },
  ): void {
    const divided = parts === undefined ? undefined : divideTime(parts, durationNs);
    if (divided === undefined) {
      this.#spread(row, 'undivided', start, durationNs);
      return;
    }
    let at = start - waitBeforeNs(parts ?? []) / 1e9;
    for (const use of TIME_USES) {
      const ns = use === 'undivided' ? 0 : divided[use];
      if (ns > 0) this.#spread(row, use, at, ns);
      at += ns / 1e9;
    }
  }

  /** Over the bins that it lasts. */
  #spread(row: TimeLineRow, use: TimeUse, start: number, ns: number): void {
    const first = this.#binAt(start);
    const last = Math.min(this.#lastBin, this.#binAt(start + ns / 1e9));
    if (first >= last) {
      row.addTime(Math.min(first, this.#lastBin), use, ns);
      return;
    }
    const binNs = this.#binSeconds * 1e9;
    const inFirst = ((first + 1) * this.#binSeconds - start) * 1e9;
    row.addTime(first, use, inFirst);
    for (let bin = first + 1; bin < last; bin += 1) row.addTime(bin, use, binNs);
    row.addTime(last, use, Math.max(0, ns - inFirst - (last - first - 1) * binNs));
  }
}
