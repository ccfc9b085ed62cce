import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { SOFTWARE_CAMERA } from './camera-description.ts';
import type { CameraDescription } from './camera-description.ts';
import type { CameraState } from './camera-device.ts';
import type { CameraAnswer, CameraCommand, CameraCommands } from './camera-process.ts';
import type { CameraFrame } from './frame-payloads.ts';
import type { FrameEnd } from './video-endpoint.ts';

const PROCESS_PATH = fileURLToPath(new URL('camera-process.js', import.meta.url));
const VIDEO_FOLDER = '/sys/class/video4linux';
const NODE_CHECK_MS = 10;

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A camera of the USB Video Class without hardware: the kernel's own `uvcvideo` drives it, through
 * the virtual USB host of `vhci-hcd` (the kernel's Documentation/usb/usbip_protocol.rst). It has a
 * process of its own, so that a test may block in a system call on it.
 *
 * @example
 * ```ts
 * const camera = new SoftwareUvcCamera();
 * const path = await camera.plug();
 * await camera.send({ bytes: jpeg });
 * await camera.close();
 * ```
 */
export class SoftwareUvcCamera {
  readonly #camera: CameraDescription;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #commandCount = 0;

  constructor(camera: CameraDescription = SOFTWARE_CAMERA) {
    this.#camera = camera;
    this.#child = fork(PROCESS_PATH, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
    this.#child.on('message', (answer: CameraAnswer) => this.#settle(answer));
    this.#child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("The camera's process has ended"));
    });
  }

  /** The camera's process. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Plugs the camera in, and waits for the driver to make its video node: gives its path. */
  async plug(): Promise<string> {
    await this.#command('plug', this.#camera);
    for (;;) {
      const name = captureNode(this.#camera.product);
      if (name !== undefined) return `/dev/${name}`;
      await setTimeout(NODE_CHECK_MS);
    }
  }

  /** Pulls the plug, whatever the host is at, and waits for the node to be gone. */
  async unplug(): Promise<void> {
    await this.#command('unplug');
    while (captureNode(this.#camera.product) !== undefined) await setTimeout(NODE_CHECK_MS);
  }

  /**
   * Sends one frame, as soon as the host streams and has room for it. Several may be under way:
   * they go in this order.
   */
  async send(frame: CameraFrame): Promise<FrameEnd> {
    return await this.#command('send', frame);
  }

  /**
   * Sends these frames again and again, at the rate that the host chose, until the next `repeat` or
   * until the camera is unplugged. No frames end it.
   */
  async repeat(frames: readonly CameraFrame[]): Promise<void> {
    await this.#command('repeat', frames);
  }

  /** What the host has chosen and set. */
  async state(): Promise<CameraState> {
    return await this.#command('state');
  }

  /** Ends the camera's process, which unplugs the camera. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
    while (captureNode(this.#camera.product) !== undefined) await setTimeout(NODE_CHECK_MS);
  }

  async #command<Name extends keyof CameraCommands>(
    name: Name,
    ...[argument]: Parameters<CameraCommands[Name]>
  ): Promise<ReturnType<CameraCommands[Name]>> {
    this.#commandCount += 1;
    const command: CameraCommand = { id: this.#commandCount, name, argument };
    return await new Promise((resolve, reject) => {
      this.#waiting.set(command.id, { resolve, reject });
      this.#child.send(command);
    });
  }

  #settle({ id, result, failure }: CameraAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure === undefined) waiting?.resolve(result as never);
    else waiting?.reject(new Error(failure));
  }
}

/**
 * The node for pictures of the camera with this name: the driver makes one for metadata as well,
 * with the same name and the index 1.
 */
function captureNode(product: string): string | undefined {
  return entriesOf(VIDEO_FOLDER).find(
    (name) => readAttribute(name, 'name') === product && readAttribute(name, 'index') === '0',
  );
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Empty for what has just gone. */
function readAttribute(node: string, attribute: string): string {
  try {
    return readFileSync(`${VIDEO_FOLDER}/${node}/${attribute}`, 'utf8').trim();
  } catch {
    return '';
  }
}
