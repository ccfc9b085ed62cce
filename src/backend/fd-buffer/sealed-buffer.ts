import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import type { MappingContext } from '../../mapping/window.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK } from '../../uapi/memfd.ts';
import { FdBuffer, runOf } from './fd-buffer.ts';
import type { OwnedMapping } from './fd-buffer.ts';
import type { HugePageChoice } from '../choose-huge-pages.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import { layoutOfMemfd } from '../layout/memfd-layout.ts';

/** Memory that other processes may only read. */
interface SealedRequest {
  readonly length: ByteLength;
  readonly pageSize: ByteLength;
  readonly hugePages: HugePageChoice;
  readonly mapping: MappingContext;
  released(): void;
}

/**
 * A buffer that only its owner can write to. Its memfd is sealed with F_SEAL_FUTURE_WRITE once the
 * owner has mapped it. From then on no process, root included, can map it writable, write to it or
 * punch holes into it. Windows of the owner are duplicates of that first mapping (man 2 fcntl;
 * mm/shmem.c).
 *
 * It has no dma-buf, because every holder of a dma-buf can write through it. The driver refuses
 * such a memfd, too (drivers/dma-buf/udmabuf.c, check_memfd_seals).
 */
export function createSealedBuffer(calls: BufferCalls, request: SealedRequest): FdBuffer {
  const { length, pageSize, mapping } = request;
  return withCleanup((cleanup) => {
    const memfd = calls.memory.createMemfd('dmabuf-read-only', length);
    cleanup.defer(() => memfd.close());
    const mappedBeforeSeal = mapWhole(mapping, memfd.borrow(), length);
    cleanup.defer(() => mappedBeforeSeal.close());
    sealForOthers(calls, memfd.borrow());
    return new FdBuffer(
      calls.dmaBuf,
      { memfd },
      {
        length,
        pageSize,
        exporter: 'memfd',
        layout: () => layoutOfMemfd(calls.memory, memfd.borrow(), { length, pageSize }),
        hugePages: request.hugePages.of(runOf(length)),
        mappedBeforeSeal,
        released: () => request.released(),
      },
    );
  });
}

function mapWhole({ calls, budget }: MappingContext, fd: BorrowedFd, length: ByteLength): OwnedMapping {
  return withCleanup((cleanup) => {
    budget.reserve(1);
    cleanup.defer(() => budget.release(1));
    const address = calls.mapFile({ fd, offset: 0, length });
    let isMapped = true;
    const close = (): void => {
      if (!isMapped) return;
      calls.unmap({ address, length });
      isMapped = false;
      budget.release(1);
    };
    return { address, close };
  });
}

function sealForOthers({ memory }: BufferCalls, memfd: BorrowedFd): void {
  try {
    memory.seal(memfd, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
  } catch (cause) {
    if (!isDmaBufError(cause, 'EINVAL')) throw cause;
    throw new DmaBufError(
      'Cannot allocate a buffer that others may only read as this kernel has no F_SEAL_FUTURE_WRITE, which came with Linux 5.1: ' +
        'allocate it with { shareable: true } for peers that are trusted',
      { code: 'EOPNOTSUPP', syscall: 'fcntl', cause },
    );
  }
}
