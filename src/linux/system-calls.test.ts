import assert from 'node:assert/strict';
import { ftruncateSync, readSync, readlinkSync, writeSync } from 'node:fs';
import { test } from 'node:test';

import { checkLeaksAfterFile, heldMemory } from '../../test/support/leak-check.ts';
import { presentPages } from '../../test/support/page-tables.ts';
import { rawCallsFailing, rawCallsWith } from '../../test/support/raw-calls.ts';
import { toAddress, toByteLength } from '../base/quantities.ts';
import { F_ADD_SEALS, F_GET_SEALS } from '../uapi/fcntl.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { addressOf, libc } from './libc.ts';
import { SystemCalls } from './system-calls.ts';
import type { MemoryStretch } from './system-calls.ts';

checkLeaksAfterFile();

const calls = new SystemCalls();
const pageSize = calls.pageSize();
const F_GETFD = 1;
const FD_CLOEXEC = 1;
/** Above every limit on open files: a number that no descriptor has. */
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

/** Memory that JavaScript sees, to map over. It is put back as V8 made it before V8 frees it. */
function visibleMemory(pageCount: number): { bytes: Uint8Array; stretch: MemoryStretch } {
  const length = bytesOf(pageCount);
  const bytes = new Uint8Array(new SharedArrayBuffer(length, { maxByteLength: length }), 0, length);
  return { bytes, stretch: { address: addressOf(bytes), length } };
}

/** The first byte of each page, all of whose bytes must be the same. */
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

test('SystemCalls.pageSize is a page size that Linux has', () => {
  assert.ok([4096, 16_384, 65_536].includes(pageSize));
});

test('SystemCalls.createSealedMemfd makes a file of that name and length, closed on exec, with nothing committed', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(16));
  assert.equal(readlinkSync(`/proc/self/fd/${fd.borrow()}`), '/memfd:dmabuf-test (deleted)');
  assert.equal(libc.lseek(fd.borrow(), 0, 2), 16 * pageSize);
  assert.equal(libc.fcntl(fd.borrow(), F_GETFD, 0) & FD_CLOEXEC, FD_CLOEXEC);
  assert.equal(calls.nextData(fd.borrow(), 0), undefined);
  fd.close();
});

test('SystemCalls.createSealedMemfd seals against shrinking, growing and further seals, and against nothing else', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(4));
  assert.equal(libc.fcntl(fd.borrow(), F_GET_SEALS, 0), 0x7);
  assert.throws(() => ftruncateSync(fd.borrow(), 3 * pageSize), { code: 'EPERM' });
  assert.throws(() => ftruncateSync(fd.borrow(), 5 * pageSize), { code: 'EPERM' });
  assert.throws(() => writeSync(fd.borrow(), new Uint8Array(1), 0, 1, 4 * pageSize), { code: 'EPERM' });
  assert.equal(libc.fcntl(fd.borrow(), F_ADD_SEALS, 0x8), -1);
  assert.equal(libc.errno(), 1);
  assert.equal(writeSync(fd.borrow(), new Uint8Array(1), 0, 1, 4 * pageSize - 1), 1);
  fd.close();
});

test('SystemCalls.createSealedMemfd leaves no descriptor when it fails on the way', () => {
  const held = heldMemory().fds;
  for (const [name, errno, code] of [
    ['memfd_create', 24, 'EMFILE'],
    ['ftruncate', 27, 'EFBIG'],
    ['fcntl', 1, 'EPERM'],
  ] as const) {
    const failing = new SystemCalls(rawCallsFailing(name, { nth: 1, errno }));
    assert.throws(() => failing.createSealedMemfd('dmabuf-test', bytesOf(4)), {
      name: 'DmaBufError',
      code,
      syscall: name,
    });
    assert.deepEqual(heldMemory().fds, held);
  }
});

test('SystemCalls.duplicate gives another descriptor of the same file, closed on exec, that outlives the first', () => {
  const fd = numberedFile(2);
  const duplicate = calls.duplicate(fd.borrow());
  assert.notEqual(duplicate.borrow(), fd.borrow());
  assert.equal(libc.fcntl(duplicate.borrow(), F_GETFD, 0) & FD_CLOEXEC, FD_CLOEXEC);
  fd.close();
  assert.equal(readPage(duplicate, 1)[0], 2);
  duplicate.close();
});

