import { DmaBufError } from '../base/errors.ts';
import { formatSize } from '../base/sizes.ts';
import type { BackendKind } from '../heap/backend.ts';
import { readAvailableMemory, readMachineMemory } from '../linux/proc/available-memory.ts';
import type { AvailableMemory } from '../linux/proc/available-memory.ts';

/**
 * Checks that there is memory for a buffer, before anything is made for it: the bookkeeping of its
 * pages alone takes memory.
 *
 * @param length in bytes
 * @throws {DmaBufError} `ENOMEM` with what limits it
 */
export function checkMemory(length: number, backend: BackendKind): void {
  const room = roomFor(backend);
  if (length <= room.bytes) return;
  throw new DmaBufError(
    `Cannot allocate ${formatSize(length)} as ${room.limitedBy} leaves room for ${formatSize(room.bytes)}: take a smaller size`,
    { code: 'ENOMEM', values: { length, roomBytes: room.bytes, limitedBy: room.limitedBy } },
  );
}

/** The kernel charges a heap's memory to no control group. */
function roomFor(backend: BackendKind): AvailableMemory {
  return backend === 'kernel' ? readMachineMemory() : readAvailableMemory();
}
