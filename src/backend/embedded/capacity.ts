import { DmaBufError } from '../../base/errors.ts';
import { ARENA_RANGE_BYTES_MIN } from '../../base/limits.ts';
import { roundUp, toByteLength } from '../../base/quantities.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import { readMemoryRoom } from '../../linux/memory-room.ts';

/** A heap takes this share of what is available when it is opened, unless told otherwise: the rest is for everybody else. */
const CAPACITY_SHARE = 0.5;

/** Twice the capacity in address range, which costs nothing: a full heap of scattered pages has gaps between them. */
const RANGE_PER_CAPACITY = 2;

/** Half of the memory available now, in whole pages. */
export function defaultCapacity(pageSize: ByteLength, root: string): ByteLength {
  const share = readMemoryRoom(root).bytes * CAPACITY_SHARE;
  return toByteLength(Math.max(pageSize, Math.floor(share / pageSize) * pageSize));
}

/** How much address range an arena for `capacity` has, in whole blocks of `blockBytes`. */
export function arenaRange(capacity: number, blockBytes: number): ByteLength {
  const wanted = Math.max(ARENA_RANGE_BYTES_MIN, capacity * RANGE_PER_CAPACITY);
  return toByteLength(roundUp(wanted, blockBytes));
}

/** Refuses an allocation beyond the heap's capacity. */
export function checkCapacity(
  heapName: string,
  request: { length: number; usedBytes: number; capacityBytes: number },
): void {
  const { length, usedBytes, capacityBytes } = request;
  if (usedBytes + length <= capacityBytes) return;
  throw new DmaBufError(
    `Cannot allocate ${formatSize(length)} from heap "${heapName}" as ${formatSize(usedBytes)} of its capacity of ` +
      `${formatSize(capacityBytes)} are used: close buffers, ask for less, or open the heap with a larger { embedded: { capacity } }`,
    { code: 'ENOMEM', values: { length, usedBytes, capacityBytes } },
  );
}
