/** Cameras against vivid, the kernel's test camera. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError, openHeap } from '../../src/index.ts';
import { describeVideoDevice, listCameras, openCamera } from '../../src/v4l2/index.ts';
import type { Camera, CameraFrame } from '../../src/v4l2/index.ts';
import type { PlaneView } from '../../src/picture/index.ts';
import { rgbAt, ycbcrAt } from '../support/devices/color-bars.ts';
import {
  CONTIGUOUS_ONLY,
  MULTI_PLANAR,
  SINGLE_PLANAR,
  missingVivid,
  heldFiles,
  setControl,
  vividNode,
} from '../support/devices/vivid.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

const skip = missingVivid();
checkLeaksAfterFile();

/** Where vivid rounds otherwise than double precision does. */
const ROUNDING = 2;
const SIZE = { width: 640, height: 360 };

/** The bars alone: no text, nothing that moves. */
function showColorBars(path: string): void {
  setControl(path, 'test_pattern', '100% Colorbar');
  setControl(path, 'osd_text_mode', 'None');
}

/** Reads so many frames, each closed when it was looked at. */
async function readFrames(camera: Camera, count: number, look: (frame: CameraFrame) => void = () => {}): Promise<void> {
  let left = count;
  for await (const frame of camera.frames()) {
    look(frame);
    frame.close();
    left -= 1;
    if (left === 0) return;
  }
}

/** The text is made where it fails alone: an emulated processor takes seconds for so many. */
function assertNear(actual: number | undefined, expected: number, place: readonly [string, number, number]): void {
  if (Math.abs((actual ?? Number.NaN) - expected) <= ROUNDING) return;
  assert.fail(`${place.join(' ')}: ${actual} is not ${expected}`);
}

/** Each column of a format's pixels, away from the edges of bars, where colours are shared. */
type Check = (planes: readonly PlaneView[], x: number, y: number) => void;

const CHECKS: Readonly<Record<string, Check>> = {
  YUYV: ([plane], x, y) => {
    const [luma, cb, cr] = ycbcrAt(x, SIZE.width);
    const row = plane?.row(y) ?? [];
    const pair = Math.floor(x / 2) * 4;
    assertNear(row[2 * x], luma, ['Y', x, y]);
    assertNear(row[pair + 1], cb, ['Cb', x, y]);
    assertNear(row[pair + 3], cr, ['Cr', x, y]);
  },
  XRGB8888: ([plane], x, y) => {
    const row = plane?.row(y) ?? [];
    const [red, green, blue] = rgbAt(x, SIZE.width);
    assertNear(row[4 * x + 2], red, ['red', x, y]);
    assertNear(row[4 * x + 1], green, ['green', x, y]);
    assertNear(row[4 * x], blue, ['blue', x, y]);
  },
  NV12: ([lumas, colors], x, y) => {
    const [luma, cb, cr] = ycbcrAt(x, SIZE.width);
    const row = colors?.row(Math.floor(y / 2)) ?? [];
    const pair = Math.floor(x / 2) * 2;
    assertNear(lumas?.row(y)[x], luma, ['Y', x, y]);
    assertNear(row[pair], cb, ['Cb', x, y]);
    assertNear(row[pair + 1], cr, ['Cr', x, y]);
  },
  YUV444: ([lumas, cbs, crs], x, y) => {
    const [luma, cb, cr] = ycbcrAt(x, SIZE.width);
    assertNear(lumas?.row(y)[x], luma, ['Y', x, y]);
    assertNear(cbs?.row(y)[x], cb, ['Cb', x, y]);
    assertNear(crs?.row(y)[x], cr, ['Cr', x, y]);
  },
};

function checkBars(frame: CameraFrame, check: Check): void {
  const barWidth = SIZE.width / 8;
  frame.layout.accessSync('read', (planes) => {
    for (let x = 0; x < SIZE.width; x += 3) {
      const inBar = x % barWidth;
      if (inBar < 4 || inBar >= barWidth - 4) continue;
      for (const y of [0, 179, SIZE.height - 1]) check(planes, x, y);
    }
  });
}

const PICTURES = [
  { instance: SINGLE_PLANAR, format: 'YUYV', fourcc: 'YUYV', memories: 1 },
  { instance: SINGLE_PLANAR, format: 'XRGB8888', fourcc: 'XR24', memories: 1 },
  { instance: SINGLE_PLANAR, format: 'NV12', fourcc: 'NV12', memories: 1 },
  { instance: MULTI_PLANAR, format: 'YUYV', fourcc: 'YUYV', memories: 1 },
  { instance: MULTI_PLANAR, format: 'NV12', fourcc: 'NV12', memories: 1 },
  { instance: MULTI_PLANAR, format: 'NM12', fourcc: 'NM12', memories: 2, check: 'NV12' },
  { instance: MULTI_PLANAR, format: 'YUV444', fourcc: 'YM24', memories: 3 },
] as const;

