import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { fakeDmaBuf, writeFakeProcesses } from '../../../test/support/fake-processes.ts';
import { temporaryTree } from '../../../test/support/temporary-folder.ts';
import { readBufferSnapshot } from './read-snapshot.ts';

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

test('readBufferSnapshot joins the kernel list with what processes hold, and splits sizes fairly', (t) => {
  const { takenAt, ...snapshot } = readBufferSnapshot({ root: tree(t) });
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

test('readBufferSnapshot lists what processes hold where the kernel has no list for us, and says so', (t) => {
  const root = temporaryTree(t, { 'proc/sys/kernel/x': '' });
  writeFakeProcesses(root, [{ pid: 20, comm: 'ml', maps: MAPS_LINE }]);
  const { sources, gaps, buffers, bootId } = readBufferSnapshot({ root });
  assert.equal(bootId, null);
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

test('readBufferSnapshot reads this machine without an error, whatever it may see', () => {
  const { sources, totals, buffers } = readBufferSnapshot();
  assert.ok(sources.holders.processCount >= 1);
  assert.equal(totals.bufferCount, buffers.length);
});
