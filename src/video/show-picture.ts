import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { DmaBufError } from '../base/errors.ts';
import { createBlitter } from '../blit/blitter.ts';
import type { Blitter } from '../blit/blitter.ts';
import type { Display, Flip } from '../drm/display.ts';
import type { Framebuffer } from '../drm/framebuffer.ts';
import type { Heap } from '../heap/heap.ts';
import { fitRectangle } from './fit-rectangle.ts';
import { PictureSource } from './picture-source.ts';
import type { FilePicture } from './picture-source.ts';
import { findWrittenFormat } from './preview-formats.ts';

/** One on the screen, and one that is written. */
const SCREEN_BUFFER_COUNT = 2;

/** Puts pictures of files on a screen, as large as they fit. Close it before the display. */
export class PictureShow {
  readonly #display: Display;
  readonly #framebuffers: readonly Framebuffer[];
  readonly #heap: Heap;
  readonly #blitter: Blitter;
  readonly #source: PictureSource;
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
    this.#source = new PictureSource(this.#heap);
  }

  /** @returns when it was on the screen */
  async show(picture: FilePicture, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Flip> {
    const source = await this.#source.load(picture);
    const framebuffer = this.#framebuffers[this.#turn % this.#framebuffers.length] as Framebuffer;
    this.#turn += 1;
    const destinationRectangle = fitRectangle(picture, this.#display.mode);
    await this.#blitter.blit(source, framebuffer.frame, { destinationRectangle, filter: 'bilinear' });
    return await this.#display.show(framebuffer, options);
  }

  close(): void {
    this.#blitter.close();
    this.#source.close();
    this.#heap.close();
    for (const framebuffer of this.#framebuffers) framebuffer.close();
  }
}
