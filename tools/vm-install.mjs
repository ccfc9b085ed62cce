// Installs what the guests of `npm run vm` and of the tests need, on Debian as root: `npm run vm:install`.
// Kernels and images are not installed anywhere: they are fetched into a cache at the first boot.

import { spawnSync } from 'node:child_process';

const PACKAGES = ['kmod', 'qemu-system-arm', 'qemu-system-x86', 'xz-utils'];
const ATTEMPT_COUNT = 3;
const PAUSE_MS = 5000;
const OPTIONS = ['-y', '-q', '-oAcquire::Retries=5', '-oDPkg::Lock::Timeout=300'];

function isInstalled(name) {
  const found = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' });
  return found.stdout === 'installed';
}

function runApt(words) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return (
    spawnSync('apt-get', [...OPTIONS, ...words], { env, stdio: ['ignore', process.stderr, process.stderr] }).status ===
    0
  );
}

/** What keeps this process from installing; undefined when nothing does. */
function obstacle() {
  if (spawnSync('apt-get', ['--version']).error !== undefined)
    return 'there is no apt-get: guests are made of Debian packages';
  if (process.getuid() !== 0) return `only root may: run "apt-get install ${PACKAGES.join(' ')}" as root`;
  return undefined;
}

/** Gives whether everything is there now. */
export function installForGuests() {
  const missing = PACKAGES.filter((name) => !isInstalled(name));
  if (missing.length === 0) return true;
  const reason = obstacle();
  if (reason !== undefined) {
    process.stderr.write(`Cannot install ${missing.join(', ')} as ${reason}\n`);
    return false;
  }
  process.stderr.write(`Installing ${missing.join(', ')}…\n`);
  for (let attempt = 1; attempt <= ATTEMPT_COUNT; attempt += 1) {
    // Lists that cannot be had anew may still be good enough.
    runApt(['update']);
    if (runApt(['install', '--no-install-recommends', ...missing])) return true;
    if (attempt < ATTEMPT_COUNT) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
  process.stderr.write(`Cannot install ${missing.join(', ')}: see the lines above\n`);
  return false;
}
