import assert from 'node:assert/strict';
import { ftruncateSync, readFileSync, readSync, readlinkSync, writeSync } from 'node:fs';
import { test } from 'node:test';

import { checkLeaksAfterFile, heldMemory } from '../../../test/support/runner/leak-check.ts';
import { presentPages } from '../../../test/support/devices/page-tables.ts';
import { rawCallsFailing, rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import { toAddress, toByteLength } from '../../base/quantities.ts';
import { F_ADD_SEALS, F_GET_SEALS } from '../../uapi/fcntl.ts';
import { F_SEAL_FUTURE_WRITE } from '../../uapi/memfd.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { addressOf, kernelCalls } from './kernel-calls.ts';
import { MemoryCalls } from './memory-calls.ts';
import type { MemoryRange } from './memory-calls.ts';

checkLeaksAfterFile();

const EIO = 5;
const calls = new MemoryCalls();
const pageSize = calls.pageSize();
const F_GETFD = 1;
const FD_CLOEXEC = 1;
/** Above every limit on open files: this descriptor is never open. */
const NO_FD = 1_073_741_816 as BorrowedFd;

function bytesOf(pageCount: number): ReturnType<typeof toByteLength> {
  return toByteLength(pageCount * pageSize);
}

/** A memfd whose page n is full of n + 1. */
function numberedFile(pageCount: number): OwnedFd {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(pageCount));
  for (let page = 0; page < pageCount; page += 1) {
    writeSync(fd.borrow(), new Uint8Array(pageSize).fill(page + 1), 0, pageSize, page * pageSize);
  }
  return fd;
}

/** Memory that JavaScript sees, to map over. Restored to V8's state before V8 frees it. */
function visibleMemory(pageCount: number): { bytes: Uint8Array; range: MemoryRange } {
  const length = bytesOf(pageCount);
  const bytes = new Uint8Array(new SharedArrayBuffer(length, { maxByteLength: length }), 0, length);
  return { bytes, range: { address: addressOf(bytes), length } };
}

/** The first byte of each page, after a check that the page's bytes are all the same. */
function pageFills(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.length / pageSize }, (_, index) => {
    const page = bytes.subarray(index * pageSize, (index + 1) * pageSize);
    assert.ok(page.every((byte) => byte === page[0]));
    return page[0] as number;
  });
}

function readPage(fd: OwnedFd, page: number): Uint8Array {
  const bytes = new Uint8Array(pageSize);
  assert.equal(readSync(fd.borrow(), bytes, 0, pageSize, page * pageSize), pageSize);
  return bytes;
}

test('MemoryCalls.pageSize is a page size that Linux has', () => {
  assert.ok([4096, 16_384, 65_536].includes(pageSize));
});

test('MemoryCalls.createSealedMemfd makes a file of that name and length, closed on exec, with nothing committed', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(16));
  assert.equal(readlinkSync(`/proc/self/fd/${fd.borrow()}`), '/memfd:dmabuf-test (deleted)');
  assert.equal(kernelCalls.lseek(fd.borrow(), 0, 2), 16 * pageSize);
  assert.equal(kernelCalls.fcntl(fd.borrow(), F_GETFD, 0) & FD_CLOEXEC, FD_CLOEXEC);
  assert.equal(calls.nextData(fd.borrow(), 0), undefined);
  fd.close();
});

test('MemoryCalls.createSealedMemfd seals against shrinking, growing and further seals, and nothing else', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(4));
  assert.equal(kernelCalls.fcntl(fd.borrow(), F_GET_SEALS, 0), 0x7);
  assert.throws(() => ftruncateSync(fd.borrow(), 3 * pageSize), { code: 'EPERM' });
  assert.throws(() => ftruncateSync(fd.borrow(), 5 * pageSize), { code: 'EPERM' });
  assert.throws(() => writeSync(fd.borrow(), new Uint8Array(1), 0, 1, 4 * pageSize), { code: 'EPERM' });
  assert.equal(kernelCalls.fcntl(fd.borrow(), F_ADD_SEALS, 0x8), -1, 'EPERM is 1');
  assert.equal(writeSync(fd.borrow(), new Uint8Array(1), 0, 1, 4 * pageSize - 1), 1);
  fd.close();
});

test('MemoryCalls.createSealedMemfd leaves no descriptor when one of its calls fails', () => {
  const held = heldMemory().fds;
  for (const [name, errno, code] of [
    ['memfd_create', 24, 'EMFILE'],
    ['ftruncate', 27, 'EFBIG'],
    ['fcntl', 1, 'EPERM'],
  ] as const) {
    const failing = new MemoryCalls(rawCallsFailing(name, { nth: 1, errno }));
    assert.throws(() => failing.createSealedMemfd('dmabuf-test', bytesOf(4)), {
      name: 'DmaBufError',
      code,
      syscall: name,
    });
    assert.deepEqual(heldMemory().fds, held);
  }
});

