import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import { KiB, MiB } from '../base/sizes.ts';
import { asNobody, cannotBeNobody } from '../../test/support/processes/other-user.ts';
import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { kernelCalls } from '../linux/calls/kernel-calls.ts';
import type { RawCalls } from '../linux/calls/kernel-calls.ts';
import { DMA_HEAP_IOCTL_ALLOC, dmaHeapAllocationData } from '../uapi/dma-heap.ts';
import type { BackendKind } from '../heap/backend.ts';
import type { Machine } from '../linux/machine.ts';
import { openHeap } from './open-heap.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

/**
 * A machine with the given files in /dev and /proc. Plain files can be opened as heaps, and
 * allocate nothing.
 */
function machineWith(context: TestContext, files: Readonly<Record<string, string>>): Machine {
  const proc = { 'proc/meminfo': 'MemAvailable: 1048576 kB\n', 'proc/self/maps': '' };
  return otherMachine({ root: temporaryTree(context, { ...proc, ...files }) });
}

test('openHeap() falls from kernel to udmabuf to embedded, with the reasons against the earlier ones', (context) => {
  const bare = openHeap('system', { embedded: { capacity: 8 * MiB } }, machineWith(context, {}));
  assert.deepEqual([bare.backend, bare.name, bare.deviceImportable], ['embedded', 'system', false]);
  assert.match(bare.chosenBecause, /^kernel: there is no .*; udmabuf: there is no \/dev\/udmabuf/u);
  assert.equal(bare.stats().capacityBytes, 8 * MiB);
  const withUdmabuf = openHeap('system', {}, machineWith(context, { 'dev/udmabuf': '' }));
  assert.deepEqual([withUdmabuf.backend, withUdmabuf.deviceImportable], ['udmabuf', true]);
  assert.match(withUdmabuf.chosenBecause, /^kernel: there is no [^;]*(?:;[^;]*)?$/u);
  const both = openHeap('system', {}, machineWith(context, { 'dev/udmabuf': '', 'dev/dma_heap/system': '' }));
  assert.deepEqual([both.backend, both.deviceImportable], ['kernel', true]);
  assert.equal(both.chosenBecause, 'it comes first of kernel, udmabuf, embedded');
  for (const heap of [bare, withUdmabuf, both]) heap.close();
});

test('openHeap() tries only the given backends, in their order', (context) => {
  const machine = machineWith(context, { 'dev/udmabuf': '', 'dev/dma_heap/system': '' });
  for (const backends of [['embedded'], ['udmabuf', 'kernel'], ['kernel', 'embedded']] as const) {
    const heap = openHeap('system', { backends }, machine);
    assert.equal(heap.backend, backends[0]);
    assert.equal(heap.chosenBecause, `it comes first of ${backends.join(', ')}`);
    heap.close();
  }
  assert.throws(
    () => openHeap('system', { backends: ['kernel'] }, machineWith(context, {})),
    (error) => isDmaBufError(error, 'ENODEV') && /heap "system" as kernel: .*CONFIG_DMABUF_HEAPS/u.test(error.message),
  );
});

test('openHeap() skips a backend that cannot hold the largest buffer', (context) => {
  const machine = machineWith(context, {
    'dev/udmabuf': '',
    'dev/dma_heap/system': '',
    'sys/module/udmabuf/parameters/size_limit_mb': '2048\n',
  });
  const heap = openHeap('system', { largest: 1536 * MiB }, machine);
  assert.equal(heap.backend, 'udmabuf');
  assert.equal(heap.chosenBecause, 'kernel: the machine has 1 GiB left, less than the 1.5 GiB of largest');
  heap.close();
  const larger = { largest: 2049 * MiB, embedded: { capacity: 2049 * MiB } };
  const embedded = openHeap('system', larger, machine);
  assert.equal(embedded.backend, 'embedded');
  assert.match(embedded.chosenBecause, /udmabuf: a udmabuf holds at most 2 GiB.*echo 32768 > \/sys\/module\/udmabuf/u);
  embedded.close();
  assert.throws(
    () => openHeap('system', { largest: 2049 * MiB, embedded: { capacity: MiB } }, machine),
    (error) => isDmaBufError(error, 'ENODEV') && /embedded: its capacity is 1 MiB.*capacity/u.test(error.message),
  );
});

