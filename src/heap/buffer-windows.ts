import type { ByteLength } from '../base/quantities.ts';
import { reserveWindowMemory, keepAliveWith } from '../mapping/window-memory.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import type { BufferCore, WindowName } from './buffer-core.ts';

const WINDOW_NAMES: readonly WindowName[] = ['main', 'readOnly'];

/**
 * References the memory of a buffer's windows, which the buffer's core must not do. A mapped window
 * keeps its memory: opening it again gives the same addresses.
 */
export class BufferWindows {
  readonly #core: BufferCore;
  readonly #buffer: object;
  readonly #memories: Record<WindowName, WindowMemory | undefined> = { main: undefined, readOnly: undefined };

  /** @param buffer the user's object, which an array over a window keeps alive */
  constructor(core: BufferCore, buffer: object) {
    this.#core = core;
    this.#buffer = buffer;
  }

  /** The memory of a window, mapped, with one more user. */
  open(name: WindowName, populate: boolean): WindowMemory {
    const memory = this.#memories[name] ?? this.#reserve();
    this.#core.addWindowUser(name, memory, populate);
    if (this.#memories[name] === undefined) {
      this.#memories[name] = memory;
      keepAliveWith(memory.shared, this.#buffer);
    }
    return memory;
  }

  /**
   * The main window's memory, which the buffer's core keeps alive while other threads use it.
   * Passed at each call: a WeakRef in the core would keep it from the collector until the end of
   * the job (ECMA-262, AddToKeptObjects), and a loop that never yields would run out of memory.
   */
  get main(): WindowMemory | undefined {
    return this.#memories.main;
  }

  /** Drops the memory of windows that are not mapped. */
  forgetUnmapped(): void {
    for (const name of WINDOW_NAMES) if (!this.#core.isMapped(name)) this.#memories[name] = undefined;
  }

  #reserve(): WindowMemory {
    const length: ByteLength = this.#core.memory.length;
    return reserveWindowMemory(length, this.#core.memory.source.pageSize);
  }
}
