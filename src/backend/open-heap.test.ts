import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import { KiB, MiB } from '../base/sizes.ts';
import { asNobody, cannotBeNobody } from '../../test/support/other-user.ts';
import { temporaryTree } from '../../test/support/temporary-folder.ts';
import type { BackendKind } from './contract.ts';
import { openHeap, openHeapWithin } from './open-heap.ts';

/** The surroundings of a machine with the given files in /dev and /proc. Plain files can be opened as heaps, and allocate nothing. */
function machineWith(context: TestContext, files: Readonly<Record<string, string>>): { root: string } {
  const proc = { 'proc/meminfo': 'MemAvailable: 1048576 kB\n', 'proc/self/maps': '' };
  return { root: temporaryTree(context, { ...proc, ...files }) };
}

test('openHeap() falls from kernel to udmabuf to embedded, and says which it took and why not those before it', (context) => {
  const bare = openHeapWithin(machineWith(context, {}), 'system', { embedded: { capacity: 8 * MiB } });
  assert.deepEqual([bare.backend, bare.name, bare.deviceImportable], ['embedded', 'system', false]);
  assert.match(bare.chosenBecause, /^kernel: there is no .*; udmabuf: there is no \/dev\/udmabuf/u);
  assert.equal(bare.stats().capacityBytes, 8 * MiB);
  const withUdmabuf = openHeapWithin(machineWith(context, { 'dev/udmabuf': '' }), 'system');
  assert.deepEqual([withUdmabuf.backend, withUdmabuf.deviceImportable], ['udmabuf', true]);
  assert.match(withUdmabuf.chosenBecause, /^kernel: there is no [^;]*(?:;[^;]*)?$/u);
  const both = openHeapWithin(machineWith(context, { 'dev/udmabuf': '', 'dev/dma_heap/system': '' }), 'system');
  assert.deepEqual([both.backend, both.deviceImportable], ['kernel', true]);
  assert.equal(both.chosenBecause, 'it comes first of kernel, udmabuf, embedded');
  for (const heap of [bare, withUdmabuf, both]) heap.close();
});

test('openHeap() keeps to the backends it is given, in their order', (context) => {
  const machine = machineWith(context, { 'dev/udmabuf': '', 'dev/dma_heap/system': '' });
  for (const backends of [['embedded'], ['udmabuf', 'kernel'], ['kernel', 'embedded']] as const) {
    const heap = openHeapWithin(machine, 'system', { backends });
    assert.equal(heap.backend, backends[0]);
    assert.equal(heap.chosenBecause, `it comes first of ${backends.join(', ')}`);
    heap.close();
  }
  assert.throws(
    () => openHeapWithin(machineWith(context, {}), 'system', { backends: ['kernel'] }),
    (error) => isDmaBufError(error, 'ENODEV') && /heap "system" as kernel: .*CONFIG_DMABUF_HEAPS/u.test(error.message),
  );
});

test('openHeap() passes over a backend that cannot hold the largest buffer', (context) => {
  const machine = machineWith(context, {
    'dev/udmabuf': '',
    'dev/dma_heap/system': '',
    'sys/module/udmabuf/parameters/size_limit_mb': '2048\n',
  });
  const heap = openHeapWithin(machine, 'system', { largest: 1536 * MiB });
  assert.equal(heap.backend, 'udmabuf');
  assert.equal(heap.chosenBecause, 'kernel: the machine has 1 GiB left, less than the 1.5 GiB of largest');
  heap.close();
  const larger = { largest: 2049 * MiB, embedded: { capacity: 2049 * MiB } };
  const embedded = openHeapWithin(machine, 'system', larger);
  assert.equal(embedded.backend, 'embedded');
  assert.match(embedded.chosenBecause, /udmabuf: a udmabuf holds at most 2 GiB.*echo 32768 > \/sys\/module\/udmabuf/u);
  embedded.close();
  assert.throws(
    () => openHeapWithin(machine, 'system', { largest: 2049 * MiB, embedded: { capacity: MiB } }),
    (error) => isDmaBufError(error, 'ENODEV') && /embedded: its capacity is 1 MiB.*capacity/u.test(error.message),
  );
});

test("openHeap() passes over a contiguous heap when the machine's contiguous areas cannot hold the largest buffer", (context) => {
  const largest = 96 * MiB;
  for (const [name, meminfo, backend] of [
    ['linux,cma', 'MemAvailable: 1048576 kB\nCmaTotal: 65536 kB\n', 'embedded'],
    ['linux,cma', 'MemAvailable: 1048576 kB\nCmaTotal: 98304 kB\n', 'kernel'],
    ['linux,cma', 'MemAvailable: 1048576 kB\n', 'kernel'],
    // Not of the kernel's areas, which are another size.
    ['carveout_npu', 'MemAvailable: 1048576 kB\nCmaTotal: 65536 kB\n', 'kernel'],
  ] as const) {
    const machine = machineWith(context, { [`dev/dma_heap/${name}`]: '', 'proc/meminfo': meminfo });
    const heap = openHeapWithin(machine, 'system', { contiguous: true, largest });
    assert.equal(heap.backend, backend, meminfo);
    if (backend === 'embedded')
      assert.match(
        heap.chosenBecause,
        /^kernel: the machine's contiguous areas have 64 MiB, less than the 96 MiB of largest \(.*cma=/u,
      );
    heap.close();
  }
});

