import { withCleanup } from '../base/cleanup.ts';
import { isDmaBufError } from '../base/errors.ts';
import { openCamera } from '../v4l2/camera.ts';
import { listCameras } from '../v4l2/list-cameras.ts';
import { formatFourcc } from '../picture/fourcc.ts';
import { LiveCamera } from './live-camera.ts';
import type { CameraChoice, CameraFactsMessage } from './protocol/messages.ts';
import type { Frame } from './protocol/frames.ts';
import { jsonFrame } from './server/json-frame.ts';
import { Refusal } from './server/refusal.ts';
import type { Viewer } from './server/viewer.ts';

const FORBIDDEN = 403;
const NOT_FOUND = 404;
const CONFLICT = 409;
/** Enough to see, and little to convert. */
const SIZE = { width: 640, height: 480 };

/** The cameras that can be looked at. */
export function listCameraChoices(): CameraChoice[] {
  return listCameras().flatMap(({ path, name, refusal }) => (refusal === undefined ? [{ path, name }] : []));
}

/** Cameras that pages look at: each is opened for the first of them, and closed after the last. */
export class LiveCameras {
  readonly #mayControl: boolean;
  readonly #watched = new Map<string, { readonly live: LiveCamera; viewerCount: number }>();

  constructor(mayControl: boolean) {
    this.#mayControl = mayControl;
  }

  /** @throws {Refusal} where there is no such camera, or it cannot be opened */
  watch(path: string): Viewer {
    if (!this.#mayControl)
      throw new Refusal(FORBIDDEN, 'Cannot open a camera as the lab is read-only: start it with --control');
    const watched = this.#watched.get(path) ?? { live: this.#start(path), viewerCount: 0 };
    this.#watched.set(path, watched);
    watched.viewerCount += 1;
    return new CameraViewer(watched.live, () => {
      watched.viewerCount -= 1;
      if (watched.viewerCount > 0) return;
      this.#watched.delete(path);
      watched.live.close();
    });
  }

  #start(path: string): LiveCamera {
    // Nothing but a camera is opened for a page.
    if (!listCameraChoices().some((choice) => choice.path === path))
      throw new Refusal(NOT_FOUND, 'There is no such camera');
    try {
      return withCleanup((cleanup) => {
        const camera = openCamera(path, { ...SIZE, adjust: true });
        cleanup.defer(() => camera.close());
        return new LiveCamera(camera);
      });
    } catch (error) {
      if (!isDmaBufError(error)) throw error;
      throw new Refusal(CONFLICT, error.message);
    }
  }
}

/** What one page has seen of a camera. */
class CameraViewer implements Viewer {
  readonly #live: LiveCamera;
  readonly #onClose: () => void;
  #isNew = true;
  #isClosed = false;
  #shown = 0;
  #facts: CameraFactsMessage | undefined;

  constructor(live: LiveCamera, onClose: () => void) {
    this.#live = live;
    this.#onClose = onClose;
  }

  next(nowMs: number): Frame[] {
    const frames: Frame[] = [];
    const { latest } = this.#live;
    if (this.#isNew) {
      const { width, height, pixelformat } = this.#live.format;
      frames.push(jsonFrame({ type: 'camera-shape', width, height, format: formatFourcc(pixelformat) }));
      this.#isNew = false;
    }
    if (latest !== undefined && latest.number !== this.#shown) {
      frames.push(latest.frame);
      this.#shown = latest.number;
    }
    const facts = this.#live.facts(nowMs);
    if (facts !== this.#facts) frames.push(jsonFrame(facts));
    this.#facts = facts;
    return frames;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
  }
}
