import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { isDmaBufError } from '../base/errors.ts';
import type { DmaBufErrorCode } from '../base/errors.ts';
import { KiB, MiB } from '../base/sizes.ts';
import { describeFrame } from './describe-frame.ts';
import { FrameDescription } from './frame-description.ts';
import { FrameLayout } from './frame-layout.ts';

function withHeap(body: (heap: EmbeddedHeap) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const heap = openEmbeddedHeap({ capacity: 16 * MiB });
    await body(heap);
    assert.equal(heap.stats().usedBytes, 0);
    assert.equal(heap.stats().mappingCount, 0);
    heap.close();
  };
}

const hasCode =
  (code: DmaBufErrorCode) =>
  (error: unknown): boolean =>
    isDmaBufError(error, code);

/** 6x4 pixels: luma of 4 rows at 16 bytes, chroma of 2 rows at 16. */
const PADDED = describeFrame('NV12', { width: 6, height: 4, stride: 16 });

test(
  'FrameLayout gives the picture, and where its planes lie in the buffer',
  withHeap((heap) => {
    const buffer = heap.allocate(4 * KiB);
    const layout = new FrameLayout(PADDED, [buffer]);
    assert.deepEqual([layout.width, layout.height, layout.fourcc, layout.modifier], [6, 4, 0x3231_564e, 0n]);
    assert.deepEqual(layout.planes, [
      { buffer, offset: 0, stride: 16, length: 64 },
      { buffer, offset: 64, stride: 16, length: 32 },
    ]);
    assert.equal(layout.planes[1]?.buffer, buffer);
    assert.equal(layout.description, PADDED);
    assert.equal(inspect(layout), 'FrameLayout { NV12 6x4, strides 16 at 0, 16 at 64, 1 buffers }');
    assert.throws(() => Object.assign(layout, { buffers: [] }), TypeError);
    buffer.close();
  }),
);

test(
  'plane() gives rows without the bytes after them, in the buffer itself',
  withHeap((heap) => {
    const buffer = heap.allocate(4 * KiB);
    const view = buffer.vmap();
    view.bytes.forEach((_, index, bytes) => (bytes[index] = index));
    const layout = new FrameLayout(PADDED, [buffer]);
    const chroma = layout.plane(1);
    assert.deepEqual([chroma.stride, chroma.length, chroma.rowCount, chroma.rowBytes], [16, 32, 2, 6]);
    assert.deepEqual([...chroma.row(1)], [80, 81, 82, 83, 84, 85]);
    assert.deepEqual(
      [...chroma.rows()].map((row) => Array.from(row)),
      [
        [64, 65, 66, 67, 68, 69],
        [80, 81, 82, 83, 84, 85],
      ],
    );
    assert.equal(chroma.bytes.length, 32);
    assert.deepEqual(chroma.copyOut(), Uint8Array.of(64, 65, 66, 67, 68, 69, 80, 81, 82, 83, 84, 85));
    chroma.row(0)[5] = 0xff;
    assert.equal(view.bytes[69], 0xff);
    assert.throws(() => chroma.row(2), RangeError);
    assert.throws(() => chroma.row('0' as unknown as number), TypeError);
    assert.throws(() => layout.plane(2), RangeError);
    chroma.close();
    chroma.close();
    for (const use of [() => chroma.bytes, () => chroma.row(0), () => chroma.copyOut(), () => [...chroma.rows()]])
      assert.throws(use, hasCode('ERR_DMABUF_CLOSED'));
    view.close();
    buffer.close();
  }),
);

test(
  'copyIn() writes rows, and keeps the bytes after each of them',
  withHeap((heap) => {
    const buffer = heap.allocate(4 * KiB);
    const layout = new FrameLayout(PADDED, [buffer]);
    const luma = layout.plane(0);
    luma.bytes.fill(7);
    luma.copyIn(Uint8Array.from({ length: 24 }, (_, index) => 100 + index));
    assert.deepEqual([...luma.bytes.subarray(16, 32)], [106, 107, 108, 109, 110, 111, ...Array<number>(10).fill(7)]);
    assert.deepEqual(
      [...luma.copyOut()],
      Array.from({ length: 24 }, (_, index) => 100 + index),
    );
    assert.throws(() => luma.copyIn(new Uint8Array(23)), /'picture\.length' must be 24, received 23/u);
    assert.throws(() => luma.copyIn([1] as unknown as Uint8Array), TypeError);
    luma.close();
    buffer.close();
  }),
);

test(
  'plane() of rows that lie close together copies the same bytes',
  withHeap((heap) => {
    const buffer = heap.allocate(4 * KiB);
    const luma = new FrameLayout(describeFrame('NV12', { width: 6, height: 4 }), [buffer]).plane(0);
    luma.copyIn(Uint8Array.from({ length: 24 }, (_, index) => index));
    assert.deepEqual([...luma.copyOut()], [...luma.bytes]);
    luma.close();
    buffer.close();
  }),
);

