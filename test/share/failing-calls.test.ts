/**
 * Goal: whichever system call of an operation of dmabuf/share fails, nothing leaks, and the operation succeeds once none does.
 * Method: as in test/faults/failing-calls.test.ts: the first call fails, then the second, …, until the operation succeeds with none failing.
 */

import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { KiB, MiB, isDmaBufError } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/index.ts';
import { adoptConnection } from '../../src/share/adopt-connection.ts';
import { listenForBuffersWithin } from '../../src/share/buffer-listener.ts';
import { connectForBuffersWithin } from '../../src/share/connect.ts';
import { inheritBuffers, takeInheritedBuffersWithin } from '../../src/share/inherit-buffers.ts';
import { inheritConnectionWithin } from '../../src/share/inherit-connection.ts';
import { connectForBuffers, connectionFromFd } from '../../src/share/index.ts';
import type { BufferConnection } from '../../src/share/index.ts';
import { shareSurroundings } from '../../src/share/share-surroundings.ts';
import type { ShareSurroundings } from '../../src/share/share-surroundings.ts';
import { FailingCalls } from '../support/failing-calls.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { assertHeld, heldDescriptors } from './held-descriptors.ts';

const heap = openEmbeddedHeap({ capacity: MiB });

/** Something to close. */
interface Closable {
  close(): void;
}

interface Operation {
  readonly name: string;
  /** Which calls it makes at least, so that a test of none is noticed. */
  readonly calls: readonly string[];
  /** Sets the scene with no call failing. Returns the operation, which gives what it opened, and what ends the scene. */
  prepare(
    surroundings: ShareSurroundings,
    t: TestContext,
  ): Promise<{ run: () => Promise<Closable[]>; end: () => void }>;
}

function allocate(): DmaBuf {
  return heap.allocate(4 * KiB, { shareable: true });
}

/** The near end makes calls that may fail, the far end does not. */
function connectedPair(surroundings: ShareSurroundings): [BufferConnection, BufferConnection] {
  const [first, second] = shareSurroundings().sockets.createPair();
  return [adoptConnection(surroundings, first), connectionFromFd(second)];
}

const operations: readonly Operation[] = [
  {
    name: 'listenForBuffers() over a stale socket file',
    calls: ['socket', 'bind', 'connect', 'listen'],
    prepare: async (surroundings, t) => {
      const path = `${temporaryFolder(t)}/socket`;
      const { sockets } = shareSurroundings();
      const stale = sockets.create();
      sockets.bind(stale.borrow(), path);
      stale.close();
      const run = async (): Promise<Closable[]> => await Promise.resolve([listenForBuffersWithin(surroundings, path)]);
      return await Promise.resolve({ run, end: () => {} });
    },
  },
  {
    name: 'connectForBuffers() and accept()',
    calls: ['socket', 'connect', 'getsockopt', 'accept4'],
    prepare: async (surroundings, t) => {
      const listener = listenForBuffersWithin(surroundings, `${temporaryFolder(t)}/socket`);
      const run = async (): Promise<Closable[]> => {
        const connection = await connectForBuffersWithin(surroundings, listener.path);
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
    prepare: async (surroundings) => {
      const [near, far] = connectedPair(surroundings);
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
    prepare: async (surroundings) => {
      const [near, far] = connectedPair(surroundings);
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
    name: 'inheritConnection()',
    calls: ['socketpair', 'getsockopt'],
    prepare: async (surroundings) => {
      const run = async (): Promise<Closable[]> => {
        const inherited = inheritConnectionWithin(surroundings);
        return await Promise.resolve([inherited, inherited.connection]);
      };
      return await Promise.resolve({ run, end: () => {} });
    },
  },
  {
    name: 'takeInheritedBuffers()',
    calls: ['fcntl', 'close'],
    prepare: async (surroundings) => {
      const buffers = [allocate(), allocate()];
      const { env, stdio } = inheritBuffers(buffers);
      const announced = JSON.parse(env['DMABUF_INHERITED_BUFFERS'] ?? '') as { fd: number }[];
      // In this very process: where the descriptors are, not where they would be in a child.
      const numbers = stdio.slice(3) as number[];
      for (const [index, each] of announced.entries()) each.fd = numbers[index] as number;
      const run = async (): Promise<Closable[]> =>
        await Promise.resolve(
          takeInheritedBuffersWithin(surroundings, { env: { DMABUF_INHERITED_BUFFERS: JSON.stringify(announced) } }),
        );
      const end = (): void => {
        for (const number of numbers.filter(isOpen)) shareSurroundings().sockets.closeNumber(number);
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
    const held = heldDescriptors();
    const failed = new Set<string>();
    for (let n = 1; ; n += 1) {
      const calls = new FailingCalls();
      const { run, end } = await operation.prepare(shareSurroundings(calls.raw), t);
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
  const [near, far] = connectedPair(shareSurroundings(calls.raw));
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

test('accept() leaves who could not be accepted waiting', async (t) => {
  const calls = new FailingCalls();
  const listener = listenForBuffersWithin(shareSurroundings(calls.raw), `${temporaryFolder(t)}/socket`);
  const connection = await connectForBuffers(listener.path);
  calls.failAt(1);
  await assert.rejects(listener.accept(), (error) => isDmaBufError(error, 'EMFILE'));
  calls.failAt();
  const accepted = await listener.accept();
  for (const each of [accepted, connection, listener]) each.close();
});
