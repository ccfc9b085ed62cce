import { randomUUID } from 'node:crypto';

import { nameConsumer } from '../../analysis/consumer.ts';
import type { Consumer } from '../../analysis/consumer.ts';
import { DISTURBING } from '../../analysis/disturbing-marks.ts';
import { divideTime } from '../../analysis/part-times.ts';
import type { PartTimes } from '../../analysis/part-times.ts';
import type { MappingEvent, TraceRecord, TraceSummary, UnmappingEvent } from '../../mapping-event.ts';
import { cleanFrame } from '../stack-totals.ts';
import type { EventRow } from './event-columns.ts';
import { secondsToNs, toInt64 } from './to-int64.ts';

/** What the recordings of a file are of. What is not given stays unknown. */
export interface RecordingLabels {
  readonly device?: string | undefined;
  readonly build?: string | undefined;
}

const CATEGORY = 'dma-buf';
const SEPARATOR = ';';
/** A kernel has some hundred paths that map; a hostile file may invent more. */
const CALLERS_MAX = 16_384;
/** Longer ones are named anew each time: what is kept must stay small. */
const KEY_LENGTH_MAX = 4096;

/** What a call path says. */
interface Caller {
  readonly callPath: string;
  /** Undefined for an unmapping: only who maps has a name. */
  readonly consumer: Consumer | undefined;
  readonly moduleName: string | undefined;
}

/** Makes rows of records. A summary ends a recording: what follows it is of another. */
export class EventRows {
  readonly #labels: RecordingLabels;
  readonly #callers = new Map<string, Caller>();
  #recording: string = randomUUID();
  #nextId = 0n;

  constructor(labels: RecordingLabels) {
    this.#labels = labels;
  }

  toRow(record: TraceRecord): EventRow {
    const id = this.#nextId;
    this.#nextId += 1n;
    if (record.kind !== 'summary') return this.#eventRow(record, id);
    const row = { ...this.#labels, recording: this.#recording, id, kind: record.kind, ...summaryColumns(record) };
    this.#recording = randomUUID();
    this.#nextId = 0n;
    return row;
  }

  /** One literal with each property: rows put together from parts took ten times as long. */
  #eventRow(event: MappingEvent | UnmappingEvent, id: bigint): EventRow {
    const { device, build } = this.#labels;
    const mapping = event.kind === 'mapping' ? event : undefined;
    const { callPath, consumer, moduleName } = this.#nameCaller(event);
    const times = timesOf(mapping);
    const marks = mapping?.marks;
    return {
      recording: this.#recording,
      id,
      kind: event.kind,
      device,
      build,
      form: event.form,
      file: event.file,
      line: toInt64(event.line),
      ts: secondsToNs(event.time),
      time_text: mapping?.timeText,
      dur: toInt64(event.durationNs),
      name: event.path[0],
      category: CATEGORY,
      cpu: toInt64(mapping?.cpu),
      tid: toInt64(event.task?.pid),
      thread_name: event.task?.comm,
      call_path: callPath,
      consumer: consumer?.name,
      subsystem: consumer?.subsystem,
      driver: consumer?.driver,
      origin: consumer?.origin,
      module: moduleName,
      module_build_id: consumer?.buildId,
      size_bytes: toInt64(mapping?.sizeBytes),
      exporter: mapping?.exporter,
      buffer: event.buffer,
      result: toInt64(mapping?.result),
      count: toInt64(event.count ?? 1),
      page_array_ns: toInt64(times?.['page-array']),
      sg_to_pages_ns: toInt64(times?.['sg-to-pages']),
      vmap_ns: toInt64(times?.vmap),
      free_ns: toInt64(times?.free),
      lock_wait_ns: toInt64(times?.['lock-wait']),
      other_ns: toInt64(times?.other),
      marks: marks?.join(SEPARATOR),
      is_sample: marks?.includes('sample') === true,
      is_disturbed: marks?.some((mark) => DISTURBING.has(mark)) === true,
    };
  }

  #nameCaller(event: MappingEvent | UnmappingEvent): Caller {
    const modules = event.kind === 'mapping' ? event.modules : undefined;
    const path = `${event.kind}\n${event.path.join('\n')}`;
    const key = modules === undefined ? path : `${path}\n${JSON.stringify(modules)}`;
    const known = this.#callers.get(key);
    if (known !== undefined) return known;
    const caller = callerOf(event);
    if (this.#callers.size < CALLERS_MAX && key.length <= KEY_LENGTH_MAX) this.#callers.set(key, caller);
    return caller;
  }
}

function callerOf(event: MappingEvent | UnmappingEvent): Caller {
  // As in collapsed stacks: the outermost function first, the map function last.
  const callPath = event.path.toReversed().map(cleanFrame).join(SEPARATOR);
  if (event.kind === 'unmapping') return { callPath, consumer: undefined, moduleName: undefined };
  const consumer = nameConsumer(event);
  const { driver, buildId } = consumer;
  const module = event.modules?.find(
    (one) => one.name === driver || (buildId !== undefined && one.buildId === buildId),
  );
  return { callPath, consumer, moduleName: module?.name };
}

/** What a mapping spent its time on, where its source tells. */
function timesOf(mapping: MappingEvent | undefined): PartTimes | undefined {
  if (mapping?.parts === undefined || typeof mapping.durationNs !== 'number') return undefined;
  return divideTime(mapping.parts, mapping.durationNs);
}

function summaryColumns({
  timeSpanSeconds,
  lostEvents,
  unreadableLines,
  unreadableLineCount = unreadableLines.length,
}: TraceSummary): EventRow {
  return {
    is_sample: false,
    is_disturbed: false,
    recorded_ns: timeSpanSeconds === undefined ? null : toInt64(timeSpanSeconds * 1e9),
    lost_events: toInt64(lostEvents),
    unreadable_lines: toInt64(unreadableLineCount),
  };
}
