import type { Display, Flip } from '../drm/display.ts';
import type { Camera } from '../v4l2/camera.ts';
import type { CameraFrame } from '../v4l2/camera-frame.ts';
import { choosePreviewWay } from './choose-preview-way.ts';
import type { PreviewRequest } from './choose-preview-way.ts';
import type { PreviewWay, PreviewWayKind } from './preview-way.ts';
import { StageClock } from './stage-clock.ts';
import type { StageTimes } from './stage-clock.ts';

/**
 * What a frame goes through: it is waited for, converted or looked up, and put on the screen, which
 * waits for the screen's turn.
 */
export type PreviewStage = 'camera' | 'convert' | 'screen';

const STAGES: readonly PreviewStage[] = ['camera', 'convert', 'screen'];

/** A frame that is on the screen. */
interface ShownFrame {
  /** From 1. */
  readonly number: number;
  readonly sequence: number;
  readonly flip: Flip;
}

/** A camera's pictures on a screen. */
export class Preview {
  readonly #way: PreviewWay;
  readonly #display: Display;
  readonly #clock = new StageClock<PreviewStage>(STAGES);

  /** @throws as {@link choosePreviewWay} */
  constructor(request: PreviewRequest) {
    this.#display = request.display;
    this.#way = choosePreviewWay(request);
  }

  get camera(): Camera {
    return this.#way.camera;
  }

  /** How frames get to the screen, and why. */
  get way(): { readonly kind: PreviewWayKind; readonly reason: string } {
    const { kind, reason } = this.#way;
    return { kind, reason };
  }

  /** Medians since the last call. */
  readStageTimes(): StageTimes<PreviewStage> {
    return this.#clock.read();
  }

  /**
   * Shows frame after frame, the newest each time, until the loop is left or the signal aborts.
   *
   * @throws what the camera and the screen throw, and the abort reason
   */
  async *run({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<ShownFrame, void, undefined> {
    let shown: CameraFrame | undefined;
    let number = 0;
    this.#clock.start();
    for await (const frame of this.#way.camera.frames({ signal, backlog: 1 })) {
      this.#clock.end('camera');
      const framebuffer = await this.#way.framebufferOf(frame);
      this.#clock.end('convert');
      if (!this.#way.showsFrame) frame.close();
      const flip = await this.#display.show(framebuffer, { signal });
      this.#clock.end('screen');
      // Until now the screen has read the frame before.
      shown?.close();
      shown = this.#way.showsFrame ? frame : undefined;
      number += 1;
      yield { number, sequence: frame.sequence, flip };
    }
  }

  /** Gives camera and buffers back. The display stays the caller's. */
  close(): void {
    this.#way.close();
  }
}
