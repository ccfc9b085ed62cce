import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';

/** The kernel modules of vm/modules/. */
type OwnModule = 'dmabuf_measure' | 'dmabuf_standin';

/** The only machine whose kernel tests load modules into: that of vm/init-script.ts. */
const GUEST = 'dmabuf-guest';
/** Where it has them (vm/guest-modules.ts). */
const FOLDER = '/lib/dmabuf';
const COMMAND = 'npm run vm -- --icount node --enable-source-maps --test dist/test/modules/*.test.js';

/**
 * Why no module of this repository can be loaded here; false where it can. For the `skip` of a
 * test.
 */
export function missingModules(): string | false {
  if (hostname() !== GUEST) return `kernel modules are loaded only in a guest: ${COMMAND}`;
  if (existsSync(pathOfModule('dmabuf_measure'))) return false;
  return `this guest has no modules: ${process.env['DMABUF_MODULES_MISSING'] ?? 'they were not built'}`;
}

export function pathOfModule(name: OwnModule): string {
  return `${FOLDER}/${name}.ko`;
}

/** @param parameters such as `size_max_mib=1` */
export function loadModule(name: OwnModule, ...parameters: readonly string[]): void {
  assert.equal(insertModule(pathOfModule(name), ...parameters), '');
}

export function unloadModule(name: OwnModule): void {
  assert.equal(removeModule(name), '');
}

/** What `insmod` says: nothing where it succeeds. */
export function insertModule(path: string, ...parameters: readonly string[]): string {
  return spawnSync('insmod', [path, ...parameters], { encoding: 'utf8' }).stderr.trim();
}

/** What `rmmod` says: nothing where it succeeds. */
export function removeModule(name: OwnModule): string {
  return spawnSync('rmmod', [name], { encoding: 'utf8' }).stderr.trim();
}
