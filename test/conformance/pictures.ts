import assert from 'node:assert/strict';

import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { heapTest } from './suite.ts';
import type { HeapUnderTest } from './suite.ts';

/** NV12 of 101x51: 51 rows of 101 bytes, and 26 of 51 pairs. */
const PICTURE_BYTES = 51 * 101 + 26 * 102;

export function testPictures(subject: HeapUnderTest): void {
  heapTest(subject, 'FrameLayout writes and reads a picture by its rows, and nothing behind them', (heap) => {
    const description = describeFrame('NV12', { width: 101, height: 51, stride: 128, planeAlignment: 4096 });
    const [length = 0] = description.bufferLengths;
    const buffer = heap.allocate(length);
    const layout = new FrameLayout(description, [buffer]);
    layout.accessSync('write', (planes) => {
      for (const plane of planes) for (const row of plane.rows()) row.fill(0xa5);
    });
    buffer.accessSync('read', (bytes) => {
      const isWritten = (count: number, byte: number): number => count + Number(byte === 0xa5);
      assert.equal(bytes.reduce(isWritten, 0), PICTURE_BYTES);
      // The first row, and the bytes after it up to the next.
      assert.equal(bytes.subarray(0, 128).reduce(isWritten, 0), 101);
      // The chroma plane begins at a page: 51 rows of luma end at 6,528.
      assert.deepEqual([bytes[6527], bytes[8191], bytes[8192]], [0, 0, 0xa5]);
    });
    const luma = layout.plane(0);
    assert.deepEqual([luma.copyOut().length, luma.row(50)[100]], [51 * 101, 0xa5]);
    luma.close();
    buffer.close();
  });

  heapTest(subject, 'FrameLayout lies over a buffer for each plane', async (heap) => {
    const description = describeFrame('YUV420', { width: 320, height: 240, separate: true });
    const buffers = description.bufferLengths.map((length) => heap.allocate(length));
    const layout = new FrameLayout(description, buffers);
    await layout.access('write', (planes) => {
      for (const [index, plane] of planes.entries()) plane.copyIn(new Uint8Array(plane.length).fill(index + 1));
    });
    for (const [index, buffer] of buffers.entries()) {
      const sum = buffer.accessSync('read', (bytes) => bytes.reduce((total, byte) => total + byte, 0));
      assert.equal(sum, [76_800, 2 * 19_200, 3 * 19_200][index]);
    }
    for (const buffer of buffers) buffer.close();
  });

  heapTest(subject, 'FrameLayout refuses a buffer that is a byte too short', (heap) => {
    const buffer = heap.allocate(heap.pageSize);
    const rows = heap.pageSize / 64;
    const fits = describeFrame('R8', { width: 64, height: rows });
    assert.equal(new FrameLayout(fits, [buffer]).planes[0]?.length, heap.pageSize);
    const longer = describeFrame('R8', { width: 64, height: rows, stride: 65 });
    assert.throws(() => new FrameLayout(longer, [buffer]), RangeError);
    const compressed = describeFrame('MJPEG', { width: 1, height: 1, length: heap.pageSize + 1 });
    assert.throws(() => new FrameLayout(compressed, [buffer]), RangeError);
    buffer.close();
  });
}
