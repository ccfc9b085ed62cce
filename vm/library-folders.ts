import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** `libc.so.6`, not `ld.so.conf`. */
const LIBRARY = /\.so\.\d/u;

/** The folders below `folder` that hold libraries. */
export function libraryFolders(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => LIBRARY.test(path));
  return [...new Set(files.map((path) => join(folder, dirname(path))))];
}
