import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { DmaBufError } from '../base/errors.ts';
import { createBlitter } from '../blit/blitter.ts';
import type { Blitter } from '../blit/blitter.ts';
import type { Display, Flip } from '../drm/display.ts';
import type { Framebuffer } from '../drm/framebuffer.ts';
import type { Heap } from '../heap/heap.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { fitRectangle } from './fit-rectangle.ts';
import type { PictureSize } from '../base/rectangle.ts';
import { findWrittenFormat } from './preview-formats.ts';

/** A picture of a file: RGB as PNG has it, or 4:2:0 as Y4M has it. */
export interface FilePicture extends PictureSize {
  readonly format: 'BGR888' | 'YUV420';
  /** Plane behind plane, rows behind rows. */
  readonly bytes: Uint8Array;
}

/** One on the screen, and one that is written. */
const SCREEN_BUFFER_COUNT = 2;

/** Puts pictures of files on a screen, as large as they fit. Close it before the display. */
export class PictureShow {
  readonly #display: Display;
  readonly #framebuffers: readonly Framebuffer[];
  readonly #heap: Heap;
  readonly #blitter: Blitter;
  #source: FrameLayout | undefined;
  #turn = 0;

  /** @throws {DmaBufError} `EINVAL` for a screen whose formats are not written here */
  constructor(display: Display) {
    this.#display = display;
    const [primary] = display.planes;
    const format = primary && findWrittenFormat(primary);
    if (format === undefined)
      throw new DmaBufError(`Cannot show pictures as nothing is converted to a format of ${display.path}`, {
        code: 'EINVAL',
      });
    // First: where there is no SIMD it throws, and nothing is left open.
    this.#blitter = createBlitter();
    const { width, height } = display.mode;
    this.#framebuffers = Array.from({ length: SCREEN_BUFFER_COUNT }, () => display.allocate({ width, height, format }));
    this.#heap = openEmbeddedHeap();
  }

  /** @returns when it was on the screen */
  async show(picture: FilePicture, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Flip> {
    const source = this.#sourceFor(picture);
    await source.access('write', (planes) => {
      let at = 0;
      for (const plane of planes) {
        const lengthBytes = plane.rowBytes * plane.rowCount;
        plane.copyIn(picture.bytes.subarray(at, at + lengthBytes));
        at += lengthBytes;
      }
    });
    const framebuffer = this.#framebuffers[this.#turn % this.#framebuffers.length] as Framebuffer;
    this.#turn += 1;
    const destinationRectangle = fitRectangle(picture, this.#display.mode);
    await this.#blitter.blit(source, framebuffer.frame, { destinationRectangle, filter: 'bilinear' });
    return await this.#display.show(framebuffer, options);
  }

  close(): void {
    this.#blitter.close();
    for (const buffer of this.#source?.buffers ?? []) buffer.close();
    this.#heap.close();
    for (const framebuffer of this.#framebuffers) framebuffer.close();
  }

  #sourceFor({ format, width, height }: FilePicture): FrameLayout {
    const known = this.#source;
    const description = describeFrame(format, { width, height });
    if (known !== undefined && known.fourcc === description.fourcc && known.width === width && known.height === height)
      return known;
    for (const buffer of known?.buffers ?? []) buffer.close();
    this.#source = new FrameLayout(description, [this.#heap.allocate(description.length, { name: 'picture' })]);
    return this.#source;
  }
}
