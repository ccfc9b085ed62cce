import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

import { isDmaBufError } from '../../base/errors.ts';
import { runAllSteps, withCleanup } from '../../base/cleanup.ts';
import { addBufferCounts, parseBufferCounts } from './buffer-counts.ts';
import type { BufferCounts } from './buffer-counts.ts';
import { formatFunctionProbe } from './function-probe.ts';
import type { FunctionProbe, FunctionProbeKind } from './function-probe.ts';
import type { TraceFiles } from './tracefs-files.ts';
import type { Machine } from '../machine.ts';

/**
 * `dmabuf_PID_THREAD`, and `dmabuf_PID_THREAD_PURPOSE` of those that stay open beside others: the
 * names of instances and of groups of probes.
 */
const NAME = /^dmabuf_(\d+)_\d+(?:_[a-z]+)?$/u;
/** Larger than the kernel's buffer for one read. */
const READ_BYTES = 65_536;

/** What an instance is made of. */
export interface TraceInstanceSetup {
  /** The mount point of tracefs. */
  readonly tracefs: string;
  /** The mount point of `/proc`. */
  readonly machine: Machine;
  readonly files: TraceFiles;
  /** The size of each CPU's buffer. */
  readonly bufferBytes: number;
  /** A word in lower case, of one that stays open while this thread opens others. */
  readonly purpose?: string;
}

/**
 * A private set of trace buffers (Documentation/trace/ftrace.rst, "Instances"), separate from all
 * other tracing on the machine. It also has probes of its own. `close()` removes all of it. The
 * next instance that opens removes the leftovers of killed processes. An open pipe protects the
 * instances of living processes from that.
 */
export class TraceInstance {
  readonly #files: TraceFiles;
  readonly #tracefs: string;
  readonly #name: string;
  readonly #folder: string;
  #pipe: number | undefined;
  #hasProbes = false;

