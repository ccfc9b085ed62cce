import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { temporaryTree } from '../../test/support/temporary-folder.ts';
import { listHeaps, listHeapsWithin } from './detect.ts';

/** The user that owns nothing. */
const NOBODY = 65_534;

/** A root with nothing in it but the devices named, as plain files. */
function rootWith(context: TestContext, devices: readonly string[]): string {
  return temporaryTree(context, Object.fromEntries(devices.map((device) => [device, ''])));
}

/** Runs `body` without the rights of root, which the kernel's checks of files let pass. */
function asNobody<Result>(body: () => Result): Result {
  if (process.geteuid?.() !== 0) return body();
  process.seteuid?.(NOBODY);
  try {
    return body();
  } finally {
    process.seteuid?.(0);
  }
}

/** Runs `body` while nobody may look into the folder. */
function whileRefused<Result>(folder: string, body: () => Result): Result {
  chmodSync(folder, 0);
  try {
    return asNobody(body);
  } finally {
    chmodSync(folder, 0o755);
  }
}

/** Why {@link asNobody} cannot work here, if so: root of a container need not have the right to become another. */
function cannotBeNobody(): string | false {
  try {
    asNobody(() => {});
    return false;
  } catch {
    return 'root may not become another user here: no file can be refused to it';
  }
}

test('listHeapsWithin() says of a machine without heaps what is missing and what would help', (context) => {
  const [kernel, udmabuf, embedded] = listHeapsWithin(rootWith(context, []));
  assert.deepEqual(
    [kernel?.backend, kernel?.available, kernel?.reason],
    ['kernel', false, 'there is no /dev/dma_heap'],
  );
  assert.match(String(kernel?.remedy), /CONFIG_DMABUF_HEAPS_SYSTEM/u);
  assert.deepEqual([udmabuf?.backend, udmabuf?.reason], ['udmabuf', 'there is no /dev/udmabuf']);
  assert.match(String(udmabuf?.remedy), /modprobe udmabuf/u);
  assert.deepEqual([embedded?.name, embedded?.backend, embedded?.available], ['system', 'embedded', true]);
});

test('listHeapsWithin() names every heap of the kernel', (context) => {
  const root = rootWith(context, ['dev/dma_heap/system', 'dev/dma_heap/linux,cma', 'dev/udmabuf']);
  assert.deepEqual(
    listHeapsWithin(root).map(({ name, backend, available }) => [name, backend, available]),
    [
      ['linux,cma', 'kernel', false],
      ['system', 'kernel', false],
      ['udmabuf', 'udmabuf', false],
      ['system', 'embedded', true],
    ],
  );
});

test('listHeapsWithin() tells an empty /dev/dma_heap from none', (context) => {
  const root = rootWith(context, []);
  mkdirSync(join(root, 'dev/dma_heap'), { recursive: true });
  const [kernel] = listHeapsWithin(root);
  assert.deepEqual([kernel?.available, kernel?.reason], [false, '/dev/dma_heap is empty']);
  assert.match(String(kernel?.remedy), /CONFIG_DMABUF_HEAPS_SYSTEM/u);
});

test('listHeapsWithin() says that /dev/dma_heap cannot be read, whatever it is', (context) => {
  const [kernel] = listHeapsWithin(rootWith(context, ['dev/dma_heap']));
  assert.deepEqual([kernel?.available, kernel?.reason], [false, '/dev/dma_heap cannot be read (ENOTDIR)']);
  assert.match(String(kernel?.remedy), /ls -ld \/dev\/dma_heap/u);
});

test(
  'listHeapsWithin() says who is let into a /dev/dma_heap, and a /dev, that refuses',
  { skip: cannotBeNobody() },
  (context) => {
    const root = rootWith(context, ['dev/dma_heap/system', 'dev/udmabuf']);
    chmodSync(root, 0o755);
    const [kernel, udmabuf] = whileRefused(join(root, 'dev/dma_heap'), () => listHeapsWithin(root));
    assert.deepEqual([kernel?.name, kernel?.reason], ['system', '/dev/dma_heap cannot be read (EACCES)']);
    assert.match(String(kernel?.remedy), /group .* udev rule.* root/u);
    assert.doesNotMatch(String(udmabuf?.reason), /EACCES/u);
    const [, behindDev] = whileRefused(join(root, 'dev'), () => listHeapsWithin(root));
    assert.equal(behindDev?.reason, '/dev/udmabuf cannot be read (EACCES)');
    assert.match(String(behindDev.remedy), /udev rule/u);
  },
);

test('listHeaps() looks at this machine, and takes no other', () => {
  assert.equal(listHeaps.length, 0);
  assert.deepEqual(listHeaps(), listHeapsWithin('/'));
});
