/**
 * The kernel's own tests of its heaps, tools/testing/selftests/dmabuf-heaps/dmabuf-heap.c, written
 * in this API where it has the calls, and over every heap of the machine.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { KiB, MiB, importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { Heap } from '../../src/index.ts';
import { CheckedCalls } from '../../src/linux/calls/checked-calls.ts';
import type { OwnedFd } from '../../src/linux/calls/fd.ts';
import { dmaHeapAllocationData, DMA_HEAP_IOCTL_ALLOC } from '../../src/uapi/dma-heap.ts';
import { O_CLOEXEC, O_RDONLY, O_RDWR } from '../../src/uapi/fcntl.ts';
import { ioctlReadWrite } from '../../src/uapi/ioctl.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { Vgem, missingVgem } from '../support/devices/vgem.ts';

checkLeaksAfterFile();

const HEAP_FOLDER = '/dev/dma_heap';
const BUFINFO = '/sys/kernel/debug/dma_buf/bufinfo';
const BUFFER_COUNT = 32;

/** The ioctl as it is, with arguments of any size. */
class RawHeap extends CheckedCalls {
  readonly #device: OwnedFd;

  constructor(path: string) {
    super();
    this.#device = this.own(this.checked('open', this.raw.open(path, O_RDONLY | O_CLOEXEC)));
  }

