import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { asNobody, cannotBeNobody } from '../../test/support/processes/other-user.ts';
import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { listHeaps } from './list-heaps.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

const PROC = { 'proc/meminfo': 'MemAvailable: 1048576 kB\n', 'proc/self/maps': '' };

/** A root folder that contains only the named devices, as plain files. */
function rootWith(context: TestContext, devices: readonly string[]): string {
  return temporaryTree(context, { ...PROC, ...Object.fromEntries(devices.map((device) => [device, ''])) });
}

test('listHeaps() says for a machine without heaps what is missing, and the remedy', (context) => {
  const [kernel, udmabuf, embedded] = listHeaps(otherMachine({ root: rootWith(context, []) }));
  assert.deepEqual([kernel?.backend, kernel?.name, kernel?.available], ['kernel', 'system', false]);
  assert.match(String(kernel?.reason), /there is no heap in \/dev\/dma_heap|there is no \/dev\/dma_heap/u);
  assert.match(String(kernel?.remedy), /CONFIG_DMABUF_HEAPS_SYSTEM/u);
  assert.deepEqual([udmabuf?.backend, udmabuf?.reason], ['udmabuf', 'there is no /dev/udmabuf']);
  assert.match(String(udmabuf?.remedy), /CONFIG_UDMABUF/u);
  assert.deepEqual([embedded?.name, embedded?.backend, embedded?.available], ['system', 'embedded', true]);
});

test('listHeaps() names every heap that can be opened, with the meaning of its name', (context) => {
  const root = rootWith(context, [
    'dev/dma_heap/system',
    'dev/dma_heap/linux,cma',
    'dev/dma_heap/cma-uncached',
    'dev/udmabuf',
  ]);
  assert.deepEqual(
    listHeaps(otherMachine({ root })).map(({ name, backend, available, reason }) => [name, backend, available, reason]),
    [
      ['cma-uncached', 'kernel', true, 'a contiguous area, uncached: reading it with the CPU is slow'],
      ['linux,cma', 'kernel', true, "the device tree's contiguous area"],
      ['system', 'kernel', true, 'scattered pages of the whole memory'],
      ['udmabuf', 'udmabuf', true, 'dma-bufs over sealed memfds, of up to 64 MiB each'],
      ['system', 'embedded', true, 'pages of a sealed memfd in this process, allocated as the kernel does'],
    ],
  );
});

test('listHeaps() gives the special properties of heaps, as far as their names tell', (context) => {
  const names = ['linux,cma', 'protected,secure-video', 'system', 'system-uncached-dma32'];
  const root = rootWith(
    context,
    names.map((name) => `dev/dma_heap/${name}`),
  );
  assert.deepEqual(
    listHeaps(otherMachine({ root })).map(({ name, reason, contiguous, uncached, below4GiB, cpuMappable }) => [
      name,
      /^[^:]+/u.exec(reason)?.[0],
      [contiguous, uncached, below4GiB, cpuMappable],
    ]),
    [
      ['linux,cma', "the device tree's contiguous area", [true, false, false, true]],
      ['protected,secure-video', 'memory for protected content, closed to the CPU', [false, false, false, false]],
      ['system', 'scattered pages of the whole memory', [false, false, false, true]],
      ['system-uncached-dma32', 'scattered pages, uncached, below 4 GiB', [false, true, true, true]],
      ['udmabuf', 'there is no /dev/udmabuf', [false, false, false, true]],
      ['system', 'pages of a sealed memfd in this process, allocated as the kernel does', [false, false, false, true]],
    ],
  );
});

test('listHeaps() gives the largest udmabuf of this machine', (context) => {
  const root = temporaryTree(context, {
    ...PROC,
    'dev/udmabuf': '',
    'sys/module/udmabuf/parameters/size_limit_mb': '1024\n',
  });
  const [, udmabuf] = listHeaps(otherMachine({ root }));
  assert.equal(udmabuf?.reason, 'dma-bufs over sealed memfds, of up to 1 GiB each');
});

test('listHeaps() names the remedy for a device that refuses', { skip: cannotBeNobody() }, (context) => {
  const root = rootWith(context, ['dev/dma_heap/system', 'dev/udmabuf', 'etc/group']);
  chmodSync(root, 0o755);
  for (const device of ['dev/dma_heap/system', 'dev/udmabuf']) chmodSync(join(root, device), 0o600);
  const [kernel, udmabuf] = asNobody(() => listHeaps(otherMachine({ root })));
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
