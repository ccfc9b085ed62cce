import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bufferSnapshot } from '../../test/support/buffer-snapshots.ts';
import type { Gap } from '../machine/buffers/gap.ts';
import { formatSnapshot } from './ls-report.ts';

const SNAPSHOT = bufferSnapshot({
  buffers: [
    { inode: 12, size: 8_388_608, exporter: 'system', name: 'camera \u001B[2J', holders: { 10: 2, 200: 1 } },
    { inode: 7, size: 4096, exporter: 'drm', holders: {} },
  ],
  processes: { 10: 'camera', 200: 'viewer' },
});
const UNREAD: Gap = {
  kind: 'processes',
  what: 'What 3 processes hold could not be read',
  count: 3,
  remedy: 'run as root',
};
const ORIGIN = ['', 'Buffers: debugfs, /sys/kernel/debug/dma_buf/bufinfo', 'Holders: procfs, /proc of 7 processes'];

test('formatSnapshot has a line for each buffer, and under it who holds it, with equal shares', () => {
  assert.deepEqual(formatSnapshot(SNAPSHOT, 'buffer'), [
    'INODE   SIZE  EXPORTER  NAME',
    String.raw`   12  8 MiB  system    camera \u001b[2J`,
    '       4 MiB  camera (10): 2 fds (3, 4)',
    '       4 MiB  viewer (200): 1 fd (3)',
    '    7  4 KiB  drm       -',
    '              only the kernel',
    '',
    '2 buffers, 8.0 MiB: 8 MiB held by 2 processes, 4 KiB held only by the kernel',
    ...ORIGIN,
  ]);
});

test('formatSnapshot by process and by exporter has a line for each', () => {
  assert.deepEqual(formatSnapshot(SNAPSHOT, 'process').slice(0, 4), [
    'PID  PROCESS          BUFFERS   SIZE  SHARE  FDS  MAPPINGS',
    ' 10  camera                 1  8 MiB  4 MiB    2         0',
    '200  viewer                 1  8 MiB  4 MiB    1         0',
    '  -  only the kernel        1  4 KiB    0 B    0         0',
  ]);
  assert.deepEqual(formatSnapshot(SNAPSHOT, 'exporter').slice(0, 3), [
    'EXPORTER  BUFFERS   SIZE  HELD BY PROCESSES  FDS  MAPPINGS',
    'system          1  8 MiB              8 MiB    3         0',
    'drm             1  4 KiB                0 B    0         0',
  ]);
});

test('formatSnapshot does not blame the kernel for what unread processes may hold', () => {
  const lines = formatSnapshot({ ...SNAPSHOT, gaps: [UNREAD] }, 'buffer').join('\n');
  assert.doesNotMatch(lines, /only the kernel/u);
  assert.match(lines, /4 KiB held by no process that was\nread$/mu);
  assert.match(lines, /Missing: What 3 processes hold could not be read\n {4}remedy: run as root$/u);
});

test('formatSnapshot tells references that no process accounts for, attached devices, mappings and this process', () => {
  const [buffer, ...others] = SNAPSHOT.buffers;
  const [holder] = buffer?.holders ?? [];
  assert.ok(buffer !== undefined && holder !== undefined);
  const busy = {
    ...buffer,
    sizeIsMinimum: true,
    otherReferences: 2,
    devices: ['vivid.0'],
    holders: [{ ...holder, isSelf: true, fds: [3, 4, 5, 6, 7, 8, 9], mappingCount: 1 }],
  };
  const lines = formatSnapshot({ ...SNAPSHOT, buffers: [busy, ...others] }, 'buffer');
  assert.deepEqual(lines.slice(1, 4), [
    String.raw`   12  ≥ 8 MiB  system    camera \u001b[2J`,
    '         4 MiB  camera (10), this process: 7 fds (3, 4, 5, 6, …), 1 mapping',
    '                2 more references in the kernel, attached to vivid.0',
  ]);
});

test('formatSnapshot says that there is nothing, or that nothing was seen', () => {
  const empty = bufferSnapshot({ buffers: [], processes: {} });
  assert.deepEqual(formatSnapshot(empty, 'buffer'), ['No dma-bufs.', ...ORIGIN]);
  assert.equal(formatSnapshot({ ...empty, gaps: [UNREAD] }, 'process')[0], 'No dma-bufs seen.');
});
