import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encodeFrame, FrameReader } from './frames.ts';

const STREAM = Buffer.concat([
  encodeFrame({ kind: 'json', body: Buffer.from('{}') }),
  encodeFrame({ kind: 'blocks', body: Uint8Array.of(1, 2, 3) }),
  encodeFrame({ kind: 'json', body: new Uint8Array(0) }),
]);

test('encodeFrame writes length and kind before the body', () => {
  assert.deepEqual([...STREAM], [2, 0, 0, 0, 0, 0x7b, 0x7d, 3, 0, 0, 0, 1, 1, 2, 3, 0, 0, 0, 0, 0]);
});

test('FrameReader finds the frames however the stream is cut', () => {
  for (let length = 1; length <= STREAM.length; length += 1) {
    const reader = new FrameReader();
    const frames = [];
    for (let at = 0; at < STREAM.length; at += length) frames.push(...reader.push(STREAM.subarray(at, at + length)));
    assert.deepEqual(
      frames.map(({ kind, body }) => [kind, [...body]]),
      [
        ['json', [0x7b, 0x7d]],
        ['blocks', [1, 2, 3]],
        ['json', []],
      ],
    );
  }
});

test('FrameReader refuses an unknown kind and an endless frame', () => {
  assert.throws(() => new FrameReader().push(Uint8Array.of(0, 0, 0, 0, 4)), RangeError);
  assert.throws(() => new FrameReader().push(Uint8Array.of(255, 255, 255, 255, 0)), RangeError);
});
