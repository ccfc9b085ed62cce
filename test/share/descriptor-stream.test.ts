/** Streams of bytes with descriptors beside them. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { KiB, MiB, OwnedFd, importBuffer, isDmaBufError } from '../../src/index.ts';
import { connectStream, streamFromFd } from '../../src/share/index.ts';
import type { DescriptorStream } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';

/** Two ends in one process. */
function streamPair(t: TestContext): [DescriptorStream, DescriptorStream] {
  const [first, second] = new ShareContext().streams.createPair();
  const pair: [DescriptorStream, DescriptorStream] = [streamFromFd(first), streamFromFd(second)];
  t.after(() => pair.forEach((stream) => stream.destroy()));
  return pair;
}

/** The descriptors that came, owned. */
function collectFds(stream: DescriptorStream): OwnedFd[] {
  const fds: OwnedFd[] = [];
  stream.on('fds', (numbers: number[]) => fds.push(...numbers.map((number) => OwnedFd.adopt(number))));
  return fds;
}

/** As many bytes, or more if they came with the last ones. */
async function readBytes(stream: DescriptorStream, byteCount: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let left = byteCount;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Uint8Array);
    left -= (chunk as Uint8Array).length;
    if (left <= 0) break;
  }
  return Buffer.concat(chunks);
}

test('a memfd goes with the bytes that it was written with, to a buffer of the same memory', async (t) => {
  const held = await settledDescriptors();
  const [near, far] = streamPair(t);
  const fds = collectFds(far);
  const memfd = createMemfd({ length: 307_207 });
  near.write('before ');
  near.writeWithFds(Buffer.from('with'), [memfd]);
  // The stream has duplicates.
  const original = importBuffer(memfd);
  memfd.close();
  assert.equal(Buffer.from(await readBytes(far, 11)).toString(), 'before with');
  const [fd] = fds as [OwnedFd];
  const buffer = importBuffer(fd);
  buffer.accessSync('write', (bytes) => bytes.fill(7));
  assert.equal(
    original.accessSync('read', (bytes) => bytes.every((byte) => byte === 7)),
    true,
  );
  for (const each of [fd, buffer, original]) each.close();
  for (const stream of [near, far]) stream.destroy();
  await assertHeld(held, 'something stays open');
});

test('descriptors that nobody listens for are closed', async (t) => {
  const held = await settledDescriptors();
  const [near, far] = streamPair(t);
  const memfd = createMemfd({ length: 1 });
  for (let count = 0; count < 50; count += 1) near.writeWithFds(Buffer.from('x'), [memfd, memfd, memfd]);
  await readBytes(far, 50);
  memfd.close();
  for (const stream of [near, far]) stream.destroy();
  await assertHeld(held, 'something stays open');
});

test('closeFds() closes what the event gave', async (t) => {
  const held = await settledDescriptors();
  const [near, far] = streamPair(t);
  const memfd = createMemfd({ length: 1 });
  far.on('fds', (numbers: number[]) => far.closeFds(numbers));
  near.writeWithFds(Buffer.from('x'), [memfd, memfd]);
  await once(far, 'data');
  assert.throws(() => far.closeFds([-1]), RangeError);
  assert.throws(() => far.closeFds(['3'] as unknown as number[]), TypeError);
  memfd.close();
  for (const stream of [near, far]) stream.destroy();
  await assertHeld(held, 'something stays open');
});

test('a chunk beyond what the socket holds arrives whole, its descriptors with its first byte', async (t) => {
  const [near, far] = streamPair(t);
  const fds = collectFds(far);
  const memfd = createMemfd({ length: 5 });
  t.after(() => memfd.close());
  const chunk = new Uint8Array(3 * MiB).map((_, index) => (index * 31) % 251);
  assert.equal(near.writeWithFds(chunk, [memfd]), false);
  await turn();
  far.once('data', () => assert.equal(fds.length, 1));
  const parts: Uint8Array[] = [];
  near.end();
  for await (const part of far) parts.push(part as Uint8Array);
  assert.deepEqual(Buffer.compare(Buffer.concat(parts), chunk), 0);
  assert.equal(fds.length, 1);
  assert.equal(fstatSync(fds[0]?.borrow() ?? -1).ino, fstatSync(memfd.borrow()).ino);
  fds[0]?.close();
});

test('a writer of descriptors without pause leaves turns of the event loop to others', async (t) => {
  const [near, far] = streamPair(t);
  const memfd = createMemfd({ length: 4096 });
  for (let count = 0; count < 100; count += 1) near.writeWithFds(Uint8Array.of(count), [memfd]);
  memfd.close();
  await turn();
  const seen = { all: 0, turn: 0, turnMax: 0 };
  far.on('fds', (numbers: number[]) => {
    seen.all += numbers.length;
    seen.turn += numbers.length;
    seen.turnMax = Math.max(seen.turnMax, seen.turn);
    far.closeFds(numbers);
  });
  far.resume();
  while (seen.all < 100) {
    seen.turn = 0;
    await turn();
  }
  // Those of one turn may come behind the last ones of another.
  assert.ok(seen.turnMax <= 2 * 16, `${seen.turnMax} in one turn`);
});

