import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { isDmaBufError } from '../../base/errors.ts';
import { DRM_FORMAT_NV12 } from '../../uapi/drm-fourcc.ts';
import type { FrameRecord } from './frame-record.ts';
import { PACKET_BYTES_MAX, decodeMessage, encodeMessage, shareDescriptor, shareHeader } from './message-header.ts';
import type { DescribedDescriptor, DescriptorKind } from './message-header.ts';

const text = new TextEncoder();

const FRAME: FrameRecord = {
  fields: {
    width: 64,
    height: 32,
    fourcc: DRM_FORMAT_NV12,
    modifier: 0n,
    planes: [
      { bufferIndex: 0, offset: 0, stride: 64, length: 2048 },
      { bufferIndex: 1, offset: 512, stride: 64, length: 1024 },
    ],
  },
  descriptors: [2, 0],
};

test('encodeMessage lays a message out as the C header says', () => {
  const bytes = encodeMessage({
    descriptors: [{ kind: 'memfd', length: 0x1_0000_1000, name: 'cam' }],
    message: text.encode('hi'),
  });
  const expected = new Uint8Array(16 + 48 + 2);
  // "DBUF", version 1, one descriptor, two bytes.
  expected.set([0x44, 0x42, 0x55, 0x46, 1, 0, 1, 0, 2, 0, 0, 0], 0);
  expected.set([2, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x10, 0, 0, 1, 0, 0, 0, 0x63, 0x61, 0x6d], 16);
  expected.set([0x68, 0x69], 64);
  assert.deepEqual(bytes, expected);
});

test('decodeMessage gives what encodeMessage was given', () => {
  const kinds: DescriptorKind[] = ['dma-buf', 'memfd', 'sync-file'];
  const descriptors: DescribedDescriptor[] = kinds.map((kind, index) => ({
    kind,
    length: index * 4096,
    name: `größe ${index}`,
  }));
  for (const message of ['', 'text', 'x'.repeat(65_536)].map((each) => text.encode(each))) {
    assert.deepEqual(decodeMessage(encodeMessage({ descriptors, message })), { descriptors, message });
  }
});

test('PACKET_BYTES_MAX is a message of 64 KiB with 253 descriptors and a frame', () => {
  assert.equal(PACKET_BYTES_MAX, 77_816);
  const descriptors = Array.from({ length: 253 }, () => ({ kind: 'memfd', length: 4096, name: '' }) as const);
  assert.equal(encodeMessage({ descriptors, frame: FRAME, message: new Uint8Array(65_536) }).length, 77_816);
});

test('decodeMessage throws only EPROTO and EMSGSIZE for any bytes', () => {
  const header = fc
    .record({
      magic: fc.constantFrom(0x4655_4244, 0),
      version: fc.constantFrom(1, 0, 2, 65_535),
      descriptorCount: fc.nat(4),
      messageBytes: fc.oneof(fc.nat(40), fc.constant(0xffff_ffff)),
      frameCount: fc.constantFrom(0, 1, 2),
    })
    .map((values) => shareHeader.write(values));
  const rest = fc.uint8Array({ maxLength: 4 * shareDescriptor.size + 160 });
  const packet = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(header, rest).map((parts) => Uint8Array.from(parts.flatMap((part) => Array.from(part)))),
  );
  fc.assert(
    fc.property(packet, (bytes) => {
      try {
        const { descriptors, frame, message } = decodeMessage(bytes);
        const frameBytes = frame === undefined ? 0 : 120;
        assert.equal(16 + 48 * descriptors.length + frameBytes + message.length, bytes.length);
      } catch (error) {
        assert.ok(isDmaBufError(error, 'EPROTO') || isDmaBufError(error, 'EMSGSIZE'), String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