test('openHeap() skips a contiguous heap whose areas cannot hold the largest buffer', (context) => {
  const largest = 96 * MiB;
  for (const [name, meminfo, backend] of [
    ['linux,cma', 'MemAvailable: 1048576 kB\nCmaTotal: 65536 kB\n', 'embedded'],
    ['linux,cma', 'MemAvailable: 1048576 kB\nCmaTotal: 98304 kB\n', 'kernel'],
    ['linux,cma', 'MemAvailable: 1048576 kB\n', 'kernel'],
    // Not a limit of the kernel's areas, whose size is different.
    ['carveout_npu', 'MemAvailable: 1048576 kB\nCmaTotal: 65536 kB\n', 'kernel'],
  ] as const) {
    const machine = machineWith(context, { [`dev/dma_heap/${name}`]: '', 'proc/meminfo': meminfo });
    const heap = openHeap('system', { contiguous: true, largest }, machine);
    assert.equal(heap.backend, backend, meminfo);
    if (backend === 'embedded')
      assert.match(
        heap.chosenBecause,
        /^kernel: the machine's contiguous areas have 64 MiB, less than the 96 MiB of largest \(.*cma=/u,
      );
    heap.close();
  }
});

test('openHeap() with contiguous takes the best contiguous heap of this machine', (context) => {
  for (const [present, taken] of [
    [['system', 'default_cma_region', 'linux,cma'], 'default_cma_region'],
    [['linux,cma', 'system', 'vidbuf_cached'], 'linux,cma'],
    [['cma-uncached', 'rk-dma-heap-cma'], 'rk-dma-heap-cma'],
    [['cma-uncached', 'system-uncached'], 'cma-uncached'],
    [['reserved', 'system'], 'reserved'],
    [['carveout_npu', 'system'], 'carveout_npu'],
  ] as const) {
    const machine = machineWith(context, Object.fromEntries(present.map((name) => [`dev/dma_heap/${name}`, ''])));
    const heap = openHeap('system', { contiguous: true }, machine);
    assert.deepEqual([heap.backend, heap.name], ['kernel', taken]);
    heap.close();
  }
});

