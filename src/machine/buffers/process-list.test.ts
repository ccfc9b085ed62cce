import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { fakeDmaBuf, writeFakeProcesses } from '../../../test/support/fakes/fake-processes.ts';
import { asNobody, cannotBeNobody } from '../../../test/support/processes/other-user.ts';
import { temporaryFolder, temporaryTree, writeFiles } from '../../../test/support/runner/temporary-folder.ts';
import { readProcessList } from './process-list.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

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
  const { processes, ownPid, unreadableCount, gaps } = readProcessList(otherMachine({ root }));
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
        unreadableCount: 0,
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
        unreadableCount: 0,
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
  const sizes = readProcessList(otherMachine({ root })).processes.flatMap(({ pid, mappings }) =>
    mappings.map(({ size, sizeIsMinimum }) => [pid, size, sizeIsMinimum]),
  );
  assert.deepEqual(sizes.toSorted(), [
    [1, 8192, true],
    [2, 16_384, false],
  ]);
});

test('readProcessList skips a descriptor that is closed before its inode is read (before 5.14)', (t) => {
  const root = temporaryFolder(t);
  const { fd, link, fdinfo } = fakeDmaBuf(3, FRAME);
  const descriptors = [{ fd, link, fdinfo: fdinfo.replace(/ino:.*\n/u, '') }];
  writeFakeProcesses(root, [{ pid: 1, comm: 'a', descriptors }]);
  const { processes, unreadableCount } = readProcessList(otherMachine({ root }));
  assert.deepEqual([processes[0]?.descriptors, unreadableCount], [[], 0]);
});

test('readProcessList is not misled by a file with the name of a dma-buf', (t) => {
  const root = temporaryFolder(t);
  const descriptors = [{ fd: 3, link: '/dmabuf:x', fdinfo: 'pos:\t0\nflags:\t02\nmnt_id:\t1\nino:\t4\n' }];
  writeFakeProcesses(root, [{ pid: 1, comm: 'a', descriptors }]);
  assert.deepEqual(readProcessList(otherMachine({ root })).processes[0]?.descriptors, []);
});

