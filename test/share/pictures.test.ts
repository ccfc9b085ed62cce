/** Pictures sent to another process: what it learns of them, and the contents of their buffers. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MiB } from '../../src/index.ts';
import type { DmaBuf } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { DRM_FORMAT_MOD_INVALID, FrameDescription, FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { connectionFromFd } from '../../src/share/index.ts';
import type { BufferConnection, OutgoingMessage, ReceivedMessage } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { connectScript, exitOf } from './peer-process.ts';

const heap = openEmbeddedHeap({ capacity: 16 * MiB });

function allocate(length: number, name = ''): DmaBuf {
  const buffer = heap.allocate(length, { shareable: true, name });
  buffer.accessSync('write', (bytes) => bytes.fill(7));
  return buffer;
}

async function receiveOne(connection: BufferConnection): Promise<ReceivedMessage> {
  const received = await connection.receive();
  assert.ok(received !== undefined, 'the connection has ended');
  return received;
}

function connectedPair(): [BufferConnection, BufferConnection] {
  const [first, second] = new ShareContext().sockets.createPair();
  return [connectionFromFd(first), connectionFromFd(second)];
}

/** Sends within this process, and gives what came. */
async function pass(content: OutgoingMessage): Promise<ReceivedMessage> {
  const [near, far] = connectedPair();
  await near.send(content);
  const received = await receiveOne(far);
  near.close();
  far.close();
  return received;
}

function countOf(buffer: DmaBuf, wanted: number): number {
  return buffer.accessSync('read', (bytes) => bytes.reduce((count, byte) => count + Number(byte === wanted), 0));
}

test('send({ frame }) tells another process where a picture lies, in one buffer', async (t) => {
  const held = await settledDescriptors();
  const { connection, child } = await connectScript(t, 'picture-peer.js');
  const buffer = allocate(65_536, 'camera0');
  const description = describeFrame('NV12', { width: 99, height: 51, stride: 128 });
  await connection.send({ frame: new FrameLayout(description, [buffer]) });
  const answer = await receiveOne(connection);
  assert.deepEqual(JSON.parse(answer.text), {
    bufferCount: 1,
    size: [99, 51],
    format: 'NV12',
    modifier: '0',
    buffers: ['camera0', 'camera0'],
    places: [
      [0, 128, 6528],
      [6528, 128, 3328],
    ],
  });
  // 51 rows of 99 bytes, and 26 of 50 pairs.
  assert.deepEqual([countOf(buffer, 8), countOf(buffer, 7)], [7649, 65_536 - 7649]);
  assert.deepEqual(answer.frame?.description.planes, description.planes);
  assert.equal(answer.frame?.buffers[0], answer.buffers[0]);
  answer.close();
  connection.close();
  buffer.close();
  assert.equal(await exitOf(child), 0);
  await assertHeld(held, 'descriptors of the exchange stayed open');
});

test('send({ frame }) tells another process where a picture lies, in a buffer for each plane', async (t) => {
  const { connection, child } = await connectScript(t, 'picture-peer.js');
  const description = describeFrame('YUV420', { width: 64, height: 48, separate: true });
  const planes = description.bufferLengths.map((length, index) => allocate(length, `plane${index}`));
  const other = allocate(4096, 'other');
  // One of them is among the buffers already: it is sent once.
  const buffers = [other, planes[1] as DmaBuf];
  await connection.send({ buffers, frame: new FrameLayout(description, planes) });
  const answer = await receiveOne(connection);
  assert.deepEqual(JSON.parse(answer.text), {
    bufferCount: 4,
    size: [64, 48],
    format: 'YUV420',
    modifier: '0',
    buffers: ['plane0', 'plane1', 'plane2'],
    places: [
      [0, 64, 3072],
      [0, 32, 768],
      [0, 32, 768],
    ],
  });
  assert.deepEqual(
    planes.map((plane) => countOf(plane, 8)),
    [3072, 768, 768],
  );
  assert.equal(countOf(other, 7), 4096);
  answer.close();
  connection.close();
  for (const buffer of [other, ...planes]) buffer.close();
  assert.equal(await exitOf(child), 0);
});

test('send() without a frame arrives without one', async () => {
  const buffer = allocate(4096);
  const received = await pass({ buffers: [buffer] });
  assert.equal(received.frame, undefined);
  received.close();
  buffer.close();
});

test('send({ frame }) keeps every bit of a modifier, and a format that is not known here', async () => {
  const buffer = allocate(4096);
  for (const [fourcc, modifier] of [
    [0x3432_5258, 0x0100_0000_0000_0002n],
    [0x3432_5258, 0xffff_ffff_ffff_ffffn],
    [0x3432_5258, DRM_FORMAT_MOD_INVALID],
    [0x5a5a_5a5a, 0n],
  ] as const) {
    const description = new FrameDescription({
      width: 8,
      height: 8,
      fourcc: fourcc as FrameDescription['fourcc'],
      modifier,
      planes: [{ bufferIndex: 0, offset: 1, stride: 3, length: 4095 }],
    });
    const received = await pass({ frame: new FrameLayout(description, [buffer]) });
    assert.deepEqual([received.frame?.fourcc, received.frame?.modifier], [fourcc, modifier]);
    assert.deepEqual(received.frame?.description.planes, description.planes);
    received.close();
  }
  buffer.close();
});

test('send({ frame }) is passed on as it came, with only the buffers of the picture', async () => {
  const description = describeFrame('R8', { width: 8, height: 8 });
  const buffers = [allocate(4096, 'first'), allocate(4096, 'second')];
  const first = await pass({ buffers, frame: new FrameLayout(description, buffers.slice(1)) });
  assert.deepEqual([first.buffers.length, first.frame?.buffers[0]?.name], [2, 'second']);
  const second = await pass({ frame: first.frame });
  assert.deepEqual([second.buffers.length, second.frame?.buffers[0]?.name], [1, 'second']);
  for (const each of [first, second, ...buffers]) each.close();
});

test('send() refuses an invalid layout, and a layout whose buffers are too many or closed', async () => {
  const [near, far] = connectedPair();
  const description = describeFrame('R8', { width: 8, height: 8 });
  const buffer = allocate(4096);
  const layout = new FrameLayout(description, [buffer]);
  for (const frame of [description, { ...layout.planes[0] }, 'NV12', null]) {
    await assert.rejects(near.send({ frame } as unknown as OutgoingMessage), { name: 'TypeError' });
  }
  const others = Array.from({ length: 253 }, () => allocate(4096));
  await assert.rejects(near.send({ buffers: others, frame: layout }), /at most 253 buffers/u);
  buffer.close();
  await assert.rejects(near.send({ frame: layout }), { code: 'ERR_DMABUF_CLOSED' });
  await near.send({ message: 'none of it was sent' });
  const received = await receiveOne(far);
  assert.equal(received.text, 'none of it was sent');
  for (const each of [near, far, ...others]) each.close();
});
