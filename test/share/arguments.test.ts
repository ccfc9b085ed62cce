/**
 * Goal: arguments are read once, before any state is checked, and arrive exactly as they were.
 * Method: options and lists whose getters close, exchange and count; values of another realm; text
 * of every kind.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

import { KiB, MiB, isDmaBufError } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import {
  connect,
  connectionFromFd,
  buffersForChild,
  connectionForChild,
  listen,
  takeInheritedConnection,
} from '../../src/share/index.ts';
import type { BufferConnection, OutgoingMessage } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { socketPath } from './peer-process.ts';

const heap = openEmbeddedHeap({ capacity: MiB });

function connectedPair(): [BufferConnection, BufferConnection] {
  const [first, second] = new ShareContext().sockets.createPair();
  return [connectionFromFd(first), connectionFromFd(second)];
}

function allocate(): DmaBuf {
  return heap.allocate(4 * KiB, { shareable: true });
}

const isClosed = (error: unknown): boolean => isDmaBufError(error, 'ERR_DMABUF_CLOSED');

test('send() whose contents close the connection while they are read sends nothing, and keeps nothing', async () => {
  const held = await settledDescriptors();
  const buffer = allocate();
  const open = await settledDescriptors();
  for (const name of ['message', 'buffers', 'syncFiles'] as const) {
    for (const send of ['send', 'trySend'] as const) {
      const [near, far] = connectedPair();
      const content: OutgoingMessage = {
        ...(name === 'buffers' ? {} : { buffers: [buffer] }),
        get [name](): undefined {
          near.close();
          return undefined;
        },
      };
      await assert.rejects(async () => await near[send](content), isClosed);
      assert.equal(await far.receive(), undefined);
      far.close();
    }
  }
  await assertHeld(open, 'descriptors of what was not sent stayed open');
  buffer.close();
  await assertHeld(held, 'descriptors stayed open');
});

test('send() reads each of its lists once: what a getter or a proxy gives later is not sent', async () => {
  const [near, far] = connectedPair();
  const buffer = allocate();
  const reads: string[] = [];
  const list = new Proxy([buffer], {
    get: (target, key, self) => {
      reads.push(String(key));
      const isSecondLook = reads.filter((each) => each === String(key)).length > 1;
      return isSecondLook && key === '0' ? { exportFd: () => 0 } : Reflect.get(target, key, self);
    },
  });
  await near.send({ buffers: list });
  assert.deepEqual(reads, ['length', '0']);
  const received = await far.receive();
  assert.equal(received?.buffers.length, 1);
  received.close();
  for (const each of [near, far, buffer]) each.close();
});

test('send() takes as many bytes as an array has, regardless of its class', async () => {
  const [near, far] = connectedPair();
  class Liar extends Uint8Array {
    override get length(): number {
      return 2;
    }
  }
  await near.send({ message: new Liar([1, 2, 3, 4]) });
  assert.deepEqual((await far.receive())?.message, new Uint8Array([1, 2, 3, 4]));
  await assert.rejects(near.send({ message: new Liar(64 * KiB + 1) }), { name: 'RangeError', message: /65537/u });
  const detached = new Uint8Array(4);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  await assert.rejects(near.send({ message: detached }), { name: 'TypeError' });
  await assert.rejects(near.send({ message: new Proxy(new Uint8Array(4), {}) }), { name: 'TypeError' });
  near.close();
  far.close();
});

test('send() takes arrays and bytes of another realm', async () => {
  const [near, far] = connectedPair();
  const buffer = allocate();
  const foreign = runInNewContext('({ message: new Uint8Array([1, 2, 3]), options: {}, list: (each) => [each] })') as {
    message: Uint8Array;
    options: object;
    list: (each: DmaBuf) => DmaBuf[];
  };
  assert.equal(foreign.message instanceof Uint8Array, false);
  await near.send({ message: foreign.message, buffers: foreign.list(buffer) }, foreign.options);
  const received = await far.receive(foreign.options);
  assert.deepEqual([...(received?.message ?? [])], [1, 2, 3]);
  assert.equal(received?.buffers.length, 1);
  received.close();
  for (const each of [near, far, buffer]) each.close();
});

test('text arrives exactly as it was sent, with any characters', async () => {
  const [near, far] = connectedPair();
  for (const text of ['', '\uFEFF', '\uFEFF{"a":1}', 'a\uFEFFb', 'a\0b\0', '\r\n\u2028\u2029', 'größe 😀', '\uFFFD']) {
    await near.send({ message: text });
    assert.equal((await far.receive())?.text, text);
  }
  near.close();
  far.close();
});

test('text that UTF-8 cannot express is refused, and never replaced', async (t) => {
  const [near, far] = connectedPair();
  const refusal = { name: 'TypeError', message: /lone surrogate.* received U\+D83D at index 1/u };
  await assert.rejects(near.send({ message: 'a\uD83D' }), refusal);
  assert.throws(() => near.trySend({ message: 'a\uD83D' }), refusal);
  await assert.rejects(listen(`${socketPath(t)}\uD83D`), { name: 'TypeError', message: /lone surrogate/u });
  await assert.rejects(connect('\0\uD83D'), refusal);
  assert.throws(() => heap.allocate(4 * KiB, { name: 'a\uD83D' }), refusal);
  near.close();
  assert.equal(await far.receive(), undefined);
  far.close();
});

test('the name of a buffer arrives exactly as it was given', async () => {
  const [near, far] = connectedPair();
  for (const name of ['\uFEFFcamera', 'größe', '\uFFFD']) {
    const buffer = heap.allocate(4 * KiB, { shareable: true, name });
    await near.send({ buffers: [buffer] });
    const received = await far.receive();
    assert.equal(received?.buffers[0]?.name, name);
    received.close();
    buffer.close();
  }
  near.close();
  far.close();
});

/** Options whose every getter calls `act`, and says that it does not abort. */
function optionsThat(act: () => void): { readonly signal: undefined } {
  return {
    get signal(): undefined {
      act();
      return undefined;
    },
  };
}

