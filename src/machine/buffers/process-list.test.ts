import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { fakeDmaBuf, writeFakeProcesses } from '../../../test/support/fake-processes.ts';
import { asNobody, cannotBeNobody } from '../../../test/support/other-user.ts';
import { temporaryFolder, writeFiles } from '../../../test/support/temporary-folder.ts';
import { readProcessList } from './process-list.ts';

const FRAME = { inode: 5, size: 8192, exporter: 'system', name: 'frame (deleted)' };
const MAPS_LINE = '7f0000000000-7f0000001000 rw-s 00001000 00:0c 5                          /dmabuf:frame (deleted)\n';
const UNSIZED_LINE = '7f1000000000-7f1000001000 rw-s 00001000 00:0c 6                          /dmabuf:\n';
const ROOT_STATUS = 'Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t0000000000000000\n';

test('readProcessList reads the descriptors and mappings of every process', (t) => {
  const root = temporaryFolder(t);
  writeFakeProcesses(root, [
    {
      pid: 100,
      comm: 'node',
      startTicks: 540,
      descriptors: [{ fd: 0, link: '/dev/null', fdinfo: 'pos:\t0\n' }, fakeDmaBuf(21, FRAME, 3)],
      maps: MAPS_LINE,
    },
    { pid: 200, comm: 'sh' },
  ]);
  writeFiles(root, { 'proc/meminfo': '', 'proc/sys/kernel/x': '' });
  symlinkSync('200', join(root, 'proc/self'));
  const { processes, ownPid, unreadableCount, gaps } = readProcessList(root);
  assert.deepEqual([ownPid, unreadableCount, gaps], [200, 0, []]);
  assert.deepEqual(
    processes.toSorted((one, other) => one.pid - other.pid),
    [
      {
        pid: 100,
        comm: 'node',
        startTicks: 540,
        isKernelThread: false,
        isWhole: true,
        descriptors: [{ ...FRAME, fd: 21, references: 3 }],
        mappings: [{ inode: 5, name: 'frame (deleted)', size: 8192, sizeIsMinimum: false }],
        indistinctCount: 0,
      },
      {
        pid: 200,
        comm: 'sh',
        startTicks: 100,
        isKernelThread: false,
        isWhole: true,
        descriptors: [],
        mappings: [],
        indistinctCount: 0,
      },
    ],
  );
});

test('readProcessList sizes a buffer that is only mapped by its file, or else by the mapping', (t) => {
  const root = temporaryFolder(t);
  writeFakeProcesses(root, [
    { pid: 1, comm: 'a', maps: UNSIZED_LINE },
    { pid: 2, comm: 'b', maps: UNSIZED_LINE },
  ]);
  writeFiles(root, { 'proc/2/map_files/7f1000000000-7f1000001000': 'x'.repeat(16_384) });
  const sizes = readProcessList(root).processes.flatMap(({ pid, mappings }) =>
    mappings.map(({ size, sizeIsMinimum }) => [pid, size, sizeIsMinimum]),
  );
  assert.deepEqual(sizes.toSorted(), [
    [1, 8192, true],
    [2, 16_384, false],
  ]);
});

test('readProcessList passes over a descriptor that is closed before its inode is asked for, as kernels before 5.14 need it', (t) => {
  const root = temporaryFolder(t);
  const { fd, link, fdinfo } = fakeDmaBuf(3, FRAME);
  const descriptors = [{ fd, link, fdinfo: fdinfo.replace(/ino:.*\n/u, '') }];
  writeFakeProcesses(root, [{ pid: 1, comm: 'a', descriptors }]);
  const { processes, unreadableCount } = readProcessList(root);
  assert.deepEqual([processes[0]?.descriptors, unreadableCount], [[], 0]);
});

test('readProcessList is not misled by a file called like a dma-buf', (t) => {
  const root = temporaryFolder(t);
  const descriptors = [{ fd: 3, link: '/dmabuf:x', fdinfo: 'pos:\t0\nflags:\t02\nmnt_id:\t1\nino:\t4\n' }];
  writeFakeProcesses(root, [{ pid: 1, comm: 'a', descriptors }]);
  assert.deepEqual(readProcessList(root).processes[0]?.descriptors, []);
});

