/**
 * Test drivers of the kernel's own that Debian leaves out of its kernels, built here of Debian's
 * source of the kernel, where the cache has that.
 */

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Architecture } from './architectures.ts';
import type { GuestCommand } from './boot-archive.ts';
import { filesOfModules } from './guest-modules.ts';
import { findKernelSource } from './kernel-source.ts';
import { makeModules } from './make-modules.ts';
import type { GuestModules } from './make-modules.ts';

const VKMS = 'drivers/gpu/drm/vkms';
const VKMS_UNITS = ['composer', 'crtc', 'drv', 'formats', 'output', 'plane', 'writeback'].map((name) => `vkms_${name}`);
/** A memory-to-memory device, and what such drivers share; a screen in software. */
const SOURCES = [
  'drivers/media/v4l2-core/v4l2-mem2mem.c',
  'drivers/media/test-drivers/vim2m.c',
  ...['vkms_drv.h', 'vkms_formats.h', ...VKMS_UNITS.map((name) => `${name}.c`)].map((name) => `${VKMS}/${name}`),
];
const KBUILD = `obj-m := v4l2-mem2mem.o vim2m.o vkms.o
vkms-y := ${VKMS_UNITS.map((name) => `${name}.o`).join(' ')}
`;
/** Tells a guest's tests why it has none. */
const MISSING_VARIABLE = 'DMABUF_TEST_DRIVERS_MISSING';

/** The files that give a guest the drivers, or the reason why it has none. */
export function testDriversForGuest(architecture: Architecture): Required<Pick<GuestCommand, 'environment' | 'files'>> {
  const modules = buildTestDrivers(architecture);
  if ('missing' in modules) return { environment: { [MISSING_VARIABLE]: modules.missing }, files: [] };
  return { environment: {}, files: filesOfModules(modules.paths) };
}

/**
 * Builds the drivers, unless the cache has them. Takes 7 s of processor time.
 *
 * @throws GuestError when the guest's kernel cannot be fetched
 */
export function buildTestDrivers(architecture: Architecture): GuestModules {
  const source = findKernelSource();
  if ('missing' in source) return source;
  const paths = SOURCES.map((path) => join(source.folder, path));
  return makeModules(architecture, {
    name: 'test-drivers',
    sources: [KBUILD, ...paths.map((path) => readFileSync(path, 'utf8'))],
    copy: (folder) => {
      for (const path of paths) cpSync(path, join(folder, basename(path)));
      writeFileSync(join(folder, 'Kbuild'), KBUILD);
    },
  });
}
