import { inspect } from 'node:util';

import { throwIfAborted } from '../base/abort.ts';
import type { WaitOptions } from '../base/abort.ts';
import { checkOneOf, readWaitOptions } from '../base/check.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { toByteLength } from '../base/quantities.ts';
import { formatSize } from '../base/sizes.ts';
import { COHERENT_MEMORY } from '../linux/calls/cpu-access-maintenance.ts';
import type { AccessMode, CpuAccessMaintenance } from '../linux/calls/cpu-access-maintenance.ts';
import { DmaBufCalls } from '../linux/calls/dma-buf-calls.ts';
import { DmaBufFile } from '../linux/calls/dma-buf-file.ts';
import type { BorrowedFd, OwnedFd } from '../linux/calls/fd.ts';
import { addressOf } from '../linux/calls/kernel-calls.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import type { AccessSyncOptions, AccessibleBuffer, CpuAccess } from './cpu-access.ts';
import { checkHandle } from './buffer-handle.ts';
import type { BufferHandle, HandleContents } from './buffer-handle.ts';
import { bufferLabel } from './buffer-name.ts';
import { beginCpuAccess, beginCpuAccessSync, withinAccess, withinAccessSync } from './cpu-access.ts';
import { checkMayAccess } from './read-only-refusal.ts';
import type { SharedControl } from './shared-control.ts';
import { BufferView } from './view.ts';
import { keepAliveWith } from '../mapping/window-memory.ts';

/**
 * Opens a buffer that another thread has allocated: the same memory, with a reference of its own.
 * The same handle can be opened again, for another reference each, while the buffer is in use
 * anywhere.
 *
 * @throws {TypeError} when `handle` is not a result of `toHandle()`
 * @throws {DmaBufError} `ERR_DMABUF_CLOSED` when the handle was opened before, and every user of
 *   the buffer has released it since
 *
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { Worker, isMainThread, workerData } from 'node:worker_threads';
 * import { KiB, openHandle, openHeap } from 'dmabuf';
 *
 * if (isMainThread) {
 *   const heap = openHeap('system');
 *   const buffer = heap.allocate(64 * KiB);
 *   const worker = new Worker(new URL(import.meta.url), { workerData: buffer.toHandle() });
 *   await once(worker, 'exit');
 *   console.log(buffer.accessSync('read', (bytes) => bytes[0])); // 7
 *   buffer.close();
 *   heap.close();
 * } else {
 *   const buffer = openHandle(workerData);
 *   buffer.accessSync('write', (bytes) => bytes.fill(7));
 *   buffer.close();
 * }
 * ```
 */
export function openHandle(handle: BufferHandle): WorkerBuffer {
  const { control, contents } = checkHandle(handle, 'open the handle');
  if (!control.open(contents.ticket)) {
    throw new DmaBufError(
      `Cannot open the handle of buffer "${contents.name}" as every user of it has closed it: make a new one with toHandle()`,
      {
        code: 'ERR_DMABUF_CLOSED',
      },
    );
  }
  try {
    return new WorkerBuffer(contents, control, duplicateDmaBuf(contents));
  } catch (error) {
    control.release();
    throw error;
  }
}

/**
 * Duplicates the descriptor for this thread. The other thread's is closed when that thread ends,
 * and its number may be another file's by then. So the duplicate is checked afterwards.
 */
function duplicateDmaBuf({ name, dmaBufFd, dmaBufInode }: HandleContents): OwnedDmaBuf | undefined {
  if (dmaBufFd === undefined) return undefined;
  const calls = new DmaBufCalls();
  const fd = duplicateOpen(calls, dmaBufFd as BorrowedFd);
  if (fd !== undefined) {
    const file = new DmaBufFile(calls, fd.borrow());
    if (file.inode === dmaBufInode) return { fd, file };
    fd.close();
  }
  throw new DmaBufError(
    `Cannot open the handle of buffer "${name}" as the thread that allocated it has ended: keep that thread until others have opened its handles`,
    { code: 'ERR_DMABUF_CLOSED' },
  );
}

function duplicateOpen(calls: DmaBufCalls, fd: BorrowedFd): OwnedFd | undefined {
  try {
    return calls.duplicate(fd);
  } catch (error) {
    if (isDmaBufError(error, 'EBADF')) return undefined;
    throw error;
  }
}

/** A dma-buf, by this thread's own descriptor of it. */
interface OwnedDmaBuf {
  readonly fd: OwnedFd;
  readonly file: DmaBufFile;
}

/**
 * Discards a handle that will not be opened: one that was never posted, or whose worker is gone.
 *
 * @returns false when it had been opened, and there was nothing to release
 *
 * @example
 * ```ts
 * import { KiB, discardHandle, openHeap } from 'dmabuf';
 *
 * const heap = openHeap('system');
 * const buffer = heap.allocate(64 * KiB);
 * const handle = buffer.toHandle(); // for a worker that was never started
 * console.log(discardHandle(handle)); // true
 * buffer.close();
 * heap.close();
 * ```
 */
export function discardHandle(handle: BufferHandle): boolean {
  const { control, contents } = checkHandle(handle, 'discard the handle');
  return control.discard(contents.ticket);
}

/**
 * Cleanup for buffers that were dropped without having been closed: their thread no longer holds
 * them.
 */
const collected = new FinalizationRegistry<() => void>((letGo) => letGo());

/** A buffer that another thread of this process has allocated. */
export class WorkerBuffer {
  /** The name that the allocating thread gave it. */
  readonly name: string;
  /** Whether this process may only read the buffer: see `importBuffer`. */
  readonly readOnly: boolean;
  /** Whether the buffer is a dma-buf, so that devices can import it. */
  readonly deviceImportable: boolean;
  readonly #control: SharedControl;
  readonly #letGo: () => void;
  readonly #memory: WindowMemory;
  readonly #maintenance: CpuAccessMaintenance;
  #open = true;
  #userCount = 0;

