import type { SeededRandom } from '../../base/seeded-random.ts';
import type { Heap } from '../../heap/heap.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

/** Whether drivers have the bugs that they are known for, or the fix. */
export type CallerVariant = 'as-is' | 'fixed';

/** What a load runs on. */
export interface LoadContext {
  readonly kernel: KernelFunctions;
  readonly heap: Heap;
  /** Of what is drawn at random: slots, sizes. */
  readonly random: SeededRandom;
  readonly caller: CallerVariant;
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
