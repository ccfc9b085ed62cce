import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { test } from 'node:test';

import koffi from 'koffi';

import { isDmaBufError } from '../base/errors.ts';
import { rawCallsWith } from '../../test/support/raw-calls.ts';
import { SOL_SOCKET, SO_DOMAIN, SO_TYPE } from '../uapi/socket.ts';
import { libc } from './libc.ts';
import { unixSocketAddress } from './unix-socket-address.ts';
import { UnixSocketCalls } from './unix-socket-calls.ts';

const BYTES_MAX = 4096;
const EINTR = 4;
const ECONNABORTED = 103;

/** The C library, in which the calls named fail with `errno` the first two times. */
function interrupted(names: readonly ('accept4' | 'connect' | 'recvmsg' | 'sendmsg')[], errno: number) {
  let failing = 0;
  const failTwice = (name: (typeof names)[number]) => {
    const call = libc[name] as (...values: unknown[]) => number;
    let left = 2;
    return (...values: unknown[]): number => {
      failing = left > 0 ? errno : 0;
      left -= 1;
      return failing === 0 ? call(...values) : -1;
    };
  };
  const calls = Object.fromEntries(names.map((name) => [name, failTwice(name)]));
  return rawCallsWith({ ...calls, errno: () => (failing === 0 ? libc.errno() : failing) });
}

test('UnixSocketCalls.createPair gives two ends that carry bytes and descriptors, whole', () => {
  const calls = new UnixSocketCalls(BYTES_MAX);
  const [near, far] = calls.createPair();
  assert.equal(calls.receive(far.borrow()), undefined);
  assert.equal(calls.send(near.borrow(), new Uint8Array([1, 2, 3]), [near.borrow(), far.borrow()]), true);
  assert.equal(calls.send(near.borrow(), new Uint8Array([4]), []), true);
  const first = calls.receive(far.borrow());
  assert.deepEqual(first?.bytes, new Uint8Array([1, 2, 3]));
  assert.deepEqual([first.truncated, first.descriptorsLost], [false, false]);
  assert.deepEqual(
    first.fds.map((fd) => fstatSync(fd.borrow()).ino),
    [near, far].map((fd) => fstatSync(fd.borrow()).ino),
  );
  assert.deepEqual(calls.receive(far.borrow())?.bytes, new Uint8Array([4]));
  for (const fd of [near, far, ...first.fds]) fd.close();
});

test('UnixSocketCalls.receive gives descriptors that no child process inherits', () => {
  const calls = new UnixSocketCalls(BYTES_MAX);
  const [near, far] = calls.createPair();
  const F_GETFD = 1;
  const FD_CLOEXEC = 1;
  calls.send(near.borrow(), new Uint8Array([0]), [near.borrow()]);
  const fds = calls.receive(far.borrow())?.fds ?? [];
  assert.deepEqual(
    fds.map((fd) => libc.fcntl(fd.borrow(), F_GETFD, 0)),
    [FD_CLOEXEC],
  );
  for (const fd of [near, far, ...fds]) fd.close();
});

test('UnixSocketCalls.receive says when a message was longer than its room', () => {
  const [sender, receiver] = [new UnixSocketCalls(BYTES_MAX), new UnixSocketCalls(8)];
  const [near, far] = sender.createPair();
  sender.send(near.borrow(), new Uint8Array(9).fill(1), []);
  sender.send(near.borrow(), new Uint8Array(8).fill(2), []);
  const cut = receiver.receive(far.borrow());
  assert.deepEqual([cut?.bytes, cut?.truncated], [new Uint8Array(8).fill(1), true]);
  const whole = receiver.receive(far.borrow());
  assert.deepEqual([whole?.bytes, whole?.truncated], [new Uint8Array(8).fill(2), false]);
  near.close();
  far.close();
});

