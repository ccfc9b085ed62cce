import { inspect } from 'node:util';

import { labelOf } from '../picture/frame-description.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';

/** What a framebuffer is made of. */
interface FramebufferParts {
  readonly id: number;
  readonly frame: FrameLayout;
  readonly allocated: boolean;
  /** Gives everything back. Called once. */
  readonly remove: () => void;
}

/**
 * A picture that a display can show: what `display.import()` and `display.allocate()` give. It
 * keeps the memory of its buffers until it is closed, or its display.
 */
export class Framebuffer {
  /** The kernel's number of it: `modetest -p` lists it on the plane that shows it. */
  readonly id: number;
  /** The picture, in its buffers. */
  readonly frame: FrameLayout;
  /**
   * Whether the display allocated its buffer, `frame.buffers[0]`, which closes with it. Others stay
   * whose they are.
   */
  readonly allocated: boolean;
  readonly #remove: () => void;
  #closed = false;

  /** @internal */
  constructor({ id, frame, allocated, remove }: FramebufferParts) {
    this.id = id;
    this.frame = frame;
    this.allocated = allocated;
    this.#remove = remove;
  }

  /** Whether a value is one, whatever its class says. @internal */
  static isFramebuffer(value: unknown): value is Framebuffer {
    return typeof value === 'object' && value !== null && #closed in value;
  }

  /** Whether it was closed, or its display. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Removes it (drivers/gpu/drm/drm_framebuffer.c, drm_mode_rmfb). A screen that shows it goes
   * dark: show another one before. Idempotent.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#remove();
  }

  /** For `using`: closes. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` shows. @internal */
  [inspect.custom](): string {
    return `Framebuffer { ${labelOf(this.frame)}, number ${this.id}, ${this.closed ? 'closed' : 'open'} }`;
  }
}
