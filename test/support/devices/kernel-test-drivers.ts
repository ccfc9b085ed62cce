import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';

/** The only machine whose kernel tests load modules into: that of vm/init-script.ts. */
const GUEST = 'dmabuf-guest';
/** Where it has them (vm/kernel-test-drivers.ts). */
const FOLDER = '/lib/dmabuf';

/** Why a test driver of the kernel's own cannot be loaded here; false where it can be. */
export function missingTestDriver(name: string): string | false {
  if (hostname() !== GUEST)
    return `${name}, a test driver of the kernel, is loaded in a guest only: npm run vm boots one`;
  if (existsSync(`${FOLDER}/${name}.ko`)) return false;
  return `this guest has no ${name}: ${process.env['DMABUF_TEST_DRIVERS_MISSING'] ?? 'it was not built'}`;
}

/** Loads modules of Debian's kernel that a test driver needs. */
export function loadModules(...names: readonly string[]): void {
  run('modprobe', '-a', ...names);
}

export function insertTestDriver(name: string, ...parameters: readonly string[]): void {
  run('insmod', `${FOLDER}/${name}.ko`, ...parameters);
}

export function removeTestDriver(name: string): void {
  run('rmmod', name);
}

function run(program: string, ...words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${words.join(' ')}: ${error?.message ?? stderr}`);
}
