/** Sockets with options switched on, as a supervisor may set them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KiB, MiB, isDmaBufError } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { connectionFromFd } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { PASSING_OPTIONS, setSocketOption } from './socket-options.ts';

const heap = openEmbeddedHeap({ capacity: MiB });

test('receive() gives 253 buffers, message after message, with every option on that this kernel has', async (t) => {
  const held = await settledDescriptors();
  const [first, second] = new ShareContext().sockets.createPair();
  const missing = Object.entries(PASSING_OPTIONS)
    .filter(([, set]) => !setSocketOption(second.borrow(), set))
    .map(([option]) => option);
  if (missing.length > 0) t.diagnostic(`this kernel has no ${missing.join(', ')} for such sockets: tried without`);
  const [near, far] = [connectionFromFd(first), connectionFromFd(second)];
  const buffer = heap.allocate(4 * KiB, { shareable: true });
  const heldConnected = await settledDescriptors();
  for (const message of ['one', 'two', 'three']) {
    await near.send({ message, buffers: Array.from({ length: 253 }, () => buffer) });
    const received = await far.receive();
    assert.equal(received?.text, message);
    assert.equal(received.buffers.length, 253);
    received.close();
    await assertHeld(heldConnected, 'descriptors beside a message stayed open');
  }
  near.close();
  assert.equal(await far.receive(), undefined);
  far.close();
  buffer.close();
  await assertHeld(held, 'descriptors stayed open');
});

test('send() to an end that takes no descriptors throws, and messages without descriptors still arrive', async (t) => {
  const [first, second] = new ShareContext().sockets.createPair();
  if (!setSocketOption(second.borrow(), { name: PASSING_OPTIONS['SO_PASSRIGHTS']?.name ?? 0, value: 0 })) {
    for (const fd of [first, second]) fd.close();
    t.skip('this kernel has no SO_PASSRIGHTS: it came with 6.16');
    return;
  }
  const [near, far] = [connectionFromFd(first), connectionFromFd(second)];
  const buffer = heap.allocate(4 * KiB, { shareable: true });
  await assert.rejects(near.send({ buffers: [buffer] }), (error) => {
    assert.ok(isDmaBufError(error, 'EPERM'));
    assert.match(error.message, /takes no descriptors: .*SO_PASSRIGHTS/u);
    return true;
  });
  await near.send({ message: 'text' });
  assert.equal((await far.receive())?.text, 'text');
  for (const each of [near, far, buffer]) each.close();
});
