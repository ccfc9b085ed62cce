/** The camera at its end of the socket: answers the host until either hangs up. */

import { Socket } from 'node:net';

import type { CameraDescription } from './camera-description.ts';
import { ControlEndpoint } from './control-endpoint.ts';
import type { CameraFrame } from './frame-payloads.ts';
import { chosenFormat, chosenSize } from './stream-settings.ts';
import type { ControlValues } from './unit-controls.ts';
import { MessageReader, completionMessage, withdrawalMessage } from './usbip-messages.ts';
import type { Completion, HostMessage, Submission } from './usbip-messages.ts';
import { VIDEO_ENDPOINT, frameRate } from './uvc-descriptors.ts';
import { VideoEndpoint } from './video-endpoint.ts';
import type { FrameEnd } from './video-endpoint.ts';

const CONTROL_ENDPOINT = 0;
const EPIPE = -32;
const ECONNRESET = -104;

/** What the host has chosen. */
export interface CameraState {
  readonly encoding: string;
  readonly width: number;
  readonly height: number;
  readonly rate: number;
  readonly controls: ControlValues;
}

export class CameraDevice {
  readonly #camera: CameraDescription;
  readonly #socket: Socket;
  readonly #reader = new MessageReader();
  readonly #control: ControlEndpoint;
  readonly #video: VideoEndpoint;

  /** @param fd our end of the socket, which this takes over */
  constructor(camera: CameraDescription, fd: number) {
    this.#camera = camera;
    this.#video = new VideoEndpoint(camera.payloadBytesMax, (submission, completion) =>
      this.#complete(submission, completion),
    );
    this.#control = new ControlEndpoint(camera, () => this.#video.stop());
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.on('data', (bytes) => {
      for (const message of this.#reader.push(bytes)) this.#answer(message);
    });
    // The host resets the connection when it unplugs the camera itself.
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => this.#video.stop());
  }

  get state(): CameraState {
    const { settings, controlValues } = this.#control;
    const { width, height } = chosenSize(this.#camera, settings);
    const { encoding } = chosenFormat(this.#camera, settings);
    return { encoding, width, height, rate: frameRate(settings.interval), controls: controlValues };
  }

  /** Frames that the host does not have in whole. */
  get waitingCount(): number {
    return this.#video.waitingCount;
  }

  async send(frame: CameraFrame): Promise<FrameEnd> {
    return await this.#video.send(frame);
  }

  /** Pulls the plug. */
  async unplug(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.destroy();
    await closed;
  }

  #answer(message: HostMessage): void {
    if (message.kind === 'unlink') {
      const status = this.#video.withdraw(message.submission) ? ECONNRESET : 0;
      this.#socket.write(withdrawalMessage(message.sequence, status));
    } else if (message.endpoint === CONTROL_ENDPOINT) {
      this.#complete(message, this.#control.answer(message));
    } else if (message.endpoint === VIDEO_ENDPOINT && message.isIn) {
      this.#video.submit(message);
    } else this.#complete(message, { status: EPIPE });
  }

  #complete(submission: Submission, completion: Completion): void {
    this.#socket.write(completionMessage(submission, completion));
  }
}
