/**
 * Goal: peers cannot change memory that they were given to read, by any operation on its
 * descriptor; and read-only memory of peers is accepted as such.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

import { MiB, importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { DmaBuf, OwnedFd } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { connectionFromFd, buffersForChild } from '../../src/share/index.ts';
import { createFrameRing, joinFrameRing } from '../../src/share/ring/index.ts';
import type { BufferConnection } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE } from '../../src/uapi/memfd.ts';
import { missingCompiler } from '../support/processes/c-compiler.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { createMemfd, openMemfdToRead } from '../support/devices/memfd.ts';
import { openReadOnlyHeapBuffer } from '../support/devices/read-only-heap-buffer.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { connectScript, exitOf } from './peer-process.ts';

checkLeaksAfterFile();

/**
 * What the kernel answers to each attempt of writing-peer.ts. Where a way is open, it leads to a
 * copy.
 */
const REFUSALS = {
  'write(2)': 'EPERM',
  'write(2) at an offset': 'EPERM',
  'a shared mapping': 'EPERM',
  'a shared mapping of another opening': 'EPERM',
  'write(2) through another opening': 'EPERM',
  'opening it to be emptied': 'EPERM',
  'ftruncate() to nothing': 'EPERM',
  'ftruncate() to more': 'EPERM',
  'a hole': 'EPERM',
  'a range of zeros': 'EOPNOTSUPP',
  'another seal': 'EPERM',
  'taking the pages of a mapping away': 'EACCES',
  '/proc/self/mem over a mapping to read': 'EIO',
  '/proc/self/mem over a duplicate of a mapping to read': 'EIO',
  'a private mapping, which is a copy': 'worked',
  'a udmabuf over it': cannotOpen('/dev/udmabuf') === false ? 'EINVAL' : 'ENOENT',
} as const;

test("A peer cannot write to a buffer of { shareable: 'read-only' }, by any operation", async (t) => {
  const heap = openEmbeddedHeap({ capacity: 4 * MiB });
  const buffer = heap.allocate(MiB, { shareable: 'read-only' });
  heap.close();
  const view = buffer.vmap();
  view.bytes.fill(0x5a);
  const { connection, child } = await connectScript(t, 'writing-peer.js');
  await connection.send({ buffers: [buffer] });
  const answer = await connection.receive();
  assert.deepEqual(JSON.parse(answer?.text ?? ''), [REFUSALS]);
  assert.ok(view.bytes.every((byte) => byte === 0x5a));
  view.bytes.fill(0x5b);
  assert.equal(
    buffer.accessSync('read', (bytes) => bytes[0]),
    0x5b,
    'the owner still writes',
  );
  connection.close();
  assert.equal(await exitOf(child), 0);
  view.close();
  buffer.close();
});

test('The attempts of that peer do reach a buffer of { shareable: true }', async (t) => {
  const heap = openEmbeddedHeap({ capacity: 4 * MiB });
  const buffer = heap.allocate(MiB, { shareable: true });
  heap.close();
  if (buffer.exporter !== 'memfd') {
    buffer.close();
    t.skip('it is a udmabuf here, which has no write(2)');
    return;
  }
  const { connection, child } = await connectScript(t, 'writing-peer.js');
  await connection.send({ buffers: [buffer] });
  const answer = await connection.receive();
  const [outcomes] = JSON.parse(answer?.text ?? '') as Record<string, string>[];
  for (const attempt of ['write(2)', 'a shared mapping', 'a hole'])
    assert.equal(outcomes?.[attempt], 'worked', attempt);
  connection.close();
  assert.equal(await exitOf(child), 0);
  buffer.close();
});

test(
  "A child cannot make a mapping of a buffer of { shareable: 'read-only' } writable",
  {
    skip: missingCompiler() ?? false,
  },
  (t) => {
    const program = join(temporaryFolder(t), 'mprotect-attempts');
    const source = join(repositoryRoot, 'test', 'peers', 'mprotect-attempts.c');
    const built = spawnSync('cc', ['-Wall', '-Wextra', '-Werror', '-O2', '-o', program, source], { encoding: 'utf8' });
    assert.equal(built.status, 0, built.stderr);
    const heap = openEmbeddedHeap({ capacity: 4 * MiB });
    const buffer = heap.allocate(MiB, { shareable: 'read-only' });
    heap.close();
    buffer.accessSync('write', (bytes) => bytes.fill(0x5a));
    const inheritance = buffersForChild([buffer], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout, stderr, status } = spawnSync(program, { stdio: inheritance.stdio, encoding: 'utf8' });
    inheritance.close();
    assert.equal(status, 0, stderr);
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      'mprotect to write: EACCES',
      'mprotect to write and execute: EACCES',
      'mprotect of a duplicate: EACCES',
      '/proc/self/mem: EIO',
    ]);
    assert.ok(buffer.accessSync('read', (bytes) => bytes.every((byte) => byte === 0x5a)));
    buffer.close();
  },
);

