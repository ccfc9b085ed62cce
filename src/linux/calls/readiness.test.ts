import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { assertSettles } from '../../../test/support/runner/settled.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { toByteLength } from '../../base/quantities.ts';
import { rawCallsFailing } from '../../../test/support/fakes/raw-calls.ts';
import { CHILD_TIMEOUT_MS } from '../../../test/support/processes/run-script.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { EpollCalls, hasFailed } from './epoll-calls.ts';
import type { BorrowedFd } from './fd.ts';
import { Readiness, readiness } from './readiness.ts';
import { MemoryCalls } from './memory-calls.ts';

/** A socket that is never read, and its other end. */
async function socketPair(t: TestContext): Promise<{ fd: BorrowedFd; other: Socket }> {
  const path = `${temporaryFolder(t)}/socket`;
  const server = createServer({ pauseOnConnect: true });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const other = createConnection(path);
  const own = await accepted;
  t.after(() => {
    own.destroy();
    other.destroy();
    server.close();
  });
  const { fd } = (own as unknown as Record<'_handle', { fd: number }>)['_handle'];
  return { fd: fd as BorrowedFd, other };
}

function openFdCount(): number {
  return readdirSync('/proc/self/fd').length;
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(
    () => (done = true),
    () => (done = true),
  );
  for (let count = 0; count < 20; count += 1) await turn();
  return done;
}

/** Resolves when the closes in another thread are done. */
async function assertFdCount(expected: number, message: string): Promise<void> {
  await assertSettles(openFdCount, expected, message);
}

test('readiness.wait() resolves once there is something to read, for every waiter', async (t) => {
  const { fd, other } = await socketPair(t);
  const waits = [readiness.wait(fd, 'read'), readiness.wait(fd, 'read')];
  assert.equal(await settled(Promise.race(waits)), false);
  other.write('x');
  await Promise.all(waits);
});

test('readiness.wait() resolves at once for a writable socket', async (t) => {
  const { fd } = await socketPair(t);
  await readiness.wait(fd, 'write');
});

test('readiness.wait() resolves when the other end is gone', async (t) => {
  const { fd, other } = await socketPair(t);
  const wait = readiness.wait(fd, 'read');
  other.destroy();
  await wait;
});

test('readiness.wait() continues while the descriptor is closed and its number reused', async (t) => {
  const { fd, other } = await socketPair(t);
  const calls = new MemoryCalls();
  const duplicate = calls.duplicate(fd);
  const wait = readiness.wait(duplicate.borrow(), 'read');
  duplicate.close();
  const memfd = calls.createSealedMemfd('dmabuf-test', toByteLength(calls.pageSize()));
  other.write('x');
  await wait;
  memfd.close();
});

test('readiness.wait() rejects with the abort reason, and leaves no descriptor', async (t) => {
  const { fd } = await socketPair(t);
  await turn();
  const before = openFdCount();
  const controller = new AbortController();
  const wait = readiness.wait(fd, 'read', { signal: controller.signal });
  assert.ok(openFdCount() > before);
  controller.abort(new Error('enough'));
  await assert.rejects(wait, /enough/u);
  await assert.rejects(readiness.wait(fd, 'read', { signal: AbortSignal.abort(new Error('before')) }), /before/u);
  await assertFdCount(before, 'given up');
});

test('readiness.wait() refuses a descriptor that cannot be waited for, and leaves nothing', async () => {
  const calls = new MemoryCalls();
  const memfd = calls.createSealedMemfd('dmabuf-test', toByteLength(calls.pageSize()));
  const before = openFdCount();
  await assert.rejects(readiness.wait(memfd.borrow(), 'read'), (error) => isDmaBufError(error, 'EPERM'));
  await assert.rejects(readiness.wait(1_000_000 as BorrowedFd, 'read'), (error) => isDmaBufError(error, 'EBADF'));
  await settled(Promise.resolve());
  assert.equal(openFdCount(), before);
  memfd.close();
});

