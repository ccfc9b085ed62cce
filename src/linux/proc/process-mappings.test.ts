import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { toAddress, toByteLength } from '../../base/quantities.ts';
import { inodeOf } from '../calls/file-status.ts';
import { FileMappings, readMapCount, readMaxMapCount } from './process-mappings.ts';
import { MemoryCalls } from '../calls/memory-calls.ts';
import type { MemoryRange } from '../calls/memory-calls.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const MAPS = [
  '55d0a0000000-55d0a0002000 r--p 00000000 08:01 1311                       /usr/bin/node',
  '7f0000010000-7f0000014000 rw-s 00004000 00:01 77                         /memfd:dmabuf-arena (deleted)',
  '7f0000014000-7f0000018000 rw-p 00000000 00:00 0 ',
  '7f0000020000-7f0000021000 rw-s 00000000 00:01 777                        /memfd:dmabuf arena 77 (deleted)',
  'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]',
].join('\n');

function range(address: number, length: number): MemoryRange {
  return { address: toAddress(address), length: toByteLength(length) };
}

test('readMaxMapCount reads vm.max_map_count', (t) => {
  assert.equal(
    readMaxMapCount(otherMachine({ root: temporaryTree(t, { 'proc/sys/vm/max_map_count': '262144\n' }) })),
    262_144,
  );
  assert.equal(readMaxMapCount(), Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8')));
});

test("readMaxMapCount gives the kernel's default where it cannot be read", (t) => {
  assert.equal(readMaxMapCount(otherMachine({ root: temporaryTree(t, {}) })), 65_530);
});

test('readMapCount counts the lines of maps, also when there are none', (t) => {
  assert.equal(readMapCount(otherMachine({ root: temporaryTree(t, { 'proc/self/maps': '' }) })), 0);
  assert.equal(readMapCount(otherMachine({ root: temporaryTree(t, { 'proc/self/maps': `${MAPS}\n` }) })), 5);
});

test('readMapCount counts one more for each mapping made', () => {
  const calls = new MemoryCalls();
  const pageSize = calls.pageSize();
  const fd = calls.createSealedMemfd('dmabuf-test', toByteLength(64 * pageSize));
  const before = readMapCount() ?? Number.NaN;
  // Every other page, so that no two of them are merged into one.
  const pages = Array.from({ length: 32 }, (_, index) =>
    calls.mapFile({ fd: fd.borrow(), offset: 2 * index * pageSize, length: pageSize }),
  );
  const during = readMapCount() ?? Number.NaN;
  for (const address of pages) calls.unmap({ address, length: pageSize });
  fd.close();
  // V8 maps and unmaps some memory of its own meanwhile.
  assert.ok(Math.abs(during - before - 32) < 16, `${before} before, ${during} with 32 more`);
});

test('FileMappings.hasFileWithin is true for any overlap with a mapping of that inode', (t) => {
  const root = temporaryTree(t, { 'proc/self/maps': `${MAPS}\n` });
  for (const [address, length] of [
    [0x7f00_0001_0000, 0x4000],
    [0x7f00_0001_1000, 0x1000],
    [0x7f00_0000_f000, 0x2000],
    [0x7f00_0001_3000, 0x9000],
    [0x7f00_0000_0000, 0x10_0000],
  ] as const) {
    assert.equal(
      new FileMappings(otherMachine({ root })).hasFileWithin(range(address, length), 77),
      true,
      address.toString(16),
    );
  }
});

test('FileMappings.hasFileWithin is false beside the mapping, for other inodes, and for numbers in a name', (t) => {
  const root = temporaryTree(t, { 'proc/self/maps': `${MAPS}\n` });
  assert.equal(new FileMappings(otherMachine({ root })).hasFileWithin(range(0x7f00_0000_f000, 0x1000), 77), false);
  assert.equal(new FileMappings(otherMachine({ root })).hasFileWithin(range(0x7f00_0001_4000, 0x4000), 77), false);
  assert.equal(new FileMappings(otherMachine({ root })).hasFileWithin(range(0x7f00_0001_0000, 0x4000), 777), false);
  assert.equal(new FileMappings(otherMachine({ root })).hasFileWithin(range(0x7f00_0002_0000, 0x1000), 77), false);
  assert.equal(new FileMappings(otherMachine({ root })).hasFileWithin(range(0x7f00_0002_0000, 0x1000), 777), true);
});

test('FileMappings.hasFileWithin sees a file while this process maps it', () => {
  const calls = new MemoryCalls();
  const pageSize = calls.pageSize();
  const length = toByteLength(4 * pageSize);
  const fd = calls.createSealedMemfd('dmabuf-test', length);
  const inode = inodeOf(fd.borrow());
  const address = calls.mapFile({ fd: fd.borrow(), offset: 0, length });
  assert.equal(new FileMappings().hasFileWithin({ address, length }, inode), true);
  assert.equal(new FileMappings().hasFileWithin(range(address + pageSize, pageSize), inode), true);
  assert.equal(new FileMappings().hasFileWithin(range(address + 4 * pageSize, pageSize), inode), false);
  assert.equal(new FileMappings().hasFileWithin({ address, length }, inode + 1), false);
  calls.unmap({ address, length });
  fd.close();
  assert.equal(new FileMappings().hasFileWithin({ address, length }, inode), false);
});

test('readMapCount gives undefined where there is no /proc/self/maps', (t) => {
  assert.equal(readMapCount(otherMachine({ root: temporaryTree(t, {}) })), undefined);
});

test("FileMappings without /proc/self/maps assumes that mapped memory is the file's, until it is unmapped", (t) => {
  const root = temporaryTree(t, {});
  const calls = new MemoryCalls();
  const length = calls.pageSize();
  const fd = calls.createSealedMemfd('dmabuf-test', length);
  t.after(() => fd.close());
  const address = calls.mapFile({ fd: fd.borrow(), offset: 0, length });
  const inode = inodeOf(fd.borrow());
  assert.equal(new FileMappings(otherMachine({ root })).hasFileWithin({ address, length }, inode), true);
  assert.equal(new FileMappings(otherMachine({ root })).hasFileWithin({ address, length }, inode + 1), true);
  calls.unmap({ address, length });
  assert.equal(new FileMappings(otherMachine({ root })).hasFileWithin({ address, length }, inode), false);
});
