import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
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

  /** Plugs the camera in, and waits for a video node that can be opened: gives its path. */
  async plug(): Promise<string> {
    await this.#command('plug', this.#camera);
    for (;;) {
      const path = openableNode(this.#camera.product);
      if (path !== undefined) return path;
      await setTimeout(NODE_CHECK_MS);
    }
  }

  /** Pulls the plug, whatever the host is at, and waits for the nodes to be gone. */
  async unplug(): Promise<void> {
    await this.#command('unplug');
    await this.#untilGone();
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
    await this.#untilGone();
  }

  async #untilGone(): Promise<void> {
    while (nodesOf(this.#camera.product).length > 0) await setTimeout(NODE_CHECK_MS);
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

function nodesOf(product: string): string[] {
  return entriesOf(VIDEO_FOLDER).filter((name) => readAttribute(name, 'name') === product);
}

/**
 * The path of the node for pictures of the camera with this name, once it can be opened: the driver
 * makes one for metadata as well, with the same name and the index 1. The kernel shows a node in
 * /sys before it has it in /dev (drivers/base/core.c, device_add), and there before it can be
 * opened (drivers/media/v4l2-core/v4l2-dev.c, __video_register_device).
 */
function openableNode(product: string): string | undefined {
  const name = nodesOf(product).find((each) => readAttribute(each, 'index') === '0');
  if (name === undefined) return undefined;
  try {
    closeSync(openSync(`/dev/${name}`, 'r+'));
    return `/dev/${name}`;
  } catch {
    return undefined;
  }
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
