import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fitRectangle } from './fit-rectangle.ts';

test('fitRectangle() fills a screen of the same shape', () => {
  const screen = { width: 1920, height: 1080 };
  assert.deepEqual(fitRectangle({ width: 640, height: 360 }, screen), { x: 0, y: 0, width: 1920, height: 1080 });
});

test('fitRectangle() puts a picture of another shape in the middle, with even edges', () => {
  const wide = fitRectangle({ width: 1920, height: 1080 }, { width: 1024, height: 768 });
  assert.deepEqual(wide, { x: 0, y: 96, width: 1024, height: 576 });
  const tall = fitRectangle({ width: 480, height: 641 }, { width: 800, height: 600 });
  assert.deepEqual(tall, { x: 176, y: 0, width: 448, height: 600 });
});

test('fitRectangle() leaves at least two pixels of a picture that is a line', () => {
  assert.deepEqual(fitRectangle({ width: 10_000, height: 1 }, { width: 100, height: 100 }), {
    x: 0,
    y: 48,
    width: 100,
    height: 2,
  });
});
