import { DmaBufError } from '../../base/errors.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { ADDRESS_SPACE_KEPT_FREE, ARENA_RANGE_BYTES_MIN } from '../../base/limits.ts';
import { roundUp, toByteLength } from '../../base/quantities.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import type { AddressSpace } from '../../linux/calls/address-space.ts';
import { readAvailableMemory } from '../../linux/proc/available-memory.ts';
import { limitRemedy } from '../../linux/calls/resource-limits.ts';
import type { ResourceLimits } from '../../linux/calls/resource-limits.ts';
import type { Machine } from '../../linux/machine.ts';

/** The default share of the available memory for a heap. The rest is for the other programs. */
const CAPACITY_SHARE = 0.5;

/**
 * Where address space is short, the arena takes this share of it: the windows of its buffers need
 * the same again.
 */
const ADDRESS_SPACE_SHARE = 0.5;

/**
 * The address range is twice the capacity, which costs nothing: a full heap of scattered pages has
 * gaps between them.
 */
const RANGE_PER_CAPACITY = 2;

/** An upper bound on an arena. */
interface Bound {
  readonly bytes: number;
  /** A requested capacity may exceed `bytes`, but not this. */
  readonly bytesAtMost: number;
  /** The reason for the bound: a clause. */
  readonly reason: string;
  readonly remedy: string;
  readonly code: ErrnoName;
}

/** The requirements on an arena. */
interface ArenaRequest {
  /** The requested capacity; undefined: a default. */
  readonly capacityBytes: ByteLength | undefined;
  /** The length of the buffer that the arena is fragmented for; 0 without fragmentation. */
  readonly fragmentedBytes: number;
  readonly pageSize: ByteLength;
  /** The largest block that is allocated in an arena of that capacity. */
  blockBytes(capacityBytes: ByteLength): number;
}

/** The resources for planning. */
interface ArenaContext {
  readonly limits: ResourceLimits;
  readonly addressSpace: AddressSpace;
  /** Where `/proc` and `/sys` are found. */
  readonly machine: Machine;
  /**
   * Whether to try how much address space is available. Otherwise only the process's own limit is
   * checked.
   */
  readonly tryAddressSpace: boolean;
}

/** How many bytes may be allocated, and the size of the page range. */
export interface ArenaPlan {
  readonly capacityBytes: ByteLength;
  readonly rangeBytes: ByteLength;
  /** Why the capacity is no larger, and the remedy: clauses. */
  readonly reason: string;
  readonly remedy: string;
}

const ASKED: Pick<ArenaPlan, 'reason' | 'remedy'> = {
  reason: 'as it was opened with',
  remedy: 'open the heap with a larger { embedded: { capacity } }',
};

/**
 * Chooses an arena within every limit: half of the available memory, the largest file that the
 * process may make (RLIMIT_FSIZE), half of its address space (RLIMIT_AS). RLIMIT_DATA does not
 * count shared mappings (mm/mmap.c, is_data_mapping), so it bounds windows, not the arena.
 *
 * @throws {DmaBufError} `EFBIG` or `ENOMEM` where a limit leaves no room for the requested arena:
 *   the message names the limit
 */
export function planArena(request: ArenaRequest, context: ArenaContext): ArenaPlan {
  const { capacityBytes: asked, fragmentedBytes, pageSize } = request;
  const bounds = readBounds(request, context);
  for (const bound of bounds) checkBound(Math.max(asked ?? pageSize, 2 * fragmentedBytes), bound);
  const memory = memoryBound(context.machine);
  const least = [memory, ...bounds].reduce((lower, bound) => (bound.bytes < lower.bytes ? bound : lower));
  const capacityBytes = asked ?? toByteLength(Math.max(pageSize, roundDown(least.bytes, pageSize)));
  const wanted = arenaRange(Math.max(capacityBytes, fragmentedBytes), request.blockBytes(capacityBytes));
  const needed = Math.max(capacityBytes, 2 * fragmentedBytes);
  const rangeBytes = bounds.reduce((range, { bytes }) => Math.min(range, Math.max(bytes, needed)), wanted as number);
  const { reason, remedy } = asked === undefined ? least : ASKED;
  return { capacityBytes, rangeBytes: toByteLength(roundDown(rangeBytes, pageSize)), reason, remedy };
}

