import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bufferSnapshot } from '../../../test/support/fakes/buffer-snapshots.ts';
import { parseSnapshot } from './parse-snapshot.ts';

const snapshot = bufferSnapshot({
  buffers: [{ inode: 1, size: 4096, exporter: 'system', holders: { 10: 1 } }],
  processes: { 10: 'camera' },
});

test('parseSnapshot reads a snapshot back', () => {
  assert.deepEqual(parseSnapshot(JSON.stringify(snapshot)), snapshot);
});

test('parseSnapshot refuses another text, or an incomplete snapshot', () => {
  assert.throws(() => parseSnapshot(''), SyntaxError);
  for (const [value, message] of [
    [[], /no list of buffers/u],
    [null, /no list of buffers/u],
    [{ ...snapshot, version: 2 }, /another version/u],
    [{ ...snapshot, takenAt: 5 }, /missing/u],
    [{ ...snapshot, buffers: {} }, /missing/u],
    [{ ...snapshot, buffers: [{ inode: 1 }] }, /missing/u],
    [{ ...snapshot, buffers: [{ ...snapshot.buffers[0], holders: [{ pid: 1 }] }] }, /missing/u],
    [{ ...snapshot, processes: [{ pid: '1' }] }, /missing/u],
  ] as const) {
    assert.throws(() => parseSnapshot(JSON.stringify(value)), { name: 'TypeError', message }, JSON.stringify(value));
  }
});
