// Installs what tests need from Debian, as root: `npm run vm:install`. The requirements of the guests
// of `npm run vm`, what builds kernel modules for them (libelf for the kernel's objtool), the compiler
// that builds native/border.c for arm64, and a browser. Kernels and images are not installed: the
// first boot downloads them into a cache.

import { spawnSync } from 'node:child_process';

/** Each group by itself: where one is not to be had, the others are of use. */
const GUEST_PACKAGES = [
  'gcc',
  'gcc-aarch64-linux-gnu',
  'kmod',
  'libc6-dev-arm64-cross',
  'libelf-dev',
  'make',
  'qemu-system-arm',
  'qemu-system-x86',
  'xz-utils',
];
/** Pages are tested in it. */
const BROWSER_PACKAGES = ['chromium'];
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

/** The obstacle to an installation by this process; undefined without one. */
function obstacle(packages) {
  if (spawnSync('apt-get', ['--version']).error !== undefined) return 'there is no apt-get: these are Debian packages';
  if (process.getuid() !== 0) return `only root may: run "apt-get install ${packages.join(' ')}" as root`;
  return undefined;
}

/** Returns whether everything is there now. */
export function installForTests() {
  return [GUEST_PACKAGES, BROWSER_PACKAGES].map(installPackages).every(Boolean);
}

function installPackages(packages) {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return true;
  const reason = obstacle(missing);
  if (reason !== undefined) {
    process.stderr.write(`Cannot install ${missing.join(', ')} as ${reason}\n`);
    return false;
  }
  process.stderr.write(`Installing ${missing.join(', ')}…\n`);
  for (let attempt = 1; attempt <= ATTEMPT_COUNT; attempt += 1) {
    // Old lists may still be good enough.
    runApt(['update']);
    if (runApt(['install', '--no-install-recommends', ...missing])) return true;
    if (attempt < ATTEMPT_COUNT) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
  process.stderr.write(`Cannot install ${missing.join(', ')}: see the lines above\n`);
  return false;
}
