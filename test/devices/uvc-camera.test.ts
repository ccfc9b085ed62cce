/** `openCamera` over a USB camera: one in software, which sends what the test says. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { TestContext } from 'node:test';

import { isDmaBufError, openHeap } from '../../src/index.ts';
import { createJpegDecoder, describeFrame, FrameLayout } from '../../src/picture/index.ts';
import { listCameras, openCamera } from '../../src/v4l2/index.ts';
import type { Camera, CameraFrame, CameraOptions } from '../../src/v4l2/index.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { flatJpeg } from '../support/uvc/flat-jpeg.ts';
import { missingUvc } from '../support/uvc/missing-uvc.ts';
import { SoftwareUvcCamera } from '../support/uvc/software-uvc-camera.ts';

checkLeaksAfterFile();

const skip = missingUvc();
const NAME = 'Software Camera';
const SIZE = { width: 320, height: 180 } as const;
const MJPG = { ...SIZE, format: 'MJPG' } as const;
const YUYV = { width: 320, height: 180, format: 'YUYV' } as const;
const YUYV_BYTES = 320 * 180 * 2;

/** What the driver does with frames that it knows to be faulty: decided at the plug. */
function setFaultyFrames(treatment: 'dropped' | 'delivered'): void {
  writeFileSync('/sys/module/uvcvideo/parameters/nodrop', treatment === 'delivered' ? '1' : '0');
}

/** One camera for all tests: a plug takes a second. */
let plugged: SoftwareUvcCamera | undefined;

after(async () => {
  await plugged?.close();
});

async function pluggedCamera(): Promise<SoftwareUvcCamera> {
  if (plugged !== undefined) return plugged;
  setFaultyFrames('delivered');
  plugged = new SoftwareUvcCamera();
  await plugged.plug();
  return plugged;
}

function open(t: TestContext, options: CameraOptions): Camera {
  const camera = openCamera(NAME, options);
  t.after(() => camera.close());
  return camera;
}

/** A picture of 320x180 in which every byte depends on its place, and on `seed`. */
function yuyvPicture(seed: number): Uint8Array {
  return Uint8Array.from({ length: YUYV_BYTES }, (_, at) => at * 7 + seed * 31 + (at >>> 8));
}

function jpeg(seed: number): Uint8Array {
  return flatJpeg(MJPG, (column, row) => [(column * seed) & 0xff, (row * 9) & 0xff, (seed * 50) & 0xff]);
}

function filledBytes(frame: CameraFrame): Uint8Array {
  const [length = 0] = frame.bytesUsed;
  return frame.buffer.accessSync('read', (bytes) => Uint8Array.from(bytes.subarray(0, length)));
}

async function nextFrame(frames: AsyncIterator<CameraFrame, undefined>): Promise<CameraFrame> {
  const { value } = await frames.next();
  assert.ok(value !== undefined, 'The stream goes on');
  return value;
}

test('listCameras() has a USB camera by the name of its product, its bus and its driver', { skip }, async () => {
  await pluggedCamera();
  const found = listCameras().filter(({ name }) => name === NAME);
  assert.deepEqual(
    found.map((camera) => [camera.kind, camera.refusal === undefined && [camera.driver, camera.bus]]),
    [['capture', ['uvcvideo', 'usb-vhci_hcd.0-1']]],
  );
});

test('frames() of MJPG give each file whole, with its own length', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const camera = open(t, MJPG);
  const frames = camera.frames();
  assert.equal(camera.memory.kind, 'imported');
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const sent = jpeg(seed);
    const [frame] = await Promise.all([nextFrame(frames), uvc.send({ bytes: sent })]);
    assert.deepEqual(frame.bytesUsed, [sent.length]);
    assert.ok(frame.buffer.length > sent.length);
    assert.deepEqual([frame.damaged, frame.short, frame.sequence], [false, false, seed - 1]);
    assert.deepEqual(
      frame.layout.planes.map(({ length }) => length),
      [sent.length],
    );
    assert.deepEqual(filledBytes(frame), sent);
    frame.close();
  }
  await frames.return();
});