test('SystemCalls.mapFileAt shows the file at the address, both ways', () => {
  const fd = numberedFile(4);
  const { bytes, stretch } = visibleMemory(3);
  calls.mapFileAt(stretch.address, { fd: fd.borrow(), offset: pageSize, length: bytesOf(3) });
  assert.deepEqual(pageFills(bytes), [2, 3, 4]);
  bytes.fill(9, pageSize, 2 * pageSize);
  assert.equal(readPage(fd, 2)[0], 9);
  writeSync(fd.borrow(), Uint8Array.of(8), 0, 1, 3 * pageSize);
  assert.equal(bytes[2 * pageSize], 8);
  calls.mapZeros(stretch);
  fd.close();
});

test('SystemCalls.mapFileAt commits nothing, and makes no page-table entry, before a page is touched', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(4));
  const { bytes, stretch } = visibleMemory(4);
  calls.mapFileAt(stretch.address, { fd: fd.borrow(), offset: 0, length: stretch.length });
  assert.equal(calls.nextData(fd.borrow(), 0), undefined);
  assert.deepEqual(presentPages(stretch, pageSize), [false, false, false, false]);
  bytes[2 * pageSize] = 1;
  assert.deepEqual(calls.nextData(fd.borrow(), 0), { start: 2 * pageSize, end: 3 * pageSize });
  calls.mapZeros(stretch);
  fd.close();
});

test('SystemCalls.mapFileAtPopulated commits every page and makes its page-table entry', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(4));
  const { stretch } = visibleMemory(4);
  calls.mapFileAtPopulated(stretch.address, { fd: fd.borrow(), offset: 0, length: stretch.length });
  assert.deepEqual(calls.nextData(fd.borrow(), 0), { start: 0, end: 4 * pageSize });
  assert.deepEqual(presentPages(stretch, pageSize), [true, true, true, true]);
  calls.mapZeros(stretch);
  fd.close();
});

test('SystemCalls.mapZeros shows zeros, and leaves alone what was mapped there and the memory beside it', () => {
  const fd = numberedFile(3);
  const { bytes, stretch } = visibleMemory(3);
  calls.mapFileAt(stretch.address, { fd: fd.borrow(), offset: 0, length: stretch.length });
  calls.mapZeros({ address: toAddress(stretch.address + pageSize), length: pageSize });
  assert.deepEqual(pageFills(bytes), [1, 0, 3]);
  bytes[pageSize] = 7;
  assert.equal(readPage(fd, 1)[0], 2);
  calls.mapZeros(stretch);
  fd.close();
});

test('SystemCalls.mapFile and unmap map where the kernel finds room, and unmap', () => {
  const fd = numberedFile(2);
  const length = bytesOf(2);
  const address = calls.mapFile({ fd: fd.borrow(), offset: 0, length });
  assert.equal(address % pageSize, 0);
  calls.fillZeros({ address: toAddress(address + pageSize), length: pageSize });
  assert.equal(readPage(fd, 0)[0], 1);
  assert.ok(readPage(fd, 1).every((byte) => byte === 0));
  calls.unmap({ address, length });
  // Nothing to unmap is no error for the kernel; what cannot be a mapping is.
  assert.throws(() => calls.unmap({ address: toAddress(address + 1), length }), { code: 'EINVAL', syscall: 'munmap' });
  fd.close();
});

test('SystemCalls.movePageTables takes the entries along, and leaves the source mapped without them', () => {
  const fd = numberedFile(3);
  const source = visibleMemory(3);
  const target = visibleMemory(3);
  calls.mapFileAt(source.stretch.address, { fd: fd.borrow(), offset: 0, length: source.stretch.length });
  assert.deepEqual(pageFills(source.bytes), [1, 2, 3]);
  assert.equal(calls.movePageTables(source.stretch, target.stretch.address), true);
  assert.deepEqual(presentPages(target.stretch, pageSize), [true, true, true]);
  assert.deepEqual(presentPages(source.stretch, pageSize), [false, false, false]);
  assert.deepEqual(pageFills(target.bytes), [1, 2, 3]);
  target.bytes.fill(9, 0, pageSize);
  assert.deepEqual(pageFills(source.bytes), [9, 2, 3]);
  for (const memory of [source, target]) calls.mapZeros(memory.stretch);
  fd.close();
});

test('SystemCalls.movePageTables is false where the kernel refuses', () => {
  const { stretch } = visibleMemory(1);
  const halfway = { address: toAddress(stretch.address + 1), length: stretch.length };
  assert.equal(calls.movePageTables(halfway, stretch.address), false);
});

