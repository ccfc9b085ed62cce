import { inspect } from 'node:util';

import { wrongType } from '../base/argument-error.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import type { FlipEvent } from '../linux/calls/drm-commit-calls.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { chooseMode } from './choose-screen.ts';
import type { ModeRequest } from './choose-screen.ts';
import type { DisplayClock, DisplayConnector, DisplayPlane } from './display-card.ts';
import type { DisplayMode } from './display-mode.ts';
import { checkFormat, whyNotShown, withMeaning } from './display-refusals.ts';
import { readModeRequest } from './display-options.ts';
import { readDumbFrame } from './dumb-frame.ts';
import type { DumbFrameOptions } from './dumb-frame.ts';
import { Flips } from './flips.ts';
import { Framebuffer } from './framebuffer.ts';
import { Framebuffers } from './framebuffers.ts';
import type { Screen, ScreenParts } from './screen.ts';
import { SHOW, readShowOptions } from './show-options.ts';
import type { ShowOptions } from './show-options.ts';

/** What the kernel reported of a flip. */
export interface Flip {
  /** When the picture came on the screen, in nanoseconds of `clock`; exact to a microsecond. */
  readonly timestamp: bigint;
  /** `monotonic` is the clock of `process.hrtime.bigint()`. */
  readonly clock: DisplayClock;
  /**
   * Which picture of the screen's it was, modulo 2^32. Undefined where the driver does not count:
   * it says 0.
   */
  readonly sequence: number | undefined;
}

/** What a display is made of. Takes all of it over. */
interface DisplayParts extends ScreenParts {
  readonly screen: Screen;
  readonly framebuffers: Framebuffers;
  readonly mode: DisplayMode;
}

const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MICROSECOND = 1000n;
const SET_MODE = 'set the mode';

/**
 * A screen that this program drives: what `openDisplay` gives. Nothing is shown before the first
 * {@link show}. Close it when done: the kernel puts its console back then, and also when the
 * process ends, however it does (drivers/gpu/drm/drm_file.c, drm_release).
 */
export class Display {
  readonly #parts: DisplayParts;
  readonly #flips: Flips;
  #mode: DisplayMode;
  /** What the screen was set to; undefined while it is not set to anything of ours. */
  #modeSet: DisplayMode | undefined;
  /** On the primary plane. */
  #shown: Framebuffer | undefined;
  #closed = false;

  /** @internal */
  constructor(parts: DisplayParts) {
    this.#parts = parts;
    this.#mode = parts.mode;
    this.#flips = new Flips(parts.calls, parts.fd);
  }

  /** Such as `/dev/dri/card0`. */
  get path(): string {
    return this.#parts.reading.card.path;
  }

  /** The kernel's driver of the card. */
  get driver(): string {
    return this.#parts.reading.card.driver;
  }

  /** Where the screen is plugged in, and its modes. */
  get connector(): DisplayConnector {
    return this.#parts.connector;
  }

  /** What the next {@link show} drives the screen at. */
  get mode(): DisplayMode {
    return this.#mode;
  }

  /** The planes that can be part of its picture, the primary one first. */
  get planes(): readonly DisplayPlane[] {
    const { primary, crtcId, reading } = this.#parts;
    const others = reading.card.planes.filter(({ id, crtcIds }) => id !== primary.id && crtcIds.includes(crtcId));
    return [primary, ...others];
  }

