import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { DisplayMode } from '../drm/display-mode.ts';
import type { FormatDescription, SizeDescription } from '../v4l2/describe-formats.ts';
import { sizeForScreen } from './preview-size.ts';

function formatWith(...sizes: readonly SizeDescription[]): FormatDescription {
  return {
    pixelformat: 0x5659_5559,
    fourcc: 'YUYV',
    name: 'YUYV',
    description: 'YUYV 4:2:2',
    compressed: false,
    emulated: false,
    sizes,
  };
}

function discrete(width: number, height: number): SizeDescription {
  return { kind: 'discrete', width, height, rates: [] };
}

const MODE = { width: 1280, height: 800 } as DisplayMode;

test('sizeForScreen() takes the size of the screen where the camera has it', () => {
  assert.deepEqual(sizeForScreen(formatWith(discrete(640, 480), discrete(1280, 800)), MODE), {
    width: 1280,
    height: 800,
  });
});

test('sizeForScreen() takes a size in steps where the screen has one of them', () => {
  const steps = {
    kind: 'stepwise',
    widthMin: 16,
    widthMax: 4096,
    widthStep: 16,
    heightMin: 16,
    heightMax: 4096,
  } as const;
  assert.deepEqual(sizeForScreen(formatWith({ ...steps, heightStep: 8, rates: [] }), MODE), {
    width: 1280,
    height: 800,
  });
  assert.deepEqual(sizeForScreen(formatWith({ ...steps, heightStep: 17, rates: [] }), MODE), {
    width: 4096,
    height: 4096,
  });
});

test('sizeForScreen() takes the largest that fits, else the smallest', () => {
  const sizes = [discrete(320, 180), discrete(1280, 720), discrete(1920, 1080)];
  assert.deepEqual(sizeForScreen(formatWith(...sizes), MODE), { width: 1280, height: 720 });
  assert.deepEqual(sizeForScreen(formatWith(discrete(3840, 2160), discrete(1920, 1080)), MODE), {
    width: 1920,
    height: 1080,
  });
  assert.equal(sizeForScreen(formatWith(), MODE), undefined);
});
