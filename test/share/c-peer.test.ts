/** The other end is a program in C, which knows nothing but bench/peer/dmabuf-share.h. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { MiB, openHeap } from '../../src/index.ts';
import type { DmaBuf, Heap } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { listen } from '../../src/share/index.ts';
import type { BufferConnection } from '../../src/share/index.ts';
import { FRAME_RECORD_BYTES, shareFrame, sharePlane } from '../../src/share/connection/frame-record.ts';
import {
  MESSAGE_BYTES_MAX,
  SHARE_MAGIC,
  SHARE_VERSION,
  shareDescriptor,
  shareHeader,
} from '../../src/share/connection/message-header.ts';
import { missingCompiler, runC } from '../support/processes/c-compiler.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
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

/** A heap, and a C program at the other end of a connection. */
interface Exchange {
  readonly heap: Heap;
  readonly connection: BufferConnection;
}

async function withPeer<Result>(
  t: TestContext,
  { openTheHeap, args }: { openTheHeap: () => Heap; args: readonly string[] },
  body: (exchange: Exchange) => Promise<Result>,
): Promise<Result> {
  const held = await settledDescriptors();
  const heap = openTheHeap();
  const path = socketPath(t);
  const listener = await listen(path);
  const child = spawn(buildPeer(t), [path, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const connection = await listener.accept();
  assert.equal(connection.peer.pid, child.pid);
  const result = await body({ heap, connection });
  connection.close();
  listener.close();
  heap.close();
  assert.equal(await exitOf(child), 0);
  await assertHeld(held, 'descriptors of the exchange stayed open');
  return result;
}

/** Returns who exports the program's own buffer. */
async function exchangeBuffers({ heap, connection }: Exchange): Promise<string> {
  const buffer = heap.allocate(MiB, { shareable: true, name: 'to C' });
  buffer.accessSync('write', (bytes) => bytes.fill(77));
  await connection.send({ message: '77', buffers: [buffer] });
  const received = await connection.receive();
  assert.equal(received?.text, 'from C');
  assert.equal(received.frame, undefined);
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
  buffer.close();
  return exporter;
}

/** The program raises each byte of the picture, and none of those behind a row. */
async function exchangePictures({ heap, connection }: Exchange): Promise<void> {
  const description = describeFrame('NV12', { width: 641, height: 361, stride: 768, planeAlignment: 4096 });
  const buffer = heap.allocate(MiB, { shareable: true });
  buffer.accessSync('write', (bytes) => bytes.fill(77));
  await connection.send({ message: '77', frame: new FrameLayout(description, [buffer]) });
  const received = await connection.receive();
  // 641 x 361, and 321 pairs of colours by 181.
  assert.equal(countOf(buffer, 78), 641 * 361 + 642 * 181);
  assert.equal(countOf(buffer, 77), MiB - (641 * 361 + 642 * 181));
  assert.equal(received?.text, 'from C');
  const { frame } = received;
  assert.deepEqual([frame?.width, frame?.height, frame?.description.format?.name], [641, 180, 'R8']);
  assert.deepEqual(frame?.planes, [{ buffer: received.buffers[0], offset: 0, stride: 768, length: 768 * 180 }]);
  frame?.accessSync('read', ([luma]) => assert.ok(luma?.copyOut().every((byte) => byte === 78)));
  received.close();
  buffer.close();
}

function countOf(buffer: DmaBuf, wanted: number): number {
  return buffer.accessSync('read', (bytes) => bytes.reduce((count, byte) => count + Number(byte === wanted), 0));
}

const embedded = { openTheHeap: () => openEmbeddedHeap({ capacity: 16 * MiB }), args: [] };
const kernel = { openTheHeap: () => openHeap('system', { backends: ['kernel'] }), args: [HEAP_PATH] };

test(
  'a C program receives a buffer, writes into it, and sends a sealed memfd of its own',
  { skip: peerMissing },
  async (t) => {
    assert.equal(await withPeer(t, embedded, exchangeBuffers), 'memfd');
  },
);

test('a C program receives a buffer of a kernel heap, and sends one', { skip: heapMissing() }, async (t) => {
  assert.equal(await withPeer(t, kernel, exchangeBuffers), 'system');
});

test('a C program reads where a picture lies, and sends a picture', { skip: peerMissing }, async (t) => {
  await withPeer(t, embedded, exchangePictures);
});

test('a C program reads where a picture lies in a kernel heap', { skip: heapMissing() }, async (t) => {
  await withPeer(t, kernel, exchangePictures);
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
    ['offsetof(struct dmabuf_share_header, frame_count)', shareHeader.offsets.frameCount],
    ['sizeof(struct dmabuf_share_descriptor)', shareDescriptor.size],
    ['offsetof(struct dmabuf_share_descriptor, kind)', shareDescriptor.offsets.kind],
    ['offsetof(struct dmabuf_share_descriptor, length)', shareDescriptor.offsets.length],
    ['offsetof(struct dmabuf_share_descriptor, name)', shareDescriptor.offsets.name],
    ['sizeof(struct dmabuf_share_frame)', FRAME_RECORD_BYTES],
    ['offsetof(struct dmabuf_share_frame, width)', shareFrame.offsets.width],
    ['offsetof(struct dmabuf_share_frame, height)', shareFrame.offsets.height],
    ['offsetof(struct dmabuf_share_frame, fourcc)', shareFrame.offsets.fourcc],
    ['offsetof(struct dmabuf_share_frame, plane_count)', shareFrame.offsets.planeCount],
    ['offsetof(struct dmabuf_share_frame, modifier)', shareFrame.offsets.modifier],
    ['offsetof(struct dmabuf_share_frame, planes)', shareFrame.size],
    ['sizeof(struct dmabuf_share_plane)', sharePlane.size],
    ['offsetof(struct dmabuf_share_plane, descriptor)', sharePlane.offsets.descriptor],
    ['offsetof(struct dmabuf_share_plane, stride)', sharePlane.offsets.stride],
    ['offsetof(struct dmabuf_share_plane, offset)', sharePlane.offsets.offset],
    ['offsetof(struct dmabuf_share_plane, length)', sharePlane.offsets.length],
    ['DMABUF_SHARE_PLANES_MAX', 4],
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
