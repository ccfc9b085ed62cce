import type { ByteLength } from '../../base/quantities.ts';
import type { BorrowedFd } from '../../linux/fd.ts';
import type { SystemCalls } from '../../linux/system-calls.ts';
import type { BufferLayout } from '../contract.ts';

/** The layout of a memfd's memory. */
export function layoutOfMemfd(
  _calls: SystemCalls,
  _memfd: BorrowedFd,
  _size: { length: ByteLength; pageSize: ByteLength },
): BufferLayout {
  return {
    known: false,
    reason: 'the kernel chose the pages of its memfd, and tells where they lie only to who may read /proc/self/pagemap',
    remedy: 'allocate it without { shareable: true } to see the layout of the embedded heap',
  };
}
