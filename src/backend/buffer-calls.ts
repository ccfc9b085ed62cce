import { DmaBufCalls } from '../linux/dma-buf-calls.ts';
import { libc } from '../linux/libc.ts';
import type { RawCalls } from '../linux/libc.ts';
import { SystemCalls } from '../linux/system-calls.ts';

/** The groups of system calls that backends use, over one C library. */
export interface BufferCalls {
  readonly system: SystemCalls;
  readonly dmaBuf: DmaBufCalls;
}

export function createBufferCalls(raw: RawCalls = libc): BufferCalls {
  return { system: new SystemCalls(raw), dmaBuf: new DmaBufCalls(raw) };
}
