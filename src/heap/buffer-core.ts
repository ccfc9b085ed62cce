import { assert } from '../base/assert.ts';
import { withCleanup } from '../base/cleanup.ts';
import type { BackendBuffer } from '../backend/contract.ts';
import type { FileMappings } from '../linux/process-mappings.ts';
import type { MemoryStretch } from '../linux/system-calls.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import { forgetSource, mapSource, populateSource, unmapSource } from '../mapping/window.ts';
import type { MappingContext } from '../mapping/window.ts';
import type { Reclaimer } from './reclaimer.ts';
import type { BufferHandle } from './shared-buffer.ts';
import { SharedControl } from './shared-control.ts';

/** What the buffers of one heap share. */
export interface BufferSurroundings {
  readonly mapping: MappingContext;
  readonly reclaimer: Reclaimer;
  /** The buffer's memory has gone back to the heap. */
  released(core: BufferCore): void;
  /** The buffer was collected without having been closed. */
  lost(core: BufferCore): void;
}

/**
 * The part of a buffer that outlives the object its user holds: who still needs the memory, and whether its window is mapped.
 *
 * It must not lead to the window's SharedArrayBuffer or to the user's object, or neither would ever be collected.
 */
export class BufferCore {
  readonly memory: BackendBuffer;
  /** How messages call the buffer. */
  label: string;
  /** Where it was allocated, if that was asked for. */
  readonly creation: string | undefined;
  readonly #surroundings: BufferSurroundings;
  #open = true;
  /** Importers and other mappings that need the memory. */
  #holderCount = 0;
  /** Where else than in the window the memory is mapped. */
  readonly #mappedElsewhere = new Set<MemoryStretch>();
  /** Views and access brackets that need the window. */
  #windowUserCount = 0;
  #mapped: MemoryStretch | undefined;
  #released = false;
  #control: SharedControl | undefined;
  #waiting = false;

  constructor(
    memory: BackendBuffer,
    surroundings: BufferSurroundings,
    identity: { label: string; creation: string | undefined },
  ) {
    this.memory = memory;
    this.label = identity.label;
    this.creation = identity.creation;
    this.#surroundings = surroundings;
  }

  get open(): boolean {
    return this.#open;
  }

  get windowUserCount(): number {
    return this.#windowUserCount;
  }

  get mapped(): boolean {
    return this.#mapped !== undefined;
  }

  get control(): SharedControl | undefined {
    return this.#control;
  }

  /** Maps the window unless it is mapped, and counts one user more. */
  addWindowUser(memory: WindowMemory, populate: boolean): void {
    const { mapping } = this.#surroundings;
    const isFirst = this.#mapped === undefined;
    if (isFirst) mapSource(mapping, this.memory.source, memory);
    this.#mapped ??= { address: memory.address, length: memory.length };
    this.#windowUserCount += 1;
    if (!populate) return;
    try {
      populateSource(mapping, this.memory.source, this.#mapped);
    } catch (error) {
      this.dropWindowUser(memory);
      throw error;
    }
  }

  dropWindowUser(memory: WindowMemory | undefined): void {
    assert(this.#windowUserCount > 0, 'A window user lets go once');
    this.#windowUserCount -= 1;
    this.#settleOr(memory, () => {
      this.#windowUserCount += 1;
    });
  }

  /** For a user that is gone either way: what the kernel does not unmap now is tried again later. */
  dropWindowUserNowOrLater(memory: WindowMemory | undefined): void {
    const tryRelease = (): boolean => {
      this.dropWindowUser(memory);
      return true;
    };
    this.#surroundings.reclaimer.tryNowOrLater({ keepAlive: memory, tryRelease });
  }

  addHolder(): void {
    this.#holderCount += 1;
  }

