import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { asNobody, cannotBeNobody } from '../../test/support/other-user.ts';
import { temporaryTree } from '../../test/support/temporary-folder.ts';
import { listHeaps, listHeapsWithin } from './detect.ts';

/** A root with nothing in it but the devices named, as plain files. */
function rootWith(context: TestContext, devices: readonly string[]): string {
  return temporaryTree(context, Object.fromEntries(devices.map((device) => [device, ''])));
}

test('listHeapsWithin() says of a machine without heaps what is missing and what would help', (context) => {
  const [kernel, udmabuf, embedded] = listHeapsWithin(rootWith(context, []));
  assert.deepEqual([kernel?.backend, kernel?.name, kernel?.available], ['kernel', 'system', false]);
  assert.match(String(kernel?.reason), /there is no heap in \/dev\/dma_heap|there is no \/dev\/dma_heap/u);
  assert.match(String(kernel?.remedy), /CONFIG_DMABUF_HEAPS_SYSTEM/u);
  assert.deepEqual([udmabuf?.backend, udmabuf?.reason], ['udmabuf', 'there is no /dev/udmabuf']);
  assert.match(String(udmabuf?.remedy), /CONFIG_UDMABUF/u);
  assert.deepEqual([embedded?.name, embedded?.backend, embedded?.available], ['system', 'embedded', true]);
});

test('listHeapsWithin() names every heap that can be opened, with what its name says', (context) => {
  const root = rootWith(context, [
    'dev/dma_heap/system',
    'dev/dma_heap/linux,cma',
    'dev/dma_heap/cma-uncached',
    'dev/udmabuf',
  ]);
  assert.deepEqual(
    listHeapsWithin(root).map(({ name, backend, available, reason }) => [name, backend, available, reason]),
    [
      ['cma-uncached', 'kernel', true, 'a contiguous area, uncached: reading it with the CPU is slow'],
      ['linux,cma', 'kernel', true, "the device tree's contiguous area"],
      ['system', 'kernel', true, 'scattered pages of the whole memory'],
      ['udmabuf', 'udmabuf', true, 'dma-bufs over sealed memfds, of up to 64 MiB each'],
      ['system', 'embedded', true, 'pages of a sealed memfd in this process, allocated as the kernel does'],
    ],
  );
});

test('listHeapsWithin() says how large a udmabuf may be here', (context) => {
  const root = temporaryTree(context, { 'dev/udmabuf': '', 'sys/module/udmabuf/parameters/size_limit_mb': '1024\n' });
  const [, udmabuf] = listHeapsWithin(root);
  assert.equal(udmabuf?.reason, 'dma-bufs over sealed memfds, of up to 1 GiB each');
});

test('listHeapsWithin() names the remedy for a device that refuses', { skip: cannotBeNobody() }, (context) => {
  const root = rootWith(context, ['dev/dma_heap/system', 'dev/udmabuf', 'etc/group']);
  chmodSync(root, 0o755);
  for (const device of ['dev/dma_heap/system', 'dev/udmabuf']) chmodSync(join(root, device), 0o600);
  const [kernel, udmabuf] = asNobody(() => listHeapsWithin(root));
  for (const listing of [kernel, udmabuf]) {
    assert.equal(listing?.available, false);
    assert.match(listing?.reason ?? '', /\/dev\/(?:dma_heap\/system|udmabuf)/u);
    assert.match(listing?.remedy ?? '', /run: sudo/u);
  }
});

test('listHeaps() lists the heaps of this machine, the embedded one last', () => {
  const last = listHeaps().at(-1);
  assert.deepEqual([last?.backend, last?.available], ['embedded', true]);
});
