import assert from 'node:assert/strict';
import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { probeHeaps } from '../../backend/list-heaps.ts';
import { asNobody, cannotBeNobody } from '../../../test/support/processes/other-user.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { examineHeaps as examineProbed } from './examine-heaps.ts';
import type { Finding } from './finding.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

function examineHeaps(root: string): Finding[] {
  return examineProbed(otherMachine({ root }), probeHeaps(otherMachine({ root })));
}

const ACCOUNTING = 'sys/module/dma_heap/parameters/mem_accounting';
const ALICE = {
  'proc/self/status': 'Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t1000\nCapEff:\t0\n',
  'etc/passwd': 'alice:x:1000:1000::/home/alice:/bin/sh\n',
  'etc/group': 'root:x:0:\nvideo:x:44:bob,carol\n',
};

function find(findings: readonly Finding[], id: string): Finding {
  const found = findings.find((finding) => finding.id === id);
  assert.ok(found, `there is no finding ${id}`);
  return found;
}

test('examineHeaps() warns of a machine without heaps, with the remedy', (t) => {
  const [finding, ...others] = examineHeaps(temporaryTree(t, {}));
  assert.deepEqual([finding?.id, finding?.status, finding?.found], ['heaps', 'warning', 'there is no /dev/dma_heap']);
  assert.match(finding?.remedy?.note ?? '', /CONFIG_DMABUF_HEAPS_SYSTEM/u);
  assert.deepEqual(others, []);
});

test('examineHeaps() describes each heap by its name', (t) => {
  const names = ['linux,cma', 'system', 'system-uncached-dma32', 'qcom,secure-pixel'];
  const root = temporaryTree(t, Object.fromEntries(names.map((name) => [`dev/dma_heap/${name}`, ''])));
  const findings = examineHeaps(root);
  assert.deepEqual(
    findings.filter(({ id }) => id.startsWith('heap:')).map(({ id, status }) => [id, status]),
    [
      ['heap:linux,cma', 'ok'],
      ['heap:qcom,secure-pixel', 'ok'],
      ['heap:system', 'ok'],
      ['heap:system-uncached-dma32', 'ok'],
    ],
  );
  assert.match(find(findings, 'heap:linux,cma').found, /contiguous/u);
  assert.match(find(findings, 'heap:system-uncached-dma32').found, /uncached, below 4 GiB/u);
  assert.match(find(findings, 'heap:qcom,secure-pixel').found, /closed to the CPU/u);
  assert.doesNotMatch(find(findings, 'heap:system').found, /contiguous|uncached|4 GiB|closed/u);
});

test(
  'examineHeaps() names the members of the group that may open a heap',
  { skip: process.geteuid?.() !== 0 && 'only root can give a file to a group that it is not in' },
  (t) => {
    const root = temporaryTree(t, { ...ALICE, 'dev/dma_heap/system': '' });
    const node = join(root, 'dev/dma_heap/system');
    chownSync(node, 0, 44);
    chmodSync(node, 0o660);
    assert.match(
      find(examineHeaps(root), 'heap:system').found,
      /; root:video with mode 0660, in that group: bob, carol$/u,
    );
    chmodSync(node, 0o600);
    assert.match(find(examineHeaps(root), 'heap:system').found, /; root:video with mode 0600$/u);
  },
);

test('examineHeaps() reports a problem for a heap that refuses, with the reason', { skip: cannotBeNobody() }, (t) => {
  const root = temporaryTree(t, { ...ALICE, 'dev/dma_heap/system': '', 'run/udev/control': '' });
  chmodSync(root, 0o755);
  chmodSync(join(root, 'dev/dma_heap/system'), 0);
  const { status, found, matters, remedy } = find(
    asNobody(() => examineHeaps(root)),
    'heap:system',
  );
  assert.equal(status, 'problem');
  assert.match(found, /^\/dev\/dma_heap\/system belongs to .* with mode 0000, which lets no one else in \(/u);
  assert.match(matters, /charged to no control group/u);
  assert.match(
    remedy?.commands[0] ?? '',
    /^echo 'SUBSYSTEM=="dma_heap", KERNEL=="system", GROUP="video", MODE="0660"' \|/u,
  );
  assert.equal(remedy?.commands.at(-1), 'sudo usermod -aG video alice');
});

test('examineHeaps() reports a problem for a /dev/dma_heap that is not a folder', (t) => {
  const [finding] = examineHeaps(temporaryTree(t, { 'dev/dma_heap': '' }));
  assert.deepEqual([finding?.id, finding?.status], ['heaps', 'problem']);
});

test('examineHeaps() tells whether the memory of heaps is charged', (t) => {
  const accounting = (files: Record<string, string>): Finding =>
    find(examineHeaps(temporaryTree(t, { 'dev/dma_heap/system': '', ...files })), 'heap-accounting');
  assert.equal(accounting({ [ACCOUNTING]: 'Y\n' }).status, 'ok');
  const off = accounting({ [ACCOUNTING]: 'N\n' });
  assert.equal(off.status, 'note');
  assert.match(off.remedy?.note ?? '', /dma_heap\.mem_accounting=1/u);
  const unable = accounting({});
  assert.equal(unable.status, 'note');
  assert.match(unable.found, /this kernel cannot$/u);
  assert.equal(unable.remedy, undefined);
});