test('MemoryCalls.duplicate gives another descriptor of the same file, closed on exec, that outlives the first', () => {
  const fd = numberedFile(2);
  const duplicate = calls.duplicate(fd.borrow());
  assert.notEqual(duplicate.borrow(), fd.borrow());
  assert.equal(kernelCalls.fcntl(duplicate.borrow(), F_GETFD, 0) & FD_CLOEXEC, FD_CLOEXEC);
  fd.close();
  assert.equal(readPage(duplicate, 1)[0], 2);
  duplicate.close();
});

test('MemoryCalls.mapFileAt shows the file at the address, both ways', () => {
  const fd = numberedFile(4);
  const { bytes, range } = visibleMemory(3);
  calls.mapFileAt(range.address, { fd: fd.borrow(), offset: pageSize, length: bytesOf(3) });
  assert.deepEqual(pageFills(bytes), [2, 3, 4]);
  bytes.fill(9, pageSize, 2 * pageSize);
  assert.equal(readPage(fd, 2)[0], 9);
  writeSync(fd.borrow(), Uint8Array.of(8), 0, 1, 3 * pageSize);
  assert.equal(bytes[2 * pageSize], 8);
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.mapFileAt commits nothing, and makes no page-table entry, before a page is touched', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(4));
  const { bytes, range } = visibleMemory(4);
  calls.mapFileAt(range.address, { fd: fd.borrow(), offset: 0, length: range.length });
  assert.equal(calls.nextData(fd.borrow(), 0), undefined);
  assert.deepEqual(presentPages(range, pageSize), [false, false, false, false]);
  bytes[2 * pageSize] = 1;
  assert.deepEqual(calls.nextData(fd.borrow(), 0), { start: 2 * pageSize, end: 3 * pageSize });
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.mapFileAt, private, shows the file, and keeps stores out of it', () => {
  const fd = numberedFile(3);
  const { bytes, range } = visibleMemory(3);
  calls.mapFileAt(range.address, { fd: fd.borrow(), offset: 0, length: range.length }, 'private');
  bytes.fill(9, pageSize, 2 * pageSize);
  for (let page = 0; page < 3; page += 1)
    writeSync(fd.borrow(), new Uint8Array(pageSize).fill(7), 0, pageSize, page * pageSize);
  assert.deepEqual(pageFills(bytes), [7, 9, 7]);
  assert.equal(readPage(fd, 1)[0], 7);
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.mapFileAt, read-only, makes a mapping that may not be written to', () => {
  const fd = numberedFile(2);
  const { bytes, range } = visibleMemory(2);
  calls.mapFileAt(range.address, { fd: fd.borrow(), offset: 0, length: range.length }, 'read-only');
  assert.deepEqual(pageFills(bytes), [1, 2]);
  const lineStart = `${range.address.toString(16).padStart(8, '0')}-`;
  const line = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(lineStart));
  assert.match(line ?? '', / r--s /u);
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.populate of a private mapping copies no page', () => {
  const fd = numberedFile(4);
  const { bytes, range } = visibleMemory(4);
  calls.mapFileAt(range.address, { fd: fd.borrow(), offset: 0, length: range.length }, 'private');
  assert.equal(calls.populate(range, 'private'), true);
  assert.deepEqual(presentPages(range, pageSize), [true, true, true, true]);
  for (let page = 0; page < 4; page += 1)
    writeSync(fd.borrow(), new Uint8Array(pageSize).fill(7), 0, pageSize, page * pageSize);
  assert.deepEqual(pageFills(bytes), [7, 7, 7, 7]);
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.duplicateMapping maps a part of a mapping elsewhere, writable, even when the file is sealed', () => {
  const fd = calls.createMemfd('dmabuf-test', bytesOf(3));
  const first = visibleMemory(3);
  calls.mapFileAt(first.range.address, { fd: fd.borrow(), offset: 0, length: bytesOf(3) });
  calls.seal(fd.borrow(), F_SEAL_FUTURE_WRITE);
  const { bytes, range } = visibleMemory(2);
  assert.throws(() => calls.mapFileAt(range.address, { fd: fd.borrow(), offset: 0, length: bytesOf(2) }), {
    code: 'EPERM',
    syscall: 'mmap',
  });
  const source = { address: toAddress(first.range.address + pageSize), length: bytesOf(2) };
  calls.duplicateMapping(source, range.address);
  bytes.fill(4, 0, pageSize);
  bytes.fill(5, pageSize);
  assert.deepEqual(pageFills(first.bytes), [0, 4, 5]);
  calls.mapZeros(first.range);
  bytes.fill(6);
  assert.equal(readPage(fd, 2)[0], 6);
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.mapFileAtPopulated commits every page and makes its page-table entry', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(4));
  const { range } = visibleMemory(4);
  calls.mapFileAtPopulated(range.address, { fd: fd.borrow(), offset: 0, length: range.length });
  assert.deepEqual(calls.nextData(fd.borrow(), 0), { start: 0, end: 4 * pageSize });
  assert.deepEqual(presentPages(range, pageSize), [true, true, true, true]);
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.mapZeros shows zeros, and changes neither the file there nor the memory beside it', () => {
  const fd = numberedFile(3);
  const { bytes, range } = visibleMemory(3);
  calls.mapFileAt(range.address, { fd: fd.borrow(), offset: 0, length: range.length });
  calls.mapZeros({ address: toAddress(range.address + pageSize), length: pageSize });
  assert.deepEqual(pageFills(bytes), [1, 0, 3]);
  bytes[pageSize] = 7;
  assert.equal(readPage(fd, 1)[0], 2);
  calls.mapZeros(range);
  fd.close();
});

