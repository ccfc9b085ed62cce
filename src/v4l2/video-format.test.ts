import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { V4l2PictureFormat } from '../linux/calls/v4l2-format-calls.ts';
import { V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_NV12M } from '../uapi/videodev2-formats.ts';
import { describeCompressed, describeVideoFrame, readFormatName, videoFormatOf } from './video-format.ts';

const PLAIN: Omit<V4l2PictureFormat, 'pixelformat' | 'planes'> = {
  width: 1920,
  height: 1080,
  field: 1,
  colorspace: 0,
  ycbcrEncoding: 0,
  quantization: 0,
  transferFunction: 0,
};
/** 'RG16', which is RGB565 to DRM, and a Bayer pattern of 16 bits to V4L2. */
const SRGGB16 = 0x3631_4752;

test('describeVideoFrame() lays planes out by the driver’s stride, in one memory or several', () => {
  const planes = [{ bytesPerLine: 2048, sizeImage: 3_342_336 }];
  const single = describeVideoFrame(
    videoFormatOf({ picture: { ...PLAIN, pixelformat: V4L2_PIX_FMT_NV12, planes }, interval: undefined }),
  );
  assert.deepEqual(single.planes, [
    { bufferIndex: 0, offset: 0, stride: 2048, length: 2048 * 1080 },
    { bufferIndex: 0, offset: 2048 * 1080, stride: 2048, length: 2048 * 540 },
  ]);
  const separate = describeVideoFrame(
    videoFormatOf({
      picture: {
        ...PLAIN,
        pixelformat: V4L2_PIX_FMT_NV12M,
        planes: [
          { bytesPerLine: 2048, sizeImage: 2_228_224 },
          { bytesPerLine: 2176, sizeImage: 1_175_040 },
        ],
      },
      interval: undefined,
    }),
  );
  assert.deepEqual(separate.planes, [
    { bufferIndex: 0, offset: 0, stride: 2048, length: 2048 * 1080 },
    { bufferIndex: 1, offset: 0, stride: 2176, length: 2176 * 540 },
  ]);
});

test('describeVideoFrame() does not take V4L2’s RG16 for DRM’s', () => {
  const planes = [{ bytesPerLine: 3840, sizeImage: 3840 * 1080 }];
  const format = videoFormatOf({ picture: { ...PLAIN, pixelformat: SRGGB16, planes }, interval: undefined });
  assert.deepEqual([format.name, format.fourcc], [undefined, 'RG16']);
  const description = describeVideoFrame(format);
  assert.equal(description.format, undefined);
  assert.deepEqual(description.bufferLengths, [3840 * 1080]);
});

test('describeCompressed() has as many bytes as were filled', () => {
  const pixelformat = 0x4750_4a4d;
  const description = describeCompressed({ width: 640, height: 480, pixelformat }, 12_345);
  assert.deepEqual([description.format?.name, description.bufferLengths], ['MJPEG', [12_345]]);
});

test('readFormatName() takes DRM’s names, V4L2’s characters and numbers', () => {
  const numbers = (format: unknown): readonly number[] => readFormatName(format, 'test').pixelformats;
  assert.deepEqual(numbers('NV12'), [0x3231_564e, 0x3231_4d4e]);
  assert.deepEqual(numbers('XRGB8888'), [0x3432_5258]);
  assert.deepEqual(numbers('MJPG'), [0x4750_4a4d]);
  assert.deepEqual(numbers('Y10'), [0x2030_3159]);
  assert.deepEqual(numbers(0x5659_5559), [0x5659_5559]);
  assert.throws(() => numbers('MOTION'), RangeError);
  assert.throws(() => numbers(''), RangeError);
  assert.throws(() => numbers(0), RangeError);
  assert.throws(() => numbers(true), TypeError);
});

test('videoFormatOf() resolves colours as videodev2.h does where the driver leaves them open', () => {
  const colors = (fields: Partial<V4l2PictureFormat>): unknown => {
    const picture = { ...PLAIN, pixelformat: V4L2_PIX_FMT_NV12, planes: [], ...fields };
    const { encoding, range } = videoFormatOf({ picture, interval: undefined }).colors;
    return [encoding, range];
  };
  assert.deepEqual(colors({}), ['bt601', 'limited']);
  // V4L2_COLORSPACE_REC709, _JPEG, _BT2020; V4L2_YCBCR_ENC_601; V4L2_QUANTIZATION_FULL_RANGE.
  assert.deepEqual(colors({ colorspace: 3 }), ['bt709', 'limited']);
  assert.deepEqual(colors({ colorspace: 7 }), ['bt601', 'full']);
  assert.deepEqual(colors({ colorspace: 10 }), ['bt2020', 'limited']);
  assert.deepEqual(colors({ colorspace: 3, ycbcrEncoding: 1, quantization: 1 }), ['bt601', 'full']);
});
