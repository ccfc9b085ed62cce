import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { asNobody, cannotBeNobody } from '../../../test/support/processes/other-user.ts';
import { temporaryFolder, temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { readKernelList } from './kernel-list.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const BUFINFO = 'sys/kernel/debug/dma_buf/bufinfo';
const HEADER = '\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n';
const BUFINFO_TEXT =
  `${HEADER}00004096\t00000002\t00080007\t00000002\tsystem\t00000005\tframe\n` +
  '\tAttached Devices:\nTotal 0 devices attached\n\n\nTotal 1 objects, 4096 bytes\n';
const STATISTICS = {
  'sys/kernel/dmabuf/buffers/9/exporter_name': 'system\n',
  'sys/kernel/dmabuf/buffers/9/size': '12288\n',
};

function listed(root: string): unknown {
  const list = readKernelList({ machine: otherMachine({ root }) });
  return 'buffers' in list ? [list.source, list.path, list.buffers.map(({ inode }) => inode)] : list;
}

test('readKernelList prefers debugfs, which shows the most', (t) => {
  const root = temporaryTree(t, { ...STATISTICS, [BUFINFO]: BUFINFO_TEXT, 'sys/fs/bpf/dmabuf': '7\n4096\n\nsystem\n' });
  assert.deepEqual(listed(root), ['debugfs', '/sys/kernel/debug/dma_buf/bufinfo', [5]]);
});

test('readKernelList finds a pinned iterator by its name or its folder, skipping other pins', (t) => {
  const text = '7\n4096\n\nsystem\n';
  const android = temporaryTree(t, {
    ...STATISTICS,
    'sys/fs/bpf/dmabuf/map_dmabuf_counts': 'WARNING!! The output is for debug purpose only\n1: 2\n',
    'sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf': text,
  });
  assert.deepEqual(listed(android), ['bpf', '/sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf', [7]]);
  const own = temporaryTree(t, { 'sys/fs/bpf/my-dma-buf-list': text, 'sys/fs/bpf/ip/globals': 'x' });
  assert.deepEqual(listed(own), ['bpf', '/sys/fs/bpf/my-dma-buf-list', [7]]);
});

test("readKernelList reads vendors' copies below /proc, which every user may read", (t) => {
  for (const path of ['proc/dma_buf/bufinfo', 'proc/osvelte/dma_buf/bufinfo']) {
    const root = temporaryTree(t, { ...STATISTICS, [path]: BUFINFO_TEXT, 'sys/fs/bpf/dmabuf': '7\n4096\n\nsystem\n' });
    assert.deepEqual(listed(root), ['procfs', `/${path}`, [5]]);
  }
});

test("readKernelList reads Rockchip's list, which has no inodes, as the last resort", (t) => {
  const heading = '          DMABUF NAME             EXPORT                 SIZE:KiB AttachedDevices\n\n';
  const row = 'ffffff80f1c2a800 frame            system                    4 KiB vop\n';
  const rockchip = { 'proc/rk_dmabuf/dev': heading + row };
  assert.deepEqual(listed(temporaryTree(t, rockchip)), ['procfs', '/proc/rk_dmabuf/dev', [undefined]]);
  assert.deepEqual(listed(temporaryTree(t, { ...rockchip, ...STATISTICS })), [
    'sysfs',
    '/sys/kernel/dmabuf/buffers',
    [9],
  ]);
});

test('readKernelList does not mistake malformed statistics for a list', (t) => {
  const root = temporaryTree(t, { ...STATISTICS, 'sys/kernel/dmabuf/buffers/9/size': '12 KiB\n' });
  const gap = readKernelList({ machine: otherMachine({ root }) });
  assert.ok('what' in gap);
});

test('readKernelList reads the given file, and refuses one that is not a list or is incomplete', (t) => {
  const crossed = BUFINFO_TEXT.replaceAll('\n', '\r\n');
  const root = temporaryTree(t, { saved: BUFINFO_TEXT, crossed, cut: BUFINFO_TEXT.slice(0, -20) });
  for (const name of ['saved', 'crossed']) {
    const list = readKernelList({ machine: otherMachine({ root }), bufinfoPath: join(root, name) });
    assert.ok('buffers' in list);
    assert.deepEqual([list.source, list.path, list.buffers[0]?.name], ['file', join(root, name), 'frame']);
    assert.ok(list.savedAt instanceof Date);
  }
  assert.throws(
    () => readKernelList({ machine: otherMachine({ root }), bufinfoPath: join(root, 'cut') }),
    /cut as a list of dma-bufs.*not whole/u,
  );
  assert.throws(() => readKernelList({ machine: otherMachine({ root }), bufinfoPath: join(root, 'absent') }), {
    code: 'ENOENT',
  });
});

test('readKernelList falls back on the statistics of sysfs', (t) => {
  const list = readKernelList({
    machine: otherMachine({ root: temporaryTree(t, { ...STATISTICS, 'sys/kernel/dmabuf/buffers/10/size': '1\n' }) }),
  });
  assert.deepEqual(list, {
    source: 'sysfs',
    path: '/sys/kernel/dmabuf/buffers',
    buffers: [
      { inode: 9, size: 12_288, exporter: 'system', name: undefined, references: undefined, devices: undefined },
    ],
  });
});

test('readKernelList reads the given pin, and refuses one that is not an iterator', (t) => {
  const root = temporaryTree(t, { [BUFINFO]: BUFINFO_TEXT, pin: '7\n4096\n\nsystem\n', other: 'hello\n' });
  const list = readKernelList({ machine: otherMachine({ root }), bpfPath: join(root, 'pin') });
  assert.ok('buffers' in list);
  assert.deepEqual([list.source, list.path, list.buffers[0]?.inode], ['bpf', join(root, 'pin'), 7]);
  assert.throws(
    () => readKernelList({ machine: otherMachine({ root }), bpfPath: join(root, 'other') }),
    /other as a list of dma-bufs.*four lines/u,
  );
  assert.throws(() => readKernelList({ machine: otherMachine({ root }), bpfPath: join(root, 'absent') }), {
    code: 'ENOENT',
  });
});

test('readKernelList says why there is no list, and the remedy', (t) => {
  const bare = temporaryFolder(t);
  const unmounted = temporaryFolder(t);
  mkdirSync(join(unmounted, 'sys/kernel/debug'), { recursive: true });
  const without = temporaryTree(t, { 'sys/kernel/debug/sched/debug': '' });
  const strange = temporaryTree(t, { [BUFINFO]: 'Buffers: 3\n' });
  for (const [root, what, remedy] of [
    [bare, /there is no \/sys\/kernel\/debug/u, /CONFIG_DEBUG_FS/u],
    [unmounted, /nothing is mounted at/u, /mount -t debugfs none \/sys\/kernel\/debug/u],
    [without, /there is no \/sys\/kernel\/debug\/dma_buf\/bufinfo/u, /CONFIG_DMA_SHARED_BUFFER/u],
    [strange, /a format that is not known/u, /report it with that file/u],
  ] as const) {
    const gap = readKernelList({ machine: otherMachine({ root }) });
    assert.ok('what' in gap);
    assert.equal(gap.kind, 'kernel-list');
    assert.match(gap.what, what);
    assert.match(gap.remedy, remedy);
    assert.match(gap.remedy, /--bpf/u);
  }
});

test('readKernelList tells a user without access to debugfs to become root', { skip: cannotBeNobody() }, (t) => {
  const root = temporaryTree(t, { [BUFINFO]: BUFINFO_TEXT });
  chmodSync(root, 0o755);
  chmodSync(join(root, 'sys/kernel/debug'), 0);
  const gap = asNobody(() => readKernelList({ machine: otherMachine({ root }) }));
  chmodSync(join(root, 'sys/kernel/debug'), 0o700);
  assert.ok('what' in gap);
  assert.match(gap.what, /may not be read/u);
  assert.match(gap.remedy, /^run as root/u);
});
