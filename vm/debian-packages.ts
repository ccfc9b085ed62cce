/**
 * Debian packages, of this machine's architecture or another, downloaded and unpacked but never
 * installed. Needs no root.
 */

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Architecture } from './architectures.ts';
import { cacheFolder } from './cache.ts';
import { GuestError } from './guest-error.ts';
import { reportProgress, runProgram } from './run-program.ts';

/** Otherwise root's downloads would warn that apt's own user cannot write here. */
const PLAIN = ['-oAPT::Sandbox::User=root', '-oAcquire::Retries=2', '-oAcquire::http::Timeout=30'];

/** Within the folder that packages are unpacked into. */
export const DOWNLOADS = 'downloads';

/** Downloads `packages` and unpacks them all into `folder`. */
export function unpackPackages(architecture: Architecture, packages: readonly string[], folder: string): void {
  withLists(architecture, (lists) => downloadPackages(lists, packages, folder));
  unpackDownloads(folder);
}

/** By the package lists that apt-get finds through its options `lists`. */
export function downloadPackages(lists: readonly string[], packages: readonly string[], folder: string): void {
  const downloads = join(folder, DOWNLOADS);
  mkdirSync(downloads, { recursive: true });
  runProgram('apt-get', [...lists, 'download', ...packages], downloads);
}

/** Unpacks what {@link downloadPackages} left in `folder`. */
export function unpackDownloads(folder: string): void {
  const downloads = join(folder, DOWNLOADS);
  for (const file of readdirSync(downloads)) runProgram('dpkg-deb', ['-x', join(downloads, file), folder]);
}

/**
 * The dependency of the first existing package of `packages`: for a kernel's package without a
 * version, the one with a version.
 */
export function dependencyOf(architecture: Architecture, packages: readonly string[]): string {
  return withLists(architecture, (lists) => {
    for (const name of packages) {
      const dependency = askDependencies(lists, name).find((one) => one.startsWith('linux-image-'));
      if (dependency !== undefined) return dependency;
    }
    throw new GuestError(`Cannot find a kernel as apt knows none of these packages: ${packages.join(', ')}`);
  });
}

/** The packages that a package names as its dependencies. */
export function dependenciesOf(architecture: Architecture, name: string): string[] {
  return withLists(architecture, (lists) => askDependencies(lists, name));
}

/** Without those that have an alternative, whose lines begin with "|". */
function askDependencies(lists: readonly string[], name: string): string[] {
  const listed = runProgram('apt-cache', [...lists, 'depends', '--important', name]);
  return [...listed.matchAll(/^\s*Depends: (?<name>\S+)$/gmu)].map(({ groups }) => groups?.['name'] ?? '');
}

/** A package and all that it depends on, directly or not. */
export function withDependencies(architecture: Architecture, name: string): string[] {
  const kinds = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'];
  const options = ['--recurse', ...kinds.map((kind) => `--no-${kind}`)];
  const listed = withLists(architecture, (lists) => runProgram('apt-cache', [...lists, 'depends', ...options, name]));
  // What each of them depends on is indented; a name in brackets is not a package's own.
  return listed.split('\n').filter((line) => /^[a-z0-9]/u.test(line));
}

/**
 * Uses the package lists of this machine. Where these are missing, old or of another architecture,
 * downloads separate ones.
 */
function withLists<T>(architecture: Architecture, ask: (lists: readonly string[]) => T): T {
  const isOwnArchitecture = process.arch === architecture.nodeArchitecture;
  if (isOwnArchitecture) {
    try {
      return ask(PLAIN);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
    }
  }
  const lists = separateLists(architecture, join(cacheFolder(), `lists-${architecture.debianArchitecture}`));
  try {
    return ask(lists);
  } catch {
    reportProgress(`fetching the list of Debian's ${architecture.debianArchitecture} packages`);
    runProgram('apt-get', [...lists, 'update']);
    return askArchive(ask, lists);
  }
}

/** apt-get update succeeds even if it reached no server. */
function askArchive<T>(ask: (lists: readonly string[]) => T, lists: readonly string[]): T {
  try {
    return ask(lists);
  } catch (error) {
    const said = error instanceof Error ? error.message : '';
    throw new GuestError(`${said}. Debian's archive must be reachable once, by the sources in /etc/apt`, {
      cause: error,
    });
  }
}

/** Options that make apt-get keep its package lists in `folder`, apart from this machine's. */
export function separateLists({ debianArchitecture }: Architecture, folder: string): string[] {
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  return [
    ...PLAIN,
    `-oAPT::Architecture=${debianArchitecture}`,
    `-oAPT::Architectures=${debianArchitecture}`,
    `-oDir::State::Lists=${join(folder, 'lists')}`,
    '-oDir::State::status=/dev/null',
    `-oDir::Cache=${join(folder, 'cache')}`,
  ];
}