/** The address range of an arena for `capacity`, in whole blocks of `blockBytes`. */
function arenaRange(capacity: number, blockBytes: number): ByteLength {
  const wanted = Math.max(ARENA_RANGE_BYTES_MIN, capacity * RANGE_PER_CAPACITY);
  return toByteLength(roundUp(wanted, blockBytes));
}

/** Refuses an allocation beyond the heap's capacity. */
export function checkCapacity(heapName: string, plan: ArenaPlan, request: { length: number; usedBytes: number }): void {
  const { length, usedBytes } = request;
  const { capacityBytes, reason, remedy } = plan;
  if (usedBytes + length <= capacityBytes) return;
  throw new DmaBufError(
    `Cannot allocate ${formatSize(length)} from heap "${heapName}" as ${formatSize(usedBytes)} of its capacity of ` +
      `${formatSize(capacityBytes)} (${reason}) are used: close buffers, ask for less, or ${remedy}`,
    { code: 'ENOMEM', values: { length, usedBytes, capacityBytes } },
  );
}

/**
 * Half of the memory available now. A larger capacity may be requested: memory that is missing is
 * refused at allocation.
 */
function memoryBound(machine: Machine): Bound {
  const { bytes, limitedBy } = readAvailableMemory(machine);
  return {
    bytes: bytes * CAPACITY_SHARE,
    bytesAtMost: Number.POSITIVE_INFINITY,
    reason: `half of the room that ${limitedBy} left when it was opened`,
    remedy: ASKED.remedy,
    code: 'ENOMEM',
  };
}

function readBounds(request: ArenaRequest, context: ArenaContext): Bound[] {
  return [...fileSizeBound(context), ...addressSpaceBound(request, context)];
}

function fileSizeBound({ limits }: ArenaContext): Bound[] {
  const bytes = limits.bytesOf('RLIMIT_FSIZE');
  if (bytes === undefined) return [];
  return [
    {
      bytes,
      bytesAtMost: bytes,
      reason: `RLIMIT_FSIZE lets no file of this process have more than ${formatSize(bytes)}`,
      remedy: limitRemedy('RLIMIT_FSIZE'),
      code: 'EFBIG',
    },
  ];
}

function addressSpaceBound(request: ArenaRequest, context: ArenaContext): Bound[] {
  const { addressSpace, limits, machine } = context;
  const limit = limits.bytesOf('RLIMIT_AS');
  if (limit === undefined && !context.tryAddressSpace) return [];
  const { pageSize, fragmentedBytes } = request;
  const capacityBytes = request.capacityBytes ?? toByteLength(readAvailableMemory(machine).bytes * CAPACITY_SHARE);
  const wanted = arenaRange(Math.max(capacityBytes, fragmentedBytes), pageSize) / ADDRESS_SPACE_SHARE;
  const room = Math.max(0, addressSpace.roomUpTo(wanted + ADDRESS_SPACE_KEPT_FREE) - ADDRESS_SPACE_KEPT_FREE);
  if (room >= wanted) return [];
  const what = limit === undefined ? 'the address space' : `RLIMIT_AS of ${formatSize(limit)}`;
  return [
    {
      bytes: room * ADDRESS_SPACE_SHARE,
      bytesAtMost: room,
      reason: `${what} leaves ${formatSize(room)} of addresses for its arena and the views of its buffers`,
      remedy: limit === undefined ? 'end what else takes address space' : limitRemedy('RLIMIT_AS'),
      code: 'ENOMEM',
    },
  ];
}

function checkBound(needed: number, { bytesAtMost, reason, remedy, code }: Bound): void {
  if (needed <= bytesAtMost) return;
  throw new DmaBufError(
    `Cannot open the embedded heap with an arena of ${formatSize(needed)} as ${reason}: ` +
      `open it with a smaller capacity, or ${remedy}`,
    { code, values: { needed, bytesAtMost } },
  );
}

function roundDown(bytes: number, step: number): number {
  return Math.floor(bytes / step) * step;
}
