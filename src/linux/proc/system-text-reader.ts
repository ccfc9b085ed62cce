import { closeSync, openSync, readSync } from 'node:fs';

import { KiB } from '../../base/sizes.ts';
import { withFileErrors } from './system-file.ts';

/** Large enough for nearly every file of a process. Larger files make the buffer grow. */
const BUFFER_BYTES = 64 * KiB;

/**
 * Reads many files of `/proc` or `/sys`, one after the other, through one buffer. Such files do not
 * show their size, so a separate read of each would take 64 KiB of memory.
 */
export class SystemTextReader {
  #buffer: Buffer;

  /** @param bufferBytes the expected length of a file */
  constructor(bufferBytes: number = BUFFER_BYTES) {
    this.#buffer = Buffer.allocUnsafe(bufferBytes);
  }

  /**
   * Reads a file whole, as text.
   *
   * @throws {DmaBufError} as the kernel refuses
   */
  read(path: string): string {
    return withFileErrors('read', path, () => {
      const fd = openSync(path, 'r');
      try {
        const length = this.#readAll(fd);
        return this.#buffer.toString('utf8', 0, length);
      } finally {
        closeSync(fd);
      }
    });
  }

  /** Returns the length, in bytes. */
  #readAll(fd: number): number {
    let length = 0;
    for (;;) {
      if (length === this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], 2 * length);
      const count = readSync(fd, this.#buffer, length, this.#buffer.length - length, null);
      if (count === 0) return length;
      length += count;
    }
  }
}
