import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

import { isDmaBufError } from '../base/errors.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import type { TraceFiles } from './tracefs-files.ts';

/** `dmabuf_PID_THREAD`: of instances and of groups of probes. */
const NAME = /^dmabuf_(\d+)_\d+$/u;
/** Of the C library's and the kernel's buffers for one read, either suffices. */
const READ_BYTES = 65_536;

interface TraceInstanceSetup {
  /** Where tracefs is mounted. */
  readonly tracefs: string;
  /** Where `/proc` is found. */
  readonly root: string;
  readonly files: TraceFiles;
  /** How much each processor's buffer holds. */
  readonly bufferBytes: number;
}

/**
 * A set of trace buffers of our own (Documentation/trace/ftrace.rst, "Instances"), in which nobody else's tracing shows and which
 * shows in nobody's. It has probes of its own too. `close()` removes all of it. What a killed process left behind is removed when the
 * next instance opens: the pipe that is held open keeps living ones from that.
 */
export class TraceInstance {
  readonly #files: TraceFiles;
  readonly #tracefs: string;
  readonly #name = `dmabuf_${process.pid}_${threadId}`;
  readonly #folder: string;
  #pipe: number | undefined;
  #hasProbes = false;

  /** @throws {DmaBufError} as the kernel refuses; nothing is left behind then */
  constructor({ tracefs, root, files, bufferBytes }: TraceInstanceSetup) {
    this.#files = files;
    this.#tracefs = tracefs;
    this.#folder = join(tracefs, 'instances', this.#name);
    removeLeftovers({ tracefs, root, files, ownName: this.#name });
    withCleanup((cleanup) => {
      files.makeFolder(this.#folder);
      cleanup.defer(() => files.removeFolder(this.#folder));
      this.#pipe = files.openPipe(join(this.#folder, 'trace_pipe'));
      cleanup.defer(() => this.#closePipe());
      this.#write('buffer_size_kb', String(Math.ceil(bufferBytes / 1024)));
    });
  }

  /**
   * Adds a probe on entry to a function of the kernel (Documentation/trace/kprobetrace.rst).
   *
   * @param name of the event that it makes
   * @param probe the function, and what of its arguments to record
   */
  addProbe(name: string, probe: string): void {
    this.#files.write(join(this.#tracefs, 'kprobe_events'), `p:${this.#name}/${name} ${probe}`);
    this.#hasProbes = true;
  }

  /** Records the events of all probes that `filter` lets through. */
  recordProbes(filter: string): void {
    this.record(this.#name, filter);
  }

  /** Records an event (`group/name`), or a group of them, where `filter` is true of it (Documentation/trace/events.rst). */
  record(event: string, filter: string): void {
    this.#write(join('events', event, 'filter'), filter);
    this.#write(join('events', event, 'enable'), '1');
  }

  stopRecording(event: string): void {
    this.#write(join('events', event, 'enable'), '0');
  }

  /** Writes a line of the caller's own into the trace. */
  mark(text: string): void {
    this.#write('trace_marker', text);
  }

  /** What was recorded since the last call, a line an event. */
  take(): string {
    const chunk = Buffer.alloc(READ_BYTES);
    const parts: string[] = [];
    const pipe = this.#pipe ?? -1;
    for (let count = this.#files.read(pipe, chunk); count > 0; count = this.#files.read(pipe, chunk))
      parts.push(chunk.toString('latin1', 0, count));
    return parts.join('');
  }

  /** Removes all that was made. Thrown at, it has removed what it could. */
  close(): void {
    runAllSteps(
      [
        () => this.#closePipe(),
        // Before its probes: those in use cannot be removed.
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
  files.write(join(tracefs, 'kprobe_events'), `-:${group}/`);
}

/** Of processes that are no more, and of this thread, which has no other instance open. */
function removeLeftovers({
  tracefs,
  root,
  files,
  ownName,
}: Omit<TraceInstanceSetup, 'bufferBytes'> & { ownName: string }): void {
  const isLeftover = (name: string): boolean => {
    const pid = NAME.exec(name)?.[1];
    return name === ownName || (pid !== undefined && !existsSync(join(root, 'proc', pid)));
  };
  for (const name of files.list(join(tracefs, 'instances')).filter(isLeftover))
    unlessInUse(() => files.removeFolder(join(tracefs, 'instances', name)));
  for (const name of files.list(join(tracefs, 'events')).filter(isLeftover))
    unlessInUse(() => removeProbes(files, tracefs, name));
}

/** What another namespace's process uses is no leftover, though its number is not among ours; and another may have been faster. */
function unlessInUse(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!isDmaBufError(error, 'EBUSY') && !isDmaBufError(error, 'ENOENT')) throw error;
  }
}
