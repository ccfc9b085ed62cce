import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';

import { outOfRange, wrongType } from '../base/argument-error.ts';
import { checkInteger, optionName, readOptions } from '../base/check.ts';
import { isDmaBufError } from '../base/errors.ts';
import type { Rectangle } from '../base/rectangle.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { CompositorBuffer, CompositorBuffers } from './compositor-buffers.ts';
import type { ProtocolObject } from './protocol-object.ts';
import type { Interfaces } from './protocol/interfaces.ts';
import type { WaylandConnection } from './wayland-connection.ts';
import { listenToInput } from './window-input.ts';
import { WindowScale } from './window-scale.ts';
import type { KeyEvent, PointerEvent } from './window-input.ts';

/** How large the compositor wants the window, in its own units. */
export interface WindowSize {
  /** At least 1. */
  readonly width: number;
  /** At least 1. */
  readonly height: number;
}

/** What a window emits. */
export interface WindowEvents {
  /** The compositor wants it to have another size. */
  resize: [WindowSize];
  /** The compositor wants another number of pixels for one of its units. */
  scale: [number];
  /** The user wants it closed. */
  closing: [];
  /** A key went down or up. */
  key: [KeyEvent];
  /** The pointer did something over the window. */
  pointer: [PointerEvent];
  /** The compositor is gone, or has refused something: the window is closed. */
  end: [Error];
}

/** Options of {@link Window.show}. */
export interface ShowOptions {
  /** What has changed since the picture before, in its pixels. Default: all. */
  readonly damage?: Rectangle | undefined;
  /**
   * How many of its pixels, in each direction, are one of the compositor's units: from 1, of which
   * its width and height are multiples. Pictures of the window's {@link Window.size} times its
   * {@link Window.scale}, shown with that scale, are as sharp as the screen. Default: 1.
   */
  readonly scale?: number | undefined;
}

/** A picture that was given to the compositor. */
export interface ShownPicture {
  /** Resolves when it is time for the next picture. */
  readonly drawn: Promise<void>;
  /** Resolves when its memory may be written again: as a rule once another picture is shown. */
  readonly released: Promise<void>;
}

/** What a window is made of. */
interface WindowSetup {
  readonly connection: WaylandConnection;
  readonly buffers: CompositorBuffers;
  readonly surface: ProtocolObject<Interfaces['wl_surface']>;
  readonly xdgSurface: ProtocolObject<Interfaces['xdg_surface']>;
  readonly toplevel: ProtocolObject<Interfaces['xdg_toplevel']>;
  readonly size: WindowSize;
}

const ACTION = 'show the picture';
/** Kept for pictures that come again. */
const BUFFERS_MAX = 64;
const SCALE_MAX = 64;

/**
 * A window of a Wayland compositor, which shows pictures where they lie. Emits `resize`, `scale`,
 * `closing`, `key` and `pointer`. It keeps the program alive until it is closed.
 */