test('a frame of MJPG is decoded from the buffer that the camera filled into a picture', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const frames = open(t, MJPG).frames();
  const decoder = createJpegDecoder();
  const heap = openHeap('system', { backends: ['kernel'] });
  const shape = describeFrame('ABGR8888', SIZE);
  const picture = new FrameLayout(shape, [heap.allocate(shape.length)]);
  t.after(() => [decoder, ...picture.buffers, heap].forEach((closable) => closable.close()));
  for (const level of [40, 200]) {
    const sent = flatJpeg(MJPG, (column, row) => [(level + column + row) & 0xff, 128, 128]);
    const [frame] = await Promise.all([nextFrame(frames), uvc.send({ bytes: sent })]);
    await decoder.decode(frame.layout, picture);
    frame.close();
    picture.accessSync('read', ([plane]) => {
      for (const [x, y] of [
        [0, 0],
        [160, 90],
        [319, 179],
      ] as const) {
        const grey = (level + Math.floor(x / 8) + Math.floor(y / 8)) & 0xff;
        assert.deepEqual(Array.from(plane?.row(y).slice(x * 4, x * 4 + 4) ?? []), [grey, grey, grey, 255], `${x} ${y}`);
      }
    });
  }
  await frames.return();
});

test('frames() of YUYV give the pixels that the camera sent, over many transfers', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const frames = open(t, YUYV).frames();
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const sent = yuyvPicture(seed);
    const [frame] = await Promise.all([nextFrame(frames), uvc.send({ bytes: sent })]);
    assert.deepEqual(filledBytes(frame), sent);
    assert.deepEqual([frame.damaged, frame.short], [false, false]);
    frame.close();
  }
  await frames.return();
});

test('openCamera() sets size, format and rate of a USB camera', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const camera = open(t, { width: 640, height: 480, format: 'YUYV', rate: 15 });
  const frames = camera.frames();
  await Promise.all([nextFrame(frames), uvc.send({ bytes: new Uint8Array(640 * 480 * 2) })]);
  const { encoding, width, height, rate } = await uvc.state();
  assert.deepEqual([encoding, width, height, Math.round(rate)], ['YUYV', 640, 480, 15]);
  assert.equal(Math.round(camera.format.framesPerSecond ?? 0), 15);
  await frames.return();
});

test('CameraFrame.damaged is set for a frame with the error bit, and streaming goes on', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const camera = open(t, MJPG);
  const frames = camera.frames();
  const sent = [{ bytes: jpeg(1) }, { bytes: jpeg(2), hasError: true }, { bytes: jpeg(3) }];
  const found: boolean[] = [];
  for (const one of sent) {
    const [frame] = await Promise.all([nextFrame(frames), uvc.send(one)]);
    found.push(frame.damaged);
    frame.close();
  }
  assert.deepEqual(found, [false, true, false]);
  assert.equal(camera.counts.damagedCount, 1);
  await frames.return();
});

test(
  'frames() with skipDamaged leaves out what has the error bit, more often than there are buffers',
  { skip },
  async (t) => {
    const uvc = await pluggedCamera();
    const camera = open(t, { ...MJPG, buffers: 3 });
    const frames = camera.frames({ skipDamaged: true });
    const next = nextFrame(frames);
    for (const seed of [1, 2, 3, 4, 5, 6, 7]) await uvc.send({ bytes: jpeg(seed), hasError: true });
    const good = jpeg(8);
    const [frame] = await Promise.all([next, uvc.send({ bytes: good })]);
    assert.deepEqual(filledBytes(frame), good);
    assert.deepEqual([frame.sequence, camera.counts.damagedCount], [7, 7]);
    await frames.return();
  },
);

