import assert from 'node:assert/strict';

import { recordMappings } from '../../../src/trace/index.ts';
import type { MappingEvent, UnmappingEvent } from '../../../src/trace/index.ts';
import { KernelFunctions } from '../../../src/workload/kernel/kernel-functions.ts';

/** What a recording of a kernel and a replay must agree in. */
export interface MappingCall {
  /** `+` maps, with the driver's function that called, or the driver; `-` unmaps. */
  readonly call: string;
  /** Buffers by number, in the order in which they come. */
  readonly buffer: number;
  /** Of mappings. */
  readonly sizeBytes?: number | undefined;
  readonly exporter?: string | undefined;
  readonly result?: number | undefined;
}

/** What callers are told apart by, out of a path. */
type NameOf = (path: readonly string[]) => string;

/** The kernel's own calls of `dma_buf_vmap` and `dma_buf_vunmap` while `body` runs, in order. */
export async function recordCalls(nameOf: NameOf, body: () => Promise<void>): Promise<readonly MappingCall[]> {
  const recording = recordMappings();
  const read = (async () => {
    const records: (MappingEvent | UnmappingEvent)[] = [];
    for await (const record of recording) {
      if (record.kind === 'summary') assert.equal(record.lostEvents, 0);
      else records.push(record);
    }
    return records;
  })();
  await body().finally(() => recording.stop());
  return toCalls(await read, nameOf);
}

/** Those of a replay. */
export async function replayCalls(
  nameOf: NameOf,
  body: (kernel: KernelFunctions) => Promise<void>,
): Promise<readonly MappingCall[]> {
  const records: (MappingEvent | UnmappingEvent)[] = [];
  await body(new KernelFunctions({ onRecord: (record) => void records.push(record) }));
  return toCalls(records, nameOf);
}

function toCalls(records: readonly (MappingEvent | UnmappingEvent)[], nameOf: NameOf): MappingCall[] {
  const numbers = new Map<string | undefined, number>();
  return records.map((record) => {
    const buffer = numbers.get(record.buffer) ?? numbers.size;
    numbers.set(record.buffer, buffer);
    // Recordings have no stacks of unmappings.
    if (record.kind === 'unmapping') return { call: '-', buffer };
    const { sizeBytes, exporter, result } = record;
    return { call: `+${nameOf(record.path)}`, buffer, sizeBytes, exporter, result };
  });
}

/** The function that called `dma_buf_vmap`, past the one that takes the lock. */
export function callerIn(path: readonly string[]): string {
  return path.find((name) => name !== 'dma_buf_vmap' && name !== 'dma_buf_vmap_unlocked') ?? '';
}
