import { createBufferCalls } from '../backend/buffer-calls.ts';
import { EmbeddedBackend } from '../backend/embedded/embedded-backend.ts';
import { EMBEDDED_HEAP_NAME } from '../backend/embedded/embedded-heap.ts';
import { DmaBufError } from '../base/errors.ts';
import { pagesCoveringBytes, toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { AllocationRequest, BackendBuffer, BackendHeap, BackendStats } from '../heap/backend.ts';
import { Heap } from '../heap/heap.ts';
import { thisMachine } from '../linux/machine.ts';
import type { MappingContext } from '../mapping/window.ts';
import { fragment } from '../pages/fragmentation.ts';
import type { OrderMixName } from '../pages/order-mixes.ts';
import { ORDER_TABLE_SMMU_V3, ORDER_TABLE_SYSTEM_HEAP } from '../pages/order-table.ts';
import type { OrderTable } from '../pages/order-table.ts';

/**
 * An embedded heap each of whose buffers is made of a mix of orders, with its chunks scattered. It
 * keeps no pages for the next buffer, as mainline's heaps keep none, and has ordinary pages alone.
 *
 * @param mix undefined: what the heap's policy gives in memory that is not fragmented
 * @throws {DmaBufError} `ENOMEM` when the address space does not suffice for the arena
 */
export function openWorkloadHeap(mix: OrderMixName | undefined, seed: number): Heap {
  const orders = mix === 'huge' ? ORDER_TABLE_SMMU_V3 : ORDER_TABLE_SYSTEM_HEAP;
  const backend = new EmbeddedBackend({
    name: EMBEDDED_HEAP_NAME,
    capacityBytes: undefined,
    cachedBytesMax: toByteLength(0),
    orders,
    contiguous: false,
    hugePages: false,
    calls: createBufferCalls(thisMachine.raw),
    machine: thisMachine,
  });
  return new Heap(mix === undefined ? backend : new MixedBackend(backend, { mix, orders, seed }), 'it was asked for');
}

interface MixSetup {
  readonly mix: OrderMixName;
  readonly orders: OrderTable;
  readonly seed: number;
}

/** Fragments the arena anew for each buffer: a fragmentation gives one buffer its mix. */
class MixedBackend implements BackendHeap {
  readonly name: string;
  readonly backend = 'embedded';
  readonly pageSize: ByteLength;
  readonly deviceImportable = false;
  readonly mapping: MappingContext;
  readonly #embedded: EmbeddedBackend;
  readonly #setup: MixSetup;
  #bufferCount = 0;

  constructor(embedded: EmbeddedBackend, setup: MixSetup) {
    this.name = embedded.name;
    this.pageSize = embedded.pageSize;
    this.mapping = embedded.mapping;
    this.#embedded = embedded;
    this.#setup = setup;
  }

  /** @throws {DmaBufError} `ENOMEM` also where what is free is too scattered for the mix */
  allocate(request: AllocationRequest): BackendBuffer {
    const { mix, orders, seed } = this.#setup;
    const pageCount = pagesCoveringBytes(request.length, this.pageSize);
    this.#bufferCount += 1;
    try {
      const fragmentation = fragment(this.#embedded.allocator, {
        pageCount,
        mix,
        orders,
        seed: (seed + this.#bufferCount) >>> 0,
      });
      try {
        return this.#embedded.allocate(request);
      } finally {
        fragmentation.release();
      }
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      const message = `Cannot allocate ${pageCount} pages in mix ${mix} as the free ones are too scattered: use fewer buffers`;
      throw new DmaBufError(message, { code: 'ENOMEM', cause });
    }
  }

  stats(): BackendStats {
    return this.#embedded.stats();
  }

  close(): void {
    this.#embedded.close();
  }
}
