import { mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

import { RUNTIME_LIBRARIES, RUNTIME_PACKAGES } from './architectures.ts';
import type { Architecture } from './architectures.ts';
import { cached, cacheKey } from './cache.ts';
import type { ArchiveEntry } from './cpio.ts';
import { unpackPackages } from './debian-packages.ts';
import { GuestError } from './guest-error.ts';
import { unpackNpmPackage } from './npm-package.ts';
import { reportProgress, runProgram } from './run-program.ts';

/** Node.js and the libraries it is linked to: their places on this machine, and in the guest. */
export interface NodeRuntime {
  readonly files: readonly { readonly source: string; readonly path: string }[];
}

/**
 * For a guest of this machine's architecture: the Node.js that runs this program. For another: one
 * from npm.
 */
export function findNodeRuntime(architecture: Architecture): NodeRuntime {
  return process.arch === architecture.nodeArchitecture ? ownRuntime() : fetchedRuntime(architecture);
}

/** Changes when one of the files changes. */
export function runtimeIdentity({ files }: NodeRuntime): unknown {
  return files.map(({ source, path }) => [path, statSync(source).size, statSync(source).mtimeMs]);
}

export function runtimeEntries({ files }: NodeRuntime): ArchiveEntry[] {
  return files.map(({ source, path }) => ({ path, kind: 'program', content: readFileSync(source) }));
}

function ownRuntime(): NodeRuntime {
  const listed = runProgram('ldd', [process.execPath]);
  const libraries = [...listed.matchAll(/(?<path>\/\S+) \(0x/gu)].map(({ groups }) => groups?.['path'] ?? '');
  return {
    files: [
      { source: realpathSync(process.execPath), path: 'bin/node' },
      ...libraries.map((path) => ({ source: realpathSync(path), path: path.slice(1) })),
    ],
  };
}

function fetchedRuntime(architecture: Architecture): NodeRuntime {
  const { nodePackage, nodeArchitecture, loader } = architecture;
  const key = cacheKey({ nodePackage, RUNTIME_PACKAGES, RUNTIME_LIBRARIES });
  const folder = cached(`node-${nodeArchitecture}-${key}`, (target) => {
    reportProgress(`fetching ${nodePackage.name} ${nodePackage.version}`);
    unpackNpmPackage(nodePackage, target);
    const libraries = join(target, 'libraries');
    mkdirSync(libraries);
    unpackPackages(architecture, RUNTIME_PACKAGES, libraries);
    rmSync(join(libraries, 'downloads'), { recursive: true });
  });
  const found = readdirSync(join(folder, 'libraries'), { recursive: true, encoding: 'utf8' });
  const libraries = [loader, ...RUNTIME_LIBRARIES].map((name) => {
    const path = found.find((path) => basename(path) === name);
    if (path === undefined) throw new GuestError(`Cannot build the guest as no package has the library ${name}`);
    return { source: realpathSync(join(folder, 'libraries', path)), path: `lib/${name}` };
  });
  return { files: [{ source: join(folder, 'bin', 'node'), path: 'bin/node' }, ...libraries] };
}
