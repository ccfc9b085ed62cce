import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath, rename, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { DmaBufError } from '../../../base/errors.ts';
import { withFileRefusals } from '../../file-refusal.ts';

/**
 * A file that appears complete or not at all: it is written under another name beside its place,
 * and renamed at the end (man 2 rename).
 */
export class AtomicFile {
  readonly #path: string;
  readonly #partialPath: string;
  readonly #handle: FileHandle;

  private constructor(path: string, partialPath: string, handle: FileHandle) {
    this.#path = path;
    this.#partialPath = partialPath;
    this.#handle = handle;
  }

  /**
   * @throws {DmaBufError} where it cannot be made, and with code EINVAL where `path` is something
   *   else than a file: a device, a pipe or a folder, which must not be replaced
   */
  static async create(path: string): Promise<AtomicFile> {
    return await withFileRefusals({ action: 'write', path }, async () => {
      const target = await findPlace(path);
      const partialPath = `${target}.${randomBytes(4).toString('hex')}.partial`;
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
      return new AtomicFile(target, partialPath, await open(partialPath, flags));
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    await withFileRefusals({ action: 'write', path: this.#path }, async () => {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(bytes, done);
        done += bytesWritten;
      }
    });
  }

  /** Puts it in its place. Its bytes reach the disk first, so that no crash leaves a part of it. */
  async commit(): Promise<void> {
    await withFileRefusals({ action: 'write', path: this.#path }, async () => {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#partialPath, this.#path);
    });
  }

  /** Removes what was written. What stood in its place before stays. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await unlink(this.#partialPath).catch(() => {});
  }
}

/** Where the file is to be: a link leads to it, and stays. */
async function findPlace(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isFile()) {
      throw new DmaBufError(`Cannot write to ${path} as it is no ordinary file: name another one`, {
        code: 'EINVAL',
        values: { path },
      });
    }
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path;
    throw error;
  }
}
