import { assert } from '../base/assert.ts';
import { DmaBufError } from '../base/errors.ts';
import { WINDOW_BYTES_MAX } from '../base/limits.ts';
import { toAddress } from '../base/quantities.ts';
import type { Address, ByteLength } from '../base/quantities.ts';
import { formatSize } from '../base/sizes.ts';
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
  const small = length <= WINDOW_BYTES_MAX;
  const shared = small ? createShared(length, { maxByteLength: length }) : createShared(length + pageSize);
  const start = addressOf(new Uint8Array(shared, 0, 1));
  const byteOffset = small ? 0 : (pageSize - (start % pageSize)) % pageSize;
  const address = toAddress(start + byteOffset);
  assert(address % pageSize === 0, 'A window must start on a page');
  return { shared, byteOffset, address, length };
}

function createShared(byteLength: number, options?: { maxByteLength: number }): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(byteLength, options);
  } catch (cause) {
    throw new DmaBufError(
      `Cannot reserve ${formatSize(byteLength)} of address space: close views, or raise the process's limit with "ulimit -v"`,
      { code: 'ENOMEM', syscall: 'mmap', values: { byteLength }, cause },
    );
  }
}
