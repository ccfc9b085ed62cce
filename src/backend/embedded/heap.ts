import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import { ORDER_MAX } from '../../base/limits.ts';
import { pagesCoveringBytes, toOrder, toPageCount } from '../../base/quantities.ts';
import type { ByteLength, Order, PageCount } from '../../base/quantities.ts';
import { formatSize } from '../../base/sizes.ts';
import { readMemoryRoom } from '../../linux/memory-room.ts';

import { MappingBudget } from '../../mapping/mapping-budget.ts';
import type { MappingContext } from '../../mapping/window.ts';
import { allocateChunks } from '../../pages/allocate-chunks.ts';
import { allocateContiguous } from '../../pages/allocate-contiguous.ts';
import { BuddyAllocator, ORDER_MAX_LIMIT } from '../../pages/buddy-allocator.ts';
import { freeChunks } from '../../pages/chunk-list.ts';
import type { ChunkList } from '../../pages/chunk-list.ts';
import { fragment } from '../../pages/fragmentation.ts';
import type { OrderMixName } from '../../pages/order-mixes.ts';
import type { OrderTable } from '../../pages/order-table.ts';
import type { SystemCalls } from '../../linux/system-calls.ts';
import { entryBytesMax } from '../../sg/sg-entry.ts';
import { SgTable } from '../../sg/sg-table.ts';
import { createMemfdBuffer, createUdmabufIfPossible } from '../memfd-buffer.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import { RoomGauge } from '../room-gauge.ts';
import type { FileBuffer } from '../file-buffer.ts';
import type { AllocationRequest, BackendBuffer, BackendHeap, BackendStats } from '../contract.ts';
import { Arena } from './arena.ts';
import { ArenaBuffer, fileRunsOf } from './buffer.ts';
import { arenaRange, checkCapacity } from './capacity.ts';

/** How an embedded heap is set up. Arguments were checked before. */
interface EmbeddedHeapSetup {
  readonly name: string;
  readonly capacityBytes: ByteLength;
  readonly warmBytesMax: number;
  readonly orders: OrderTable;
  /** Whether every buffer is one run. */
  readonly contiguous: boolean;
  /** The mix that the next buffer of `pageCount` pages is to come out with; nothing else can be allocated then. */
  readonly fragmentation?:
    | { readonly mix: OrderMixName; readonly length: ByteLength; readonly seed: number }
    | undefined;
  readonly calls: BufferCalls;
  /** Where `/proc` and `/sys` are found. */
  readonly root: string;
}

/** The system heap in this process: pages of an arena, by the kernel's allocation policy. */
export class EmbeddedHeap implements BackendHeap {
  readonly backend = 'embedded';
  readonly deviceImportable = false;
  readonly name: string;
  readonly pageSize: ByteLength;
  readonly mapping: MappingContext;
  readonly arena: Arena;
  readonly allocator: BuddyAllocator;
  readonly #setup: EmbeddedHeapSetup;
  readonly #room: RoomGauge;
  readonly #shareable = new Set<FileBuffer>();
  #usedBytes = 0;
  #bufferCount = 0;
  #open = true;

  constructor(setup: EmbeddedHeapSetup) {
    this.#setup = setup;
    this.name = setup.name;
    this.pageSize = setup.calls.system.pageSize();
    this.#room = new RoomGauge(setup.name, () => readMemoryRoom(setup.root));
    this.mapping = { calls: setup.calls.system, budget: new MappingBudget(setup.root) };
    const orderMax = orderMaxFor(setup, this.pageSize);
    const blockBytes = 2 ** orderMax * this.pageSize;
    const rangeBytes = arenaRange(Math.max(setup.capacityBytes, setup.fragmentation?.length ?? 0), blockBytes);
    const pageCount = toPageCount(rangeBytes / this.pageSize);
    this.allocator = new BuddyAllocator({ pageCount, orderMax });
    if (setup.fragmentation !== undefined) this.#fragment(setup.fragmentation);
    this.arena = openArena(setup.calls.system, pageCount, this.pageSize);
  }

