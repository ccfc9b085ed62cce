/** Connections between processes, in the way of users. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { DmaBufError, KiB, MiB, isDmaBufError } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { connectionFromFd } from '../../src/share/index.ts';
import type { BufferConnection, OutgoingMessage, ReceivedMessage } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { runScript } from '../support/processes/run-script.ts';
import { stateOf } from '../support/runner/promise-state.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { connectScript, exitOf } from './peer-process.ts';

const heap = openEmbeddedHeap({ capacity: 64 * MiB });

function allocate(length: number, name = ''): DmaBuf {
  return heap.allocate(length, { shareable: true, name });
}

/** Two ends in one process. */
function connectedPair(): [BufferConnection, BufferConnection] {
  const [first, second] = new ShareContext().sockets.createPair();
  return [connectionFromFd(first), connectionFromFd(second)];
}

async function receiveOne(connection: BufferConnection): Promise<ReceivedMessage> {
  const received = await connection.receive();
  assert.ok(received !== undefined, 'the connection has ended');
  return received;
}

/** Sends until there is no room. */
function fill(connection: BufferConnection): number {
  const message = new Uint8Array(32 * KiB);
  let count = 0;
  while (connection.trySend({ message })) count += 1;
  return count;
}

test('send() hands buffers to another process, which works on the same memory', async (t) => {
  const held = await settledDescriptors();
  const { connection, child } = await connectScript(t, 'echo-peer.js');
  const buffers = [allocate(16 * KiB, 'camera0'), allocate(MiB, 'größte')];
  for (const [index, buffer] of buffers.entries()) buffer.accessSync('write', (bytes) => bytes.fill(10 * index));
  await connection.send({ message: 'frame 1', buffers });
  const answer = await receiveOne(connection);
  const { exporter } = buffers[0] as DmaBuf;
  assert.deepEqual(JSON.parse(answer.text), {
    text: 'frame 1',
    firstBytes: [0, 10],
    described: [
      { name: 'camera0', length: 16_384, exporter },
      { name: 'größte', length: 1_048_576, exporter },
    ],
    peer: { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() },
  });
  assert.equal(answer.peer.pid, child.pid);
  for (const [index, buffer] of [...buffers, ...answer.buffers].entries()) {
    buffer.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 10 * (index % 2) + 1)));
  }
  answer.close();
  connection.close();
  for (const buffer of buffers) buffer.close();
  assert.equal(await exitOf(child), 0);
  await assertHeld(held, 'descriptors of the exchange stayed open');
});

test('send() with nothing, and with 64 KiB, arrives as it is', async () => {
  const [near, far] = connectedPair();
  await near.send({});
  const message = Uint8Array.from({ length: 64 * KiB }, (_, index) => index % 251);
  await near.send({ message });
  assert.deepEqual((await receiveOne(far)).message, new Uint8Array());
  assert.deepEqual((await receiveOne(far)).message, message);
  near.close();
  far.close();
});

test('send() takes 253 buffers, the most that the kernel takes', async () => {
  const held = await settledDescriptors();
  const [near, far] = connectedPair();
  const buffer = allocate(4 * KiB);
  await near.send({ buffers: Array.from({ length: 253 }, () => buffer) });
  const received = await receiveOne(far);
  assert.equal(received.buffers.length, 253);
  received.close();
  buffer.close();
  near.close();
  far.close();
  await assertHeld(held, 'descriptors of 253 buffers stayed open');
});

test('send() has read its contents when it returns: they may be closed and changed', async () => {
  const [near, far] = connectedPair();
  const count = fill(near);
  const buffer = allocate(64 * KiB);
  const message = new TextEncoder().encode('before');
  const sent = near.send({ message, buffers: [buffer] });
  message.fill(0);
  buffer.close();
  for (let index = 0; index < count; index += 1) await receiveOne(far);
  await sent;
  const received = await receiveOne(far);
  assert.equal(received.text, 'before');
  assert.equal(received.buffers[0]?.length, 65_536);
  received.close();
  near.close();
  far.close();
});

