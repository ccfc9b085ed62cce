/** What a child process inherits. */

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { KiB, MiB, isDmaBufError } from '../../src/index.ts';
import type { DmaBufErrorCode } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import {
  buffersForChild,
  connectionForChild,
  takeInheritedBuffers,
  takeInheritedConnection,
} from '../../src/share/index.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { exitOf, spawnScript } from './peer-process.ts';

const heap = openEmbeddedHeap({ capacity: 8 * MiB });
const CHILD = 'inheriting-child.js';
const FOUND = {
  found: [
    { name: 'camera0', length: 8192, first: 5 },
    { name: '', length: 4096, first: 5 },
  ],
  again: ['ENOENT', 'ENOENT'],
  variables: [],
  memfdCount: 0,
};

function allocateTwo() {
  const buffers = [
    heap.allocate(8 * KiB, { shareable: true, name: 'camera0' }),
    heap.allocate(4 * KiB, { shareable: true }),
  ];
  for (const buffer of buffers) buffer.accessSync('write', (bytes) => bytes.fill(5));
  return buffers;
}

test('a child that is spawned takes buffers and a connection, once, and keeps nothing else of them', async (t) => {
  const held = await settledDescriptors();
  const buffers = allocateTwo();
  const withBuffers = buffersForChild(buffers, { stdio: ['ignore', 'inherit', 'inherit'] });
  const withBoth = connectionForChild({ stdio: withBuffers.stdio });
  assert.equal(withBoth.stdio.length, 6);
  const env = { ...process.env, ...withBuffers.env, ...withBoth.env };
  const child = spawnScript(t, CHILD, [], { stdio: withBoth.stdio, env });
  withBuffers.close();
  withBoth.close();
  const report = await withBoth.connection.receive();
  assert.deepEqual(JSON.parse(report?.text ?? ''), FOUND);
  for (const buffer of buffers) buffer.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 6)));
  withBoth.connection.close();
  assert.equal(await exitOf(child), 0);
  for (const buffer of buffers) buffer.close();
  await assertHeld(held, 'descriptors of what was inherited stayed open');
});