  /** Gives the argument back as the kernel left it. */
  ioctl(request: number, argument: Uint8Array): Uint8Array {
    this.checked('ioctl', this.raw.ioctl(this.#device.borrow(), request, argument));
    return argument;
  }

  allocated(argument: Uint8Array): OwnedFd {
    const [fd = 0] = new Uint32Array(argument.buffer, dmaHeapAllocationData.offsets.fd, 1);
    return this.own(fd);
  }

  close(): void {
    this.#device.close();
  }
}

function withHeap(t: TestContext, name: string): Heap {
  const heap = openHeap(name, { backends: ['kernel'] });
  t.after(() => heap.close());
  return heap;
}

function withRawHeap(t: TestContext, path: string): RawHeap {
  const heap = new RawHeap(path);
  t.after(() => heap.close());
  return heap;
}

/** The buffer's entry in debugfs, by its name. */
function bufinfoOf(name: string): string | undefined {
  return readFileSync(BUFINFO, 'utf8')
    .split(/\n(?=\d{8}\t)/u)
    .find((entry) => entry.includes(name));
}

const noHeaps = cannotOpen(HEAP_FOLDER);
if (noHeaps !== false) test('every heap in /dev/dma_heap', { skip: noHeaps }, () => {});
const withoutVgem = noHeaps === false && missingVgem();

for (const name of noHeaps === false ? readdirSync(HEAP_FOLDER) : []) {
  const path = join(HEAP_FOLDER, name);

  test(
    `allocate() from ${name}: a device imports the buffer, and the CPU goes on using it`,
    { skip: withoutVgem },
    (t) => {
      const heap = withHeap(t, name);
      const vgem = Vgem.open();
      assert.ok(vgem !== undefined);
      t.after(() => vgem.close());
      const buffer = heap.allocate(MiB, { name: 'self-test-import' });
      t.after(() => buffer.close());
      buffer.accessSync('readwrite', (bytes) => {
        bytes.fill(1, 0, MiB / 2);
        bytes.fill(0, MiB / 2);
      });
      const fd = buffer.exportFd();
      const handle = vgem.importBuffer(fd.borrow());
      fd.close();
      buffer.accessSync('readwrite', (bytes) => {
        assert.deepEqual([bytes[0], bytes[MiB / 2 - 1], bytes[MiB / 2], bytes[MiB - 1]], [1, 1, 0, 0]);
        bytes.fill(0xff);
      });
      if (existsSync(BUFINFO)) {
        assert.match(bufinfoOf('self-test-import') ?? '', /Attached Devices:\n\tvgem\nTotal 1 devices attached/u);
        buffer.close();
        assert.ok(bufinfoOf('self-test-import') !== undefined, 'The device holds the buffer');
      }
      vgem.closeBuffer(handle);
      if (existsSync(BUFINFO)) assert.equal(bufinfoOf('self-test-import'), undefined);
    },
  );

  for (const length of [4 * KiB, MiB]) {
    test(`allocate() of ${length} bytes from ${name} gives zeros, also of memory that was filled before`, (t) => {
      const heap = withHeap(t, name);
      const filled = Array.from({ length: BUFFER_COUNT }, () => heap.allocate(length));
      for (const buffer of filled) buffer.accessSync('readwrite', (bytes) => bytes.fill(0xff));
      for (const buffer of filled) buffer.close();
      const fresh = Array.from({ length: BUFFER_COUNT }, () => heap.allocate(length));
      for (const buffer of fresh)
        buffer.accessSync('readwrite', (bytes) => assert.equal(Buffer.compare(bytes, Buffer.alloc(length)), 0));
      for (const buffer of fresh) buffer.close();
    });
  }

  test(`the kernel takes an older and a newer struct dma_heap_allocation_data for ${name}`, (t) => {
    const heap = withRawHeap(t, path);
    const values = dmaHeapAllocationData.write({ len: MiB, fdFlags: O_RDWR | O_CLOEXEC });
    const older = values.slice(0, 16);
    const newer = new Uint8Array(48).fill(0xa5, dmaHeapAllocationData.size);
    newer.set(values);
    for (const argument of [older, newer]) {
      const fd = heap.allocated(heap.ioctl(ioctlReadWrite({ group: 'H', number: 0 }, argument.length), argument));
      const buffer = importBuffer(fd);
      assert.deepEqual([buffer.length, buffer.exporter], [MiB, name]);
      buffer.close();
      fd.close();
    }
    assert.ok(newer.subarray(dmaHeapAllocationData.size).every((byte) => byte === 0xa5));
  });

  const refusals: readonly {
    why: string;
    values: Parameters<typeof dmaHeapAllocationData.write>[0];
    request?: number;
  }[] = [
    { why: 'heap flags', values: { len: MiB, fdFlags: O_RDWR | O_CLOEXEC, heapFlags: 0x11_1111 } },
    { why: 'descriptor flags', values: { len: MiB, fdFlags: 0xffff_ffff - O_RDWR - O_CLOEXEC } },
    { why: 'a descriptor going in', values: { len: MiB, fd: 1, fdFlags: O_RDWR | O_CLOEXEC } },
    { why: 'no length', values: { len: 0, fdFlags: O_RDWR | O_CLOEXEC } },
    {
      why: 'an unknown command',
      values: { len: MiB, fdFlags: O_RDWR | O_CLOEXEC },
      request: ioctlReadWrite({ group: 'H', number: 1 }, dmaHeapAllocationData.size),
    },
  ];
  for (const { why, values, request = DMA_HEAP_IOCTL_ALLOC } of refusals) {
    test(`the kernel refuses ${why} for ${name} with EINVAL`, (t) => {
      const heap = withRawHeap(t, path);
      assert.throws(
        () => heap.ioctl(request, dmaHeapAllocationData.write(values)),
        (error) => isDmaBufError(error, 'EINVAL') && error.syscall === 'ioctl',
      );
    });
  }

  test(`openHeap() of ${name} twice gives heaps that go on without each other`, (t) => {
    const first = openHeap(name, { backends: ['kernel'] });
    const second = withHeap(t, name);
    const buffer = first.allocate(4 * KiB);
    first.close();
    buffer.accessSync('write', (bytes) => bytes.fill(1));
    buffer.close();
    second.allocate(4 * KiB).close();
  });
}

test('the kernel refuses an allocation on a file that is not a heap with ENOTTY', (t) => {
  const nothing = withRawHeap(t, '/dev/null');
  assert.throws(
    () => nothing.ioctl(DMA_HEAP_IOCTL_ALLOC, dmaHeapAllocationData.write({ len: MiB, heapFlags: 0x11_1111 })),
    (error) => isDmaBufError(error, 'ENOTTY'),
  );
});
