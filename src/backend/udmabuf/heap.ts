import { join } from 'node:path';

import { DmaBufError } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import type { OwnedFd } from '../../linux/fd.ts';
import { readMemoryRoom } from '../../linux/memory-room.ts';
import { MappingBudget } from '../../mapping/mapping-budget.ts';
import type { MappingContext } from '../../mapping/window.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import type { AllocationRequest, BackendBuffer, BackendHeap, BackendStats } from '../contract.ts';
import { createMemfdBuffer, UDMABUF_DEVICE } from '../memfd-buffer.ts';
import { RoomGauge } from '../room-gauge.ts';
import { readUdmabufLimit } from './limit.ts';

interface UdmabufHeapSetup {
  readonly name: string;
  readonly calls: BufferCalls;
  /** Where `/dev`, `/proc` and `/sys` are found. */
  readonly root: string;
}

/** Dma-bufs over sealed memfds: `/dev/udmabuf` (drivers/dma-buf/udmabuf.c). */
export class UdmabufHeap implements BackendHeap {
  readonly backend = 'udmabuf';
  readonly deviceImportable = true;
  readonly name: string;
  readonly pageSize: ByteLength;
  readonly mapping: MappingContext;
  readonly #calls: BufferCalls;
  readonly #root: string;
  readonly #device: OwnedFd;
  readonly #room: RoomGauge;
  #usedBytes = 0;

  /** @throws {DmaBufError} as the kernel refuses to open the device */
  constructor({ name, calls, root }: UdmabufHeapSetup) {
    this.name = name;
    this.#calls = calls;
    this.#root = root;
    this.pageSize = calls.system.pageSize();
    this.mapping = { calls: calls.system, budget: new MappingBudget(root) };
    this.#room = new RoomGauge(name, () => readMemoryRoom(root));
    this.#device = calls.dmaBuf.openUdmabuf(join(root, UDMABUF_DEVICE));
  }

  /** The driver pins every page at once, and the control group is charged for them. */
  allocate({ length, name }: AllocationRequest): BackendBuffer {
    this.#checkLimit(length);
    this.#room.check({ length, newBytes: length, pledgedBytes: () => 0 });
    const buffer = createMemfdBuffer(this.#calls, {
      length,
      name,
      pageSize: this.pageSize,
      wrap: (memfd) => this.#calls.dmaBuf.createUdmabuf(this.#device.borrow(), memfd.borrow(), length),
      released: () => {
        this.#usedBytes -= length;
      },
    });
    this.#usedBytes += length;
    return buffer;
  }

  stats(): BackendStats {
    const usedBytes = this.#usedBytes;
    return { capacityBytes: undefined, usedBytes, committedBytes: usedBytes, warmBytes: 0, freeBlockCounts: [] };
  }

  close(): void {
    this.#device.close();
  }

  /** Read anew each time, as it can be changed at any time. */
  #checkLimit(length: ByteLength): void {
    const { bytes, remedy } = readUdmabufLimit(this.#root);
    if (length <= bytes) return;
    throw new DmaBufError(
      `Cannot allocate ${formatSize(length)} from heap "${this.name}" as a udmabuf holds at most ${formatSize(bytes)}: ${remedy}`,
      { code: 'ENOMEM', syscall: 'ioctl', values: { length, limitBytes: bytes } },
    );
  }
}
