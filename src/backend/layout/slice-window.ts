import { closeSync, openSync, writevSync } from 'node:fs';

import { withCleanup } from '../../base/cleanup.ts';
import { isDmaBufError } from '../../base/errors.ts';
import type { Address, ByteLength } from '../../base/quantities.ts';
import { toByteLength } from '../../base/quantities.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import type { StorePolicy, MemoryCalls } from '../../linux/calls/memory-calls.ts';
import { withFileErrors } from '../../linux/proc/system-file.ts';
import { reserveWindowMemory } from '../../mapping/window-memory.ts';
import type { WindowMemory } from '../../mapping/window-memory.ts';

interface SliceWindowSetup {
  readonly calls: MemoryCalls;
  readonly file: BorrowedFd;
  /** How the file can be mapped with read permission only. */
  readonly stores: Exclude<StorePolicy, 'shared'>;
  readonly pageSize: ByteLength;
  /** The length of the largest slice. */
  readonly pageCountMax: number;
}

/** Memory of this process over which a file is mapped slice by slice. */
export class SliceWindow {
  readonly #setup: SliceWindowSetup;
  readonly #memory: WindowMemory;
  /** A descriptor of `node:fs`. */
  readonly #scratch: number;

  /** @throws {DmaBufError} when no address space or no descriptor is left */
  constructor(setup: SliceWindowSetup) {
    const { calls, pageSize, pageCountMax } = setup;
    this.#setup = setup;
    this.#memory = reserveWindowMemory(toByteLength(pageCountMax * pageSize), pageSize);
    this.#scratch = openScratch(calls, pageSize);
    calls.holdWindow(this.#memory);
  }

  get address(): Address {
    return this.#memory.address;
  }

  /** In bytes: room for the largest slice. */
  get length(): ByteLength {
    return this.#memory.length;
  }

  /** @throws {DmaBufError} when the file refuses to be mapped */
  map(firstPage: number, pageCount: number): void {
    const { calls, file, pageSize, stores } = this.#setup;
    const offset = firstPage * pageSize;
    calls.mapFileAt(this.address, { fd: file, offset, length: toByteLength(pageCount * pageSize) }, stores);
  }

  /**
   * Faults in pages of the slice by a system call in which the kernel reads a byte of each. A
   * missing page ends that call with an error, where a read of our own would get SIGBUS.
   */
  touch(pages: readonly number[]): void {
    const { shared, byteOffset } = this.#memory;
    const bytes = pages.map((page) => new Uint8Array(shared, byteOffset + page * this.#setup.pageSize, 1));
    try {
      writevSync(this.#scratch, bytes, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EFAULT') throw error;
    }
  }

  close(): void {
    try {
      this.#setup.calls.mapZeros(this.#memory);
    } finally {
      closeSync(this.#scratch);
    }
  }
}

/**
 * Opened again by `node:fs`, because Deno writes only to descriptors that it has opened itself.
 * Node accepts any, where `/proc` is missing.
 */
function openScratch(calls: MemoryCalls, pageSize: ByteLength): number {
  return withCleanup((cleanup) => {
    const memfd = calls.createSealedMemfd('dmabuf-layout', pageSize);
    cleanup.defer(() => memfd.close());
    const path = `/proc/self/fd/${memfd.borrow()}`;
    try {
      const scratch = withFileErrors('open', path, () => openSync(path, 'r+'));
      cleanup.defer(() => closeSync(scratch));
      memfd.close();
      return scratch;
    } catch (error) {
      if (!isDmaBufError(error, 'ENOENT')) throw error;
      return memfd.take();
    }
  });
}
