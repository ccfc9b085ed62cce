import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { toAddress, toByteLength } from '../../base/quantities.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { readPagemap } from './pagemap.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

test('readPagemap() tells present, hidden and absent pages apart', (t) => {
  const root = temporaryTree(t, { 'proc/self/pagemap': '' });
  const entries = Buffer.alloc(6 * 8);
  // Documentation/admin-guide/mm/pagemap.rst: 63 present, 62 swapped, 61 file page, 55 soft-dirty,
  // 0-54 pfn.
  entries.writeBigUInt64LE(0xa180_0000_0010_9d00n, 2 * 8);
  entries.writeBigUInt64LE(0x8000_0000_0000_0000n, 3 * 8);
  entries.writeBigUInt64LE(0x4000_0000_0000_0621n, 4 * 8);
  entries.writeBigUInt64LE(0x0080_0000_0000_0000n, 5 * 8);
  writeFileSync(join(root, 'proc/self/pagemap'), entries);
  const range = { address: toAddress(2 * 16_384), pageCount: 4, pageSize: toByteLength(16_384) };
  assert.deepEqual(readPagemap(range, otherMachine({ root })), [
    { state: 'present', pfn: 0x10_9d00 },
    { state: 'hidden' },
    { state: 'absent' },
    { state: 'absent' },
  ]);
});

test('readPagemap() says which file it could not read', (t) => {
  const range = { address: toAddress(4096), pageCount: 1, pageSize: toByteLength(4096) };
  assert.throws(
    () => readPagemap(range, otherMachine({ root: temporaryTree(t, {}) })),
    /^DmaBufError: Cannot read .*pagemap: open failed with ENOENT$/u,
  );
});