test('CameraFrame.short is set for a picture of which the end is missing', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const frames = open(t, YUYV).frames();
  const cut = yuyvPicture(1).subarray(0, 50_000);
  const found: (number | boolean | undefined)[][] = [];
  for (const bytes of [yuyvPicture(0), cut, yuyvPicture(2)]) {
    const [frame] = await Promise.all([nextFrame(frames), uvc.send({ bytes })]);
    found.push([frame.short, frame.damaged, frame.bytesUsed[0]]);
    frame.close();
  }
  // The driver flags it as damaged too (uvc_video_validate_buffer).
  assert.deepEqual(found, [
    [false, false, YUYV_BYTES],
    [true, true, 50_000],
    [false, false, YUYV_BYTES],
  ]);
  await frames.return();
});

test('frames() give a frame without an end as soon as the next one begins', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const frames = open(t, MJPG).frames();
  const [unended, following] = [jpeg(1), jpeg(2)];
  const first = nextFrame(frames);
  await uvc.send({ bytes: unended, hasEnd: false });
  await uvc.send({ bytes: following });
  assert.deepEqual(filledBytes(await first), unended);
  assert.deepEqual(filledBytes(await nextFrame(frames)), following);
  await frames.return();
});

test('camera.controls reach the camera, and have its ranges', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const { controls } = open(t, MJPG);
  assert.deepEqual(
    controls
      .list()
      .map(({ key, type, minimum, maximum, step, defaultValue }) => [key, type, minimum, maximum, step, defaultValue]),
    [
      ['brightness', 'integer', -64n, 64n, 1n, 0n],
      ['contrast', 'integer', 0n, 95n, 5n, 50n],
    ],
  );
  controls.set('brightness', -20);
  controls.set('contrast', 62);
  // A step of 5, to the nearest.
  assert.deepEqual((await uvc.state()).controls, { brightness: -20, contrast: 60 });
  assert.deepEqual([controls.get('brightness'), controls.get('contrast')], [-20, 60]);
});

test('frames() lose faulty frames where the driver drops them, and count them', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  await uvc.unplug();
  setFaultyFrames('dropped');
  await uvc.plug();
  const camera = open(t, MJPG);
  const frames = camera.frames();
  const [first] = await Promise.all([nextFrame(frames), uvc.send({ bytes: jpeg(1) })]);
  first.close();
  await uvc.send({ bytes: jpeg(2), hasError: true });
  const [second] = await Promise.all([nextFrame(frames), uvc.send({ bytes: jpeg(3) })]);
  assert.deepEqual([second.sequence, second.droppedCount, second.damaged], [2, 1, false]);
  assert.deepEqual([camera.counts.lostCount, camera.counts.damagedCount], [1, 0]);
  await frames.return();
});

test('frames() reject with ENODEV when the camera is unplugged, and close what was open', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const camera = open(t, MJPG);
  const frames = camera.frames();
  const [frame] = await Promise.all([nextFrame(frames), uvc.send({ bytes: jpeg(1) })]);
  const next = frames.next();
  await Promise.all([assert.rejects(next, (error) => isDmaBufError(error, 'ENODEV')), uvc.unplug()]);
  assert.ok(frame.closed);
  assert.deepEqual(await frames.next(), { done: true, value: undefined });
  assert.equal(
    listCameras().some(({ name }) => name === NAME),
    false,
  );
  assert.throws(
    () => openCamera(NAME),
    (error) => isDmaBufError(error, 'ENODEV'),
  );
  camera.close();
  await uvc.plug();
});

test('frames() with reconnect go on when the camera is plugged in again', { skip }, async (t) => {
  const uvc = await pluggedCamera();
  const camera = open(t, { ...MJPG, reconnect: true });
  const frames = camera.frames();
  for (const seed of [1, 2, 3]) {
    const sent = jpeg(seed);
    const [frame] = await Promise.all([nextFrame(frames), uvc.send({ bytes: sent })]);
    assert.deepEqual(filledBytes(frame), sent);
    const next = nextFrame(frames);
    await uvc.unplug();
    // The camera hears of it from the kernel, not from who pulled the plug.
    await until(() => frame.closed);
    await uvc.plug();
    const again = jpeg(seed + 10);
    const [back] = await Promise.all([next, uvc.send({ bytes: again })]);
    assert.deepEqual(filledBytes(back), again);
    back.close();
  }
  assert.equal(camera.counts.deliveredCount, 6);
  await frames.return();
});
