import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { GuestError } from './guest-error.ts';
import { libraryFolders } from './library-folders.ts';

/** A program, as `spawn` takes it. */
export interface RootCommand {
  readonly program: string;
  readonly programArguments: readonly string[];
}

const LOADER = /\/ld-linux-[\w-]+\.so\.\d+$/u;

/** The path of a root's own loader. */
export function debianRootLoader(root: string): string {
  const paths = libraryFolders(root).flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const loader = paths.find((path) => LOADER.test(path));
  if (loader === undefined) throw new GuestError(`Cannot run programs of ${root} as it has no loader`);
  return loader;
}

/**
 * A program of a root, run where this process runs, not within the root: by the root's own loader,
 * with the root's libraries before this machine's. What it reads besides, such as plugins, it looks
 * for on this machine, unless it is told a path. `LD_LIBRARY_PATH` must be unset.
 *
 * @param root a folder of `debianRoot()`
 * @param program its path below the root, such as `usr/bin/env`
 * @param options further ones of the loader
 */
export function debianRootCommand(
  root: string,
  program: string,
  words: readonly string[] = [],
  options: readonly string[] = [],
): RootCommand {
  const libraries = ['--inhibit-cache', '--library-path', libraryFolders(root).join(':')];
  const programArguments = [...options, ...libraries, join(root, program), ...words];
  return { program: debianRootLoader(root), programArguments };
}
