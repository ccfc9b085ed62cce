/**
 * The kernel's own tests of udmabuf, tools/testing/selftests/drivers/dma-buf/udmabuf.c, in this
 * API.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { KiB, MiB, createUdmabuf, isDmaBufError } from '../../src/index.ts';
import type { OwnedFd } from '../../src/index.ts';
import { toByteLength } from '../../src/base/quantities.ts';
import { DmaBufCalls } from '../../src/linux/calls/dma-buf-calls.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { MemoryCalls } from '../../src/linux/calls/memory-calls.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { createMemfd } from '../support/devices/memfd.ts';

checkLeaksAfterFile();

const DEVICE = '/dev/udmabuf';
const skip = cannotOpen(DEVICE);
const PAGE = kernelCalls.getpagesize();
/** include/uapi/linux/memfd.h */
const MFD_HUGETLB = 0x0004;
const HUGE_PAGE = 2 * MiB;
const HUGE_PAGE_COUNT = 4;
const HUGE_PAGES = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';

function memfdOf(t: TestContext, pageCount: number): OwnedFd {
  const memfd = createMemfd({ length: pageCount * PAGE });
  t.after(() => memfd.close());
  return memfd;
}

/** The driver's own answer to a range that this package refuses first. */
function askDriver(range: { fd: number; offset: number; length: number }): void {
  const calls = new DmaBufCalls();
  const device = calls.openUdmabuf(DEVICE);
  try {
    const fd = range.fd as ReturnType<OwnedFd['borrow']>;
    calls.createUdmabufOfRanges(device.borrow(), [{ ...range, fd, length: toByteLength(range.length) }]).close();
  } finally {
    device.close();
  }
}

for (const [what, offset, length] of [
  ['an offset of half a page', PAGE / 2, PAGE],
  ['a length of half a page', 0, PAGE / 2],
] as const) {
  test(`createUdmabuf() refuses ${what}, as the driver does`, { skip }, (t) => {
    const fd = memfdOf(t, 4);
    assert.throws(() => createUdmabuf([{ fd, offset, length }]), RangeError);
    assert.throws(
      () => askDriver({ fd: fd.borrow(), offset, length }),
      (error) => isDmaBufError(error, 'EINVAL'),
    );
  });
}

test('createUdmabuf() refuses files that are not memfds, as the driver does', { skip }, () => {
  assert.throws(
    () => createUdmabuf([{ fd: 0, length: PAGE }]),
    (error) => isDmaBufError(error, 'EINVAL') && /must be a memfd/u.test(error.message),
  );
  assert.throws(() => askDriver({ fd: 0, offset: 0, length: PAGE }), isDmaBufError);
});

test('createUdmabuf() of a whole memfd is its memory', { skip }, (t) => {
  const memfd = memfdOf(t, 4);
  writeSync(memfd.borrow(), Buffer.alloc(4 * PAGE, 'x'), 0, 4 * PAGE, 0);
  const buffer = createUdmabuf([{ fd: memfd }], { name: 'whole' });
  t.after(() => buffer.close());
  assert.deepEqual(
    [buffer.length, buffer.name, buffer.exporter, buffer.deviceImportable],
    [4 * PAGE, 'whole', 'udmabuf', true],
  );
  buffer.accessSync('readwrite', (bytes) => {
    assert.equal(Buffer.compare(bytes, Buffer.alloc(4 * PAGE, 'x')), 0);
    bytes[3 * PAGE] = 0x79;
  });
  assert.equal(readFileSync(`/proc/self/fd/${memfd.borrow()}`)[3 * PAGE], 0x79);
  const fd = buffer.exportFd();
  assert.match(readFileSync(`/proc/self/fdinfo/${fd.borrow()}`, 'utf8'), /^exp_name:\tudmabuf\nname:\twhole$/mu);
  fd.close();
});

/**
 * Of the order in which they lie in the buffer: fills the memfd through `fill`, and compares the
 * buffer with it, quarter by quarter.
 */
function checkQuarters(memfd: OwnedFd, memfdLength: number, fill: (byte: number) => void): void {
  const length = 4 * PAGE;
  fill(0x61);
  const ranges = [0, 1, 2, 3].map((quarter) => ({ fd: memfd, offset: (quarter * memfdLength) / 4, length }));
  const buffer = createUdmabuf(ranges);
  try {
    assert.equal(buffer.length, 4 * length);
    fill(0x62);
    buffer.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 0x62)));
    // Unlike the kernel's test: each quarter has something of its own, so that a wrong order shows.
    for (const quarter of [0, 1, 2, 3]) buffer.accessSync('write', (bytes) => (bytes[quarter * length] = quarter));
    const view = buffer.vmap();
    assert.deepEqual(
      [0, 1, 2, 3].map((quarter) => view.bytes[quarter * length]),
      [0, 1, 2, 3],
    );
    view.close();
  } finally {
    buffer.close();
  }
}

