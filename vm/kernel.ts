import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { MODULES } from './architectures.ts';
import type { Architecture } from './architectures.ts';
import { cached, cacheKey } from './cache.ts';
import type { ArchiveEntry } from './cpio.ts';
import { dependenciesOf, dependencyOf, unpackPackages } from './debian-packages.ts';
import { GuestError } from './guest-error.ts';
import { loadOrder, parseModules } from './module-order.ts';
import { reportProgress, runProgram } from './run-program.ts';

/** A kernel of Debian's, with its modules as files of a guest. */
export interface Kernel {
  /** The output of `uname -r`. */
  readonly release: string;
  readonly imagePath: string;
  /** A folder like `/lib/modules/RELEASE`, with only {@link MODULES} and their dependencies. */
  readonly modulesFolder: string;
  /**
   * What further modules are built against: a folder with `usr/src` and `usr/lib`. Undefined for
   * guests of another architecture than this machine's, and those without heaps.
   */
  readonly headersFolder: string | undefined;
}

/** Its headers, and the programs that build with them, which run on this machine. */
const HEADER_PACKAGE = /^linux-(?:headers|kbuild)-/u;

/**
 * The newest kernel that apt knew at the download. The exact package leaves the archive when the
 * next one comes, so no version is pinned. To get a new one, empty the cache.
 */
export function fetchKernel(architecture: Architecture): Kernel {
  const { guestName, kernelPackages } = architecture;
  const headers = takesHeaders(architecture) ? { headers: true } : {};
  const key = cacheKey({ kernelPackages, modules: MODULES, ...headers });
  const folder = cached(`kernel-${guestName}-${key}`, (target) => buildKernel(architecture, target));
  const release = readFileSync(join(folder, 'release'), 'utf8');
  return {
    release,
    imagePath: join(folder, 'vmlinuz'),
    modulesFolder: join(folder, 'modules'),
    headersFolder: takesHeaders(architecture) ? join(folder, 'headers') : undefined,
  };
}

/** Whether its modules can be built here. */
export function takesHeaders({ hasHeaps, nodeArchitecture }: Architecture): boolean {
  return hasHeaps && nodeArchitecture === process.arch;
}

function buildKernel(architecture: Architecture, folder: string): void {
  const packageName = dependencyOf(architecture, architecture.kernelPackages);
  reportProgress(`fetching ${packageName} (about 110 MB)`);
  const unpacked = join(folder, 'unpacked');
  mkdirSync(unpacked);
  unpackPackages(architecture, [packageName], unpacked);
  const image = readdirSync(join(unpacked, 'boot')).find((name) => name.startsWith('vmlinuz-'));
  if (image === undefined) throw new GuestError(`Cannot build the guest as ${packageName} has no kernel`);
  const release = image.slice('vmlinuz-'.length);
  cpSync(join(unpacked, 'boot', image), join(folder, 'vmlinuz'));
  keepModules(unpacked, release, join(folder, 'modules'));
  // Now, because the archive will not have them when it has the next kernel.
  if (takesHeaders(architecture)) unpackHeaders(architecture, release, join(folder, 'headers'));
  writeFileSync(join(folder, 'release'), release);
  rmSync(unpacked, { recursive: true });
}

function unpackHeaders(architecture: Architecture, release: string, folder: string): void {
  const packageName = `linux-headers-${release}`;
  const others = dependenciesOf(architecture, packageName).filter((name) => HEADER_PACKAGE.test(name));
  mkdirSync(folder);
  unpackPackages(architecture, [packageName, ...others], folder);
  rmSync(join(folder, 'downloads'), { recursive: true });
}

function keepModules(unpacked: string, release: string, target: string): void {
  // Since Debian 13 packages have usr/lib in place of lib, which is where depmod looks.
  if (!existsSync(join(unpacked, 'lib'))) symlinkSync('usr/lib', join(unpacked, 'lib'));
  runProgram('depmod', ['-b', unpacked, release]);
  const source = join(unpacked, 'lib', 'modules', release);
  const entries = parseModules(readFileSync(join(source, 'modules.dep'), 'utf8'));
  const paths = loadOrder(entries, MODULES);
  for (const path of paths) {
    cpSync(join(source, path), join(target, path));
    if (path.endsWith('.xz')) runProgram('xz', ['-d', join(target, path)]);
  }
  const kept = [...entries.values()].filter(({ path }) => paths.includes(path));
  const lines = kept.map(({ path, needs }) => `${[`${path}:`, ...needs].join(' ')}\n`.replaceAll('.ko.xz', '.ko'));
  writeFileSync(join(target, 'modules.dep'), lines.join(''));
}

/** Every module, and the index files of `modprobe`. */
export function moduleEntries({ release, modulesFolder }: Kernel): ArchiveEntry[] {
  const files = readdirSync(modulesFolder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((file) => {
    const path = join(file.parentPath, file.name);
    return {
      path: `lib/modules/${release}${path.slice(modulesFolder.length)}`,
      kind: 'file',
      content: readFileSync(path),
    };
  });
}
