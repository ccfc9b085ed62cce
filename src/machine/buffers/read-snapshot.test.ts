import assert from 'node:assert/strict';
import fs, { symlinkSync, utimesSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { fakeDmaBuf, writeFakeProcesses } from '../../../test/support/fakes/fake-processes.ts';
import { temporaryTree, writeFiles } from '../../../test/support/runner/temporary-folder.ts';
import { readBufferSnapshot } from './read-snapshot.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const BUFINFO = [
  '',
  'Dma-buf Objects:',
  'size    \tflags   \tmode    \tcount   \texp_name\tino     \tname',
  '00012288\t00000002\t00080007\t00000005\tsystem\t00000005\tshared',
  '\tAttached Devices:\n\tvivid.0\nTotal 1 devices attached',
  '',
  '00004096\t00000002\t00080007\t00000001\tdrm\t00000006\t<none>',
  '\tAttached Devices:\nTotal 0 devices attached',
  '',
  '',
  'Total 2 objects, 16384 bytes\n',
].join('\n');
const SHARED = { inode: 5, size: 12_288, exporter: 'system', name: 'shared' };
const MAPS_LINE = '7f0000000000-7f0000003000 rw-s 00000000 00:0c 5                          /dmabuf:shared\n';

/** Three processes hold one buffer; the kernel alone holds another. */
function tree(t: TestContext): string {
  const root = temporaryTree(t, {
    'sys/kernel/debug/dma_buf/bufinfo': BUFINFO,
    'proc/sys/kernel/random/boot_id': '77a19c16-6988-4114-8365-cd54c82ac333\n',
  });
  symlinkSync('30', join(root, 'proc/self'));
  writeFakeProcesses(root, [
    { pid: 30, comm: 'viewer', startTicks: 7, descriptors: [fakeDmaBuf(9, SHARED), fakeDmaBuf(4, SHARED)] },
    { pid: 10, comm: 'camera', startTicks: 5, descriptors: [fakeDmaBuf(3, SHARED)] },
    { pid: 20, comm: 'ml', startTicks: 6, maps: MAPS_LINE },
    { pid: 40, comm: 'idle' },
  ]);
  return root;
}

test('readBufferSnapshot joins the kernel list with the holdings of processes, and splits sizes fairly', (t) => {
  const { takenAt, ...snapshot } = readBufferSnapshot({ machine: otherMachine({ root: tree(t) }) });
  assert.match(takenAt, /^\d{4}-\d\d-\d\dT/u);
  const share = { bufferCount: 1, bytes: 12_288, shareBytes: 4096 };
  assert.deepEqual(snapshot, {
    format: 'dmabuf-buffers',
    version: 1,
    bootId: '77a19c16-6988-4114-8365-cd54c82ac333',
    sources: {
      buffers: { source: 'debugfs', path: '/sys/kernel/debug/dma_buf/bufinfo' },
      holders: { source: 'procfs', path: '/proc', processCount: 4 },
    },
    gaps: [],
    buffers: [
      {
        ...SHARED,
        sizeIsMinimum: false,
        references: 5,
        otherReferences: 1,
        devices: ['vivid.0'],
        holders: [
          { pid: 10, comm: 'camera', isSelf: false, fds: [3], mappingCount: 0, shareBytes: 4096 },
          { pid: 20, comm: 'ml', isSelf: false, fds: [], mappingCount: 1, shareBytes: 4096 },
          { pid: 30, comm: 'viewer', isSelf: true, fds: [4, 9], mappingCount: 0, shareBytes: 4096 },
        ],
      },
      {
        inode: 6,
        size: 4096,
        sizeIsMinimum: false,
        exporter: 'drm',
        name: null,
        references: 1,
        otherReferences: 1,
        devices: [],
        holders: [],
      },
    ],
    processes: [
      { pid: 10, comm: 'camera', startTicks: 5, isSelf: false, ...share, fdCount: 1, mappingCount: 0 },
      { pid: 20, comm: 'ml', startTicks: 6, isSelf: false, ...share, fdCount: 0, mappingCount: 1 },
      { pid: 30, comm: 'viewer', startTicks: 7, isSelf: true, ...share, fdCount: 2, mappingCount: 0 },
    ],
    totals: {
      bufferCount: 2,
      bytes: 16_384,
      heldByProcessesBytes: 12_288,
      heldOnlyByKernelBytes: 4096,
      heldOnlyByKernelCount: 1,
      unreadableProcessCount: 0,
    },
  });
});

