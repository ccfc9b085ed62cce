/**
 * How a function is probed: `fprobe` names arguments by the kernel's types (BTF), and costs less;
 * `kprobe` is in every kernel that has probes.
 */
export type FunctionProbeKind = 'fprobe' | 'kprobe';

/** A probe on a function of the kernel. */
export interface FunctionProbe {
  /** The name of its event. */
  readonly event: string;
  readonly function: string;
  readonly at: 'entry' | 'return';
  /** What it records, in the kernel's form. Absent: that it was called. */
  readonly fields?: string;
}

/** A line for `dynamic_events`. */
export function formatFunctionProbe(group: string, probe: FunctionProbe, kind: FunctionProbeKind): string {
  const { event, at, fields } = probe;
  const words = fields === undefined ? '' : ` ${fields}`;
  if (kind === 'fprobe') return `f:${group}/${event} ${probe.function}${at === 'return' ? '%return' : ''}${words}`;
  return `${at === 'return' ? 'r' : 'p'}:${group}/${event} ${probe.function}${words}`;
}

/**
 * What this kernel has, by the README that tracefs gives itself (kernel/trace/trace.c,
 * readme_msg): arguments by name need both.
 */
export function functionProbeKind(readme: string): FunctionProbeKind {
  return /^\s*f\[.*%return/mu.test(readme) && readme.includes('<argname>') ? 'fprobe' : 'kprobe';
}
