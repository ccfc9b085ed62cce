import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readPictureOptions, readWholeNumber } from './picture-options.ts';

const NOTHING = { size: undefined, format: undefined, rate: undefined, input: undefined };

test('readPictureOptions() reads a size, a format, a rate and an input', () => {
  assert.deepEqual(readPictureOptions({ size: '1280x720', format: 'NV12', rate: '29.97', input: '1' }), {
    width: 1280,
    height: 720,
    format: 'NV12',
    rate: 29.97,
    input: 1,
  });
  assert.equal(readPictureOptions({ ...NOTHING, input: 'HDMI 0' }).input, 'HDMI 0');
  assert.equal(readPictureOptions(NOTHING).width, undefined);
});

test('readPictureOptions() refuses a size and a rate that are none, with an example', () => {
  for (const size of ['1280', '0x720', '-1x2', '1280x720x2', ''])
    assert.throws(() => readPictureOptions({ ...NOTHING, size }), /such as 1280x720$/u, size);
  for (const rate of ['0', 'fast', '', '-30', 'Infinity'])
    assert.throws(() => readPictureOptions({ ...NOTHING, rate }), /such as 30$/u, rate);
});

test('readWholeNumber() names the option and the smallest number', () => {
  assert.equal(readWholeNumber('12', '--frames', 1), 12);
  const message = 'Cannot read "0" as --frames must be a whole number from 1';
  assert.throws(() => readWholeNumber('0', '--frames', 1), { name: 'UsageError', message });
});
