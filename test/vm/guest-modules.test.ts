import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

import { ARCHITECTURES } from '../../vm/architectures.ts';
import { buildModules, modulesForGuest } from '../../vm/guest-modules.ts';
import type { GuestModules } from '../../vm/guest-modules.ts';
import { fetchKernel } from '../../vm/kernel.ts';
import { missingCompiler } from '../support/processes/c-compiler.ts';
import { missingForGuest } from '../support/runner/guest-tests.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const ARCHITECTURE = ARCHITECTURES.x86_64;
const missingGuest = missingForGuest({ guest: 'x86_64', memoryMiB: 0 });
const modules: GuestModules = missingGuest === undefined ? buildModules(ARCHITECTURE) : { missing: missingGuest };

/** What a machine may lack. All else is a fault of the sources. */
function lacking(): string | false {
  if (!('missing' in modules)) return false;
  return missingGuest !== undefined || /^(?:there is no|modules are built for)/u.test(modules.missing)
    ? modules.missing
    : false;
}

test("the kernel modules are built against the headers of the guest's kernel", { skip: lacking() }, () => {
  assert.ok('paths' in modules, JSON.stringify(modules));
  assert.deepEqual(
    modules.paths.map((path) => basename(path)),
    ['dmabuf_measure.ko', 'dmabuf_standin.ko'],
  );
  const { release } = fetchKernel(ARCHITECTURE);
  for (const path of modules.paths) assert.ok(readFileSync(path).includes(`vermagic=${release} `), path);
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
