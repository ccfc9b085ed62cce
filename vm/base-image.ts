import { closeSync, openSync, readFileSync, writevSync } from 'node:fs';
import { join } from 'node:path';

import { MODULES } from './architectures.ts';
import type { Architecture } from './architectures.ts';
import { cached, cacheKey } from './cache.ts';
import { archivePieces } from './cpio.ts';
import type { ArchiveEntry } from './cpio.ts';
import { unpackPackages } from './debian-packages.ts';
import { INIT_SCRIPT, PACKAGE_FOLDER } from './init-script.ts';
import { fetchKernel, moduleEntries } from './kernel.ts';
import { findNodeRuntime, runtimeEntries, runtimeIdentity } from './node-runtime.ts';
import { reportProgress } from './run-program.ts';

/**
 * The parts of a guest that are the same for every boot: the kernel, and most of its file system.
 */
export interface BaseImage {
  readonly kernelPath: string;
  readonly archivePath: string;
}

/** Folders that {@link INIT_SCRIPT} mounts over or writes into. */
const EMPTY_FOLDERS = ['dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp', 'usr'];

const FIXED_ENTRIES: readonly ArchiveEntry[] = [
  { path: 'init', kind: 'program', content: INIT_SCRIPT },
  { path: 'bin/sh', kind: 'link', content: 'busybox' },
  { path: 'bin/dmabuf', kind: 'link', content: `${PACKAGE_FOLDER}/dist/src/cli/main.js` },
  { path: 'sbin', kind: 'link', content: 'bin' },
  { path: 'usr/bin', kind: 'link', content: '../bin' },
  { path: 'usr/sbin', kind: 'link', content: '../bin' },
  {
    path: 'etc/passwd',
    kind: 'file',
    content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n',
  },
  { path: 'etc/group', kind: 'file', content: 'root:x:0:\nvideo:x:44:\nrender:x:105:\nnogroup:x:65534:\n' },
  { path: 'etc/hosts', kind: 'file', content: '127.0.0.1 localhost\n127.0.1.1 dmabuf-guest\n' },
  ...EMPTY_FOLDERS.map((folder) => ({ path: `${folder}/.keep`, kind: 'file', content: '' }) as const),
];

/**
 * Builds the kernel and the base image if the cache does not have them. The first time, this
 * downloads about 110 MB.
 */
export function prepareBaseImage(architecture: Architecture): BaseImage {
  const kernel = fetchKernel(architecture);
  const runtime = findNodeRuntime(architecture);
  const fixed = FIXED_ENTRIES.map(({ path, kind, content }) => [path, kind, String(content)]);
  const key = cacheKey({ kernel: kernel.release, modules: MODULES, runtime: runtimeIdentity(runtime), fixed });
  const folder = cached(`image-${architecture.guestName}-${key}`, (target) => {
    reportProgress(`building the image of guest ${architecture.guestName}, kernel ${kernel.release}`);
    writeArchive(join(target, 'base.cpio'), [
      ...FIXED_ENTRIES,
      ...moduleEntries(kernel),
      ...runtimeEntries(runtime),
      busyboxEntry(architecture),
    ]);
  });
  return { kernelPath: kernel.imagePath, archivePath: join(folder, 'base.cpio') };
}

function busyboxEntry(architecture: Architecture): ArchiveEntry {
  const folder = cached(`busybox-${architecture.debianArchitecture}`, (target) =>
    unpackPackages(architecture, ['busybox-static'], target),
  );
  return { path: 'bin/busybox', kind: 'program', content: readFileSync(join(folder, 'bin', 'busybox')) };
}

function writeArchive(path: string, entries: readonly ArchiveEntry[]): void {
  const file = openSync(path, 'w');
  try {
    for (const piece of archivePieces(entries)) writevSync(file, [piece]);
  } finally {
    closeSync(file);
  }
}
