import { join } from 'node:path';

import { isDmaBufError } from '../../base/errors.ts';
import { TRACE_FILES } from '../../linux/tracefs-files.ts';
import type { TraceFiles } from '../../linux/tracefs-files.ts';
import { TraceInstance } from '../../linux/tracefs-instance.ts';
import { findMountPoint } from '../../linux/mount-point.ts';
import { explainMissingTracefs, explainRefusedTracing } from '../../linux/tracefs-refusal.ts';
import type { TracingRefusal } from '../../linux/tracefs-refusal.ts';

/** Where tracing is done. */
export interface TraceSurroundings {
  /** Where `/proc` and `/sys` are found. */
  readonly root: string;
  readonly files?: TraceFiles | undefined;
}

/** Opens a trace of our own and gives it to `use`. Why it cannot be opened or used, where the kernel refuses. */
export function openTrace<Result>(
  { root, files = TRACE_FILES }: TraceSurroundings,
  bufferBytes: number,
  use: (trace: TraceInstance) => Result,
): { readonly opened: Result } | { readonly refusal: TracingRefusal } {
  const mountPoint = findMountPoint('tracefs', root);
  if (mountPoint === undefined) return { refusal: explainMissingTracefs(root) };
  const tracefs = join(root, mountPoint);
  try {
    return { opened: use(new TraceInstance({ tracefs, root, files, bufferBytes })) };
  } catch (error) {
    return { refusal: explainTracingFailure(error, root) };
  }
}

/** @throws what is no refusal of the kernel's */
export function explainTracingFailure(error: unknown, root: string): TracingRefusal {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  if (!isDmaBufError(first)) throw error;
  return explainRefusedTracing(first, root);
}