test("MemoryCalls.mapFile and unmap map at an address of the kernel's choice, and unmap", () => {
  const fd = numberedFile(2);
  const length = bytesOf(2);
  const address = calls.mapFile({ fd: fd.borrow(), offset: 0, length });
  assert.equal(address % pageSize, 0);
  calls.fillZeros({ address: toAddress(address + pageSize), length: pageSize });
  assert.equal(readPage(fd, 0)[0], 1);
  assert.ok(readPage(fd, 1).every((byte) => byte === 0));
  calls.unmap({ address, length });
  // Unmapping nothing is no error for the kernel. An impossible range is.
  assert.throws(() => calls.unmap({ address: toAddress(address + 1), length }), { code: 'EINVAL', syscall: 'munmap' });
  fd.close();
});

test('MemoryCalls.movePageTables moves the entries, and leaves the source mapped without them', () => {
  const fd = numberedFile(3);
  const source = visibleMemory(3);
  const target = visibleMemory(3);
  calls.mapFileAt(source.range.address, { fd: fd.borrow(), offset: 0, length: source.range.length });
  assert.deepEqual(pageFills(source.bytes), [1, 2, 3]);
  assert.equal(calls.movePageTables(source.range, target.range.address), true);
  assert.deepEqual(presentPages(target.range, pageSize), [true, true, true]);
  assert.deepEqual(presentPages(source.range, pageSize), [false, false, false]);
  assert.deepEqual(pageFills(target.bytes), [1, 2, 3]);
  target.bytes.fill(9, 0, pageSize);
  assert.deepEqual(pageFills(source.bytes), [9, 2, 3]);
  for (const memory of [source, target]) calls.mapZeros(memory.range);
  fd.close();
});

test('MemoryCalls.movePageTables is false where the kernel refuses', () => {
  const { range } = visibleMemory(1);
  const halfway = { address: toAddress(range.address + 1), length: range.length };
  assert.equal(calls.movePageTables(halfway, range.address), false);
});

test('MemoryCalls.populate faults every page in, so that no access faults', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(16));
  const { bytes, range } = visibleMemory(16);
  calls.mapFileAt(range.address, { fd: fd.borrow(), offset: 0, length: range.length });
  assert.equal(calls.populate(range), true);
  assert.deepEqual(presentPages(range, pageSize), Array(16).fill(true));
  assert.deepEqual(calls.nextData(fd.borrow(), 0), { start: 0, end: 16 * pageSize });
  assert.ok(bytes.every((byte) => byte === 0));
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.populate makes entries that allow writes without a fault', () => {
  const pageCount = 4096;
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(pageCount));
  const { bytes, range } = visibleMemory(pageCount);
  calls.mapFileAt(range.address, { fd: fd.borrow(), offset: 0, length: range.length });
  assert.equal(calls.populate(range), true);
  const before = process.resourceUsage().minorPageFault;
  for (let page = 0; page < pageCount; page += 1) bytes[page * pageSize] = 1;
  const faults = process.resourceUsage().minorPageFault - before;
  // V8 itself faults now and then. One fault per page would be 4096.
  assert.ok(faults < pageCount / 4, `${faults} page faults for ${pageCount} pages`);
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.populate is false where nothing is mapped', () => {
  const fd = numberedFile(1);
  const address = calls.mapFile({ fd: fd.borrow(), offset: 0, length: pageSize });
  calls.unmap({ address, length: pageSize });
  assert.equal(calls.populate({ address, length: pageSize }), false);
  fd.close();
});

