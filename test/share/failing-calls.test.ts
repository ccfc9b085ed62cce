/**
 * Goal: if any system call of an operation of dmabuf/share fails, nothing leaks, and the operation
 * succeeds once none fails. Method: as in test/faults/failing-calls.test.ts: the first call fails,
 * then the second, …, until the operation succeeds without a failure.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { KiB, MiB, OwnedFd, isDmaBufError } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { adoptConnection } from '../../src/share/connection/adopt-connection.ts';
import { listenNow } from '../../src/share/listener/buffer-listener.ts';
import { connect } from '../../src/share/connection/connect.ts';
import { buffersForChild, takeInheritedBuffers } from '../../src/share/inherit/buffers-for-child.ts';
import { connectionForChild } from '../../src/share/inherit/connection-for-child.ts';
import { connectionFromFd } from '../../src/share/index.ts';
import type { BufferConnection, DescriptorStream } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { connectStream } from '../../src/share/stream/connect-stream.ts';
import { streamFromFd } from '../../src/share/stream/stream-from-fd.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

const heap = openEmbeddedHeap({ capacity: MiB });

/** Something to close. */
interface Closable {
  close(): void;
}

interface Operation {
  readonly name: string;
  /** The calls that it makes at least, so that a test without calls is noticed. */
  readonly calls: readonly string[];
  /**
   * Sets the scene with no call failing. Returns the operation, which gives what it opened, and
   * what ends the scene.
   */
  prepare(context: ShareContext, t: TestContext): Promise<{ run: () => Promise<Closable[]>; end: () => void }>;
}

function allocate(): DmaBuf {
  return heap.allocate(4 * KiB, { shareable: true });
}

/** The near end makes calls that may fail, the far end does not. */
function connectedPair(context: ShareContext): [BufferConnection, BufferConnection] {
  const [first, second] = new ShareContext().sockets.createPair();
  return [adoptConnection(context, first), connectionFromFd(second)];
}

function streamPair(context: ShareContext): [DescriptorStream, DescriptorStream] {
  const [first, second] = new ShareContext().streams.createPair();
  return [streamFromFd(first, context), streamFromFd(second)];
}

const operations: readonly Operation[] = [
  {
    name: 'listen() over a stale socket file',
    calls: ['socket', 'bind', 'connect', 'flock', 'listen'],
    prepare: async (context, t) => {
      const path = `${temporaryFolder(t)}/socket`;
      const { sockets } = new ShareContext();
      const stale = sockets.create();
      sockets.bind(stale.borrow(), path);
      stale.close();
      const run = async (): Promise<Closable[]> => await Promise.resolve([listenNow(context, path)]);
      return await Promise.resolve({ run, end: () => {} });
    },
  },
  {
    name: 'listen() at a socket that listens already',
    calls: ['fcntl', 'getsockopt'],
    prepare: async (context, t) => {
      const { sockets } = new ShareContext();
      const socket = sockets.create();
      sockets.bind(socket.borrow(), `${temporaryFolder(t)}/socket`);
      sockets.listen(socket.borrow(), 1);
      const run = async (): Promise<Closable[]> => await Promise.resolve([listenNow(context, { fd: socket })]);
      return await Promise.resolve({ run, end: () => socket.close() });
    },
  },
  {
    name: 'connect() and accept()',
    calls: ['socket', 'connect', 'getsockopt', 'accept4'],
    prepare: async (context, t) => {
      const path = `${temporaryFolder(t)}/socket`;
      const listener = listenNow(context, path);
      const run = async (): Promise<Closable[]> => {
        const connection = await connect(path, {}, context);
        try {
          return [connection, await listener.accept()];
        } catch (error) {
          connection.close();
          throw error;
        }
      };
      return await Promise.resolve({ run, end: () => listener.close() });
    },
  },
  {
    name: 'send()',
    calls: ['sendmsg'],
    prepare: async (context) => {
      const [near, far] = connectedPair(context);
      const buffers = [allocate(), allocate()];
      const run = async (): Promise<Closable[]> => {
        await near.send({ message: 'both', buffers });
        return [];
      };
      return await Promise.resolve({ run, end: () => [near, far, ...buffers].forEach((each) => each.close()) });
    },
  },
  {
    name: 'receive()',
    calls: ['recvmsg', 'fcntl', 'close'],
    prepare: async (context) => {
      const [near, far] = connectedPair(context);
      const buffers = [allocate(), allocate()];
      await far.send({ message: 'both', buffers });
      const run = async (): Promise<Closable[]> => {
        const received = await near.receive();
        assert.equal(received?.buffers.length, 2);
        return [received];
      };
      return { run, end: () => [near, far, ...buffers].forEach((each) => each.close()) };
    },
  },
  {
    name: 'connectStream()',
    calls: ['socket', 'connect', 'getsockopt'],
    prepare: async (context, t) => {
      const path = `${temporaryFolder(t)}/socket`;
      const server = createServer((socket) => socket.on('error', () => {})).listen(path);
      await once(server, 'listening');
      const run = async (): Promise<Closable[]> => {
        const stream = await connectStream(path, {}, context);
        return [{ close: () => stream.destroy() }];
      };
      return { run, end: () => server.close() };
    },
  },
  {
    name: 'writeWithFds()',
    calls: ['fcntl', 'sendmsg', 'close'],
    prepare: async (context) => {
      const [near, far] = streamPair(context);
      const buffer = allocate();
      const fd = buffer.exportFd();
      const run = async (): Promise<Closable[]> => {
        const failed = new Promise((_resolve, reject) => near.once('error', reject));
        near.writeWithFds(Buffer.from('both'), [fd, fd]);
        await Promise.race([failed, once(far, 'data')]);
        return [];
      };
      const end = (): void => {
        for (const stream of [near, far]) stream.on('error', () => {}).destroy();
        for (const each of [fd, buffer]) each.close();
      };
      return await Promise.resolve({ run, end });
    },
  },
  {
    name: "a stream's receiving",
    calls: ['recvmsg'],
    prepare: async (context) => {
      const [near, far] = streamPair(context);
      const buffer = allocate();
      const fd = buffer.exportFd();
      far.writeWithFds(Buffer.from('both'), [fd, fd]);
      const run = async (): Promise<Closable[]> => {
        const received: OwnedFd[] = [];
        // It goes on receiving, and fails at that.
        near.on('error', () => {});
        near.on('fds', (numbers: number[]) => received.push(...numbers.map((number) => OwnedFd.adopt(number))));
        await once(near, 'data');
        assert.equal(received.length, 2);
        return received;
      };
      const end = (): void => {
        for (const stream of [near, far]) stream.on('error', () => {}).destroy();
        for (const each of [fd, buffer]) each.close();
      };
      return await Promise.resolve({ run, end });
    },
  },
  {
    name: 'connectionForChild()',
    calls: ['socketpair', 'getsockopt'],
    prepare: async (context) => {
      const run = async (): Promise<Closable[]> => {
        const inherited = connectionForChild({}, context);
        return await Promise.resolve([inherited, inherited.connection]);
      };
      return await Promise.resolve({ run, end: () => {} });
    },
  },
  {
    name: 'takeInheritedBuffers()',
    calls: ['fcntl', 'close'],
    prepare: async (context) => {
      const buffers = [allocate(), allocate()];
      const { env, stdio } = buffersForChild(buffers);
      const announced = JSON.parse(env['DMABUF_INHERITED_BUFFERS'] ?? '') as { fd: number }[];
      // In this very process, which has the descriptors, not in a child.
      const numbers = stdio.slice(3) as number[];
      for (const [index, each] of announced.entries()) each.fd = numbers[index] as number;
      const run = async (): Promise<Closable[]> =>
        await Promise.resolve(
          takeInheritedBuffers({ env: { DMABUF_INHERITED_BUFFERS: JSON.stringify(announced) } }, context),
        );
      const end = (): void => {
        for (const number of numbers.filter(isOpen)) new ShareContext().sockets.closeNumber(number);
        for (const buffer of buffers) buffer.close();
      };
      return await Promise.resolve({ run, end });
    },
  },
];

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

