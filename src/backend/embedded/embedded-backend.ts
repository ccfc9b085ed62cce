import { withCleanup } from '../../base/cleanup.ts';
import { collector } from '../../base/collector.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import { ORDER_MAX } from '../../base/limits.ts';
import { pagesCoveringBytes, toOrder, toPageCount } from '../../base/quantities.ts';
import type { ByteLength, Order, PageCount } from '../../base/quantities.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { readAvailableMemory } from '../../linux/proc/available-memory.ts';
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
import { entryBytesMax } from '../../sg/sg-entry.ts';
import { SgTable } from '../../sg/sg-table.ts';
import { createMemfdBuffer } from '../fd-buffer/memfd-buffer.ts';
import { UdmabufWrapper } from '../fd-buffer/udmabuf-wrapper.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import { chooseHugePages } from '../choose-huge-pages.ts';
import type { HugePageChoice } from '../choose-huge-pages.ts';
import { CommitLimiter } from '../commit-limiter.ts';
import { createSealedBuffer } from '../fd-buffer/sealed-buffer.ts';
import type { FdBuffer } from '../fd-buffer/fd-buffer.ts';
import type { AllocationRequest, BackendBuffer, BackendHeap, BackendStats } from '../../heap/backend.ts';
import { Arena } from './arena.ts';
import type { ArenaSize } from './arena.ts';
import { ArenaBuffer, fileRunsOf } from './buffer.ts';
import { checkCapacity, planArena } from './capacity.ts';
import type { ArenaPlan } from './capacity.ts';
import type { Machine } from '../../linux/machine.ts';

/** The setup of an embedded heap. Arguments are already checked. */
interface EmbeddedHeapSetup {
  readonly name: string;
  /** Undefined: as much as the machine and the limits of the process allow. */
  readonly capacityBytes: ByteLength | undefined;
  readonly cachedBytesMax: number;
  readonly orders: OrderTable;
  /** Whether every buffer is one run. */
  readonly contiguous: boolean;
  /**
   * The mix of orders that the next buffer of `pageCount` pages gets. Nothing else can be allocated
   * then.
   */
  readonly fragmentation?:
    | { readonly mix: OrderMixName; readonly length: ByteLength; readonly seed: number }
    | undefined;
  /** Whether to ask for huge pages, where the machine allows them. */
  readonly hugePages: boolean;
  readonly calls: BufferCalls;
  /** Where `/proc` and `/sys` are found. */
  readonly machine: Machine;
}

/** The system heap inside this process: pages of an arena, by the kernel's allocation policy. */
export class EmbeddedBackend implements BackendHeap {
  readonly backend = 'embedded';
  readonly deviceImportable = false;
  readonly name: string;
  readonly pageSize: ByteLength;
  readonly mapping: MappingContext;
  readonly arena: Arena;
  readonly allocator: BuddyAllocator;
  readonly #setup: EmbeddedHeapSetup;
  readonly #plan: ArenaPlan;
  readonly #hugePages: HugePageChoice;
  readonly #room: CommitLimiter;
  readonly #udmabuf: UdmabufWrapper;
  readonly #shareable = new Set<FdBuffer>();
  #usedBytes = 0;
  #bufferCount = 0;
  #open = true;

  constructor(setup: EmbeddedHeapSetup) {
    this.#setup = setup;
    this.name = setup.name;
    this.pageSize = setup.calls.memory.pageSize();
    this.#room = new CommitLimiter(setup.name, () => readAvailableMemory(setup.machine));
    this.#udmabuf = new UdmabufWrapper(setup.calls);
    this.mapping = { calls: setup.calls.memory, budget: new MappingBudget(setup.machine) };
    this.#hugePages = chooseHugePages(setup.machine, setup.hugePages, this.pageSize);
    const { sizes, refused } = this.#hugePages;
    const pages = { pageSize: this.pageSize, hugePageBytes: sizes[0], hugePagesRefused: refused };
    const { plan, arena } = openArena(setup, pages);
    this.#plan = plan;
    this.arena = arena;
    this.allocator = withCleanup((cleanup) => {
      cleanup.defer(() => arena.close());
      return createAllocator(setup, orderMaxFor(setup, plan.capacityBytes, pages), arena);
    });
  }

