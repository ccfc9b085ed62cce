import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { CHILD_TIMEOUT_MS } from '../../../test/support/processes/run-script.ts';
import { MAP_FIXED, MAP_SHARED, PROT_READ } from '../../uapi/mman.ts';
import { AF_UNIX, SOCK_SEQPACKET, SOL_SOCKET } from '../../uapi/socket.ts';
import { addressOf, kernelCalls, watchReadable } from './kernel-calls.ts';
import type { ReadableWatch, WatchKind } from './kernel-calls.ts';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SO_LINGER = 13;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

test('libc gives the negative error number of a call that failed', () => {
  const EBADF = 9;
  const EINVAL = 22;
  assert.equal(kernelCalls.close(-1), -EBADF);
  assert.equal(kernelCalls.munmap(1, 4096), -EINVAL);
});

test('libc takes lengths and offsets beyond 32 bits', () => {
  const fd = kernelCalls.memfd_create('dmabuf-test', 0);
  assert.equal(kernelCalls.ftruncate(fd, 2 ** 40), 0);
  assert.equal(kernelCalls.lseek(fd, 2 ** 39, 0), 2 ** 39);
  assert.equal(kernelCalls.lseek(fd, 0, 2), 2 ** 40);
  assert.equal(kernelCalls.close(fd), 0);
});

test('addressOf gives the address of the first byte of the view, not of its buffer', () => {
  const shared = new SharedArrayBuffer(8192, { maxByteLength: 8192 });
  const address = addressOf(new Uint8Array(shared, 0, 8192));
  assert.equal(addressOf(new Uint8Array(shared, 4096, 1)) - address, 4096);
  assert.equal(addressOf(new Uint8Array(shared, 5, 1)) - address, 5);
});

test('addressOf gives the address that the C library uses for the bytes', () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(4096, { maxByteLength: 4096 }), 0, 4096);
  kernelCalls.memset(addressOf(bytes) + 100, 0xa5, 3);
  assert.deepEqual([...bytes.subarray(98, 105)], [0, 0, 0xa5, 0xa5, 0xa5, 0, 0]);
});

const EPERM = 1;
const KINDS: readonly WatchKind[] = ['loop', 'thread'];

/** A pair of sockets: data written to the second can be read from the first. */
function socketPair(t: TestContext): { near: number; far: number } {
  const numbers = new Uint8Array(8);
  assert.equal(kernelCalls.socketpair(AF_UNIX, SOCK_SEQPACKET, 0, numbers), 0);
  const [near = -1, far = -1] = new Int32Array(numbers.buffer);
  t.after(() => [near, far].map((fd) => kernelCalls.close(fd)));
  return { near, far };
}

function watched(fd: number, callback: () => void, kind: WatchKind): ReadableWatch {
  const watch = watchReadable(fd, callback, kind);
  assert.ok(typeof watch !== 'number');
  return watch;
}

/** What a program prints, and its exit status: null where it had to be ended. */
function runModule(text: string): { readonly stdout: string; readonly status: number | null } {
  const options = { timeout: CHILD_TIMEOUT_MS, encoding: 'utf8' } as const;
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', text], options);
  return { stdout, status };
}

