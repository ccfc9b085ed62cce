/**
 * Programs of another Debian than this machine's, unpacked into a folder and run from there.
 * Nothing is installed, no script of a package runs, and no root is needed.
 */

import { readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

import { ARCHITECTURES } from './architectures.ts';
import type { Architecture } from './architectures.ts';
import { cacheKey, cached } from './cache.ts';
import { DOWNLOADS, downloadPackages, unpackDownloads } from './debian-packages.ts';
import { openSuite } from './debian-suite.ts';
import { GuestError } from './guest-error.ts';
import { findOnPath } from './requirements.ts';
import { reportProgress, runProgram } from './run-program.ts';

/** What a root is made of. */
export interface DebianRoot {
  /** Such as `trixie`. */
  readonly suite: string;
  /** With all that they depend on. */
  readonly packages: readonly string[];
  /** Packages of which only files are used that need nothing of what the package depends on. */
  readonly withoutDependencies?: readonly string[];
  /** The files that are kept, by their path below the root: `usr/bin/env`. All by default. */
  readonly keeps?: RegExp;
}

const PROGRAMS = ['apt-get', 'dpkg-deb'];
const LISTS = 'lists';

/**
 * The folder with these packages, for this machine's architecture: fetched once, and kept in the
 * cache.
 *
 * @throws GuestError where this machine is no Debian, or Debian's archive cannot be reached
 */
export function debianRoot({ suite, packages, withoutDependencies = [], keeps = /^/u }: DebianRoot): string {
  const architecture = ownArchitecture();
  const key = cacheKey({ packages, withoutDependencies, keeps: keeps.source });
  return cached(`root-${suite}-${architecture.debianArchitecture}-${key}`, (folder) => {
    reportProgress(`fetching packages of Debian's ${suite}: ${packages.join(', ')}`);
    const lists = openSuite(suite, architecture, join(folder, LISTS));
    downloadPackages(lists, [...resolve(lists, packages), ...withoutDependencies], folder);
    unpackDownloads(folder);
    for (const own of [LISTS, DOWNLOADS]) rmSync(join(folder, own), { recursive: true });
    removeOthers(folder, keeps);
  });
}

/** Its `guestName` means nothing here. */
function ownArchitecture(): Architecture {
  const own = Object.values(ARCHITECTURES).find(({ nodeArchitecture }) => nodeArchitecture === process.arch);
  if (own === undefined) throw new GuestError(`Cannot name Debian's packages for a machine that is ${process.arch}`);
  const missing = PROGRAMS.filter((program) => findOnPath(program) === undefined);
  if (missing.length === 0) return own;
  throw new GuestError(`Cannot fetch packages of Debian as there is no ${missing.join(', ')}`);
}

/** The packages and all that they depend on, as an empty machine would need them. */
function resolve(lists: readonly string[], packages: readonly string[]): string[] {
  const planned = runProgram('apt-get', [...lists, '--simulate', '--no-install-recommends', 'install', ...packages]);
  return [...planned.matchAll(/^Inst (?<name>\S+) /gmu)].map(({ groups }) => groups?.['name'] ?? '');
}

function removeOthers(folder: string, keeps: RegExp): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !keeps.test(relative(folder, path))) rmSync(path);
  }
}
