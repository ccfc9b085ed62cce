/**
 * Goal: whatever a peer sends or does not send, this process gets a clear error, keeps no descriptor of it, and lives.
 * Method: a process of its own commits one misdeed after another, and behaves in between: the connection must still work.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../src/index.ts';
import type { DmaBufErrorCode } from '../../src/index.ts';
import { assertHeld, heldDescriptors } from './held-descriptors.ts';
import { connectScript, exitOf } from './peer-process.ts';

interface Misdeed {
  readonly name: string;
  readonly code: DmaBufErrorCode;
  /** What the message must say. */
  readonly says: RegExp;
}

const NOT_A_BUFFER = /descriptor 1 of 1 was refused: .*neither a dma-buf nor a memfd/u;

const MISDEEDS: readonly Misdeed[] = [
  { name: 'socket', code: 'EINVAL', says: NOT_A_BUFFER },
  { name: 'pipe', code: 'EINVAL', says: NOT_A_BUFFER },
  { name: 'regular file', code: 'EINVAL', says: /descriptor 1 of 1 was refused/u },
  { name: '/dev/null', code: 'EINVAL', says: NOT_A_BUFFER },
  { name: 'directory', code: 'EINVAL', says: /descriptor 1 of 1 was refused/u },
  { name: 'path only', code: 'EBADF', says: /descriptor 1 of 1 was refused/u },
  { name: 'path of a memfd', code: 'EBADF', says: /descriptor 1 of 1 was refused/u },
  { name: 'epoll descriptor', code: 'EINVAL', says: NOT_A_BUFFER },
  { name: 'memfd as sync file', code: 'EINVAL', says: /as a sync file as it is something else/u },
  { name: 'memfd as dma-buf', code: 'EPROTO', says: /is a memfd of \d+ bytes: announced was a dma-buf/u },
  { name: 'memfd not sealed', code: 'EINVAL', says: /could shrink it: .* F_SEAL_SHRINK/u },
  { name: 'memfd sealed against growing only', code: 'EINVAL', says: /could shrink it/u },
  { name: 'memfd sealed against writing', code: 'EINVAL', says: /sealed against writing/u },
  { name: 'memfd sealed against future writing', code: 'EINVAL', says: /sealed against writing/u },
  { name: 'memfd for reading only', code: 'EACCES', says: /not opened for reading and writing/u },
  { name: 'empty memfd', code: 'EINVAL', says: /0 bytes is not whole pages/u },
  { name: 'memfd of part of a page', code: 'EINVAL', says: /100 bytes is not whole pages/u },
  { name: 'memfd cut, then sealed', code: 'EPROTO', says: /announced was a memfd of \d+/u },
  { name: 'memfd shorter than announced', code: 'EPROTO', says: /announced was a memfd of 4\d+/u },
  { name: 'length beyond any', code: 'EPROTO', says: /announced was a memfd of 9\d+/u },
  { name: 'bad one behind a good one', code: 'EINVAL', says: /descriptor 2 of 2 was refused/u },
  { name: 'more descriptors announced than sent', code: 'EPROTO', says: /1 descriptors came .* announces 2/u },
  { name: 'fewer descriptors announced than sent', code: 'EPROTO', says: /3 descriptors came .* announces 1/u },
  { name: 'descriptors not announced', code: 'EPROTO', says: /2 descriptors came .* announces 0/u },
  { name: 'as many descriptors announced as can be', code: 'EPROTO', says: /16 bytes where .* 65535 descriptors/u },
  { name: 'unknown kind', code: 'EPROTO', says: /descriptor 0 is of the unknown kind 99/u },
  { name: 'name without end', code: 'EPROTO', says: /name of its descriptor 0 is too long/u },
  { name: 'name that is no text', code: 'EPROTO', says: /name of its descriptor 0 is too long/u },
  { name: 'one byte', code: 'EPROTO', says: /has 1 bytes, less than a header's/u },
  { name: 'no byte', code: 'EPROTO', says: /has 0 bytes, less than a header's/u },
  { name: 'no byte, but descriptors', code: 'EPROTO', says: /has 0 bytes, less than a header's/u },
  { name: 'garbage', code: 'EPROTO', says: /begins with 0xa5a5a5a5/u },
  { name: 'another version', code: 'EPROTO', says: /of version 2, and version 1 is understood/u },
  { name: 'reserved in the header', code: 'EPROTO', says: /reserved in its header is not zero/u },
  { name: 'message cut off', code: 'EPROTO', says: /has 20 bytes where .* take 21/u },
  { name: 'message longer than announced', code: 'EPROTO', says: /has 20 bytes where .* take 19/u },
  { name: 'message too long', code: 'EMSGSIZE', says: /65537 bytes are more than 65536/u },
  { name: 'message far too long', code: 'EMSGSIZE', says: /more than 65536 bytes/u },
];

test('receive() refuses what breaks the rules, keeps nothing of it, and goes on', async (t) => {
  const held = heldDescriptors();
  const { connection, child } = await connectScript(
    t,
    'raw-peer.js',
    MISDEEDS.map(({ name }) => name),
  );
  const heldConnected = heldDescriptors();
  for (const { name, code, says } of MISDEEDS) {
    await t.test(`${name}: ${code}`, async () => {
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
  // Its pages were taken away by a hole: what is read then is zeros.
  assert.ok(view?.bytes.every((byte) => byte === 0));
  view?.close();
  received?.close();
});

test('receive() from a peer that says nothing waits until it is given up', async (t) => {
  const held = heldDescriptors();
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
  const held = heldDescriptors();
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
