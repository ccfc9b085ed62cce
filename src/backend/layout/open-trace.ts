import { isDmaBufError } from '../../base/errors.ts';
import { TRACE_FILES } from '../../linux/tracefs-files.ts';
import type { TraceFiles } from '../../linux/tracefs-files.ts';
import { TraceInstance } from '../../linux/tracefs-instance.ts';
import { findTracefs } from '../../linux/tracefs-mount.ts';
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
  const tracefs = findTracefs(root);
  if (tracefs === undefined) return { refusal: explainMissingTracefs(root) };
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