/** Both ends of a connection. */
function connectedEnds(): [BufferConnection, BufferConnection] {
  const [one, other] = new ShareContext().sockets.createPair();
  return [connectionFromFd(one), connectionFromFd(other)];
}

/** Of what may be read only. */
function assertIsOnlyRead(buffer: DmaBuf | undefined, byte: number): void {
  assert.equal(buffer?.readOnly, true);
  assert.ok(buffer.accessSync('read', (bytes) => bytes.every((each) => each === byte)));
  assert.throws(
    () => buffer.accessSync('write', () => {}),
    (error) => isDmaBufError(error, 'EACCES'),
  );
  const view = buffer.vmap();
  view.bytes[0] = byte + 1;
  view.close();
  assert.equal(
    buffer.accessSync('read', (bytes) => bytes[0]),
    byte,
  );
}

const READ_ONLY: Readonly<Record<string, () => OwnedFd>> = {
  'sealed against writing': () => createMemfd({ length: MiB, seals: F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE }),
  'sealed against future writing': () => createMemfd({ length: MiB, seals: F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE }),
  'opened for reading': () => openMemfdToRead({ length: MiB }),
};

for (const [name, open] of Object.entries(READ_ONLY)) {
  test(`receive() gives a memfd ${name} as a read-only buffer, which can be sent on`, async () => {
    const [near, far] = connectedEnds();
    const fd = open();
    const sent = importBuffer(fd, { mode: 'read', name: 'sent' });
    fd.close();
    await near.send({ buffers: [sent] });
    const received = await far.receive();
    assertIsOnlyRead(received?.buffers[0], 0);
    await far.send({ buffers: received?.buffers ?? [] });
    const returned = await near.receive();
    assertIsOnlyRead(returned?.buffers[0], 0);
    for (const each of [received, returned]) each?.close();
    for (const each of [sent, near, far]) each.close();
  });
}

test(
  'receive() refuses a dma-buf that was opened for reading: a store into its view would end the process',
  {
    skip: cannotOpen('/dev/dma_heap/system'),
  },
  async () => {
    const [near, far] = connectedEnds();
    const fd = openReadOnlyHeapBuffer(MiB);
    const sent = importBuffer(fd, { mode: 'read' });
    fd.close();
    await near.send({ buffers: [sent] });
    await assert.rejects(
      far.receive(),
      (error) => isDmaBufError(error, 'EACCES') && error.message.includes("importBuffer(fd, { mode: 'read' })"),
    );
    for (const each of [sent, near, far]) each.close();
  },
);

test('A ring with consumersMayWrite: false gives consumers frames that they only read', async () => {
  const heap = openEmbeddedHeap({ capacity: 4 * MiB });
  const ring = createFrameRing(heap, { frameLength: 5000, frameCount: 4, consumersMayWrite: false });
  heap.close();
  const [near, far] = connectedEnds();
  const [consumer] = await Promise.all([joinFrameRing(far, { mode: 'every' }), ring.addConsumer(near)]);
  for (const byte of [1, 2, 3, 4, 5, 6]) {
    const written = ring.acquire();
    written.bytes.fill(byte);
    written.publish();
    const frame = await consumer.next();
    assert.equal(frame?.buffer.readOnly, true);
    assert.ok(frame.bytes.every((each) => each === byte));
    frame.release();
  }
  consumer.close();
  ring.close();
});

test('A consumer cannot change the frames of such a ring, by any operation on their descriptors', async (t) => {
  const heap = openEmbeddedHeap({ capacity: 4 * MiB });
  const ring = createFrameRing(heap, { frameLength: 5000, frameCount: 4, consumersMayWrite: false });
  heap.close();
  const [near, far] = connectedEnds();
  const [consumer] = await Promise.all([joinFrameRing(far, { mode: 'every' }), ring.addConsumer(near)]);
  const written = ring.acquire();
  written.bytes.fill(0x5a);
  written.publish();
  const frame = await consumer.next();
  const { connection, child } = await connectScript(t, 'writing-peer.js');
  await connection.send({ buffers: frame === undefined ? [] : [frame.buffer] });
  const answer = await connection.receive();
  assert.deepEqual(JSON.parse(answer?.text ?? ''), [REFUSALS]);
  assert.ok(frame?.bytes.every((byte) => byte === 0x5a));
  frame?.release();
  connection.close();
  assert.equal(await exitOf(child), 0);
  consumer.close();
  ring.close();
});

test(
  'createFrameRing() refuses consumersMayWrite: false where frames would be dma-bufs, and invalid values',
  {
    skip: cannotOpen('/dev/udmabuf'),
  },
  () => {
    const heap = openHeap('udmabuf', { backends: ['udmabuf'] });
    assert.throws(
      () => createFrameRing(heap, { frameLength: 4096, frameCount: 4, consumersMayWrite: false }),
      (error) => isDmaBufError(error, 'EOPNOTSUPP') && /backends: \['embedded'\]/u.test(error.message),
    );
    assert.equal(heap.stats().bufferCount, 0);
    heap.close();
  },
);
