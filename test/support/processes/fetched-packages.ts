import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { cacheFolder, cacheKey, cached } from '../../../vm/cache.ts';

/** npm's names for a registry that cannot be reached. */
const UNREACHABLE =
  /\b(?:ECONNREFUSED|ECONNRESET|EAI_AGAIN|ENETUNREACH|ENOTCACHED|ENOTFOUND|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b/u;

/** A folder with `node_modules`, or what it takes to have it. */
export type FetchedPackages = { readonly folder: string } | { readonly missing: string };

/** The registry could not be reached. */
class Unreachable extends Error {}

/**
 * Installs packages from npm, with their dependencies and without running their scripts, and keeps
 * them in the cache of vm/.
 *
 * @param packages each with its exact version, as `jest@30.5.2`
 */
export function fetchPackages(...packages: readonly string[]): FetchedPackages {
  try {
    return { folder: cached(nameOf(packages), (folder) => install(packages, folder)) };
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return {
      missing: `npm's registry cannot be asked for ${packages.join(', ')}, and ${cacheFolder()} has no copy`,
    };
  }
}

/**
 * As {@link fetchPackages}, of packages that are too large to be fetched each time that a machine
 * runs the tests: only where they are in the cache already, or `variable` is set to 1.
 */
export function fetchLargePackages(variable: string, ...packages: readonly string[]): FetchedPackages {
  const isWanted = process.env[variable] === '1' || existsSync(join(cacheFolder(), nameOf(packages)));
  if (isWanted) return fetchPackages(...packages);
  return { missing: `${packages.join(', ')} is large, and not in ${cacheFolder()}: ${variable}=1 fetches it` };
}

function nameOf(packages: readonly string[]): string {
  return `packages-${packages[0]?.replaceAll(/[@/]/gu, '-')}-${cacheKey(packages)}`;
}

/** For `skip:` of a test that needs them. */
export function lackOf(fetched: FetchedPackages): string | false {
  return 'missing' in fetched ? fetched.missing : false;
}

/** @throws where they are missing: such a test is to be skipped */
export function folderOf(fetched: FetchedPackages, path = ''): string {
  if ('missing' in fetched) throw new Error(fetched.missing);
  return join(fetched.folder, 'node_modules', path);
}

function install(packages: readonly string[], folder: string): void {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--fetch-retries=0', '--loglevel=error'];
  const { status, stderr, error } = spawnSync('npm', ['install', '--prefix', folder, ...options, ...packages], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') throw new Unreachable('npm is not installed');
  if (error !== undefined) throw error;
  if (UNREACHABLE.test(stderr)) throw new Unreachable(stderr);
  if (status !== 0) throw new Error(`Cannot install ${packages.join(', ')}: ${stderr}`);
}
