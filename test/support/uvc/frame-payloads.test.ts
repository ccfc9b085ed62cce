import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cutTransfer, framePayloads } from './frame-payloads.ts';

const OPTIONS = { frameId: 1, payloadBytesMax: 10, timeNs: 1_000_000_000n };
/** 48 MHz, little-endian. */
const TIME = [0x00, 0x6c, 0xdc, 0x02];

test('framePayloads puts a header before each part, and the end of the frame into the last', () => {
  const payloads = framePayloads({ bytes: Uint8Array.of(1, 2, 3, 4, 5) }, OPTIONS);
  assert.deepEqual(
    payloads.map((payload) => Array.from(payload)),
    [
      [6, 0b1000_0101, ...TIME, 1, 2, 3, 4],
      [6, 0b1000_0111, ...TIME, 5],
    ],
  );
});

test('framePayloads sets the error bit in each header, and leaves the end out where it is to be lost', () => {
  const frame = { bytes: Uint8Array.of(1, 2, 3, 4, 5), hasError: true, hasEnd: false };
  const flags = framePayloads(frame, { ...OPTIONS, frameId: 0 }).map((payload) => payload[1]);
  assert.deepEqual(flags, [0b1100_0100, 0b1100_0100]);
});

test('framePayloads makes one payload of an empty frame', () => {
  assert.deepEqual([...(framePayloads({ bytes: new Uint8Array(0) }, OPTIONS)[0] ?? [])], [6, 0b1000_0111, ...TIME]);
});

test('cutTransfer ends a payload by a transfer that is not full, or by the size of the largest', () => {
  const cuts = (length: number): [number, boolean][] => {
    const payload = new Uint8Array(length);
    const found: [number, boolean][] = [];
    for (let offset = 0; ;) {
      const { data, isLast } = cutTransfer(payload, { offset, room: 4, payloadBytesMax: 8 });
      found.push([data.length, isLast]);
      if (isLast) return found;
      offset += data.length;
    }
  };
  assert.deepEqual(cuts(3), [[3, true]]);
  assert.deepEqual(cuts(4), [
    [4, false],
    [0, true],
  ]);
  assert.deepEqual(cuts(7), [
    [4, false],
    [3, true],
  ]);
  assert.deepEqual(cuts(8), [
    [4, false],
    [4, true],
  ]);
});
