/** Listening and connecting, with real socket files and real processes. */

import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { isDmaBufError } from '../../src/index.ts';
import type { DmaBufErrorCode } from '../../src/index.ts';
import { connect, listen } from '../../src/share/index.ts';
import { stateOf } from '../support/runner/promise-state.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { exitOf, socketPath, spawnScript } from './peer-process.ts';

async function assertRefused(promise: Promise<unknown>, code: DmaBufErrorCode, says: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isDmaBufError(error, code), String(error));
    assert.match(error.message, says);
    return true;
  });
}

test('listen makes a socket file of the requested mode, with any umask, and close() removes it', async (t) => {
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  for (const [options, mode] of [
    [{}, 0o600],
    [{ mode: 0o666 }, 0o666],
  ] as const) {
    const path = socketPath(t);
    const listener = await listen(path, options);
    assert.equal(statSync(path).mode & 0o777, mode);
    assert.equal(lstatSync(path).isSocket(), true);
    listener.close();
    listener.close();
    assert.equal(existsSync(path), false);
    assert.equal(listener.closed, true);
  }
});

test('a listener gives one connection after another, until it is closed', async (t) => {
  const held = await settledDescriptors();
  const path = socketPath(t);
  const listener = await listen(path);
  const texts: string[] = [];
  const served = (async () => {
    for await (const connection of listener) {
      texts.push((await connection.receive())?.text ?? '');
      connection.close();
    }
  })();
  for (const message of ['one', 'two', 'three']) {
    const connection = await connect(path);
    await connection.send({ message });
    await connection.whenPeerCloses();
    connection.close();
  }
  assert.deepEqual(texts, ['one', 'two', 'three']);
  assert.equal(await stateOf(served), 'pending');
  listener.close();
  await served;
  await assertHeld(held, 'descriptors of a listener stayed open');
});

test('leaving a loop over a listener closes it, and refuses connections that were not accepted', async (t) => {
  const path = socketPath(t);
  const listener = await listen(path);
  const connections = await Promise.all([connect(path), connect(path)]);
  for await (const connection of listener) {
    connection.close();
    break;
  }
  assert.equal(listener.closed, true);
  for (const connection of connections) {
    assert.equal(await connection.receive(), undefined);
    connection.close();
  }
});

