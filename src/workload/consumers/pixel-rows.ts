import type { Rectangle } from '../../base/rectangle.ts';
import type { BufferView } from '../../heap/view.ts';

/** How pixels lie in a buffer. */
export interface PixelLayout {
  /** From one row to the next. */
  readonly strideBytes: number;
  readonly bytesPerPixel: number;
}

/** The rows of a picture in a mapped buffer. */
export class PixelRows {
  readonly #view: BufferView;
  readonly #layout: PixelLayout;

  constructor(view: BufferView, layout: PixelLayout) {
    this.#view = view;
    this.#layout = layout;
  }

  /** The bytes of a rectangle, row by row, in memory of their own. */
  copyOut(rectangle: Rectangle): Uint8Array {
    const rowBytes = rectangle.width * this.#layout.bytesPerPixel;
    const copy = new Uint8Array(rowBytes * rectangle.height);
    for (let row = 0; row < rectangle.height; row += 1) copy.set(this.#row(rectangle, row), row * rowBytes);
    return copy;
  }

  /** Copies a rectangle to the same place in another picture of the same layout. */
  copyTo(target: PixelRows, rectangle: Rectangle): void {
    for (let row = 0; row < rectangle.height; row += 1) target.#row(rectangle, row).set(this.#row(rectangle, row));
  }

  #row({ x, y, width }: Rectangle, row: number): Uint8Array {
    const { strideBytes, bytesPerPixel } = this.#layout;
    return this.#view.subarray((y + row) * strideBytes + x * bytesPerPixel, width * bytesPerPixel);
  }
}
