import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { GuestError } from './guest-error.ts';
import { runProgram } from './run-program.ts';

/** A package of npm, and the hash of its archive. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

/** Short, for machines without network: the caller has an answer for that. */
const LOOK_UP_OPTIONS = ['--json', '--fetch-retries=0', '--fetch-timeout=30000'];

/**
 * The newest version of a package that `range` allows, and its hash in the registry. `range` is the
 * first number of the version, or `latest`.
 */
export function resolveNpmPackage(name: string, range: string): NpmPackage {
  const fields = ['version', 'dist.integrity'];
  const output = runProgram('npm', ['view', `${name}@${range}`, ...fields, ...LOOK_UP_OPTIONS]);
  const parsed = JSON.parse(output) as RegistryAnswer | RegistryAnswer[];
  const newest = [parsed]
    .flat()
    .toSorted((a, b) => compareVersions(a.version, b.version))
    .at(-1);
  if (newest === undefined) throw new GuestError(`Cannot find ${name}@${range} in npm's registry`);
  return { name, version: newest.version, integrity: newest['dist.integrity'] };
}

interface RegistryAnswer {
  readonly version: string;
  readonly 'dist.integrity': string;
}

/** Below 0 when the first is older. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/**
 * Downloads a package and unpacks it into `folder`, without its dependencies and without running
 * its scripts.
 */
export function unpackNpmPackage({ name, version, integrity }: NpmPackage, folder: string): void {
  const output = runProgram('npm', ['pack', '--json', '--ignore-scripts', `${name}@${version}`], folder);
  const [packed] = JSON.parse(output) as { filename: string; integrity: string }[];
  if (packed?.integrity !== integrity) {
    throw new GuestError(`Cannot use ${name}@${version} as its hash is not ${integrity}: ${packed?.integrity}`);
  }
  const archive = packed.filename.replace('@', '').replace('/', '-');
  runProgram('tar', ['-xzf', archive, '--strip-components=1', '--no-same-owner'], folder);
  rmSync(join(folder, archive));
}