test('createUdmabuf() of four parts of a memfd has them in their order, and is their memory', { skip }, (t) => {
  const memfd = memfdOf(t, 1024);
  const whole = 1024 * PAGE;
  checkQuarters(memfd, whole, (byte) => writeSync(memfd.borrow(), Buffer.alloc(whole, byte), 0, whole, 0));
  const after = readFileSync(`/proc/self/fd/${memfd.borrow()}`);
  assert.deepEqual(
    [0, 1, 2, 3].map((quarter) => after[(quarter * whole) / 4]),
    [0, 1, 2, 3],
  );
});

test(
  'createUdmabuf() of parts in another order than they lie in, of two memfds, and of the same part twice',
  { skip },
  (t) => {
    const [first, second] = [memfdOf(t, 2), memfdOf(t, 2)];
    for (const [index, memfd] of [first, second].entries())
      for (const page of [0, 1]) writeSync(memfd.borrow(), Buffer.alloc(PAGE, 16 * index + page), 0, PAGE, page * PAGE);
    const parts = [
      { fd: second, offset: PAGE },
      { fd: first, offset: PAGE, length: PAGE },
      { fd: first.borrow(), length: PAGE },
      { fd: second, offset: PAGE, length: PAGE },
    ];
    const buffer = createUdmabuf(parts);
    t.after(() => buffer.close());
    const view = buffer.vmap();
    assert.deepEqual(
      [0, 1, 2, 3].map((page) => view.bytes[page * PAGE]),
      [17, 1, 0, 17],
    );
    view.bytes[3 * PAGE] = 99;
    assert.equal(view.bytes[0], 99);
    view.close();
  },
);

/**
 * Why there are no huge pages; false once they are reserved, until the test ends. Reserved in the
 * guest only, which has no other user.
 */
function reserveHugePages(t: TestContext): string | false {
  if (hostname() !== 'dmabuf-guest') return 'huge pages are reserved in the guest alone: npm run vm boots it';
  const before = readFileSync(HUGE_PAGES, 'utf8');
  writeFileSync(HUGE_PAGES, String(HUGE_PAGE_COUNT));
  t.after(() => writeFileSync(HUGE_PAGES, before));
  const count = Number(readFileSync(HUGE_PAGES, 'utf8'));
  return count === HUGE_PAGE_COUNT ? false : `the kernel reserved ${count} huge pages of ${HUGE_PAGE_COUNT}`;
}

test('createUdmabuf() of four parts of a memfd with huge pages', { skip }, (t) => {
  const missing = reserveHugePages(t);
  if (missing !== false) {
    t.skip(missing);
    return;
  }
  const length = toByteLength(HUGE_PAGE_COUNT * HUGE_PAGE);
  const memfd = createMemfd({ length, flags: MFD_HUGETLB });
  const calls = new MemoryCalls();
  const address = calls.mapFile({ fd: memfd.borrow(), offset: 0, length });
  checkQuarters(memfd, length, (byte) => kernelCalls.memset(address, byte, length));
  calls.unmap({ address, length });
  memfd.close();
});

test("createUdmabuf() keeps to the driver's limits, and says which they are and how to raise them", { skip }, (t) => {
  const parameters = '/sys/module/udmabuf/parameters';
  const countMax = Number(readFileSync(`${parameters}/list_limit`, 'utf8'));
  const mibMax = Number(readFileSync(`${parameters}/size_limit_mb`, 'utf8'));
  const memfd = memfdOf(t, (mibMax * MiB) / PAGE + 1);
  const small = { fd: memfd, length: PAGE };
  createUdmabuf(Array.from({ length: countMax }, () => small)).close();
  assert.throws(
    () => createUdmabuf(Array.from({ length: countMax + 1 }, () => small)),
    (error) =>
      isDmaBufError(error, 'EINVAL') &&
      error.message.includes(`at most ${countMax} items: current value is ${countMax + 1}; as root, run: echo `),
  );
  createUdmabuf([{ fd: memfd, length: mibMax * MiB }]).close();
  assert.throws(
    () => createUdmabuf([{ fd: memfd }]),
    (error) =>
      isDmaBufError(error, 'EINVAL') &&
      error.values['limitBytes'] === mibMax * MiB &&
      /size_limit_mb/u.test(error.message),
  );
  assert.throws(
    () => askDriver({ fd: memfd.borrow(), offset: 0, length: mibMax * MiB + 4 * KiB }),
    (error) => isDmaBufError(error, 'EINVAL'),
  );
});