test('send() without room waits, in the order of the calls; trySend() does not, and does not overtake', async () => {
  const [near, far] = connectedPair();
  const count = fill(near);
  assert.ok(count > 0);
  const sends = ['first', 'second', 'third'].map((message) => near.send({ message }));
  assert.deepEqual(await Promise.all(sends.map(stateOf)), ['pending', 'pending', 'pending']);
  assert.equal(near.trySend({ message: 'never' }), false);
  for (let index = 0; index < count; index += 1) await receiveOne(far);
  assert.equal(near.trySend({ message: 'never' }), false);
  const texts = [await receiveOne(far), await receiveOne(far), await receiveOne(far)].map(({ text }) => text);
  assert.deepEqual(texts, ['first', 'second', 'third']);
  await Promise.all(sends);
  assert.equal(near.trySend({ message: 'now' }), true);
  assert.equal((await receiveOne(far)).text, 'now');
  near.close();
  far.close();
});

test('send() that is aborted sends nothing, and keeps nothing', async () => {
  const [near, far] = connectedPair();
  const count = fill(near);
  const buffer = allocate(4 * KiB);
  const held = await settledDescriptors();
  const reason = new Error('Too late');
  const [running, waiting] = [new AbortController(), new AbortController()];
  const sends = [running, waiting].map(({ signal }) => near.send({ message: 'never', buffers: [buffer] }, { signal }));
  const last = near.send({ message: 'last' });
  waiting.abort(reason);
  await assert.rejects(sends[1] as Promise<void>, (error) => error === reason);
  running.abort(reason);
  await assert.rejects(sends[0] as Promise<void>, (error) => error === reason);
  for (let index = 0; index < count; index += 1) await receiveOne(far);
  assert.equal((await receiveOne(far)).text, 'last');
  await last;
  await assert.rejects(near.send({}, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
  await assertHeld(held, 'descriptors of messages given up stayed open');
  buffer.close();
  near.close();
  far.close();
});

test('send() refuses a buffer whose pages lie in an arena, and names the remedy', async () => {
  const [near, far] = connectedPair();
  const shareable = allocate(4 * KiB);
  const buffer = heap.allocate(4 * KiB);
  const held = await settledDescriptors();
  await assert.rejects(near.send({ buffers: [shareable, buffer] }), (error) => {
    assert.ok(isDmaBufError(error, 'EOPNOTSUPP'));
    assert.match(error.message, /\{ shareable: true \}/u);
    return true;
  });
  await assertHeld(held, 'descriptors of a message refused stayed open');
  for (const each of [shareable, buffer, near, far]) each.close();
});

test('send() refuses invalid contents before it sends anything', async () => {
  const [near, far] = connectedPair();
  const buffer = allocate(4 * KiB);
  const wrong: [content: unknown, name: string, says: RegExp][] = [
    [undefined, 'TypeError', /'content' must be an object/u],
    [{ messages: 'x' }, 'TypeError', /'content\.messages' is not one of the options/u],
    [{ message: 5 }, 'TypeError', /must be a Uint8Array or a string/u],
    [{ message: new DataView(new ArrayBuffer(4)) }, 'TypeError', /must be a Uint8Array or a string/u],
    [{ message: 'x'.repeat(65_537) }, 'RangeError', /at most 65536 bytes, received 65537/u],
    [{ message: 'ä'.repeat(32_769) }, 'RangeError', /at most 65536 bytes, received 65538/u],
    [{ buffers: buffer }, 'TypeError', /must be an array of DmaBuf/u],
    [{ buffers: [{ exportFd: () => 1 }] }, 'TypeError', /must be an array of DmaBuf/u],
    [{ syncFiles: [buffer] }, 'TypeError', /must be an array of SyncFile/u],
    [{ buffers: Array.from({ length: 254 }, () => buffer) }, 'RangeError', /at most 253 buffers/u],
  ];
  for (const [content, name, message] of wrong) {
    await assert.rejects(near.send(content as OutgoingMessage), { name, message });
    assert.throws(() => near.trySend(content as OutgoingMessage), { name, message });
  }
  buffer.close();
  await assert.rejects(near.send({ buffers: [buffer] }), (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
  near.close();
  assert.equal(await far.receive(), undefined);
  far.close();
});

test('send() to an end that was closed throws EPIPE, and receive() still gives what that end had sent', async () => {
  const [near, far] = connectedPair();
  await far.send({ message: 'goodbye' });
  far.close();
  // Other processes may have the far end as well, so it is closed, but not shut down.
  await near.whenPeerCloses();
  await assert.rejects(near.send({}), (error) => isDmaBufError(error, 'EPIPE') && /is gone/u.test(error.message));
  assert.equal((await receiveOne(near)).text, 'goodbye');
  assert.equal(await near.receive(), undefined);
  near.close();
});

test('receive() gives what an end had sent that was closed before it had read all', async () => {
  const [near, far] = connectedPair();
  await near.send({ message: 'never read' });
  await far.send({ message: 'goodbye' });
  far.close();
  assert.equal((await receiveOne(near)).text, 'goodbye');
  assert.equal(await near.receive(), undefined);
  near.close();
});

test('receive() called twice gives two messages, in order', async () => {
  const [near, far] = connectedPair();
  const received = [receiveOne(far), receiveOne(far)];
  await near.send({ message: 'one' });
  await near.send({ message: 'two' });
  assert.deepEqual(
    (await Promise.all(received)).map(({ text }) => text),
    ['one', 'two'],
  );
  near.close();
  far.close();
});

test('close() ends pending waits, on both ends', async () => {
  const [near, far] = connectedPair();
  fill(near);
  const waits = [near.send({}), near.send({}), near.receive(), near.receive(), near.whenPeerCloses()];
  assert.deepEqual(
    await Promise.all(waits.map(stateOf)),
    Array.from(waits, () => 'pending'),
  );
  near.close();
  for (const wait of waits) await assert.rejects(wait, (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
  await far.whenPeerCloses();
  assert.equal(near.closed, true);
  for (const use of [near.send({}), near.receive(), near.whenPeerCloses()])
    await assert.rejects(use, (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
  assert.throws(
    () => near.trySend({}),
    (error) => error instanceof DmaBufError && error.code === 'ERR_DMABUF_CLOSED',
  );
  near.close();
  far.close();
});

test('whenPeerCloses() resolves although messages are still to be received', async () => {
  const [near, far] = connectedPair();
  await far.send({ message: 'unread' });
  const closed = near.whenPeerCloses();
  assert.equal(await stateOf(closed), 'pending');
  assert.equal(near.peerClosed, false);
  far.close();
  await closed;
  assert.equal(near.peerClosed, true);
  near.close();
});

test('a loop over a connection reads no further than it has come, and leaving it closes the connection', async () => {
  const held = await settledDescriptors();
  const [near, far] = connectedPair();
  const buffer = allocate(4 * KiB);
  let count = 0;
  while (near.trySend({ message: String(count), buffers: [buffer] })) count += 1;
  for await (const received of far) {
    assert.equal(received.text, '0');
    received.close();
    break;
  }
  assert.equal(far.closed, true);
  await near.whenPeerCloses();
  near.close();
  buffer.close();
  await assertHeld(held, 'descriptors that nobody received stayed open');
});

test('a peer that sends 2000 messages waits for the receiver, message by message', async (t) => {
  const { connection, child } = await connectScript(t, 'flood-peer.js', ['2000']);
  const held = await settledDescriptors();
  let count = 0;
  for await (const received of connection) {
    assert.equal(received.text, String(count));
    received.close();
    count += 1;
  }
  assert.equal(count, 2000);
  await assertHeld(held, 'descriptors of messages received stayed open');
  connection.close();
  assert.equal(await exitOf(child), 0);
});

test('asyncDispose sends waiting messages, then closes', async () => {
  const [near, far] = connectedPair();
  const count = fill(near);
  const sent = near.send({ message: 'last' });
  const disposed = near[Symbol.asyncDispose]();
  for (let index = 0; index < count; index += 1) await receiveOne(far);
  assert.equal((await receiveOne(far)).text, 'last');
  await Promise.all([sent, disposed]);
  assert.equal(await far.receive(), undefined);
  far.close();
});

test('inspect shows a connection without using it', () => {
  const [near, far] = connectedPair();
  near.close();
  assert.equal(inspect(near), `BufferConnection { closed, peer ${process.pid} }`);
  assert.equal(inspect(far), `BufferConnection { open, peer ${process.pid} }`);
  far.close();
});

test('connectionFromFd refuses a descriptor that is not a connection, and does not change it', async () => {
  const { sockets } = new ShareContext();
  const unconnected = sockets.create();
  const buffer = allocate(4 * KiB);
  const memfd = buffer.exportFd();
  for (const [fd, code] of [
    [memfd, 'EINVAL'],
    [unconnected, 'ENOTCONN'],
    [0x7fff_0000, 'EBADF'],
  ] as const) {
    assert.throws(
      () => connectionFromFd(fd),
      (error) => isDmaBufError(error, code),
    );
  }
  for (const fd of [-1, 1.5, 2 ** 31]) assert.throws(() => connectionFromFd(fd), { name: 'RangeError' });
  assert.throws(() => connectionFromFd('3' as unknown as number), { name: 'TypeError' });
  assert.equal(memfd.closed || unconnected.closed, false);
  for (const each of [memfd, unconnected, buffer]) each.close();
});

test('an open connection alone does not keep the program alive; a pending wait does', () => {
  const output = runScript(`
    import { connectionFromFd } from '${new URL('../../src/share/index.js', import.meta.url).href}';
    import { ShareContext } from '${new URL('../../src/share/connection/share-context.js', import.meta.url).href}';
    const [near, far] = new ShareContext().sockets.createPair().map((fd) => connectionFromFd(fd));
    const late = far.receive().then(({ text }) => console.log(text));
    setTimeout(() => near.trySend({ message: 'kept alive' }), 50).unref();
    setTimeout(() => console.log('the timer kept it alive'), 60_000).unref();
    await late;
  `);
  assert.equal(output, 'kept alive\n');
});

test('receive() without descriptors left throws EMFILE, keeps nothing, and the connection continues', () => {
  runScript(
    `
    import { openSync, closeSync, readdirSync } from 'node:fs';
    import { setTimeout } from 'node:timers/promises';
    import { connectionFromFd } from '${new URL('../../src/share/index.js', import.meta.url).href}';
    import { ShareContext } from '${new URL('../../src/share/connection/share-context.js', import.meta.url).href}';
    const [near, far] = new ShareContext().sockets.createPair().map((fd) => connectionFromFd(fd));
    const heap = openEmbeddedHeap({ capacity: MiB });
    const buffers = Array.from({ length: 10 }, () => heap.allocate(4096, { shareable: true }));
    for (const left of [0, 1, 5, 10]) {
      await near.send({ buffers });
      const fillers = [];
      for (;;) {
        try { fillers.push(openSync('/dev/null')); } catch { break; }
      }
      for (let index = 0; index < left; index += 1) closeSync(fillers.pop());
      await assert.rejects(far.receive(), (error) => {
        assert.ok(isDmaBufError(error, 'EMFILE'), String(error));
        assert.match(error.message, /ulimit -n/u);
        return true;
      });
      // What is refused is closed in another thread.
      const opened = fillers.length;
      while (fillers.length < opened + left) {
        try { fillers.push(openSync('/dev/null')); } catch { await setTimeout(1); }
      }
      assert.throws(() => openSync('/dev/null'), { code: 'EMFILE' });
      for (const fd of fillers) closeSync(fd);
      await near.send({ buffers });
      const received = await far.receive();
      assert.equal(received.buffers.length, 10);
      received.close();
    }
    `,
    'ulimit -n 256',
  );
});
