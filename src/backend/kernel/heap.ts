import { join } from 'node:path';

import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import type { OwnedFd } from '../../linux/fd.ts';
import { readMachineRoom } from '../../linux/memory-room.ts';
import { MappingBudget } from '../../mapping/mapping-budget.ts';
import type { MappingContext } from '../../mapping/window.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import type { AllocationRequest, BackendBuffer, BackendHeap, BackendStats, BufferLayout } from '../contract.ts';
import { FileBuffer } from '../file-buffer.ts';
import { traceAllocation } from '../layout/allocation-trace.ts';
import { layoutOfDmaBuf } from '../layout/dma-buf-layout.ts';
import { rememberLayout } from '../layout/remember-layout.ts';
import { RoomGauge } from '../room-gauge.ts';

/** Where the kernel shows its heaps (drivers/dma-buf/dma-heap.c, dma_heap_devnode). */
export const HEAP_FOLDER = '/dev/dma_heap';

interface KernelHeapSetup {
  readonly name: string;
  readonly calls: BufferCalls;
  /** Where `/dev`, `/proc` and `/sys` are found. */
  readonly root: string;
}

/** A heap of the kernel: `/dev/dma_heap/<name>`. */
export class KernelHeap implements BackendHeap {
  readonly backend = 'kernel';
  readonly deviceImportable = true;
  readonly name: string;
  readonly pageSize: ByteLength;
  readonly mapping: MappingContext;
  readonly #calls: BufferCalls;
  readonly #device: OwnedFd;
  readonly #room: RoomGauge;
  readonly #root: string;
  #usedBytes = 0;

  /** @throws {DmaBufError} as the kernel refuses to open the device */
  constructor({ name, calls, root }: KernelHeapSetup) {
    this.name = name;
    this.#calls = calls;
    this.#root = root;
    this.pageSize = calls.system.pageSize();
    this.mapping = { calls: calls.system, budget: new MappingBudget(root) };
    // Not the control group's: the kernel charges a heap's memory to none, unless it was booted with dma_heap.mem_accounting=1.
    this.#room = new RoomGauge(name, () => readMachineRoom(root));
    this.#device = calls.dmaBuf.openHeap(join(root, HEAP_FOLDER, name));
  }

  /** Larger requests than the machine can hold are refused here: the kernel would end processes to fulfil them. */
  allocate({ length, name, traceLayout }: AllocationRequest): BackendBuffer {
    this.#room.check({ length, newBytes: length, pledgedBytes: () => 0 });
    return withCleanup((cleanup) => {
      const { dmaBuf, traced } = traceLayout ? this.#allocateTraced(length) : { dmaBuf: this.#allocateDmaBuf(length) };
      cleanup.defer(() => dmaBuf.close());
      const buffer = this.#bufferOf(dmaBuf, length, traced);
      if (name !== '') buffer.setName(name);
      this.#usedBytes += length;
      return buffer;
    });
  }

  /** What this object has allocated: the kernel does not tell what others have. */
  stats(): BackendStats {
    const usedBytes = this.#usedBytes;
    return { capacityBytes: undefined, usedBytes, committedBytes: usedBytes, warmBytes: 0, freeBlockCounts: [] };
  }

  close(): void {
    this.#device.close();
  }

  #allocateDmaBuf(length: ByteLength): OwnedFd {
    try {
      return this.#calls.dmaBuf.allocate(this.#device.borrow(), length);
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
    const traced = { root: this.#root, length, pageSize: this.pageSize };
    const { value, layout } = traceAllocation(traced, () => this.#allocateDmaBuf(length));
    return { dmaBuf: value, traced: layout };
  }

  /** Measured when it is asked for, unless the trace of the allocation told the layout. */
  #bufferOf(dmaBuf: OwnedFd, length: ByteLength, traced?: BufferLayout): FileBuffer {
    const { system } = this.#calls;
    const size = { length, pageSize: this.pageSize, root: this.#root };
    const measure = rememberLayout(() => layoutOfDmaBuf(system, dmaBuf.borrow(), size));
    return new FileBuffer(
      this.#calls.dmaBuf,
      { dmaBuf },
      {
        length,
        pageSize: this.pageSize,
        exporter: this.name,
        layout: () => (traced?.known === true ? traced : measure()),
        released: () => {
          this.#usedBytes -= length;
        },
      },
    );
  }
}
