import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { ARCHITECTURES } from './architectures.ts';
import { cacheFolder, cached } from './cache.ts';
import { unpackPackages } from './debian-packages.ts';
import { GuestError } from './guest-error.ts';
import { reportProgress, runProgram } from './run-program.ts';

/** The source of the guests' kernel: the same in Debian 12 (security) and 13. */
const PACKAGE = 'linux-source-6.12';

/** A kernel's source on this machine, or what it takes to have it. */
export type KernelSource = { readonly folder: string } | { readonly missing: string };

/** Set to 1, it allows what takes minutes: 155 MB are fetched, and 1.3 GB unpacked. */
const FETCH_VARIABLE = 'DMABUF_FETCH_SOURCE';

/**
 * The C files of Debian's kernel: 1.3 GB in the cache. Like the guests' kernel it is the newest
 * that apt knew when it was fetched, which is done only where the environment asks for it.
 */
export function findKernelSource(environment: NodeJS.ProcessEnv = process.env): KernelSource {
  if (!existsSync(join(cacheFolder(environment), PACKAGE)) && environment[FETCH_VARIABLE] !== '1')
    return {
      missing: `${PACKAGE} is not in the cache: ${FETCH_VARIABLE}=1 npm test -- --only linux-source fetches it`,
    };
  try {
    return { folder: cached(PACKAGE, unpackSource) };
  } catch (error) {
    if (error instanceof GuestError) return { missing: `${PACKAGE} cannot be had: ${error.message}` };
    throw error;
  }
}

function unpackSource(folder: string): void {
  const packages = join(folder, 'packages');
  mkdirSync(packages);
  reportProgress(`fetching ${PACKAGE} (about 155 MB, 1.3 GB unpacked)`);
  // The same for every architecture.
  const architecture = process.arch === 'arm64' ? ARCHITECTURES.arm64 : ARCHITECTURES.x86_64;
  unpackPackages(architecture, [PACKAGE], packages);
  const sources = join(packages, 'usr', 'src');
  const archive = readdirSync(sources).find((name) => name.startsWith(`${PACKAGE}.tar`));
  if (archive === undefined) throw new GuestError(`Cannot unpack ${PACKAGE} as it has no archive`);
  runProgram('tar', ['-C', folder, '--strip-components=1', '--wildcards', '-xf', join(sources, archive), '*.c', '*.h']);
  rmSync(packages, { recursive: true });
}
