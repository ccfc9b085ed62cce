import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { missingFfmpeg } from '../../../test/support/processes/ffmpeg.ts';
import { PictureFileError } from './picture-file-error.ts';
import { decodeY4m, y4mFrameBytes, y4mFrameHead, y4mHead } from './y4m.ts';

const skip = missingFfmpeg();
const RATE = { numerator: 30_000, denominator: 1001 } as const;

function runFfmpeg(words: readonly string[], input: Uint8Array): Buffer {
  const { stdout, stderr, status } = spawnSync('ffmpeg', ['-v', 'error', ...words, 'pipe:1'], { input });
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

function someFrames(count: number, lengthBytes: number): Uint8Array[] {
  return Array.from({ length: count }, (_, frame) =>
    Uint8Array.from({ length: lengthBytes }, (_, at) => (at * 7 + frame) & 255),
  );
}

test('y4mFrameBytes() rounds chroma up', () => {
  assert.equal(y4mFrameBytes({ width: 4, height: 2 }), 12);
  assert.equal(y4mFrameBytes({ width: 5, height: 3 }), 15 + 2 * 6);
});

test('y4mHead() and y4mFrameHead() begin what ffmpeg reads, odd sizes included', { skip }, () => {
  for (const size of [
    { width: 16, height: 8 },
    { width: 7, height: 5 },
  ]) {
    const frames = someFrames(2, y4mFrameBytes(size));
    const file = Buffer.concat([
      y4mHead({ ...size, rate: RATE }),
      ...frames.flatMap((frame) => [y4mFrameHead(), frame]),
    ]);
    const raw = runFfmpeg(['-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'yuv420p'], file);
    assert.deepEqual(new Uint8Array(raw), new Uint8Array(Buffer.concat(frames)));
  }
});

test('decodeY4m() reads what ffmpeg writes', { skip }, () => {
  const size = { width: 7, height: 5 };
  const frames = someFrames(3, y4mFrameBytes(size));
  const source = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', '7x5', '-r', '30000/1001', '-i', 'pipe:0'];
  const video = decodeY4m(runFfmpeg([...source, '-f', 'yuv4mpegpipe'], Buffer.concat(frames)));
  assert.deepEqual(
    { ...video, frames: video.frames.map((frame) => new Uint8Array(frame)) },
    { ...size, rate: RATE, frames },
  );
});

test('decodeY4m() refuses unsupported files, with the reason', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['RIFF', /as there is no line at byte 0$/u],
    ['RIFF\n', /as its first line is not that of one$/u],
    ['YUV4MPEG2 W4 F25:1\nFRAME\n', /as it has 4 x 0 pixels$/u],
    ['YUV4MPEG2 W4 H2 C444\nFRAME\n', /as its color space is 444, and 420 is read$/u],
    ['YUV4MPEG2 W4 H2\n', /as it has no frames$/u],
    ['YUV4MPEG2 W4 H2\nFRAMEx', /as there is no line at byte 16$/u],
    ['YUV4MPEG2 W4 H2\nFRAME\n12345678', /as it ends within frame 0$/u],
    ['YUV4MPEG2 W4 H2\nFRAME\n123456789012FR\n', /as no frame begins at byte 34$/u],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => decodeY4m(Buffer.from(text)), { name: 'PictureFileError', message }, text);
  }
});

test('decodeY4m() assumes 25 frames per second where a file gives no rate', () => {
  const { rate } = decodeY4m(Buffer.from('YUV4MPEG2 W2 H2 F0:0\nFRAME Ip\n123456'));
  assert.deepEqual(rate, { numerator: 25, denominator: 1 });
});

test('decodeY4m() refuses any bytes, or reads whole frames of them', () => {
  const word = fc.constantFrom(
    'YUV4MPEG2 ',
    'W2 ',
    'H2 ',
    'C420jpeg',
    'F1:0',
    '\n',
    'FRAME',
    '123456',
    ' ',
    'W-1 ',
    'H99999 ',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      try {
        const { frames, ...size } = decodeY4m(Buffer.from(words.join('')));
        assert.deepEqual(new Set(frames.map((frame) => frame.length)), new Set([y4mFrameBytes(size)]));
      } catch (error) {
        assert.ok(error instanceof PictureFileError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
