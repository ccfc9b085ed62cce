import { release } from 'node:os';

import { assert } from '../base/assert.ts';
import { CleanupStack } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { DmaBufErrorCode } from '../base/errors.ts';
import { bytesOfPages, pagesCoveringBytes, toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import { endAfter } from '../heap/finally.ts';
import { Heap } from '../heap/heap.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import { kernelCalls } from '../linux/calls/kernel-calls.ts';
import type { RawCalls } from '../linux/calls/kernel-calls.ts';
import { KernelVmapCalls } from '../linux/calls/kernel-vmap-calls.ts';
import type { KernelVmapRound, KernelVmapTimes } from '../linux/calls/kernel-vmap-calls.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';
import { fragmentMemory } from './fragmented-memory.ts';
import { readInstructionNs } from './instruction-clock.ts';
import { openMeasureDevice } from './kernel-vmap-device.ts';
import { openMachineHeap } from './machine-buffer.ts';
import { checkMemory } from './memory-check.ts';
import { median } from '../base/median.ts';

/** The parameters of {@link runKernelVmapJob}. */
interface KernelVmapOptions {
  /** In bytes, from 1; rounded up to whole pages. */
  readonly length: number;
  /** One of the kernel's, by its name in `/dev/dma_heap`. */
  readonly heapName: string;
  /** Whether the machine's memory is fragmented first. */
  readonly fragmented: boolean;
  /** Default: 10. */
  readonly roundCount?: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Tests let some of them fail. Default: the kernel's own. */
  readonly raw?: RawCalls;
}

/** What mapping a buffer costs in the kernel, measured there. */
export interface KernelVmapReport {
  readonly heapName: string;
  /** In bytes. */
  readonly length: number;
  readonly pageSize: number;
  readonly pageCount: number;
  /** Of the buffer's scatter-gather table. */
  readonly entryCount: number;
  /** How much memory was held to fragment the machine's; undefined where it was not fragmented. */
  readonly heldBytes: number | undefined;
  /** As `uname -r` has it. */
  readonly kernelRelease: string;
  readonly roundCount: number;
  /** Medians of the rounds. */
  readonly times: KernelVmapTimes;
  /**
   * How many ns of the clock an instruction takes, if it counts instructions; undefined if it
   * counts time.
   */
  readonly instructionNs: number | undefined;
}

const WARMUP_ROUNDS = 2;
/** Half of them walk by page first, half by entry. */
const ROUNDS_DEFAULT = 10;

/**
 * Has the module dmabuf_measure map and unmap a buffer of one of the kernel's heaps, step by step,
 * again and again. In each round the module compares the pages of both walks, and those of the
 * heap's own mapping: a report means that they were the same.
 *
 * @throws {RangeError} for an invalid name of a heap
 * @throws {DmaBufError} `ENODEV` without the module or the heap, `ENOMEM` for too large a buffer,
 *   `EFBIG` for one larger than the module takes, `EOPNOTSUPP` for a heap whose tables the walks
 *   may read differently, `EILSEQ` for different pages; with the reason and the remedy
 */
export function runKernelVmapJob(options: KernelVmapOptions): KernelVmapReport {
  const { raw = kernelCalls } = options;
  const pageSize = new MemoryCalls(raw).pageSize();
  const length = bytesOfPages(pagesCoveringBytes(toByteLength(options.length), pageSize), pageSize);
  const cleanup = new CleanupStack();
  return endAfter(
    () => measure({ ...options, length, raw, pageSize }, cleanup),
    () => cleanup.unwind(),
  );
}

/** `cleanup` gets the steps that close everything. */
function measure(
  { length, heapName, fragmented, roundCount = ROUNDS_DEFAULT, onProgress = () => {}, raw, pageSize }: MeasuredOptions,
  cleanup: CleanupStack,
): KernelVmapReport {
  const calls = new KernelVmapCalls(raw);
  // First: without the module, the buffer would be made for nothing.
  const device = openMeasureDevice(calls);
  cleanup.defer(() => device.close());
  checkMemory(length, 'kernel');
  const heap = new Heap(openMachineHeap({ backend: 'kernel', name: heapName, raw }), 'it was asked for');
  cleanup.defer(() => heap.close());
  const held = fragmented ? fragmentMemory(length) : undefined;
  cleanup.defer(() => held?.close());
  const buffer = heap.allocate(length, { name: 'kernel vmap' });
  cleanup.defer(() => buffer.close());
  const fd = buffer.exportFd();
  cleanup.defer(() => fd.close());
  const rounds = Array.from({ length: WARMUP_ROUNDS + roundCount }, (_, round) => {
    onProgress(round, WARMUP_ROUNDS + roundCount);
    return measureRound(calls, { device: device.borrow(), dmaBuf: fd.borrow(), round });
  }).slice(WARMUP_ROUNDS);
  const [first] = rounds;
  assert(first !== undefined, 'There is a round');
  return {
    heapName,
    length,
    pageSize,
    pageCount: first.pageCount,
    entryCount: first.entryCount,
    heldBytes: held?.heldBytes,
    kernelRelease: release(),
    roundCount,
    times: medianTimes(rounds),
    instructionNs: readInstructionNs(),
  };
}

/** The options as they are used: whole pages, and no defaults left but of the rounds. */
type MeasuredOptions = KernelVmapOptions & {
  readonly length: ByteLength;
  readonly raw: RawCalls;
  readonly pageSize: number;
};

/** What is measured, and with what. */
interface RoundArguments {
  readonly device: BorrowedFd;
  readonly dmaBuf: BorrowedFd;
  readonly round: number;
}

/** Why the module does not measure a buffer, as far as its user can help it. */
const REFUSALS: Partial<Record<DmaBufErrorCode, string>> = {
  EFBIG: 'it is larger than the module takes: take a smaller size, or load the module with size_max_mib=SIZE',
  EILSEQ: 'the walks gave different pages: this is a bug, please report it',
  EOPNOTSUPP: "the heap's table has entries that are not whole pages: take another heap",
};

function measureRound(calls: KernelVmapCalls, { device, dmaBuf, round }: RoundArguments): KernelVmapRound {
  try {
    return calls.measureRound(device, dmaBuf, round);
  } catch (error) {
    const reason = isDmaBufError(error) ? REFUSALS[error.code] : undefined;
    if (!isDmaBufError(error) || reason === undefined) throw error;
    const { code, values } = error;
    throw new DmaBufError(`Cannot measure the buffer as ${reason}`, { code, syscall: 'ioctl', values, cause: error });
  }
}

function medianTimes(rounds: readonly KernelVmapRound[]): KernelVmapTimes {
  const of = (name: keyof KernelVmapTimes): number => median(rounds.map(({ times }) => times[name]));
  return {
    attachNs: of('attachNs'),
    allocNs: of('allocNs'),
    byPageNs: of('byPageNs'),
    byEntryNs: of('byEntryNs'),
    vmapNs: of('vmapNs'),
    vunmapNs: of('vunmapNs'),
    freeNs: of('freeNs'),
    wholeNs: of('wholeNs'),
    wholeVunmapNs: of('wholeVunmapNs'),
  };
}
