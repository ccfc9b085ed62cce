import { setTimeout as sleep } from 'node:timers/promises';

import { DmaBufError } from '../../base/errors.ts';
import type { TraceInstance } from '../../linux/tracefs/tracefs-instance.ts';
import { TraceImporter } from '../import/trace-importer.ts';
import type { TraceRecord } from '../mapping-event.ts';
import type { EventCost } from './event-cost.ts';
import type { ModuleOrigins } from './module-origins.ts';

/** The kernel's buffers hold far more than what comes in this time. */
const POLL_MS = 50;

/** What a recording cost, and whether it is complete. */
export interface RecordingCost {
  /** Events that the kernel wrote: of mappings, of unmappings, and of what both call. */
  readonly eventCount: number;
  /** Mappings, as a counter in the kernel saw them beside the events. Absent: it has none. */
  readonly countedMappings?: number;
  /** Of a task that causes an event, in ns, measured on this machine. Absent: could not be. */
  readonly eventNs?: number;
  /** The same, with a stack: each mapping has one. */
  readonly stackNs?: number;
  /** Of all tasks, by these. */
  readonly totalNs?: number;
  /** CPU time of this process meanwhile, reading included. */
  readonly processNs: number;
  /** How long was recorded. */
  readonly seconds: number;
}

interface RecordingParts {
  readonly trace: TraceInstance;
  /** The event with a stack. */
  readonly map: string;
  readonly isCounted: boolean;
  readonly eventCost: EventCost | undefined;
  readonly modules: ModuleOrigins;
}

/** A recording of who maps dma-bufs, under way. Made by {@link recordMappings}. */
export class MappingRecording implements Disposable {
  readonly #parts: RecordingParts;
  readonly #stop = new AbortController();
  readonly #since = process.hrtime.bigint();
  readonly #cpuSince = process.cpuUsage();
  #isRead = false;
  #isClosed = false;
  #cost: RecordingCost | undefined;

  /** @internal */
  constructor(parts: RecordingParts) {
    this.#parts = parts;
  }

  /** Known once all records were read. */
  get cost(): RecordingCost | undefined {
    return this.#cost;
  }

  /** Ends the recording: the iteration gives what is left, and the summary. */
  stop(): void {
    this.#stop.abort();
  }

  /** Ends it, and removes everything that was set up in the kernel. Again: nothing. */
  close(): void {
    this.#stop.abort();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parts.trace.close();
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Mappings and unmappings as they end, until {@link stop}; the summary as the last. Its end
   * closes the recording, also where it is left early.
   *
   * @throws {DmaBufError} with code EBUSY for a second iteration, and as the kernel refuses
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<TraceRecord, void, undefined> {
    if (this.#isRead || this.#isClosed)
      throw new DmaBufError('Cannot read a recording a second time: start another', { code: 'EBUSY' });
    this.#isRead = true;
    const records: TraceRecord[] = [];
    const { modules } = this.#parts;
    const importer = new TraceImporter(undefined, (record) => void records.push(modules.complete(record)));
    try {
      for await (const isLast of this.#turns()) {
        if (isLast) this.#parts.trace.stopProbes();
        for (const bytes of this.#parts.trace.takeBytes()) {
          importer.push(bytes);
          yield* records.splice(0);
        }
      }
      const summary = importer.end();
      yield* records.splice(0);
      const { written, lost } = this.#parts.trace.bufferCounts();
      this.#cost = this.#costOf(written);
      yield { ...summary, lostEvents: Math.max(summary.lostEvents, lost) };
    } finally {
      this.close();
    }
  }

  /** One after another, the last after the stop. */
  async *#turns(): AsyncGenerator<boolean, void, undefined> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      yield false;
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
    yield true;
  }

  #costOf(eventCount: number): RecordingCost {
    const { trace, map, isCounted, eventCost } = this.#parts;
    const countedMappings = isCounted ? trace.countHits(map) : undefined;
    const { user, system } = process.cpuUsage(this.#cpuSince);
    const total =
      eventCost === undefined || countedMappings === undefined
        ? {}
        : { totalNs: (eventCount - countedMappings) * eventCost.eventNs + countedMappings * eventCost.stackNs };
    return {
      eventCount,
      ...(countedMappings === undefined ? {} : { countedMappings }),
      ...eventCost,
      ...total,
      processNs: (user + system) * 1000,
      seconds: Number(process.hrtime.bigint() - this.#since) / 1e9,
    };
  }
}
