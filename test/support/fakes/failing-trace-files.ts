import { DmaBufError } from '../../../src/base/errors.ts';
import { TRACE_FILES } from '../../../src/linux/tracefs/tracefs-files.ts';
import type { TraceFiles } from '../../../src/linux/tracefs/tracefs-files.ts';

/** Files of tracefs of which the n-th call fails, from 1. */
export class FailingTraceFiles {
  readonly files: TraceFiles;
  callCount = 0;
  /** Whether the failed call was a removal: its object still exists then. */
  failedToRemove = false;
  readonly #failing: number;

  /** @param real those that are called */
  constructor(failing: number, real: TraceFiles = TRACE_FILES) {
    this.#failing = failing;
    const entries = Object.entries(real) as [string, (...values: unknown[]) => unknown][];
    this.files = Object.fromEntries(
      entries.map(([name, method]) => [name, (...values: unknown[]) => this.#call(name, method, values)]),
    ) as unknown as TraceFiles;
  }

  #call(name: string, method: (...values: unknown[]) => unknown, values: readonly unknown[]): unknown {
    this.callCount += 1;
    if (this.callCount !== this.#failing) return method(...values);
    this.failedToRemove = name === 'removeFolder' || String(values[1]).startsWith('-:');
    // A descriptor is gone also where close() reports an error (man 2 close).
    if (name === 'close') method(...values);
    throw new DmaBufError('It failed', { code: 'EIO', syscall: name, values: { path: String(values[0]) } });
  }
}
