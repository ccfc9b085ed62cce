import { types } from 'node:util';

import { throwIfAborted } from '../base/abort.ts';
import type { WaitOptions } from '../base/abort.ts';
import { wrongType, wrongValue } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { assert } from '../base/assert.ts';
import { checkBoolean, readOptions, readWaitOptions, checkOneOf } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import type { AccessMode, CpuAccessMaintenance } from '../linux/calls/cpu-access-maintenance.ts';
import { endAfter, endAfterAsync } from './finally.ts';
import type { BufferView } from './view.ts';

const ACCESS_MODES: readonly AccessMode[] = ['read', 'write', 'readwrite'];

/** @throws {TypeError} when it is not a mode. `action` completes "Cannot …" */
export function checkAccessMode(mode: unknown, action: string): AccessMode {
  return checkOneOf(mode, { action, name: 'mode', allowed: ACCESS_MODES });
}

/** Options of `accessSync`. */
export interface AccessSyncOptions {
  /** Whether to block the thread while fences are pending, instead of refusing with `EAGAIN`. */
  readonly block?: boolean | undefined;
}

const ACTION = 'access the buffer';
const BODY: Argument = { action: ACTION, name: 'body' };

/** What an access needs of its buffer, in any thread. */
export interface AccessibleBuffer {
  /** For messages. */
  label(): string;
  /** The device's side of the memory. */
  readonly maintenance: CpuAccessMaintenance;
  /**
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED`: its descriptor number may belong to another file by
   *   then; `EACCES` for a write to a read-only buffer
   */
  checkMay(mode: AccessMode): void;
  /** Whether the window is mapped now, so that opening a view takes no time. */
  isMapped(): boolean;
  /**
   * A view that holds the window; its close never throws. Undefined where the memory is mapped
   * elsewhere, and held there.
   */
  openView(): BufferView | undefined;
  /** Whether fences of this process are pending that the access waits for. */
  hasPendingFences(mode: AccessMode): boolean;
  waitForFences(mode: AccessMode, options: WaitOptions): Promise<void>;
  /** Blocks the thread until {@link hasPendingFences} is false. */
  blockForFences(mode: AccessMode): void;
  /**
   * Tells all users of the mapping that the CPU begins. Returns a function that tells them of the
   * end.
   */
  begin(mode: AccessMode): () => void;
}

/** A CPU access that has begun. The window stays mapped until it ends. */
export class CpuAccess {
  /** The mode of its begin and end. */
  readonly mode: AccessMode;
  readonly #view: BufferView | undefined;
  readonly #end: () => void;
  #ended = false;

  /** @internal */
  constructor(mode: AccessMode, view: BufferView | undefined, end: () => void) {
    this.mode = mode;
    this.#view = view;
    this.#end = end;
  }

  /** Whether the access has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * The whole buffer.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after the end
   * @throws {RangeError} above 4 GiB: use {@link subarray}
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    return this.#mapped.bytes;
  }

  /** A part of the buffer, as `BufferView.subarray` gives it. */
  subarray(offset: number, length?: number): Uint8Array<SharedArrayBuffer> {
    return this.#mapped.subarray(offset, length);
  }

  /** Ends the access: devices see what was written. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    endAfter(this.#end, () => this.#view?.close());
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.end();
  }

  get #mapped(): BufferView {
    assert(this.#view !== undefined, 'An access without a view must not be asked for bytes');
    return this.#view;
  }
}

/** Waits for fences, then begins. */
export async function beginCpuAccess(
  buffer: AccessibleBuffer,
  mode: AccessMode,
  options: WaitOptions,
): Promise<CpuAccess> {
  const plain = readWaitOptions(options, ACTION);
  checkAccessMode(mode, ACTION);
  buffer.checkMay(mode);
  throwIfAborted(plain.signal);
  // Mapped before the wait, which also holds the memory during it.
  const view = buffer.openView();
  try {
    // Checked again after every wait, and immediately before the begin, which would block the
    // thread.
    while (isPending(buffer, mode)) {
      await buffer.waitForFences(mode, plain);
      await buffer.maintenance.whenReady(mode, plain);
    }
    return new CpuAccess(mode, view, buffer.begin(mode));
  } catch (error) {
    view?.close();
    throw error;
  }
}

/** Begins at once, or refuses. */
export function beginCpuAccessSync(buffer: AccessibleBuffer, mode: AccessMode, options: AccessSyncOptions): CpuAccess {
  const { block = false } = readOptions(options, ACTION, ['block']);
  checkAccessMode(mode, ACTION);
  checkBoolean(block, { action: ACTION, name: 'block' });
  buffer.checkMay(mode);
  const refuseIfPending = (): void => {
    if (!block && isPending(buffer, mode)) throw pendingError(buffer);
  };
  const isMapped = buffer.isMapped();
  refuseIfPending();
  const view = buffer.openView();
  try {
    // Mapping takes time, so fences may have come.
    if (!isMapped) refuseIfPending();
    // The kernel's begin itself waits for the fences of devices.
    buffer.blockForFences(mode);
    return new CpuAccess(mode, view, buffer.begin(mode));
  } catch (error) {
    view?.close();
    throw error;
  }
}

/**
 * Runs `body` within an access that ends on every exit. The access holds the window, so it stays
 * mapped until then even if `body` closes the buffer.
 */
export async function withinAccess<Result>(
  begin: () => Promise<CpuAccess>,
  body: (bytes: Uint8Array<SharedArrayBuffer>) => Promise<Result> | Result,
): Promise<Result> {
  checkBody(body);
  const access = await begin();
  return await endAfterAsync(
    () => body(access.bytes),
    () => access.end(),
  );
}

/** As {@link withinAccess}, for a synchronous body. */
export function withinAccessSync<Result>(
  begin: () => CpuAccess,
  body: (bytes: Uint8Array<SharedArrayBuffer>) => Result,
): Result {
  checkBody(body);
  const access = begin();
  return endAfter(
    () => refusePromise(body(access.bytes)),
    () => access.end(),
  );
}

function isPending(buffer: AccessibleBuffer, mode: AccessMode): boolean {
  return buffer.hasPendingFences(mode) || !buffer.maintenance.ready(mode);
}

/** @throws {TypeError} when it is not a function */
export function checkBody(body: unknown): void {
  if (typeof body === 'function') return;
  throw wrongType(BODY, { must: 'be a function', received: body });
}

/**
 * A body that continues after it returned would run outside its bracket. A result with a `then` may
 * mean that.
 */
export function refusePromise<Result>(result: Result): Result {
  if (types.isPromise(result)) void ignoreOutcome(result);
  else if (!isThenable(result)) return result;
  throw wrongValue(BODY, { must: 'return no promise', received: result, remedy: 'use access()' });
}

/**
 * The caller already gets an error. A rejection of this promise, which no code could handle, would
 * end the process.
 */
async function ignoreOutcome(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    // Ignored on purpose.
  }
}

function isThenable(value: unknown): boolean {
  const mayBe = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return mayBe && typeof (value as { readonly then?: unknown }).then === 'function';
}

function pendingError(buffer: AccessibleBuffer): DmaBufError {
  const message = `Cannot access ${buffer.label()} now as work on the buffer is pending: await access() instead`;
  return new DmaBufError(message, { code: 'EAGAIN' });
}