test('SystemCalls.populate faults every page in, so that nothing that is touched faults', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(16));
  const { bytes, stretch } = visibleMemory(16);
  calls.mapFileAt(stretch.address, { fd: fd.borrow(), offset: 0, length: stretch.length });
  assert.equal(calls.populate(stretch), true);
  assert.deepEqual(presentPages(stretch, pageSize), Array(16).fill(true));
  assert.deepEqual(calls.nextData(fd.borrow(), 0), { start: 0, end: 16 * pageSize });
  assert.ok(bytes.every((byte) => byte === 0));
  calls.mapZeros(stretch);
  fd.close();
});

test('SystemCalls.populate makes entries that writes need no fault for', () => {
  const pageCount = 4096;
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(pageCount));
  const { bytes, stretch } = visibleMemory(pageCount);
  calls.mapFileAt(stretch.address, { fd: fd.borrow(), offset: 0, length: stretch.length });
  assert.equal(calls.populate(stretch), true);
  const before = process.resourceUsage().minorPageFault;
  for (let page = 0; page < pageCount; page += 1) bytes[page * pageSize] = 1;
  const faults = process.resourceUsage().minorPageFault - before;
  // V8 itself faults now and then; one fault a page would be 4096.
  assert.ok(faults < pageCount / 4, `${faults} page faults for ${pageCount} pages`);
  calls.mapZeros(stretch);
  fd.close();
});

test('SystemCalls.populate is false where nothing is mapped', () => {
  const fd = numberedFile(1);
  const address = calls.mapFile({ fd: fd.borrow(), offset: 0, length: pageSize });
  calls.unmap({ address, length: pageSize });
  assert.equal(calls.populate({ address, length: pageSize }), false);
  fd.close();
});

test('SystemCalls.punchHole gives pages back: they read zeros through every mapping, and are committed no more', () => {
  const fd = numberedFile(4);
  const { bytes, stretch } = visibleMemory(4);
  calls.mapFileAt(stretch.address, { fd: fd.borrow(), offset: 0, length: stretch.length });
  assert.deepEqual(pageFills(bytes), [1, 2, 3, 4]);
  calls.punchHole({ fd: fd.borrow(), offset: pageSize, length: bytesOf(2) });
  assert.deepEqual(calls.nextData(fd.borrow(), 0), { start: 0, end: pageSize });
  assert.deepEqual(calls.nextData(fd.borrow(), pageSize), { start: 3 * pageSize, end: 4 * pageSize });
  assert.deepEqual(pageFills(bytes), [1, 0, 0, 4]);
  assert.equal(libc.lseek(fd.borrow(), 0, 2), 4 * pageSize);
  calls.mapZeros(stretch);
  fd.close();
});

test('SystemCalls.nextData gives the first committed stretch from the offset on, or undefined', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', bytesOf(16));
  for (const page of [3, 4, 9]) writeSync(fd.borrow(), Uint8Array.of(1), 0, 1, page * pageSize);
  const expected: [page: number, stretch: [start: number, end: number] | undefined][] = [
    [0, [3, 5]],
    [3, [3, 5]],
    [4, [4, 5]],
    [5, [9, 10]],
    [9, [9, 10]],
    [10, undefined],
    [16, undefined],
    [17, undefined],
  ];
  for (const [page, stretch] of expected) {
    const [start, end] = stretch ?? [];
    const wanted =
      start === undefined || end === undefined ? undefined : { start: start * pageSize, end: end * pageSize };
    assert.deepEqual(calls.nextData(fd.borrow(), page * pageSize), wanted, `from page ${page}`);
  }
  fd.close();
});

test('SystemCalls throws DmaBufErrors with the code, the errno, the call and the values', () => {
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

test('SystemCalls says in the message which call failed, how, and with what', () => {
  assert.throws(() => calls.nextData(NO_FD, 4096), { message: 'lseek failed with EBADF (offset 4096)' });
  assert.throws(() => calls.createSealedMemfd('x'.repeat(250), pageSize), {
    message: 'memfd_create failed with EINVAL',
  });
});

test('SystemCalls reports a close that the kernel refused, and does not close that number again', () => {
  const closed: number[] = [];
  const refusing = rawCallsWith({
    close: (fd) => {
      closed.push(fd);
      libc.close(fd);
      return -1;
    },
    errno: () => 5,
  });
  const fd = new SystemCalls(refusing).createSealedMemfd('dmabuf-test', pageSize);
  const number = fd.borrow();
  assert.throws(() => fd.close(), { code: 'EIO', syscall: 'close' });
  fd.close();
  assert.deepEqual(closed, [number]);
});
