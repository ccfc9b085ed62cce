import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../base/errors.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { FrameDescription } from '../../picture/frame-description.ts';
import type { FrameFields } from '../../picture/frame-flaw.ts';
import { DRM_FORMAT_NV12 } from '../../uapi/drm-fourcc.ts';
import { FRAME_RECORD_BYTES, decodeFrameRecord, encodeFrameRecord } from './frame-record.ts';
import type { FrameRecord } from './frame-record.ts';

const FIELDS: FrameFields = {
  width: 64,
  height: 32,
  fourcc: DRM_FORMAT_NV12,
  modifier: 0n,
  planes: [
    { bufferIndex: 0, offset: 0, stride: 64, length: 2048 },
    { bufferIndex: 1, offset: 512, stride: 128, length: 2000 },
  ],
};
const MEMFD = { kind: 'memfd', length: 4096 };
const SYNC_FILE = { kind: 'sync-file', length: 0 };

/** The bytes that C programs write. */
test('encodeFrameRecord lays a frame out as the C header says', () => {
  const bytes = encodeFrameRecord({ fields: { ...FIELDS, modifier: 0x0100_0000_0000_0002n }, descriptors: [2, 0] });
  const expected = new Uint8Array(120);
  expected.set([64, 0, 0, 0, 32, 0, 0, 0, 0x4e, 0x56, 0x31, 0x32, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1], 0);
  expected.set([2, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8], 24);
  expected.set([0, 0, 0, 0, 128, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0xd0, 7], 48);
  assert.deepEqual(bytes, expected);
});

test('decodeFrameRecord gives what encodeFrameRecord was given', () => {
  const record: FrameRecord = { fields: FIELDS, descriptors: [2, 0] };
  const announced = [MEMFD, SYNC_FILE, { kind: 'dma-buf', length: 2048 }];
  assert.deepEqual(decodeFrameRecord(encodeFrameRecord(record), announced), record);
  const modifier = 0xffff_ffff_ffff_fffen;
  const tiled: FrameRecord = { fields: { ...FIELDS, modifier }, descriptors: [2, 0] };
  assert.equal(decodeFrameRecord(encodeFrameRecord(tiled), announced).fields.modifier, modifier);
});

test('decodeFrameRecord counts the buffers that a picture lies in, not the descriptors of the message', () => {
  const { planes } = FIELDS;
  const inOne = { ...FIELDS, planes: planes.map((plane) => Object.assign({}, plane, { bufferIndex: 0 })) };
  const bytes = encodeFrameRecord({ fields: inOne, descriptors: [3] });
  const decoded = decodeFrameRecord(bytes, [SYNC_FILE, SYNC_FILE, MEMFD, MEMFD]);
  assert.deepEqual(decoded, { fields: inOne, descriptors: [3] });
});

/** A correct frame with one random number in one random place, usually close to a limit. */
function spoil(random: SeededRandom, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  const near = [0, 1, 2, 4, 5, 63, 65, 512, 4095, 4096, 4097, 2 ** 31, 2 ** 32 - 4096, 2 ** 32 - 1];
  const value = random.below(4) === 0 ? random.uint32() : (near[random.below(near.length)] ?? 0);
  view.setUint32(4 * random.below(FRAME_RECORD_BYTES / 4), value, true);
}

/** A naive twin: checks for every row that all of its bytes lie in its buffer. */
function assertHeld({ fields, descriptors }: FrameRecord, lengths: readonly number[]): void {
  for (const { bufferIndex, offset, length } of fields.planes) {
    const bufferLength = lengths[descriptors[bufferIndex] ?? -1] ?? -1;
    assert.ok(offset >= 0 && length > 0 && offset + length <= bufferLength, 'a plane lies in its buffer');
  }
  if (fields.fourcc !== DRM_FORMAT_NV12 || fields.modifier !== 0n) return;
  const rows = [
    { bytes: fields.width, count: fields.height },
    { bytes: 2 * Math.ceil(fields.width / 2), count: Math.ceil(fields.height / 2) },
  ];
  assert.equal(fields.planes.length, 2);
  for (const [index, { stride, length }] of fields.planes.entries()) {
    const { bytes = 0, count = 0 } = rows[index] ?? {};
    assert.ok(stride >= bytes && (count - 1) * stride + bytes <= length, 'the rows lie in their plane');
  }
}

test('decodeFrameRecord refuses with EPROTO, or gives a frame that fits its buffers: 20,000 corrupted frames', () => {
  const random = new SeededRandom(8);
  const announced = [MEMFD, SYNC_FILE, { kind: 'dma-buf', length: 8192 }];
  const right = encodeFrameRecord({ fields: FIELDS, descriptors: [2, 0] });
  let taken = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = right.slice();
    for (let change = random.below(4); change >= 0; change -= 1) spoil(random, bytes);
    let record: FrameRecord | undefined;
    try {
      record = decodeFrameRecord(bytes, announced);
    } catch (error) {
      assert.ok(isDmaBufError(error, 'EPROTO'), `round ${round}: ${String(error)}`);
      continue;
    }
    assertHeld(record, [4096, 0, 8192]);
    // An accepted frame is a description: its own checks find nothing more.
    assert.equal(new FrameDescription(record.fields).planes.length, record.fields.planes.length);
    taken += 1;
  }
  assert.ok(taken > 500 && taken < 19_500, `both ways are tried: ${taken} were taken`);
});

test('decodeFrameRecord refuses random bytes with EPROTO', () => {
  const random = new SeededRandom(9);
  for (let round = 0; round < 2000; round += 1) {
    const bytes = Uint8Array.from({ length: FRAME_RECORD_BYTES }, () => random.below(256));
    assert.throws(
      () => decodeFrameRecord(bytes, [MEMFD, MEMFD]),
      (error) => isDmaBufError(error, 'EPROTO'),
    );
  }
});
