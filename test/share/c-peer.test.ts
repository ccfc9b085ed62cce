/** The other end is a program in C, which knows nothing but bench/peer/dmabuf-share.h. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { MiB, openHeap } from '../../src/index.ts';
import type { Heap } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/index.ts';
import { listenForBuffers } from '../../src/share/index.ts';
import {
  MESSAGE_BYTES_MAX,
  SHARE_MAGIC,
  SHARE_VERSION,
  shareDescriptor,
  shareHeader,
} from '../../src/share/message-header.ts';
import { missingCompiler, runC } from '../support/c-compiler.ts';
import { repositoryRoot } from '../support/source-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { assertHeld, heldDescriptors } from './held-descriptors.ts';
import { exitOf, socketPath } from './peer-process.ts';

const HEAP_PATH = '/dev/dma_heap/system';
const HEADERS = join(repositoryRoot, 'bench', 'peer');
const compilerMissing = missingCompiler() ?? false;
/** Where there is no compiler: test/peers/share-peer.c, built elsewhere. */
const PREBUILT = process.env['DMABUF_SHARE_PEER'];
const peerMissing = PREBUILT === undefined ? compilerMissing : false;

function heapMissing(): string | false {
  try {
    accessSync(HEAP_PATH, constants.R_OK | constants.W_OK);
    return peerMissing;
  } catch {
    return `this user cannot open ${HEAP_PATH}`;
  }
}

function buildPeer(t: TestContext): string {
  if (PREBUILT !== undefined) return PREBUILT;
  const program = join(temporaryFolder(t), 'share-peer');
  const source = join(repositoryRoot, 'test', 'peers', 'share-peer.c');
  const built = spawnSync('cc', ['-Wall', '-Wextra', '-Werror', '-O2', '-I', HEADERS, '-o', program, source], {
    encoding: 'utf8',
  });
  assert.equal(built.status, 0, built.stderr);
  return program;
}

async function exchange(t: TestContext, openTheHeap: () => Heap, args: readonly string[]): Promise<string> {
  const held = heldDescriptors();
  const heap = openTheHeap();
  const path = socketPath(t);
  const listener = await listenForBuffers(path);
  const child = spawn(buildPeer(t), [path, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const connection = await listener.accept();
  assert.equal(connection.peer.pid, child.pid);
  const buffer = heap.allocate(MiB, { shareable: true, name: 'to C' });
  buffer.accessSync('write', (bytes) => bytes.fill(77));
  await connection.send({ message: '77', buffers: [buffer] });
  const received = await connection.receive();
  assert.equal(received?.text, 'from C');
  const [back, own] = received.buffers as [typeof buffer, typeof buffer];
  buffer.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 78)));
  back.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 78)));
  assert.deepEqual([back.name, own.name], ['to C', 'made in C']);
  assert.equal(own.length, 3 * heap.pageSize);
  own.accessSync('read', (bytes) => {
    assert.ok(bytes.every((byte, index) => byte === 1 + Math.floor(index / heap.pageSize)));
  });
  const { exporter } = own;
  received.close();
  connection.close();
  listener.close();
  buffer.close();
  heap.close();
  assert.equal(await exitOf(child), 0);
  await assertHeld(held, 'descriptors of the exchange stayed open');
  return exporter;
}

test(
  'a C program receives a buffer, writes into it, and sends a sealed memfd of its own',
  { skip: peerMissing },
  async (t) => {
    assert.equal(await exchange(t, () => openEmbeddedHeap({ capacity: 16 * MiB }), []), 'memfd');
  },
);

test('a C program receives a buffer of a kernel heap, and sends one', { skip: heapMissing() }, async (t) => {
  assert.equal(await exchange(t, () => openHeap('system', { backends: ['kernel'] }), [HEAP_PATH]), 'system');
});

test('bench/peer/dmabuf-share.h has the structs and limits of a message', { skip: compilerMissing }, (t) => {
  const expressions = [
    ['DMABUF_SHARE_MAGIC', SHARE_MAGIC],
    ['DMABUF_SHARE_VERSION', SHARE_VERSION],
    ['DMABUF_SHARE_MESSAGE_BYTES_MAX', MESSAGE_BYTES_MAX],
    ['sizeof(struct dmabuf_share_header)', shareHeader.size],
    ['offsetof(struct dmabuf_share_header, version)', shareHeader.offsets.version],
    ['offsetof(struct dmabuf_share_header, descriptor_count)', shareHeader.offsets.descriptorCount],
    ['offsetof(struct dmabuf_share_header, message_bytes)', shareHeader.offsets.messageBytes],
    ['offsetof(struct dmabuf_share_header, reserved)', shareHeader.offsets.reserved],
    ['sizeof(struct dmabuf_share_descriptor)', shareDescriptor.size],
    ['offsetof(struct dmabuf_share_descriptor, kind)', shareDescriptor.offsets.kind],
    ['offsetof(struct dmabuf_share_descriptor, length)', shareDescriptor.offsets.length],
    ['offsetof(struct dmabuf_share_descriptor, name)', shareDescriptor.offsets.name],
    ['DMABUF_SHARE_DESCRIPTORS_MAX', 253],
    ['DMABUF_SHARE_DMA_BUF', 1],
    ['DMABUF_SHARE_MEMFD', 2],
    ['DMABUF_SHARE_SYNC_FILE', 3],
  ] as const;
  const prints = expressions.map(([expression]) => `printf("%lld\\n", (long long)(${expression}));`).join('\n');
  const source = `#include <stddef.h>\n#include <stdio.h>\n#include "${join(HEADERS, 'dmabuf-share.h')}"\nint main(void) {\n${prints}\nreturn 0; }\n`;
  const printed = runC(temporaryFolder(t), source).trim().split('\n').map(Number);
  assert.deepEqual(
    printed,
    expressions.map(([, value]) => value),
  );
});
