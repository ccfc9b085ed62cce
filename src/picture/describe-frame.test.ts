import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { missingFfmpeg } from '../../test/support/processes/ffmpeg.ts';
import { describeFrame } from './describe-frame.ts';
import type { FrameOptions } from './describe-frame.ts';
import type { FrameDescription } from './frame-description.ts';
import type { PixelFormatName } from './pixel-format-table.ts';

/** [offset, stride, length] per plane. */
function placesOf({ planes }: FrameDescription): number[][] {
  return planes.map(({ offset, stride, length }) => [offset, stride, length]);
}

/**
 * ffmpeg's name of the format, and the bytes of a frame of 1920x1080 and of 641x361, as ffmpeg 5.1
 * reads them.
 */
const SIZES: Readonly<Partial<Record<PixelFormatName, readonly [ffmpeg: string, even: number, odd: number]>>> = {
  ABGR16161616: ['rgba64le', 16_588_800, 1_851_208],
  ABGR8888: ['rgba', 8_294_400, 925_604],
  ARGB16161616: ['bgra64le', 16_588_800, 1_851_208],
  ARGB8888: ['bgra', 8_294_400, 925_604],
  BGR565: ['bgr565le', 4_147_200, 462_802],
  BGR888: ['rgb24', 6_220_800, 694_203],
  BGRA8888: ['argb', 8_294_400, 925_604],
  BGRX8888: ['0rgb', 8_294_400, 925_604],
  NV12: ['nv12', 3_110_400, 347_603],
  NV16: ['nv16', 4_147_200, 463_163],
  NV21: ['nv21', 3_110_400, 347_603],
  NV24: ['nv24', 6_220_800, 694_203],
  NV42: ['nv42', 6_220_800, 694_203],
  P010: ['p010le', 6_220_800, 695_206],
  R16: ['gray16le', 4_147_200, 462_802],
  R8: ['gray', 2_073_600, 231_401],
  RGB565: ['rgb565le', 4_147_200, 462_802],
  RGB888: ['bgr24', 6_220_800, 694_203],
  RGBA8888: ['abgr', 8_294_400, 925_604],
  RGBX8888: ['0bgr', 8_294_400, 925_604],
  SBGGR8: ['bayer_bggr8', 2_073_600, 231_401],
  SRGGB8: ['bayer_rggb8', 2_073_600, 231_401],
  UYVY: ['uyvy422', 4_147_200, 463_524],
  XBGR2101010: ['x2bgr10le', 8_294_400, 925_604],
  XBGR8888: ['rgb0', 8_294_400, 925_604],
  XRGB2101010: ['x2rgb10le', 8_294_400, 925_604],
  XRGB8888: ['bgr0', 8_294_400, 925_604],
  YUV420: ['yuv420p', 3_110_400, 347_603],
  YUV422: ['yuv422p', 4_147_200, 463_163],
  YUV444: ['yuv444p', 6_220_800, 694_203],
  YUYV: ['yuyv422', 4_147_200, 463_524],
  YVYU: ['yvyu422', 4_147_200, 463_524],
};

for (const [name, [ffmpeg, even, odd]] of Object.entries(SIZES)) {
  test(`describeFrame gives ${name} the bytes of ffmpeg's ${ffmpeg}`, () => {
    const lengths = [
      [1920, 1080],
      [641, 361],
    ].map(([width = 0, height = 0]) => describeFrame(name as PixelFormatName, { width, height }).bufferLengths);
    assert.deepEqual(lengths, [[even], [odd]]);
  });
}

const ffmpegMissing = missingFfmpeg();

/** Reads one frame from an endless stream, and reports its size. */
function bytesOfFfmpeg(format: string, size: string): number {
  const input = ['-f', 'rawvideo', '-pix_fmt', format, '-s', size, '-i', '/dev/zero', '-frames:v', '1'];
  const { stdout, stderr } = spawnSync('ffmpeg', ['-v', 'error', ...input, '-c', 'copy', '-f', 'rawvideo', '-'], {
    maxBuffer: 2 ** 26,
  });
  assert.equal(stderr.toString(), '');
  return stdout.length;
}

test('ffmpeg of this machine reads frames of odd sizes with these lengths', { skip: ffmpegMissing }, () => {
  const read = Object.entries(SIZES).map(([name, [ffmpeg]]) => [name, bytesOfFfmpeg(ffmpeg, '641x361')]);
  assert.deepEqual(
    read,
    Object.entries(SIZES).map(([name, [, , odd]]) => [name, odd]),
  );
});

test('describeFrame gives Bayer patterns one or two bytes per pixel', () => {
  for (const order of ['BGGR', 'GBRG', 'GRBG', 'RGGB'] as const) {
    const places = ([8, 10, 12] as const).map((bits) =>
      placesOf(describeFrame(`S${order}${bits}`, { width: 641, height: 361 })),
    );
    assert.deepEqual(places, [[[0, 641, 231_401]], [[0, 1282, 462_802]], [[0, 1282, 462_802]]]);
  }
});

test('describeFrame lays planes one after the other, in whole rows', () => {
  assert.deepEqual(placesOf(describeFrame('NV12', { width: 1920, height: 1080 })), [
    [0, 1920, 2_073_600],
    [2_073_600, 1920, 1_036_800],
  ]);
  assert.deepEqual(placesOf(describeFrame('YUV420', { width: 641, height: 361 })), [
    [0, 641, 231_401],
    [231_401, 321, 58_101],
    [289_502, 321, 58_101],
  ]);
  assert.deepEqual(placesOf(describeFrame('P010', { width: 4, height: 3 })), [
    [0, 8, 24],
    [24, 8, 16],
  ]);
});

