import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SeededRandom } from '../base/seeded-random.ts';
import { formatsWithoutModifiers, parseInFormats } from './plane-formats.ts';

/** As a little-endian machine has them. */
function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

const XR24 = 0x3432_5258;
const NV12 = 0x3231_564e;
const HEAD_BYTES = 24;

test('parseInFormats gives each format the modifiers whose bits are set for it', () => {
  // Version 1, two formats at 24, two modifiers at 32. Each: bits, offset, padding, modifier.
  const head = [1, 0, 2, HEAD_BYTES, 2, HEAD_BYTES + 8];
  const linear = [0b11, 0, 0, 0, 0, 0];
  const tiled = [0b10, 0, 0, 0, 0x1234, 0x0800_0000];
  assert.deepEqual(parseInFormats(words(...head, XR24, NV12, ...linear, ...tiled)), [
    { fourcc: XR24, name: 'XR24', modifiers: [0n] },
    { fourcc: NV12, name: 'NV12', modifiers: [0n, 0x0800_0000_0000_1234n] },
  ]);
});

test('parseInFormats counts bits from the offset of a record', () => {
  const count = 66;
  const formats = Array.from({ length: count }, (_, index) => XR24 + index);
  const head = [1, 0, count, HEAD_BYTES, 1, HEAD_BYTES + count * 4];
  const parsed = parseInFormats(words(...head, ...formats, 0b11, 0, 64, 0, 7, 0));
  assert.deepEqual(
    parsed?.map(({ modifiers }) => modifiers?.length),
    [...Array<number>(64).fill(0), 1, 1],
  );
});

test('parseInFormats gives nothing of a blob that is shorter than it says', () => {
  const whole = words(1, 0, 1, HEAD_BYTES, 1, HEAD_BYTES + 4, XR24, 1, 0, 0, 0, 0, 0);
  assert.equal(parseInFormats(whole)?.length, 1);
  for (let length = 0; length < whole.length; length += 1)
    assert.equal(parseInFormats(whole.subarray(0, length)), undefined, `${length} bytes`);
});

test('parseInFormats takes any bytes', () => {
  const random = new SeededRandom(7);
  for (let round = 0; round < 2000; round += 1) {
    const bytes = Uint8Array.from({ length: random.below(200) }, () => random.below(4));
    const parsed = parseInFormats(bytes);
    assert.ok(parsed === undefined || parsed.length * 4 <= bytes.length);
  }
});

test('formatsWithoutModifiers says that nothing is known of modifiers', () => {
  assert.deepEqual(formatsWithoutModifiers([NV12]), [{ fourcc: NV12, name: 'NV12', modifiers: undefined }]);
});
