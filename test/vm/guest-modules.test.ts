import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

import { ARCHITECTURES } from '../../vm/architectures.ts';
import { buildModules, modulesForGuest } from '../../vm/guest-modules.ts';
import { buildTestDrivers, testDriversForGuest } from '../../vm/kernel-test-drivers.ts';
import { fetchKernel } from '../../vm/kernel.ts';
import type { GuestModules } from '../../vm/make-modules.ts';
import { missingCompiler } from '../support/processes/c-compiler.ts';
import { missingForGuest } from '../support/runner/guest-tests.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const ARCHITECTURE = ARCHITECTURES.x86_64;
const missingGuest = missingForGuest({ guest: 'x86_64', memoryMiB: 0 });
const modules: GuestModules = missingGuest === undefined ? buildModules(ARCHITECTURE) : { missing: missingGuest };
const drivers: GuestModules = missingGuest === undefined ? buildTestDrivers(ARCHITECTURE) : { missing: missingGuest };

/** What a machine may lack. All else is a fault of the sources. */
function lacking(built: GuestModules): string | false {
  if (!('missing' in built)) return false;
  return missingGuest !== undefined || /^(?:there is no|modules are built for|linux-source-)/u.test(built.missing)
    ? built.missing
    : false;
}

/** Assigning undefined to a variable would make it the text of that name. */
function restore(environment: NodeJS.ProcessEnv, values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete environment[name];
    else environment[name] = value;
  }
}

test("the kernel modules are built against the headers of the guest's kernel", { skip: lacking(modules) }, () => {
  assert.ok('paths' in modules, JSON.stringify(modules));
  assert.deepEqual(
    modules.paths.map((path) => basename(path)),
    ['dmabuf_measure.ko', 'dmabuf_standin.ko'],
  );
  const { release } = fetchKernel(ARCHITECTURE);
  for (const path of modules.paths) assert.ok(readFileSync(path).includes(`vermagic=${release} `), path);
});

test("the kernel's own test drivers are built of Debian's source of the kernel", { skip: lacking(drivers) }, () => {
  assert.ok('paths' in drivers, JSON.stringify(drivers));
  assert.deepEqual(
    drivers.paths.map((path) => basename(path)),
    ['v4l2-mem2mem.ko', 'vim2m.ko', 'vkms.ko'],
  );
  const { release } = fetchKernel(ARCHITECTURE);
  for (const path of drivers.paths) assert.ok(readFileSync(path).includes(`vermagic=${release} `), path);
});

test("a guest without the kernel's test drivers is told why: which source is missing, and how it is had", (t) => {
  const { DMABUF_VM_CACHE, DMABUF_FETCH_SOURCE } = process.env;
  t.after(() => restore(process.env, { DMABUF_VM_CACHE, DMABUF_FETCH_SOURCE }));
  Object.assign(process.env, { DMABUF_VM_CACHE: temporaryFolder(t), DMABUF_FETCH_SOURCE: '' });
  assert.deepEqual(testDriversForGuest(ARCHITECTURE), {
    environment: {
      DMABUF_TEST_DRIVERS_MISSING:
        'linux-source-6.12 is not in the cache: DMABUF_FETCH_SOURCE=1 npm test -- --only linux-source fetches it',
    },
    files: [],
  });
});

test(
  'a guest without kernel modules is told why: the programs that are missing, and the command that installs them',
  { skip: missingGuest ?? false },
  (t) => {
    const { PATH } = process.env;
    t.after(() => (process.env['PATH'] = PATH));
    process.env['PATH'] = '/nonexistent';
    const { files, environment } = modulesForGuest(ARCHITECTURE);
    assert.deepEqual(files, []);
    assert.match(
      environment['DMABUF_MODULES_MISSING'] ?? '',
      /^there is no make, x86_64-linux-gnu-gcc-\d+: run "npm run vm:install" as root$/u,
    );
  },
);

test('guests of other architectures have no kernel modules, and are told why', () => {
  const { files, environment } = modulesForGuest(ARCHITECTURES.arm64);
  assert.deepEqual(files, []);
  assert.match(environment['DMABUF_MODULES_MISSING'] ?? '', /^modules are built for kernels with heaps/u);
});

test('the kernel modules are not built for another series of kernels', { skip: missingCompiler() ?? false }, (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'linux'));
  for (const header of ['compiler.h', 'printk.h', 'string.h', 'utsname.h'])
    writeFileSync(join(folder, 'linux', header), '');
  const preprocess = (version: readonly [number, number, number]): string => {
    const [major, minor, patch] = version;
    writeFileSync(
      join(folder, 'linux/version.h'),
      `#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))\n` +
        `#define LINUX_VERSION_CODE KERNEL_VERSION(${major}, ${minor}, ${patch})\n`,
    );
    const source = join(repositoryRoot, 'vm/modules/kernel_series.h');
    return spawnSync('cc', ['-E', '-I', folder, source], { encoding: 'utf8' }).stderr;
  };
  assert.equal(preprocess([6, 12, 0]), '');
  assert.equal(preprocess([6, 12, 255]), '');
  for (const other of [
    [6, 11, 255],
    [6, 13, 0],
    [7, 12, 1],
  ] as const) {
    assert.match(preprocess(other), /This module is written for Linux 6\.12/u);
  }
});
