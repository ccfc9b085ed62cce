/**
 * `dmabuf ls` on real buffers: it must list exactly the buffers that this test has made, and their
 * holders.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { MiB, openHeap } from '../../src/index.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { UnixSocketCalls } from '../../src/linux/calls/unix-socket-calls.ts';
import type { ListedBuffer } from '../../src/machine/buffers/buffer-snapshot.ts';
import { readProcessList } from '../../src/machine/buffers/process-list.ts';
import { readBufferSnapshot } from '../../src/machine/buffers/read-snapshot.ts';
import { compareSnapshots } from '../../src/machine/buffers/snapshot-difference.ts';
import { MAP_SHARED, PROT_READ } from '../../src/uapi/mman.ts';
import { asNobody, cannotBeNobody } from '../support/processes/other-user.ts';
import { runCli } from '../support/processes/run-cli.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

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
    // Even such a name must not be mistaken for the end of a path, or for a second line.
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
    // Every reference that the kernel counts was found: the counts of descriptors and mappings
    // agree.
    assert.deepEqual([listed?.otherReferences, listed?.references], [0, own.fds.length + 2]);
  },
);

test(
  'readProcessList sizes a buffer of which a process has only the mapping of a part',
  { skip: skipMapFiles },
  (t) => {
    const buffer = openHeap('system', { backends: ['kernel'] }).allocate(MiB, { name: 'ls: mapped' });
    const fd = buffer.exportFd();
    const pageSize = kernelCalls.getpagesize();
    const address = kernelCalls.mmap(0, pageSize, PROT_READ, MAP_SHARED, fd.borrow(), pageSize);
    assert.notEqual(address, -1);
    t.after(() => kernelCalls.munmap(address, pageSize));
    fd.close();
    buffer.close();
    const own = readProcessList(otherMachine({ root: '/' })).processes.find(({ pid }) => pid === process.pid);
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
    assert.ok((totals.heldOnlyByKernelBytes ?? 0) >= MiB);
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
  'readBufferSnapshot hides from user nobody what it may not see, and counts it',
  { skip: skip === false ? cannotBeNobody() : skip },
  () => {
    const { gaps, totals, sources } = asNobody(() => readBufferSnapshot());
    assert.equal(sources.buffers, null);
    assert.ok((totals.unreadableProcessCount ?? 0) > 0);
    assert.deepEqual([totals.heldOnlyByKernelBytes, totals.heldOnlyByKernelCount], [null, null]);
    const remedies = gaps.map(({ kind, remedy }) => [kind, remedy.slice(0, 'run as root'.length)]);
    assert.deepEqual(remedies, [
      ['kernel-list', 'run as root'],
      ['processes', 'run as root'],
    ]);
  },
);

/**
 * A program that clones itself with its descriptors (`CLONE_FILES`, without `CLONE_THREAD`), and
 * waits in both, as an ELF file for x86-64: the guest has no compiler, and V8's code does not
 * survive a fork.
 */
function twinProgram(): Buffer {
  const code = Buffer.from(
    [
      'bf11040000', // mov edi, CLONE_FILES | SIGCHLD
      '31f631d24d31d24d31c0', // no stack, no thread ids, no TLS: xor esi, edx, r10, r8
      'b8380000000f05', // clone
      'b8220000000f05', // pause
      'ebf7', // and again
    ].join(''),
    'hex',
  );
  const [base, headersBytes] = [0x40_0000n, 120];
  const file = Buffer.alloc(headersBytes + code.length);
  // Elf64_Ehdr: class, byte order and version; executable, x86-64.
  file.write('7f454c46020101', 'hex');
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(base + BigInt(headersBytes), 24);
  file.writeBigUInt64LE(64n, 32);
  for (const [at, value] of [64, 56, 1].entries()) file.writeUInt16LE(value, 52 + 2 * at);
  // Elf64_Phdr: loads the file whole, readable and executable.
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(5, 68);
  for (const at of [80, 88]) file.writeBigUInt64LE(base, at);
  for (const at of [96, 104]) file.writeBigUInt64LE(BigInt(file.length), at);
  file.writeBigUInt64LE(4096n, 112);
  code.copy(file, headersBytes);
  return file;
}

/** The process id of the only child; undefined while there is none. */
function childOf(parent: number): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/u.test(name));
  const found = pids.find((pid) => {
    try {
      return new RegExp(`\\) \\S ${parent} `, 'u').test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}

test(
  'readBufferSnapshot counts the descriptors that two processes share once, and names both',
  { skip: skip === false && process.arch !== 'x64' ? 'the program is for x86-64' : skip },
  async (t) => {
    const buffer = openHeap('system', { backends: ['kernel'] }).allocate(MiB, { name: 'ls: shared table' });
    const path = join(temporaryFolder(t), 'twin');
    writeFileSync(path, twinProgram(), { mode: 0o755 });
    const fd = buffer.exportFd();
    const child = spawn(path, { stdio: ['ignore', 'ignore', 'inherit', fd.borrow()] });
    fd.close();
    buffer.close();
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    let twin = childOf(pid);
    for (let tries = 0; twin === undefined && tries < 1000; tries += 1) {
      await delay(10);
      twin = childOf(pid);
    }
    assert.ok(twin !== undefined);
    t.after(() => [pid, twin].forEach((one) => process.kill(one ?? 0, 'SIGKILL')));
    const { buffers, processes } = readBufferSnapshot();
    const listed = buffers.find(({ name }) => name === 'ls: shared table');
    assert.deepEqual(
      listed?.holders.map((holder) => [
        holder.pid,
        holder.fds,
        holder.mappingCount,
        holder.shareBytes,
        holder.sharedWith,
      ]),
      [[pid, [3], 0, MiB, [twin]]],
    );
    // One descriptor, as the kernel counts it.
    assert.deepEqual([listed?.otherReferences, listed?.references], [0, 1]);
    assert.deepEqual(
      processes
        .filter((held) => held.pid === pid || held.pid === twin)
        .map((held) => [held.pid, held.bufferCount, held.fdCount, held.sharedWith]),
      [[pid, 1, 1, [twin]]],
    );
  },
);

test('dmabuf ls --bufinfo reads the list of now, with its holders, where it is given debugfs itself', { skip }, (t) => {
  const buffer = openHeap('system', { backends: ['kernel'] }).allocate(MiB, { name: 'ls: live' });
  t.after(() => buffer.close());
  const live = readBufferSnapshot({ bufinfoPath: BUFINFO });
  assert.equal(live.sources.buffers?.source, 'debugfs');
  assert.equal(live.buffers.find(({ name }) => name === 'ls: live')?.holders[0]?.pid, process.pid);
  const saved = join(temporaryFolder(t), 'bufinfo');
  writeFileSync(saved, readFileSync(BUFINFO));
  const { sources, buffers } = readBufferSnapshot({ bufinfoPath: saved });
  assert.deepEqual([sources.buffers?.source, sources.holders], ['file', null]);
  assert.deepEqual(buffers.find(({ name }) => name === 'ls: live')?.holders, []);
});

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
  assert.match(runCli('ls', '--by', 'process').stdout, new RegExp(`^ *${process.pid} +node +1 +2 MiB +2 MiB `, 'mu'));
  const difference = runCli('ls', '--diff', saved);
  assert.equal(difference.status, 0);
  assert.match(difference.stdout, /^New:\n[^]*^ *\d+ +2 MiB +system +ls: \\u001b\[2J$/mu);
});
