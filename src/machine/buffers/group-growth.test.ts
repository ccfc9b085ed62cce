import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bufferSnapshot } from '../../../test/support/fakes/buffer-snapshots.ts';
import { groupBuffers } from './group-buffers.ts';
import { groupGrowth } from './group-growth.ts';

const before = bufferSnapshot({
  buffers: [
    { inode: 1, size: 4096, exporter: 'system', holders: { 10: 1 } },
    { inode: 2, size: 8192, exporter: 'drm', holders: {} },
  ],
  processes: { 10: 'camera' },
});
const after = bufferSnapshot({
  buffers: [
    { inode: 1, size: 4096, exporter: 'system', holders: { 10: 3, 20: 1 } },
    { inode: 3, size: 16_384, exporter: 'system', holders: { 20: 1 } },
  ],
  processes: { 10: 'camera', 20: 'viewer' },
});

test('groupBuffers sums up by exporter, the largest first', () => {
  const groups = groupBuffers(after, 'exporter');
  assert.deepEqual(groups, [
    {
      key: 'system',
      labels: ['system'],
      isSelf: false,
      bufferCount: 2,
      bytes: 20_480,
      shareBytes: 20_480,
      fdCount: 5,
      mappingCount: 0,
    },
  ]);
});

test('groupBuffers by process has a group for buffers that no process holds', () => {
  const groups = groupBuffers(before, 'process');
  assert.deepEqual(
    groups.map(({ key, bufferCount, bytes, shareBytes }) => [key, bufferCount, bytes, shareBytes]),
    [
      ['kernel', 1, 8192, 0],
      ['10@100', 1, 4096, 4096],
    ],
  );
  assert.ok(groupBuffers(after, 'process').every(({ key }) => key !== 'kernel'));
});

test('groupGrowth gives grown, new and gone groups, the most growth first', () => {
  const rows = groupGrowth(before, after, 'buffer').map(({ group, presence, ...growth }) => [
    group.key,
    presence,
    growth,
  ]);
  assert.deepEqual(rows, [
    ['3', 'new', { bufferCount: 1, bytes: 16_384, fdCount: 1, mappingCount: 0 }],
    ['1', 'stayed', { bufferCount: 0, bytes: 0, fdCount: 3, mappingCount: 0 }],
    ['2', 'gone', { bufferCount: -1, bytes: -8192, fdCount: 0, mappingCount: 0 }],
  ]);
  const exporters = groupGrowth(before, after, 'exporter').map(({ group, bufferCount, bytes }) => [
    group.key,
    bufferCount,
    bytes,
  ]);
  assert.deepEqual(exporters, [
    ['system', 1, 16_384],
    ['drm', -1, -8192],
  ]);
});
