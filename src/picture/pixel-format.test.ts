import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as drm from '../uapi/drm-fourcc.ts';
import * as v4l2 from '../uapi/videodev2-formats.ts';
import type { V4l2Fourcc } from '../uapi/videodev2-formats.ts';
import { formatFourcc, parseFourcc } from './fourcc.ts';
import { PIXEL_FORMATS } from './pixel-format-table.ts';
import { findPixelFormat, findV4l2PixelFormat } from './pixel-format.ts';

test('findPixelFormat finds a format by its name and by its number', () => {
  const format = findPixelFormat('NV12');
  assert.equal(format?.fourcc, 0x3231_564e);
  assert.equal(findPixelFormat(drm.DRM_FORMAT_NV12), format);
  assert.equal(findPixelFormat(0x3231_564e), format);
  assert.deepEqual(
    [undefined, 'nv12', 'NV99', 0, 7, {}, null].map((value) => findPixelFormat(value as 'NV12')),
    Array.from({ length: 7 }),
  );
});

test('every format has a number of its own, and no two have one of V4L2', () => {
  const numbers = PIXEL_FORMATS.map(({ fourcc }) => fourcc);
  assert.equal(new Set(numbers).size, PIXEL_FORMATS.length);
  const pairs = PIXEL_FORMATS.flatMap(({ v4l2, v4l2Separate }) => [v4l2, v4l2Separate]);
  const known = pairs.filter((code) => code !== undefined);
  assert.equal(new Set(known).size, known.length);
});

test('every constant of drm-fourcc.ts and videodev2-formats.ts belongs to a format', () => {
  const numbers = new Set<unknown>(
    PIXEL_FORMATS.flatMap(({ fourcc, v4l2, v4l2Separate }) => [fourcc, v4l2, v4l2Separate]),
  );
  const constants = Object.entries({ ...drm, ...v4l2 }).filter(([name]) => !name.startsWith('DRM_FORMAT_MOD_'));
  assert.deepEqual(
    constants.filter(([, value]) => !numbers.has(value)).map(([name]) => name),
    [],
  );
});

test('findV4l2PixelFormat gives the format, and whether each plane has a buffer of its own', () => {
  const found = (code: V4l2Fourcc): unknown[] => {
    const known = findV4l2PixelFormat(code);
    return [known?.format.name, known?.separate];
  };
  assert.deepEqual(found(v4l2.V4L2_PIX_FMT_NV12), ['NV12', false]);
  assert.deepEqual(found(v4l2.V4L2_PIX_FMT_NV12M), ['NV12', true]);
  assert.deepEqual(found(v4l2.V4L2_PIX_FMT_YUV444M), ['YUV444', true]);
  assert.deepEqual(found(v4l2.V4L2_PIX_FMT_GREY), ['R8', false]);
  assert.deepEqual(found(v4l2.V4L2_PIX_FMT_Y16), ['R16', false]);
  assert.deepEqual(found(v4l2.V4L2_PIX_FMT_MJPEG), ['MJPEG', false]);
});

/**
 * From both documents: DRM names the bits of a little-endian word from the top, V4L2 the bytes from
 * the first.
 */
test('findV4l2PixelFormat matches formats by their bytes, not by their names or numbers', () => {
  assert.equal(findV4l2PixelFormat(v4l2.V4L2_PIX_FMT_XBGR32)?.format.name, 'XRGB8888', 'bytes B, G, R, x');
  assert.equal(findV4l2PixelFormat(v4l2.V4L2_PIX_FMT_RGBA32)?.format.name, 'ABGR8888', 'bytes R, G, B, A');
  assert.equal(findV4l2PixelFormat(v4l2.V4L2_PIX_FMT_RGB24)?.format.name, 'BGR888', 'bytes R, G, B');
  assert.equal(findV4l2PixelFormat(v4l2.V4L2_PIX_FMT_BGR24)?.format.name, 'RGB888', 'bytes B, G, R');
  // 'RG16': RGB565 to DRM, a Bayer pattern of 16 bits to V4L2, whose RGB565 is 'RGBP'.
  assert.equal(findV4l2PixelFormat(drm.DRM_FORMAT_RGB565), undefined);
  assert.equal(findV4l2PixelFormat(v4l2.V4L2_PIX_FMT_RGB565)?.format.name, 'RGB565');
  assert.equal(findV4l2PixelFormat(undefined as unknown as number), undefined);
});

test('parseFourcc and formatFourcc turn characters into a number and back', () => {
  assert.equal(parseFourcc('NV12'), 0x3231_564e);
  assert.equal(parseFourcc('R8'), 0x2020_3852);
  assert.equal(formatFourcc(0x3231_564e), 'NV12');
  assert.equal(formatFourcc(0x2020_3852), 'R8');
  assert.equal(formatFourcc(0), '0x00000000');
  assert.equal(formatFourcc(0xb231_564e), '0xb231564e', 'DRM_FORMAT_BIG_ENDIAN is no character');
  for (const value of ['', 'NV12 ', 'grün', 'a\n', 7, null])
    assert.throws(() => parseFourcc(value as string), TypeError);
  for (const value of [-1, 2 ** 32, 1.5]) assert.throws(() => formatFourcc(value), RangeError);
  assert.throws(() => formatFourcc('NV12' as unknown as number), TypeError);
});
