import { withCleanup } from '../base/cleanup.ts';
import { isDmaBufError } from '../base/errors.ts';
import type { ErrnoName } from '../base/errors.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { DmaBufCalls } from '../linux/dma-buf-calls.ts';
import type { BorrowedFd, OwnedFd } from '../linux/fd.ts';
import type { BufferCalls } from './buffer-calls.ts';
import type { BufferLayout } from './contract.ts';
import { FileBuffer } from './file-buffer.ts';
import { layoutOfMemfd } from './layout/memfd-layout.ts';
import { rememberLayout } from './layout/remember-layout.ts';

export const UDMABUF_DEVICE = '/dev/udmabuf';

/** Memory wanted as a memfd. */
interface MemfdRequest {
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
  readonly name: string;
  /** Makes the dma-buf over the memfd; undefined where there is to be none. */
  wrap(memfd: OwnedFd): OwnedFd | undefined;
  released(): void;
}

/**
 * A buffer with a sealed memfd of its own, so that its descriptor hands out these pages and no others; with a dma-buf over it where
 * there can be one, which devices can import.
 */
export function createMemfdBuffer(calls: BufferCalls, request: MemfdRequest): FileBuffer {
  const { length, pageSize } = request;
  return withCleanup((cleanup) => {
    const memfd = calls.system.createSealedMemfd('dmabuf-shareable', length);
    cleanup.defer(() => memfd.close());
    const dmaBuf = request.wrap(memfd);
    cleanup.defer(() => dmaBuf?.close());
    const measure = (): BufferLayout => layoutOfMemfd(calls.system, memfd.borrow(), { length, pageSize });
    const buffer = new FileBuffer(
      calls.dmaBuf,
      { memfd, dmaBuf },
      {
        length,
        pageSize,
        exporter: dmaBuf === undefined ? 'memfd' : 'udmabuf',
        // A dma-buf holds its pages where they are.
        layout: dmaBuf === undefined ? measure : rememberLayout(measure),
        released: () => request.released(),
      },
    );
    if (request.name !== '') buffer.setName(request.name);
    return buffer;
  });
}

/**
 * A udmabuf over a memfd's whole memory; undefined where there is no device for us, or it does not take the length (64 MiB unless its `size_limit_mb`
 * says otherwise): the memfd itself can be shared all the same.
 */
export function createUdmabufIfPossible(
  calls: DmaBufCalls,
  memfd: BorrowedFd,
  length: ByteLength,
): OwnedFd | undefined {
  try {
    return createUdmabuf(calls, memfd, length);
  } catch (error) {
    if (isDmaBufError(error) && WITHOUT_UDMABUF.some((code) => code === error.code)) return undefined;
    throw error;
  }
}

/** No device, or not for us; a length that the driver does not take. Anything else, such as no free descriptor, is an error of its own. */
const WITHOUT_UDMABUF: readonly ErrnoName[] = ['ENOENT', 'ENODEV', 'ENXIO', 'EACCES', 'EPERM', 'EINVAL'];

/** Through a device that is opened for it. */
function createUdmabuf(calls: DmaBufCalls, memfd: BorrowedFd, length: ByteLength): OwnedFd {
  return withCleanup((cleanup) => {
    const device = calls.openUdmabuf(UDMABUF_DEVICE);
    cleanup.defer(() => device.close());
    const udmabuf = calls.createUdmabuf(device.borrow(), memfd, length);
    cleanup.defer(() => udmabuf.close());
    device.close();
    return udmabuf;
  });
}
