import { assert } from '../base/assert.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { DumbBuffer, GemHandle } from '../linux/calls/drm-calls.ts';
import type { BorrowedFd, OwnedFd } from '../linux/calls/fd.ts';

/** The calls that give handles and take them back. */
interface GemCalls {
  importBuffer(card: BorrowedFd, dmaBuf: BorrowedFd): GemHandle;
  createDumb(card: BorrowedFd, wanted: DumbRequest): DumbBuffer;
  closeBuffer(card: BorrowedFd, handle: GemHandle): void;
}

/** The buffer that a driver is to allocate. */
export interface DumbRequest {
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: number;
}

/**
 * The buffers that a card's open file has handles of. The kernel gives one handle for a buffer,
 * however often it is imported, and closes it at the first close
 * (drivers/gpu/drm/drm_prime.c, drm_gem_prime_fd_to_handle): so users are counted here.
 */
export class GemHandles {
  readonly #calls: GemCalls;
  readonly #card: OwnedFd;
  readonly #userCounts = new Map<GemHandle, number>();

  constructor(calls: GemCalls, card: OwnedFd) {
    this.#calls = calls;
    this.#card = card;
  }

  /** How many buffers have a handle. */
  get count(): number {
    return this.#userCounts.size;
  }

  /** The handle of a buffer, with a user more. */
  import(buffer: Pick<DmaBuf, 'exportFd'>): GemHandle {
    const fd = buffer.exportFd();
    let handle;
    try {
      handle = this.#calls.importBuffer(this.#card.borrow(), fd.borrow());
    } catch (error) {
      fd.close();
      throw error;
    }
    this.#userCounts.set(handle, (this.#userCounts.get(handle) ?? 0) + 1);
    try {
      fd.close();
    } catch (error) {
      this.release(handle);
      throw error;
    }
    return handle;
  }

  /** A new buffer of the driver's, with one user. */
  create(wanted: DumbRequest): DumbBuffer {
    const dumb = this.#calls.createDumb(this.#card.borrow(), wanted);
    this.#userCounts.set(dumb.handle, 1);
    return dumb;
  }

  /** A user less; the last one's release closes the handle. */
  release(handle: GemHandle): void {
    const userCount = this.#userCounts.get(handle);
    assert(userCount !== undefined, 'A handle is released once for each of its users');
    if (userCount > 1) {
      this.#userCounts.set(handle, userCount - 1);
      return;
    }
    this.#userCounts.delete(handle);
    this.#calls.closeBuffer(this.#card.borrow(), handle);
  }
}
