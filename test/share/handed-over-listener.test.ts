/** Listening at sockets that a supervisor has made, and passed on. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

import { isDmaBufError } from '../../src/index.ts';
import type { OwnedFd } from '../../src/linux/calls/fd.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { connect, listen, supervisorSockets } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { stateOf } from '../support/runner/promise-state.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { exitOf, socketPath } from './peer-process.ts';

const { sockets } = new ShareContext();
const F_GETFD = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;

/** As a supervisor makes it: systemd passes sockets that block. */
function listeningSocket(path: string): OwnedFd {
  const socket = sockets.create();
  sockets.bind(socket.borrow(), path);
  sockets.listen(socket.borrow(), 8);
  assert.equal(kernelCalls.fcntl(socket.borrow(), F_SETFL, O_RDWR), 0);
  return socket;
}

async function ask(path: string, message: string): Promise<string | undefined> {
  const connection = await connect(path);
  await connection.send({ message });
  const received = await connection.receive();
  connection.close();
  return received?.text;
}

/** The variables name the very process, whose number only it knows before it runs. */
function startService(t: TestContext, socket: OwnedFd): ChildProcess {
  const script = fileURLToPath(new URL('supervised-child.js', import.meta.url));
  const command = 'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=frames; exec "$0" "$1"';
  const child = spawn('sh', ['-c', command, process.execPath, script], {
    stdio: ['ignore', 'inherit', 'inherit', socket.borrow()],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

test('a service takes the socket of its supervisor, and the next goes on where it was killed', async (t) => {
  const path = socketPath(t);
  const socket = listeningSocket(path);
  const first = startService(t, socket);
  assert.equal(await ask(path, 'one'), 'frames 3 taken: one');
  first.kill('SIGKILL');
  assert.equal(await exitOf(first), 'SIGKILL');
  // Made while none accepts: it waits for the next.
  const waiting = ask(path, 'two');
  assert.equal(await stateOf(waiting), 'pending');
  const second = startService(t, socket);
  assert.equal(await waiting, 'frames 3 taken: two');
  assert.equal(await ask(path, 'end'), 'frames 3 taken: end');
  assert.equal(await exitOf(second), 0);
  assert.equal(existsSync(path), true, "the supervisor's file is removed by the supervisor");
  socket.close();
});

for (const kind of ['a number', 'an owned descriptor'] as const) {
  test(`listen takes a socket that listens, by ${kind}, and no child inherits it`, async (t) => {
    const held = await settledDescriptors();
    const path = socketPath(t);
    const socket = listeningSocket(path);
    const supervisors = sockets.duplicate(socket.borrow());
    const number = socket.borrow();
    const listener = await listen({ fd: kind === 'a number' ? socket.take() : socket });
    assert.equal(socket.closed, true);
    assert.equal(listener.path, undefined);
    assert.equal(inspect(listener), 'BufferListener { handed over, open }');
    assert.ok(kernelCalls.fcntl(number, F_GETFD, 0) < 0 || kernelCalls.fcntl(number, F_GETFD, 0) === FD_CLOEXEC);
    assert.equal(kernelCalls.fcntl(supervisors.borrow(), F_GETFL, 0) & O_NONBLOCK, O_NONBLOCK);
    const accepted = listener.accept();
    assert.equal(await stateOf(accepted), 'pending');
    const connection = await connect(path);
    await connection.send({ message: 'first' });
    assert.equal((await (await accepted).receive())?.text, 'first');
    (await accepted).close();
    connection.close();
    listener.close();
    assert.equal(existsSync(path), true);
    supervisors.close();
    await assertHeld(held, 'descriptors of the socket stayed open');
  });
}

test('listen refuses a descriptor that is not a listening socket for messages, and does not change it', async (t) => {
  const SOCK_STREAM = 1;
  const AF_UNIX = 1;
  const AF_INET = 2;
  const path = socketPath(t);
  const open = (fd: number): OwnedFd => sockets.duplicate(fd as ReturnType<OwnedFd['borrow']>);
  const [near, far] = sockets.createPair();
  const [unix, inet, file] = [
    kernelCalls.socket(AF_UNIX, SOCK_STREAM, 0),
    kernelCalls.socket(AF_INET, SOCK_STREAM, 0),
    0,
  ];
  kernelCalls.listen(inet, 1);
  const idle = sockets.create();
  const held = await settledDescriptors();
  for (const [fd, says] of [
    [unix, /its type is 1: a listening Unix socket/u],
    [inet, /its address family is 2/u],
    [file, /it is no socket|its (?:type|address family) is/u],
    [near, /it does not listen/u],
    [idle, /it does not listen/u],
  ] as const) {
    await assert.rejects(listen({ fd }), (error) => {
      assert.ok(isDmaBufError(error, 'EINVAL'), String(error));
      assert.match(error.message, says);
      return true;
    });
  }
  await assert.rejects(listen({ fd: 0x7fff_0000 }), (error) => isDmaBufError(error, 'EBADF'));
  await assert.rejects(listen({ fd: -1 }), { name: 'RangeError' });
  for (const where of [{}, { fd: '3' }, { path }, [], null, 3])
    await assert.rejects(listen(where as { fd: number }), { name: 'TypeError' });
  const listening = listeningSocket(path);
  await assert.rejects(listen({ fd: listening }, { mode: 0o600 }), { name: 'TypeError' });
  await assert.rejects(listen({ fd: listening }, { backlog: 5 }), { name: 'TypeError' });
  await assert.rejects(listen({ fd: listening }, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.equal(listening.closed || near.closed || idle.closed, false);
  listening.close();
  await assertHeld(held, 'descriptors were closed, or stayed open');
  for (const fd of [near, far, idle, open(unix), open(inet)]) fd.close();
  for (const fd of [unix, inet]) sockets.closeNumber(fd);
});

test('supervisorSockets gives what was passed to this process, in its order, with names', () => {
  const own = String(process.pid);
  for (const [env, expected] of [
    [{}, []],
    [{ LISTEN_PID: own, LISTEN_FDS: '0' }, []],
    [{ LISTEN_PID: String(process.ppid), LISTEN_FDS: '2' }, []],
    [{ LISTEN_FDS: '2' }, []],
    [{ LISTEN_PID: own }, []],
    [{ LISTEN_PID: own, LISTEN_FDS: '1' }, [{ fd: 3, name: '' }]],
    [
      { LISTEN_PID: own, LISTEN_FDS: '2', LISTEN_FDNAMES: 'frames:unknown' },
      [
        { fd: 3, name: 'frames' },
        { fd: 4, name: 'unknown' },
      ],
    ],
  ] as const) {
    assert.deepEqual(supervisorSockets({ env }), expected);
  }
});

test('supervisorSockets refuses variables that do not say what they should', () => {
  const LISTEN_PID = String(process.pid);
  for (const env of [
    { LISTEN_PID: 'me', LISTEN_FDS: '1' },
    { LISTEN_PID: '-1', LISTEN_FDS: '1' },
    { LISTEN_PID, LISTEN_FDS: '1x' },
    { LISTEN_PID, LISTEN_FDS: '65537' },
    { LISTEN_PID, LISTEN_FDS: '2', LISTEN_FDNAMES: 'one' },
    { LISTEN_PID, LISTEN_FDS: '1', LISTEN_FDNAMES: 'one:two' },
  ]) {
    assert.throws(
      () => supervisorSockets({ env }),
      (error) => isDmaBufError(error, 'EPROTO'),
    );
  }
  assert.throws(() => supervisorSockets({ env: 5 as unknown as NodeJS.ProcessEnv }), { name: 'TypeError' });
});
