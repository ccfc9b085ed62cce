import { withCleanup } from '../../base/cleanup.ts';
import { toAddress, toByteLength } from '../../base/quantities.ts';
import type { ByteLength } from '../../base/quantities.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/calls/fd.ts';
import type { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { HugePages } from '../../mapping/huge-part.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import type { BufferLayout } from '../../heap/backend.ts';
import type { HugePageChoice } from '../choose-huge-pages.ts';
import { FdBuffer, runOf } from './fd-buffer.ts';
import { layoutOfMemfd } from '../layout/memfd-layout.ts';
import { rememberLayout } from '../layout/remember-layout.ts';

export const UDMABUF_DEVICE = '/dev/udmabuf';

/** The requested memory. */
interface MemfdRequest {
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
  readonly name: string;
  readonly hugePages: HugePageChoice;
  /** Makes the dma-buf over the memfd; undefined without one. */
  wrap(memfd: OwnedFd): OwnedFd | undefined;
  released(): void;
}

/**
 * A buffer with a sealed memfd of its own, so that its descriptor gives access to these pages
 * alone. Where possible, it has a dma-buf over it, which devices can import.
 */
export function createMemfdBuffer(calls: BufferCalls, request: MemfdRequest): FdBuffer {
  const { length, pageSize } = request;
  return withCleanup((cleanup) => {
    const memfd = calls.memory.createSealedMemfd('dmabuf-shareable', length);
    cleanup.defer(() => memfd.close());
    const dmaBuf = request.wrap(memfd);
    cleanup.defer(() => dmaBuf?.close());
    const measure = (): BufferLayout => layoutOfMemfd(calls.memory, memfd.borrow(), { length, pageSize });
    const buffer = new FdBuffer(
      calls.dmaBuf,
      { memfd, dmaBuf },
      {
        length,
        pageSize,
        exporter: dmaBuf === undefined ? 'memfd' : 'udmabuf',
        // A dma-buf pins its pages.
        layout: dmaBuf === undefined ? measure : rememberLayout(measure),
        hugePages: request.hugePages.of(runOf(length)),
        released: () => request.released(),
      },
    );
    if (request.name !== '') buffer.setName(request.name);
    return buffer;
  });
}

/**
 * Commits the part of a memfd that can be huge pages. The driver takes existing pages as they are,
 * and commits ordinary ones where there are none (drivers/dma-buf/udmabuf.c, memfd_pin_folios).
 */
export function commitHugePages(calls: MemoryCalls, memfd: BorrowedFd, hugePages: HugePages): void {
  if (typeof hugePages !== 'object') return;
  const { length, pageBytes } = hugePages;
  // Large enough to contain an aligned huge page.
  const reserved = toByteLength(length + pageBytes);
  const start = calls.reserve(reserved);
  try {
    const address = toAddress(Math.ceil(start / pageBytes) * pageBytes);
    calls.mapFileAt(address, { fd: memfd, offset: 0, length });
    calls.adviseHugePages({ address, length });
    // If this is refused, the driver commits the missing pages.
    calls.populate({ address, length });
  } finally {
    calls.unmap({ address: start, length: reserved });
  }
}