test('a child that is forked takes buffers and a connection beside its channel', async () => {
  const buffers = allocateTwo();
  const withBuffers = buffersForChild(buffers, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const withBoth = connectionForChild({ stdio: withBuffers.stdio });
  const env = { ...process.env, ...withBuffers.env, ...withBoth.env };
  const child = fork(fileURLToPath(new URL(CHILD, import.meta.url)), { stdio: withBoth.stdio as 'inherit'[], env });
  withBuffers.close();
  withBoth.close();
  const report = await withBoth.connection.receive();
  assert.deepEqual(JSON.parse(report?.text ?? ''), FOUND);
  withBoth.connection.close();
  assert.equal(await exitOf(child), 0);
  for (const buffer of buffers) buffer.close();
});

test('a child that dies is noticed on its connection', async (t) => {
  const inherited = connectionForChild({ stdio: ['ignore', 'ignore', 'ignore'] });
  // It fails because the variable that names the buffers is missing.
  const child = spawnScript(t, CHILD, [], { stdio: inherited.stdio, env: { ...process.env, ...inherited.env } });
  inherited.close();
  assert.equal(await inherited.connection.receive(), undefined);
  inherited.connection.close();
  assert.equal(await exitOf(child), 1);
});

function assertRefused(take: (env: Record<string, string>) => unknown, value: string, code: DmaBufErrorCode): void {
  const env = { DMABUF_INHERITED_BUFFERS: value, DMABUF_INHERITED_CONNECTION: value };
  assert.throws(
    () => take(env),
    (error) => isDmaBufError(error, code),
    value,
  );
  assert.equal(env.DMABUF_INHERITED_BUFFERS, value);
}

test('takeInheritedBuffers refuses descriptors that differ from the announcement, and closes nothing', async (t) => {
  const server = createServer().listen(0);
  t.after(() => server.close());
  const file = openSync('/dev/null', 'r+');
  const buffer = heap.allocate(8 * KiB, { shareable: true });
  const owned = buffer.exportFd();
  const memfd = owned.borrow();
  const kind = buffer.exporter === 'memfd' ? 'memfd' : 'dma-buf';
  const other = kind === 'memfd' ? 'dma-buf' : 'memfd';
  const held = await settledDescriptors();
  const announce = (fd: unknown, changes: object = {}): string =>
    JSON.stringify([{ fd, kind, length: 8192, name: '', ...changes }]);
  const good = JSON.parse(announce(memfd)) as unknown[];
  for (const [value, code] of [
    [announce(file), 'EINVAL'],
    [announce(0x7fff_0000), 'EBADF'],
    [announce(memfd, { length: 4096 }), 'EPROTO'],
    [announce(memfd, { kind: other }), 'EPROTO'],
    [announce(memfd, { kind: 'sync-file' }), 'EPROTO'],
    [announce(memfd, { length: '8192' }), 'EPROTO'],
    [announce(memfd, { name: null }), 'EPROTO'],
    [announce(memfd, { name: 'n'.repeat(32) }), 'EPROTO'],
    [announce(memfd, { name: 'a\0b' }), 'EPROTO'],
    [announce(2), 'EPROTO'],
    [announce(-1), 'EPROTO'],
    [announce('3'), 'EPROTO'],
    [JSON.stringify([...good, ...good]), 'EPROTO'],
    [JSON.stringify([...good, ...(JSON.parse(announce(file)) as unknown[])]), 'EINVAL'],
    ['', 'EPROTO'],
    ['{}', 'EPROTO'],
    ['[null]', 'EPROTO'],
    ['[', 'EPROTO'],
  ] as const) {
    assertRefused((env) => takeInheritedBuffers({ env }), value, code);
  }
  await assertHeld(held, 'descriptors were closed, or stayed open');
  const [taken] = takeInheritedBuffers({ env: { DMABUF_INHERITED_BUFFERS: announce(memfd) } });
  assert.equal(taken?.length, 8192);
  taken?.close();
  assert.throws(() => closeSync(memfd), { code: 'EBADF' });
  owned.take();
  buffer.close();
  closeSync(file);
});

test('takeInheritedConnection refuses a descriptor that is not a connection, and closes nothing', async () => {
  const file = openSync('/dev/null', 'r+');
  const held = await settledDescriptors();
  for (const [value, code] of [
    [String(file), 'EINVAL'],
    ['999999', 'EBADF'],
    ['0', 'EPROTO'],
    ['', 'EPROTO'],
    ['3x', 'EPROTO'],
    [' 3', 'EPROTO'],
    ['-3', 'EPROTO'],
  ] as const) {
    assertRefused((env) => takeInheritedConnection({ env }), value, code);
  }
  assert.throws(
    () => takeInheritedConnection({ env: {} }),
    (error) => isDmaBufError(error, 'ENOENT') && /DMABUF_INHERITED_CONNECTION is not set/u.test(error.message),
  );
  await assertHeld(held, 'descriptors were closed, or stayed open');
  closeSync(file);
});

test('buffersForChild and connectionForChild refuse objects that cannot be inherited', async () => {
  const held = await settledDescriptors();
  const arena = heap.allocate(4 * KiB);
  const shareable = heap.allocate(4 * KiB, { shareable: true });
  assert.throws(
    () => buffersForChild([shareable, arena]),
    (error) => isDmaBufError(error, 'EOPNOTSUPP'),
  );
  assert.throws(() => buffersForChild([shareable, {} as typeof shareable]), { name: 'TypeError' });
  for (const [stdio, name] of [
    ['inherit', 'TypeError'],
    [['inherit', 'inherit'], 'RangeError'],
  ]) {
    const options = { stdio } as Parameters<typeof connectionForChild>[0];
    assert.throws(() => buffersForChild([shareable], options), { name, message: /'stdio' must /u });
    assert.throws(() => connectionForChild(options), { name, message: /'stdio' must /u });
  }
  arena.close();
  shareable.close();
  await assertHeld(held, 'descriptors of what was refused stayed open');
});
