import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bufferSnapshot } from '../../../test/support/fakes/buffer-snapshots.ts';
import type { Gap } from '../../machine/buffers/gap.ts';
import { snapshotLines } from './report.ts';

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
const SHORT = { inode: 7, size: 4096, exporter: 'drm' };
const ORIGIN = ['', 'Buffers: debugfs, /sys/kernel/debug/dma_buf/bufinfo', 'Holders: procfs, /proc of 7 processes'];

test('snapshotLines has a line for each buffer, and its holders below it, with equal shares', () => {
  assert.deepEqual(
    [...snapshotLines(SNAPSHOT, 'buffer', 80)],
    [
      'INODE   SIZE  EXPORTER  NAME',
      String.raw`   12  8 MiB  system    camera \u001b[2J`,
      '       4 MiB  camera (10): 2 fds (3, 4)',
      '       4 MiB  viewer (200): 1 fd (3)',
      '    7  4 KiB  drm       -',
      '              only the kernel',
      '',
      '2 buffers, 8.0 MiB: 8 MiB held by 2 processes, 4 KiB held only by the kernel',
      ...ORIGIN,
    ],
  );
});

test('snapshotLines by process and by exporter has a line for each', () => {
  assert.deepEqual([...snapshotLines(SNAPSHOT, 'process', 80)].slice(0, 4), [
    'PID  PROCESS          BUFFERS   SIZE  SHARE  FDS  MAPPINGS',
    ' 10  camera                 1  8 MiB  4 MiB    2         0',
    '200  viewer                 1  8 MiB  4 MiB    1         0',
    '  -  only the kernel        1  4 KiB    0 B    0         0',
  ]);
  assert.deepEqual([...snapshotLines(SNAPSHOT, 'exporter', 80)].slice(0, 3), [
    'EXPORTER  BUFFERS   SIZE  HELD BY PROCESSES  FDS  MAPPINGS',
    'system          1  8 MiB              8 MiB    3         0',
    'drm             1  4 KiB                0 B    0         0',
  ]);
});

test('snapshotLines does not blame the kernel for buffers that unread processes may hold', () => {
  const lines = [...snapshotLines({ ...SNAPSHOT, gaps: [UNREAD] }, 'buffer', 80)].join('\n');
  assert.doesNotMatch(lines, /only the kernel/u);
  assert.match(lines, /4 KiB held by no process that was\nread$/mu);
  assert.match(lines, /Missing: What 3 processes hold could not be read\n {4}remedy: run as root$/u);
});

test('snapshotLines shows references that no process explains, attached devices, mappings and this process', () => {
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
  const lines = [...snapshotLines({ ...SNAPSHOT, buffers: [busy, ...others] }, 'buffer', 80)];
  assert.deepEqual(lines.slice(1, 4), [
    String.raw`   12  ≥ 8 MiB  system    camera \u001b[2J`,
    '         4 MiB  camera (10), this process: 7 fds (3, 4, 5, 6, ...), 1 mapping',
    '                2 more references in the kernel, attached to vivid.0',
  ]);
});

test('snapshotLines says that there are no buffers, or that none could be seen', () => {
  const empty = bufferSnapshot({ buffers: [], processes: {} });
  assert.deepEqual([...snapshotLines(empty, 'buffer', 80)], ['No dma-bufs.', ...ORIGIN]);
  assert.equal([...snapshotLines({ ...empty, gaps: [UNREAD] }, 'process', 80)][0], 'No dma-bufs seen.');
});

test('snapshotLines says what is unknown without a kernel list', () => {
  const LIST: Gap = { kind: 'kernel-list', what: 'Buffers are not listed', count: null, remedy: 'run as root' };
  const unlisted = (snapshot: typeof SNAPSHOT): string[] => {
    const sources = { ...snapshot.sources, buffers: null };
    const totals = { ...snapshot.totals, heldOnlyByKernelBytes: null, heldOnlyByKernelCount: null };
    return [...snapshotLines({ ...snapshot, sources, totals, gaps: [LIST] }, 'buffer', 80)];
  };
  assert.equal(
    unlisted(bufferSnapshot({ buffers: [], processes: {} }))[0],
    'No process that was read holds a dma-buf; what only the kernel holds cannot be',
  );
  const lines = unlisted(bufferSnapshot({ buffers: [{ ...SHORT, holders: { 10: 1 } }], processes: { 10: 'camera' } }));
  assert.deepEqual(lines.slice(3, 5), [
    '',
    '1 buffer, 4 KiB: 4 KiB held by 1 process; what only the kernel holds cannot be',
  ]);
});

test('snapshotLines of a saved list does not show holders', () => {
  const { totals, ...rest } = bufferSnapshot({ buffers: [{ ...SHORT, holders: {} }], processes: {} });
  const gap: Gap = {
    kind: 'holders',
    what: 'Who held the buffers is not in a saved list',
    count: null,
    remedy: 'none',
  };
  const saved = {
    ...rest,
    gaps: [gap],
    sources: { buffers: { source: 'file', path: '/tmp/bufinfo' }, holders: null },
    totals: { ...totals, heldByProcessesBytes: null, heldOnlyByKernelBytes: null, heldOnlyByKernelCount: null },
  } as const;
  const buffers = saved.buffers.map((buffer) => ({ ...buffer, inode: null }));
  assert.deepEqual([...snapshotLines({ ...saved, buffers }, 'buffer', 80)].slice(0, 7), [
    'INODE   SIZE  EXPORTER  NAME',
    '    -  4 KiB  drm       -',
    '              holders not known',
    '',
    '1 buffer, 4 KiB: who held them is not in a saved list',
    '',
    'Buffers: file, /tmp/bufinfo',
  ]);
  assert.deepEqual([...snapshotLines(saved, 'exporter', 80)].slice(0, 2), [
    'EXPORTER  BUFFERS   SIZE  HELD BY PROCESSES  FDS  MAPPINGS',
    'drm             1  4 KiB                  -    -         -',
  ]);
  assert.match([...snapshotLines(saved, 'process', 80)][1] ?? '', /^ *- +holders not known +1 +4 KiB +- +- +-$/u);
});

test("snapshotLines names processes that share a holder's descriptors or memory", () => {
  const [buffer] = SNAPSHOT.buffers;
  const [holder] = buffer?.holders ?? [];
  const [process] = SNAPSHOT.processes;
  assert.ok(buffer !== undefined && holder !== undefined && process !== undefined);
  const buffers = [{ ...buffer, holders: [{ ...holder, sharedWith: [12, 13] }] }];
  const snapshot = { ...SNAPSHOT, buffers, processes: [{ ...process, sharedWith: [12, 13] }] };
  assert.match(
    [...snapshotLines(snapshot, 'buffer', 80)][2] ?? '',
    /camera \(10\): 2 fds \(3, 4\), shared with 12, 13$/u,
  );
  assert.match([...snapshotLines(snapshot, 'process', 80)][1] ?? '', / shared with 12, 13$/u);
});
