import { inspect } from 'node:util';

import { DmaBufError } from '../base/errors.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';

/**
 * A frame of a stream. Its memory is the stream's, which fills it again once the frame is closed.
 *
 * @experimental
 */
export class ExperimentalPipeWireFrame {
  readonly #layout: FrameLayout;
  readonly #give: () => void;
  #droppedCount = 0;
  #closed = false;

  /** @internal */
  constructor(layout: FrameLayout, give: () => void) {
    this.#layout = layout;
    this.#give = give;
  }

  /**
   * The picture in its buffer.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after `close()`: the memory may hold another picture
   */
  get layout(): FrameLayout {
    if (this.#closed) throw new DmaBufError('Cannot use a frame after it was closed', { code: 'ERR_DMABUF_CLOSED' });
    return this.#layout;
  }

  /** Frames that were dropped for a slow reader since the one delivered before. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Whether `close()` was called, or the frames have ended. */
  get closed(): boolean {
    return this.#closed;
  }

  /** As it is delivered. @internal */
  delivered(droppedCount: number): this {
    this.#droppedCount = droppedCount;
    return this;
  }

  /** Gives the memory back to the stream, once. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#give();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `ExperimentalPipeWireFrame { ${this.#closed ? 'closed' : inspect(this.#layout)} }`;
  }
}
