import { join } from 'node:path';

import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { readMachineMemory } from '../../linux/proc/available-memory.ts';
import type { AllocationRequest, BackendBuffer, BufferLayout } from '../../heap/backend.ts';
import { DeviceHeap } from '../device-heap.ts';
import type { DeviceHeapSetup } from '../device-heap.ts';
import { FdBuffer } from '../fd-buffer/fd-buffer.ts';
import { traceAllocation } from '../layout/allocation-trace.ts';
import { layoutOfDmaBuf } from '../layout/dma-buf-layout.ts';
import { rememberLayout } from '../layout/remember-layout.ts';

/** The folder of the kernel's heaps (drivers/dma-buf/dma-heap.c, dma_heap_devnode). */
export const HEAP_FOLDER = '/dev/dma_heap';

/** A heap of the kernel: `/dev/dma_heap/<name>`. */
export class KernelHeap extends DeviceHeap {
  readonly backend = 'kernel';
  protected readonly hugePages = { pageBytes: undefined, reason: 'the kernel allocates by a policy of its own' };

  /** @throws {DmaBufError} as the kernel refuses to open the device */
  constructor(setup: DeviceHeapSetup) {
    const { name, calls, machine } = setup;
    super(setup, {
      open: () => calls.dmaBuf.openHeap(join(machine.root, HEAP_FOLDER, name)),
      // The machine's memory, not the control group's: the kernel charges a heap's memory to no
      // group, unless it was booted with dma_heap.mem_accounting=1. Requests larger than the
      // machine's memory are refused, because the kernel would kill processes to satisfy them.
      readRoom: () => readMachineMemory(machine),
    });
  }

  protected create({ length, name, traceLayout }: AllocationRequest, released: () => void): BackendBuffer {
    return withCleanup((cleanup) => {
      const { dmaBuf, traced } = traceLayout ? this.#allocateTraced(length) : { dmaBuf: this.#allocateDmaBuf(length) };
      cleanup.defer(() => dmaBuf.close());
      const layout = this.#layoutOf(dmaBuf, length, traced);
      const setup = { length, pageSize: this.pageSize, exporter: this.name, layout, released };
      const buffer = new FdBuffer(this.calls.dmaBuf, { dmaBuf }, setup);
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
    const traced = { machine: this.machine, length, pageSize: this.pageSize };
    const { value, layout } = traceAllocation(traced, () => this.#allocateDmaBuf(length));
    return { dmaBuf: value, traced: layout };
  }

  /** Measured on request, unless the trace of the allocation gave the layout. */
  #layoutOf(dmaBuf: OwnedFd, length: ByteLength, traced?: BufferLayout): () => BufferLayout {
    if (traced?.known === true) return () => traced;
    const size = { length, pageSize: this.pageSize, machine: this.machine };
    return rememberLayout(() => layoutOfDmaBuf(this.calls.memory, dmaBuf.borrow(), size));
  }
}
