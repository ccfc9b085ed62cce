import { isDmaBufError } from '../base/errors.ts';
import type { BlitColors } from '../blit/blit-colors.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { openCamera } from '../v4l2/camera.ts';
import type { Camera } from '../v4l2/camera.ts';
import type { CameraOptions } from '../v4l2/camera-options.ts';
import type { Window } from '../wayland/window.ts';
import { findBlittedFormat } from './preview-formats.ts';
import type { PreviewStage } from './preview.ts';
import { StageClock } from './stage-clock.ts';
import type { StageTimes } from './stage-clock.ts';
import { noFormat, wantedFormats } from './wanted-formats.ts';
import { WindowPictures } from './window-pictures.ts';

/** One in the window, one that comes next, and two for the camera. */
const CAMERA_BUFFER_COUNT = 4;

/** What a preview needs of a frame. */
interface PreviewFrame {
  readonly layout: FrameLayout;
  close(): void;
}

/** What a preview needs of a camera. */
export interface PreviewCamera {
  readonly format: { readonly colors: BlitColors };
  frames(options: { readonly signal: AbortSignal; readonly backlog: number }): AsyncIterable<PreviewFrame>;
}

/**
 * A camera in a format that a window can show.
 *
 * @throws {DmaBufError} `EINVAL` for one that has none
 * @throws what `openCamera` throws
 */
export function openCameraForWindow(device: string, options: CameraOptions): Camera {
  const formats = wantedFormats(device, options);
  const blitted = findBlittedFormat(formats);
  if (blitted === undefined) throw noFormat(device, formats);
  return openCamera(device, { buffers: CAMERA_BUFFER_COUNT, ...options, format: blitted.description.pixelformat });
}

/** A camera's pictures in a window: where they lie, or by one pass of the CPU. */
export class WindowPreview {
  readonly #camera: PreviewCamera;
  readonly #window: Window;
  readonly #pictures: WindowPictures;
  readonly #clock = new StageClock<PreviewStage>(['camera', 'convert', 'screen']);
  #way: { readonly kind: 'cameraBuffers' | 'blit'; readonly reason: string } = {
    kind: 'cameraBuffers',
    reason: 'no picture was shown',
  };
  /** Why the compositor does not take the camera's memory, once it has said so. */
  #refusal: string | undefined;

  /** Both stay the caller's. */
  constructor(camera: PreviewCamera, window: Window) {
    this.#camera = camera;
    this.#window = window;
    this.#pictures = new WindowPictures(window);
  }

  /** How the newest picture got to the window, and why. */
  get way(): { readonly kind: 'cameraBuffers' | 'blit'; readonly reason: string } {
    return this.#way;
  }

  /** Medians since the last call. */
  readStageTimes(): StageTimes<PreviewStage> {
    return this.#clock.read();
  }

  /**
   * Shows frame after frame, the newest each time, until the loop is left or the signal aborts.
   *
   * @returns their numbers, from 1
   * @throws what the camera and the window throw, and the abort reason
   */
  async *run({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<number, void, undefined> {
    let number = 0;
    this.#clock.start();
    for await (const frame of this.#camera.frames({ signal, backlog: 1 })) {
      this.#clock.end('camera');
      if (!(await this.#showsWhereItLies(frame))) await this.#convert(frame, signal);
      this.#clock.end('screen');
      number += 1;
      yield number;
    }
  }

  /** Camera and window stay the caller's. */
  close(): void {
    this.#pictures.close();
  }

  /** @returns whether the compositor reads the frame's own memory */
  async #showsWhereItLies(frame: PreviewFrame): Promise<boolean> {
    const { width, height } = this.#window.size;
    const { layout } = frame;
    if (this.#refusal !== undefined || layout.width !== width || layout.height !== height) return false;
    try {
      const { released } = await this.#window.show(layout);
      void released.then(() => frame.close());
      this.#clock.end('convert');
      this.#way = { kind: 'cameraBuffers', reason: "the window shows the camera's buffers" };
      return true;
    } catch (error) {
      if (!isDmaBufError(error, 'EOPNOTSUPP')) throw error;
      this.#refusal = error.message;
      return false;
    }
  }

  async #convert(frame: PreviewFrame, signal: AbortSignal): Promise<void> {
    const { width, height } = this.#window.size;
    const { layout } = frame;
    const reason = this.#refusal ?? `the window has ${width}x${height}, the camera ${layout.width}x${layout.height}`;
    this.#way = { kind: 'blit', reason };
    try {
      const show = await this.#pictures.convert(layout, { sourceColors: this.#camera.format.colors, signal });
      this.#clock.end('convert');
      await show();
    } finally {
      frame.close();
    }
  }
}