test('readiness.wait() leaves nothing when any of its calls is refused', async (t) => {
  const { fd } = await socketPair(t);
  const before = openFdCount();
  for (const [name, nth] of [
    ['epoll_create1', 1],
    ['fcntl', 1],
    ['epoll_ctl', 1],
    // The removal from epoll.
    ['epoll_ctl', 2],
    ['epoll_wait', 1],
  ] as const) {
    const failing = new Readiness(new EpollCalls(rawCallsFailing(name, { nth, errno: 12 })));
    await assert.rejects(failing.wait(fd, 'write'), (error) => isDmaBufError(error, 'ENOMEM'));
    await assertFdCount(before, name);
  }
});

test('readiness.wait() wakes every waiter when there are more than one call reports', async (t) => {
  const { fd, other } = await socketPair(t);
  const waits = Array.from({ length: 150 }, () => readiness.wait(fd, 'read'));
  other.write('x');
  await Promise.all(waits);
});

test('readiness.wait() leaves nothing of a worker thread, however that ends', async (t) => {
  const { fd } = await socketPair(t);
  const before = openFdCount();
  for (const end of [
    'return readiness.wait(fd, "read", { signal: AbortSignal.timeout(1) }).catch(() => {})',
    'readiness.wait(fd, "read"); setImmediate(() => process.exit())',
    'readiness.wait(fd, "read"); setImmediate(() => { throw new Error("expected") })',
  ]) {
    const url = new URL('readiness.js', import.meta.url).href;
    const code = `import('${url}').then(({ readiness }) => { const fd = ${fd}; ${end}; });`;
    const worker = new Worker(code, { eval: true });
    worker.on('error', ({ message }) => assert.equal(message, 'expected'));
    await new Promise((resolve) => worker.once('exit', resolve));
    await assertFdCount(before, end);
  }
});

test('readiness.watch() tells at every turn until it is closed, and leaves nothing', async (t) => {
  const { fd, other } = await socketPair(t);
  const before = openFdCount();
  const told: boolean[] = [];
  const watch = readiness.watch(fd, 'read', {
    ready: (events) => told.push(hasFailed(events)),
    failed: (error) => assert.fail(String(error)),
  });
  await turn();
  assert.deepEqual(told, []);
  other.write('x');
  while (told.length < 3) await turn();
  watch.close();
  watch.close();
  const toldBefore = told.splice(0);
  assert.ok(toldBefore.every((failed) => !failed));
  for (let count = 0; count < 10; count += 1) await turn();
  assert.deepEqual(told, []);
  await assertFdCount(before, 'closed');
});

test('readiness.watch() tells of an end that is gone, and of its own failure', async (t) => {
  const { fd, other } = await socketPair(t);
  const told = new Promise<number>((resolve) => {
    const watch = readiness.watch(fd, 'read', {
      ready: (events) => {
        watch.close();
        resolve(events);
      },
      failed: () => {},
    });
  });
  other.destroy();
  assert.ok((await told) > 0);
  const failing = new Readiness(new EpollCalls(rawCallsFailing('epoll_wait', { nth: 1, errno: 12 })));
  const failure = new Promise<unknown>((resolve) => {
    const watch = failing.watch(fd, 'read', {
      ready: () => {},
      failed: (error) => {
        watch.close();
        resolve(error);
      },
    });
  });
  assert.ok(isDmaBufError(await failure, 'ENOMEM'));
});

test('readiness.wait() keeps the program alive, and having waited does not', () => {
  const script = `
    import { createServer, createConnection } from 'node:net';
    import { readiness } from '${new URL('readiness.js', import.meta.url).href}';
    const server = createServer({ pauseOnConnect: true }, async (socket) => {
      const wait = readiness.wait(socket._handle.fd, 'read').then(() => { console.log('readable'); socket.destroy(); });
      socket.unref(); server.unref();
      await wait;
    }).listen('\\0dmabuf-test-' + process.pid, () => {
      const client = createConnection('\\0dmabuf-test-' + process.pid, () => setTimeout(() => client.write('x'), 50)).unref();
      client.on('error', () => {});
    });`;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    timeout: CHILD_TIMEOUT_MS,
    encoding: 'utf8',
  });
  assert.deepEqual([result.stdout, result.stderr, result.status], ['readable\n', '', 0]);
});
