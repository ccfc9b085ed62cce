import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { assert } from '../../base/assert.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
};
const IMPORT_MAP = /<script type="importmap">(?<map>[^<]*)<\/script>/u;

/** A file of the page, as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly zipped: Buffer;
}

/**
 * The page's files, each read once. A request is looked up by its whole path, so none climbs out of
 * the folder.
 */
export class PageFiles {
  readonly #files = new Map<string, PageFile>();
  readonly #index: PageFile;
  /** Of the import map, for the page's policy: the only script that is not a file. */
  readonly importMapHash: string;

  /** @param folder `dist/lab` of the package */
  constructor(folder: string) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      this.#files.set(`/${name}`, { type, zipped: gzipSync(readFileSync(join(folder, name))) });
    }
    const index = this.#files.get('/index.html');
    const map = IMPORT_MAP.exec(readFileSync(join(folder, 'index.html'), 'utf8'))?.groups?.['map'];
    assert(index !== undefined && map !== undefined, 'The package has the page');
    this.#index = index;
    this.importMapHash = `sha256-${createHash('sha256').update(map).digest('base64')}`;
  }

  /** The page itself, at the path of each of its views. */
  get index(): PageFile {
    return this.#index;
  }

  find(path: string): PageFile | undefined {
    return this.#files.get(path);
  }
}
