import { DmaBufError } from '../base/errors.ts';
import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { BLIT_FORMATS } from '../blit/blit-format.ts';
import type { BlitFormatName } from '../blit/blit-format.ts';
import { createBlitter } from '../blit/blitter.ts';
import type { Blitter } from '../blit/blitter.ts';
import type { Heap } from '../heap/heap.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { encodePng } from '../picture/encode-png.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { CameraFrame } from '../v4l2/camera-frame.ts';
import type { PictureSize } from '../base/rectangle.ts';

const BLITTED: ReadonlySet<string> = new Set(BLIT_FORMATS);

/** Makes of a camera's frames what files hold. Close it when done. */
export class FrameConverter {
  // Before the heap: where there is no SIMD it throws, and nothing is left open.
  readonly #blitter: Blitter = createBlitter();
  readonly #heap: Heap = openEmbeddedHeap();
  readonly #pictures = new Map<BlitFormatName, FrameLayout>();

  /** The bytes of a PNG file. */
  async toPng(frame: CameraFrame): Promise<Uint8Array> {
    return await encodePng(await this.#convert(frame, 'BGR888'));
  }

  /** Y, then Cb and Cr of half the size, as BT.601 in limited range. */
  async toYuv420(frame: CameraFrame): Promise<Uint8Array[]> {
    const picture = await this.#convert(frame, 'YUV420');
    return await picture.access('read', (planes) => planes.map((plane) => plane.copyOut()));
  }

  close(): void {
    this.#blitter.close();
    for (const { buffers } of this.#pictures.values()) for (const buffer of buffers) buffer.close();
    this.#heap.close();
  }

  async #convert(frame: CameraFrame, to: BlitFormatName): Promise<FrameLayout> {
    const { format, layout } = frame;
    if (format.name === undefined || !BLITTED.has(format.name))
      throw new DmaBufError(
        `Cannot convert ${format.fourcc}: ask for another --format, such as YUYV, or write a .raw` +
          (format.compressed ? ' or a .jpg' : ''),
        { code: 'EINVAL' },
      );
    const picture = this.#pictureOf(to, format);
    await this.#blitter.blit(layout, picture, { sourceColors: format.colors });
    return picture;
  }

  /** One for each format, used again and again. */
  #pictureOf(format: BlitFormatName, size: PictureSize): FrameLayout {
    const known = this.#pictures.get(format);
    if (known !== undefined && known.width === size.width && known.height === size.height) return known;
    for (const buffer of known?.buffers ?? []) buffer.close();
    const { width, height } = size;
    const description = describeFrame(format, { width, height });
    const picture = new FrameLayout(description, [this.#heap.allocate(description.length, { name: format })]);
    this.#pictures.set(format, picture);
    return picture;
  }
}
