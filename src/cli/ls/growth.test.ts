import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bufferSnapshot } from '../../../test/support/fakes/buffer-snapshots.ts';
import { compareSnapshots } from '../../machine/buffers/snapshot-difference.ts';
import { formatDifference, formatReading } from './growth.ts';

const before = bufferSnapshot({
  buffers: [
    { inode: 1, size: 4096, exporter: 'system', name: 'frame', holders: { 10: 1 } },
    { inode: 2, size: 8192, exporter: 'drm', holders: {} },
  ],
  processes: { 10: 'camera' },
});
const after = {
  ...bufferSnapshot({
    buffers: [
      { inode: 1, size: 4096, exporter: 'system', name: 'frame', holders: { 10: 3 } },
      { inode: 3, size: 16_384, exporter: 'system', name: 'leak', holders: { 10: 1 } },
    ],
    processes: { 10: 'camera' },
  }),
  takenAt: '2026-08-06T10:00:02.512Z',
};
const ORIGIN = ['Buffers: debugfs, /sys/kernel/debug/dma_buf/bufinfo', 'Holders: procfs, /proc of 7 processes'];

test('formatReading shows the growth since the first reading', () => {
  assert.deepEqual(formatReading(before, after, { grouping: 'process', columns: 80 }), [
    '2026-08-06T10:00:02Z: 2 buffers, 20 KiB (+8 KiB); growth since',
    '2026-08-06T10:00:00Z',
    'BUFFERS  +/-    SIZE      +/-  PID  PROCESS',
    '      2   +1  20 KiB  +16 KiB   10  camera',
    '      0   -1     0 B   -8 KiB    -  only the kernel  gone',
    ...ORIGIN,
  ]);
  assert.deepEqual(formatReading(before, after, { grouping: 'buffer', columns: 80 }).slice(2, 6), [
    'FDS+MAPS  +/-    SIZE      +/-  INODE  EXPORTER  NAME',
    '       1   +1  16 KiB  +16 KiB      3  system    leak   new',
    '       3   +2   4 KiB               1  system    frame',
    '       0          0 B   -8 KiB      2  drm       -      gone',
  ]);
});

test('formatDifference shows new, gone and differently held buffers', () => {
  assert.deepEqual(formatDifference(compareSnapshots(before, after), after, 80), [
    'Buffers since 2026-08-06T10:00:00Z: 1 new (16 KiB), 1 gone (8 KiB), 1 held',
    'differently',
    '',
    'New:',
    'INODE    SIZE  EXPORTER  NAME',
    '    3  16 KiB  system    leak',
    '       16 KiB  camera (10): 1 fd (3)',
    '',
    'Gone, with those who held them:',
    'INODE   SIZE  EXPORTER  NAME',
    '    2  8 KiB  drm       -',
    '              only the kernel',
    '',
    'Held differently:',
    '1  4 KiB  system  frame',
    '    camera (10): +2 fds',
    '',
    'By exporter:',
    'BUFFERS  +/-    SIZE      +/-  EXPORTER',
    '      2   +1  20 KiB  +16 KiB  system',
    '      0   -1     0 B   -8 KiB  drm       gone',
    '',
    'By process:',
    'BUFFERS  +/-    SIZE      +/-  PID  PROCESS',
    '      2   +1  20 KiB  +16 KiB   10  camera',
    '      0   -1     0 B   -8 KiB    -  only the kernel  gone',
    '',
    ...ORIGIN,
  ]);
});
