import assert from 'node:assert/strict';
import { test } from 'node:test';

import { defaultPlanes } from './default-planes.ts';

/** As `gst_video_info_set_format` of GStreamer 1.26 gives them: offsets, strides, and the whole. */
const CASES = [
  ['I420', 642, 362, [0, 233_128, 291_772], [644, 324, 324], 350_416],
  ['I420', 5, 3, [0, 32, 40], [8, 4, 4], 48],
  ['NV12', 1000, 500, [0, 500_000], [1000, 1000], 750_000],
  ['NV12', 5, 3, [0, 32], [8, 8], 48],
  ['YUY2', 5, 3, [0], [12], 36],
  ['RGB', 5, 3, [0], [16], 48],
  ['RGBx', 320, 240, [0], [1280], 307_200],
  ['GRAY8', 5, 3, [0], [8], 24],
] as const;

for (const [name, width, height, offsets, strides, size] of CASES)
  test(`the default layout of ${name} ${width}x${height} is GStreamer's`, () => {
    const planes = defaultPlanes({ format: name, width, height });
    assert.deepEqual(
      planes.map(({ offset }) => offset),
      offsets,
    );
    assert.deepEqual(
      planes.map(({ stride }) => stride),
      strides,
    );
    const last = planes.at(-1);
    assert.equal((last?.offset ?? 0) + (last?.length ?? 0), size);
  });
