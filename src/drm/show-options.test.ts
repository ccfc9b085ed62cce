import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { openEmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { drmModeModeinfo } from '../uapi/drm-mode.ts';
import { displayModeOf } from './display-mode.ts';
import { readShowOptions } from './show-options.ts';
import type { ShowOptions, ShowRequest } from './show-options.ts';

const heap = openEmbeddedHeap({ capacity: 2 ** 20 });
const description = describeFrame('XRGB8888', { width: 64, height: 48 });
const buffer = heap.allocate(description.length);
after(() => {
  buffer.close();
  heap.close();
});

const MODE = displayModeOf(drmModeModeinfo.read(drmModeModeinfo.write({ name: 'm', hdisplay: 100, vdisplay: 80 })));
const read = (options: ShowOptions): ShowRequest =>
  readShowOptions(options, new FrameLayout(description, [buffer]), MODE);

test('readShowOptions shows the whole picture from the top left corner, unless told otherwise', () => {
  const whole = { x: 0, y: 0, width: 64, height: 48 };
  const { source, destination, damage, plane } = read({});
  assert.deepEqual([source, destination, damage, plane], [whole, whole, [], undefined]);
  const part = { x: 4, y: 8, width: 16, height: 8 };
  assert.deepEqual(read({ source: part }).destination, { x: 0, y: 0, width: 16, height: 8 });
  const corner = { x: 99, y: 79, width: 1, height: 1 };
  assert.deepEqual(read({ destination: corner }).destination, corner);
});

test('readShowOptions refuses areas that lie outside of the picture or the screen', () => {
  const outside = { code: 'ERR_OUT_OF_RANGE' };
  assert.throws(() => read({ source: { x: 1, y: 0, width: 64, height: 48 } }), {
    ...outside,
    message: /'source' must lie within 64x48 pixels/u,
  });
  assert.throws(() => read({ destination: { x: 37, y: 0, width: 64, height: 48 } }), {
    ...outside,
    message: /'destination' must lie within 100x80 pixels/u,
  });
  const damage = [
    { x: 0, y: 0, width: 1, height: 1 },
    { x: 0, y: 40, width: 1, height: 9 },
  ];
  assert.throws(() => read({ damage }), { ...outside, message: /'damage\[1\]' must lie/u });
  for (const area of [
    { x: -1, y: 0, width: 1, height: 1 },
    { x: 0, y: 0, width: 0, height: 1 },
    { x: 0.5, y: 0, width: 1, height: 1 },
    { x: 64, y: 0, width: 1, height: 1 },
  ])
    assert.throws(() => read({ source: area }), RangeError);
});

test('readShowOptions refuses what is no option', () => {
  for (const options of [
    { plan: 1 },
    { plane: '1' },
    { source: 'all' },
    { damage: {} },
    { inFence: 3 },
    { outFence: true },
    { signal: {} },
  ])
    assert.throws(() => read(options as unknown as ShowOptions), TypeError, JSON.stringify(options));
  const tooMany = Array.from({ length: 257 }, () => ({ x: 0, y: 0, width: 1, height: 1 }));
  assert.throws(() => read({ damage: tooMany }), RangeError);
  assert.equal(read({ damage: tooMany.slice(1) }).damage.length, 256);
});
