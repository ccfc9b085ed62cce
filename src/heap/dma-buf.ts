import { inspect } from 'node:util';

import { checkOneOf, checkOptions } from '../base/check.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { formatSize, MiB } from '../base/sizes.ts';
import type { BufferLayout } from '../backend/contract.ts';
import type { AccessMode } from '../linux/cpu-access-maintenance.ts';
import type { DmaBufFile } from '../linux/dma-buf-file.ts';
import type { OwnedFd } from '../linux/fd.ts';
import type { MemoryStretch } from '../linux/system-calls.ts';
import type { MemorySource } from '../mapping/memory-source.ts';
import { reserveWindowMemory } from '../mapping/window-memory.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import { ACCESS_MODES } from './access-options.ts';
import type { AccessOptions, AccessSyncOptions } from './access-options.ts';
import { Attachment } from './attachment.ts';
import type { Importer } from './attachment.ts';
import { endAfter } from './bracket.ts';
import type { BufferCore } from './buffer-core.ts';
import { checkBufferName } from './buffer-name.ts';
import { beginCpuAccess, beginCpuAccessSync, withinAccess, withinAccessSync } from './cpu-access.ts';
import type { AccessibleBuffer, CpuAccess } from './cpu-access.ts';
import { checkFence } from './fence.ts';
import type { Fence, WaitOptions } from './fence.ts';
import { measureReadSpeed } from './read-speed.ts';
import type { ReadSpeed } from './read-speed.ts';
import { FENCE_USAGES, Reservation, usageToWaitFor } from './reservation.ts';
import type { FenceUsage } from './reservation.ts';
import type { BufferHandle } from './shared-buffer.ts';
import { SyncFile } from './sync-file.ts';
import { BufferView } from './view.ts';
import { keepAliveWith } from './window-owner.ts';

/** Options of {@link DmaBuf.vmap}. */
export interface VmapOptions {
  /** Fault every page in now, so that no later access meets a page fault. Default: pages come as they are touched. */
  readonly populate?: boolean | undefined;
}

/** Buffers that were collected while their memory was still held. Only the core is known then; see {@link BufferCore.collect}. */
const collected = new FinalizationRegistry<BufferCore>((core) => core.collect());

/**
 * A buffer: memory from a heap, in physically scattered pieces, of which {@link vmap} makes one contiguous view.
 *
 * Close it when done. The memory goes back to the heap once the views, accesses, attachments and other threads that use it
 * have let go too.
 */
export class DmaBuf {
  readonly #core: BufferCore;
  readonly #pageSize: MemorySource['pageSize'];
  readonly #reservation: Reservation;
  readonly #attachments = new Set<Attachment>();
  #name: string;
  #memory: WindowMemory | undefined;

  /** @internal */
  constructor(core: BufferCore, name: string) {
    this.#core = core;
    this.#pageSize = core.memory.source.pageSize;
    this.#name = name;
    this.#reservation = new Reservation(() => this.#publishPendingFences());
    collected.register(this, core);
  }

  /** In bytes: what was asked for, rounded up to whole pages. */
  get length(): number {
    return this.#core.memory.length;
  }

  /** At most 31 bytes; empty when none was given. */
  get name(): string {
    return this.#name;
  }

  /** Who exports the buffer: the kernel heap's name; `udmabuf`; `memfd` where there is no dma-buf; of an arena's pages the heap's name. */
  get exporter(): string {
    return this.#core.memory.exporter;
  }

  /** By which the machine knows the buffer: in `dmabuf ls`, `/proc/PID/fdinfo` and debugfs. Of an arena's pages, the arena's. */
  get inode(): number {
    this.#checkOpen('tell the inode of');
    return this.#core.memory.inode;
  }

  /** Whether the buffer is a dma-buf, so that devices can import it. */
  get deviceImportable(): boolean {
    return this.#core.memory.dmaBuf !== undefined;
  }

  get closed(): boolean {
    return !this.#core.open;
  }

  /** Renames the buffer, at any time; a dma-buf for everybody on the machine (DMA_BUF_SET_NAME). */
  setName(name: string): void {
    this.#checkOpen('rename');
    const checked = checkBufferName(name);
    this.#core.memory.setName(checked);
    this.#name = checked;
    this.#core.label = this.#label;
  }

