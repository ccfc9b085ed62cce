import { join } from 'node:path';

import { DmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import { readMemoryRoom } from '../../linux/memory-room.ts';
import type { AllocationRequest, BackendBuffer } from '../contract.ts';
import { DeviceHeap } from '../device-heap.ts';
import type { DeviceHeapSetup } from '../device-heap.ts';
import { createMemfdBuffer, UDMABUF_DEVICE } from '../memfd-buffer.ts';
import { readUdmabufLimit } from './limit.ts';

/** Dma-bufs over sealed memfds: `/dev/udmabuf` (drivers/dma-buf/udmabuf.c). */
export class UdmabufHeap extends DeviceHeap {
  readonly backend = 'udmabuf';

  /** @throws {DmaBufError} as the kernel refuses to open the device */
  constructor(setup: DeviceHeapSetup) {
    const { calls, root } = setup;
    super(setup, {
      open: () => calls.dmaBuf.openUdmabuf(join(root, UDMABUF_DEVICE)),
      // The driver pins every page at once, and the control group is charged for them.
      readRoom: () => readMemoryRoom(root),
    });
  }

  override allocate(request: AllocationRequest): BackendBuffer {
    this.#checkLimit(request.length);
    return super.allocate(request);
  }

  protected create({ length, name }: AllocationRequest, released: () => void): BackendBuffer {
    const { dmaBuf } = this.calls;
    return createMemfdBuffer(this.calls, {
      length,
      name,
      pageSize: this.pageSize,
      wrap: (memfd) => dmaBuf.createUdmabuf(this.device.borrow(), memfd.borrow(), length),
      released,
    });
  }

  /** Read anew each time, as it can be changed at any time. */
  #checkLimit(length: ByteLength): void {
    const { bytes, remedy } = readUdmabufLimit(this.root);
    if (length <= bytes) return;
    throw new DmaBufError(
      `Cannot allocate ${formatSize(length)} from heap "${this.name}" as a udmabuf holds at most ${formatSize(bytes)}: ${remedy}`,
      { code: 'ENOMEM', syscall: 'ioctl', values: { length, limitBytes: bytes } },
    );
  }
}
