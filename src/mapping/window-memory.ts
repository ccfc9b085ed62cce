import { assert } from '../base/assert.ts';
import { DmaBufError } from '../base/errors.ts';
import { ADDRESS_SPACE_KEPT_FREE, WINDOW_BYTES_MAX } from '../base/limits.ts';
import { toAddress } from '../base/quantities.ts';
import type { Address, ByteLength } from '../base/quantities.ts';
import { formatSize } from '../base/sizes.ts';
import { readAddressSpaceLimit, readAddressSpaceSize } from '../linux/address-space.ts';
import { addressOf } from '../linux/libc.ts';

/** Address space that JavaScript can see, page-aligned, not committed: what a window is mapped over. */
export interface WindowMemory {
  readonly shared: SharedArrayBuffer;
  /** Where in `shared` the window starts: 0, except above 4 GiB. */
  readonly byteOffset: number;
  readonly address: Address;
  readonly length: ByteLength;
}

/**
 * Reserves address space of `length` bytes.
 *
 * Up to 4 GiB it is a SharedArrayBuffer with `maxByteLength`, which V8 takes straight from the kernel: page-aligned and of
 * exactly its size. Larger ones cannot have that and come from `calloc`, so they get a page more to be aligned within.
 *
 * @throws {DmaBufError} `ENOMEM` when there is not that much address space
 */
export function reserveWindowMemory(length: ByteLength, pageSize: ByteLength): WindowMemory {
  checkAddressSpace(length, pageSize);
  const small = length <= WINDOW_BYTES_MAX;
  const shared = small ? createShared(length, { maxByteLength: length }) : createShared(length + pageSize);
  const start = addressOf(new Uint8Array(shared, 0, 1));
  const byteOffset = small ? 0 : (pageSize - (start % pageSize)) % pageSize;
  const address = toAddress(start + byteOffset);
  assert(address % pageSize === 0, 'A window must start on a page');
  return { shared, byteOffset, address, length };
}

/** Read once: who limits a process does it before it starts (`ulimit -v`), and reading it each time would cost as much as a small window. */
const ADDRESS_SPACE_LIMIT = readAddressSpaceLimit();

/** V8 collects garbage before it says that there is no memory, and ends the process when it has none to do that with. */
function checkAddressSpace(length: ByteLength, pageSize: ByteLength): void {
  const limit = ADDRESS_SPACE_LIMIT;
  if (limit === undefined || fits(length, pageSize, limit)) return;
  collectClosedWindows(limit);
  if (fits(length, pageSize, limit)) return;
  throw noAddressSpace({ byteLength: length, limit, keptFree: ADDRESS_SPACE_KEPT_FREE });
}

function fits(length: ByteLength, pageSize: ByteLength, limit: number): boolean {
  return readAddressSpaceSize(pageSize) + length + ADDRESS_SPACE_KEPT_FREE <= limit;
}

/** The range of a closed window goes with its collection, which V8 puts off until it cannot get what it is asked for. So it is asked for all. */
function collectClosedWindows(limit: number): void {
  try {
    void new SharedArrayBuffer(limit);
  } catch {
    // As intended: it cannot be had, and V8 has looked everywhere for it.
  }
}

function noAddressSpace(
  values: { readonly byteLength: number; readonly [name: string]: number },
  cause?: unknown,
): DmaBufError {
  return new DmaBufError(
    `Cannot reserve ${formatSize(values.byteLength)} of address space: close views, or raise the process's limit with "ulimit -v"`,
    { code: 'ENOMEM', syscall: 'mmap', values, cause },
  );
}

function createShared(byteLength: number, options?: { maxByteLength: number }): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(byteLength, options);
  } catch (cause) {
    throw noAddressSpace({ byteLength }, cause);
  }
}
