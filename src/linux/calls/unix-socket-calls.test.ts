import assert from 'node:assert/strict';
import { fstatSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { isDmaBufError } from '../../base/errors.ts';
import { rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import { PASSING_OPTIONS, setSocketOption } from '../../../test/share/socket-options.ts';
import { runScript } from '../../../test/support/processes/run-script.ts';
import { SO_DOMAIN, SO_TYPE } from '../../uapi/socket.ts';
import { kernelCalls } from './kernel-calls.ts';
import { unixSocketAddress } from './unix-socket-address.ts';
import { UnixSocketCalls } from './unix-socket-calls.ts';
import { UnixSocketPacket } from './unix-socket-packet.ts';

const BYTES_MAX = 4096;
const EINTR = 4;
const ECONNABORTED = 103;

/** The C library, in which the calls named fail with `errno` the first two times. */
function interrupted(names: readonly ('accept4' | 'connect' | 'recvmsg' | 'sendmsg')[], errno: number) {
  const failTwice = (name: (typeof names)[number]) => {
    const call = kernelCalls[name] as (...values: unknown[]) => number;
    let left = 2;
    return (...values: unknown[]): number => {
      left -= 1;
      return left < 0 ? call(...values) : -errno;
    };
  };
  const calls = Object.fromEntries(names.map((name) => [name, failTwice(name)]));
  return rawCallsWith(calls);
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
    fds.map((fd) => kernelCalls.fcntl(fd.borrow(), F_GETFD, 0)),
    [FD_CLOEXEC],
  );
  for (const fd of [near, far, ...fds]) fd.close();
});

