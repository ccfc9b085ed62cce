/** Controls, events and timings of vivid, the kernel's test camera. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../src/index.ts';
import { openCamera, openVideoControls } from '../../src/v4l2/index.ts';
import { SINGLE_PLANAR, heldFiles, missingVivid, setControl, vividNode } from '../support/devices/vivid.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';

const skip = missingVivid();
const SIZE = { width: 640, height: 360 };

test('VideoControls has values of each type, and refuses others', { skip }, () => {
  const controls = openVideoControls(vividNode(SINGLE_PLANAR, 'capture').path);
  for (const [key, value] of [
    ['brightness', 99],
    ['boolean', false],
    ['integer_64_bits', 2n ** 60n + 1n],
    ['string', 'äb'],
    ['bitmask', 0x8000_0000],
  ] as const) {
    const before = controls.get(key);
    controls.set(key, value);
    assert.deepEqual(controls.get(key), value, key);
    controls.set(key, before);
  }
  controls.set('menu', 'Menu Item 4');
  assert.equal(controls.get('Menu'), 4);
  controls.set('menu', 3);
  controls.set('button');
  assert.throws(() => controls.set('brightness', 256), RangeError);
  assert.throws(() => controls.set('boolean', 1), TypeError);
  assert.throws(() => controls.set('no_such_control', 1), /brightness/u);
  assert.throws(
    () => controls.set('read_only_integer_32_bits', 1),
    (error) => isDmaBufError(error, 'EACCES'),
  );
  controls.close();
});

test('VideoControls.events() tells of changes that another program makes, and ends when closed', { skip }, async () => {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  const controls = openVideoControls(path);
  const before = await settled(heldFiles);
  const events = controls.events();
  setControl(path, 'brightness', 77);
  const { value } = await events.next();
  assert.deepEqual(
    [value?.kind, value?.kind === 'control' && [value.key, value.value]],
    ['control', ['brightness', 77]],
  );
  setControl(path, 'brightness', 128);
  await events.next();
  const waiting = events.next();
  events.close();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  controls.close();
  await assertSettles(
    heldFiles,
    before.filter((file) => file !== path),
  );
});

test('openCamera() takes the timings of an HDMI input, and tells without a signal', { skip }, () => {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  const hdmi = { input: 'HDMI 000-0', takeTimings: true, format: 'YUYV' } as const;
  const camera = openCamera(path, { ...hdmi, adjust: true });
  const { width, height, framesPerSecond } = camera.sourceTimings();
  assert.deepEqual([width, height], [camera.format.width, camera.format.height]);
  assert.ok(framesPerSecond > 10);
  camera.controls.set('dv_timings_signal_mode', 'No Signal');
  assert.throws(
    () => camera.sourceTimings(),
    (error) => isDmaBufError(error, 'ENOLINK') && /plug a source in/u.test(error.message),
  );
  camera.controls.set('dv_timings_signal_mode', 'Current DV Timings');
  camera.close();
  openCamera(path, { input: 0, ...SIZE, format: 'YUYV' }).close();
});

test('openCamera() with followSource goes on with the format that the source has changed to', { skip }, async () => {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  const camera = openCamera(path, { input: 'HDMI 000-0', followSource: true, format: 'YUYV', adjust: true });
  const widths: number[] = [];
  const frames = camera.frames();
  const read = async (): Promise<void> => {
    const { value } = await frames.next();
    widths.push(value?.format.width ?? 0);
    value?.close();
  };
  await read();
  setControl(path, 'dv_timings', '720x576p50');
  setControl(path, 'dv_timings_signal_mode', 'Selected DV Timings');
  while (widths.at(-1) !== 720) await read();
  // Switched off, and on again.
  setControl(path, 'dv_timings_signal_mode', 'No Signal');
  setControl(path, 'dv_timings', '640x480p59');
  setControl(path, 'dv_timings_signal_mode', 'Selected DV Timings');
  while (widths.at(-1) !== 640) await read();
  assert.equal(camera.format.height, 480);
  camera.close();
  // As it was: vivid's output has these timings, and is seen only by an input with the same.
  setControl(path, 'dv_timings', '1280x720p60');
  openCamera(path, { input: 'HDMI 000-0', takeTimings: true, format: 'YUYV', adjust: true }).close();
  setControl(path, 'dv_timings_signal_mode', 'Current DV Timings');
  openCamera(path, { input: 0, ...SIZE, format: 'YUYV' }).close();
});