test('readBufferSnapshot lists the holdings of processes where no kernel list is accessible, and says so', (t) => {
  const root = temporaryTree(t, { 'proc/sys/kernel/x': '' });
  writeFakeProcesses(root, [{ pid: 20, comm: 'ml', maps: MAPS_LINE }]);
  const { sources, gaps, buffers, bootId, totals } = readBufferSnapshot({ machine: otherMachine({ root }) });
  assert.equal(bootId, null);
  assert.deepEqual([totals.heldOnlyByKernelBytes, totals.heldOnlyByKernelCount], [null, null]);
  assert.equal(totals.heldByProcessesBytes, 12_288);
  assert.equal(sources.buffers, null);
  assert.deepEqual(
    gaps.map(({ kind }) => kind),
    ['kernel-list'],
  );
  const [only] = buffers;
  assert.deepEqual(
    [buffers.length, only?.inode, only?.size, only?.sizeIsMinimum, only?.exporter, only?.name, only?.otherReferences],
    [1, 5, 12_288, true, null, 'shared', null],
  );
});

test('readBufferSnapshot of a saved list reads no process of this machine', (t) => {
  const root = tree(t);
  writeFiles(root, { saved: BUFINFO });
  utimesSync(join(root, 'saved'), 1_700_000_000, 1_700_000_000);
  const snapshot = readBufferSnapshot({ machine: otherMachine({ root }), bufinfoPath: join(root, 'saved') });
  assert.equal(snapshot.takenAt, '2023-11-14T22:13:20.000Z');
  assert.deepEqual(snapshot.sources, { buffers: { source: 'file', path: join(root, 'saved') }, holders: null });
  assert.deepEqual(
    snapshot.gaps.map(({ kind }) => kind),
    ['holders'],
  );
  assert.deepEqual(
    snapshot.buffers.map(({ inode, size, name, references, devices, holders }) => [
      inode,
      size,
      name,
      references,
      devices,
      holders.length,
    ]),
    [
      [5, 12_288, 'shared', 5, ['vivid.0'], 0],
      [6, 4096, null, 1, [], 0],
    ],
  );
  assert.deepEqual(snapshot.totals, {
    bufferCount: 2,
    bytes: 16_384,
    heldByProcessesBytes: null,
    heldOnlyByKernelBytes: null,
    heldOnlyByKernelCount: null,
    unreadableProcessCount: null,
  });
});

test('readBufferSnapshot opens few files: two per process, and one per descriptor of a dma-buf', (t) => {
  const root = temporaryTree(t, {});
  const other = { link: 'socket:[1]', fdinfo: 'pos:\t0\n' };
  const dmaBufs = Array.from({ length: 3 }, (_, fd) => fakeDmaBuf(fd, { ...SHARED, inode: fd + 1 }));
  const others = Array.from({ length: 20 }, (_, fd) => ({ ...other, fd: fd + 3 }));
  const pids = Array.from({ length: 10 }, (_, index) => index + 1);
  // Ten thousand mappings of one buffer without a descriptor that shows its size.
  const maps = MAPS_LINE.replace(' 5 ', ' 99 ').repeat(10_000);
  writeFakeProcesses(
    root,
    pids.map((pid) => ({ pid, comm: 'a', descriptors: [...dmaBufs, ...others], maps: pid === 1 ? maps : '' })),
  );
  const counts = countCalls(t, ['openSync', 'readlinkSync', 'readdirSync', 'statSync', 'statfsSync']);
  readBufferSnapshot({ machine: otherMachine({ root }) });
  const perProcess = pids.length * (2 + 3);
  // Missing lists of the kernel are looked up twice, and some files for the gaps.
  assert.ok((counts['openSync'] ?? 0) <= perProcess + 40, String(counts['openSync']));
  assert.equal(counts['statfsSync'], 0);
  assert.equal(counts['statSync'], 1);
  assert.ok((counts['readlinkSync'] ?? 0) <= pids.length * 23 + 5);
  assert.ok((counts['readdirSync'] ?? 0) <= pids.length + 15);
});

/** Counts the calls of functions of `node:fs`, until the test ends. */
function countCalls(t: TestContext, names: readonly (keyof typeof fs)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const mocks = names.map((name) => {
    counts[name] = 0;
    const original = fs[name] as (...values: unknown[]) => unknown;
    return t.mock.method(
      fs,
      name as 'statSync',
      ((...values: unknown[]) => {
        counts[name] = (counts[name] ?? 0) + 1;
        return original(...values);
      }) as typeof fs.statSync,
    );
  });
  syncBuiltinESMExports();
  t.after(() => {
    for (const { mock } of mocks) mock.restore();
    syncBuiltinESMExports();
  });
  return counts;
}

test('readBufferSnapshot reads this machine without an error, with any rights', () => {
  const { sources, totals, buffers } = readBufferSnapshot();
  assert.ok((sources.holders?.processCount ?? 0) >= 1);
  assert.equal(totals.bufferCount, buffers.length);
});