test(
  'plane() of a plane whose last row ends the buffer does not reach past it',
  withHeap((heap) => {
    const buffer = heap.allocate(4 * KiB);
    // 4 rows with a stride of 1,365 bytes, and a last row of 1 byte: all 4,096.
    const plane = { bufferIndex: 0, offset: 0, stride: 1365, length: 4096 };
    const { fourcc, modifier } = describeFrame('R8', { width: 1, height: 4 });
    const layout = new FrameLayout(new FrameDescription({ width: 1, height: 4, fourcc, modifier, planes: [plane] }), [
      buffer,
    ]);
    const view = layout.plane(0);
    view.copyIn(Uint8Array.of(1, 2, 3, 4));
    assert.deepEqual([view.bytes[4095], [...view.copyOut()]], [4, [1, 2, 3, 4]]);
    view.close();
    buffer.close();
  }),
);

test(
  'plane() of a compressed picture has bytes and no rows',
  withHeap((heap) => {
    const buffer = heap.allocate(4 * KiB);
    const plane = new FrameLayout(describeFrame('MJPEG', { width: 6, height: 4, length: 100 }), [buffer]).plane(0);
    plane.bytes.fill(9);
    assert.deepEqual([plane.copyOut().length, plane.copyOut()[99]], [100, 9]);
    for (const use of [() => plane.rowCount, () => plane.rowBytes, () => plane.row(0), () => [...plane.rows()]])
      assert.throws(use, hasCode('EOPNOTSUPP'));
    assert.throws(() => plane.copyIn(new Uint8Array(100)), hasCode('EOPNOTSUPP'));
    plane.close();
    buffer.close();
  }),
);

test(
  'access() brackets every buffer of the picture, and its planes end with it',
  withHeap(async (heap) => {
    const description = describeFrame('NV12', { width: 64, height: 64, separate: true });
    const buffers = description.bufferLengths.map((length) => heap.allocate(length));
    const layout = new FrameLayout(description, buffers);
    const calls: string[] = [];
    const attachments = buffers.map((buffer, index) =>
      buffer.attach({
        name: `device${index}`,
        beginCpuAccess: (mode) => void calls.push(`begin ${index} ${mode}`),
        endCpuAccess: (mode) => void calls.push(`end ${index} ${mode}`),
      }),
    );
    for (const attachment of attachments) await attachment.map();
    const planes = await layout.access('write', async (planes) => {
      for (const [index, plane] of planes.entries()) plane.bytes.fill(index + 1);
      return await Promise.resolve(planes);
    });
    assert.deepEqual(calls.splice(0), ['begin 0 write', 'begin 1 write', 'end 1 write', 'end 0 write']);
    for (const plane of planes) assert.throws(() => plane.bytes, hasCode('ERR_DMABUF_CLOSED'));
    const read = layout.accessSync('read', ([luma, chroma]) => [luma?.row(63)[63], chroma?.row(31)[63]]);
    assert.deepEqual(read, [1, 2]);
    assert.deepEqual(calls.splice(0), ['begin 0 read', 'begin 1 read', 'end 1 read', 'end 0 read']);
    const failure = new Error('of the body');
    const fail = (): never => {
      throw failure;
    };
    assert.throws(
      () => layout.accessSync('read', fail),
      (error) => error === failure,
    );
    await assert.rejects(layout.access('read', fail), (error) => error === failure);
    assert.equal(calls.length, 8, 'each begin has its end');
    assert.throws(() => layout.accessSync('read', async () => await Promise.resolve()), TypeError);
    for (const attachment of attachments) attachment.detach();
    for (const buffer of buffers) buffer.close();
  }),
);

test(
  'FrameLayout refuses buffers that do not hold the picture',
  withHeap((heap) => {
    const buffer = heap.allocate(4 * KiB);
    const large = describeFrame('NV12', { width: 64, height: 64 });
    const separate = describeFrame('NV12', { width: 6, height: 4, separate: true });
    assert.throws(
      () => new FrameLayout(large, [buffer]),
      /'buffers\[0\]\.length' must be at least 6144 bytes, received 4096/u,
    );
    assert.throws(
      () => new FrameLayout(separate, [buffer]),
      /'buffers' must be the 2 that its planes lie in, received 1/u,
    );
    assert.throws(() => new FrameLayout(PADDED, [buffer, buffer]), RangeError);
    assert.throws(() => new FrameLayout(PADDED, buffer as never), TypeError);
    assert.throws(() => new FrameLayout(PADDED, [{ length: 4096 }] as never), TypeError);
    assert.throws(
      () => new FrameLayout({ width: 6, height: 4 } as never, [buffer]),
      /'description' must be what describeFrame\(\) gives/u,
    );
    assert.equal(new FrameLayout(separate, [buffer, buffer]).planes.length, 2, 'both in one buffer, by the caller');
    buffer.close();
  }),
);
