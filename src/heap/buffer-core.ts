import { assert } from '../base/assert.ts';
import { withCleanup } from '../base/cleanup.ts';
import { roundUp, toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { BackendBuffer } from './backend.ts';
import type { FileMappings } from '../linux/proc/process-mappings.ts';
import type { StorePolicy } from '../linux/calls/memory-calls.ts';
import type { MemorySource } from '../mapping/memory-source.ts';
import { partOfSource } from '../mapping/source-part.ts';
import { mappedRange, readEveryPage } from '../mapping/window-memory.ts';
import type { WindowMemory, WindowRange } from '../mapping/window-memory.ts';
import { forgetSource, mapSource, populateSource, unmapSource } from '../mapping/window.ts';
import type { MappingContext } from '../mapping/window.ts';
import type { Reclaimer } from './reclaimer.ts';
import type { HandleContents } from './buffer-handle.ts';
import { SharedControl } from './shared-control.ts';

/** The callbacks that the buffers of one heap share. */
export interface BufferContext {
  readonly mapping: MappingContext;
  readonly reclaimer: Reclaimer;
  /** Called when the buffer's memory has gone back to the heap. */
  released(core: BufferCore): void;
  /** Called when the buffer was collected without having been closed. */
  lost(core: BufferCore): void;
}

/**
 * The windows that a buffer may have. `main`: the one for accesses and other threads; read-only
 * where the buffer is. `readOnly`: the read-only one of a writable buffer. Only this thread has
 * that.
 */
export type WindowName = 'main' | 'readOnly';

/** How memory is mapped outside its windows. */
interface ElsewhereOptions {
  /** Whole pages of it. Default: all. */
  readonly part?: { readonly offset: number; readonly length: ByteLength } | undefined;
  /** Default: as the buffer is. */
  readonly readOnly?: boolean;
  readonly populate: boolean;
  /** Faults the pages in now. Throws where the kernel cannot. */
  populatePlainly(label: string): void;
}

/** What is mapped outside the windows, and how. */
interface MappedElsewhere {
  readonly source: MemorySource;
  readonly stores: StorePolicy;
}

/** A window, and its users. */
interface WindowUse {
  readonly stores: StorePolicy;
  /** The number of views and access brackets that need it. */
  userCount: number;
  mapped: WindowRange | undefined;
}

/**
 * The part of a buffer that outlives the user's object. It knows the users of the memory, and
 * whether its windows are mapped.
 *
 * It must not reference the SharedArrayBuffer that users have, or the user's object, or neither
 * could be collected.
 */
export class BufferCore {
  readonly memory: BackendBuffer;
  /** The buffer's name in messages. */
  label: string;
  /** Where it was allocated, if the heap tracks that. */
  readonly creation: string | undefined;
  readonly #context: BufferContext;
  #open = true;
  /** The number of importers and other mappings that need the memory. */
  #holderCount = 0;
  /** The mappings of the memory outside its windows, and the part that each shows. */
  readonly #mappedElsewhere = new Map<WindowRange, MappedElsewhere>();
  readonly #windows: Readonly<Record<WindowName, WindowUse>>;
  #released = false;
  #control: SharedControl | undefined;
  #waiting = false;

  constructor(
    memory: BackendBuffer,
    context: BufferContext,
    identity: { label: string; creation: string | undefined },
  ) {
    this.memory = memory;
    this.label = identity.label;
    this.creation = identity.creation;
    this.#context = context;
    this.#windows = {
      main: { stores: this.#mainStores, userCount: 0, mapped: undefined },
      readOnly: { stores: memory.readOnlyStores, userCount: 0, mapped: undefined },
    };
  }

  /** In bytes, as users see it. */
  get length(): ByteLength {
    return this.memory.length;
  }

  /** Of the whole pages that hold it. */
  get mappedBytes(): ByteLength {
    return toByteLength(roundUp(this.memory.length, this.memory.source.pageSize));
  }

  get open(): boolean {
    return this.#open;
  }

  /** Whether the memory has gone back, or waits only for the kernel to take it. */
  get released(): boolean {
    return this.#released;
  }

  /** Views, access brackets and other mappings. */
  get viewCount(): number {
    return this.#windows.main.userCount + this.#windows.readOnly.userCount + this.#mappedElsewhere.size;
  }

  /** Importers that are attached, and waits for fences. */
  get importerCount(): number {
    return this.#holderCount - this.#mappedElsewhere.size;
  }

  /** Handles that other threads hold, or may still open. */
  get handleCount(): number {
    return this.#control?.holderCount ?? 0;
  }

  isMapped(name: WindowName): boolean {
    return this.#windows[name].mapped !== undefined;
  }

  get control(): SharedControl | undefined {
    return this.#control;
  }

  /** Maps the window unless it is mapped, and adds a user. */
  addWindowUser(name: WindowName, memory: WindowMemory, populate: boolean): void {
    const { mapping } = this.#context;
    const { source } = this.memory;
    const window = this.#windows[name];
    window.mapped ??= this.#map(memory, window.stores);
    window.userCount += 1;
    if (!populate) return;
    try {
      if (!populateSource(mapping, source, window.mapped, window.stores)) readEveryPage(memory, source.pageSize);
    } catch (error) {
      this.dropWindowUser(name, memory);
      throw error;
    }
  }

  /** @param memory the main window's */
  dropWindowUser(name: WindowName, memory: WindowMemory | undefined): void {
    const window = this.#windows[name];
    assert(window.userCount > 0, 'A window user lets go once');
    window.userCount -= 1;
    this.#settleOr(memory, () => {
      window.userCount += 1;
    });
  }

  /**
   * Removes a user of the main window, who is gone in any case. If the kernel refuses to unmap now,
   * a later sweep tries again.
   */
  dropWindowUserNowOrLater(memory: WindowMemory | undefined): void {
    const tryRelease = (): boolean => {
      this.dropWindowUser('main', memory);
      return true;
    };
    this.#context.reclaimer.tryNowOrLater({ keepAlive: memory, tryRelease });
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

  /** Removes a holder, who is gone in any case. */
  dropHolderNowOrLater(memory: WindowMemory | undefined): void {
    const tryRelease = (): boolean => {
      this.dropHolder(memory);
      return true;
    };
    this.#context.reclaimer.tryNowOrLater({ keepAlive: memory, tryRelease });
  }

  /**
   * Maps the memory, or a part of it, over `target` as well. This holds the memory until the
   * returned function is called.
   */
  mapElsewhere(target: WindowRange, options: ElsewhereOptions): (window: WindowMemory | undefined) => void {
    const { mapping } = this.#context;
    const { part, readOnly = this.memory.readOnly } = options;
    const source = part === undefined ? this.memory.source : partOfSource(this.memory.source, part.offset, part.length);
    const stores = readOnly ? this.memory.readOnlyStores : 'shared';
    withCleanup((cleanup) => {
      mapSource(mapping, source, target, stores);
      cleanup.defer(() => unmapSource(mapping, source, target, stores));
      if (options.populate && !populateSource(mapping, source, target, stores)) options.populatePlainly(this.label);
    });
    this.memory.source.touched = true;
    this.#mappedElsewhere.set(target, { source, stores });
    this.addHolder();
    return (window) => {
      // Skipped if an earlier call did it, and failed after that.
      if (this.#mappedElsewhere.has(target)) unmapSource(mapping, source, target, stores);
      this.#mappedElsewhere.delete(target);
      this.dropHolder(window);
    };
  }

  /**
   * The user closes the buffer. The memory stays until the last holder releases it, as a dma-buf's
   * does until its last reference is put.
   */
  close(memory: WindowMemory | undefined): void {
    this.#open = false;
    this.#settleOr(memory, () => {
      this.#open = true;
    });
  }

  /** Adds a holder: the thread that will open the handle being made. The window must be mapped. */
  share(): Pick<HandleContents, 'control' | 'ticket' | 'dmaBufFd' | 'dmaBufInode'> {
    assert(this.isMapped('main'), 'What another thread opens is mapped');
    this.#control ??= new SharedControl();
    const ticket = this.#control.addHandle();
    const { dmaBuf } = this.memory;
    return { control: this.#control.words, ticket, dmaBufFd: dmaBuf?.fd, dmaBufInode: dmaBuf?.inode };
  }

  /** The user's object was collected, and with it every view of this thread. */
  collect(): void {
    if (this.#released) return;
    if (this.#open) this.#context.lost(this);
    this.#open = false;
    const tryRelease = (mappings: () => FileMappings): boolean => this.#releaseIfUnmapped(mappings);
    if (this.#ranges.length === 0) this.#release();
    else this.#context.reclaimer.add({ tryRelease });
  }

  #settleOr(memory: WindowMemory | undefined, undo: () => void): void {
    try {
      this.#settle(memory);
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Unmaps windows without users, then releases memory without holders. */
  #settle(memory: WindowMemory | undefined): void {
    const { main, readOnly } = this.#windows;
    if (readOnly.userCount === 0) this.#unmap(readOnly);
    if (main.userCount === 0 && main.mapped !== undefined) {
      if (this.#control === undefined || this.#control.retire()) this.#unmap(main);
      else this.#waitForOtherThreads(memory);
    }
    const isMapped = main.mapped !== undefined || readOnly.mapped !== undefined;
    if (!this.#open && this.#holderCount === 0 && !isMapped && !this.#released) this.#release();
  }

  #map(memory: WindowMemory, stores: StorePolicy): WindowRange {
    const { source } = this.memory;
    const range = mappedRange(memory, source.pageSize);
    mapSource(this.#context.mapping, source, range, stores);
    return range;
  }

  #unmap(window: WindowUse): void {
    if (window.mapped === undefined) return;
    unmapSource(this.#context.mapping, this.memory.source, window.mapped, window.stores);
    window.mapped = undefined;
  }

  get #mainStores(): StorePolicy {
    return this.memory.readOnly ? this.memory.readOnlyStores : 'shared';
  }

  /** A refusal of the kernel is retried later: the user cannot act on it. */
  #release(): void {
    this.#released = true;
    const tryRelease = (): boolean => {
      this.memory.release();
      this.#context.released(this);
      return true;
    };
    this.#context.reclaimer.tryNowOrLater({ tryRelease });
  }

  /**
   * Keeps the window's address range reserved meanwhile. If it were collected, other memory could
   * be mapped there next.
   */
  #waitForOtherThreads(memory: WindowMemory | undefined): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const tryRelease = (): boolean => {
      // In use again: its next last user settles it. A window kept in this queue could not be
      // collected.
      if (this.#windows.main.userCount === 0) {
        this.#control?.releaseEndedThreads();
        if (this.#control?.retire() === false) return false;
        this.#settle(memory);
      }
      this.#waiting = false;
      return true;
    };
    this.#context.reclaimer.add({ keepAlive: memory, tryRelease });
  }

  /**
   * After a collection this thread must not touch addresses that nothing keeps: V8 unmaps a window
   * when the last thread has dropped its SharedArrayBuffer, and other memory may be mapped there
   * next. So the memory waits until the kernel no longer shows it mapped.
   */
  #releaseIfUnmapped(mappings: () => FileMappings): boolean {
    const isMapped = (range: WindowRange): boolean =>
      range.kept === undefined && mappings().hasFileWithin(range, this.memory.mappedInode);
    if (this.#ranges.some(isMapped) || !this.#retireKeptWindow()) return false;
    for (const [range, mapped] of this.#mappedElsewhere) {
      this.#unmapOrForget(range, mapped);
      this.#mappedElsewhere.delete(range);
    }
    for (const window of Object.values(this.#windows)) {
      if (window.mapped !== undefined)
        this.#unmapOrForget(window.mapped, { source: this.memory.source, stores: window.stores });
      window.mapped = undefined;
    }
    this.#release();
    return true;
  }

  /**
   * False while other threads have handles. A window that nothing keeps is not retired: as long as
   * they hold it, it is mapped.
   */
  #retireKeptWindow(): boolean {
    if (this.#control === undefined || this.#windows.main.mapped?.kept === undefined) return true;
    this.#control.releaseEndedThreads();
    return this.#control.retire();
  }

  #unmapOrForget(range: WindowRange, { source, stores }: MappedElsewhere): void {
    if (range.kept === undefined) forgetSource(this.#context.mapping, source);
    else unmapSource(this.#context.mapping, source, range, stores);
  }

  /** The ranges of every mapping of the memory. */
  get #ranges(): WindowRange[] {
    const windows = Object.values(this.#windows).flatMap(({ mapped }) => mapped ?? []);
    return [...this.#mappedElsewhere.keys(), ...windows];
  }
}
