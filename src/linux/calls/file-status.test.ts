import assert from 'node:assert/strict';
import { readFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';

import { toByteLength } from '../../base/quantities.ts';
import { committedBytesOf, inodeOf } from './file-status.ts';
import { MemoryCalls } from './memory-calls.ts';

const calls = new MemoryCalls();
const pageSize = calls.pageSize();

test('inodeOf gives the inode of fdinfo, different for each file, the same for a duplicate', () => {
  const first = calls.createSealedMemfd('dmabuf-test', pageSize);
  const second = calls.createSealedMemfd('dmabuf-test', pageSize);
  const duplicate = calls.duplicate(first.borrow());
  const shown = /^ino:\s+(\d+)$/mu.exec(readFileSync(`/proc/self/fdinfo/${first.borrow()}`, 'utf8'))?.[1];
  assert.equal(inodeOf(first.borrow()), Number(shown));
  assert.equal(inodeOf(duplicate.borrow()), inodeOf(first.borrow()));
  assert.notEqual(inodeOf(second.borrow()), inodeOf(first.borrow()));
  for (const fd of [first, second, duplicate]) fd.close();
});

test('committedBytesOf counts touched pages until they are given back', () => {
  const fd = calls.createSealedMemfd('dmabuf-test', toByteLength(64 * pageSize));
  assert.equal(committedBytesOf(fd.borrow()), 0);
  writeSync(fd.borrow(), new Uint8Array(1), 0, 1, 3 * pageSize);
  writeSync(fd.borrow(), new Uint8Array(2), 0, 2, 9 * pageSize - 1);
  assert.equal(committedBytesOf(fd.borrow()), 3 * pageSize);
  calls.punchHole({ fd: fd.borrow(), offset: 8 * pageSize, length: pageSize });
  assert.equal(committedBytesOf(fd.borrow()), 2 * pageSize);
  fd.close();
});
