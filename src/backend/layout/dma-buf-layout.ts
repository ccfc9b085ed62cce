import type { ByteLength } from '../../base/quantities.ts';
import type { BorrowedFd } from '../../linux/fd.ts';
import type { SystemCalls } from '../../linux/system-calls.ts';
import type { BufferLayout } from '../contract.ts';

/** The layout of a dma-buf of another exporter. */
export function layoutOfDmaBuf(
  _calls: SystemCalls,
  _dmaBuf: BorrowedFd,
  _size: { length: ByteLength; pageSize: ByteLength },
): BufferLayout {
  return { known: false, reason: 'the kernel chose its pages, and does not tell which' };
}
