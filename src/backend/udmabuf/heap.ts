import { join } from 'node:path';

import { DmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { readAvailableMemory } from '../../linux/proc/available-memory.ts';
import type { AllocationRequest, BackendBuffer, HugePageUse } from '../../heap/backend.ts';
import { chooseHugePages } from '../choose-huge-pages.ts';
import type { HugePageChoice } from '../choose-huge-pages.ts';
import { DeviceHeap } from '../device-heap.ts';
import type { DeviceHeapSetup } from '../device-heap.ts';
import { runOf } from '../fd-buffer/fd-buffer.ts';
import { commitHugePages, createMemfdBuffer, UDMABUF_DEVICE } from '../fd-buffer/memfd-buffer.ts';
import { readUdmabufLimit } from './limit.ts';

/** Dma-bufs over sealed memfds: `/dev/udmabuf` (drivers/dma-buf/udmabuf.c). */
export class UdmabufHeap extends DeviceHeap {
  readonly backend = 'udmabuf';
  readonly #hugePages: HugePageChoice;

  /** @throws {DmaBufError} as the kernel refuses to open the device */
  constructor(setup: DeviceHeapSetup) {
    const { calls, machine } = setup;
    super(setup, {
      open: () => calls.dmaBuf.openUdmabuf(join(machine.root, UDMABUF_DEVICE)),
      // The driver pins every page at once, and the kernel charges them to the control group.
      readRoom: () => readAvailableMemory(machine),
    });
    this.#hugePages = chooseHugePages(machine, true, this.pageSize);
  }

  protected get hugePages(): HugePageUse {
    return this.#hugePages.use;
  }

  override allocate(request: AllocationRequest): BackendBuffer {
    this.#checkLimit(request.length);
    return super.allocate(request);
  }

  protected create({ length, name }: AllocationRequest, released: () => void): BackendBuffer {
    const { dmaBuf, memory } = this.calls;
    const wrap = (memfd: OwnedFd): OwnedFd => {
      commitHugePages(memory, memfd.borrow(), this.#hugePages.of(runOf(length)));
      return dmaBuf.createUdmabuf(this.device.borrow(), memfd.borrow(), length);
    };
    return createMemfdBuffer(this.calls, {
      length,
      name,
      pageSize: this.pageSize,
      hugePages: this.#hugePages,
      wrap,
      released,
    });
  }

  /** Read each time, because it can change at any time. */
  #checkLimit(length: ByteLength): void {
    const { bytes, remedy } = readUdmabufLimit(this.machine);
    if (length <= bytes) return;
    throw new DmaBufError(
      `Cannot allocate ${formatSize(length)} from heap "${this.name}" as a udmabuf holds at most ${formatSize(bytes)}: ${remedy}`,
      { code: 'ENOMEM', syscall: 'ioctl', values: { length, limitBytes: bytes } },
    );
  }
}
