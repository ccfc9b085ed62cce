import { realpathSync } from 'node:fs';
import { join, relative } from 'node:path';

import type { GuestCommand } from './boot-archive.ts';
import { debianRootCommand, debianRootLoader } from './debian-root-command.ts';
import { GuestError } from './guest-error.ts';
import { runProgram } from './run-program.ts';

/**
 * The files that give a guest a part of a root: programs and plugins, the libraries that they are
 * linked to, directly or not, and the loader. In the guest, `folder` is a root of its own.
 *
 * @param root a folder of `debianRoot()`
 * @param paths of programs and plugins, below the root
 * @throws GuestError when the root lacks a library
 */
export function filesOfRoot(root: string, paths: readonly string[], folder: string): Required<GuestCommand>['files'] {
  const libraries = paths.flatMap((path) => librariesOf(root, path));
  const needed = new Set([relative(root, debianRootLoader(root)), ...paths, ...libraries]);
  return [...needed].map((path) => ({ source: realpathSync(join(root, path)), path: join(folder, path) }));
}

/** Their paths below the root. */
function librariesOf(root: string, path: string): string[] {
  const { program, programArguments } = debianRootCommand(root, path, [], ['--list']);
  const listed = runProgram(program, programArguments);
  return [...listed.matchAll(/(?<name>\S+) => (?<library>\S+)/gu)].map(({ groups }) => {
    const { name = '', library = '' } = groups ?? {};
    if (library.startsWith(`${root}/`)) return relative(root, library);
    throw new GuestError(`Cannot take ${path} along as its root has no ${name}`);
  });
}