test('UnixSocketCalls.receive says when a message was longer than the buffer', () => {
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

/** Numbers of this process's open descriptors, but for the one that lists them. */
function openNumbers(): string[] {
  return readdirSync('/proc/self/fd').filter((number) => isOpen(Number(number)));
}

function isOpen(fd: number): boolean {
  try {
    return fstatSync(fd).ino > 0;
  } catch {
    return false;
  }
}

for (const [option, set] of Object.entries(PASSING_OPTIONS)) {
  test(`UnixSocketCalls.receive gives 253 descriptors, and leaves no other open, with ${option} on`, (t) => {
    const calls = new UnixSocketCalls(BYTES_MAX);
    const [near, far] = calls.createPair();
    const open = openNumbers();
    if (!setSocketOption(far.borrow(), set)) {
      t.skip(`this kernel has no ${option} for such sockets`);
      return;
    }
    for (let round = 0; round < 3; round += 1) {
      calls.send(
        near.borrow(),
        new Uint8Array([round]),
        Array.from({ length: 253 }, () => near.borrow()),
      );
      const received = calls.receive(far.borrow());
      assert.deepEqual(received?.bytes, new Uint8Array([round]));
      assert.deepEqual([received.fds.length, received.truncated, received.descriptorsLost], [253, false, false]);
      for (const fd of received.fds) fd.close();
      assert.deepEqual(openNumbers(), open);
    }
    for (const fd of [near, far]) fd.close();
  });
}

test('UnixSocketCalls.receive gives 253 descriptors with every option on that this kernel has', () => {
  const calls = new UnixSocketCalls(BYTES_MAX);
  const [near, far] = calls.createPair();
  const open = openNumbers();
  for (const set of Object.values(PASSING_OPTIONS)) setSocketOption(far.borrow(), set);
  calls.markPackets(far.borrow());
  const descriptors = Array.from({ length: 253 }, () => near.borrow());
  calls.send(near.borrow(), new Uint8Array([7]), descriptors);
  calls.send(near.borrow(), new Uint8Array(), []);
  const received = calls.receive(far.borrow());
  assert.deepEqual([received?.bytes, received?.fds.length], [new Uint8Array([7]), 253]);
  const empty = calls.receive(far.borrow());
  assert.deepEqual([empty?.bytes, empty?.fds.length, empty?.isEnd], [new Uint8Array(), 0, false]);
  for (const fd of received?.fds ?? []) fd.close();
  assert.deepEqual(openNumbers(), open);
  for (const fd of [near, far]) fd.close();
});

test('UnixSocketCalls.receive treats the error number of a failed pidfd as no descriptor', () => {
  const url = (path: string): string => new URL(path, import.meta.url).href;
  runScript(
    `
    import { openSync, closeSync } from 'node:fs';
    import { UnixSocketCalls } from '${url('unix-socket-calls.js')}';
    import { setSocketOption } from '${url('../../../test/share/socket-options.js')}';
    const calls = new UnixSocketCalls(100);
    const [near, far] = calls.createPair();
    setSocketOption(far.borrow(), { name: 76, value: 1 });
    calls.send(near.borrow(), new Uint8Array([1]), []);
    const fillers = [];
    for (;;) {
      try { fillers.push(openSync('/dev/null')); } catch { break; }
    }
    const received = calls.receive(far.borrow());
    assert.deepEqual([received.bytes, received.fds], [new Uint8Array([1]), []]);
    assert.throws(() => openSync('/dev/null'), { code: 'EMFILE' });
    closeSync(fillers.pop());
    `,
    'ulimit -n 256',
  );
});

/** Control messages in their layout in memory: the level, type and data of each. */
function controlBytes(messages: readonly (readonly [level: number, type: number, data: Uint8Array])[]): Uint8Array {
  return Buffer.concat(
    messages.map(([level, type, data]) => {
      const bytes = Buffer.alloc(16 + Math.ceil(data.length / 8) * 8);
      bytes.writeBigUInt64LE(BigInt(16 + data.length));
      bytes.writeInt32LE(level, 8);
      bytes.writeInt32LE(type, 12);
      bytes.set(data, 16);
      return bytes;
    }),
  );
}

/** The parsed descriptors of control messages that a kernel may have written. */
function readControl(bytes: Uint8Array, length = bytes.length): { descriptors: number[]; others: number[] } {
  const packet = new UnixSocketPacket(8);
  packet.toReceive();
  packet.control.set(bytes);
  return packet.received(length);
}

test('UnixSocketPacket.received finds descriptors between control messages that it does not know', () => {
  const numbers = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
  const unknown = [1, 99, numbers(5)] as const;
  const rights = (...values: number[]): readonly [number, number, Uint8Array] => [1, 1, numbers(...values)];
  const pidfd = (value: number): readonly [number, number, Uint8Array] => [1, 4, numbers(value)];
  const foreign = [41, 1, numbers(6)] as const;
  const empty = [1, 4, new Uint8Array()] as const;
  for (const [messages, expected] of [
    [[], { descriptors: [], others: [] }],
    [[unknown, rights(7, 8), foreign], { descriptors: [7, 8], others: [] }],
    [[rights(7), pidfd(9), rights(8)], { descriptors: [7, 8], others: [9] }],
    [[pidfd(-24), empty, rights(7)], { descriptors: [7], others: [] }],
    [[[1, 1, new Uint8Array([7, 0, 0, 0, 8, 0])] as const], { descriptors: [7], others: [] }],
  ] as const) {
    assert.deepEqual(readControl(controlBytes(messages)), expected);
  }
});

test('UnixSocketPacket.received stops at control messages that are cut off, or that count wrong', () => {
  const rights = controlBytes([[1, 1, new Uint8Array([7, 0, 0, 0])]]);
  for (const length of [0, 1, 15]) assert.deepEqual(readControl(rights, length), { descriptors: [], others: [] });
  // The kernel does not pad the last message.
  assert.deepEqual(readControl(rights, 20), { descriptors: [7], others: [] });
  for (const counted of [0, 1, 15, 25, 2 ** 32, 2 ** 62]) {
    const wrong = Buffer.from(rights);
    wrong.writeBigUInt64LE(BigInt(counted));
    const { descriptors } = readControl(Buffer.concat([wrong, rights]), 24);
    assert.ok(descriptors.length <= 2, `counted ${counted}`);
  }
});

test("UnixSocketCalls.send is refused once the other end's queue is full, and succeeds after that has read", () => {
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
  assert.equal(calls.receive(near.borrow())?.isEnd, true);
  assert.equal(calls.hasHungUp(near.borrow()), true);
  near.close();
});

test('UnixSocketCalls repeats calls that a signal interrupted, and accepts that found an aborted connection', () => {
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

test("UnixSocketCalls gives the peer's credentials and the kind of a socket", () => {
  const calls = new UnixSocketCalls(BYTES_MAX);
  const [near, far] = calls.createPair();
  assert.deepEqual(calls.peer(near.borrow()), { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  // AF_UNIX and SOCK_SEQPACKET (man 2 socket).
  assert.equal(calls.numberOption(near.borrow(), SO_DOMAIN), 1);
  assert.equal(calls.numberOption(near.borrow(), SO_TYPE), 5);
  near.close();
  far.close();
});

test("UnixSocketCalls throws the kernel's refusals", () => {
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
