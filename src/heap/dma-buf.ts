import { inspect } from 'node:util';

import type { WaitOptions } from '../base/abort.ts';
import { collector } from '../base/collector.ts';
import type { CollectionWatch } from '../base/collector.ts';
import { DmaBufError } from '../base/errors.ts';
import { formatSize, MiB } from '../base/sizes.ts';
import type { BufferLayout } from './backend.ts';
import type { AccessMode } from '../linux/calls/cpu-access-maintenance.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import type { MemoryRange } from '../linux/calls/memory-calls.ts';
import type { MemorySource } from '../mapping/memory-source.ts';
import type { AccessSyncOptions, AccessibleBuffer, CpuAccess } from './cpu-access.ts';
import { Attachment, checkImporter } from './importer/attachment.ts';
import type { Importer } from './importer/attachment.ts';
import { endAfter } from './finally.ts';
import type { BufferCore } from './buffer-core.ts';
import { BufferFences } from './buffer-fences.ts';
import { makeHandle } from './buffer-handle.ts';
import type { BufferHandle } from './buffer-handle.ts';
import { bufferLabel, checkBufferName } from './buffer-name.ts';
import { BufferWindows } from './buffer-windows.ts';
import { openPartView } from './part-view.ts';
import { beginCpuAccess, beginCpuAccessSync, withinAccess, withinAccessSync } from './cpu-access.ts';
import type { Fence } from './importer/fence.ts';
import { accessOwnBuffer } from './own-buffer-access.ts';
import { checkMayAccess } from './read-only-refusal.ts';
import { measureReadSpeed } from './read-speed.ts';
import type { ReadSpeed } from './read-speed.ts';
import type { FenceUsage } from './importer/reservation.ts';
import type { SyncFile } from './sync-file.ts';
import { BufferView } from './view.ts';
import { MAP, readVmapOptions } from './vmap-options.ts';
import type { VmapOptions } from './vmap-options.ts';

/**
 * A buffer: memory from a heap, in physically scattered pieces, of which {@link vmap} makes one
 * contiguous view.
 *
 * Close it when done: the memory goes back once views, accesses, attachments and threads have
 * released it.
 */
export class DmaBuf {
  readonly #core: BufferCore;
  readonly #pageSize: MemorySource['pageSize'];
  readonly #fences: BufferFences;
  readonly #attachments = new Set<Attachment>();
  #name: string;
  readonly #windows: BufferWindows;
  readonly #watch: CollectionWatch;
  #accessed: AccessibleBuffer | undefined;

  /** @internal */
  constructor(core: BufferCore, name: string) {
    this.#core = core;
    this.#pageSize = core.memory.source.pageSize;
    this.#name = name;
    this.#windows = new BufferWindows(core, this);
    const buffer = {
      core,
      label: () => this.#label,
      memory: () => this.#windows.main,
      checkOpen: (action: string) => this.#checkOpen(action),
    };
    this.#fences = new BufferFences(buffer, () => this.#publishPendingFences());
    // After the buffer is collected, only the core remains.
    this.#watch = collector.watch(core);
  }

  /**
   * In bytes: of an allocation the requested length, rounded up to whole pages; of an import the
   * file's, which may end within a page.
   */
  get length(): number {
    return this.#core.memory.length;
  }

  /** At most 31 bytes; empty when none was given. */
  get name(): string {
    return this.#name;
  }

  /**
   * The buffer's exporter: the kernel heap's name; `udmabuf`; `memfd` where there is no dma-buf;
   * for an arena's pages the heap's name.
   */
  get exporter(): string {
    return this.#core.memory.exporter;
  }

  /** The inode that `dmabuf ls` and `/proc/PID/fdinfo` show. For an arena's pages, the arena's. */
  get inode(): number {
    this.#checkOpen('tell the inode of');
    return this.#core.memory.inode;
  }

  /** Whether the buffer is a dma-buf, so that devices can import it. */
  get deviceImportable(): boolean {
    return this.#core.memory.dmaBuf !== undefined;
  }

  /** Whether this process may only read it: writes are refused with `EACCES`. */
  get readOnly(): boolean {
    return this.#core.memory.readOnly;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return !this.#core.open;
  }

  /** Renames the buffer, at any time. A dma-buf is renamed for every process (DMA_BUF_SET_NAME). */
  setName(name: string): void {
    const checked = checkBufferName(name);
    this.#checkOpen('rename');
    this.#core.memory.setName(checked);
    this.#name = checked;
    this.#core.label = this.#label;
  }

  /**
   * The buffer's scatter-gather table, or why it is unknown.
   *
   * An embedded heap's layout is always known. Any other is measured on request, as root: a
   * dma-buf's once, by tracing while it is mapped for a moment; a memfd's each time, which commits
   * every page. A measured layout has one entry per run. `traceLayout` of {@link Heap.allocate}
   * gives one entry per allocated piece.
   */
  layout(): BufferLayout {
    this.#checkOpen('tell the layout of');
    return this.#core.memory.layout();
  }

