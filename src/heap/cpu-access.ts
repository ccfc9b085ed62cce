import { checkBoolean, checkOneOf, checkOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import type { AccessMode, CpuAccessMaintenance } from '../linux/cpu-access-maintenance.ts';
import { ACCESS_MODES } from './access-options.ts';
import type { AccessOptions, AccessSyncOptions } from './access-options.ts';
import { endAfter, endAfterAsync } from './bracket.ts';
import type { BufferView } from './view.ts';

/** What an access needs of its buffer, in whichever thread. */
export interface AccessibleBuffer {
  /** For messages. */
  readonly label: string;
  /** What the device's side of the memory needs. */
  readonly maintenance: CpuAccessMaintenance;
  /** @throws {DmaBufError} `ERR_DMABUF_CLOSED`: its descriptor may be somebody else's by then */
  checkOpen(): void;
  /** A view that holds the window; its close never throws. */
  openView(): BufferView;
  /** Fences of this process that stand against the access. */
  hasPendingFences(mode: AccessMode): boolean;
  waitForFences(mode: AccessMode, options: AccessOptions): Promise<void>;
  /** Blocks the thread until {@link hasPendingFences} is false. */
  blockForFences(mode: AccessMode): void;
  /** Tells whoever maps the memory that the CPU begins. Returns what tells them of the end. */
  begin(mode: AccessMode): () => void;
}

/** A CPU access that has begun. The window stays mapped until it ends. */
export class CpuAccess {
  /** What it began with, and will end with. */
  readonly mode: AccessMode;
  readonly #view: BufferView;
  readonly #end: () => void;
  #ended = false;

  /** @internal */
  constructor(mode: AccessMode, view: BufferView, end: () => void) {
    this.mode = mode;
    this.#view = view;
    this.#end = end;
  }

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
    return this.#view.bytes;
  }

  /** A part of the buffer, as `BufferView.subarray` gives it. */
  subarray(offset: number, length?: number): Uint8Array<SharedArrayBuffer> {
    return this.#view.subarray(offset, length);
  }

  /** Ends the access: what was written is seen by devices. Again: does nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    endAfter(this.#end, () => this.#view.close());
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/** Waits for fences, then begins. */
export async function beginCpuAccess(
  buffer: AccessibleBuffer,
  mode: AccessMode,
  options: AccessOptions,
): Promise<CpuAccess> {
  checkOneOf(mode, 'access the buffer by its mode', ACCESS_MODES);
  checkOptions(options, 'access the buffer', ['signal']);
  buffer.checkOpen();
  options.signal?.throwIfAborted();
  // Mapped before the wait, and so held meanwhile.
  const view = buffer.openView();
  try {
    // Asked again after every wait, and last of all before the begin, which would block the thread.
    while (isPending(buffer, mode)) {
      await buffer.waitForFences(mode, options);
      await buffer.maintenance.whenReady(mode, options);
    }
    return new CpuAccess(mode, view, buffer.begin(mode));
  } catch (error) {
    view.close();
    throw error;
  }
}

/** Begins at once, or refuses. */
export function beginCpuAccessSync(buffer: AccessibleBuffer, mode: AccessMode, options: AccessSyncOptions): CpuAccess {
  checkOneOf(mode, 'access the buffer by its mode', ACCESS_MODES);
  checkOptions(options, 'access the buffer', ['block']);
  const block = checkBoolean(options.block ?? false, 'block for the buffer');
  buffer.checkOpen();
  const refuseIfPending = (): void => {
    if (!block && isPending(buffer, mode)) throw pendingError(buffer);
  };
  refuseIfPending();
  const view = buffer.openView();
  try {
    // Mapping takes its time.
    refuseIfPending();
    // The fences of devices are waited for by begin itself, in the kernel.
    buffer.blockForFences(mode);
    return new CpuAccess(mode, view, buffer.begin(mode));
  } catch (error) {
    view.close();
    throw error;
  }
}

/** Runs `body` within an access that ends on every exit. */
export async function withinAccess<Result>(
  access: CpuAccess,
  body: (bytes: Uint8Array<SharedArrayBuffer>) => Promise<Result> | Result,
): Promise<Result> {
  return await endAfterAsync(
    () => checkBody(body)(access.bytes),
    () => access.end(),
  );
}

/** As {@link withinAccess}, for a body that is done when it returns. */
export function withinAccessSync<Result>(
  access: CpuAccess,
  body: (bytes: Uint8Array<SharedArrayBuffer>) => Result,
): Result {
  return endAfter(
    () => refusePromise(checkBody(body)(access.bytes)),
    () => access.end(),
  );
}

function isPending(buffer: AccessibleBuffer, mode: AccessMode): boolean {
  return buffer.hasPendingFences(mode) || !buffer.maintenance.ready(mode);
}

function checkBody<Body>(body: Body): Body {
  if (typeof body === 'function') return body;
  throw new TypeError('Cannot access the buffer as what to do with its bytes must be a function, the second argument');
}

/** A body that goes on after it returned would run outside its bracket. */
function refusePromise<Result>(result: Result): Result {
  if (result instanceof Promise) {
    throw new TypeError('Cannot access the buffer at once as the body returned a promise: use access()');
  }
  return result;
}

function pendingError(buffer: AccessibleBuffer): DmaBufError {
  const message = `Cannot access ${buffer.label} now as work on the buffer is pending: await access() instead`;
  return new DmaBufError(message, { code: 'EAGAIN' });
}