test('a reader that stops makes the writer wait, and loses nothing', async (t) => {
  const [near, far] = streamPair(t);
  let drainCount = 0;
  near.on('drain', () => (drainCount += 1));
  let written = 0;
  while (near.write(new Uint8Array(16 * KiB)) || written < 4 * MiB) written += 16 * KiB;
  written += 16 * KiB;
  for (let count = 0; count < 20; count += 1) await turn();
  assert.ok(near.writableLength > MiB, `${near.writableLength} bytes wait`);
  assert.equal(drainCount, 0);
  const drained = once(near, 'drain');
  assert.equal((await readBytes(far, written)).length, written);
  await drained;
});

test('where one end is ended, the other sees the end, and both are closed', async (t) => {
  const held = await settledDescriptors();
  const [near, far] = streamPair(t);
  near.end('last');
  let text = '';
  far.on('data', (bytes: Uint8Array) => (text += Buffer.from(bytes).toString()));
  near.resume();
  await Promise.all([once(near, 'close'), once(far, 'close')]);
  assert.equal(text, 'last');
  await assertHeld(held, 'something stays open');
});

test('destroy() while data waits closes the descriptors that were not sent', async (t) => {
  const held = await settledDescriptors();
  const [near, far] = streamPair(t);
  const memfd = createMemfd({ length: 1 });
  near.on('error', () => {});
  near.write(new Uint8Array(4 * MiB));
  for (let count = 0; count < 10; count += 1) near.writeWithFds(Buffer.from('x'), [memfd, memfd]);
  near.destroy();
  await once(near, 'close');
  assert.equal(near.writeWithFds(Buffer.from('x'), [memfd]), false);
  far.destroy();
  memfd.close();
  await assertHeld(held, 'something stays open');
});

test('a write to a peer that is gone is an error with its name', async (t) => {
  const [near, far] = streamPair(t);
  const failed = once(near, 'error');
  far.destroy();
  // A socket that others may have, too, is closed in another thread.
  while (near.write('x')) await turn();
  const [error] = (await failed) as [unknown];
  assert.ok(isDmaBufError(error, 'EPIPE') && error.message.includes(`(process ${process.pid}) is gone`), String(error));
});

test('writeWithFds() refuses what cannot be sent, and sends nothing of it', (t) => {
  const [near] = streamPair(t);
  assert.throws(() => near.writeWithFds('text' as unknown as Uint8Array, []), TypeError);
  assert.throws(() => near.writeWithFds(new Uint8Array(0), [0]), RangeError);
  assert.throws(() => near.writeWithFds(Buffer.from('x'), [-1]), RangeError);
  assert.throws(
    () =>
      near.writeWithFds(
        Buffer.from('x'),
        Array.from({ length: 254 }, () => 0),
      ),
    RangeError,
  );
  assert.throws(
    () => near.writeWithFds(Buffer.from('x'), [0, 1_000_000]),
    (error) => isDmaBufError(error, 'EBADF'),
  );
  assert.equal(near.writableLength, 0);
});

test('connectStream() meets a server of node:net, whose kernel names its process', async (t) => {
  const path = `${temporaryFolder(t)}/socket`;
  const server = createServer((socket) => socket.pipe(socket)).listen(path);
  await once(server, 'listening');
  const stream = await connectStream(path);
  assert.equal(stream.peer.pid, process.pid);
  stream.write('hello');
  const [bytes] = (await once(stream, 'data')) as [Uint8Array];
  assert.equal(Buffer.from(bytes).toString(), 'hello');
  stream.end();
  await once(stream, 'close');
  await new Promise((resolve) => server.close(resolve));
});

test('connectStream() and streamFromFd() say what they need', async (t) => {
  const held = await settledDescriptors();
  await assert.rejects(connectStream(`${temporaryFolder(t)}/nothing`), (error) => isDmaBufError(error, 'ENOENT'));
  const { sockets } = new ShareContext();
  const path = `${temporaryFolder(t)}/packets`;
  const listener = sockets.create();
  sockets.bind(listener.borrow(), path);
  sockets.listen(listener.borrow(), 1);
  await assert.rejects(
    connectStream(path),
    (error) => isDmaBufError(error, 'EPROTOTYPE') && error.message.includes('takes packets'),
  );
  listener.close();
  const pair = sockets.createPair();
  assert.throws(
    () => streamFromFd(pair[0]),
    (error) => isDmaBufError(error, 'EINVAL') && error.message.includes('SOCK_STREAM (1) is needed'),
  );
  for (const fd of pair) fd.close();
  await assertHeld(held, 'something stays open');
});
