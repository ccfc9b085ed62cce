import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { readKernelConfig, readKernelRelease } from './kernel-config.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const RELEASE = { 'proc/sys/kernel/osrelease': '6.12.90-test\n' };
const CONFIG = [
  '#',
  '# Automatically generated file; DO NOT EDIT.',
  'CONFIG_UDMABUF=y',
  'CONFIG_VGEM=m',
  '# CONFIG_DMABUF_HEAPS is not set',
  'CONFIG_CMA_SIZE_MBYTES=64',
  '',
].join('\n');

test('readKernelConfig() tells what is built in, a module, set to a value, or not set', (t) => {
  const config = readKernelConfig(
    otherMachine({ root: temporaryTree(t, { ...RELEASE, 'boot/config-6.12.90-test': CONFIG }) }),
  );
  assert.equal(config?.path, '/boot/config-6.12.90-test');
  assert.deepEqual(
    ['CONFIG_UDMABUF', 'CONFIG_VGEM', 'CONFIG_DMABUF_HEAPS', 'CONFIG_CMA_SIZE_MBYTES', 'CONFIG_OF_ANOTHER_KERNEL'].map(
      config.valueOf,
    ),
    ['y', 'm', 'n', '64', 'n'],
  );
});

test('readKernelConfig() takes /proc/config.gz before any file', (t) => {
  const root = temporaryTree(t, { ...RELEASE, 'boot/config-6.12.90-test': CONFIG });
  writeFileSync(join(root, 'proc/config.gz'), gzipSync('CONFIG_UDMABUF=m\n'));
  const config = readKernelConfig(otherMachine({ root }));
  assert.deepEqual([config?.path, config?.valueOf('CONFIG_UDMABUF')], ['/proc/config.gz', 'm']);
});

test('readKernelConfig() skips a /proc/config.gz that is not a gzip file, and configurations of other kernels', (t) => {
  const root = temporaryTree(t, {
    ...RELEASE,
    'proc/config.gz': 'not compressed',
    'boot/config-6.1.0-other': CONFIG,
    'usr/lib/modules/6.12.90-test/config': CONFIG,
  });
  assert.equal(readKernelConfig(otherMachine({ root }))?.path, '/usr/lib/modules/6.12.90-test/config');
});

test('readKernelConfig() gives nothing where there is no configuration', (t) => {
  const root = temporaryTree(t, RELEASE);
  mkdirSync(join(root, 'boot'));
  assert.equal(readKernelConfig(otherMachine({ root })), undefined);
});

test(
  'readKernelConfig() agrees with zcat on this machine',
  { skip: !existsSync('/proc/config.gz') && 'this kernel shows no /proc/config.gz' },
  () => {
    const lines = execFileSync('zcat', ['/proc/config.gz'], { encoding: 'utf8' }).split('\n');
    const config = readKernelConfig();
    for (const option of ['CONFIG_MEMFD_CREATE', 'CONFIG_UDMABUF', 'CONFIG_DMA_SHARED_BUFFER']) {
      assert.equal(config?.valueOf(option) === 'y', lines.includes(`${option}=y`), option);
    }
  },
);

test('readKernelRelease() is what uname prints', () => {
  assert.equal(readKernelRelease(), execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim());
});
