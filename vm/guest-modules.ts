/**
 * The kernel modules of vm/modules/, built here against the headers of a guest's kernel. A guest
 * has no compiler.
 */

import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Architecture } from './architectures.ts';
import type { GuestCommand } from './boot-archive.ts';
import { makeModules } from './make-modules.ts';
import type { GuestModules } from './make-modules.ts';
import { packageRoot } from './package-archive.ts';

/** Where a guest has them: `insmod /lib/dmabuf/dmabuf_measure.ko`. */
const FOLDER = '/lib/dmabuf';
/** Tells a guest's tests why it has none. */
const MISSING_VARIABLE = 'DMABUF_MODULES_MISSING';
const SOURCE_FOLDER = join(packageRoot, 'vm/modules');
/** The files that give a guest the modules, or the reason why it has none. */
export function modulesForGuest(architecture: Architecture): Required<Pick<GuestCommand, 'environment' | 'files'>> {
  const modules = buildModules(architecture);
  if ('missing' in modules) return { environment: { [MISSING_VARIABLE]: modules.missing }, files: [] };
  return { environment: {}, files: filesOfModules(modules.paths) };
}

/** Built modules as files of a guest. */
export function filesOfModules(paths: readonly string[]): Required<GuestCommand>['files'] {
  return paths.map((source) => ({ source, path: `${FOLDER}/${basename(source)}` }));
}

/**
 * Builds the modules, unless the cache has them. Takes 3 s of processor time.
 *
 * @throws GuestError when the guest's kernel cannot be fetched
 */
export function buildModules(architecture: Architecture): GuestModules {
  return makeModules(architecture, {
    name: 'modules',
    sources: readSources(),
    copy: (folder) => cpSync(SOURCE_FOLDER, folder, { recursive: true }),
  });
}

function readSources(): [string, string][] {
  const files = readdirSync(SOURCE_FOLDER, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted()
    .map((path) => [path.slice(SOURCE_FOLDER.length), readFileSync(path, 'utf8')]);
}