test('readProcessList skips vanished processes and descriptors, and kernel threads', (t) => {
  const root = temporaryFolder(t);
  writeFakeProcesses(root, [
    { pid: 1, comm: 'closing', descriptors: [fakeDmaBuf(3, FRAME), fakeDmaBuf(4, FRAME)] },
    { pid: 2, comm: 'ending', descriptors: [fakeDmaBuf(3, FRAME)] },
    { pid: 3, comm: 'kworker/0:1', flags: 0x0420_8060 },
  ]);
  rmSync(join(root, 'proc/1/fdinfo/3'));
  rmSync(join(root, 'proc/2/maps'));
  mkdirSync(join(root, 'proc/4'));
  const { processes, unreadableCount, gaps } = readProcessList(otherMachine({ root }));
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
  const { processes, unreadableCount, gaps } = asNobody(() => readProcessList(otherMachine({ root })));
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

test('readProcessList counts the descriptors that a kernel before 5.3 does not distinguish', (t) => {
  const root = temporaryFolder(t);
  const descriptors = [{ fd: 3, link: 'anon_inode:dmabuf', fdinfo: 'pos:\t0\nflags:\t02\n' }];
  writeFakeProcesses(root, [{ pid: 1, comm: 'a', descriptors }]);
  const [gap] = readProcessList(otherMachine({ root })).gaps;
  assert.deepEqual([gap?.kind, gap?.count], ['indistinct-buffers', 1]);
  assert.match(gap?.remedy ?? '', /5\.3/u);
});

test('readProcessList lists a dma-buf whose fdinfo has unknown lines', (t) => {
  const root = temporaryTree(t, {});
  const { fdinfo, ...descriptor } = fakeDmaBuf(3, FRAME, 2);
  const descriptors = [{ ...descriptor, fdinfo: fdinfo.replace('count:', 'attached:\t1\ncount:') }];
  writeFakeProcesses(root, [{ pid: 1, comm: 'a', descriptors }]);
  const { processes, gaps } = readProcessList(otherMachine({ root }));
  assert.deepEqual(processes[0]?.descriptors, [{ ...FRAME, fd: 3, references: 2 }]);
  assert.deepEqual(gaps, []);
});

test('readProcessList counts dma-bufs that it cannot parse, and names their process', (t) => {
  const root = temporaryTree(t, {});
  const { fdinfo, ...descriptor } = fakeDmaBuf(3, FRAME);
  writeFakeProcesses(root, [
    { pid: 7, comm: 'a', descriptors: [{ ...descriptor, fdinfo: fdinfo.replace('size:\t', 'size_kb:\t') }] },
    { pid: 8, comm: 'b', descriptors: [fakeDmaBuf(3, FRAME)], maps: MAPS_LINE.replace('rw-s', 'rw-s key=3') },
  ]);
  const { processes, gaps } = readProcessList(otherMachine({ root }));
  assert.deepEqual(
    processes.map(({ descriptors }) => descriptors.length),
    [0, 1],
  );
  const [gap] = gaps;
  assert.deepEqual([gaps.length, gap?.kind, gap?.count], [1, 'unreadable-descriptors', 2]);
  assert.match(gap?.remedy ?? '', /\/proc\/7\/fdinfo/u);
});

test('readProcessList says that processes may share their holdings where the kernel does not show that', (t) => {
  const root = temporaryTree(t, { 'proc/self/status': 'Uid:\t1000\t1000\t1000\t1000\n' });
  writeFakeProcesses(root, [
    { pid: 1, comm: 'a', descriptors: [fakeDmaBuf(3, FRAME)] },
    { pid: 2, comm: 'b', descriptors: [fakeDmaBuf(3, FRAME)] },
    { pid: 3, comm: 'c', descriptors: [fakeDmaBuf(4, FRAME)] },
  ]);
  const unanswered = readProcessList(otherMachine({ root }), () => undefined);
  assert.deepEqual(
    unanswered.gaps.map(({ kind, count, remedy }) => [kind, count, remedy]),
    [['shared-descriptors', 2, 'run as root']],
  );
  assert.deepEqual(readProcessList(otherMachine({ root }), (pid, otherPid) => Math.sign(pid - otherPid)).gaps, []);
});

test('readProcessList reports that it sees no process where there is no /proc', (t) => {
  const { processes, gaps } = readProcessList(otherMachine({ root: temporaryFolder(t) }));
  assert.deepEqual(processes, []);
  assert.deepEqual(
    gaps.map(({ kind, count }) => [kind, count]),
    [['processes', null]],
  );
  assert.match(gaps[0]?.remedy ?? '', /mount -t proc proc \/proc$/u);
});

test('readProcessList says when processes are hidden, by hidepid or by a PID namespace', (t) => {
  const root = temporaryFolder(t);
  const mount = '24 30 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw,hidepid=invisible\n';
  writeFiles(root, { 'proc/self/mountinfo': mount, 'proc/self/status': ROOT_STATUS });
  mkdirSync(join(root, 'proc/self/ns'));
  symlinkSync('pid:[4026532211]', join(root, 'proc/self/ns/pid'));
  const { gaps } = readProcessList(otherMachine({ root }));
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
  assert.deepEqual(readProcessList(otherMachine({ root })).gaps, []);
});

test('readProcessList says that /proc is not mounted, whether its folder is empty or missing', (t) => {
  for (const root of [temporaryFolder(t), temporaryTree(t, { 'proc/nothing': '' })]) {
    const { processes, gaps } = readProcessList(otherMachine({ root }));
    assert.deepEqual(processes, []);
    assert.match(gaps[0]?.what ?? '', /\/proc is not mounted/u);
    assert.match(gaps[0]?.remedy ?? '', /mount -t proc proc \/proc$/u);
  }
});
