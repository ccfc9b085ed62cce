/**
 * The test follows the doctor's prescription, and the device opens: on a device node of the test's
 * own for the kernel's heap.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { isDmaBufError } from '../../src/base/errors.ts';
import type { DmaBufErrorCode } from '../../src/base/errors.ts';
import { createBufferCalls } from '../../src/backend/buffer-calls.ts';
import { listHeaps, probeHeaps } from '../../src/backend/list-heaps.ts';
import { openHeap } from '../../src/backend/open-heap.ts';
import { examineHeaps } from '../../src/machine/doctor/examine-heaps.ts';
import type { Finding } from '../../src/machine/doctor/finding.ts';
import { explainRefusedDevice } from '../../src/diagnosis/device-access.ts';
import { asNobody, cannotBeNobody } from '../support/processes/other-user.ts';
import { temporaryTree } from '../support/runner/temporary-folder.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

const HEAP = '/dev/dma_heap/system';
const UDMABUF = '/dev/udmabuf';
const VIDEO = 4444;
const PASSWD = 'nobody:x:65534:65534:nobody:/:/bin/sh\n';
const GROUP = `root:x:0:\nvideo:x:${VIDEO}:\n`;

function whyNot(): string | false {
  if (!existsSync(HEAP)) return `this machine has no ${HEAP}`;
  if (process.geteuid?.() !== 0) return 'only root can make a device node';
  return cannotBeNobody();
}

function cannotBeUdmabuf(): string | false {
  return existsSync(UDMABUF) ? false : `this machine has no ${UDMABUF}`;
}

/**
 * A root folder with a node for the kernel's heap, which only root may open. Undefined where nodes
 * cannot be made.
 */
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

/** The kernel's error for opening a heap. */
function tryOpen(path: string): DmaBufErrorCode | undefined {
  try {
    createBufferCalls().dmaBuf.openHeap(path).close();
    return undefined;
  } catch (error) {
    assert.ok(isDmaBufError(error));
    return error.code;
  }
}

function examineAsNobody(root: string, groupIds: readonly number[] = []): Finding | undefined {
  return asNobody(() => examineHeaps(otherMachine({ root }), probeHeaps(otherMachine({ root }))), groupIds).find(
    ({ id }) => id === 'heap:system',
  );
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

  // The effect of usermod.
  writeFileSync(join(root, 'etc/group'), `root:x:0:\nvideo:x:${VIDEO}:nobody\n`);
  const early = examineAsNobody(root);
  assert.equal(early?.status, 'problem');
  assert.match(early.remedy?.note ?? '', /^log in again/u);

  // The effect of logging in again.
  const opened = examineAsNobody(root, [VIDEO]);
  assert.equal(opened?.status, 'ok');
  assert.match(opened.found, /root:video with mode 0660, in that group: nobody$/u);
  assert.equal(
    asNobody(() => tryOpen(join(root, HEAP)), [VIDEO]),
    undefined,
  );
});

test(
  'a heap that may be read and not written is usable: doctor, heaps and openHeap() agree',
  { skip: whyNot() },
  (t) => {
    const root = rootWithHeap(t);
    const node = join(root, HEAP);
    const GROUP_ID = 4445;
    writeFileSync(join(root, 'etc/group'), `root:x:0:\nkmem:x:${GROUP_ID}:nobody\n`);
    for (const [mode, groupId, groupIds] of [
      [0o444, 0, []],
      [0o640, GROUP_ID, [GROUP_ID]],
    ] as const) {
      chownSync(node, 0, groupId);
      chmodSync(node, mode);
      assert.equal(examineAsNobody(root, groupIds)?.status, 'ok');
      const listed = asNobody(() => listHeaps(otherMachine({ root })), groupIds).find(
        ({ backend, name }) => backend === 'kernel' && name === 'system',
      );
      assert.deepEqual([listed?.name, listed?.available], ['system', true]);
      asNobody(() => {
        const heap = openHeap('system', { backends: ['kernel'] }, otherMachine({ root }));
        const buffer = heap.allocate(4096);
        buffer.accessSync('write', (bytes) => bytes.fill(7));
        buffer.close();
        heap.close();
      }, groupIds);
    }
    // A user outside such a group is not told to join it.
    const outside = examineAsNobody(root);
    assert.equal(outside?.status, 'problem');
    assert.doesNotMatch(outside.remedy?.commands.join('\n') ?? '', /kmem/u);
  },
);

test('a udmabuf device that may be read and not written is usable', { skip: whyNot() || cannotBeUdmabuf() }, (t) => {
  const root = rootWithHeap(t);
  const { rdev } = statSync(UDMABUF);
  const [major, minor] = [(rdev >> 8) & 0xfff, (rdev & 0xff) | ((rdev >> 12) & 0xfff00)];
  execFileSync('mknod', ['-m', '0444', join(root, UDMABUF), 'c', String(major), String(minor)]);
  asNobody(() => {
    const heap = openHeap('system', { backends: ['udmabuf'] }, otherMachine({ root }));
    const buffer = heap.allocate(4096);
    buffer.accessSync('write', (bytes) => bytes.fill(7));
    buffer.close();
    heap.close();
  });
});

test('explainRefusedDevice() knows a node of the right name without a heap', { skip: whyNot() }, (t) => {
  const root = rootWithHeap(t);
  const node = join(root, 'dev/dma_heap/gone');
  const { rdev } = statSync(HEAP);
  // The kernel registers 128 minors for heaps, and uses them from 0 on.
  execFileSync('mknod', ['-m', '0666', node, 'c', String((rdev >> 8) & 0xfff), '127']);
  const code = tryOpen(node);
  assert.equal(code, 'ENXIO');
  assert.match(explainRefusedDevice('/dev/dma_heap/gone', code, otherMachine({ root })).reason, /no driver behind it/u);
});
