/** `dmabuf ls` on real buffers: what it lists must be what this test has made, and who was given it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { MiB, openHeap } from '../../src/index.ts';
import { libc } from '../../src/linux/libc.ts';
import { UnixSocketCalls } from '../../src/linux/unix-socket-calls.ts';
import type { ListedBuffer } from '../../src/machine/buffers/buffer-snapshot.ts';
import { readProcessList } from '../../src/machine/buffers/process-list.ts';
import { readBufferSnapshot } from '../../src/machine/buffers/read-snapshot.ts';
import { compareSnapshots } from '../../src/machine/buffers/snapshot-difference.ts';
import { MAP_SHARED, PROT_READ } from '../../src/uapi/mman.ts';
import { asNobody, cannotBeNobody } from '../support/other-user.ts';
import { runCli } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HEAP = '/dev/dma_heap/system';
const BUFINFO = '/sys/kernel/debug/dma_buf/bufinfo';

function whyNot(): string | false {
  if (!existsSync(HEAP)) return `this machine has no ${HEAP}`;
  return existsSync(BUFINFO) ? false : `this machine has no ${BUFINFO}: mount -t debugfs none /sys/kernel/debug`;
}

const skip = whyNot();
/** CAP_CHECKPOINT_RESTORE: man 5 proc, map_files. */
const skipMapFiles = skip === false && process.geteuid?.() !== 0 ? 'only root may follow /proc/PID/map_files' : skip;

function find(name: string): ListedBuffer | undefined {
  return readBufferSnapshot().buffers.find((buffer) => buffer.name === name);
}

/** A child that has `fd` as its descriptor 3, until it is ended. */
async function childHolding(t: TestContext, fd: number): Promise<{ pid: number; end: () => Promise<void> }> {
  const child = spawn('sleep', ['600'], { stdio: ['ignore', 'ignore', 'inherit', fd] });
  const exited = once(child, 'exit');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  t.after(end);
  await once(child, 'spawn');
  return { pid: child.pid ?? 0, end };
}

test(
  'readBufferSnapshot names every holder of a buffer from the kernel heap, and splits its size fairly',
  { skip },
  async (t) => {
    // Not even a name may be taken for the end of a path, or for a second line.
    const name = 'ls: 1\tx\ny (deleted)';
    const buffer = openHeap('system', { backends: ['kernel'] }).allocate(3 * MiB, { name });
    t.after(() => buffer.close());
    const fd = buffer.exportFd();
    t.after(() => fd.close());
    const child = await childHolding(t, fd.borrow());
    const view = buffer.vmap();
    const listed = find(name);
    view.close();
    assert.deepEqual([listed?.size, listed?.sizeIsMinimum, listed?.exporter], [3 * MiB, false, 'system']);
    const [own, other] = listed?.holders ?? [];
    assert.ok(own !== undefined);
    assert.deepEqual([own.pid, own.isSelf, own.shareBytes], [process.pid, true, 1.5 * MiB]);
    assert.ok(own.fds.includes(fd.borrow()));
    assert.equal(own.mappingCount, 1);
    assert.deepEqual([other?.pid, other?.comm, other?.isSelf], [child.pid, 'sleep', false]);
    assert.deepEqual([other?.fds, other?.mappingCount, other?.shareBytes], [[3], 0, 1.5 * MiB]);
    // Every reference that the kernel counts is one that was found: it agrees about descriptors and mappings.
    assert.deepEqual([listed?.otherReferences, listed?.references], [0, own.fds.length + 2]);
  },
);

test(
  'readProcessList sizes a buffer of which a process has only the mapping of a part',
  { skip: skipMapFiles },
  (t) => {
    const buffer = openHeap('system', { backends: ['kernel'] }).allocate(MiB, { name: 'ls: mapped' });
    const fd = buffer.exportFd();
    const pageSize = libc.getpagesize();
    const address = libc.mmap(0, pageSize, PROT_READ, MAP_SHARED, fd.borrow(), pageSize);
    assert.notEqual(address, -1);
    t.after(() => libc.munmap(address, pageSize));
    fd.close();
    buffer.close();
    const own = readProcessList('/').processes.find(({ pid }) => pid === process.pid);
    const mapping = own?.mappings.find(({ name }) => name === 'ls: mapped');
    assert.deepEqual([mapping?.size, mapping?.sizeIsMinimum], [MiB, false]);
    const listed = find('ls: mapped');
    assert.deepEqual([mapping?.inode, 0], [listed?.inode, listed?.otherReferences]);
    assert.deepEqual([listed?.holders[0]?.fds, listed?.holders[0]?.mappingCount], [[], 1]);
  },
);

