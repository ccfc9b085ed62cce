import { openHeap } from '../../backend/open-heap.ts';
import { isDmaBufError } from '../../base/errors.ts';
import type { Heap } from '../../heap/heap.ts';
import { mappingWaysOf } from '../../workload/kernel/map-window.ts';
import type { MappingWay } from '../../workload/kernel/map-window.ts';
import { openWorkloadHeap } from '../../workload/workload-heap.ts';
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

/**
 * The heap of `--heap`, or an embedded one with the mix of `--mix`.
 *
 * @throws {UsageError} for a mix on a heap that has none to choose
 * @throws {CommandFailure} with the remedy where there is no such heap
 */
export function openHeapOfOptions({ heap: name, mix, seed }: WorkloadOptions): Heap {
  if (name !== undefined && mix !== undefined)
    throw new UsageError(
      `Cannot use --mix with heap "${name}" as the kernel decides which pages it gives: leave --heap out for an embedded heap`,
    );
  try {
    return name === undefined ? openWorkloadHeap(mix, readSeed(seed)) : openHeap(checkHeapName(name));
  } catch (error) {
    return failOnRefusal(error);
  }
}

/**
 * How a heap's buffers are mapped: as `--mapping` says, or as mainline does, or as the heap does
 * where it leaves no choice.
 *
 * @throws {CommandFailure} with the remedy where the choice cannot be had
 */
export function chooseMapping(heap: Heap, wanted: 'page' | 'run' | undefined): MappingWay {
  const { ways, reason, remedy } = mappingWaysOf(heap);
  if (wanted === undefined) return ways[0];
  if (ways.includes(wanted)) return wanted;
  throw new CommandFailure(`Cannot use --mapping ${wanted} as ${reason}: ${remedy}, or leave it out`);
}

/** @throws {CommandFailure} for what a heap or the kernel refuses; else the error itself */
export function failOnRefusal(error: unknown): never {
  throw isDmaBufError(error) ? new CommandFailure(error.message, { cause: error }) : error;
}

function readSeed(text = '0'): number {
  if (/^\d{1,9}$/u.test(text)) return Number(text);
  throw new UsageError(`Cannot use "${text}" as --seed: it must be a whole number of at most nine digits`);
}
