import type { AnyObject, ProtocolObject } from './protocol-object.ts';
import type { Interfaces } from './protocol/interfaces.ts';
import type { WaylandConnection } from './wayland-connection.ts';

/** Surfaces are told what is wanted from this version on; before, screens say what they have. */
const PREFERRED_SINCE = 6;
const OUTPUT_VERSION = 4;

/**
 * How many pixels the compositor wants for one of its units: what it says, or the largest scale of
 * the screens that the window is on (The Wayland Protocol, wl_surface.enter).
 */
export class WindowScale {
  #scale = 1;
  readonly #scales = new Map<AnyObject, number>();
  readonly #entered = new Set<AnyObject>();
  readonly #onChange: (scale: number) => void;

  constructor(
    connection: WaylandConnection,
    surface: ProtocolObject<Interfaces['wl_surface']>,
    onChange: (scale: number) => void,
  ) {
    this.#onChange = onChange;
    if (surface.version >= PREFERRED_SINCE) {
      surface.listen({ preferred_buffer_scale: (scale) => this.#set(scale) });
      return;
    }
    for (const global of connection.globals.filter(({ name }) => name === 'wl_output')) {
      const output = connection.bind(global, 'wl_output', OUTPUT_VERSION);
      output.listen({ scale: (scale) => this.#addScale(output, scale) });
    }
    surface.listen({ enter: (output) => this.#enter(output), leave: (output) => this.#leave(output) });
  }

  get scale(): number {
    return this.#scale;
  }

  #addScale(output: AnyObject, scale: number): void {
    this.#scales.set(output, scale);
    this.#setLargest();
  }

  #enter(output: AnyObject | undefined): void {
    if (output !== undefined) this.#entered.add(output);
    this.#setLargest();
  }

  #leave(output: AnyObject | undefined): void {
    if (output !== undefined) this.#entered.delete(output);
    this.#setLargest();
  }

  /** On no screen, as while it is hidden, it stays as it was. */
  #setLargest(): void {
    const scales = [...this.#entered].map((output) => this.#scales.get(output) ?? 1);
    if (scales.length > 0) this.#set(Math.max(...scales));
  }

  /** A scale below 1 is none. */
  #set(scale: number): void {
    if (scale < 1 || scale === this.#scale) return;
    this.#scale = scale;
    this.#onChange(scale);
  }
}
