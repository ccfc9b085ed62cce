import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { missingFfmpeg } from '../processes/ffmpeg.ts';
import { flatJpeg } from './flat-jpeg.ts';
import type { BlockColour } from './flat-jpeg.ts';

const SIZE = { width: 24, height: 16 };
const COLOURS: readonly BlockColour[] = [
  [16, 128, 128],
  [255, 0, 255],
  [0, 255, 0],
  [81, 90, 240],
  [145, 54, 34],
  [200, 127, 129],
];

/** Planes of Y, Cb and Cr. */
function decodedByFfmpeg(jpeg: Uint8Array): Uint8Array {
  const words = ['-v', 'error', '-f', 'mjpeg', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'yuvj444p', '-'];
  const { status, stdout, stderr } = spawnSync('ffmpeg', words, { input: jpeg });
  assert.equal(status, 0, String(stderr));
  return stdout;
}

const skip = missingFfmpeg();

test('flatJpeg makes pictures that ffmpeg decodes to the colours given, exactly', { skip }, () => {
  const planes = decodedByFfmpeg(flatJpeg(SIZE, (column, row) => COLOURS[row * 3 + column] as BlockColour));
  const expected = [0, 1, 2].flatMap((component) =>
    Array.from({ length: SIZE.height }, (_, y) =>
      Array.from({ length: SIZE.width }, (_, x) => {
        const block = Math.floor(y / 8) * 3 + Math.floor(x / 8);
        return COLOURS[block]?.[component];
      }),
    ).flat(),
  );
  assert.deepEqual([...planes], expected);
});
