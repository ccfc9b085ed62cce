import { checkInteger, readOptions } from '../../base/check.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError } from '../../base/errors.ts';
import { openTrace } from '../../diagnosis/open-trace.ts';
import { functionProbeKind } from '../../linux/tracefs/function-probe.ts';
import type { TraceFiles } from '../../linux/tracefs/tracefs-files.ts';
import type { TraceInstance } from '../../linux/tracefs/tracefs-instance.ts';
import { Machine } from '../../linux/machine.ts';
import { measureEventCost } from './event-cost.ts';
import type { EventCost } from './event-cost.ts';
import { addMappingProbes, countMappings } from './mapping-probes.ts';
import { MappingRecording } from './mapping-recording.ts';
import { ModuleOrigins } from './module-origins.ts';
import { findProbedFunctions } from './probed-functions.ts';
import type { ProbedFunctions } from './probed-functions.ts';

const ACTION = 'record mappings';
const BUFFER_BYTES_DEFAULT = 4 * 1024 * 1024;
const BUFFER_BYTES_MIN = 64 * 1024;
const BUFFER_BYTES_MAX = 1024 * 1024 * 1024;
/** One clock for all processors, that of `process.hrtime`. */
const CLOCK = 'mono';

/** For {@link recordMappings}. */
export interface RecordOptions {
  /**
   * The room for events that were not read yet, in bytes for each processor: 64 KiB to 1 GiB, 4 MiB
   * by default. A mapping takes about 1 KiB.
   */
  readonly bufferBytes?: number | undefined;
}

/** What only tests give. */
interface RecordSetting {
  readonly machine: Machine;
  readonly files?: TraceFiles | undefined;
}

/**
 * Begins to record who maps dma-bufs on this machine: every `dma_buf_vmap` of any task, with its
 * stack, size, exporter, duration and parts, and every `dma_buf_vunmap`. It uses a trace of its own
 * in tracefs (Documentation/trace/ftrace.rst, "Instances") with probes of its own
 * (Documentation/trace/fprobetrace.rst, kprobetrace.rst), so other tracing is not disturbed, and
 * {@link MappingRecording.close} leaves tracefs as it was. What a killed process leaves, the next
 * recording removes.
 *
 * Needs root and a kernel with CONFIG_KPROBE_EVENTS; sizes and exporters of kernels with types
 * (CONFIG_DEBUG_INFO_BTF, from 6.6), else sizes only.
 *
 * @throws {TypeError} or {RangeError} for wrong options
 * @throws {DmaBufError} as the kernel refuses, with the remedy; EEXIST while this thread records
 *   already
 *
 * @example
 * ```ts
 * import { isDmaBufError } from 'dmabuf';
 * import { recordMappings } from 'dmabuf/trace';
 *
 * try {
 *   using recording = recordMappings();
 *   setTimeout(() => recording.stop(), 100);
 *   for await (const record of recording) console.error(record);
 * } catch (error) {
 *   if (!isDmaBufError(error)) throw error;
 *   console.error(error.message); // Cannot record mappings as only root may use tracefs: run this as root
 * }
 * ```
 */
export function recordMappings(options?: RecordOptions): MappingRecording;
/** @internal */
export function recordMappings(options: RecordOptions, setting: RecordSetting): MappingRecording;
export function recordMappings(options: RecordOptions = {}, hidden?: unknown): MappingRecording {
  const { bufferBytes = BUFFER_BYTES_DEFAULT } = readOptions(options, ACTION, ['bufferBytes']);
  checkInteger(bufferBytes, { action: ACTION, name: 'bufferBytes', min: BUFFER_BYTES_MIN, max: BUFFER_BYTES_MAX });
  const { machine, files } = settingIn(hidden);
  const tracing = openTrace({ machine, files }, { bufferBytes, purpose: 'live' }, (trace) => begin(trace, machine));
  if ('opened' in tracing) return tracing.opened;
  const { reason, remedy } = tracing.refusal;
  const message = `Cannot ${ACTION} as ${reason}${remedy === undefined ? '' : `: ${remedy}`}`;
  throw new DmaBufError(message, { code: tracing.code });
}

function settingIn(hidden: unknown): RecordSetting {
  const isSetting = typeof hidden === 'object' && hidden !== null && 'machine' in hidden;
  return isSetting && hidden.machine instanceof Machine ? (hidden as RecordSetting) : { machine: Machine.hiddenIn(0) };
}

function begin(trace: TraceInstance, machine: Machine): MappingRecording {
  return withCleanup((cleanup) => {
    cleanup.defer(() => trace.close());
    const functions = findProbedFunctions(trace.readShared('available_filter_functions'));
    if (!functions.hasMap)
      throw new DmaBufError('this kernel has no function dma_buf_vmap to probe', { code: 'ENOSYS' });
    const kind = functionProbeKind(trace.readShared('README'));
    trace.set('trace_clock', CLOCK);
    // What comes when the buffers are full is lost, not what began before and waits for its end.
    trace.set('options/overwrite', '0');
    const eventCost = measureCost(trace, functions);
    // Stacks with the modules that their functions are in.
    trace.set('options/sym-offset', '1');
    const map = addMappingProbes(trace, functions, kind);
    trace.trigger(map, 'stacktrace');
    const isCounted = countMappings(trace, map);
    trace.recordProbes();
    return new MappingRecording({ trace, map, isCounted, eventCost, modules: new ModuleOrigins(machine) });
  });
}

function measureCost(trace: TraceInstance, { calibration }: ProbedFunctions): EventCost | undefined {
  if (calibration === undefined) return undefined;
  return measureEventCost(trace, { probed: calibration, call: () => void process.ppid });
}
