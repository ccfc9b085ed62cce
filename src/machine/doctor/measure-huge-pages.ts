import { CleanupStack } from '../../base/cleanup.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { toAddress, toByteLength } from '../../base/quantities.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { MiB } from '../../base/sizes.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { MemoryRange } from '../../linux/calls/memory-calls.ts';
import type { Machine } from '../../linux/machine.ts';
import { hugePageBytesOf } from '../../mapping/huge-part.ts';

/** The cost of memory in ordinary pages and in huge ones, in ns for `length` bytes. */
export interface HugePageGain {
  readonly length: ByteLength;
  /** Committed, zeroed and mapped. */
  readonly commitNs: number;
  /** Mapped again, with every page committed. */
  readonly mapNs: number;
  readonly mapHugeNs: number;
}

const LENGTH_MIN: number = 16 * MiB;
const ROUND_COUNT = 3;

/**
 * Measures the gain of huge pages, in a memfd of its own. Changes no setting: for a program's own
 * memory, on its explicit request, the kernel turns ordinary pages into huge ones regardless of
 * `shmem_enabled` (man 2 madvise, MADV_COLLAPSE, since 6.1).
 *
 * @returns undefined where the kernel cannot
 */
export function measureHugePages(machine: Machine): HugePageGain | undefined {
  const calls = new MemoryCalls(machine.raw);
  const hugePageBytes = hugePageBytesOf(calls.pageSize());
  const length = toByteLength(Math.max(LENGTH_MIN, hugePageBytes));
  const cleanup = new CleanupStack();
  try {
    const fd = calls.createSealedMemfd('dmabuf-doctor', length);
    cleanup.defer(() => fd.close());
    const place = reserveAligned(calls, length, { alignment: hugePageBytes, cleanup });
    calls.mapFileAt(place.address, { fd: fd.borrow(), offset: 0, length });
    const commitNs = timed(() => calls.populate(place));
    const mapNs = timeMapping(calls, fd.borrow(), place);
    if (!calls.collapse(place)) return undefined;
    return { length, commitNs, mapNs, mapHugeNs: timeMapping(calls, fd.borrow(), place) };
  } catch (error) {
    if (isDmaBufError(error)) return undefined;
    throw error;
  } finally {
    cleanup.unwind();
  }
}

/** The minimum of several rounds: other load on the machine only adds to it. */
function timeMapping(calls: MemoryCalls, fd: BorrowedFd, place: MemoryRange): number {
  const rounds = Array.from({ length: ROUND_COUNT }, () => {
    calls.mapZeros(place);
    return timed(() => {
      calls.mapFileAt(place.address, { fd, offset: 0, length: place.length });
      calls.populate(place);
    });
  });
  return Math.min(...rounds);
}

function reserveAligned(
  calls: MemoryCalls,
  length: ByteLength,
  { alignment, cleanup }: { alignment: number; cleanup: CleanupStack },
): MemoryRange {
  const whole = toByteLength(length + alignment);
  const start = calls.reserve(whole);
  cleanup.defer(() => calls.unmap({ address: start, length: whole }));
  return { address: toAddress(Math.ceil(start / alignment) * alignment), length };
}

function timed(run: () => void): number {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start);
}
