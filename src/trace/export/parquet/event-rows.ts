import { randomUUID } from 'node:crypto';

import { nameConsumer } from '../../analysis/consumer.ts';
import type { Consumer } from '../../analysis/consumer.ts';
import { DISTURBING } from '../../analysis/disturbing-marks.ts';
import { divideTime } from '../../analysis/part-times.ts';
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
const CONSUMERS_MAX = 16_384;

interface NamedConsumer {
  readonly callPath: string;
  readonly consumer: Consumer;
  readonly moduleName: string | undefined;
}

/** Makes rows of records. A summary ends a recording: what follows it is of another. */
export class EventRows {
  readonly #labels: RecordingLabels;
  readonly #consumers = new Map<string, NamedConsumer>();
  #recording: string = randomUUID();
  #nextId = 0n;

  constructor(labels: RecordingLabels) {
    this.#labels = labels;
  }

  toRow(record: TraceRecord): EventRow {
    const { device, build } = this.#labels;
    const head = { recording: this.#recording, id: this.#nextId, kind: record.kind, device, build };
    this.#nextId += 1n;
    if (record.kind === 'mapping') return { ...head, ...this.#mappingColumns(record) };
    if (record.kind === 'unmapping') return { ...head, ...unmappingColumns(record) };
    this.#recording = randomUUID();
    this.#nextId = 0n;
    return { ...head, ...summaryColumns(record) };
  }

  #mappingColumns(event: MappingEvent): EventRow {
    const { durationNs, parts, marks } = event;
    const { callPath, consumer, moduleName } = this.#nameConsumer(event);
    const times = parts === undefined || typeof durationNs !== 'number' ? undefined : divideTime(parts, durationNs);
    return {
      ...sharedColumns(event, callPath),
      cpu: toInt64(event.cpu),
      consumer: consumer.name,
      subsystem: consumer.subsystem,
      driver: consumer.driver,
      origin: consumer.origin,
      module: moduleName,
      module_build_id: consumer.buildId,
      size_bytes: toInt64(event.sizeBytes),
      exporter: event.exporter,
      result: toInt64(event.result),
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

  #nameConsumer({ path, modules = [] }: MappingEvent): NamedConsumer {
    const callPath = toCallPath(path);
    const key = modules.length === 0 ? callPath : `${callPath}\n${JSON.stringify(modules)}`;
    const known = this.#consumers.get(key);
    if (known !== undefined) return known;
    const consumer = nameConsumer({ path, modules });
    const { driver, buildId } = consumer;
    const module = modules.find((one) => one.name === driver || (buildId !== undefined && one.buildId === buildId));
    const named = { callPath, consumer, moduleName: module?.name };
    if (this.#consumers.size < CONSUMERS_MAX) this.#consumers.set(key, named);
    return named;
  }
}

/** As in collapsed stacks: the outermost function first, the map function last. */
function toCallPath(path: readonly string[]): string {
  return path.toReversed().map(cleanFrame).join(SEPARATOR);
}

function sharedColumns(event: MappingEvent | UnmappingEvent, callPath: string): EventRow {
  return {
    form: event.form,
    file: event.file,
    line: toInt64(event.line),
    ts: secondsToNs(event.time),
    time_text: event.kind === 'mapping' ? event.timeText : undefined,
    dur: toInt64(event.durationNs),
    name: event.path[0],
    category: CATEGORY,
    tid: toInt64(event.task?.pid),
    thread_name: event.task?.comm,
    call_path: callPath,
    buffer: event.buffer,
    count: toInt64(event.count ?? 1),
  };
}

function unmappingColumns(event: UnmappingEvent): EventRow {
  return { ...sharedColumns(event, toCallPath(event.path)), is_sample: false, is_disturbed: false };
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
