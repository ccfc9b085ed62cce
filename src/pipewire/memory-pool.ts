import { importBuffer } from '../backend/fd-buffer/import-buffer.ts';
import { runAllSteps, withCleanup } from '../base/cleanup.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { BufferView } from '../heap/view.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import type { Machine } from '../linux/machine.ts';
import { protocolError } from './protocol-error.ts';

/** A file that PipeWire has shared, mapped until it is taken away. */
interface SharedMemory {
  readonly buffer: DmaBuf;
  readonly view: BufferView;
}

/** A part of a file. */
export interface SharedRegion extends SharedMemory {
  readonly offset: number;
  readonly size: number;
}

const WORD_BYTES = 4;
/** One for the records of each node, one for areas, one for buffers: a stream has a handful. */
const MEMORIES_MAX = 256;

/**
 * The files that PipeWire has shared, by its numbers. Each is sealed against shrinking, or refused:
 * its pages cannot be taken away.
 */
export class MemoryPool {
  readonly #memories = new Map<number, SharedMemory>();
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /**
   * Takes ownership of the descriptor.
   *
   * @throws {DmaBufError} as `importBuffer`; `EPROTO` for a number that is in use, or too many
   */
  add(id: number, fd: OwnedFd): void {
    try {
      if (this.#memories.has(id) || this.#memories.size >= MEMORIES_MAX)
        throw protocolError(`it shares memory ${id} beside ${this.#memories.size} others`);
      this.#memories.set(id, importAndMap(fd, this.#machine));
    } finally {
      fd.closeAside();
    }
  }

  remove(id: number): void {
    const memory = this.#memories.get(id);
    this.#memories.delete(id);
    if (memory !== undefined) closeMemory(memory);
  }

  /** @throws {DmaBufError} `EPROTO` for a memory that was not shared, or a part behind its end */
  region(id: number, offset: number, size: number): SharedRegion {
    const memory = this.#memories.get(id);
    if (memory === undefined) throw protocolError(`it names memory ${id}, which it has not shared`);
    const { length } = memory.buffer;
    if (offset + size > length)
      throw protocolError(`${size} bytes at ${offset} do not lie in memory ${id} of ${length}`);
    return { ...memory, offset, size };
  }

  close(): void {
    const memories = [...this.#memories.values()];
    this.#memories.clear();
    runAllSteps(
      memories.map((memory) => () => closeMemory(memory)),
      'The memory of PipeWire could not be closed',
    );
  }
}

/**
 * The region, for atomic access. Reads zeros once the memory is taken away.
 *
 * @throws {DmaBufError} `EPROTO` for a region that is not aligned
 */
export function wordsOf({ view, offset, size }: SharedRegion): Int32Array {
  if (offset % WORD_BYTES !== 0 || size % WORD_BYTES !== 0)
    throw protocolError(`${size} bytes at ${offset} are not aligned`);
  return view.as(Int32Array, offset, size);
}

function importAndMap(fd: OwnedFd, machine: Machine): SharedMemory {
  const buffer = importBuffer(fd, {}, machine);
  return withCleanup((cleanup) => {
    cleanup.defer(() => buffer.close());
    return { buffer, view: buffer.vmap() };
  });
}

function closeMemory({ buffer, view }: SharedMemory): void {
  runAllSteps([() => view.close(), () => buffer.close()], 'A memory of PipeWire could not be closed');
}