  /** @internal */
  constructor(handle: HandleContents, control: SharedControl, dmaBuf: OwnedDmaBuf | undefined) {
    const { shared, byteOffset } = handle;
    const address = addressOf(new Uint8Array(shared, byteOffset, 1));
    this.name = handle.name;
    this.readOnly = handle.readOnly;
    this.#control = control;
    this.#memory = { shared, byteOffset, address, length: toByteLength(handle.length) };
    this.#maintenance = dmaBuf?.file ?? COHERENT_MEMORY;
    this.deviceImportable = dmaBuf !== undefined;
    // References neither this object nor its window: the finalizer gets it.
    this.#letGo = () => {
      dmaBuf?.fd.close();
      control.release();
    };
    keepAliveWith(shared, this);
    collected.register(this, this.#letGo, this);
  }

  /** In bytes. */
  get length(): number {
    return this.#memory.length;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return !this.#open;
  }

  /** Another handle on the buffer's one window. */
  vmap(): BufferView {
    this.#checkOpen('map');
    return this.#openView();
  }

  /**
   * As `DmaBuf.access`. Importers attached in the allocating thread are not notified: their
   * functions exist there.
   *
   * @throws what `body` throws; the abort reason when aborted before `body` ran
   */
  async access<Result>(
    mode: AccessMode,
    body: (bytes: Uint8Array<SharedArrayBuffer>) => Promise<Result> | Result,
    options: WaitOptions = {},
  ): Promise<Result> {
    return await withinAccess(() => beginCpuAccess(this.#accessible, mode, options), body);
  }

  /** As `DmaBuf.accessSync`. Here `block: true` waits, because another thread signals. */
  accessSync<Result>(
    mode: AccessMode,
    body: (bytes: Uint8Array<SharedArrayBuffer>) => Result,
    options: AccessSyncOptions = {},
  ): Result {
    return withinAccessSync(() => beginCpuAccessSync(this.#accessible, mode, options), body);
  }

  /**
   * The begin of {@link access} alone, for code in several functions, or for buffers above 4 GiB.
   */
  async beginCpuAccess(mode: AccessMode, options: WaitOptions = {}): Promise<CpuAccess> {
    return await beginCpuAccess(this.#accessible, mode, options);
  }

  /** The begin of {@link accessSync} alone. */
  beginCpuAccessSync(mode: AccessMode, options: AccessSyncOptions = {}): CpuAccess {
    return beginCpuAccessSync(this.#accessible, mode, options);
  }

  /**
   * As `DmaBuf.ready`: resolves when the buffer may be read (no writer pending) or written (no
   * reader or writer pending). A buffer that is closed meanwhile keeps its memory until then.
   */
  async ready(mode: 'read' | 'write', options: WaitOptions = {}): Promise<void> {
    const action = 'wait for the buffer';
    const plain = readWaitOptions(options, action);
    checkOneOf(mode, { action, name: 'mode', allowed: ['read', 'write'] });
    this.#checkOpen('wait for');
    throwIfAborted(plain.signal);
    // Holds the memory, and the polled descriptor.
    const view = this.#openView();
    try {
      do {
        await this.#waitForFences(mode, plain);
        await this.#maintenance.whenReady(mode, plain);
      } while (this.#control.pendingCount(mode) > 0);
    } finally {
      view.close();
    }
  }

  /** Releases the buffer, once the views and accesses of this thread have ended. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#releaseIfUnused();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `WorkerBuffer { ${this.#label}, ${formatSize(this.length)}, ${this.#open ? 'open' : 'closed'} }`;
  }

  get #label(): string {
    return bufferLabel(this.name);
  }

  get #accessible(): AccessibleBuffer {
    const control = this.#control;
    return {
      label: () => this.#label,
      maintenance: this.#maintenance,
      checkMay: (mode) => {
        this.#checkOpen('access');
        checkMayAccess({ label: this.#label, readOnly: this.readOnly }, mode, 'access the buffer');
      },
      // The parts that belong to the allocating thread.
      isMapped: () => true,
      openView: () => this.#openView(),
      hasPendingFences: (mode) => control.pendingCount(mode) > 0,
      waitForFences: (mode, options) => this.#waitForFences(mode, options),
      blockForFences: (mode) => {
        for (let count = control.pendingCount(mode); count > 0; count = control.pendingCount(mode)) {
          control.blockUntilPendingChange(mode, count);
        }
      },
      begin: (mode) => {
        this.#maintenance.begin(mode);
        return () => this.#maintenance.end(mode);
      },
    };
  }

  /** The thread that allocated the buffer publishes how many are pending. */
  async #waitForFences(mode: AccessMode, { signal }: WaitOptions): Promise<void> {
    const control = this.#control;
    for (let count = control.pendingCount(mode); count > 0; count = control.pendingCount(mode)) {
      await control.pendingChange(mode, count, signal);
    }
  }

  #openView(): BufferView {
    this.#userCount += 1;
    const closeView = (): void => {
      this.#userCount -= 1;
      this.#releaseIfUnused();
    };
    return new BufferView(this.#memory, { label: this.#label, readOnly: this.readOnly, closeView });
  }

  #releaseIfUnused(): void {
    if (this.#open || this.#userCount > 0) return;
    collected.unregister(this);
    this.#letGo();
  }

  #checkOpen(action: string): void {
    if (this.#open) return;
    throw new DmaBufError(`Cannot ${action} ${this.#label} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}