test("describeFrame takes a stride like V4L2's bytesperline: the first plane has it, the others follow from it", () => {
  const strides = (format: PixelFormatName, stride: number): number[] =>
    describeFrame(format, { width: 100, height: 10, stride }).planes.map((plane) => plane.stride);
  assert.deepEqual(strides('YUYV', 256), [256]);
  assert.deepEqual(strides('NV12', 128), [128, 128]);
  assert.deepEqual(strides('NV24', 128), [128, 256]);
  assert.deepEqual(strides('P010', 256), [256, 256]);
  assert.deepEqual(strides('YUV420', 128), [128, 64, 64]);
  assert.deepEqual(strides('YUV444', 128), [128, 128, 128]);
  assert.throws(() => strides('YUV420', 129), /'stride' must be a multiple of 2 bytes for YUV420, received 129/u);
  assert.throws(() => strides('NV12', 99), /stride of its plane 0 is 99 where a row takes 100 bytes/u);
});

/**
 * GStreamer's default layout: rows of whole words, chroma of a height rounded up
 * (gst_video_info_set_format).
 */
test('describeFrame aligns strides, heights and planes', () => {
  const gstreamer = { width: 642, height: 361, strideAlignment: 4, heightAlignment: 2 };
  assert.deepEqual(placesOf(describeFrame('YUV420', gstreamer)), [
    [0, 644, 233_128],
    [233_128, 324, 58_644],
    [291_772, 324, 58_644],
  ]);
  assert.deepEqual(placesOf(describeFrame('NV12', { width: 100, height: 10, planeAlignment: 4096 })), [
    [0, 100, 1000],
    [4096, 100, 500],
  ]);
  assert.deepEqual(placesOf(describeFrame('NV12', { width: 100, height: 10, stride: [128, 256] })), [
    [0, 128, 1280],
    [1280, 256, 1280],
  ]);
});

test('describeFrame puts planes into buffers of their own on request', () => {
  const { planes, bufferLengths, bufferCount, length } = describeFrame('NV12', {
    width: 64,
    height: 32,
    separate: true,
  });
  assert.deepEqual(planes, [
    { bufferIndex: 0, offset: 0, stride: 64, length: 2048 },
    { bufferIndex: 1, offset: 0, stride: 64, length: 1024 },
  ]);
  assert.deepEqual([bufferCount, bufferLengths, length], [2, [2048, 1024], 3072]);
});

test('describeFrame gives a compressed picture only a length', () => {
  const { planes, format } = describeFrame('MJPEG', { width: 1920, height: 1080, length: 500_000 });
  assert.deepEqual(planes, [{ bufferIndex: 0, offset: 0, stride: 0, length: 500_000 }]);
  assert.equal(format?.compressed, true);
  assert.throws(() => describeFrame('MJPEG', { width: 1, height: 1 }), TypeError);
  assert.throws(
    () => describeFrame('MJPEG', { width: 1, height: 1, length: 9, stride: 1 }),
    /'stride' must be left out, as MJPEG is compressed/u,
  );
  assert.throws(() => describeFrame('NV12', { width: 1, height: 1, length: 9 }), /as NV12 is not compressed/u);
});

test('describeFrame refuses an invalid frame, and names the value', () => {
  const refusal = (options: Readonly<Record<string, unknown>>, name: string, says: RegExp): void => {
    const given = { width: 64, height: 64, ...options } as FrameOptions;
    assert.throws(() => describeFrame('NV12', given), { name, message: says });
  };
  refusal({ width: 0 }, 'RangeError', /'width' must .*, received 0/u);
  refusal({ width: 1.5 }, 'RangeError', /'width' must/u);
  refusal({ height: '64' }, 'TypeError', /'height' must/u);
  refusal({ height: 2 ** 32 }, 'RangeError', /'height' must/u);
  refusal({ strideAlignment: 0 }, 'RangeError', /'strideAlignment' must/u);
  refusal({ heightAlignment: -1 }, 'RangeError', /'heightAlignment' must/u);
  refusal({ planeAlignment: Number.NaN }, 'RangeError', /'planeAlignment' must/u);
  refusal({ separate: 'yes' }, 'TypeError', /'separate' must/u);
  refusal({ stride: 64, strideAlignment: 64 }, 'TypeError', /two ways to say one thing/u);
  refusal({ stride: [64] }, 'RangeError', /'stride' must have one for each of the 2 planes of NV12, received/u);
  refusal({ stride: [64, '64'] }, 'TypeError', /'stride\[1\]' must/u);
  refusal({ strides: 64 }, 'TypeError', /'strides' is not one of the options/u);
  assert.throws(() => describeFrame('NV99' as 'NV12', { width: 1, height: 1 }), /name or a number .* 'NV99'/u);
});

test('describeFrame refuses frames that end beyond 32 bits', () => {
  assert.equal(describeFrame('R8', { width: 65_535, height: 65_537 }).bufferLengths[0], 2 ** 32 - 1);
  for (const [width, height] of [
    [65_536, 65_536],
    [2 ** 32 - 1, 2],
    [2 ** 32 - 1, 2 ** 32 - 1],
  ] as const) {
    assert.throws(() => describeFrame('R8', { width, height }), RangeError);
  }
  assert.throws(
    () => describeFrame('NV12', { width: 2 ** 16, height: 2 ** 16 - 1 }),
    RangeError,
    'by the second plane',
  );
});
