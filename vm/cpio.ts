/**
 * Archives that the kernel unpacks as its first file system: cpio, "newc", uncompressed.
 * Consecutive archives form one file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 */

import { posix } from 'node:path';

/** One file, or symbolic link, by its path from the root without a leading slash. */
export interface ArchiveEntry {
  readonly path: string;
  readonly kind: 'file' | 'program' | 'link';
  /** The target of a link. */
  readonly content: Uint8Array | string;
}

const MODES = { file: 0o100644, program: 0o100755, link: 0o120777, folder: 0o040755 } as const;
const ALIGNMENT = 4;
const LAST_NAME = 'TRAILER!!!';

/**
 * The archive of `entries` and of the folders that contain them, in pieces to be written one after
 * the other.
 */
export function archivePieces(entries: readonly ArchiveEntry[]): Uint8Array[] {
  const folders = new Set(entries.flatMap(({ path }) => foldersOf(path)));
  const pieces = [...folders].toSorted().flatMap((path, index) => member(path, MODES.folder, { inode: index + 1 }));
  for (const [index, { path, kind, content }] of entries.entries()) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    pieces.push(...member(path, MODES[kind], { inode: folders.size + index + 1, bytes }));
  }
  pieces.push(...member(LAST_NAME, 0, { inode: 0 }));
  return pieces;
}

function foldersOf(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === '.' ? [] : [...foldersOf(folder), folder];
}

function member(path: string, mode: number, { inode, bytes }: { inode: number; bytes?: Uint8Array }): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const linkCount = 1;
  const size = bytes?.length ?? 0;
  // Owner, group, time, four device numbers and the checksum are 0.
  const fields = [inode, mode, 0, 0, linkCount, 0, size, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  const head = Buffer.concat([Buffer.from(header), name]);
  return [head, padding(head.length), ...(bytes === undefined ? [] : [bytes, padding(size)])];
}

function padding(length: number): Uint8Array {
  return new Uint8Array((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);
}
