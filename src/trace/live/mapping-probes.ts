import { isDmaBufError } from '../../base/errors.ts';
import type { FunctionProbe, FunctionProbeKind } from '../../linux/tracefs/function-probe.ts';
import type { TraceInstance } from '../../linux/tracefs/tracefs-instance.ts';
import type { ProbedFunctions } from './probed-functions.ts';

/**
 * Of a `struct dma_buf` (include/linux/dma-buf.h). Without the kernel's types only its first member
 * has a known place: the size.
 */
const FIELDS: Readonly<Record<FunctionProbeKind, { readonly map: string; readonly unmap: string }>> = {
  fprobe: {
    map: 'comm=$comm size=dmabuf->size:u64 exp=dmabuf->exp_name:string buf=dmabuf:x64',
    unmap: 'buf=dmabuf:x64',
  },
  kprobe: { map: 'comm=$comm size=+0($arg1):u64 buf=$arg1:x64', unmap: 'buf=$arg1:x64' },
};
/** 6.12 takes 20 times as long to add an fprobe: 80 ms, emulated. */
const WITHOUT_FIELDS: FunctionProbeKind = 'kprobe';
const RESULT = 'ret=$retval:s32';

/**
 * Where a processor has the address that a function returns to, when the function begins. The probe
 * of its return puts another address there: the one that is added last sees it first
 * (kernel/kprobes.c, add_new_kprobe).
 */
const RETURN_ADDRESS: Partial<Record<NodeJS.Architecture, string>> = { x64: 'caller=$stack0:x64' };

/**
 * Probes the beginning and the end of every mapping and unmapping, of what a mapping calls, and the
 * beginning of the wait for the buffer's lock.
 *
 * @returns the event of a mapping's beginning
 */
export function addMappingProbes(trace: TraceInstance, functions: ProbedFunctions, kind: FunctionProbeKind): string {
  const add = (name: string, at: FunctionProbe['at'], fields?: string): string => {
    const event = at === 'entry' ? name : `${name}_return`;
    const probe = { event, function: name, at, ...(fields === undefined ? {} : { fields }) };
    return trace.addFunctionProbe(probe, fields === undefined ? WITHOUT_FIELDS : kind);
  };
  if (functions.hasUnlockedMap) add('dma_buf_vmap_unlocked', 'entry');
  const map = add('dma_buf_vmap', 'entry', FIELDS[kind].map);
  add('dma_buf_vmap', 'return', RESULT);
  if (functions.hasUnmap) {
    add('dma_buf_vunmap', 'entry', FIELDS[kind].unmap);
    add('dma_buf_vunmap', 'return');
  }
  for (const name of [...functions.exporters, ...functions.parts]) {
    add(name, 'entry');
    add(name, 'return');
  }
  functions.partsOf.forEach(([name, exporter]) => addPartOf(trace, name, exporter));
  if (kind === 'fprobe') functions.drivers.forEach((driver) => addDriverProbe(trace, driver));
  return map;
}

/**
 * A part that only calls from one exporter are recorded of. Where the kernel cannot tell them apart
 * (before 6.3, Documentation/trace/events.rst, 5.1), it is left out.
 */
function addPartOf(trace: TraceInstance, name: string, exporter: string): void {
  const fields = RETURN_ADDRESS[process.arch];
  if (fields === undefined) return;
  const addFiltered = (probe: FunctionProbe, field: string): void => {
    const event = trace.addFunctionProbe(probe, WITHOUT_FIELDS);
    if (attempt(() => trace.filter(event, `${field}.function == ${exporter}`))) return;
    trace.removeProbe(event);
  };
  addFiltered({ event: `${name}_return`, function: name, at: 'return' }, '__probe_ret_ip');
  addFiltered({ event: name, function: name, at: 'entry', fields }, 'caller');
}

/** Of a kernel whose structs are others, the driver stays unknown. */
function addDriverProbe(trace: TraceInstance, [name, field]: readonly [name: string, field: string]): void {
  attempt(() => trace.addFunctionProbe({ event: name, function: name, at: 'entry', fields: field }, 'fprobe'));
}

/**
 * Lets the kernel count mappings by itself, beside the events.
 *
 * @returns false where it cannot (CONFIG_HIST_TRIGGERS)
 */
export function countMappings(trace: TraceInstance, event: string): boolean {
  return attempt(() => trace.trigger(event, 'hist:keys=common_cpu'));
}

/** @returns false where this kernel does not know what it was asked for */
function attempt(body: () => void): boolean {
  try {
    body();
    return true;
  } catch (error) {
    if (isDmaBufError(error, 'EINVAL') || isDmaBufError(error, 'ENOENT')) return false;
    throw error;
  }
}
