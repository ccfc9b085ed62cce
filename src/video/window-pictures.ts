import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { onAbort, throwIfAborted } from '../base/abort.ts';
import type { BlitColors } from '../blit/blit-colors.ts';
import { createBlitter } from '../blit/blitter.ts';
import type { Blitter } from '../blit/blitter.ts';
import type { Heap } from '../heap/heap.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { Window } from '../wayland/window.ts';
import { fitRectangle } from './fit-rectangle.ts';

/** One that the compositor shows, one that waits for its turn, and one that is written. */
const PICTURE_COUNT = 3;

/** A picture of the window's own size. */
interface WindowPicture {
  readonly layout: FrameLayout;
  released: Promise<void>;
}

/** How a picture is converted. */
interface ConvertOptions {
  readonly sourceColors?: BlitColors | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts pictures of any size and format into a window, as large as they fit, by one pass of the CPU.
 * Close it before the window.
 */
export class WindowPictures {
  readonly #window: Window;
  readonly #blitter: Blitter;
  readonly #heap: Heap;
  #pictures: WindowPicture[] = [];

  constructor(window: Window) {
    this.#window = window;
    // First: where there is no SIMD it throws, and nothing is left open.
    this.#blitter = createBlitter();
    // Memfds, which every compositor takes: others would be udmabufs where there is /dev/udmabuf.
    this.#heap = openEmbeddedHeap({ contiguous: true });
  }

  /**
   * Writes a picture of the window's size.
   *
   * @returns what shows it
   * @throws the abort reason when aborted while the compositor has all of its memory
   */
  async convert(source: FrameLayout, { sourceColors, signal }: ConvertOptions = {}): Promise<() => Promise<void>> {
    const picture = await this.#takeOldest(signal);
    const destinationRectangle = fitRectangle(source, picture.layout);
    const isScaled = destinationRectangle.width !== source.width || destinationRectangle.height !== source.height;
    await this.#blitter.blit(source, picture.layout, {
      destinationRectangle,
      filter: isScaled ? 'bilinear' : 'nearest',
      sourceColors,
    });
    return async () => {
      const { released } = await this.#window.show(picture.layout);
      picture.released = released;
    };
  }

  close(): void {
    this.#blitter.close();
    this.#closePictures();
    this.#heap.close();
  }

  async #takeOldest(signal: AbortSignal | undefined): Promise<WindowPicture> {
    const { width, height } = this.#window.size;
    const [first] = this.#pictures;
    if (first?.layout.width !== width || first.layout.height !== height) this.#allocate();
    const oldest = this.#pictures.shift() as WindowPicture;
    this.#pictures.push(oldest);
    await waitFor(oldest.released, signal);
    return oldest;
  }

  /** In black. The compositor keeps the memory of what it still shows. */
  #allocate(): void {
    this.#closePictures();
    const description = describeFrame('XRGB8888', this.#window.size);
    this.#pictures = Array.from({ length: PICTURE_COUNT }, () => {
      const buffer = this.#heap.allocate(description.length, { shareable: true, name: 'window' });
      return { layout: new FrameLayout(description, [buffer]), released: Promise.resolve() };
    });
  }

  #closePictures(): void {
    for (const { layout } of this.#pictures.splice(0)) for (const buffer of layout.buffers) buffer.close();
  }
}

/** @throws the abort reason when aborted before */
async function waitFor(released: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve, reject) => {
    const stopListening = onAbort(signal, reject);
    void released.then(() => {
      stopListening();
      resolve();
    });
  });
}
