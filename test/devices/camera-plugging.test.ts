/** A camera that is unplugged while it streams: vivid, taken away from its driver. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../src/index.ts';
import { openCamera } from '../../src/v4l2/index.ts';
import { SINGLE_PLANAR, bindVivid, heldFiles, missingVivid } from '../support/devices/vivid.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

const skip = missingVivid();
checkLeaksAfterFile();

const SIZE = { width: 640, height: 360 };

/** 500 in a soak. */
const PLUG_COUNT = Number(process.env['DMABUF_PLUG_COUNT'] ?? '5');

test(`camera.frames() ends with ENODEV ${PLUG_COUNT} times when unplugged, and leaves nothing`, { skip }, async () => {
  const before = heldFiles();
  for (let round = 0; round < PLUG_COUNT; round += 1) {
    const camera = openCamera('platform:vivid-000', { ...SIZE, format: 'YUYV', buffers: 4 });
    const frames = camera.frames();
    (await frames.next()).value?.close();
    bindVivid(SINGLE_PLANAR, 'unbind');
    await assert.rejects(
      async () => {
        for (;;) (await frames.next()).value?.close();
      },
      (error) => isDmaBufError(error, 'ENODEV') && /unplugged/u.test(error.message),
    );
    camera.close();
    bindVivid(SINGLE_PLANAR, 'bind');
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(heldFiles(), before);
});

test('openCamera() with reconnect goes on when the camera is plugged in again', { skip }, async () => {
  const camera = openCamera('platform:vivid-000', { ...SIZE, format: 'YUYV', reconnect: true });
  const frames = camera.frames();
  (await frames.next()).value?.close();
  bindVivid(SINGLE_PLANAR, 'unbind');
  const pending = (async () => {
    for (let count = 0; count < 8; count += 1) (await frames.next()).value?.close();
  })();
  await new Promise((resolve) => setTimeout(resolve, 100));
  bindVivid(SINGLE_PLANAR, 'bind');
  await pending;
  assert.ok(camera.counts.deliveredCount >= 9);
  camera.close();
});