for (const operation of operations) {
  const { name, calls: expected } = operation;
  test(`${name}: the n-th system call fails, and nothing is held afterwards`, async (t) => {
    const held = await settledDescriptors();
    const failed = new Set<string>();
    for (let n = 1; ; n += 1) {
      const calls = new FailingCalls();
      const { run, end } = await operation.prepare(new ShareContext(otherMachine({ raw: calls.raw })), t);
      calls.failAt(n);
      const opened = await run().catch((error: unknown) => {
        assert.ok(isDmaBufError(error) || error instanceof AggregateError, String(error));
        return [];
      });
      const { failed: name } = calls;
      calls.failAt();
      for (const each of opened) each.close();
      end();
      await assertHeld(held, `call ${n}, ${name}`);
      if (name === undefined) break;
      failed.add(name);
    }
    for (const call of expected) assert.ok(failed.has(call), `${call} never failed: only ${[...failed].join(', ')}`);
  });
}

test('send() and receive() work again after a call of theirs failed', async () => {
  const calls = new FailingCalls();
  const [near, far] = connectedPair(new ShareContext(otherMachine({ raw: calls.raw })));
  calls.failAt(1);
  await assert.rejects(near.send({ message: 'lost' }), (error) => isDmaBufError(error, 'ENOBUFS'));
  calls.failAt();
  await near.send({ message: 'sent' });
  assert.equal((await far.receive())?.text, 'sent');
  await far.send({ message: 'kept' });
  calls.failAt(1);
  await assert.rejects(near.receive(), (error) => isDmaBufError(error, 'ENOMEM'));
  calls.failAt();
  assert.equal((await near.receive())?.text, 'kept');
  near.close();
  far.close();
});

test('accept() gives the connection that an earlier refusal delayed', async (t) => {
  for (const nth of [1, 2]) {
    const calls = new FailingCalls();
    const path = `${temporaryFolder(t)}/socket`;
    const listener = listenNow(new ShareContext(otherMachine({ raw: calls.raw })), path);
    const connection = await connect(path);
    calls.failAt(nth);
    const accepted = await listener.accept();
    assert.equal(calls.failed, ['socket', 'accept4'][nth - 1]);
    assert.equal(listener.refusedCount, 0);
    await connection.send({ message: 'here' });
    assert.equal((await accepted.receive())?.text, 'here');
    for (const each of [accepted, connection, listener]) each.close();
  }
});