  /** How the kernel is asked: `legacy` knows no fences and no planes but the primary one. */
  get api(): 'atomic' | 'legacy' {
    return this.#parts.screen.api;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Makes a picture in dma-bufs one that can be shown, without a copy: PRIME_FD_TO_HANDLE and
   * ADDFB2. The same picture again gives the same framebuffer, so that it may be imported for every
   * frame of a camera.
   *
   * @throws {TypeError} for what is no `FrameLayout`
   * @throws {DmaBufError} `EINVAL` for a format that no plane takes, with those that they do;
   *   `EOPNOTSUPP` for a buffer that is no dma-buf; with the driver's code where it refuses buffers
   *   of others: bochs, qxl, virtio-gpu, many small displays. {@link allocate} helps there
   */
  import(frame: FrameLayout): Framebuffer {
    const checked = Framebuffers.checkFrame(frame);
    this.#checkOpen('import the frame to');
    return this.#parts.framebuffers.import(checked, this.planes);
  }

  /**
   * A picture in a buffer that the card's driver allocates and exports (CREATE_DUMB,
   * PRIME_HANDLE_TO_FD): cameras and decoders can write to it, and the CPU. It closes with its
   * framebuffer.
   *
   * @throws {TypeError | RangeError} for an option that is none
   * @throws {DmaBufError} `EINVAL` for a format that no plane takes, or of which the driver makes
   *   no buffers; `ENOMEM` where its memory is full
   */
  allocate(options: DumbFrameOptions): Framebuffer {
    const wanted = readDumbFrame(options);
    this.#checkOpen('allocate for');
    return this.#parts.framebuffers.allocate(wanted, this.planes);
  }

  /**
   * Drives the screen otherwise from the next {@link show} on, which needs a picture of that size.
   *
   * @param mode a mode of `connector.modes`, or the size and the rate of one
   * @returns the mode that was found
   * @throws {TypeError | RangeError} for a size that the screen does not have
   */
  setMode(mode: ModeRequest): DisplayMode {
    const request = readModeRequest(mode, SET_MODE);
    this.#checkOpen('set the mode of');
    this.#mode = chooseMode(this.#parts.connector, request, SET_MODE);
    return this.#mode;
  }

  /**
   * Puts a picture on the screen, and waits until the kernel reports that it is there
   * (DRM_EVENT_FLIP_COMPLETE). The first time, and after {@link setMode}, the mode is set. Called
   * again meanwhile, it waits for its turn.
   *
   * @param framebuffer of this display
   * @returns when that was
   * @throws {TypeError | RangeError} for what is no framebuffer of this display, or no option
   * @throws {DmaBufError} `EINVAL`, `ERANGE`, `ENOSPC` where the plane cannot show it so; `EACCES`
   *   once another program has taken the screen over; `ENODEV` once it was unplugged;
   *   `EOPNOTSUPP` for what the legacy interface cannot do; `ERR_DMABUF_CLOSED` when the display or
   *   the framebuffer is closed meanwhile
   * @throws the abort reason when given up: what was already asked for is shown all the same
   */
  async show(framebuffer: Framebuffer, options: ShowOptions = {}): Promise<Flip> {
    const checked = this.#checkFramebuffer(framebuffer);
    const request = readShowOptions(options, checked.frame, this.#mode);
    const { plane, signal } = request;
    const mode = this.#mode;
    const event = await this.#flips.make((token) => {
      this.#checkOpen('show on');
      this.#checkShowable(checked);
      const target = this.#planeOf(plane);
      checkFormat(SHOW, checked.frame, [target]);
      const flip = {
        framebuffer: checked.id,
        plane: target,
        mode,
        setsMode: this.#modeSet !== mode,
        show: request,
        token,
      };
      withMeaning(SHOW, whyNotShown(checked.frame, mode), () => this.#parts.screen.flip(flip));
      this.#modeSet = mode;
      if (target === this.#parts.primary) this.#shown = checked;
    }, signal);
    return this.#flipOf(event);
  }

  /**
   * Gives the screen back: removes its framebuffers, and lets the kernel put its console there.
   * Waits for a flip that is under way, with its fence; `show()` rejects then. Idempotent.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#flips.end(closedError('wait for a flip of', this.path));
    const { calls, fd, framebuffers } = this.#parts;
    runAllSteps(
      [() => framebuffers.close(), () => calls.dropMaster(fd.borrow()), () => fd.close()],
      'Several parts of a display could not be closed',
    );
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    const { name, width, height } = { ...this.mode, name: this.connector.name };
    const state = this.closed ? 'closed' : 'open';
    return `Display { ${name} of ${this.path} (${this.driver}), ${width}x${height}, ${this.api}, ${state} }`;
  }

  #checkFramebuffer(framebuffer: unknown): Framebuffer {
    const argument = { action: SHOW, name: 'framebuffer' };
    if (!Framebuffer.isFramebuffer(framebuffer))
      throw wrongType(argument, { must: 'be a Framebuffer', received: framebuffer });
    if (this.#parts.framebuffers.has(framebuffer) || framebuffer.closed) return framebuffer;
    throw wrongType(argument, { must: 'be one of this display', received: framebuffer });
  }

  #checkShowable(framebuffer: Framebuffer): void {
    if (framebuffer.closed) throw new DmaBufError(`Cannot ${SHOW} after it was closed`, { code: 'ERR_DMABUF_CLOSED' });
    // The kernel has turned the screen off with it.
    if (this.#shown?.closed === true) this.#modeSet = undefined;
  }

  #planeOf(id: number | undefined): DisplayPlane {
    const { planes } = this;
    const found = id === undefined ? planes[0] : planes.find((plane) => plane.id === id);
    if (found !== undefined) return found;
    const ids = planes.map((plane) => plane.id);
    throw new DmaBufError(`Cannot ${SHOW} on plane ${id}: those of the screen are ${ids.join(', ')}`, {
      code: 'EINVAL',
      values: { plane: id ?? 0 },
    });
  }

  #flipOf({ seconds, microseconds, sequence }: FlipEvent): Flip {
    return Object.freeze({
      timestamp: BigInt(seconds) * NS_PER_SECOND + BigInt(microseconds) * NS_PER_MICROSECOND,
      clock: this.#parts.reading.card.capabilities.clock,
      sequence: sequence === 0 ? undefined : sequence,
    });
  }

  #checkOpen(action: string): void {
    if (this.#closed) throw closedError(action, this.path);
  }
}

function closedError(action: string, path: string): DmaBufError {
  return new DmaBufError(`Cannot ${action} the display of ${path} after it was closed`, {
    code: 'ERR_DMABUF_CLOSED',
  });
}
