import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { connectedPair, createRing, join } from '../../../test/support/processes/ring-pairs.ts';
import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import { describeFrame } from '../../picture/describe-frame.ts';
import { FrameLayout } from '../../picture/frame-layout.ts';
import { createFrameRing } from './frame-ring.ts';
import type { FrameRingOptions } from './frame-ring-options.ts';
import { joinFrameRing } from './join-frame-ring.ts';
import { createRingArea } from './ring-area-memory.ts';

checkLeaksAfterFile();

/** 6x4 pixels: luma of 4 rows at 16 bytes, chroma of 2 rows at 16. */
const PADDED = describeFrame('NV12', { width: 6, height: 4, stride: 16 });

test('createFrameRing({ layout }) gives consumers frames that know where their planes lie', async (t) => {
  const heap = openEmbeddedHeap();
  const ring = createFrameRing(heap, { layout: PADDED, frameCount: 4 });
  heap.close();
  t.after(() => ring.close());
  assert.deepEqual([ring.frameLength, ring.layout], [96, PADDED]);
  const consumer = await join(t, ring, { mode: 'every', heldMax: 2 });
  assert.equal(consumer.frameLength, 96);
  assert.deepEqual(consumer.layout?.planes, PADDED.planes);
  for (let round = 1; round <= 6; round += 1) {
    const written = ring.acquire();
    assert.equal(written.layout?.planes[1]?.buffer, written.buffer);
    written.bytes.fill(0);
    written.plane(0).copyIn(new Uint8Array(24).fill(round));
    written
      .plane(1)
      .row(1)
      .fill(100 + round);
    written.publish();
    const frame = await consumer.next();
    assert.deepEqual([frame?.layout?.width, frame?.layout?.height, frame?.layout?.fourcc], [6, 4, 0x3231_564e]);
    assert.equal(frame?.layout?.planes[0]?.buffer, frame?.buffer);
    assert.deepEqual([...(frame?.plane(0).row(3) ?? [])], Array<number>(6).fill(round));
    assert.deepEqual(
      frame?.plane(1).copyOut(),
      Uint8Array.of(...Array<number>(6).fill(0), ...Array<number>(6).fill(100 + round)),
    );
    assert.deepEqual([...(frame?.bytes.subarray(6, 16) ?? [])], Array<number>(10).fill(0), 'nothing behind a row');
    frame?.release();
  }
});

test('plane() of a frame ends with the frame, and is refused in a ring without a layout', async (t) => {
  const ring = createRing(t, { frameLength: 4096, layout: PADDED });
  assert.equal(ring.frameLength, 4096);
  const consumer = await join(t, ring, { mode: 'every' });
  const written = ring.acquire();
  const writtenPlane = written.plane(0);
  writtenPlane.close();
  writtenPlane.bytes.fill(1);
  written.publish();
  assert.throws(() => writtenPlane.bytes, { code: 'ERR_DMABUF_CLOSED' });
  assert.throws(() => written.plane(0), { code: 'ERR_DMABUF_CLOSED' });
  assert.throws(() => written.layout, { code: 'ERR_DMABUF_CLOSED' });
  const frame = await consumer.next();
  const plane = frame?.plane(0);
  assert.throws(() => frame?.plane(2), RangeError);
  frame?.release();
  assert.throws(() => plane?.row(0), { code: 'ERR_DMABUF_CLOSED' });
  const plain = createRing(t).acquire();
  assert.equal(plain.layout, undefined);
  assert.throws(() => plain.plane(0), { code: 'EOPNOTSUPP' });
  plain.discard();
});

test('createFrameRing refuses an invalid layout, or one that does not fit a frame', () => {
  const heap = openEmbeddedHeap();
  const refuses = (options: Partial<FrameRingOptions>, error: object): void => {
    assert.throws(() => createFrameRing(heap, { frameCount: 4, ...options }), error);
  };
  refuses({}, { name: 'TypeError', message: /frameLength/u });
  refuses(
    { layout: {} as typeof PADDED },
    { name: 'TypeError', message: /'layout' must be what describeFrame\(\) gives/u },
  );
  refuses({ layout: PADDED, frameLength: 95 }, { name: 'RangeError', message: /from 96 to 4294967296/u });
  const separate = describeFrame('NV12', { width: 6, height: 4, separate: true });
  refuses(
    { layout: separate },
    { name: 'RangeError', message: /'layout' must have its planes in one buffer, received 2 buffers/u },
  );
  assert.equal(heap.stats().bufferCount, 0);
  heap.close();
});

test('joinFrameRing refuses a picture that does not lie in the frames', async (t) => {
  const heap = openEmbeddedHeap();
  const shape = { frameCount: 3, metadataBytes: 8, heldMax: 1 };
  const area = createRingArea(shape);
  const frames = Array.from({ length: 3 }, () => heap.allocate(4096, { shareable: true }));
  const buffers = [area.buffer, ...frames];
  const message = JSON.stringify({ ringVersion: 1, frameLength: 80, ...shape });
  const small = describeFrame('R8', { width: 8, height: 8 });
  const separate = describeFrame('NV12', { width: 6, height: 4, separate: true });
  for (const [layout, says] of [
    [new FrameLayout(small, [area.buffer]), /does not lie in its first frame/u],
    [new FrameLayout(small, frames.slice(1, 2)), /does not lie in its first frame/u],
    [new FrameLayout(separate, frames.slice(0, 2)), /does not lie in its first frame/u],
    [new FrameLayout(PADDED, frames.slice(0, 1)), /its picture takes 96 bytes, and its frames have 80/u],
  ] as const) {
    const [ours, theirs] = connectedPair(t);
    await ours.send({ message, buffers, frame: layout });
    await assert.rejects(joinFrameRing(theirs, { mode: 'every' }), { code: 'EPROTO', message: says });
    assert.equal(theirs.closed, true);
  }
  for (const each of [area, ...frames]) each.close();
  heap.close();
});
