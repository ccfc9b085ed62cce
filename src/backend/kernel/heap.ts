import { join } from 'node:path';

import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import type { OwnedFd } from '../../linux/fd.ts';
import { readMachineRoom } from '../../linux/memory-room.ts';
import type { AllocationRequest, BackendBuffer, BufferLayout } from '../contract.ts';
import { DeviceHeap } from '../device-heap.ts';
import type { DeviceHeapSetup } from '../device-heap.ts';
import { FileBuffer } from '../file-buffer.ts';
import { traceAllocation } from '../layout/allocation-trace.ts';
import { layoutOfDmaBuf } from '../layout/dma-buf-layout.ts';
import { rememberLayout } from '../layout/remember-layout.ts';

/** Where the kernel shows its heaps (drivers/dma-buf/dma-heap.c, dma_heap_devnode). */
export const HEAP_FOLDER = '/dev/dma_heap';

/** A heap of the kernel: `/dev/dma_heap/<name>`. */
export class KernelHeap extends DeviceHeap {
  readonly backend = 'kernel';

  /** @throws {DmaBufError} as the kernel refuses to open the device */
  constructor(setup: DeviceHeapSetup) {
    const { name, calls, root } = setup;
    super(setup, {
      open: () => calls.dmaBuf.openHeap(join(root, HEAP_FOLDER, name)),
      // Not the control group's: the kernel charges a heap's memory to none, unless it was booted with dma_heap.mem_accounting=1.
      // Larger requests than the machine can hold are refused: the kernel would end processes to fulfil them.
      readRoom: () => readMachineRoom(root),
    });
  }

  protected create({ length, name, traceLayout }: AllocationRequest, released: () => void): BackendBuffer {
    return withCleanup((cleanup) => {
      const { dmaBuf, traced } = traceLayout ? this.#allocateTraced(length) : { dmaBuf: this.#allocateDmaBuf(length) };
      cleanup.defer(() => dmaBuf.close());
      const layout = this.#layoutOf(dmaBuf, length, traced);
      const setup = { length, pageSize: this.pageSize, exporter: this.name, layout, released };
      const buffer = new FileBuffer(this.calls.dmaBuf, { dmaBuf }, setup);
      if (name !== '') buffer.setName(name);
      return buffer;
    });
  }

  #allocateDmaBuf(length: ByteLength): OwnedFd {
    try {
      return this.calls.dmaBuf.allocate(this.device.borrow(), length);
    } catch (cause) {
      if (!isDmaBufError(cause, 'ENOMEM')) throw cause;
      throw new DmaBufError(
        `Cannot allocate ${formatSize(length)} from heap "${this.name}" as the kernel has no such memory left: ` +
          'close buffers, or ask for less',
        { code: 'ENOMEM', syscall: 'ioctl', values: { length }, cause },
      );
    }
  }

  #allocateTraced(length: ByteLength): { dmaBuf: OwnedFd; traced: BufferLayout } {
    const traced = { root: this.root, length, pageSize: this.pageSize };
    const { value, layout } = traceAllocation(traced, () => this.#allocateDmaBuf(length));
    return { dmaBuf: value, traced: layout };
  }

  /** Measured when it is asked for, unless the trace of the allocation told the layout. */
  #layoutOf(dmaBuf: OwnedFd, length: ByteLength, traced?: BufferLayout): () => BufferLayout {
    if (traced?.known === true) return () => traced;
    const size = { length, pageSize: this.pageSize, root: this.root };
    return rememberLayout(() => layoutOfDmaBuf(this.calls.system, dmaBuf.borrow(), size));
  }
}
