import { join } from 'node:path';

import { isDmaBufError } from '../base/errors.ts';
import type { DmaBufError, DmaBufErrorCode } from '../base/errors.ts';
import { TRACE_FILES } from '../linux/tracefs/tracefs-files.ts';
import type { TraceFiles } from '../linux/tracefs/tracefs-files.ts';
import { TraceInstance } from '../linux/tracefs/tracefs-instance.ts';
import type { TraceInstanceSetup } from '../linux/tracefs/tracefs-instance.ts';
import { findMountPoint } from '../linux/proc/mount-point.ts';
import { explainMissingTracefs, explainRefusedTracing } from './tracefs-refusal.ts';
import type { TracingRefusal } from './tracefs-refusal.ts';
import type { Machine } from '../linux/machine.ts';

/** The place for tracing. */
export interface TraceContext {
  /** Where `/proc` and `/sys` are found. */
  readonly machine: Machine;
  readonly files?: TraceFiles | undefined;
}

interface RefusedTrace {
  readonly refusal: TracingRefusal;
  readonly code: DmaBufErrorCode;
}

/**
 * Opens a private trace and passes it to `use`. Returns the reason where the kernel refuses to open
 * or use it.
 */
export function openTrace<Result>(
  { machine, files = TRACE_FILES }: TraceContext,
  setup: Pick<TraceInstanceSetup, 'bufferBytes' | 'purpose'>,
  use: (trace: TraceInstance) => Result,
): { readonly opened: Result } | RefusedTrace {
  const mountPoint = findMountPoint('tracefs', machine);
  if (mountPoint === undefined) return { refusal: explainMissingTracefs(machine), code: 'ENOENT' };
  const tracefs = join(machine.root, mountPoint);
  try {
    return { opened: use(new TraceInstance({ tracefs, machine, files, ...setup })) };
  } catch (error) {
    return { refusal: explainTracingFailure(error, machine), code: refusalIn(error).code };
  }
}

/** @throws any error that is not the kernel's refusal */
export function explainTracingFailure(error: unknown, machine: Machine): TracingRefusal {
  return explainRefusedTracing(refusalIn(error), machine);
}

function refusalIn(error: unknown): DmaBufError {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  if (!isDmaBufError(first)) throw error;
  return first;
}
