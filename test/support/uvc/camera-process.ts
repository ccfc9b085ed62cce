/**
 * The process of {@link SoftwareUvcCamera}: does what it is sent, and answers. It ends with the
 * process that forked it, and the camera is unplugged then.
 */

import { setTimeout } from 'node:timers/promises';

import { CameraDevice } from './camera-device.ts';
import type { CameraState } from './camera-device.ts';
import type { CameraDescription } from './camera-description.ts';
import type { CameraFrame } from './frame-payloads.ts';
import { isFree, plugIn } from './usb-port.ts';
import type { FrameEnd } from './video-endpoint.ts';

/** What can be asked for, and what it is answered with. */
export interface CameraCommands {
  plug(camera: CameraDescription): number;
  /** Answered when the kernel has given the port back. */
  unplug(): void;
  send(frame: CameraFrame): FrameEnd;
  /** Sends these again and again, at the rate that the host chose, until told otherwise. */
  repeat(frames: readonly CameraFrame[]): void;
  state(): CameraState;
}

export interface CameraCommand {
  readonly id: number;
  readonly name: keyof CameraCommands;
  readonly argument?: unknown;
}

export interface CameraAnswer {
  readonly id: number;
  readonly result?: unknown;
  /** Why it could not be done. */
  readonly failure?: string;
}

const PORT_CHECK_MS = 5;
const MS_A_SECOND = 1000;

class CameraProcess {
  #device: CameraDevice | undefined;
  #port = 0;
  #repeating: AbortController | undefined;

  readonly #commands: {
    readonly [Name in keyof CameraCommands]: (
      ...values: Parameters<CameraCommands[Name]>
    ) => ReturnType<CameraCommands[Name]> | Promise<ReturnType<CameraCommands[Name]>>;
  } = {
    plug: (camera) => {
      const { fd, port } = plugIn();
      this.#device = new CameraDevice(camera, fd);
      this.#port = port;
      return port;
    },
    unplug: async () => {
      this.#repeating?.abort();
      await this.#device?.unplug();
      this.#device = undefined;
      while (!isFree(this.#port)) await setTimeout(PORT_CHECK_MS);
    },
    send: async (frame) => await this.#plugged().send(frame),
    repeat: (frames) => {
      this.#repeating?.abort();
      this.#repeating = new AbortController();
      void repeatFrames(this.#plugged(), frames, this.#repeating.signal);
    },
    state: () => this.#plugged().state,
  };

  async run({ id, name, argument }: CameraCommand): Promise<CameraAnswer> {
    try {
      const command = this.#commands[name] as (argument: unknown) => unknown;
      return { id, result: await command(argument) };
    } catch (error) {
      return { id, failure: String(error) };
    }
  }

  #plugged(): CameraDevice {
    if (this.#device === undefined) throw new Error('The camera is not plugged in');
    return this.#device;
  }
}

/**
 * One frame at each of the moments that the rate gives. A moment at which the host has not taken
 * the frame before is let pass, as a camera without memory does.
 */
async function repeatFrames(device: CameraDevice, frames: readonly CameraFrame[], signal: AbortSignal): Promise<void> {
  let due = performance.now();
  for (let count = 0; !signal.aborted;) {
    const frame = frames[count % frames.length];
    if (frame !== undefined && device.waitingCount === 0) {
      void device.send(frame);
      count += 1;
    }
    due = Math.max(due + MS_A_SECOND / device.state.rate, performance.now());
    await setTimeout(due - performance.now());
  }
}

const camera = new CameraProcess();
process.on('message', (command: CameraCommand) => {
  void camera.run(command).then((answer) => process.send?.(answer));
});
process.once('disconnect', () => process.exit());
