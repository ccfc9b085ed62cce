import { roleOf } from './map-functions.ts';
import type { MapRole } from './map-functions.ts';
import type { StackFrame } from './stack-frame.ts';
import type { MappingEvent, TraceModule } from './mapping-event.ts';

/** What a stack says of a mapping, and which of its frames is `path[0]`. */
interface CallPath {
  readonly kind: 'mapping' | 'unmapping';
  readonly index: number;
  readonly fields: Pick<MappingEvent, 'path' | 'inside' | 'unreliable' | 'modules'>;
}

/**
 * Frames that a probe puts on the stack above the function it is in, up to the first one that it
 * has not: `kernel/trace/fprobe.c`, `arch/x86/kernel/ftrace_64.S`, `kernel/trace/trace_kprobe.c`.
 */
const PROBE_FRAME =
  /^(?:f(?:entry|exit)_(?:trace_func|dispatcher|perf_func)|fprobe_\w+|k(?:ret)?probe_\w+|arch_(?:ftrace_ops_list_func|rethook_\w+)|ftrace_\w+|__?ftrace_\w+|rethook_\w+|__?(?:stack_)?trace_\w+|trace_event_\w+|function_stack_trace_call|arch_stack_walk|stack_trace_save|bpf_\w+|__bpf_\w+|\[FTRACE TRAMPOLINE\]|0x[0-9a-f]+|[0-9a-f]{8,16}|__get_stack_id|perf_trace_\w+)$/u;

/** The frames from the one that was probed on. */
export function withoutProbeFrames(frames: readonly StackFrame[]): readonly StackFrame[] {
  const first = frames.findIndex(({ name }) => roleOf(name) !== 'none');
  const isOfProbe = first !== -1 && frames.slice(0, first).every(({ name }) => PROBE_FRAME.test(name));
  return isOfProbe ? frames.slice(first) : frames;
}

/** Finds the mapping in a stack, innermost frame first. Undefined where there is none. */
export function findCallPath(frames: readonly StackFrame[]): CallPath | undefined {
  const reliable = frames.filter(({ isUnreliable }) => isUnreliable !== true);
  const found = findInnermost(reliable);
  if (found === undefined) return undefined;
  const unreliable = frames.filter(({ isUnreliable }) => isUnreliable === true).map(({ name }) => name);
  const inside = reliable.slice(0, found.index).map(({ name }) => name);
  const modules = collectModules(reliable);
  const origin = reliable[found.index];
  return {
    kind: found.isUnmap ? 'unmapping' : 'mapping',
    index: origin === undefined ? 0 : frames.indexOf(origin),
    fields: {
      path: reliable.slice(found.index).map(({ name }) => name),
      ...(inside.length === 0 ? {} : { inside }),
      ...(unreliable.length === 0 ? {} : { unreliable }),
      ...(modules.length === 0 ? {} : { modules }),
    },
  };
}

function findInnermost(frames: readonly StackFrame[]): { index: number; isUnmap: boolean } | undefined {
  const roles = frames.map(({ name }) => roleOf(name));
  const first = (...wanted: readonly MapRole[]): number => roles.findIndex((role) => wanted.includes(role));
  const core = first('locked', 'unlocked', 'unmap');
  if (core !== -1) return { index: core, isUnmap: roles[core] === 'unmap' };
  // Of several that call each other, the outermost is what was asked for.
  const exporter = roles.findLastIndex((role) => role === 'exporter' || role === 'exporter-unmap');
  return exporter === -1 ? undefined : { index: exporter, isUnmap: roles[exporter] === 'exporter-unmap' };
}

function collectModules(frames: readonly StackFrame[]): TraceModule[] {
  const modules = new Map<string, { name: string; buildId?: string; functions: string[] }>();
  for (const { name, module, buildId } of frames) {
    if (module === undefined) continue;
    const entry = modules.get(module) ?? { name: module, functions: [] };
    if (buildId !== undefined) entry.buildId = buildId;
    entry.functions.push(name);
    modules.set(module, entry);
  }
  return [...modules.values()];
}
