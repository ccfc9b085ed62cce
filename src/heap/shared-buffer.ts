import { inspect } from 'node:util';

import { DmaBufError } from '../base/errors.ts';
import { toByteLength } from '../base/quantities.ts';
import { formatSize } from '../base/sizes.ts';
import { COHERENT_MEMORY } from '../linux/cpu-access-maintenance.ts';
import type { AccessMode, CpuAccessMaintenance } from '../linux/cpu-access-maintenance.ts';
import { DmaBufCalls } from '../linux/dma-buf-calls.ts';
import { DmaBufFile } from '../linux/dma-buf-file.ts';
import type { BorrowedFd } from '../linux/fd.ts';
import { addressOf } from '../linux/libc.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import type { AccessOptions, AccessSyncOptions } from './access-options.ts';
import { beginCpuAccess, beginCpuAccessSync, withinAccess, withinAccessSync } from './cpu-access.ts';
import type { AccessibleBuffer } from './cpu-access.ts';
import { SharedControl } from './shared-control.ts';
import { BufferView } from './view.ts';
import { keepAliveWith } from './window-owner.ts';

/**
 * What `buffer.toHandle()` gives: plain data that can be posted to a worker thread of this process, there to be opened with
 * {@link openHandle}. It holds the buffer until it was opened once.
 */
export interface BufferHandle {
  readonly type: 'dmabuf-handle';
  readonly name: string;
  readonly length: number;
  readonly shared: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly ticket: Int32Array<SharedArrayBuffer>;
  /** The dma-buf behind it, if there is one: descriptors belong to the whole process. */
  readonly dmaBufFd: BorrowedFd | undefined;
}

/**
 * Opens a buffer that another thread has allocated: the same memory, with a reference of its own. Every further opening of
 * the same handle makes one more, for as long as somebody uses the buffer.
 *
 * @throws {TypeError} when `handle` is not what `toHandle()` gave
 * @throws {DmaBufError} `ERR_DMABUF_CLOSED` when the handle was opened, and everybody who used the buffer has let go since
 */
export function openHandle(handle: BufferHandle): SharedBuffer {
  const control = checkHandle(handle);
  if (!control.open(handle.ticket)) {
    throw new DmaBufError(
      `Cannot open the handle of buffer "${handle.name}" as everybody who used it has let go: make a new one with toHandle()`,
      {
        code: 'ERR_DMABUF_CLOSED',
      },
    );
  }
  return new SharedBuffer(handle, control);
}

/**
 * Lets go of a handle that will not be opened: one that was never posted, or whose worker is gone.
 *
 * @returns false when it had been opened, and there was nothing to let go of
 */
export function discardHandle(handle: BufferHandle): boolean {
  return checkHandle(handle).discard(handle.ticket);
}

/** Buffers that were dropped without having been closed: their thread no longer holds them. */
const collected = new FinalizationRegistry<SharedControl>((control) => control.release());

/** A buffer that another thread of this process has allocated. */
export class SharedBuffer {
  readonly name: string;
  readonly #control: SharedControl;
  readonly #memory: WindowMemory;
  readonly #maintenance: CpuAccessMaintenance;
  #open = true;
  #userCount = 0;

  /** @internal */
  constructor(handle: BufferHandle, control: SharedControl) {
    const { shared, byteOffset, dmaBufFd } = handle;
    const address = addressOf(new Uint8Array(shared, byteOffset, 1));
    this.name = handle.name;
    this.#control = control;
    this.#memory = { shared, byteOffset, address, length: toByteLength(handle.length) };
    this.#maintenance = dmaBufFd === undefined ? COHERENT_MEMORY : new DmaBufFile(new DmaBufCalls(), dmaBufFd);
    keepAliveWith(shared, this);
    collected.register(this, control, this);
  }

  /** In bytes. */
  get length(): number {
    return this.#memory.length;
  }

  get closed(): boolean {
    return !this.#open;
  }

  /** Another handle on the buffer's one window. */
  vmap(): BufferView {
    this.#checkOpen('map');
    return this.#openView();
  }

  /**
   * As `DmaBuf.access`. Importers that are attached in the allocating thread are not told: their functions live there.
   *
   * @throws what `body` throws; the abort reason when given up before `body` ran
   */
  async access<Result>(
    mode: AccessMode,
    body: (bytes: Uint8Array<SharedArrayBuffer>) => Promise<Result> | Result,
    options: AccessOptions = {},
  ): Promise<Result> {
    return await withinAccess(await beginCpuAccess(this.#accessible, mode, options), body);
  }

  /** As `DmaBuf.accessSync`; here `block: true` waits, since the thread that signals is another. */
  accessSync<Result>(
    mode: AccessMode,
    body: (bytes: Uint8Array<SharedArrayBuffer>) => Result,
    options: AccessSyncOptions = {},
  ): Result {
    return withinAccessSync(beginCpuAccessSync(this.#accessible, mode, options), body);
  }

  /** Lets go, once the views and accesses of this thread have ended. Again: does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#releaseIfUnused();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `SharedBuffer { ${this.#label}, ${formatSize(this.length)}, ${this.#open ? 'open' : 'closed'} }`;
  }

  get #label(): string {
    return this.name === '' ? 'the buffer' : `buffer "${this.name}"`;
  }

  get #accessible(): AccessibleBuffer {
    const control = this.#control;
    return {
      label: this.#label,
      maintenance: this.#maintenance,
      checkOpen: () => this.#checkOpen('access'),
      openView: () => this.#openView(),
      hasPendingFences: (mode) => control.pendingCount(mode) > 0,
      waitForFences: async (mode, options) => {
        for (let count = control.pendingCount(mode); count > 0; count = control.pendingCount(mode)) {
          await control.pendingChange(mode, count, options.signal);
        }
      },
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

  #openView(): BufferView {
    this.#userCount += 1;
    const closeView = (): void => {
      this.#userCount -= 1;
      this.#releaseIfUnused();
    };
    return new BufferView(this.#memory, { label: this.#label, closeView });
  }

  #releaseIfUnused(): void {
    if (this.#open || this.#userCount > 0) return;
    collected.unregister(this);
    this.#control.release();
  }

  #checkOpen(action: string): void {
    if (this.#open) return;
    throw new DmaBufError(`Cannot ${action} ${this.#label} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
  }
}

function checkHandle(handle: BufferHandle): SharedControl {
  const valid =
    handle?.type === 'dmabuf-handle' &&
    handle.shared instanceof SharedArrayBuffer &&
    handle.control instanceof Int32Array &&
    handle.ticket instanceof Int32Array;
  if (!valid)
    throw new TypeError(
      `Cannot open the handle as it must come from toHandle(): current value is ${inspect(handle, { depth: 0, maxArrayLength: 0 })}`,
    );
  return new SharedControl(handle.control);
}