  /**
   * The buffer's scatter-gather table, or why it is not known.
   *
   * An embedded heap's is always known. Any other is measured when it is asked for, which takes root: a dma-buf's by tracing while it is
   * mapped for a moment, and only once; a memfd's from `/proc/self/pagemap`, anew each time, which commits every page of it. It
   * has an entry for each run of pages then; `traceLayout` of {@link Heap.allocate} has one for each piece that the heap took.
   */
  layout(): BufferLayout {
    this.#checkOpen('tell the layout of');
    return this.#core.memory.layout();
  }

  /**
   * Maps the buffer as one contiguous view, run by run. A second call gives another handle on the same window; the last
   * handle's close unmaps it.
   *
   * @throws {DmaBufError} `ENOMEM` when address space or mappings (`vm.max_map_count`) would run out: nothing is mapped then
   */
  vmap(options: VmapOptions = {}): BufferView {
    checkOptions(options, 'map the buffer', ['populate']);
    this.#checkOpen('map');
    const memory = this.#openWindow(options.populate === true);
    return new BufferView(memory, { label: this.#label, closeView: () => this.#core.dropWindowUser(this.#memory) });
  }

  /**
   * Uses the buffer with the CPU: waits until the fences that stand against it are signaled, then runs `body` between begin
   * and end of CPU access (DMA_BUF_IOCTL_SYNC). The end runs on every exit, with the mode of the begin.
   *
   * @param mode a `read` waits for writers, `write` and `readwrite` also for readers
   * @param body gets the whole buffer; above 4 GiB no array spans it: use {@link beginCpuAccess}
   * @returns what `body` returns
   * @throws what `body` throws; the abort reason when given up before `body` ran
   */
  async access<Result>(
    mode: AccessMode,
    body: (bytes: Uint8Array<SharedArrayBuffer>) => Promise<Result> | Result,
    options: AccessOptions = {},
  ): Promise<Result> {
    return await withinAccess(await this.beginCpuAccess(mode, options), body);
  }

  /**
   * As {@link access}, at once.
   *
   * @throws {DmaBufError} `EAGAIN` while fences stand against it; with `block: true`, `EDEADLK`, since the fences of a buffer
   *   of this thread are signaled by this very thread
   */
  accessSync<Result>(
    mode: AccessMode,
    body: (bytes: Uint8Array<SharedArrayBuffer>) => Result,
    options: AccessSyncOptions = {},
  ): Result {
    return withinAccessSync(this.beginCpuAccessSync(mode, options), body);
  }

  /**
   * Measures how fast the CPU reads the buffer: a hint at mappings that bypass the caches, as those of uncached heaps and of many devices
   * do. Takes milliseconds, or tens of them where it is slow.
   */
  async measureReadSpeed(options: AccessOptions = {}): Promise<ReadSpeed> {
    const access = await this.beginCpuAccess('read', options);
    return endAfter(
      () => measureReadSpeed(access.subarray(0, Math.min(this.length, MiB))),
      () => access.end(),
    );
  }

  /** The begin of {@link access} alone, for code that does not fit into one function, or above 4 GiB. Whoever begins must end. */
  async beginCpuAccess(mode: AccessMode, options: AccessOptions = {}): Promise<CpuAccess> {
    return await beginCpuAccess(this.#accessible, mode, options);
  }

  /** The begin of {@link accessSync} alone. */
  beginCpuAccessSync(mode: AccessMode, options: AccessSyncOptions = {}): CpuAccess {
    return beginCpuAccessSync(this.#accessible, mode, options);
  }

  /**
   * Lets a device of this process use the buffer's pages (dma_buf_attach).
   *
   * @throws {TypeError} when `importer` has no name
   */
  attach(importer: Importer): Attachment {
    if (typeof importer?.name !== 'string') {
      throw new TypeError(`Cannot attach an importer as it must have a name: current value is ${inspect(importer)}`);
    }
    this.#checkOpen('attach to');
    const attachment = new Attachment(importer, {
      label: this.#label,
      reservation: this.#reservation,
      layout: () => this.#core.memory.layout(),
      detached: (ended) => this.#detached(ended),
    });
    this.#core.addHolder();
    this.#attachments.add(attachment);
    return attachment;
  }

  /** Work on the buffer is under way until `fence` is signaled (dma_resv_add_fence). */
  addFence(fence: Fence, usage: FenceUsage): void {
    const checked = checkFence(fence);
    this.#checkOpen('add a fence to');
    this.#reservation.add(checked, checkOneOf(usage, 'add the fence', FENCE_USAGES));
  }

  /** The fences of `usage` and every stronger one: `read` gives kernel, write and read (dma_resv_iter_begin). */
  fences(usage: FenceUsage): Fence[] {
    return this.#reservation.fences(checkOneOf(usage, 'list the fences', FENCE_USAGES));
  }

  /**
   * Resolves when the buffer may be read (no writer pending) or written (no reader or writer pending): fences of this process, and of
   * devices where it is a dma-buf, as `poll` with EPOLLIN and EPOLLOUT tells (dma_buf_poll). Closed meanwhile, the buffer keeps its memory
   * until then.
   */
  async ready(mode: 'read' | 'write', options: WaitOptions = {}): Promise<void> {
    checkOneOf(mode, 'wait for the buffer', ['read', 'write']);
    this.#checkOpen('wait for');
    // Closed meanwhile, the descriptor that is asked would be somebody else's.
    this.#core.addHolder();
    try {
      const { maintenance } = this.#core.memory;
      do {
        await this.#reservation.wait(usageToWaitFor(mode), options);
        await maintenance.whenReady(mode, options);
      } while (this.#reservation.pendingCount(usageToWaitFor(mode)) > 0);
    } finally {
      this.#core.dropHolderNowOrLater(this.#memory);
    }
  }

  /**
   * What stands against an access now, as a descriptor that can be waited for and passed on. Fences that come later are not in it
   * (DMA_BUF_IOCTL_EXPORT_SYNC_FILE). Fences of this process are in none: they are objects, not the kernel's.
   *
   * @param mode `read`: the writers; `write` and `readwrite`: readers and writers
   * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that is no dma-buf; `ENOTTY` before Linux 6.0
   */
  exportSyncFile(mode: AccessMode): SyncFile {
    const checked = checkOneOf(mode, 'export a sync file', ACCESS_MODES);
    return new SyncFile(this.#checkDmaBuf('export a sync file of').exportSyncFile(checked));
  }

  /**
   * Adds the fences of a sync file to the buffer: everybody who honours fences waits for them (DMA_BUF_IOCTL_IMPORT_SYNC_FILE).
   *
   * @param mode `read`: as readers, for whom writers wait; `write` and `readwrite`: as writers, for whom all wait
   * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that is no dma-buf; `ENOTTY` before Linux 6.0
   */
  importSyncFile(syncFile: SyncFile, mode: AccessMode): void {
    if (!(syncFile instanceof SyncFile)) throw new TypeError('Cannot import the sync file as it must be a SyncFile');
    const checked = checkOneOf(mode, 'import a sync file', ACCESS_MODES);
    this.#checkDmaBuf('import a sync file into').importSyncFile(syncFile.borrowFd(), checked);
  }

  /**
   * A descriptor of the buffer, to pass on. The buffer's own stays open.
   *
   * @throws {DmaBufError} `EOPNOTSUPP` from an embedded heap, unless the buffer was allocated with `shareable: true`
   */
  exportFd(): OwnedFd {
    this.#checkOpen('export');
    return this.#core.memory.exportFd();
  }

  /** What to post to a worker thread, which opens it with `openHandle`. Until then the handle holds the buffer. */
  toHandle(): BufferHandle {
    this.#checkOpen('make a handle of');
    const { shared, byteOffset } = this.#openWindow(false);
    try {
      const words = this.#core.share();
      this.#publishPendingFences();
      return { type: 'dmabuf-handle', name: this.#name, length: this.length, shared, byteOffset, ...words };
    } finally {
      this.#core.dropWindowUserNowOrLater(this.#memory);
    }
  }

  /** Lets go of the buffer. Views and attachments go on working until they are closed themselves. Again: does nothing. */
  close(): void {
    if (!this.#core.open) return;
    this.#core.close(this.#memory);
    if (!this.#core.mapped) this.#memory = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Maps the buffer over other memory of this process, until the returned function is called. @internal */
  mapOver(target: MemoryStretch, populate: boolean): () => void {
    this.#checkOpen('map');
    const unmap = this.#core.mapElsewhere(target, populate);
    return () => unmap(this.#memory);
  }

  [inspect.custom](): string {
    const state = this.closed ? 'closed' : 'open';
    const { windowUserCount } = this.#core;
    return `DmaBuf { ${this.#label}, ${formatSize(this.length)}, ${this.exporter}, ${state}, ${windowUserCount} views, ${this.#attachments.size} attachments }`;
  }

  get #label(): string {
    return this.#name === '' ? 'the buffer' : `buffer "${this.#name}"`;
  }

  /** The window, mapped, with one user more. */
  #openWindow(populate: boolean): WindowMemory {
    const memory = this.#memory ?? reserveWindowMemory(this.#core.memory.length, this.#pageSize);
    this.#core.addWindowUser(memory, populate);
    if (this.#memory === undefined) {
      this.#memory = memory;
      keepAliveWith(memory.shared, this);
    }
    return memory;
  }

  /** The buffer as an access meets it. */
  get #accessible(): AccessibleBuffer {
    return {
      label: this.#label,
      maintenance: this.#core.memory.maintenance,
      checkOpen: () => this.#checkOpen('access'),
      openView: () => this.#openAccessView(),
      hasPendingFences: (mode) => this.#reservation.pendingCount(usageToWaitFor(mode)) > 0,
      waitForFences: (mode, options) => this.#reservation.wait(usageToWaitFor(mode), options),
      blockForFences: (mode) => this.#refuseToBlock(mode),
      begin: (mode) => this.#beginMaintenance(mode),
    };
  }

  #openAccessView(): BufferView {
    const memory = this.#openWindow(false);
    return new BufferView(memory, { label: this.#label, closeView: () => this.#core.dropWindowUserNowOrLater(memory) });
  }

  /** Tells the memory and the mapped importers that the CPU begins. Returns what tells those that began of the end. */
  #beginMaintenance(mode: AccessMode): () => void {
    const { memory } = this.#core;
    const importers = [...this.#attachments].filter(({ mapped }) => mapped).map(({ importer }) => importer);
    const ends = [() => memory.maintenance.end(mode)];
    const end = (): void => runAllSteps(ends.toReversed(), 'Several steps of ending a CPU access failed');
    memory.maintenance.begin(mode);
    return withCleanup((cleanup) => {
      cleanup.defer(end);
      for (const importer of importers) {
        importer.beginCpuAccess?.(mode);
        ends.push(() => importer.endCpuAccess?.(mode));
      }
      return end;
    });
  }

  #detached(attachment: Attachment): void {
    this.#core.dropHolder(this.#memory);
    this.#attachments.delete(attachment);
  }

  #publishPendingFences(): void {
    const { control } = this.#core;
    control?.publishPending(this.#reservation.pendingCount('write'), this.#reservation.pendingCount('read'));
  }

  /** The fences of a buffer of this thread are signaled by this thread. */
  #refuseToBlock(mode: AccessMode): void {
    if (this.#reservation.pendingCount(usageToWaitFor(mode)) === 0) return;
    throw new DmaBufError(
      `Cannot block for ${this.#label} as its fences are signaled by the thread that would be blocked: await access() instead`,
      { code: 'EDEADLK' },
    );
  }

  #checkDmaBuf(action: string): DmaBufFile {
    this.#checkOpen(action);
    const { dmaBuf } = this.#core.memory;
    if (dmaBuf !== undefined) return dmaBuf;
    throw new DmaBufError(
      `Cannot ${action} ${this.#label} as it is no dma-buf: allocate it from a heap whose deviceImportable is true`,
      { code: 'EOPNOTSUPP' },
    );
  }

  #checkOpen(action: string): void {
    if (this.#core.open) return;
    throw new DmaBufError(`Cannot ${action} ${this.#label} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}
