import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { examineKernel } from './examine-kernel.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const RELEASE = { 'proc/sys/kernel/osrelease': '6.12.90-test\n' };

test('examineKernel() tells what is built in, a module, or missing, and how severe that is', (t) => {
  const config = 'CONFIG_MEMFD_CREATE=y\nCONFIG_DMABUF_HEAPS=y\nCONFIG_SYNC_FILE=m\n# CONFIG_UDMABUF is not set\n';
  const findings = examineKernel(
    otherMachine({ root: temporaryTree(t, { ...RELEASE, 'boot/config-6.12.90-test': config }) }),
  );
  const told = new Map(findings.map(({ id, status, found }) => [id, [status, found]]));
  assert.deepEqual(told.get('kernel:CONFIG_MEMFD_CREATE'), ['ok', 'CONFIG_MEMFD_CREATE=y']);
  assert.deepEqual(told.get('kernel:CONFIG_SYNC_FILE'), ['ok', 'CONFIG_SYNC_FILE=m']);
  assert.deepEqual(told.get('kernel:CONFIG_UDMABUF'), ['warning', 'CONFIG_UDMABUF is not set']);
  assert.deepEqual(told.get('kernel:CONFIG_DMABUF_HEAPS_SYSTEM'), ['warning', 'CONFIG_DMABUF_HEAPS_SYSTEM is not set']);
  assert.deepEqual(told.get('kernel:CONFIG_CMA'), ['note', 'CONFIG_CMA is not set']);
});

test('examineKernel() reports a problem for a kernel without memfds: every backend but the kernel needs them', (t) => {
  const findings = examineKernel(
    otherMachine({ root: temporaryTree(t, { ...RELEASE, 'boot/config-6.12.90-test': '' }) }),
  );
  assert.deepEqual(
    findings.filter(({ status }) => status === 'problem').map(({ id, remedy }) => [id, remedy?.note]),
    [['kernel:CONFIG_MEMFD_CREATE', 'boot a kernel built with CONFIG_MEMFD_CREATE=y']],
  );
});

test('examineKernel() gives one note where the configuration is unknown', (t) => {
  const findings = examineKernel(otherMachine({ root: temporaryTree(t, RELEASE) }));
  assert.deepEqual(
    findings.map(({ id, status }) => [id, status]),
    [['kernel-config', 'note']],
  );
});
