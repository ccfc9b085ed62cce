/** ffmpeg is the oracle: it mirrors the same film by itself. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { missingFfmpeg } from '../support/processes/ffmpeg.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/through-ffmpeg.js', import.meta.url));
const skip = missingFfmpeg();
const TIMEOUT_MS = 120_000;

function run(program: string, words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', timeout: TIMEOUT_MS });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return stdout;
}

/** A line for each picture, with the sum of all its bytes. */
function sumsOf(film: string, filter: string): string[] {
  const words = [
    '-loglevel',
    'error',
    '-nostdin',
    '-i',
    film,
    '-vf',
    filter,
    '-pix_fmt',
    'nv12',
    '-f',
    'framemd5',
    '-',
  ];
  const lines = run('ffmpeg', words).split('\n');
  return lines.filter((line) => /^\d/u.test(line)).map((line) => line.split(',').at(-1)?.trim() ?? '');
}

// 642 is no multiple of the stride's 64.
for (const [size, pictureCount] of [
  ['642x362', 5],
  ['64x48', 40],
] as const)
  test(
    `examples/through-ffmpeg.ts mirrors ${pictureCount} pictures of ${size}, every byte as ffmpeg does`,
    { skip },
    (t) => {
      const folder = temporaryFolder(t);
      const [film, mirrored] = [join(folder, 'in.mkv'), join(folder, 'out.mkv')];
      const made = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=10`, '-frames:v', `${pictureCount}`];
      run('ffmpeg', ['-loglevel', 'error', '-nostdin', ...made, '-pix_fmt', 'yuv420p', '-c:v', 'ffv1', film]);
      assert.equal(run(process.execPath, [EXAMPLE, film, size, mirrored]), '');
      const sums = sumsOf(mirrored, 'null');
      assert.equal(sums.length, pictureCount);
      // Pictures in a wrong order would be noticed, too.
      assert.ok(new Set(sums).size > pictureCount / 2);
      assert.deepEqual(sums, sumsOf(film, 'hflip'));
    },
  );

test('examples/through-ffmpeg.ts ends with the status of an ffmpeg that fails', { skip }, (t) => {
  const folder = temporaryFolder(t);
  const words = [EXAMPLE, join(folder, 'missing.mkv'), '64x48', join(folder, 'out.mkv')];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: TIMEOUT_MS });
  assert.match(stderr, /missing\.mkv: No such file or directory/u);
  assert.equal(status, 1);
});
