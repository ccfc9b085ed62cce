import { fileKeyOf } from '../backend/fd-buffer/identify-fd.ts';
import { importBuffer } from '../backend/fd-buffer/import-buffer.ts';
import { runAllSteps } from '../base/cleanup.ts';
import { isDmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { BufferView } from '../heap/view.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';
import type { Machine } from '../linux/machine.ts';

/** A buffer that is imported once, however often its file comes. */
interface Import {
  /** Of its file; undefined for what the import refuses. */
  readonly key: string | undefined;
  readonly buffer: DmaBuf;
  /** Keeps its window mapped; undefined where no CPU may map it. */
  readonly view: BufferView | undefined;
  useCount: number;
}

/** Lent, until it is given back. */
export interface LentBuffer {
  readonly buffer: DmaBuf;
  giveBack(): void;
}

/**
 * The files of a pipeline, which come again and again under new descriptors: their windows stay
 * mapped between frames. A kept import keeps its file open, so no other file has its inode
 * meanwhile. A pipeline may make files without end, so those that were not used for the longest
 * time are closed.
 */
export class FrameImports {
  /** By inode, the one that was used last at the end. */
  readonly #kept = new Map<string | undefined, Import>();
  readonly #countMax: number;
  readonly #machine: Machine;
  readonly #memory: MemoryCalls;

  constructor(machine: Machine, countMax: number) {
    this.#countMax = countMax;
    this.#machine = machine;
    this.#memory = new MemoryCalls(machine.raw);
  }

  /**
   * Imports a file for reading, and closes the descriptor.
   *
   * @throws {DmaBufError} as `importBuffer` refuses it
   */
  take(fd: OwnedFd): LentBuffer {
    const found = this.#importOnce(fd);
    found.useCount += 1;
    let isLent = true;
    const giveBack = (): void => {
      if (!isLent) return;
      isLent = false;
      found.useCount -= 1;
      this.#closeUnlessKept(found);
    };
    return { buffer: found.buffer, giveBack };
  }

  /** Closes what nobody has, and the rest as it is given back. */
  close(): void {
    const all = [...this.#kept.values()];
    this.#kept.clear();
    runAllSteps(
      all.map((each) => () => this.#closeUnlessKept(each)),
      'The buffers of the pipeline could not be closed',
    );
  }

  #importOnce(fd: OwnedFd): Import {
    const key = this.#keyOf(fd);
    const known = this.#takeOpen(key);
    const found = known ?? { key, ...importAndClose(this.#machine, fd), useCount: 0 };
    // The same file is open already: this close blocks on nothing.
    if (known !== undefined) fd.close();
    this.#kept.set(key, found);
    this.#closeOldest();
    return found;
  }

  /** Unless its user has closed the buffer itself. */
  #takeOpen(key: string | undefined): Import | undefined {
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    if (known?.buffer.closed !== true) return known;
    this.#closeUnlessKept(known);
    return undefined;
  }

  #keyOf(fd: OwnedFd): string | undefined {
    try {
      return fileKeyOf(this.#memory, fd.borrow());
    } catch (error) {
      fd.closeAside();
      throw error;
    }
  }

  #closeOldest(): void {
    for (const oldest of this.#kept.values()) {
      if (this.#kept.size <= this.#countMax) return;
      this.#kept.delete(oldest.key);
      this.#closeUnlessKept(oldest);
    }
  }

  #closeUnlessKept(each: Import): void {
    if (each.useCount === 0 && this.#kept.get(each.key) !== each) closeImport(each);
  }
}

/** A file that is refused is not known, and its close may block. */
function importAndClose(machine: Machine, fd: OwnedFd): Pick<Import, 'buffer' | 'view'> {
  try {
    const buffer = importBuffer(fd, { mode: 'read' }, machine);
    // It is a memfd or a dma-buf, and open a second time: this close blocks on nothing.
    fd.close();
    return { buffer, view: mapIfAllowed(buffer) };
  } catch (error) {
    fd.closeAside();
    throw error;
  }
}

/** Takes addresses only: pages are mapped as they are read. */
function mapIfAllowed(buffer: DmaBuf): BufferView | undefined {
  try {
    return buffer.vmap();
  } catch (error) {
    if (isDmaBufError(error)) return undefined;
    throw error;
  }
}

function closeImport({ buffer, view }: Import): void {
  runAllSteps([() => view?.close(), () => buffer.close()], 'A buffer of the pipeline could not be closed');
}