test('openHeap() with contiguous takes the requested name where that is contiguous', (context) => {
  const files = { 'dev/dma_heap/default_cma_region': '', 'dev/dma_heap/vidbuf_cached': '', 'dev/dma_heap/system': '' };
  for (const [asked, taken] of [
    ['vidbuf_cached', 'vidbuf_cached'],
    ['system', 'default_cma_region'],
    ['linux,cma', 'default_cma_region'],
  ] as const) {
    const heap = openHeap(asked, { contiguous: true }, machineWith(context, files));
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
    const heap = asNobody(() => openHeap('system', { contiguous: true, backends: ['kernel'] }, machine));
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
  const heap = openHeap('system', { contiguous: true, embedded: { capacity: 64 * MiB } }, machine);
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

test('openHeap() refuses invalid heaps, backends and options', () => {
  assert.throws(
    () => openHeap('sistem'),
    (error) => isDmaBufError(error, 'ENODEV') && /the embedded heap is named "system"/u.test(error.message),
  );
  assert.throws(
    () => openHeap('system', { backends: ['cma' as BackendKind] }),
    /'backends\[0\]' must be one of 'kernel', 'udmabuf'/u,
  );
  assert.throws(() => openHeap('system', { backends: [] }), {
    name: 'RangeError',
    message: "Cannot open the heap: 'backends' must name at least one, received []",
  });
  assert.throws(() => openHeap('system', { backends: 'embedded' as never }), { name: 'TypeError' });
  assert.throws(() => openHeap('system', { trackAllocations: 1 as never }), { name: 'TypeError' });
  assert.throws(() => openHeap('system', { backends: ['kernel'], trackAllocations: 'no' as never }), {
    name: 'TypeError',
  });
  assert.throws(() => openHeap('system', { capacity: 1 } as never), /'capacity' is not one of the options/u);
  assert.throws(() => openHeap('system', { embedded: 5 } as never), TypeError);
  assert.throws(() => openHeap(undefined as never), TypeError);
  // Each would open a folder, or a device that is not a heap.
  for (const name of ['', '.', '..', '../null', 'system/', '/dev/null', 'system\0'])
    assert.throws(() => openHeap(name), {
      name: 'RangeError',
      message: /^Cannot open the heap: 'name' must be one that a file in \/dev\/dma_heap can have, received /u,
    });
  assert.throws(() => openHeap('system', { largest: 0 }), RangeError);
  assert.throws(() => openHeap('system', { contiguous: 1 as never }), TypeError);
});

/** Calls of a kernel whose heaps return memfds. */
function callsOfHeaps(): RawCalls {
  return {
    ...kernelCalls,
    // eslint-disable-next-line max-params -- as the border has it
    ioctlForFd: (fd, request, argument, at) => {
      if (request !== DMA_HEAP_IOCTL_ALLOC) return kernelCalls.ioctlForFd(fd, request, argument, at);
      const { len } = dmaHeapAllocationData.read(argument);
      const memfd = kernelCalls.memfd_create('stands in', 0);
      kernelCalls.ftruncate(memfd, len);
      argument.set(dmaHeapAllocationData.write({ len, fd: memfd }));
      return 0;
    },
  };
}

test('a buffer of a heap for protected content can be passed on, and is not mapped', async (context) => {
  const { root } = machineWith(context, { 'dev/dma_heap/protected,secure-video': '' });
  const heap = openHeap(
    'protected,secure-video',
    { backends: ['kernel'] },
    otherMachine({ root, raw: callsOfHeaps() }),
  );
  const buffer = heap.allocate(4 * KiB);
  const isRefusal = (error: unknown): boolean =>
    isDmaBufError(error, 'EACCES') && /"protected,secure-video" is by its name .* no CPU may map/u.test(error.message);
  assert.throws(() => buffer.vmap(), isRefusal);
  await assert.rejects(
    buffer.access('read', () => {}),
    isRefusal,
  );
  const layout = buffer.layout();
  assert.ok(!layout.known);
  assert.match(layout.reason, /no CPU may map/u);
  buffer.exportFd().close();
  buffer.close();
  heap.close();
});

test('openHeap() with contiguous takes a heap for protected content only by its name', (context) => {
  const files = { 'dev/dma_heap/restricted_mtk_cma': '', 'dev/dma_heap/reserved': '' };
  for (const [asked, taken] of [
    ['system', 'reserved'],
    ['restricted_mtk_cma', 'restricted_mtk_cma'],
  ] as const) {
    const heap = openHeap(asked, { contiguous: true }, machineWith(context, files));
    assert.equal(heap.name, taken);
    heap.close();
  }
});

test('openHeap() skips a backend without a required capability, with the reason and the remedy', (context) => {
  const machine = machineWith(context, { 'dev/udmabuf': '', 'dev/dma_heap/system': '' });
  const kernel = openHeap('system', { require: ['deviceImport', 'share'] }, machine);
  assert.equal(kernel.backend, 'kernel');
  const readOnly = openHeap('system', { shareable: 'read-only', embedded: { capacity: MiB } }, machine);
  assert.equal(readOnly.backend, 'embedded');
  assert.match(readOnly.chosenBecause, /^kernel: its buffers are dma-bufs, to which every .* can write; udmabuf: /u);
  for (const heap of [kernel, readOnly]) heap.close();
  assert.throws(
    () => openHeap('system', { require: ['deviceImport'] }, machineWith(context, {})),
    (error) =>
      isDmaBufError(error, 'ENODEV') &&
      /kernel: there is no .*; udmabuf: there is no .*; embedded: .*no device can import.*dmabuf doctor/u.test(
        error.message,
      ),
  );
  assert.throws(
    () => openHeap('system', { require: ['share'], contiguous: true }, machineWith(context, {})),
    (error) => isDmaBufError(error, 'ENODEV') && /embedded: its shareable buffers are memfds/u.test(error.message),
  );
});

test("openHeap({ require: ['share'] }) and { shareable } apply to every buffer without an option of its own", () => {
  for (const options of [{ require: ['share'] }, { shareable: true }, { embedded: { shareable: true } }] as const) {
    const heap = openHeap('system', { backends: ['embedded'], ...options });
    const [shared, own] = [heap.allocate(4096), heap.allocate(4096, { shareable: false })];
    shared.exportFd().close();
    assert.throws(() => own.exportFd(), { code: 'EOPNOTSUPP' });
    for (const each of [shared, own, heap]) each.close();
  }
});

test('openHeap() refuses options that contradict each other, regardless of the chosen backend', (context) => {
  const machine = machineWith(context, { 'dev/dma_heap/system': '' });
  for (const [options, message] of [
    [{ contiguous: true, embedded: { contiguous: false } }, /'contiguous' and 'embedded\.contiguous' contradict/u],
    [{ trackAllocations: false, embedded: { trackAllocations: true } }, /'trackAllocations' and 'embedded/u],
    [{ shareable: true, embedded: { shareable: false } }, /'shareable' and 'embedded\.shareable' contradict/u],
    [{ require: ['share'], embedded: { shareable: false } }, /'shareable' and 'embedded\.shareable' contradict/u],
    [{ require: ['share'], shareable: false }, /'shareable' and 'require' contradict/u],
    [{ require: ['deviceImport'], shareable: 'read-only' }, /'shareable' and 'require' contradict/u],
    [{ contiguous: true, embedded: { fragmentation: { mix: 'aged', length: MiB } } }, /'embedded\.fragmentation' and/u],
  ] as const)
    assert.throws(() => openHeap('system', options, machine), {
      name: 'TypeError',
      code: 'ERR_INCOMPATIBLE_OPTION_PAIR',
      message,
    });
});

test('openHeap() checks every option before it tries a backend, including those of the embedded heap', (context) => {
  const machine = machineWith(context, { 'dev/dma_heap/system': '' });
  for (const [options, message] of [
    [
      { embedded: { cached: -1 } },
      /^Cannot open the heap: 'embedded\.cached' must be a whole number of bytes from 0 to \d+, received -1$/u,
    ],
    [
      { embedded: { capasity: 1 } },
      /^Cannot open the heap: 'embedded\.capasity' is not one of the options capacity, /u,
    ],
    [{ embedded: { orders: [8, 4] } }, /'embedded\.orders' must descend and end in 0, received \[ 8, 4 \]$/u],
    [{ embedded: { orders: [8, '4', 0] } }, /'embedded\.orders\[1\]' must be a whole number/u],
    [{ embedded: { fragmentation: { mix: 'aged', length: 0 } } }, /'embedded\.fragmentation\.length' must be/u],
    [{ embedded: null }, /'embedded' must be an object, received null$/u],
    [{ require: ['vmap'] }, /'require\[0\]' must be one of 'deviceImport', 'share', received 'vmap'$/u],
    [{ require: 'share' }, /'require' must be an array, received 'share'$/u],
    [{ shareable: 'yes' }, /'shareable' must be one of true, false, 'read-only', received 'yes'$/u],
  ] as const)
    assert.throws(() => openHeap('system', options as object, machine), { message });
});