for (const { instance, format, fourcc, memories, ...row } of PICTURES) {
  test(
    `openCamera() gives ${fourcc} of vivid.${instance} in ${memories} buffers of a heap, and the colour bars are right`,
    { skip },
    async () => {
      const { path } = vividNode(instance, 'capture');
      showColorBars(path);
      const camera = openCamera(path, { ...SIZE, format, rate: 30 });
      assert.deepEqual([camera.memory.kind, camera.memory.heap], ['imported', 'system']);
      assert.deepEqual([camera.format.fourcc, camera.format.width, camera.format.height], [fourcc, 640, 360]);
      assert.equal(camera.format.framesPerSecond, 30);
      await readFrames(camera, 2, (frame) => {
        assert.equal(frame.layout.buffers.length, memories);
        assert.equal(frame.damaged, false);
        assert.equal(frame.short, false);
        assert.equal(frame.timestampClock, 'monotonic');
        checkBars(frame, CHECKS['check' in row ? row.check : format] as Check);
      });
      camera.close();
    },
  );
}

test('openCamera() exports the driver’s own memory where that must be contiguous, and says why', { skip }, async () => {
  const { path } = vividNode(CONTIGUOUS_ONLY, 'capture');
  showColorBars(path);
  // Larger than the largest piece of the system heap.
  const camera = openCamera(path, { width: 1280, height: 720, format: 'XRGB8888' });
  assert.equal(camera.memory.kind, 'exported');
  assert.equal(camera.memory.heap, undefined);
  assert.match(camera.memory.reason, /refuses a buffer of the heap system \(VIDIOC_QBUF failed with EFAULT\)/u);
  await readFrames(camera, 2, (frame) => {
    frame.layout.accessSync('read', ([plane]) => {
      assert.deepEqual([...(plane?.row(300).subarray(0, 3) ?? [])], [255, 255, 255]);
      assert.deepEqual([...(plane?.row(300).subarray(4 * 500, 4 * 500 + 3) ?? [])], [0, 255, 0]);
    });
  });
  camera.close();
});

test('openCamera() refuses the caller’s buffers that the driver does not take, and leaves nothing', { skip }, () => {
  const heap = openHeap('system');
  const buffers = Array.from({ length: 3 }, () => heap.allocate(1280 * 720 * 4));
  const before = heldFiles();
  assert.throws(
    () =>
      openCamera(vividNode(CONTIGUOUS_ONLY, 'capture').path, { width: 1280, height: 720, format: 'XRGB8888', buffers }),
    (error) => isDmaBufError(error, 'EOPNOTSUPP') && /one of the buffers that it was given/u.test(error.message),
  );
  assert.deepEqual(heldFiles(), before);
  for (const each of [...buffers, heap]) each.close();
});

test('openCamera() fills the caller’s buffers, with the stride of their screen', { skip }, async () => {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  showColorBars(path);
  const heap = openHeap('system');
  const buffers = Array.from({ length: 4 }, () => heap.allocate(2816 * 360));
  const camera = openCamera(path, { ...SIZE, format: 'XRGB8888', stride: 2816, buffers });
  assert.deepEqual(camera.buffers.flat(), buffers);
  await readFrames(camera, 2, (frame) => {
    assert.equal(frame.layout.planes[0]?.stride, 2816);
    assert.equal(frame.buffer, buffers[frame.index]);
    checkBars(frame, CHECKS['XRGB8888'] as Check);
  });
  camera.close();
  assert.equal(buffers[0]?.closed, false);
  for (const each of [...buffers, heap]) each.close();
});

test(
  'openCamera() refuses what the driver would change with what it would take, or takes it when told so',
  { skip },
  () => {
    const { path } = vividNode(SINGLE_PLANAR, 'capture');
    assert.throws(
      () => openCamera(path, { width: 641, height: 360, format: 'YUYV' }),
      (error) =>
        isDmaBufError(error, 'EINVAL') &&
        error.values['offeredWidth'] === 640 &&
        /it would take YUYV 640x360 instead of YUYV 641x360: ask for that, or pass \{ adjust: true \}/u.test(
          error.message,
        ),
    );
    assert.throws(
      () => openCamera(path, { ...SIZE, format: 'MJPG' }),
      (error) => isDmaBufError(error, 'EINVAL') && /it has no format MJPG: take one of .*YUYV/u.test(error.message),
    );
    assert.throws(
      () => openCamera(path, { ...SIZE, format: 'YUYV', rate: 7 }),
      (error) => isDmaBufError(error, 'EINVAL') && /frames a second instead of 7/u.test(error.message),
    );
    const camera = openCamera(path, { width: 641, height: 360, format: 'YUYV', rate: 7, adjust: true });
    assert.equal(camera.format.width, 640);
    camera.close();
  },
);

