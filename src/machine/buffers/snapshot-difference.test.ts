import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bufferSnapshot } from '../../../test/support/fakes/buffer-snapshots.ts';
import { compareSnapshots } from './snapshot-difference.ts';

const before = bufferSnapshot({
  buffers: [
    { inode: 1, size: 4096, exporter: 'system', holders: { 10: 1, 20: 2 } },
    { inode: 2, size: 8192, exporter: 'drm', holders: {} },
    { inode: 4, size: 4096, exporter: 'system', holders: { 10: 1 } },
  ],
  processes: { 10: 'camera', 20: 'viewer' },
});
const after = bufferSnapshot({
  buffers: [
    { inode: 1, size: 4096, exporter: 'system', holders: { 10: 3 } },
    { inode: 3, size: 16_384, exporter: 'system', holders: { 10: 1 } },
    { inode: 4, size: 4096, exporter: 'system', holders: { 10: 1 } },
  ],
  processes: { 10: 'camera' },
});

test('compareSnapshots gives new and gone buffers, and the changed holders of the others', () => {
  const { newBuffers, goneBuffers, changedBuffers, exporters, processes } = compareSnapshots(before, after);
  assert.deepEqual(
    newBuffers.map(({ inode }) => inode),
    [3],
  );
  assert.deepEqual(
    goneBuffers.map(({ inode }) => inode),
    [2],
  );
  assert.deepEqual(
    changedBuffers.map(({ buffer, holders }) => [buffer.inode, holders]),
    [
      [
        1,
        [
          { pid: 10, comm: 'camera', fdCount: 2, mappingCount: 0 },
          { pid: 20, comm: 'viewer', fdCount: -2, mappingCount: 0 },
        ],
      ],
    ],
  );
  assert.deepEqual(
    exporters.map(({ group, bytes }) => [group.key, bytes]),
    [
      ['system', 16_384],
      ['drm', -8192],
    ],
  );
  assert.deepEqual(
    processes.map(({ group, presence, bytes }) => [group.key, presence, bytes]),
    [
      ['10@100', 'stayed', 16_384],
      ['20@100', 'gone', -4096],
      ['kernel', 'gone', -8192],
    ],
  );
});

test('compareSnapshots does not confuse a process with an earlier one of the same id', () => {
  const reused = bufferSnapshot({
    buffers: [{ inode: 4, size: 4096, exporter: 'system', holders: { 10: 1 } }],
    processes: { 10: 'other' },
    startTicks: 900,
  });
  const [changed] = compareSnapshots(before, reused).changedBuffers;
  assert.deepEqual(changed?.holders, [
    { pid: 10, comm: 'other', fdCount: 1, mappingCount: 0 },
    { pid: 10, comm: 'camera', fdCount: -1, mappingCount: 0 },
  ]);
});

test('compareSnapshots finds no difference between a snapshot and itself', () => {
  const { before: one, after: other, ...changes } = compareSnapshots(after, after);
  assert.equal(one, other);
  assert.deepEqual(Object.values(changes), [[], [], [], [], []]);
});

test('compareSnapshots refuses snapshots from before and after a restart', () => {
  assert.throws(() => compareSnapshots({ ...before, bootId: 'another' }, after), {
    name: 'RangeError',
    message: /the machine was restarted.*"dmabuf ls --save FILE"/u,
  });
});
