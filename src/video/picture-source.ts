import type { Heap } from '../heap/heap.ts';
import type { PictureSize } from '../base/rectangle.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { FrameLayout } from '../picture/frame-layout.ts';

/** A picture of a file: RGB as PNG has it, or 4:2:0 as Y4M has it. */
export interface FilePicture extends PictureSize {
  readonly format: 'BGR888' | 'YUV420';
  /** Plane behind plane, rows behind rows. */
  readonly bytes: Uint8Array;
}

/** Puts pictures of files into a buffer, one after the other, from where they are converted. */
export class PictureSource {
  readonly #heap: Heap;
  #layout: FrameLayout | undefined;

  /** The heap stays the caller's. */
  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** The picture in memory, until the next one. */
  async load(picture: FilePicture): Promise<FrameLayout> {
    const layout = this.#layoutFor(picture);
    await layout.access('write', (planes) => {
      let at = 0;
      for (const plane of planes) {
        const lengthBytes = plane.rowBytes * plane.rowCount;
        plane.copyIn(picture.bytes.subarray(at, at + lengthBytes));
        at += lengthBytes;
      }
    });
    return layout;
  }

  close(): void {
    for (const buffer of this.#layout?.buffers ?? []) buffer.close();
  }

  #layoutFor({ format, width, height }: FilePicture): FrameLayout {
    const known = this.#layout;
    const description = describeFrame(format, { width, height });
    if (known !== undefined && known.fourcc === description.fourcc && known.width === width && known.height === height)
      return known;
    this.close();
    this.#layout = new FrameLayout(description, [this.#heap.allocate(description.length, { name: 'picture' })]);
    return this.#layout;
  }
}
