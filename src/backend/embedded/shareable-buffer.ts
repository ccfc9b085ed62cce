import { withCleanup } from '../../base/cleanup.ts';
import { isDmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { committedBytesOf, inodeOf } from '../../linux/file-status.ts';
import { COHERENT_MEMORY, DmaBufMaintenance } from '../../linux/dma-buf-sync.ts';
import type { CpuAccessMaintenance } from '../../linux/dma-buf-sync.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/fd.ts';
import type { SystemCalls } from '../../linux/system-calls.ts';
import type { MemorySource } from '../../mapping/memory-source.ts';
import type { BackendBuffer, BufferLayout } from '../contract.ts';

const UDMABUF_DEVICE = '/dev/udmabuf';

/**
 * A buffer with a sealed memfd of its own, so that its descriptor hands out these pages and no others. Where `/dev/udmabuf`
 * can be opened and takes its size, the descriptor is that of a dma-buf over the memfd, which devices can import.
 */
export class ShareableBuffer implements BackendBuffer {
  readonly length: ByteLength;
  readonly exporter: string;
  readonly source: MemorySource;
  readonly inode: number;
  /** Only a device that imported the udmabuf has caches of its own: a memfd's mappings are coherent. */
  readonly maintenance: CpuAccessMaintenance;
  readonly #calls: SystemCalls;
  readonly #memfd: OwnedFd;
  readonly #udmabuf: OwnedFd | undefined;
  readonly #released: () => void;

  constructor(calls: SystemCalls, size: { length: ByteLength; pageSize: ByteLength }, released: () => void) {
    const { length, pageSize } = size;
    this.length = length;
    this.#calls = calls;
    this.#released = released;
    this.#memfd = calls.createSealedMemfd('dmabuf-shareable', length);
    try {
      this.inode = inodeOf(this.#memfd.borrow());
      this.#udmabuf = createUdmabuf(calls, this.#memfd, length);
    } catch (error) {
      this.#memfd.close();
      throw error;
    }
    const udmabuf = this.dmaBufFd;
    this.maintenance = udmabuf === undefined ? COHERENT_MEMORY : new DmaBufMaintenance(calls, udmabuf);
    this.exporter = this.#udmabuf === undefined ? 'memfd' : 'udmabuf';
    const runs = { count: 1, offsets: new Float64Array([0]), lengths: new Float64Array([length]) };
    this.source = { fd: this.#memfd.borrow(), runs, pageSize, touched: false };
  }

  get dmaBufFd(): BorrowedFd | undefined {
    return this.#udmabuf?.borrow();
  }

  /** What its touched pages take of the machine's memory. */
  get committedBytes(): number {
    return committedBytesOf(this.#memfd.borrow());
  }

  layout(): BufferLayout {
    return {
      known: false,
      reason:
        'the kernel chose the pages of its memfd, and tells where they lie only to who may read /proc/self/pagemap',
      remedy: 'allocate it without { shareable: true } to see the layout of the embedded heap',
    };
  }

  exportFd(): OwnedFd {
    return this.#calls.duplicate((this.#udmabuf ?? this.#memfd).borrow());
  }

  release(): void {
    this.#udmabuf?.close();
    this.#memfd.close();
    this.#released();
  }
}

/**
 * A udmabuf over the whole memfd; undefined where there is no device for us, or it does not take the size (64 MiB unless its
 * `size_limit_mb` says otherwise): the memfd itself can be shared all the same.
 */
function createUdmabuf(calls: SystemCalls, memfd: OwnedFd, length: ByteLength): OwnedFd | undefined {
  try {
    return withCleanup((cleanup) => {
      const device = calls.openDevice(UDMABUF_DEVICE);
      cleanup.defer(() => device.close());
      const udmabuf = calls.createUdmabuf(device.borrow(), memfd.borrow(), length);
      cleanup.defer(() => udmabuf.close());
      device.close();
      return udmabuf;
    });
  } catch (error) {
    if (isDmaBufError(error)) return undefined;
    throw error;
  }
}
