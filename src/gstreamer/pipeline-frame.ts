import { inspect } from 'node:util';

import { DmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import type { VideoCaps } from './video-caps.ts';

/** What a frame is made of. */
interface PipelineFrameSetup {
  readonly layout: FrameLayout;
  readonly caps: VideoCaps;
  readonly timestampNs: bigint | undefined;
  readonly durationNs: bigint | undefined;
  /** Gives the memory back to the pipeline. */
  release(): void;
}

/**
 * A frame of a pipeline. Its memory is the pipeline's, which fills it again once the frame is
 * closed: views that are kept show other pictures then.
 */
export class PipelineFrame {
  /** What the pipeline says of its frames. */
  readonly caps: VideoCaps;
  /**
   * When it is to be shown, in ns of CLOCK_MONOTONIC (`process.hrtime.bigint()`), where it is
   * known.
   */
  readonly timestampNs: bigint | undefined;
  /** For how long, in ns, where it is known. */
  readonly durationNs: bigint | undefined;
  readonly #setup: PipelineFrameSetup;
  #droppedCount = 0;
  #closed = false;

  /** @internal */
  constructor(setup: PipelineFrameSetup) {
    this.caps = setup.caps;
    this.timestampNs = setup.timestampNs;
    this.durationNs = setup.durationNs;
    this.#setup = setup;
  }

  /**
   * The picture in its buffers, which may only be read.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after `close()`: the memory may hold another picture
   */
  get layout(): FrameLayout {
    if (this.#closed) throw new DmaBufError('Cannot use a frame after it was closed', { code: 'ERR_DMABUF_CLOSED' });
    return this.#setup.layout;
  }

  /**
   * The first of its buffers, which for most pipelines is the only one.
   *
   * @throws {DmaBufError} `ERR_DMABUF_CLOSED` after `close()`
   */
  get buffer(): DmaBuf {
    return this.layout.buffers[0] as DmaBuf;
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

  /** Gives the memory back to the pipeline, once. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#setup.release();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `PipelineFrame { ${inspect(this.#setup.layout)}, ${this.#closed ? 'closed' : 'open'} }`;
  }
}
