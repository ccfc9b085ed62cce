import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { DRM_FORMAT_MOD_INVALID, DRM_FORMAT_MOD_LINEAR, DRM_FORMAT_NV12 } from '../uapi/drm-fourcc.ts';
import { parseFourcc } from './fourcc.ts';
import { FrameDescription } from './frame-description.ts';
import type { FrameFields, PlaneDescription } from './frame-flaw.ts';

const LUMA: PlaneDescription = { bufferIndex: 0, offset: 0, stride: 64, length: 2048 };
const CHROMA: PlaneDescription = { bufferIndex: 0, offset: 2048, stride: 64, length: 1024 };
const NV12: FrameFields = {
  width: 64,
  height: 32,
  fourcc: DRM_FORMAT_NV12,
  modifier: DRM_FORMAT_MOD_LINEAR,
  planes: [LUMA, CHROMA],
};

test('FrameDescription holds the values it was made from, and never changes', () => {
  const planes = [{ ...LUMA }, { ...CHROMA }];
  const frame = new FrameDescription({ ...NV12, planes });
  planes[0] = CHROMA;
  assert.deepEqual(frame.planes, [LUMA, CHROMA]);
  assert.deepEqual([frame.width, frame.height, frame.fourcc, frame.modifier], [64, 32, 0x3231_564e, 0n]);
  assert.deepEqual([frame.format?.name, frame.bufferCount, frame.bufferLengths], ['NV12', 1, [3072]]);
  assert.throws(() => Object.assign(frame, { width: 65 }), TypeError);
  assert.throws(() => Object.assign(frame.planes[0] as object, { offset: 1 }), TypeError);
  assert.throws(() => (frame.bufferLengths as number[]).push(1), TypeError);
  assert.equal(inspect(frame), 'FrameDescription { NV12 64x32 }');
});

test('FrameDescription is made again from a copy that another thread was sent', () => {
  const frame = new FrameDescription(NV12);
  const again = new FrameDescription(structuredClone(frame));
  assert.deepEqual([again.planes, again.bufferLengths], [frame.planes, [3072]]);
});

/** drm_gem_fb_init_with_funcs: (height - 1) * pitch + the least pitch. */
test('FrameDescription takes a plane whose last row ends before its stride does', () => {
  const last = (length: number): FrameDescription =>
    new FrameDescription({
      ...NV12,
      planes: [
        { ...LUMA, stride: 100, length },
        { ...CHROMA, offset: 4096 },
      ],
    });
  assert.equal(last(31 * 100 + 64).bufferLengths[0], 5120);
  assert.throws(() => last(31 * 100 + 63), /its plane 0 has 3163 bytes where its 32 rows take 3164/u);
});

test('FrameDescription refuses planes that do not hold the picture', () => {
  const refuses = (planes: readonly PlaneDescription[], says: RegExp): void => {
    assert.throws(() => new FrameDescription({ ...NV12, planes }), { name: 'RangeError', message: says });
  };
  refuses([], /it has 0 planes/u);
  refuses([LUMA], /NV12 has 2 planes and it 1/u);
  refuses([LUMA, CHROMA, CHROMA], /NV12 has 2 planes and it 3/u);
  refuses([LUMA, CHROMA, CHROMA, CHROMA, CHROMA], /'planes\.length' must/u);
  refuses([{ ...LUMA, stride: 63 }, CHROMA], /the stride of its plane 0 is 63 where a row takes 64 bytes/u);
  refuses([LUMA, { ...CHROMA, stride: 0 }], /the stride of its plane 1 is 0/u);
  refuses([LUMA, { ...CHROMA, length: 1023 }], /its plane 1 has 1023 bytes where its 16 rows take 1024/u);
  refuses([LUMA, { ...CHROMA, length: 0 }], /its plane 1 is empty/u);
  refuses(
    [
      { ...LUMA, bufferIndex: 1 },
      { ...CHROMA, bufferIndex: 1 },
    ],
    /in buffer 1, and only 1 have planes/u,
  );
  refuses([LUMA, { ...CHROMA, bufferIndex: 2 }], /in buffer 2, and only 2 have planes/u);
  refuses([LUMA, { ...CHROMA, bufferIndex: 4 }], /'planes\[1\]\.bufferIndex' must/u);
  refuses([LUMA, { ...CHROMA, offset: -1 }], /'planes\[1\]\.offset' must/u);
});

/** framebuffer_check: height * pitch + offset must not exceed UINT_MAX. */
test('FrameDescription refuses planes that end beyond 32 bits', () => {
  const end = 2 ** 32 - 1;
  const at = (offset: number, place: Partial<PlaneDescription> = {}): FrameDescription =>
    new FrameDescription({ ...NV12, planes: [LUMA, { ...CHROMA, offset, ...place }] });
  assert.equal(at(end - 1024).bufferLengths[0], end);
  assert.throws(() => at(end - 1023), /its plane 1 of 1024 bytes at 4294966272, .* goes beyond 32 bits/u);
  // Its bytes would fit, because the last row is short, but its last stride would not.
  const long = { stride: 2 ** 20, length: 15 * 2 ** 20 + 64 };
  assert.equal(at(end - 16 * 2 ** 20, long).planes[1]?.length, long.length);
  assert.throws(() => at(end - 16 * 2 ** 20 + 1, long), /its plane 1, 16 rows of 1048576 bytes, goes beyond 32 bits/u);
});

test('FrameDescription accepts any layout of a format that only a driver knows', () => {
  const tiled = new FrameDescription({ ...NV12, modifier: 0x0400_0000_0000_0001n, planes: [{ ...LUMA, length: 1 }] });
  assert.equal(tiled.format, undefined);
  assert.equal(inspect(tiled), 'FrameDescription { NV12 64x32, modifier 0x400000000000001 }');
  assert.equal(new FrameDescription({ ...NV12, modifier: DRM_FORMAT_MOD_INVALID }).format, undefined);
  const unknown = new FrameDescription({
    ...NV12,
    fourcc: parseFourcc('ZZZZ'),
    planes: [LUMA, CHROMA, CHROMA, CHROMA],
  });
  assert.deepEqual([unknown.format, unknown.planes.length], [undefined, 4]);
});

test('FrameDescription refuses values of another kind, and names them', () => {
  const refuses = (fields: Readonly<Record<string, unknown>>, says: RegExp): void => {
    assert.throws(() => new FrameDescription({ ...NV12, ...fields }), says);
  };
  refuses({ width: '64' }, /TypeError: .*: 'width' must/u);
  refuses({ fourcc: 'NV12' }, /TypeError: .*: 'fourcc' must/u);
  refuses({ fourcc: 0 }, /RangeError: .*: 'fourcc' must/u);
  refuses({ modifier: 0 }, /TypeError: .* 'modifier' must be a bigint, received 0/u);
  refuses({ modifier: -1n }, /RangeError: .* 'modifier' must fit into 64 bits, received -1/u);
  refuses({ modifier: 2n ** 64n }, /RangeError: .* must fit into 64 bits/u);
  refuses({ planes: { length: 2 } }, /TypeError: .* 'planes' must be an array/u);
  refuses({ planes: [LUMA, null] }, /TypeError: .* 'planes\[1\]' must be an object/u);
  refuses(
    { planes: [LUMA, { ...CHROMA, pitch: 64 }] },
    /TypeError: .* 'planes\[1\]\.pitch' is not one of the options/u,
  );
  refuses({ colour: 'red' }, /TypeError: .* 'colour' is not one of the options/u);
  assert.throws(() => new FrameDescription(undefined as unknown as FrameFields), TypeError);
});
