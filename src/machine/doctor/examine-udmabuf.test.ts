import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { probeHeaps } from '../../backend/list-heaps.ts';
import { asNobody, cannotBeNobody } from '../../../test/support/processes/other-user.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { examineUdmabuf as examineProbed } from './examine-udmabuf.ts';
import type { Finding } from './finding.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

function examineUdmabuf(root: string): Finding[] {
  return examineProbed(otherMachine({ root }), probeHeaps(otherMachine({ root })));
}

const ROOT_USER = { 'proc/self/status': 'Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t0\nCapEff:\t1ff\n' };
const RELEASE = { 'proc/sys/kernel/osrelease': '6.12.90-test\n' };
const DEVICE = { 'dev/udmabuf': '' };

function limits(sizeLimitMib: number, listLimit: number): Record<string, string> {
  return {
    'sys/module/udmabuf/parameters/size_limit_mb': `${sizeLimitMib}\n`,
    'sys/module/udmabuf/parameters/list_limit': `${listLimit}\n`,
  };
}

test('examineUdmabuf() warns of a missing device, and reports a problem for one that refuses', (t) => {
  const [missing, ...others] = examineUdmabuf(temporaryTree(t, {}));
  assert.deepEqual([missing?.id, missing?.status, missing?.found], ['udmabuf', 'warning', 'there is no /dev/udmabuf']);
  assert.deepEqual(others, []);
});

test('examineUdmabuf() reports a problem for a device that refuses', { skip: cannotBeNobody() }, (t) => {
  const root = temporaryTree(t, DEVICE);
  chmodSync(root, 0o755);
  chmodSync(join(root, 'dev/udmabuf'), 0);
  const [refused] = asNobody(() => examineUdmabuf(root));
  assert.equal(refused?.status, 'problem');
  assert.match(refused.remedy?.commands.join('\n') ?? '', /chmod 0660 \/dev\/udmabuf/u);
});

test('examineUdmabuf() reports ok for a device that opens', (t) => {
  const findings = examineUdmabuf(temporaryTree(t, DEVICE));
  assert.deepEqual(
    findings.map(({ id, status, found }) => [id, status, found]),
    [['udmabuf', 'ok', '/dev/udmabuf is open to this process']],
  );
});

test('examineUdmabuf() shows the limits of a driver that is built in, and how to raise them', (t) => {
  const config = { ...RELEASE, 'boot/config-6.12.90-test': 'CONFIG_UDMABUF=y\n' };
  const [, finding] = examineUdmabuf(temporaryTree(t, { ...DEVICE, ...ROOT_USER, ...config, ...limits(64, 1024) }));
  assert.deepEqual(
    [finding?.status, finding?.found],
    ['note', 'a udmabuf may have 64 MiB (size_limit_mb) and 1024 pieces (list_limit)'],
  );
  assert.deepEqual(finding?.remedy, {
    commands: [
      'echo 256 | tee /sys/module/udmabuf/parameters/size_limit_mb',
      'echo 65536 | tee /sys/module/udmabuf/parameters/list_limit',
    ],
    note: 'to keep it, write on the command line of the kernel: udmabuf.size_limit_mb=256 udmabuf.list_limit=65536',
  });
});

test('examineUdmabuf() keeps the limits of a module in modprobe.d', (t) => {
  const module = { ...RELEASE, 'lib/modules/6.12.90-test/modules.dep': 'kernel/drivers/dma-buf/udmabuf.ko:\n' };
  const [, finding] = examineUdmabuf(temporaryTree(t, { ...DEVICE, ...ROOT_USER, ...module, ...limits(64, 1024) }));
  assert.equal(
    finding?.remedy?.commands[2],
    "echo 'options udmabuf size_limit_mb=256 list_limit=65536' | tee /etc/modprobe.d/udmabuf.conf",
  );
});

test('examineUdmabuf() reports ok for raised limits', (t) => {
  const [, finding] = examineUdmabuf(temporaryTree(t, { ...DEVICE, ...limits(1024, 65_536) }));
  assert.deepEqual([finding?.status, finding?.remedy], ['ok', undefined]);
  assert.match(finding?.found ?? '', /1 GiB .* 65536 pieces/u);
});