  /** @throws {DmaBufError} as the kernel refuses; nothing is left behind then */
  constructor({ tracefs, machine, files, bufferBytes, purpose }: TraceInstanceSetup) {
    this.#files = files;
    this.#tracefs = tracefs;
    this.#name = `dmabuf_${process.pid}_${threadId}${purpose === undefined ? '' : `_${purpose}`}`;
    this.#folder = join(tracefs, 'instances', this.#name);
    removeLeftovers({ tracefs, machine, files, ownName: this.#name });
    withCleanup((cleanup) => {
      files.makeFolder(this.#folder);
      cleanup.defer(() => files.removeFolder(this.#folder));
      this.#pipe = files.openPipe(join(this.#folder, 'trace_pipe'));
      cleanup.defer(() => this.#closePipe());
      this.#write('buffer_size_kb', String(Math.ceil(bufferBytes / 1024)));
    });
  }

  /** A file of tracefs that is common to all instances: `available_filter_functions`, `README`. */
  readShared(file: string): string {
    return this.#files.readText(join(this.#tracefs, file));
  }

  /**
   * Adds a probe on entry to a function of the kernel (Documentation/trace/kprobetrace.rst).
   *
   * @param name of the event that the probe makes
   * @param probe the function, and the arguments to record
   */
  addProbe(name: string, probe: string): void {
    this.#files.write(join(this.#tracefs, 'kprobe_events'), `p:${this.#name}/${name} ${probe}`);
    this.#hasProbes = true;
  }

  /**
   * Adds a probe on entry to a function, or on its return, by what the kernel has for it
   * (Documentation/trace/fprobetrace.rst, kprobetrace.rst).
   *
   * @returns the event's name, as {@link record} and {@link trigger} take it
   */
  addFunctionProbe(probe: FunctionProbe, kind: FunctionProbeKind): string {
    const definition = formatFunctionProbe(this.#name, probe, kind);
    this.#files.write(join(this.#tracefs, 'dynamic_events'), definition);
    this.#hasProbes = true;
    return `${this.#name}/${probe.event}`;
  }

  /** Removes one probe, which nothing may record any more. */
  removeProbe(event: string): void {
    this.#files.write(join(this.#tracefs, 'dynamic_events'), `-:${event}`);
  }

  /** Sets an option or a clock: a file of the instance. */
  set(file: string, text: string): void {
    this.#write(file, text);
  }

  /** What an event does besides being recorded (Documentation/trace/events.rst, 6). */
  trigger(event: string, text: string): void {
    this.#write(join('events', event, 'trigger'), text);
  }

  /** How often an event came, by its `hist` trigger: counted whether it was recorded or not. */
  countHits(event: string): number | undefined {
    const text = this.#files.readText(join(this.#folder, 'events', event, 'hist'));
    const hits = /^ {4}Hits: (?<hits>\d+)$/mu.exec(text)?.groups?.['hits'];
    return hits === undefined ? undefined : Number(hits);
  }

  /** Of all processors. */
  bufferCounts(): BufferCounts {
    const folder = join(this.#folder, 'per_cpu');
    const texts = this.#files.list(folder).map((cpu) => this.#files.readText(join(folder, cpu, 'stats')));
    return texts.map(parseBufferCounts).reduce(addBufferCounts);
  }

  /** Records the events of all probes, or those that `filter` lets through. */
  recordProbes(filter?: string): void {
    this.record(this.#name, filter);
  }

  /**
   * Records the events (`group/name`, or a whole group) for which `filter` is true
   * (Documentation/trace/events.rst).
   */
  record(event: string, filter?: string): void {
    if (filter !== undefined) this.filter(event, filter);
    this.#write(join('events', event, 'enable'), '1');
  }

  /** Events for which `condition` is not true are not recorded (the same, 5). */
  filter(event: string, condition: string): void {
    this.#write(join('events', event, 'filter'), condition);
  }

  stopProbes(): void {
    this.stopRecording(this.#name);
  }

  stopRecording(event: string): void {
    this.#write(join('events', event, 'enable'), '0');
  }

  /** Writes a line of text into the trace. */
  mark(text: string): void {
    this.#write('trace_marker', text);
  }

  /** The records since the last call, one line per event. */
  take(): string {
    return Array.from(this.takeBytes(), (bytes) => bytes.toString('latin1')).join('');
  }

  /** As {@link take}, piece by piece, each valid until the next. */
  *takeBytes(): Generator<Buffer, void, undefined> {
    const chunk = Buffer.alloc(READ_BYTES);
    const pipe = this.#pipe ?? -1;
    for (let count = this.#files.read(pipe, chunk); count > 0; count = this.#files.read(pipe, chunk))
      yield chunk.subarray(0, count);
  }

  /** Removes everything that was made. When a step fails, the others still run. */
  close(): void {
    runAllSteps(
      [
        () => this.#closePipe(),
        // Before its probes: probes in use cannot be removed.
        () => this.#files.removeFolder(this.#folder),
        () => this.#removeProbes(),
      ],
      'Tracing could not be undone',
    );
  }

  #closePipe(): void {
    const pipe = this.#pipe;
    if (pipe === undefined) return;
    this.#pipe = undefined;
    this.#files.close(pipe);
  }

  #removeProbes(): void {
    if (this.#hasProbes) removeProbes(this.#files, this.#tracefs, this.#name);
  }

  #write(file: string, text: string): void {
    this.#files.write(join(this.#folder, file), text);
  }
}

function removeProbes(files: TraceFiles, tracefs: string, group: string): void {
  // Of every sort; `kprobe_events` would leave the probes on functions.
  files.write(join(tracefs, 'dynamic_events'), `-:${group}/`);
}

/** Leftovers of ended processes, and of this thread, which has no other instance open. */
function removeLeftovers({
  tracefs,
  machine,
  files,
  ownName,
}: Omit<TraceInstanceSetup, 'bufferBytes' | 'purpose'> & { ownName: string }): void {
  const isLeftover = (name: string): boolean => {
    const pid = NAME.exec(name)?.[1];
    return name === ownName || (pid !== undefined && !existsSync(join(machine.root, 'proc', pid)));
  };
  for (const name of files.list(join(tracefs, 'instances')).filter(isLeftover))
    unlessInUse(() => files.removeFolder(join(tracefs, 'instances', name)));
  for (const name of files.list(join(tracefs, 'events')).filter(isLeftover))
    unlessInUse(() => removeProbes(files, tracefs, name));
}

/**
 * EBUSY: a process in another PID namespace uses it. ENOENT: another process removed it first.
 */
function unlessInUse(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!isDmaBufError(error, 'EBUSY') && !isDmaBufError(error, 'ENOENT')) throw error;
  }
}