test('options that close what they are for are read before anything is looked at', async (t) => {
  const held = await settledDescriptors();
  for (const use of ['send', 'receive', 'whenPeerCloses'] as const) {
    const [near, far] = connectedPair();
    const options = optionsThat(() => near.close());
    await assert.rejects(use === 'send' ? near.send({}, options) : near[use](options), isClosed);
    far.close();
  }
  const listener = await listen(socketPath(t));
  await assert.rejects(listener.accept(optionsThat(() => listener.close())), isClosed);
  await assertHeld(held, 'descriptors stayed open');
});

test('invalid options give a rejected promise, or throw from synchronous functions', async (t) => {
  const [near, far] = connectedPair();
  const path = socketPath(t);
  const listener = await listen(path);
  for (const options of [
    null,
    5,
    'signal',
    { signals: 1 },
    { signal: {} },
    { signal: new Proxy(AbortSignal.abort(), {}) },
  ]) {
    const wrong = options as object;
    const calls: (() => Promise<unknown>)[] = [
      () => near.send({}, wrong),
      () => near.receive(wrong),
      () => near.whenPeerCloses(wrong),
      () => listener.accept(wrong),
      () => connect(path, wrong),
      () => listen(`${path}2`, wrong),
    ];
    for (const call of calls) {
      const promise = call();
      await assert.rejects(promise, { name: 'TypeError' });
    }
    assert.throws(() => connectionForChild(wrong), { name: 'TypeError' });
    assert.throws(() => buffersForChild([], wrong), { name: 'TypeError' });
  }
  for (const env of [null, 5, () => ({})])
    assert.throws(() => takeInheritedConnection({ env: env as unknown as NodeJS.ProcessEnv }), { name: 'TypeError' });
  for (const each of [near, far, listener]) each.close();
});

test('buffersForChild reads its buffers and places once', () => {
  const buffer = allocate();
  let reads = 0;
  const list = new Proxy([buffer], {
    get: (target, key, self) => {
      if (key === '0') reads += 1;
      return Reflect.get(target, key, self);
    },
  });
  const inherited = buffersForChild(list);
  assert.equal(reads, 1);
  assert.equal(inherited.stdio.length, 4);
  inherited.close();
  buffer.close();
});

test('50 waits of every kind on one signal listen to it once, and all are aborted', async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const [near, far] = connectedPair();
  while (near.trySend({ message: new Uint8Array(32 * KiB) }));
  const path = socketPath(t);
  const listener = await listen(path, { backlog: 1 });
  const full = [await connect(path), await connect(path)];
  const quiet = await listen(`${path}2`);
  const stop = new AbortController();
  const { signal } = stop;
  const waits = Array.from({ length: 10 }, () => [
    near.send({}, { signal }),
    near.receive({ signal }),
    near.whenPeerCloses({ signal }),
    quiet.accept({ signal }),
    connect(path, { signal }),
  ]).flat();
  // Long enough for the retries of connect.
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  const reason = new Error('Enough');
  stop.abort(reason);
  for (const wait of waits) await assert.rejects(wait, (error) => error === reason);
  assert.deepEqual(warnings, []);
  for (const each of [near, far, listener, quiet, ...full]) each.close();
});
