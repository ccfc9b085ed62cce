import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Architecture } from './architectures.ts';
import { cached } from './cache.ts';
import type { ArchiveEntry } from './cpio.ts';
import { PACKAGE_FOLDER } from './init-script.ts';
import { unpackNpmPackage } from './npm-package.ts';
import { reportProgress } from './run-program.ts';

/** The package whose compiled form this file is part of: it is compiled to dist/vm/. */
export const packageRoot: string = fileURLToPath(new URL('../../', import.meta.url));

/** What the compiled package and its tests import. */
const MODULE_NAMES = ['koffi', 'fast-check', 'pure-rand'];
const SKIPPED = /\.(?:d\.[cm]?ts|d\.[cm]?ts\.map|md|tsbuildinfo)$|^koffi\/(?:doc|vendor)\//u;
const PROGRAM = 'dist/src/cli/main.js';

/** The compiled package with all it imports, as files of a guest. Made for each boot: it changes with every build. */
export function packageEntries(architecture: Architecture): ArchiveEntry[] {
  const modules = join(packageRoot, 'node_modules');
  return [
    entryOf(join(packageRoot, 'package.json'), 'package.json'),
    ...folderEntries(join(packageRoot, 'dist'), 'dist'),
    ...MODULE_NAMES.flatMap((name) => folderEntries(join(modules, name), `node_modules/${name}`)),
    ...nativeEntries(architecture, modules),
  ];
}

function nativeEntries({ nodeArchitecture }: Architecture, modules: string): ArchiveEntry[] {
  const name = `@koromix/koffi-linux-${nodeArchitecture}`;
  const isOwn = nodeArchitecture === process.arch;
  return folderEntries(isOwn ? join(modules, name) : fetchNative(name, modules), `node_modules/${name}`);
}

/** The part of koffi for another architecture, of the version and with the hash that the lock file has. */
function fetchNative(name: string, modules: string): string {
  const lock = JSON.parse(readFileSync(join(realpathSync(modules), '..', 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  const { version = '', integrity = '' } = lock.packages[`node_modules/${name}`] ?? {};
  return cached(`${name.slice(name.indexOf('/') + 1)}-${version}`, (target) => {
    reportProgress(`fetching ${name} ${version}`);
    unpackNpmPackage({ name, version, integrity }, target);
  });
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