  /**
   * Maps the buffer as one contiguous view, run by run. A second call gives another handle on the
   * same window. Closing the last handle unmaps it.
   *
   * With `offset` and `length` it maps a part, which takes addresses and mappings for that part
   * alone. Each such view has its own window, which its close unmaps. All views show the writes of
   * each other.
   *
   * A read-only view shows the writes of others. JavaScript has no typed array that refuses stores:
   * a store goes into a copy of the page, or ends the process (SIGSEGV) where the kernel maps no
   * copies. docs/guide/heaps.md, "Read-only buffers", says where.
   *
   * @throws {TypeError | RangeError} for an invalid option, or a range outside the buffer
   * @throws {DmaBufError} `ENOMEM` when address space or mappings (`vm.max_map_count`) would run
   *   out: nothing is mapped then; `EACCES` for a writable view of a read-only buffer
   */
  vmap(options: VmapOptions = {}): BufferView {
    const { length, readOnly: isReadOnly } = this.#core.memory;
    const checked = readVmapOptions(options, { length, pageSize: this.#pageSize, readOnly: isReadOnly });
    const { populate, readOnly, part } = checked;
    this.#checkOpen('map');
    if (!readOnly) checkMayAccess({ label: this.#label, readOnly: isReadOnly }, 'readwrite', MAP);
    if (part !== undefined) {
      const owner = { buffer: this, core: this.#core, mainMemory: () => this.#windows.main };
      return openPartView(owner, part, checked);
    }
    const name = readOnly && !isReadOnly ? 'readOnly' : 'main';
    const memory = this.#windows.open(name, populate);
    const closeView = (): void => this.#core.dropWindowUser(name, this.#windows.main);
    return new BufferView(memory, { label: this.#label, readOnly, closeView });
  }

  /**
   * Uses the buffer with the CPU: waits until its pending fences are signaled, then runs `body`
   * between begin and end of CPU access (DMA_BUF_IOCTL_SYNC). The end runs on every exit, with the
   * mode of the begin.
   *
   * @param mode `read` waits for writers, `write` and `readwrite` wait for readers too
   * @param body gets the whole buffer; above 4 GiB no array spans it: use {@link beginCpuAccess}
   * @returns what `body` returns
   * @throws what `body` throws; the abort reason when aborted before `body` ran
   * @throws {DmaBufError} `EACCES` for a write to a read-only buffer
   */
  async access<Result>(
    mode: AccessMode,
    body: (bytes: Uint8Array<SharedArrayBuffer>) => Promise<Result> | Result,
    options: WaitOptions = {},
  ): Promise<Result> {
    return await withinAccess(() => beginCpuAccess(this.#accessible, mode, options), body);
  }

  /**
   * As {@link access}, without waiting.
   *
   * @throws {DmaBufError} `EAGAIN` while fences are pending; with `block: true`, `EDEADLK`, because
   *   this very thread signals the fences of its buffers
   */
  accessSync<Result>(
    mode: AccessMode,
    body: (bytes: Uint8Array<SharedArrayBuffer>) => Result,
    options: AccessSyncOptions = {},
  ): Result {
    return withinAccessSync(() => beginCpuAccessSync(this.#accessible, mode, options), body);
  }

  /**
   * Measures how fast the CPU reads the buffer, which reveals mappings that bypass the caches.
   * Takes milliseconds, or tens of them for a slow mapping.
   */
  async measureReadSpeed(options: WaitOptions = {}): Promise<ReadSpeed> {
    const access = await beginCpuAccess(this.#accessible, 'read', options);
    return endAfter(
      () => measureReadSpeed(access.subarray(0, Math.min(this.#core.memory.length, MiB))),
      () => access.end(),
    );
  }

  /**
   * The begin of {@link access} alone, for code in several functions or for buffers above 4 GiB.
   * The caller must end it.
   */
  async beginCpuAccess(mode: AccessMode, options: WaitOptions = {}): Promise<CpuAccess> {
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
    const named = checkImporter(importer);
    this.#checkOpen('attach to');
    const attachment = new Attachment(named, {
      label: this.#label,
      reservation: this.#fences.reservation,
      layout: () => this.#core.memory.layout(),
      detached: (ended) => this.#detached(ended),
    });
    this.#core.addHolder();
    this.#attachments.add(attachment);
    return attachment;
  }

  /**
   * Adds a fence: work on the buffer is under way until it is signaled (dma_resv_add_fence).
   *
   * @throws {DmaBufError} `EACCES` for usage `write` or `kernel` on a read-only buffer
   */
  addFence(fence: Fence, usage: FenceUsage): void {
    this.#fences.add(fence, usage);
  }

  /** The fences of `usage` and every stronger one, as dma_resv_iter_begin has them. */
  fences(usage: FenceUsage): Fence[] {
    return this.#fences.list(usage);
  }

  /**
   * Resolves when the buffer may be read (no writer pending) or written (no reader or writer
   * pending). Covers the fences of this process, and a dma-buf's device fences, as `poll` reports
   * them by EPOLLIN and EPOLLOUT (dma_buf_poll). A buffer that is closed meanwhile keeps its memory
   * until then.
   */
  async ready(mode: 'read' | 'write', options: WaitOptions = {}): Promise<void> {
    await this.#fences.ready(mode, options);
  }

  /**
   * The fences that an access waits for now, as a descriptor that can be waited for and passed on.
   * Later fences are not in it (DMA_BUF_IOCTL_EXPORT_SYNC_FILE). It never contains fences of this
   * process: those are objects, not the kernel's.
   *
   * @param mode `read`: the writers; `write` and `readwrite`: readers and writers
   * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that is no dma-buf; `ENOTTY` before Linux 6.0
   */
  exportSyncFile(mode: AccessMode): SyncFile {
    return this.#fences.exportSyncFile(mode);
  }

  /**
   * Adds the fences of a sync file to the buffer. Every process and driver that honours fences
   * waits for them (DMA_BUF_IOCTL_IMPORT_SYNC_FILE).
   *
   * @param mode `read`: as readers, for whom writers wait; `write` and `readwrite`: as writers, for
   *   whom readers and writers wait
   * @throws {DmaBufError} `EOPNOTSUPP` for a buffer that is no dma-buf; `ENOTTY` before Linux 6.0;
   *   `EACCES` for writers of a read-only buffer
   */
  importSyncFile(syncFile: SyncFile, mode: AccessMode): void {
    this.#fences.importSyncFile(syncFile, mode);
  }

  /**
   * A new descriptor of the buffer, to pass on. The buffer keeps its own.
   *
   * @throws {DmaBufError} `EOPNOTSUPP` from an embedded heap, unless the buffer was allocated with
   *   `shareable`; for a buffer that was imported as a part of its file
   */
  exportFd(): OwnedFd {
    this.#checkOpen('export');
    const fd = collector.collectBeforeRefusing(() => this.#core.memory.exportFd());
    return fd.closeWhenCollected(`the descriptor that exportFd() gave of ${this.#label}`);
  }

  /**
   * A handle to post to a worker thread, which opens it with `openHandle`. Until then the handle
   * holds the buffer.
   */
  toHandle(): BufferHandle {
    this.#checkOpen('make a handle of');
    const { shared, byteOffset } = this.#windows.open('main', false);
    try {
      const words = this.#core.share();
      this.#publishPendingFences();
      const { length, readOnly } = this.#core.memory;
      return makeHandle({ name: this.#name, length, readOnly, shared, byteOffset, ...words });
    } finally {
      this.#core.dropWindowUserNowOrLater(this.#windows.main);
    }
  }

  /** Closes the buffer. Views and attachments work until they are closed themselves. Idempotent. */
  close(): void {
    if (!this.#core.open) return;
    this.#core.close(this.#windows.main);
    if (this.#core.released) collector.unwatch(this.#watch);
    this.#windows.forgetUnmapped();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Whether a value is a buffer, regardless of its class. @internal */
  static isBuffer(value: unknown): value is DmaBuf {
    return typeof value === 'object' && value !== null && #core in value;
  }

  /**
   * Maps a buffer over the memory that `place` returns for its whole pages, until the returned
   * function is called. Static, because the buffer may have another property of that name.
   *
   * @internal
   */
  static mapOver(
    buffer: DmaBuf,
    place: (size: Pick<BufferCore, 'length' | 'mappedBytes'>) => MemoryRange,
    options: Pick<Parameters<BufferCore['mapElsewhere']>[1], 'populate' | 'populatePlainly'>,
  ): () => void {
    buffer.#checkOpen('map');
    const unmap = buffer.#core.mapElsewhere(place(buffer.#core), options);
    return () => unmap(buffer.#windows.main);
  }

  /** The buffer as accesses meet it. @internal */
  static accessibleOf(buffer: DmaBuf): AccessibleBuffer {
    return buffer.#accessible;
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const state = this.closed ? 'closed' : 'open';
    const { viewCount } = this.#core;
    return `DmaBuf { ${this.#label}, ${formatSize(this.length)}, ${this.exporter}, ${state}, ${viewCount} views, ${this.#attachments.size} attachments }`;
  }

  get #label(): string {
    return bufferLabel(this.#name);
  }

  /** Made once and reused: a buffer is accessed for every frame. */
  get #accessible(): AccessibleBuffer {
    this.#accessed ??= accessOwnBuffer({
      label: () => this.#label,
      core: this.#core,
      windows: this.#windows,
      reservation: this.#fences.reservation,
      attachments: this.#attachments,
      checkOpen: () => this.#checkOpen('access'),
    });
    return this.#accessed;
  }

  #detached(attachment: Attachment): void {
    this.#core.dropHolder(this.#windows.main);
    this.#attachments.delete(attachment);
  }

  #publishPendingFences(): void {
    const { reservation } = this.#fences;
    this.#core.control?.publishPending(reservation.pendingCount('write'), reservation.pendingCount('read'));
  }

  #checkOpen(action: string): void {
    if (this.#core.open) return;
    throw new DmaBufError(`Cannot ${action} ${this.#label} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}