  allocate(request: AllocationRequest): BackendBuffer {
    const { length } = request;
    if (!this.#open)
      throw new DmaBufError('Cannot allocate from a heap that is half closed: close it again', {
        code: 'ERR_DMABUF_CLOSED',
      });
    checkCapacity(this.name, this.#plan, { length, usedBytes: this.#usedBytes });
    const buffer = request.shareable === false ? this.#allocateFromArena(length) : this.#allocateShareable(request);
    this.#usedBytes += length;
    this.#bufferCount += 1;
    return buffer;
  }

  stats(): BackendStats {
    return {
      capacityBytes: this.#plan.capacityBytes,
      usedBytes: this.#usedBytes,
      committedBytes: this.#committedBytes,
      cachedBytes: this.#isGone ? 0 : this.arena.cachedBytes,
      freeBlockCounts: this.allocator.freeCounts(),
      hugePages: this.#hugePages.use,
    };
  }

  close(): void {
    if (!this.#open) return;
    try {
      if (this.#bufferCount === 0) this.arena.close();
      this.#open = false;
    } finally {
      // Pages are wiped through the home mapping. Once that is gone, no page can be handed out,
      // even if a later step of the close was refused.
      if (!this.arena.isWhole) this.#open = false;
    }
  }

  /** The arena exists while the heap is open or buffers are alive. */
  get #isGone(): boolean {
    return !this.#open && this.#bufferCount === 0;
  }

  get #committedBytes(): number {
    if (this.#isGone) return 0;
    let bytes = this.arena.committedBytes;
    for (const buffer of this.#shareable) bytes += buffer.committedBytes;
    return bytes;
  }

  #allocateShareable({ length, name, shareable }: AllocationRequest): BackendBuffer {
    this.#checkRoom(length, length);
    const { calls, contiguous } = this.#setup;
    const { pageSize, mapping } = this;
    const hugePages = this.#hugePages;
    const released = (): void => {
      this.#released(length);
      this.#shareable.delete(buffer);
    };
    // A scattered buffer does not suffice for a device that needs one run.
    const wrap = (memfd: OwnedFd): OwnedFd | undefined =>
      contiguous ? undefined : this.#udmabuf.wrapIfPossible(memfd.borrow(), { length, hugePages });
    const buffer =
      shareable === 'read-only'
        ? createSealedBuffer(calls, { length, pageSize, hugePages, mapping, released })
        : createMemfdBuffer(calls, { length, pageSize, name, hugePages, wrap, released });
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
      : allocateChunks(this.allocator, pageCount, orders, orderOf(this.#hugePages.sizes[0], this.pageSize));
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
    const hugePages = this.#hugePages.of(runs);
    const hugeLength = typeof hugePages === 'object' ? hugePages.length : 0;
    arena.makeRoomForHugePages(runs, hugeLength);
    const dirtyPageCount = arena.countDirtyPages(runs);
    this.#checkRoom(length, length - dirtyPageCount * pageSize);
    arena.assign(runs, hugeLength);
    // Larger buffers do not stay cached, so moving their page-table entries back does not pay.
    const staysCached = length <= this.#setup.cachedBytesMax;
    const home = staysCached
      ? { address: arena.arenaAddress, populated: dirtyPageCount > 0, pteBorrowing: arena.pteBorrowing }
      : undefined;
    const committed = dirtyPageCount * pageSize === length;
    const source = { fd: arena.fd.borrow(), runs, pageSize, home, hugePages, touched: false, committed };
    const release = (): void => {
      this.#released(length);
      const touched = source.touched || dirtyPageCount > 0;
      if (!this.#isGone) arena.reclaim(runs, { touched, cachedBytesMax: this.#setup.cachedBytesMax });
      freeChunks(this.allocator, chunks);
    };
    return new ArenaBuffer(arena, table, { exporter: this.name, source, release });
  }

  /** Gives cached pages back before it refuses. */
  #checkRoom(length: number, newBytes: number): void {
    if (newBytes === 0) return;
    const pledgedBytes = (): number => Math.max(0, this.#usedBytes - (this.#committedBytes - this.arena.cachedBytes));
    const check = (bytes: number): void => this.#room.check({ length, newBytes: bytes, pledgedBytes });
    try {
      check(newBytes);
    } catch (error) {
      if (!isDmaBufError(error, 'ENOMEM') || this.arena.cachedBytes === 0) throw error;
      this.arena.giveBackCachedPages();
      check(length);
    }
  }

  /**
   * The last buffer closes the arena of a closed heap. When that throws, nothing was released, and
   * it can be tried again.
   */
  #released(length: number): void {
    if (!this.#open && this.#bufferCount === 1) this.arena.close();
    this.#usedBytes -= length;
    this.#bufferCount -= 1;
  }
}

function createAllocator(setup: EmbeddedHeapSetup, orderMax: Order, arena: Arena): BuddyAllocator {
  const { pageCount, pageSize } = arena;
  const allocator = new BuddyAllocator({ pageCount, orderMax });
  if (setup.fragmentation === undefined) return allocator;
  const { mix, length, seed } = setup.fragmentation;
  fragment(allocator, { pageCount: pagesCoveringBytes(length, pageSize), mix, orders: setup.orders, seed });
  return allocator;
}

/** The resources of an arena. */
type ArenaPages = Omit<ArenaSize, 'pageCount'>;

/**
 * Fragmentation holds the buddy of each block, so the allocator has one order above the table's
 * largest. One run, or huge page, must fit one block.
 */
function orderMaxFor(setup: EmbeddedHeapSetup, capacityBytes: number, pages: ArenaPages): Order {
  const { pageSize, hugePageBytes } = pages;
  const ofRun = setup.contiguous ? Math.ceil(Math.log2(capacityBytes / pageSize)) : 0;
  const ofHugePage = orderOf(hugePageBytes, pageSize) ?? 0;
  return toOrder(Math.min(ORDER_MAX_LIMIT, Math.max(ORDER_MAX, (setup.orders[0] ?? 0) + 1, ofRun, ofHugePage)));
}

function orderOf(hugePageBytes: number | undefined, pageSize: ByteLength): Order | undefined {
  return hugePageBytes === undefined ? undefined : toOrder(Math.log2(hugePageBytes / pageSize));
}

function tableOfChunks({ pfns, orders }: ChunkList, pageSize: ByteLength): SgTable {
  return SgTable.fromChunks({ pfns, orders, pageSize });
}

/**
 * One entry, as in the CMA heap's tables, or as few as hold the length (sg_alloc_table_from_pages).
 */
function tableOfRun({ pfns }: ChunkList, length: ByteLength, pageSize: ByteLength): SgTable {
  const bytesMax = entryBytesMax(pageSize);
  const entries = Array.from({ length: Math.ceil(length / bytesMax) }, (_, index) => ({
    pfn: (pfns[0] as number) + (index * bytesMax) / pageSize,
    offset: 0,
    length: Math.min(bytesMax, length - index * bytesMax),
  }));
  return SgTable.fromEntries(entries, { pageSize });
}

/**
 * The largest arena that the limits of the process allow. If the kernel refuses all the same, the
 * largest that it grants.
 */
function openArena(setup: EmbeddedHeapSetup, pages: ArenaPages): { plan: ArenaPlan; arena: Arena } {
  const { limits, addressSpace } = setup.calls;
  const { pageSize } = pages;
  const request = {
    capacityBytes: setup.capacityBytes,
    fragmentedBytes: setup.fragmentation?.length ?? 0,
    pageSize,
    blockBytes: (capacityBytes: number) => 2 ** orderMaxFor(setup, capacityBytes, pages) * pageSize,
  };
  const open = (tryAddressSpace: boolean): { plan: ArenaPlan; arena: Arena } => {
    const plan = planArena(request, { limits, addressSpace, machine: setup.machine, tryAddressSpace });
    return {
      plan,
      arena: new Arena(setup.calls.memory, { ...pages, pageCount: toPageCount(plan.rangeBytes / pageSize) }),
    };
  };
  try {
    return collector.collectBeforeRefusing(() => open(false));
  } catch (error) {
    if (!isDmaBufError(error, 'ENOMEM') || error.syscall !== 'mmap') throw error;
    return open(true);
  }
}
