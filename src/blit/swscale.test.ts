/** A second opinion on the results: that of swscale, by files. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { bytesOf, withStudio } from '../../test/support/fakes/blit-studio.ts';
import { missingFfmpeg } from '../../test/support/processes/ffmpeg.ts';
import { temporaryFolder } from '../../test/support/runner/temporary-folder.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import type { BlitFormatName } from './blit-format.ts';

const skip = missingFfmpeg();

/** As ffmpeg calls them. */
const NAMES = {
  YUYV: 'yuyv422',
  UYVY: 'uyvy422',
  NV12: 'nv12',
  NV21: 'nv21',
  YUV420: 'yuv420p',
  XRGB8888: 'bgr0',
  RGB888: 'bgr24',
  BGR888: 'rgb24',
} as const satisfies Partial<Record<BlitFormatName, string>>;

const WIDTH = 64;
const HEIGHT = 32;

/** Beyond that, two roundings and swscale's factors of fewer bits do not differ. */
const DIFFERENCE_MAX = 4;

/** Values within the limited range, that no result is clipped by more than its rounding. */
function randomBytes(length: number): number[] {
  const random = new SeededRandom(7);
  return Array.from({ length }, () => 96 + random.below(64));
}

/** What swscale makes of a picture, with SWS_POINT and its exact rounding. */
function swscale(folder: string, from: string, to: string, bytes: readonly number[]): Uint8Array {
  const [input, output] = [join(folder, 'input'), join(folder, 'output')];
  writeFileSync(input, Uint8Array.from(bytes));
  const source = ['-nostdin', '-y', '-f', 'rawvideo', '-pix_fmt', from, '-s', `${WIDTH}x${HEIGHT}`];
  const { status, stderr } = spawnSync(
    'ffmpeg',
    [...source, '-i', input, '-vf', 'scale=flags=neighbor+accurate_rnd', '-pix_fmt', to, '-f', 'rawvideo', output],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return readFileSync(output);
}

for (const [from, to] of [
  ['YUYV', 'XRGB8888'],
  ['NV12', 'XRGB8888'],
  ['UYVY', 'RGB888'],
  ['NV21', 'BGR888'],
  ['YUV420', 'XRGB8888'],
] as const) {
  test(`Blitter.blitSync() is within ${DIFFERENCE_MAX} of swscale's SWS_POINT: ${from} to ${to}`, { skip }, (t) => {
    const folder = temporaryFolder(t);
    return withStudio(({ blitter, frame }) => {
      const bytes = randomBytes(from === 'YUYV' || from === 'UYVY' ? WIDTH * HEIGHT * 2 : (WIDTH * HEIGHT * 3) / 2);
      const destination = frame(to, WIDTH, HEIGHT);
      blitter.blitSync(frame(from, WIDTH, HEIGHT, bytes), destination);
      const theirs = swscale(folder, NAMES[from], NAMES[to], bytes);
      const ours = bytesOf(destination);
      assert.equal(theirs.length, ours.length);
      const isUnused = (at: number): boolean => to === 'XRGB8888' && at % 4 === 3;
      const differences = ours.map((byte, at) => (isUnused(at) ? 0 : Math.abs(byte - (theirs[at] as number))));
      assert.ok(Math.max(...differences) <= DIFFERENCE_MAX, `${Math.max(...differences)}`);
    })();
  });
}