test('UnixSocketCalls.receive gives descriptors that come behind credentials, which somebody asked for before', () => {
  const SO_PASSCRED = 16;
  const setsockopt = koffi.load(null).func('int setsockopt(int, int, int, void *, unsigned int)');
  const calls = new UnixSocketCalls(BYTES_MAX);
  const [near, far] = calls.createPair();
  assert.equal(setsockopt(far.borrow(), SOL_SOCKET, SO_PASSCRED, new Int32Array([1]), 4), 0);
  calls.send(near.borrow(), new Uint8Array([0]), [near.borrow(), far.borrow()]);
  const fds = calls.receive(far.borrow())?.fds ?? [];
  assert.equal(fds.length, 2);
  for (const fd of [near, far, ...fds]) fd.close();
});

test('UnixSocketCalls.send is refused room once the other end has no more, and gets it when that has read', () => {
  const calls = new UnixSocketCalls(BYTES_MAX);
  const [near, far] = calls.createPair();
  let count = 0;
  while (calls.send(near.borrow(), new Uint8Array(BYTES_MAX), [])) count += 1;
  assert.ok(count > 0);
  for (let index = 0; index < count; index += 1) calls.receive(far.borrow());
  assert.equal(calls.send(near.borrow(), new Uint8Array(BYTES_MAX), []), true);
  near.close();
  far.close();
});

test('UnixSocketCalls.hasHungUp tells that the other end is closed, before and after all was read', () => {
  const calls = new UnixSocketCalls(BYTES_MAX);
  const [near, far] = calls.createPair();
  calls.send(far.borrow(), new Uint8Array([1]), []);
  assert.equal(calls.hasHungUp(near.borrow()), false);
  far.close();
  assert.equal(calls.hasHungUp(near.borrow()), true);
  assert.deepEqual(calls.receive(near.borrow())?.bytes, new Uint8Array([1]));
  assert.deepEqual(calls.receive(near.borrow())?.bytes, new Uint8Array());
  assert.equal(calls.hasHungUp(near.borrow()), true);
  near.close();
});

test('UnixSocketCalls calls again what a signal interrupted, and what was given up before it was accepted', () => {
  const calls = new UnixSocketCalls(BYTES_MAX, interrupted(['connect', 'sendmsg', 'recvmsg'], EINTR));
  const accepting = new UnixSocketCalls(BYTES_MAX, interrupted(['accept4'], ECONNABORTED));
  const address = `\0dmabuf-test-calls-${process.pid}`;
  const [listener, client] = [calls.create(), calls.create()];
  calls.bind(listener.borrow(), address);
  calls.listen(listener.borrow(), 1);
  assert.equal(calls.connect(client.borrow(), address), true);
  const server = accepting.accept(listener.borrow());
  assert.ok(server !== undefined);
  assert.equal(accepting.accept(listener.borrow()), undefined);
  assert.equal(calls.send(client.borrow(), new Uint8Array([7]), []), true);
  assert.deepEqual(calls.receive(server.borrow())?.bytes, new Uint8Array([7]));
  for (const fd of [listener, client, server]) fd.close();
});

test('UnixSocketCalls tells who is at the other end, and what a socket is', () => {
  const calls = new UnixSocketCalls(BYTES_MAX);
  const [near, far] = calls.createPair();
  assert.deepEqual(calls.peer(near.borrow()), { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  // AF_UNIX and SOCK_SEQPACKET (man 2 socket).
  assert.equal(calls.numberOption(near.borrow(), SO_DOMAIN), 1);
  assert.equal(calls.numberOption(near.borrow(), SO_TYPE), 5);
  near.close();
  far.close();
});

test('UnixSocketCalls throws what the kernel refuses', () => {
  const calls = new UnixSocketCalls(BYTES_MAX);
  const socket = calls.create();
  assert.throws(
    () => calls.connect(socket.borrow(), `\0dmabuf-test-nobody-${process.pid}`),
    (error) => isDmaBufError(error, 'ECONNREFUSED') && error.syscall === 'connect',
  );
  assert.throws(
    () => calls.send(socket.borrow(), new Uint8Array(1), []),
    (error) => isDmaBufError(error, 'ENOTCONN'),
  );
  socket.close();
});

test('unixSocketAddress is a family and a path with its NUL, or an abstract name without', () => {
  assert.deepEqual(unixSocketAddress('/a'), new Uint8Array([1, 0, 0x2f, 0x61, 0]));
  assert.deepEqual(unixSocketAddress('\0a'), new Uint8Array([1, 0, 0, 0x61]));
});
