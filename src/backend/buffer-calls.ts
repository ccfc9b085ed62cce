import { AddressSpace } from '../linux/calls/address-space.ts';
import { DmaBufCalls } from '../linux/calls/dma-buf-calls.ts';
import { kernelCalls } from '../linux/calls/kernel-calls.ts';
import type { RawCalls } from '../linux/calls/kernel-calls.ts';
import { ResourceLimits } from '../linux/calls/resource-limits.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';

/** The groups of system calls that backends use, over one C library. */
export interface BufferCalls {
  readonly memory: MemoryCalls;
  readonly dmaBuf: DmaBufCalls;
  readonly limits: ResourceLimits;
  readonly addressSpace: AddressSpace;
}

export function createBufferCalls(raw: RawCalls = kernelCalls): BufferCalls {
  const limits = new ResourceLimits(raw);
  return {
    memory: new MemoryCalls(raw),
    dmaBuf: new DmaBufCalls(raw),
    limits,
    addressSpace: new AddressSpace(raw, limits),
  };
}
