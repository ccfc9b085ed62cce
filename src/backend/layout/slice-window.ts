import { writevSync } from 'node:fs';

import type { Address, ByteLength } from '../../base/quantities.ts';
import { toByteLength } from '../../base/quantities.ts';
import { withCleanup } from '../../base/cleanup.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/fd.ts';
import type { SystemCalls } from '../../linux/system-calls.ts';
import { reserveWindowMemory } from '../../mapping/window-memory.ts';
import type { WindowMemory } from '../../mapping/window-memory.ts';

interface SliceWindowSetup {
  readonly calls: SystemCalls;
  readonly file: BorrowedFd;
  readonly pageSize: ByteLength;
  /** Of the largest slice. */
  readonly pageCountMax: number;
}

/** A place of this process's memory over which a file is mapped slice by slice. */
export class SliceWindow {
  readonly #setup: SliceWindowSetup;
  readonly #memory: WindowMemory;
  readonly #scratch: OwnedFd;

  /** @throws {DmaBufError} when there is no address space, or no descriptor, left */
  constructor(setup: SliceWindowSetup) {
    const { calls, pageSize, pageCountMax } = setup;
    this.#setup = setup;
    this.#memory = reserveWindowMemory(toByteLength(pageCountMax * pageSize), pageSize);
    this.#scratch = calls.createSealedMemfd('dmabuf-layout', pageSize);
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
    const { calls, file, pageSize } = this.#setup;
    const offset = firstPage * pageSize;
    calls.mapFileAt(this.address, { fd: file, offset, length: toByteLength(pageCount * pageSize) });
  }

  /**
   * Faults pages of the slice in, by having the kernel read a byte of each: a page that cannot be had ends the call there, where a
   * reader of our own would get SIGBUS.
   */
  touch(pages: readonly number[]): void {
    const { shared, byteOffset } = this.#memory;
    const bytes = pages.map((page) => new Uint8Array(shared, byteOffset + page * this.#setup.pageSize, 1));
    try {
      writevSync(this.#scratch.borrow(), bytes, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EFAULT') throw error;
    }
  }

  close(): void {
    withCleanup((cleanup) => {
      cleanup.defer(() => this.#scratch.close());
      this.#setup.calls.mapZeros(this.#memory);
      this.#scratch.close();
    });
  }
}