test('accept() is aborted by its signal, and the listener continues; its own signal closes it', async (t) => {
  const path = socketPath(t);
  const ending = new AbortController();
  const listener = await listen(path, { signal: ending.signal });
  const reason = new Error('Enough');
  await assert.rejects(listener.accept({ signal: AbortSignal.abort(reason) }), (error) => error === reason);
  const giveUp = new AbortController();
  const accepted = listener.accept({ signal: giveUp.signal });
  assert.equal(await stateOf(accepted), 'pending');
  giveUp.abort(reason);
  await assert.rejects(accepted, (error) => error === reason);
  const next = listener.accept();
  const connection = await connect(path);
  (await next).close();
  connection.close();
  const last = listener.accept();
  ending.abort();
  await assert.rejects(last, (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
  assert.equal(existsSync(path), false);
  await assert.rejects(listen(path, { signal: ending.signal }), { name: 'AbortError' });
});

test('listen refuses a path where a process listens, and does not change it', async (t) => {
  const held = await settledDescriptors();
  const path = socketPath(t);
  const listener = await listen(path);
  await assertRefused(listen(path), 'EADDRINUSE', /a process listens there/u);
  const connection = await connect(path);
  connection.close();
  listener.close();
  const server = createServer().listen(path);
  await once(server, 'listening');
  await assertRefused(listen(path), 'EADDRINUSE', /a process listens there/u);
  await assertRefused(connect(path), 'EPROTOTYPE', /another type than SOCK_SEQPACKET/u);
  server.close();
  await once(server, 'close');
  await assertHeld(held, 'descriptors of a listener refused stayed open');
});

test('listen replaces the socket file of a process that was killed', async (t) => {
  const path = socketPath(t);
  const child = spawnScript(t, 'listening-peer.js', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  await assertRefused(listen(path), 'EADDRINUSE', /a process listens there/u);
  child.kill('SIGKILL');
  assert.equal(await exitOf(child), 'SIGKILL');
  assert.equal(lstatSync(path).isSocket(), true);
  await assertRefused(connect(path), 'ECONNREFUSED', /no process listens there any more/u);
  const listener = await listen(path);
  const connection = await connect(path);
  connection.close();
  listener.close();
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test('listen refuses a path where there is anything but a socket', async (t) => {
  const folder = temporaryFolder(t);
  const [file, directory, link] = ['file', 'directory', 'link'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, 'kept');
  mkdirSync(directory);
  symlinkSync('nowhere', link);
  for (const path of [file, directory, link])
    await assertRefused(listen(path), 'EADDRINUSE', /a file that is no socket/u);
  assert.deepEqual(readdirSync(folder).toSorted(), ['directory', 'file', 'link']);
});

test('close() of a listener does not remove a file that has replaced its own', async (t) => {
  const path = socketPath(t);
  const first = await listen(path);
  unlinkSync(path);
  const second = await listen(path);
  first.close();
  const connection = await connect(path);
  connection.close();
  second.close();
  assert.equal(existsSync(path), false);
});

test('listen takes abstract names, which leave no file', async () => {
  const path = `\0dmabuf-test-${process.pid}`;
  const listener = await listen(path);
  assert.equal(inspect(listener), `BufferListener { '\\x00dmabuf-test-${process.pid}', open }`);
  await assert.rejects(listen(path), (error) => isDmaBufError(error, 'EADDRINUSE'));
  const [accepted, connected] = await Promise.all([listener.accept(), connect(path)]);
  await connected.send({ message: 'abstract' });
  assert.equal((await accepted.receive())?.text, 'abstract');
  for (const each of [listener, accepted, connected]) each.close();
  await assertRefused(connect(path), 'ECONNREFUSED', /no process listens/u);
});

test('connect waits while the listener has no room, until it has or it is aborted', async (t) => {
  const held = await settledDescriptors();
  const path = socketPath(t);
  const listener = await listen(path, { backlog: 1 });
  const reason = new Error('Enough');
  const waiting = Array.from({ length: 4 }, () => connect(path));
  const giveUp = new AbortController();
  const givenUp = connect(path, { signal: giveUp.signal });
  assert.equal(await stateOf(waiting[3] as Promise<unknown>), 'pending');
  giveUp.abort(reason);
  await assert.rejects(givenUp, (error) => error === reason);
  for (let index = 0; index < 4; index += 1) (await listener.accept()).close();
  for (const connection of await Promise.all(waiting)) connection.close();
  listener.close();
  await assertHeld(held, 'descriptors of waiting connections stayed open');
});

test('listen and connect refuse an invalid path', async () => {
  const listenAt = async (path: unknown): Promise<unknown> => await listen(path as string);
  const connectTo = async (path: unknown): Promise<unknown> => await connect(path as string);
  for (const open of [listenAt, connectTo]) {
    for (const path of [undefined, '', 5, '/tmp/a\0b']) await assert.rejects(open(path), { name: 'TypeError' });
    for (const path of [`/tmp/${'x'.repeat(103)}`, `/tmp/${'ä'.repeat(52)}`, `\0${'x'.repeat(108)}`]) {
      await assert.rejects(open(path), { name: 'RangeError', message: /must have at most 10[78] bytes/u });
    }
    await assert.rejects(open('/nowhere/at/all'), (error) => isDmaBufError(error, 'ENOENT'));
  }
  await assert.rejects(listen('\0name', { mode: 0o666 }), { name: 'TypeError' });
  await assert.rejects(listen('/tmp/x', { backlog: 0 }), { name: 'RangeError' });
  await assert.rejects(listen('/tmp/x', { mode: 0o1777 }), { name: 'RangeError' });
});

test('listen and connect take the longest path there is, 107 bytes', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'x'.repeat(107 - folder.length - 1));
  assert.equal(path.length, 107);
  const listener = await listen(path);
  const connection = await connect(path);
  connection.close();
  listener.close();
  assert.equal(existsSync(path), false);
});

test('listen() gives the remedy where the socket file cannot be made', async (t) => {
  const path = join(temporaryFolder(t), 'missing', 'socket');
  await assertRefused(listen(path), 'ENOENT', /Cannot listen at .*its folder does not exist/u);
});