for (const kind of KINDS) {
  test(`watchReadable by ${kind} calls back once a descriptor is readable, again and again, and not after its close`, async (t) => {
    const { near, far } = socketPair(t);
    let calls = 0;
    let told = (): void => {};
    const watch = watched(
      near,
      () => {
        calls += 1;
        readSync(near, new Uint8Array(1));
        told();
      },
      kind,
    );
    for (const round of [1, 2, 3]) {
      const wait = new Promise<void>((resolve) => {
        told = resolve;
      });
      writeSync(far, 'x');
      await wait;
      assert.equal(calls, round);
    }
    watch.close();
    writeSync(far, 'x');
    await setTimeout(20);
    assert.equal(calls, 3);
  });

  test(`watchReadable by ${kind} runs the continuations of promises that its callback settles at once`, async (t) => {
    const { near, far } = socketPair(t);
    const steps: string[] = [];
    let resolve = (): void => {};
    const settled = new Promise<void>((resolveIt) => {
      resolve = resolveIt;
    });
    const watch = watched(
      near,
      () => {
        readSync(near, new Uint8Array(1));
        queueMicrotask(() => steps.push('microtask'));
        setImmediate(() => steps.push('immediate'));
        resolve();
      },
      kind,
    );
    writeSync(far, 'x');
    await settled;
    assert.deepEqual(steps, ['microtask']);
    watch.close();
  });

  test(`watchReadable by ${kind} keeps the program alive until it is unreferenced or closed`, () => {
    const url = new URL('kernel-calls.js', import.meta.url).href;
    const script = `
      import { kernelCalls, watchReadable } from '${url}';
      const numbers = new Uint8Array(8);
      kernelCalls.socketpair(1, 5, 0, numbers);
      const watch = watchReadable(new Int32Array(numbers.buffer)[0], () => {}, '${kind}');`;
    for (const end of ['unref', 'close']) {
      const later = `setTimeout(() => { console.log('still alive'); watch.${end}(); }, 50).unref();`;
      assert.deepEqual(runModule(`${script} ${later}`), { stdout: 'still alive\n', status: 0 });
      // Without an end, it would be ended by a signal.
      assert.deepEqual(runModule(`${script} watch.${end}();`), { stdout: '', status: 0 });
    }
  });

  test(`watchReadable by ${kind} turns an exception of its callback into an uncaught one`, () => {
    const url = new URL('kernel-calls.js', import.meta.url).href;
    const script = `
      import { kernelCalls, watchReadable } from '${url}';
      import { writeSync } from 'node:fs';
      const numbers = new Uint8Array(8);
      kernelCalls.socketpair(1, 5, 0, numbers);
      const [near, far] = new Int32Array(numbers.buffer);
      const watch = watchReadable(near, () => { throw new Error('expected'); }, '${kind}');
      process.on('uncaughtException', ({ message }) => { console.log(message); watch.close(); });
      writeSync(far, 'x');`;
    assert.deepEqual(runModule(script), { stdout: 'expected\n', status: 0 });
  });
}

test('watchReadable by loop gives the error number for a descriptor that cannot be watched', () => {
  const fd = kernelCalls.memfd_create('dmabuf-test', 0);
  assert.equal(
    watchReadable(fd, () => {}, 'loop'),
    -EPERM,
  );
  kernelCalls.close(fd);
});

test('libc.mapRuns maps runs side by side, in their order', () => {
  const pageSize = kernelCalls.getpagesize();
  const fd = kernelCalls.memfd_create('dmabuf-test', 0);
  kernelCalls.ftruncate(fd, 4 * pageSize);
  for (const page of [0, 1, 2, 3]) writeSync(fd, new Uint8Array(pageSize).fill(page + 1), 0, pageSize, page * pageSize);
  const bytes = new Uint8Array(new SharedArrayBuffer(4 * pageSize, { maxByteLength: 4 * pageSize }), 0, 4 * pageSize);
  const offsets = new Float64Array([3, 1, 0]).map((page) => page * pageSize);
  const lengths = new Float64Array([1, 2, 1]).map((pages) => pages * pageSize);
  assert.equal(kernelCalls.mapRuns(fd, addressOf(bytes), offsets, lengths, 3, PROT_READ, MAP_SHARED | MAP_FIXED), 0);
  assert.deepEqual(
    [0, 1, 2, 3].map((page) => bytes[page * pageSize]),
    [4, 2, 3, 1],
  );
  assert.equal(kernelCalls.mapRuns(-1, addressOf(bytes), offsets, lengths, 3, PROT_READ, MAP_SHARED), -9, 'EBADF is 9');
  kernelCalls.close(fd);
});

test('libc.closeAside closes without waiting for a socket that lingers', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.on('connection', (socket) => socket.pause());
  const fd = kernelCalls.socket(AF_INET, SOCK_STREAM, 0);
  const address = new Uint8Array(16);
  address.set([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1]);
  assert.equal(kernelCalls.connect(fd, address, address.length), 0);
  // Closing waits up to 5 s for bytes that the peer does not read (man 7 socket, SO_LINGER).
  const lingering = new Uint8Array(new Int32Array([1, 5]).buffer);
  assert.equal(kernelCalls.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingering, lingering.length), 0);
  assert.equal(kernelCalls.fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  const chunk = new Uint8Array(1 << 20);
  try {
    for (;;) writeSync(fd, chunk);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
  }
  const start = process.hrtime.bigint();
  kernelCalls.closeAside(fd);
  const tookMs = Number(process.hrtime.bigint() - start) / 1e6;
  server.close();
  // Half of the time that closing takes on this thread, so the speed of the machine does not
  // matter.
  assert.ok(tookMs < 2500, `closeAside took ${tookMs} ms`);
});
