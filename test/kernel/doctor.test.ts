/** What the doctor prescribes is done, and the device opens: on a node of the test's own for the kernel's heap. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { examineHeaps } from '../../src/machine/doctor/examine-heaps.ts';
import type { Finding } from '../../src/machine/doctor/finding.ts';
import { tryOpen } from '../../src/machine/doctor/try-open.ts';
import { explainRefusedDevice } from '../../src/linux/device-access.ts';
import { asNobody, cannotBeNobody } from '../support/other-user.ts';
import { temporaryTree } from '../support/temporary-folder.ts';

const HEAP = '/dev/dma_heap/system';
const VIDEO = 4444;
const PASSWD = 'nobody:x:65534:65534:nobody:/:/bin/sh\n';
const GROUP = `root:x:0:\nvideo:x:${VIDEO}:\n`;

function whyNot(): string | false {
  if (!existsSync(HEAP)) return `this machine has no ${HEAP}`;
  if (process.geteuid?.() !== 0) return 'only root can make a device node';
  return cannotBeNobody();
}

/** A root folder with a node for the kernel's heap, which only root may open. Undefined where nodes cannot be made. */
function rootWithHeap(t: TestContext): string {
  const root = temporaryTree(t, { 'etc/passwd': PASSWD, 'etc/group': GROUP, 'dev/dma_heap/.keep': '' });
  chmodSync(root, 0o755);
  symlinkSync('/proc', join(root, 'proc'));
  const { rdev } = statSync(HEAP);
  // The layout of dev_t that the kernel has in stat (man 3 makedev).
  const [major, minor] = [(rdev >> 8) & 0xfff, (rdev & 0xff) | ((rdev >> 12) & 0xfff00)];
  execFileSync('mknod', ['-m', '0600', join(root, HEAP), 'c', String(major), String(minor)]);
  return root;
}

function examineAsNobody(root: string, groupIds: readonly number[] = []): Finding | undefined {
  return asNobody(() => examineHeaps(root), groupIds).find(({ id }) => id === 'heap:system');
}

/** As the root of the test's own tree, who needs no sudo. */
function obey(command: string, root: string): void {
  execFileSync('sh', [
    '-ec',
    command.replaceAll('sudo ', '').replaceAll('/dev/', `${root}/dev/`).replace(' video ', ` ${VIDEO} `),
  ]);
}

test('examineHeaps() prescribes what opens a heap of root to a user', { skip: whyNot() }, (t) => {
  const root = rootWithHeap(t);
  assert.equal(
    asNobody(() => tryOpen(join(root, HEAP))),
    'EACCES',
  );
  const refused = examineAsNobody(root);
  assert.equal(refused?.status, 'problem');
  assert.match(refused.found, /^\/dev\/dma_heap\/system belongs to root:root with mode 0600/u);
  assert.deepEqual(refused.remedy?.commands, [
    'sudo chgrp video /dev/dma_heap/system',
    'sudo chmod 0660 /dev/dma_heap/system',
    'sudo usermod -aG video nobody',
  ]);

  for (const command of refused.remedy.commands.slice(0, 2)) obey(command, root);
  const outside = examineAsNobody(root);
  assert.match(outside?.found ?? '', /belongs to root:video with mode 0660, and user nobody is not in that group/u);
  assert.deepEqual(outside?.remedy?.commands, ['sudo usermod -aG video nobody']);

  // What usermod does.
  writeFileSync(join(root, 'etc/group'), `root:x:0:\nvideo:x:${VIDEO}:nobody\n`);
  const early = examineAsNobody(root);
  assert.equal(early?.status, 'problem');
  assert.match(early.remedy?.note ?? '', /^log in again/u);

  // What logging in again does.
  const opened = examineAsNobody(root, [VIDEO]);
  assert.equal(opened?.status, 'ok');
  assert.match(opened.found, /root:video with mode 0660, in that group: nobody$/u);
  assert.equal(
    asNobody(() => tryOpen(join(root, HEAP)), [VIDEO]),
    undefined,
  );
});

test('explainRefusedDevice() knows a node of the right name with no heap behind it', { skip: whyNot() }, (t) => {
  const root = rootWithHeap(t);
  const node = join(root, 'dev/dma_heap/gone');
  const { rdev } = statSync(HEAP);
  // The kernel registers 128 minors for heaps, and uses them from 0 on.
  execFileSync('mknod', ['-m', '0666', node, 'c', String((rdev >> 8) & 0xfff), '127']);
  const code = tryOpen(node);
  assert.equal(code, 'ENXIO');
  assert.match(explainRefusedDevice('/dev/dma_heap/gone', code, root).reason, /no driver behind it/u);
});
