import { assert } from '../../base/assert.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import type { Heap } from '../../heap/heap.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { PoolSharing } from '../consumers/apusys-pool.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import type { SleepingLock } from '../kernel/kernel-lock.ts';

/** Whether drivers have the bugs that they are known for, or the fix. */
export type CallerVariant = 'as-is' | 'fixed';

/** What a load runs on. */
export interface LoadContext {
  readonly kernel: KernelFunctions;
  readonly heap: Heap;
  /** Of what is drawn at random: slots, sizes. */
  readonly random: SeededRandom;
  readonly caller: CallerVariant;
  /** What it shares with loads in other threads and processes. Absent: it runs in none. */
  readonly shared?: SharedLoads;
}

/** What loads in several threads and processes share, by the names that they give it. */
export interface SharedLoads {
  buffer(name: string): DmaBuf;
  sessionLock(name: string): SleepingLock;
  /** For threads alone. Its close comes before the pool's. */
  poolSharing(name: string): { readonly sharing: PoolSharing; readonly close: () => void };
}

/** What a load shares that needs a thread or a process. */
export function sharedOf({ shared }: LoadContext): SharedLoads {
  assert(shared !== undefined, 'A load that shares anything has a place');
  return shared;
}

/** A consumer at work. */
export interface Load {
  /** One request, frame, commit, task or session. */
  step(index: number): Promise<void>;
  /** Everything it has is given back, also after a step that failed. */
  close(): Promise<void>;
}

/** How buffers come to slots: `kept`, always the same; `shuffled`, any buffer in any slot. */
export type SlotPolicy = 'kept' | 'shuffled';
