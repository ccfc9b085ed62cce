/** Programs of Debian's packages for a guest, with the libraries that the guest does not have. */

import { realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

import { RUNTIME_PACKAGES } from './architectures.ts';
import type { Architecture } from './architectures.ts';
import type { GuestCommand } from './boot-archive.ts';
import { cached } from './cache.ts';
import { unpackPackages, withDependencies } from './debian-packages.ts';
import { GuestError } from './guest-error.ts';
import { libraryFolders } from './library-folders.ts';
import { reportProgress, runProgram } from './run-program.ts';

/** A program by its package and its path in it. */
export interface DebianProgram {
  readonly packageName: string;
  /** Such as `usr/bin/v4l2-ctl`. */
  readonly program: string;
}

type GuestFiles = Required<GuestCommand>['files'];

/** Where a guest's loader finds libraries without being told. */
const LIBRARY_FOLDER = '/lib';
const PROGRAM_FOLDER = '/bin';

/**
 * The files that give a guest the program, in `/bin`: fetched once, and kept in the cache.
 *
 * @throws GuestError for a guest of another architecture than this machine's, and where Debian's
 *   archive cannot be reached
 */
export function filesOfProgram(architecture: Architecture, { packageName, program }: DebianProgram): GuestFiles {
  if (process.arch !== architecture.nodeArchitecture) {
    throw new GuestError(`Cannot take ${program} along as guests of another architecture have their own libraries`);
  }
  const folder = cached(`program-${architecture.debianArchitecture}-${packageName}`, (target) => {
    reportProgress(`fetching ${packageName}`);
    const packages = withDependencies(architecture, packageName);
    // Node.js needs these: the guest has them.
    const needed = packages.filter((name) => !RUNTIME_PACKAGES.includes(name));
    unpackPackages(architecture, needed, target);
  });
  const source = join(folder, program);
  return [
    { source, path: `${PROGRAM_FOLDER}/${basename(program)}` },
    ...librariesOf(source, folder).map(({ name, path }) => ({ source: path, path: `${LIBRARY_FOLDER}/${name}` })),
  ];
}

/** Of the libraries that a program is linked to, directly or not, those that lie in `folder`. */
function librariesOf(program: string, folder: string): { name: string; path: string }[] {
  const listed = runProgram('env', [`LD_LIBRARY_PATH=${libraryFolders(folder).join(':')}`, 'ldd', program]);
  const lost = /(?<name>\S+) => not found/u.exec(listed)?.groups?.['name'];
  if (lost !== undefined) throw new GuestError(`Cannot take ${program} along as no package has its library ${lost}`);
  return [...listed.matchAll(/(?<name>\S+) => (?<path>\/\S+)/gu)].flatMap(({ groups }) => {
    const { name = '', path = '' } = groups ?? {};
    return path.startsWith(`${folder}/`) ? [{ name, path: realpathSync(path) }] : [];
  });
}