test('openHeap() with contiguous takes the contiguous heap under the name it goes by here, the best first', (context) => {
  for (const [present, taken] of [
    [['system', 'default_cma_region', 'linux,cma'], 'default_cma_region'],
    [['linux,cma', 'system', 'vidbuf_cached'], 'linux,cma'],
    [['cma-uncached', 'rk-dma-heap-cma'], 'rk-dma-heap-cma'],
    [['cma-uncached', 'system-uncached'], 'cma-uncached'],
    [['reserved', 'system'], 'reserved'],
    [['carveout_npu', 'system'], 'carveout_npu'],
  ] as const) {
    const machine = machineWith(context, Object.fromEntries(present.map((name) => [`dev/dma_heap/${name}`, ''])));
    const heap = openHeapWithin(machine, 'system', { contiguous: true });
    assert.deepEqual([heap.backend, heap.name], ['kernel', taken]);
    heap.close();
  }
});

test('openHeap() with contiguous keeps to the name asked for where that is contiguous', (context) => {
  const files = { 'dev/dma_heap/default_cma_region': '', 'dev/dma_heap/vidbuf_cached': '', 'dev/dma_heap/system': '' };
  for (const [asked, taken] of [
    ['vidbuf_cached', 'vidbuf_cached'],
    ['system', 'default_cma_region'],
    ['linux,cma', 'default_cma_region'],
  ] as const) {
    const heap = openHeapWithin(machineWith(context, files), asked, { contiguous: true });
    assert.equal(heap.name, taken);
    heap.close();
  }
});

test(
  'openHeap() with contiguous takes the next heap where the best does not let us in',
  { skip: cannotBeNobody() },
  (context) => {
    const machine = machineWith(context, { 'dev/dma_heap/default_cma_region': '', 'dev/dma_heap/reserved': '' });
    chmodSync(machine.root, 0o755);
    chmodSync(join(machine.root, 'dev/dma_heap/default_cma_region'), 0);
    const heap = asNobody(() => openHeapWithin(machine, 'system', { contiguous: true, backends: ['kernel'] }));
    assert.equal(heap.name, 'reserved');
    heap.close();
  },
);

test('openHeap() with contiguous has an embedded twin whose buffers are one run', (context) => {
  const machine = machineWith(context, {
    'dev/udmabuf': '',
    'dev/dma_heap/system': '',
    'dev/dma_heap/system-uncached': '',
  });
  const heap = openHeapWithin(machine, 'system', { contiguous: true, embedded: { capacity: 64 * MiB } });
  assert.equal(heap.backend, 'embedded');
  assert.match(heap.chosenBecause, /none of the heaps system, system-uncached is contiguous.*cma=64M.*; udmabuf: /u);
  const buffers = [3 * MiB, 20 * KiB, 17 * MiB + 4 * KiB, 4 * KiB].map((length) => heap.allocate(length));
  buffers[1]?.close();
  buffers.push(heap.allocate(24 * KiB));
  const shareable = heap.allocate(64 * KiB, { shareable: true });
  assert.deepEqual([shareable.exporter, shareable.deviceImportable], ['memfd', false]);
  shareable.close();
  for (const buffer of buffers.filter(({ closed }) => !closed)) {
    const layout = buffer.layout();
    assert.ok(layout.known);
    assert.equal(layout.table.runs().count, 1);
    assert.equal(layout.table.entryCount, 1);
    assert.equal(layout.table.length, buffer.length);
    const view = buffer.vmap();
    assert.ok(view.bytes.every((byte) => byte === 0));
    view.bytes.fill(1);
    view.close();
    buffer.close();
  }
  heap.close();
});

test('openHeap() refuses heaps, backends and options that are none', () => {
  assert.throws(
    () => openHeap('sistem'),
    (error) => isDmaBufError(error, 'ENODEV') && /the embedded heap is named "system"/u.test(error.message),
  );
  assert.throws(() => openHeap('system', { backends: ['cma' as BackendKind] }), /must be one of 'kernel', 'udmabuf'/u);
  assert.throws(() => openHeap('system', { backends: [] }), {
    name: 'RangeError',
    message: 'Cannot open the heap as its backends must name at least one: current value is []',
  });
  assert.throws(() => openHeap('system', { backends: 'embedded' as never }), { name: 'TypeError' });
  assert.throws(() => openHeap('system', { trackAllocations: 1 as never }), { name: 'TypeError' });
  assert.throws(() => openHeap('system', { backends: ['kernel'], trackAllocations: 'no' as never }), {
    name: 'TypeError',
  });
  assert.throws(() => openHeap('system', { capacity: 1 } as never), /no option "capacity"/u);
  assert.throws(() => openHeap('system', { embedded: 5 } as never), TypeError);
  assert.throws(() => openHeap(undefined as never), TypeError);
  // Each would open a folder, or a device that is no heap.
  for (const name of ['', '.', '..', '../null', 'system/', '/dev/null', 'system\0'])
    assert.throws(() => openHeap(name), {
      name: 'RangeError',
      message:
        /^Cannot open a heap as its name must be one that a file in \/dev\/dma_heap can have: current value is /u,
    });
  assert.throws(() => openHeap('system', { largest: 0 }), RangeError);
  assert.throws(() => openHeap('system', { contiguous: 1 as never }), TypeError);
});