  allocate(request: AllocationRequest): BackendBuffer {
    const { length } = request;
    if (!this.#open)
      throw new DmaBufError('Cannot allocate from a heap that is half closed: close it again', {
        code: 'ERR_DMABUF_CLOSED',
      });
    checkCapacity(this.name, { length, usedBytes: this.#usedBytes, capacityBytes: this.#setup.capacityBytes });
    const buffer = request.shareable ? this.#allocateShareable(request) : this.#allocateFromArena(length);
    this.#usedBytes += length;
    this.#bufferCount += 1;
    return buffer;
  }

  stats(): BackendStats {
    return {
      capacityBytes: this.#setup.capacityBytes,
      usedBytes: this.#usedBytes,
      committedBytes: this.#committedBytes,
      warmBytes: this.#isGone ? 0 : this.arena.warmBytes,
      freeBlockCounts: this.allocator.freeCounts(),
    };
  }

  close(): void {
    if (!this.#open) return;
    try {
      if (this.#bufferCount === 0) this.arena.close();
      this.#open = false;
    } finally {
      // Pages are wiped through the home mapping: once it is gone, nothing can be handed out, whatever else was refused.
      if (!this.arena.isWhole) this.#open = false;
    }
  }

  /** Open, or with buffers alive, the arena is there. */
  get #isGone(): boolean {
    return !this.#open && this.#bufferCount === 0;
  }

  get #committedBytes(): number {
    if (this.#isGone) return 0;
    let bytes = this.arena.committedBytes;
    for (const buffer of this.#shareable) bytes += buffer.committedBytes;
    return bytes;
  }

  #fragment(fragmentation: NonNullable<EmbeddedHeapSetup['fragmentation']>): void {
    const { mix, length, seed } = fragmentation;
    const pageCount = pagesCoveringBytes(length, this.pageSize);
    fragment(this.allocator, { pageCount, mix, orders: this.#setup.orders, seed });
  }

  #allocateShareable({ length, name }: AllocationRequest): BackendBuffer {
    this.#checkRoom(length, length);
    const { calls, contiguous } = this.#setup;
    const buffer = createMemfdBuffer(calls, {
      length,
      name,
      pageSize: this.pageSize,
      // A device that needs one run would get scattered pages.
      wrap: (memfd) => (contiguous ? undefined : createUdmabufIfPossible(calls.dmaBuf, memfd.borrow(), length)),
      released: () => {
        this.#released(length);
        this.#shareable.delete(buffer);
      },
    });
    this.#shareable.add(buffer);
    return buffer;
  }

  #allocateFromArena(length: ByteLength): BackendBuffer {
    const chunks = this.#takeChunks(pagesCoveringBytes(length, this.pageSize));
    return withCleanup((cleanup) => {
      cleanup.defer(() => freeChunks(this.allocator, chunks));
      return this.#bufferOf(chunks, length);
    });
  }

  #takeChunks(pageCount: PageCount): ChunkList {
    const { orders, contiguous } = this.#setup;
    const chunks = contiguous
      ? allocateContiguous(this.allocator, pageCount)
      : allocateChunks(this.allocator, pageCount, orders);
    if (chunks !== undefined) return chunks;
    throw new DmaBufError(
      `Cannot allocate ${pageCount} pages from heap "${this.name}" as ${this.allocator.freePageCount} are free${contiguous ? ', but not side by side' : ''}: close buffers`,
      { code: 'ENOMEM', values: { pageCount, freePageCount: this.allocator.freePageCount } },
    );
  }

  #bufferOf(chunks: ChunkList, length: ByteLength): ArenaBuffer {
    const { arena, pageSize } = this;
    const table = this.#setup.contiguous ? tableOfRun(chunks, length, pageSize) : tableOfChunks(chunks, pageSize);
    const runs = fileRunsOf(table);
    const dirtyPageCount = arena.countDirtyPages(runs);
    this.#checkRoom(length, length - dirtyPageCount * pageSize);
    arena.handOut(runs);
    // Larger buffers do not stay warm: their page-table entries are not worth bringing home.
    const staysWarm = length <= this.#setup.warmBytesMax;
    const home = staysWarm
      ? { address: arena.homeAddress, populated: dirtyPageCount > 0, lending: arena.lending }
      : undefined;
    const source = { fd: arena.fd.borrow(), runs, pageSize, home, touched: false };
    const release = (): void => {
      this.#released(length);
      if (!this.#isGone) arena.takeBack(runs, { touched: source.touched, warmBytesMax: this.#setup.warmBytesMax });
      freeChunks(this.allocator, chunks);
    };
    return new ArenaBuffer(arena, table, { exporter: this.name, source, release });
  }

  /** Warm pages go before anybody is refused. */
  #checkRoom(length: number, newBytes: number): void {
    if (newBytes === 0) return;
    const pledgedBytes = (): number => Math.max(0, this.#usedBytes - (this.#committedBytes - this.arena.warmBytes));
    const check = (bytes: number): void => this.#room.check({ length, newBytes: bytes, pledgedBytes });
    try {
      check(newBytes);
    } catch (error) {
      if (!isDmaBufError(error, 'ENOMEM') || this.arena.warmBytes === 0) throw error;
      this.arena.giveBackWarmPages();
      check(length);
    }
  }

  /** The last buffer takes the arena of a closed heap along. When that throws, nothing was released: it can be tried again. */
  #released(length: number): void {
    if (!this.#open && this.#bufferCount === 1) this.arena.close();
    this.#usedBytes -= length;
    this.#bufferCount -= 1;
  }
}

/** Fragmentation holds a block's buddy, so there is one order above the table's largest; one run must fit one block. */
function orderMaxFor({ orders, contiguous, capacityBytes }: EmbeddedHeapSetup, pageSize: ByteLength): Order {
  const ofRun = contiguous ? Math.ceil(Math.log2(capacityBytes / pageSize)) : 0;
  return toOrder(Math.min(ORDER_MAX_LIMIT, Math.max(ORDER_MAX, (orders[0] ?? 0) + 1, ofRun)));
}

function tableOfChunks({ pfns, orders }: ChunkList, pageSize: ByteLength): SgTable {
  return SgTable.fromChunks({ pfns, orders, pageSize });
}

/** One entry, as the CMA heap's tables have, or as few as hold the length (sg_alloc_table_from_pages). */
function tableOfRun({ pfns }: ChunkList, length: ByteLength, pageSize: ByteLength): SgTable {
  const bytesMax = entryBytesMax(pageSize);
  const entries = Array.from({ length: Math.ceil(length / bytesMax) }, (_, index) => ({
    pfn: (pfns[0] as number) + (index * bytesMax) / pageSize,
    offset: 0,
    length: Math.min(bytesMax, length - index * bytesMax),
  }));
  return SgTable.fromEntries(entries, { pageSize });
}

function openArena(calls: SystemCalls, pageCount: PageCount, pageSize: ByteLength): Arena {
  try {
    return new Arena(calls, pageCount, pageSize);
  } catch (error) {
    if (!isDmaBufError(error, 'ENOMEM')) throw error;
    throw new DmaBufError(
      `Cannot open the embedded heap as there is no address space for its arena of ${formatSize(pageCount * pageSize)}: ` +
        'open it with a smaller capacity, or raise the process\'s limit with "ulimit -v"',
      { code: 'ENOMEM', syscall: 'mmap', cause: error },
    );
  }
}
