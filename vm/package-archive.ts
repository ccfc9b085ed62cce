import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Architecture } from './architectures.ts';
import type { ArchiveEntry } from './cpio.ts';
import { PACKAGE_FOLDER } from './init-script.ts';

/** The package to which this file belongs: it is compiled to dist/vm/. */
export const packageRoot: string = fileURLToPath(new URL('../../', import.meta.url));

/** The dependencies of the compiled package and its tests. */
const MODULE_NAMES = ['@jsquash/jpeg', 'fast-check', 'pure-rand'];
const SKIPPED = /\.(?:d\.[cm]?ts|d\.[cm]?ts\.map|md|tsbuildinfo)$/u;
const PROGRAM = 'dist/src/cli/main.js';

/**
 * The compiled package with its dependencies, as files of a guest. Made for each boot, because it
 * changes with every build.
 */
export function packageEntries(architecture: Architecture): ArchiveEntry[] {
  const modules = join(packageRoot, 'node_modules');
  const native = `native/linux-${architecture.nodeArchitecture}/border.node`;
  return [
    entryOf(join(packageRoot, 'package.json'), 'package.json'),
    ...folderEntries(join(packageRoot, 'dist'), 'dist'),
    ...MODULE_NAMES.flatMap((name) => folderEntries(join(modules, name), `node_modules/${name}`)),
    entryOf(join(packageRoot, native), native),
  ];
}

function folderEntries(folder: string, path: string): ArchiveEntry[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !SKIPPED.test(`${path}/${name}`.replace('node_modules/', '')))
    .map((name) => entryOf(join(folder, name), `${path}/${name}`));
}

function entryOf(source: string, path: string): ArchiveEntry {
  const kind = path === PROGRAM ? 'program' : 'file';
  return { path: `${PACKAGE_FOLDER.slice(1)}/${path}`, kind, content: readFileSync(source) };
}
