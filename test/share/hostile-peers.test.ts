/**
 * Goal: a peer may send anything, or nothing: this process gets a clear error, keeps no descriptor
 * of it, and lives. Method: a process commits one misdeed after another, and behaves in between:
 * the connection must still work.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../src/index.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { MISDEEDS } from './misdeeds.ts';
import { connectScript, exitOf } from './peer-process.ts';

test('receive() refuses what breaks the rules, keeps nothing of it, and goes on', async (t) => {
  const held = await settledDescriptors();
  const { connection, child } = await connectScript(
    t,
    'raw-peer.js',
    MISDEEDS.filter(({ skip = false }) => skip === false).map(({ name }) => name),
  );
  const heldConnected = await settledDescriptors();
  for (const { name, code, says, skip = false } of MISDEEDS) {
    await t.test(`${name}: ${code}`, { skip }, async () => {
      await assert.rejects(connection.receive(), (error) => {
        assert.ok(isDmaBufError(error, code), String(error));
        assert.match(error.message, says);
        return true;
      });
      assert.equal((await connection.receive())?.text, 'still here');
      await assertHeld(heldConnected, 'descriptors of a refused message stayed open');
    });
  }
  connection.close();
  assert.equal(await exitOf(child), 0);
  await assertHeld(held, 'descriptors of the connection stayed open');
});

test('receive() gives a memfd whose view outlives everything that its sender can do to it', async (t) => {
  const { connection, child } = await connectScript(t, 'raw-peer.js', ['memfd emptied later']);
  const received = await connection.receive();
  const view = received?.buffers[0]?.vmap();
  assert.equal((await connection.receive())?.text, 'could not cut it');
  assert.equal((await connection.receive())?.text, 'still here');
  connection.close();
  assert.equal(await exitOf(child), 0);
  // A hole took its pages away: it reads zeros from then on.
  assert.ok(view?.bytes.every((byte) => byte === 0));
  view?.close();
  received?.close();
});

test('receive() from a silent peer waits until it is aborted', async (t) => {
  const held = await settledDescriptors();
  const { connection, child } = await connectScript(t, 'raw-peer.js');
  const reason = new Error('Enough');
  const giveUp = new AbortController();
  const received = connection.receive({ signal: giveUp.signal });
  setImmediate(() => giveUp.abort(reason));
  await assert.rejects(received, (error) => error === reason);
  assert.equal(connection.peerClosed, false);
  connection.close();
  assert.equal(await exitOf(child), 0);
  await assertHeld(held, 'descriptors of a silent peer stayed open');
});

test('receive() gives what a peer sent before it was killed, and then its end', async (t) => {
  const held = await settledDescriptors();
  const { connection, child } = await connectScript(t, 'raw-peer.js', ['death behind a message']);
  await connection.whenPeerCloses();
  assert.equal(connection.peerClosed, true);
  const received = await connection.receive();
  assert.equal(received?.text, 'last words');
  assert.equal(received?.buffers.length, 1);
  received?.close();
  assert.equal(await connection.receive(), undefined);
  assert.equal(await connection.receive(), undefined);
  connection.close();
  assert.equal(await exitOf(child), 'SIGKILL');
  await assertHeld(held, 'descriptors of a dead peer stayed open');
});

for (const end of ['death', 'leaving']) {
  test(`receive() that waits while the peer ends by "${end}" gives its end`, async (t) => {
    const { connection, child } = await connectScript(t, 'raw-peer.js', [end]);
    assert.equal(await connection.receive(), undefined);
    await assert.rejects(connection.send({ message: 'to nobody' }), (error) => isDmaBufError(error, 'EPIPE'));
    connection.close();
    await exitOf(child);
  });
}