export class Window extends EventEmitter<WindowEvents> {
  readonly #setup: WindowSetup;
  /** By memory and layout, the one that was used last at the end. */
  readonly #made = new Map<string, CompositorBuffer>();
  readonly #releases = new Map<CompositorBuffer, (() => void)[]>();
  readonly #scale: WindowScale;
  /** Of the picture that was shown last. */
  #shownScale = 1;
  #size: WindowSize;
  #resolveConfigured: () => void = () => {};
  /** Resolves once the compositor has said how the window is: before, nothing may be shown. */
  readonly #configured = new Promise<void>((resolve) => {
    this.#resolveConfigured = resolve;
  });

  /** @internal */
  constructor(setup: WindowSetup) {
    super();
    this.#setup = setup;
    this.#size = setup.size;
    const { connection, xdgSurface, toplevel } = setup;
    this.#scale = new WindowScale(connection, setup.surface, (scale) => this.emit('scale', scale));
    let wanted = setup.size;
    toplevel.listen({
      // Zero leaves it to the window.
      configure: (width, height) => {
        wanted = { width: width === 0 ? wanted.width : width, height: height === 0 ? wanted.height : height };
      },
      close: () => this.emit('closing'),
    });
    xdgSurface.listen({
      configure: (serial) => {
        xdgSurface.request('ack_configure', serial);
        this.#resolveConfigured();
        if (wanted.width === this.#size.width && wanted.height === this.#size.height) return;
        this.#size = wanted;
        this.emit('resize', wanted);
      },
    });
    listenToInput(connection, {
      key: (event) => this.emit('key', event),
      pointer: (event) => this.emit('pointer', event),
    });
    connection.onEnd((error) => {
      this.#releaseAll();
      if (!isDmaBufError(error, 'ERR_DMABUF_CLOSED')) this.emit('end', error as Error);
    });
  }

  /** @internal */
  async whenConfigured(signal: AbortSignal | undefined): Promise<void> {
    await this.#setup.connection.until<void>((resolve) => void this.#configured.then(resolve), signal);
  }

  /** What the compositor wants it to be: pictures of this size fill it. */
  get size(): WindowSize {
    return this.#size;
  }

  /** How many pixels the compositor wants for one of its units, in each direction: 1 or more. */
  get scale(): number {
    return this.#scale.scale;
  }

  /** Whether it was closed, or its compositor is gone. */
  get closed(): boolean {
    return this.#setup.connection.closed;
  }

  /**
   * Shows a picture, whose memory the compositor reads: it is not to be written before `released`.
   *
   * @throws {TypeError} for another value
   * @throws {RangeError} for a scale of which the picture's size is no multiple
   * @throws {DmaBufError} `EOPNOTSUPP` for a format or memory that the compositor does not take, or
   *   a buffer that cannot be shared; `EPROTO` with the compositor's word for what it refuses;
   *   `ECONNRESET` when it is gone; `ERR_DMABUF_CLOSED` after `close()`
   */
  async show(layout: FrameLayout, options: ShowOptions = {}): Promise<ShownPicture> {
    const { damage, scale = 1 } = readOptions(options, ACTION, ['damage', 'scale']);
    if (!FrameLayout.isLayout(layout))
      throw wrongType({ action: ACTION, name: 'layout' }, { must: 'be a FrameLayout', received: layout });
    checkScale(scale, layout);
    const buffer = await this.#bufferOf(layout);
    const { connection, surface } = this.#setup;
    const { x, y, width, height } = damage ?? { x: 0, y: 0, width: layout.width, height: layout.height };
    if (scale !== this.#shownScale) surface.request('set_buffer_scale', scale);
    this.#shownScale = scale;
    surface.request('attach', buffer, 0, 0);
    surface.request('damage_buffer', x, y, width, height);
    const drawn = connection.until<void>((resolve) => surface.request('frame').listen({ done: () => resolve() }));
    // Whoever does not wait for it hears of the end by the next call.
    drawn.catch(() => {});
    const released = new Promise<void>((resolve) => {
      this.#releases.set(buffer, [...(this.#releases.get(buffer) ?? []), resolve]);
    });
    surface.request('commit');
    return { drawn, released };
  }

  /** Closes the window, and the connection. Every picture is released. Idempotent. */
  close(): void {
    this.#setup.connection.close();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `Window { ${this.#size.width}x${this.#size.height}, ${this.closed ? 'closed' : 'open'} }`;
  }

  /** The compositor keeps the file of a buffer, so its inode is no other file's meanwhile. */
  async #bufferOf(layout: FrameLayout): Promise<CompositorBuffer> {
    const { width, height, fourcc, planes } = layout;
    const places = planes.map(({ buffer, offset, stride }) => `${buffer.exporter} ${buffer.inode} ${offset} ${stride}`);
    const key = [width, height, fourcc, ...places].join(' ');
    const buffer = this.#made.get(key) ?? (await this.#setup.buffers.make(layout));
    buffer.listen({ release: () => this.#release(buffer) });
    this.#made.delete(key);
    this.#made.set(key, buffer);
    this.#destroyOldest();
    return buffer;
  }

  /** Those that nobody waits for. */
  #destroyOldest(): void {
    for (const [key, buffer] of this.#made) {
      if (this.#made.size <= BUFFERS_MAX) return;
      if (this.#releases.has(buffer)) continue;
      this.#made.delete(key);
      buffer.request('destroy');
    }
  }

  #release(buffer: CompositorBuffer): void {
    const waiting = this.#releases.get(buffer) ?? [];
    this.#releases.delete(buffer);
    for (const resolve of waiting) resolve();
  }

  #releaseAll(): void {
    for (const buffer of this.#releases.keys()) this.#release(buffer);
  }
}

/** The compositor would end the connection for it (wl_surface.invalid_size). */
function checkScale(scale: unknown, { width, height }: FrameLayout): void {
  const argument = { action: ACTION, name: optionName('scale') };
  const checked = checkInteger(scale, { ...argument, min: 1, max: SCALE_MAX });
  if (width % checked === 0 && height % checked === 0) return;
  const must = `divide the picture's size of ${width} by ${height}`;
  throw outOfRange(argument, { must, received: checked });
}