test('listCameras() has vivid’s cameras by name and bus, and openCamera() takes both', { skip }, () => {
  const ours = listCameras().filter((camera) => camera.refusal === undefined && camera.driver === 'vivid');
  assert.deepEqual(
    ours.map((camera) => camera.kind),
    ['capture', 'capture', 'capture'],
  );
  const { path } = vividNode(MULTI_PLANAR, 'capture');
  assert.throws(
    () => openCamera('platform:vivid-009'),
    (error) => isDmaBufError(error, 'ENODEV') && error.message.includes(path),
  );
  for (const device of ['platform:vivid-001', path, path.slice('/dev/'.length)]) {
    const camera = openCamera(device, { ...SIZE, format: 'NV12', buffers: 2 });
    assert.equal(camera.path, path);
    camera.close();
  }
});

test('describeVideoDevice() tells vivid’s formats, sizes, rates, inputs and queues', { skip }, () => {
  const { inputs, currentInput, outputs, queues, driver } = describeVideoDevice(
    vividNode(SINGLE_PLANAR, 'capture').path,
  );
  assert.equal(driver, 'vivid');
  assert.equal(inputs[currentInput ?? -1]?.name, 'Webcam 000-0');
  assert.equal(inputs.find(({ name }) => name === 'HDMI 000-0')?.timings, true);
  assert.deepEqual(outputs, []);
  const [queue, ...others] = queues;
  assert.deepEqual([others.length, queue?.direction, queue?.multiPlanar], [0, 'capture', false]);
  assert.deepEqual([queue?.buffers?.importsDmaBufs, queue?.buffers?.ownMemory], [true, true]);
  const yuyv = queue?.formats.find(({ fourcc }) => fourcc === 'YUYV');
  assert.deepEqual([yuyv?.name, yuyv?.compressed, yuyv?.description], ['YUYV', false, 'YUYV 4:2:2']);
  const sizes = yuyv?.sizes.map((size) => (size.kind === 'discrete' ? `${size.width}x${size.height}` : 'stepwise'));
  assert.deepEqual(sizes, ['320x180', '640x360', '640x480', '1280x720', '1920x1080', '3840x2160']);
  assert.ok(yuyv?.sizes[0]?.rates.some((rate) => rate.kind === 'discrete' && rate.framesPerSecond === 120));
});

test('camera.frames() drops the oldest frames for a slow reader, and counts them', { skip }, async () => {
  const camera = openCamera(vividNode(SINGLE_PLANAR, 'capture').path, {
    width: 320,
    height: 180,
    format: 'YUYV',
    rate: 60,
  });
  const frames = camera.frames({ backlog: 1 });
  const first = await frames.next();
  assert.equal(first.done, false);
  first.value?.close();
  while (camera.counts.droppedCount < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  const second = await frames.next();
  assert.ok((second.value?.droppedCount ?? 0) >= 3);
  assert.equal(second.value?.droppedCount, (second.value?.sequence ?? 0) - (first.value?.sequence ?? 0) - 1);
  await frames.return();
  assert.equal(second.value?.closed, true);
  camera.close();
});

test(
  'camera.frames() closes its frames when the loop is left by an exception, and can be begun again',
  { skip },
  async () => {
    const camera = openCamera(vividNode(SINGLE_PLANAR, 'capture').path, { ...SIZE, format: 'YUYV' });
    for (let round = 0; round < 3; round += 1) {
      const seen: CameraFrame[] = [];
      await assert.rejects(async () => {
        for await (const frame of camera.frames()) {
          seen.push(frame);
          if (seen.length === 3) throw new Error('enough');
        }
      }, /enough/u);
      assert.ok(seen.every(({ closed }) => closed));
      assert.throws(
        () => seen[0]?.layout,
        (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
      );
    }
    camera.close();
  },
);

test(
  'camera.frames() ends with the abort reason, with EBUSY for a second loop, and with the camera',
  { skip },
  async () => {
    const camera = openCamera(vividNode(SINGLE_PLANAR, 'capture').path, { ...SIZE, format: 'YUYV' });
    const controller = new AbortController();
    const frames = camera.frames({ signal: controller.signal });
    (await frames.next()).value?.close();
    await assert.rejects(camera.frames().next(), (error) => isDmaBufError(error, 'EBUSY'));
    controller.abort(new Error('given up'));
    await assert.rejects(async () => {
      for (;;) (await frames.next()).value?.close();
    }, /given up/u);
    const others = camera.frames();
    (await others.next()).value?.close();
    const waiting = others.next();
    camera.close();
    const last = await waiting;
    last.value?.close();
    assert.deepEqual(await others.next(), { done: true, value: undefined });
    await assert.rejects(camera.frames().next(), (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
  },
);

test('openCamera() is refused with EBUSY while this process has the buffers of that camera', { skip }, async () => {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  const camera = openCamera(path, { ...SIZE, format: 'YUYV' });
  assert.throws(
    () => openCamera(path, { width: 320, height: 180, format: 'YUYV' }),
    (error) =>
      isDmaBufError(error, 'EBUSY') &&
      error.values['path'] === path &&
      /it is in use: by this process itself/u.test(error.message),
  );
  camera.close();
});
