/** What went through the buffers of a trace. */
export interface BufferCounts {
  /** Events that were written. */
  readonly written: number;
  /** Those of them, and others, that nobody will read: overwritten, or dropped for want of room. */
  readonly lost: number;
}

/** `per_cpu/cpuN/stats` (kernel/trace/trace.c, tracing_stats_read). */
export function parseBufferCounts(text: string): BufferCounts {
  const valueOf = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'mu').exec(text)?.[1] ?? 0);
  const overwritten = valueOf('overrun');
  return {
    written: valueOf('entries') + valueOf('read events') + overwritten,
    lost: overwritten + valueOf('commit overrun') + valueOf('dropped events'),
  };
}

export function addBufferCounts(one: BufferCounts, other: BufferCounts): BufferCounts {
  return { written: one.written + other.written, lost: one.lost + other.lost };
}
