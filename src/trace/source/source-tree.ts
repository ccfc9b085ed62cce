import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { throwIfAborted } from '../../base/abort.ts';
import { listSourceFiles, refusalOf } from './kernel-tree.ts';
import type { UnreadSource } from './kernel-tree.ts';
import { SourceFile } from './source-file.ts';
import { WordIndexBuilder } from './word-index.ts';
import type { WordIndex } from './word-index.ts';

/** How far the reading of a tree is. */
interface ReadProgress {
  readonly filesRead: number;
  readonly fileCount: number;
}

interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ReadProgress) => void) | undefined;
}

/** The largest file of Linux 6.12 has 23 MB; one that is larger was not written by hand. */
const FILE_BYTES_MAX = 32 * 1024 * 1024;
/** Between looks at the event loop. */
const FILES_AT_ONCE = 256;
/** Of texts that are kept; a tenth of a tree is enough for most questions. */
const TEXT_BYTES_KEPT_MAX = 128 * 1024 * 1024;

/** A folder of C files, read once, of which single files are read again when they are needed. */
export class SourceTree {
  readonly root: string;
  readonly paths: readonly string[];
  readonly unread: readonly UnreadSource[];
  /** Of all files that were read. */
  readonly byteCount: number;
  readonly index: WordIndex;
  /** In the order of their last use. */
  readonly #files = new Map<number, SourceFile | undefined>();
  #keptBytes = 0;

  private constructor(root: string, parts: Pick<SourceTree, 'paths' | 'unread' | 'byteCount' | 'index'>) {
    this.root = root;
    this.paths = parts.paths;
    this.unread = parts.unread;
    this.byteCount = parts.byteCount;
    this.index = parts.index;
  }

  /** @throws what `readdirSync` throws for `root`, and the signal's reason */
  static async read(root: string, { signal, onProgress }: ReadOptions): Promise<SourceTree> {
    const { paths, unread } = listSourceFiles(root);
    const builder = new WordIndexBuilder();
    // One byte more, for the index to put its end in.
    const bytes = Buffer.allocUnsafeSlow(FILE_BYTES_MAX + 1);
    let byteCount = 0;
    const refused = [...unread];
    for (const [index, path] of paths.entries()) {
      if (index % FILES_AT_ONCE === 0) {
        await setImmediate();
        throwIfAborted(signal);
        onProgress?.({ filesRead: index, fileCount: paths.length });
      }
      const read = readInto(bytes, join(root, path));
      if (typeof read === 'string') refused.push({ path, reason: read });
      const length = typeof read === 'string' ? 0 : read;
      builder.add(bytes, length);
      byteCount += length;
    }
    return new SourceTree(root, { paths, unread: refused, byteCount, index: builder.finish() });
  }

  /** Those of the files with these numbers that can be read still. */
  *files(numbers: Iterable<number>): Generator<SourceFile, void, undefined> {
    for (const number of numbers) {
      const file = this.#file(number);
      if (file !== undefined) yield file;
    }
  }

  /** Those that have each of `words`. */
  filesWith(...words: readonly string[]): Generator<SourceFile, void, undefined> {
    const [first = [], ...others] = words.map((word) => this.index.filesWith(word));
    const sets = others.map((numbers) => new Set(numbers));
    return this.files(first.filter((number) => sets.every((set) => set.has(number))));
  }

  #file(number: number): SourceFile | undefined {
    if (this.#files.has(number)) {
      const known = this.#files.get(number);
      this.#files.delete(number);
      this.#files.set(number, known);
      return known;
    }
    const file = this.#readAgain(number);
    this.#files.set(number, file);
    this.#keptBytes += file?.text.length ?? 0;
    for (const [oldest, { text } = { text: '' }] of this.#files) {
      if (this.#keptBytes <= TEXT_BYTES_KEPT_MAX || oldest === number) break;
      this.#files.delete(oldest);
      this.#keptBytes -= text.length;
    }
    return file;
  }

  /** Undefined for one that was removed meanwhile. */
  #readAgain(number: number): SourceFile | undefined {
    const path = this.paths[number] ?? '';
    try {
      return new SourceFile(path, readFileSync(join(this.root, path), 'latin1'));
    } catch {
      return undefined;
    }
  }
}

/** Returns how many bytes the file has, or why they cannot be read. */
function readInto(bytes: Buffer, path: string): number | string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    return refusalOf(error);
  }
  try {
    // A read of a regular file is short at its end alone.
    const length = readSync(fd, bytes, 0, FILE_BYTES_MAX + 1, 0);
    return length > FILE_BYTES_MAX ? `it has more than ${FILE_BYTES_MAX / 1024 / 1024} MiB` : length;
  } catch (error) {
    return refusalOf(error);
  } finally {
    closeSync(fd);
  }
}
