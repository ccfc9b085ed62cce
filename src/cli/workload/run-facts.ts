import { openHeap } from '../../backend/open-heap.ts';
import { isDmaBufError } from '../../base/errors.ts';
import type { Heap } from '../../heap/heap.ts';
import { CommandFailure } from '../command.ts';
import { checkHeapName } from '../heap-name.ts';
import { UsageError } from '../parse-arguments.ts';
import { readSeconds } from '../seconds.ts';
import type { WorkloadOptions } from './description.ts';

const SECONDS_DEFAULT = 10;

/** @throws {UsageError} for a time or a seed that is none */
export function readRunFacts({ for: time, seed }: WorkloadOptions): { seconds: number; seed: number } {
  return { seconds: time === undefined ? SECONDS_DEFAULT : readSeconds(time), seed: readSeed(seed) };
}

/** @throws {CommandFailure} with the remedy where there is no such heap */
export function openWorkloadHeap(name: string | undefined): Heap {
  try {
    return name === undefined ? openHeap('system', { backends: ['embedded'] }) : openHeap(checkHeapName(name));
  } catch (error) {
    return failOnRefusal(error);
  }
}

/** @throws {CommandFailure} for what a heap or the kernel refuses; else the error itself */
export function failOnRefusal(error: unknown): never {
  throw isDmaBufError(error) ? new CommandFailure(error.message, { cause: error }) : error;
}

function readSeed(text = '0'): number {
  if (/^\d{1,9}$/u.test(text)) return Number(text);
  throw new UsageError(`Cannot use "${text}" as --seed: it must be a whole number of at most nine digits`);
}