test('readProcessList passes over processes and descriptors that vanish while they are read, and threads of the kernel', (t) => {
  const root = temporaryFolder(t);
  writeFakeProcesses(root, [
    { pid: 1, comm: 'closing', descriptors: [fakeDmaBuf(3, FRAME), fakeDmaBuf(4, FRAME)] },
    { pid: 2, comm: 'ending', descriptors: [fakeDmaBuf(3, FRAME)] },
    { pid: 3, comm: 'kworker/0:1', flags: 0x0420_8060 },
  ]);
  rmSync(join(root, 'proc/1/fdinfo/3'));
  rmSync(join(root, 'proc/2/maps'));
  mkdirSync(join(root, 'proc/4'));
  const { processes, unreadableCount, gaps } = readProcessList(root);
  assert.deepEqual(
    processes.map(({ pid, descriptors }) => [pid, descriptors.map(({ fd }) => fd)]),
    [[1, [4]]],
  );
  assert.deepEqual([unreadableCount, gaps], [0, []]);
});

test('readProcessList counts processes that may not be read, and names the remedy', { skip: cannotBeNobody() }, (t) => {
  const root = temporaryFolder(t);
  chmodSync(root, 0o755);
  writeFakeProcesses(root, [
    { pid: 1, comm: 'shut', descriptors: [fakeDmaBuf(3, FRAME)] },
    { pid: 2, comm: 'half', descriptors: [fakeDmaBuf(3, FRAME)], maps: MAPS_LINE },
  ]);
  writeFiles(root, { 'proc/self/status': 'Uid:\t1000\t1000\t1000\t1000\n' });
  chmodSync(join(root, 'proc/1/fd'), 0);
  chmodSync(join(root, 'proc/1/maps'), 0);
  chmodSync(join(root, 'proc/2/maps'), 0);
  const { processes, unreadableCount, gaps } = asNobody(() => readProcessList(root));
  chmodSync(join(root, 'proc/1/fd'), 0o700);
  assert.equal(unreadableCount, 2);
  assert.deepEqual(gaps, [
    {
      kind: 'processes',
      what: 'What 2 processes hold could not be read, or not all of it',
      count: 2,
      remedy: 'run as root',
    },
  ]);
  const half = processes.find(({ pid }) => pid === 2);
  assert.deepEqual([half?.descriptors.length, half?.mappings.length], [1, 0]);
});

test('readProcessList counts the descriptors that a kernel before 5.3 does not tell apart', (t) => {
  const root = temporaryFolder(t);
  const descriptors = [{ fd: 3, link: 'anon_inode:dmabuf', fdinfo: 'pos:\t0\nflags:\t02\n' }];
  writeFakeProcesses(root, [{ pid: 1, comm: 'a', descriptors }]);
  const [gap] = readProcessList(root).gaps;
  assert.deepEqual([gap?.kind, gap?.count], ['indistinct-buffers', 1]);
  assert.match(gap?.remedy ?? '', /5\.3/u);
});

test('readProcessList says when processes are hidden, by hidepid or by a PID namespace', (t) => {
  const root = temporaryFolder(t);
  const mount = '24 30 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw,hidepid=invisible\n';
  writeFiles(root, { 'proc/self/mountinfo': mount, 'proc/self/status': ROOT_STATUS });
  mkdirSync(join(root, 'proc/self/ns'));
  symlinkSync('pid:[4026532211]', join(root, 'proc/self/ns/pid'));
  const { gaps } = readProcessList(root);
  assert.deepEqual(
    gaps.map(({ kind, remedy }) => [kind, remedy]),
    [
      ['hidden-processes', 'run with CAP_SYS_PTRACE (in a container: start it with --cap-add SYS_PTRACE)'],
      ['namespace', 'run on the host, or in a container started with --pid=host'],
    ],
  );
  writeFileSync(join(root, 'proc/self/status'), ROOT_STATUS.replace(/0{16}/u, '000001ffffffffff'));
  rmSync(join(root, 'proc/self/ns/pid'));
  symlinkSync('pid:[4026531836]', join(root, 'proc/self/ns/pid'));
  assert.deepEqual(readProcessList(root).gaps, []);
});