  dropHolder(memory: WindowMemory | undefined): void {
    assert(this.#holderCount > 0, 'A holder lets go once');
    this.#holderCount -= 1;
    this.#settleOr(memory, () => {
      this.#holderCount += 1;
    });
  }

  /** For a holder that is gone either way. */
  dropHolderNowOrLater(memory: WindowMemory | undefined): void {
    const tryRelease = (): boolean => {
      this.dropHolder(memory);
      return true;
    };
    this.#surroundings.reclaimer.tryNowOrLater({ keepAlive: memory, tryRelease });
  }

  /** Maps the memory over `target` as well. Until the returned function is called, that holds it. */
  mapElsewhere(target: MemoryStretch, populate: boolean): (window: WindowMemory | undefined) => void {
    const { mapping } = this.#surroundings;
    withCleanup((cleanup) => {
      mapSource(mapping, this.memory.source, target);
      cleanup.defer(() => unmapSource(mapping, this.memory.source, target));
      if (populate) populateSource(mapping, this.memory.source, target);
    });
    this.#mappedElsewhere.add(target);
    this.addHolder();
    return (window) => {
      // Unless that was done before, and what follows it failed.
      if (this.#mappedElsewhere.has(target)) unmapSource(mapping, this.memory.source, target);
      this.#mappedElsewhere.delete(target);
      this.dropHolder(window);
    };
  }

  /** The user lets go. The memory stays until the last holder does, as a dma-buf's does until its last reference is put. */
  close(memory: WindowMemory | undefined): void {
    this.#open = false;
    this.#settleOr(memory, () => {
      this.#open = true;
    });
  }

  /** Counts one holder more, in whichever thread opens the handle that is being made. The window must be mapped. */
  share(): Pick<BufferHandle, 'control' | 'ticket' | 'dmaBufFd'> {
    assert(this.#mapped !== undefined, 'What another thread opens is mapped');
    this.#control ??= new SharedControl();
    const ticket = this.#control.addHandle();
    return { control: this.#control.words, ticket, dmaBufFd: this.memory.dmaBuf?.fd };
  }

  /** The user's object was collected, and with it every view of this thread. */
  collect(): void {
    if (this.#released) return;
    if (this.#open) this.#surroundings.lost(this);
    this.#open = false;
    const tryRelease = (mappings: () => FileMappings): boolean => this.#releaseIfUnmappedByCollector(mappings);
    if (this.#stretches.length === 0) this.#release();
    else this.#surroundings.reclaimer.add({ tryRelease });
  }

  #settleOr(memory: WindowMemory | undefined, undo: () => void): void {
    try {
      this.#settle(memory);
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Unmaps what nobody needs mapped, then releases what nobody needs at all. */
  #settle(memory: WindowMemory | undefined): void {
    if (this.#windowUserCount === 0 && this.#mapped !== undefined) {
      if (this.#control === undefined || this.#control.retire()) this.#unmap(this.#mapped);
      else this.#waitForOtherThreads(memory);
    }
    if (!this.#open && this.#holderCount === 0 && this.#mapped === undefined && !this.#released) this.#release();
  }

  #unmap(mapped: MemoryStretch): void {
    unmapSource(this.#surroundings.mapping, this.memory.source, mapped);
    this.#mapped = undefined;
  }

  /** What the kernel does not take back now is tried again later: the user can do nothing about it. */
  #release(): void {
    this.#released = true;
    const tryRelease = (): boolean => {
      this.memory.release();
      this.#surroundings.released(this);
      return true;
    };
    this.#surroundings.reclaimer.tryNowOrLater({ tryRelease });
  }

  /** Holds on to the window's address range meanwhile: were it collected, somebody else's memory could come to lie there. */
  #waitForOtherThreads(memory: WindowMemory | undefined): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const tryRelease = (): boolean => {
      // Used again: its last user will see to it. Kept here until then, a window that is forgotten could not be collected.
      if (this.#windowUserCount === 0) {
        this.#control?.releaseEndedThreads();
        if (this.#control?.retire() === false) return false;
        this.#settle(memory);
      }
      this.#waiting = false;
      return true;
    };
    this.#surroundings.reclaimer.add({ keepAlive: memory, tryRelease });
  }

  /**
   * After a collection nothing here may touch the window's addresses: V8 unmaps them when the last thread has dropped the
   * SharedArrayBuffer, and somebody else may map there next. So the memory waits until the kernel no longer shows it mapped.
   */
  #releaseIfUnmappedByCollector(mappings: () => FileMappings): boolean {
    const stretches = this.#stretches;
    if (stretches.some((stretch) => mappings().hasFileWithin(stretch, this.memory.mappedInode))) return false;
    for (const _ of stretches) forgetSource(this.#surroundings.mapping, this.memory.source);
    this.#mapped = undefined;
    this.#mappedElsewhere.clear();
    this.#release();
    return true;
  }

  /** Wherever the memory is mapped. */
  get #stretches(): MemoryStretch[] {
    return [...this.#mappedElsewhere, ...(this.#mapped === undefined ? [] : [this.#mapped])];
  }
}