test('MemoryCalls.punchHole gives pages back: they read zeros in every mapping, and are no longer committed', () => {
  const fd = numberedFile(4);
  const { bytes, range } = visibleMemory(4);
  calls.mapFileAt(range.address, { fd: fd.borrow(), offset: 0, length: range.length });
  assert.deepEqual(pageFills(bytes), [1, 2, 3, 4]);
  calls.punchHole({ fd: fd.borrow(), offset: pageSize, length: bytesOf(2) });
  assert.deepEqual(calls.nextData(fd.borrow(), 0), { start: 0, end: pageSize });
  assert.deepEqual(calls.nextData(fd.borrow(), pageSize), { start: 3 * pageSize, end: 4 * pageSize });
  assert.deepEqual(pageFills(bytes), [1, 0, 0, 4]);
  assert.equal(kernelCalls.lseek(fd.borrow(), 0, 2), 4 * pageSize);
  calls.mapZeros(range);
  fd.close();
});

test('MemoryCalls.nextData gives the first committed range from the offset on, or undefined', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(16));
  for (const page of [3, 4, 9]) writeSync(fd.borrow(), Uint8Array.of(1), 0, 1, page * pageSize);
  const expected: [page: number, range: [start: number, end: number] | undefined][] = [
    [0, [3, 5]],
    [3, [3, 5]],
    [4, [4, 5]],
    [5, [9, 10]],
    [9, [9, 10]],
    [10, undefined],
    [16, undefined],
    [17, undefined],
  ];
  for (const [page, range] of expected) {
    const [start, end] = range ?? [];
    const wanted =
      start === undefined || end === undefined ? undefined : { start: start * pageSize, end: end * pageSize };
    assert.deepEqual(calls.nextData(fd.borrow(), page * pageSize), wanted, `from page ${page}`);
  }
  fd.close();
});

test('MemoryCalls throws DmaBufErrors with the code, the errno, the call and the values', () => {
  const fd = numberedFile(1);
  const borrowed = fd.borrow();
  const length = pageSize;
  const address = toAddress(pageSize + 1);
  const expected: [call: () => unknown, error: Record<string, unknown>][] = [
    [() => calls.duplicate(NO_FD), { code: 'EBADF', errno: -9, syscall: 'fcntl', values: { fd: NO_FD } }],
    [
      () => calls.mapFile({ fd: NO_FD, offset: 0, length }),
      { code: 'EBADF', errno: -9, syscall: 'mmap', values: { offset: 0, length } },
    ],
    [
      () => calls.mapFile({ fd: borrowed, offset: 1, length }),
      { code: 'EINVAL', errno: -22, syscall: 'mmap', values: { offset: 1, length } },
    ],
    [() => calls.mapZeros({ address, length }), { code: 'EINVAL', errno: -22, syscall: 'mmap', values: { length } }],
    [() => calls.unmap({ address, length }), { code: 'EINVAL', errno: -22, syscall: 'munmap', values: { length } }],
    [
      () => calls.punchHole({ fd: NO_FD, offset: 0, length }),
      { code: 'EBADF', errno: -9, syscall: 'fallocate', values: { offset: 0, length } },
    ],
    [() => calls.nextData(NO_FD, 0), { code: 'EBADF', errno: -9, syscall: 'lseek', values: { offset: 0 } }],
    [
      () => calls.createSealedMemfd('x'.repeat(250), length),
      { code: 'EINVAL', errno: -22, syscall: 'memfd_create', values: {} },
    ],
  ];
  for (const [call, error] of expected) assert.throws(call, { name: 'DmaBufError', ...error });
  fd.close();
});

test('MemoryCalls says in the message which call failed, how, and with what', () => {
  assert.throws(() => calls.nextData(NO_FD, 4096), { message: 'lseek failed with EBADF (offset 4096)' });
  assert.throws(() => calls.createSealedMemfd('x'.repeat(250), pageSize), {
    message: 'memfd_create failed with EINVAL',
  });
});

test('MemoryCalls reports a refused close, and does not close that number again', () => {
  const closed: number[] = [];
  const refusing = rawCallsWith({
    close: (fd) => {
      closed.push(fd);
      kernelCalls.close(fd);
      return -EIO;
    },
  });
  const fd = new MemoryCalls(refusing).createSealedMemfd('dmabuf-test', pageSize);
  const number = fd.borrow();
  assert.throws(() => fd.close(), { code: 'EIO', syscall: 'close' });
  fd.close();
  assert.deepEqual(closed, [number]);
});