test(
  'readBufferSnapshot lists a buffer that only a socket holds as the kernel alone, and it stays until it is received',
  { skip },
  (t) => {
    const buffer = openHeap('system', { backends: ['kernel'] }).allocate(MiB, { name: 'ls: under way' });
    const calls = new UnixSocketCalls(4096);
    const [here, there] = calls.createPair();
    t.after(() => here.close());
    t.after(() => there.close());
    const fd = buffer.exportFd();
    assert.ok(calls.send(here.borrow(), new Uint8Array(1), [fd.borrow()]));
    fd.close();
    buffer.close();
    const listed = find('ls: under way');
    assert.deepEqual([listed?.size, listed?.holders, listed?.references, listed?.otherReferences], [MiB, [], 1, 1]);
    const { totals } = readBufferSnapshot();
    assert.ok(totals.heldOnlyByKernelBytes >= MiB);
    for (const received of calls.receive(there.borrow())?.fds ?? []) received.close();
    assert.equal(find('ls: under way'), undefined);
  },
);

test(
  'readBufferSnapshot lists udmabufs',
  { skip: skip === false && !existsSync('/dev/udmabuf') ? 'this machine has no /dev/udmabuf' : skip },
  (t) => {
    const buffer = openHeap('system', { backends: ['udmabuf'] }).allocate(MiB, { name: 'ls: udmabuf' });
    t.after(() => buffer.close());
    const listed = find('ls: udmabuf');
    assert.deepEqual(
      [listed?.size, listed?.exporter, listed?.holders.map(({ pid }) => pid)],
      [MiB, 'udmabuf', [process.pid]],
    );
  },
);

test(
  'readBufferSnapshot tells nobody what he does not see, and counts it',
  { skip: skip === false ? cannotBeNobody() : skip },
  () => {
    const { gaps, totals, sources } = asNobody(() => readBufferSnapshot());
    assert.equal(sources.buffers, null);
    assert.ok(totals.unreadableProcessCount > 0);
    const remedies = gaps.map(({ kind, remedy }) => [kind, remedy.slice(0, 'run as root'.length)]);
    assert.deepEqual(remedies, [
      ['kernel-list', 'run as root'],
      ['processes', 'run as root'],
    ]);
  },
);

test('compareSnapshots finds the leak', { skip }, (t) => {
  const heap = openHeap('system', { backends: ['kernel'] });
  const before = readBufferSnapshot();
  const leaks = [1, 2, 3].map((number) => heap.allocate(number * MiB, { name: `ls: leak ${number}` }));
  t.after(() => leaks.forEach((leak) => leak.close()));
  // Other tests may allocate at the same time.
  const { newBuffers, processes, exporters } = compareSnapshots(before, readBufferSnapshot());
  assert.deepEqual(
    newBuffers.map(({ name }) => name).filter((name) => name?.startsWith('ls: leak')),
    ['ls: leak 3', 'ls: leak 2', 'ls: leak 1'],
  );
  const grown = processes.find(({ group }) => group.labels[0] === String(process.pid));
  assert.deepEqual([grown?.bufferCount, grown?.bytes], [3, 6 * MiB]);
  assert.ok(exporters.some(({ group }) => group.key === 'system'));
});

test('dmabuf ls shows a buffer with its holders, by buffer and process, and in --diff', { skip }, (t) => {
  const saved = join(temporaryFolder(t), 'before.json');
  assert.equal(runCli('ls', '--save', saved).status, 0);
  const buffer = openHeap('system', { backends: ['kernel'] }).allocate(2 * MiB, { name: 'ls: \u001B[2J' });
  t.after(() => buffer.close());
  const listing = runCli('ls').stdout;
  assert.match(listing, /^ *\d+ +2 MiB +system +ls: \\u001b\[2J\n +2 MiB +node \(\d+\): /mu);
  assert.match(listing, /^Buffers: debugfs, \/sys\/kernel\/debug\/dma_buf\/bufinfo$/mu);
  assert.match(runCli('ls', '--by', 'process').stdout, new RegExp(`^ *${process.pid}  node +1  2 MiB +2 MiB `, 'mu'));
  const difference = runCli('ls', '--diff', saved);
  assert.equal(difference.status, 0);
  assert.match(difference.stdout, /^New:\n[^]*^ *\d+ +2 MiB +system +ls: \\u001b\[2J$/mu);
});
