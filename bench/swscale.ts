/** What swscale takes to convert a picture, by ffmpeg's own clock. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A conversion to XRGB8888, which ffmpeg calls bgr0. */
export interface SwscaleConversion {
  /** As ffmpeg calls it. */
  readonly pixelFormat: 'nv12' | 'yuyv422';
  readonly width: number;
  readonly height: number;
  /** One picture. */
  readonly bytes: Uint8Array;
  readonly rounds: number;
}

/** Why there is nothing to compare with, or undefined. */
export function missingSwscale(): string | undefined {
  return spawnSync('ffmpeg', ['-version'], { stdio: 'ignore' }).status === 0 ? undefined : 'ffmpeg is not installed';
}

/** The first pictures meet cold caches. */
const WARMUP_ROUNDS = 3;

/**
 * The ns that each picture took, in one thread. SWS_POINT is called `neighbor` there; the filter
 * `bench` reads the clock before and after the scaler alone.
 */
export function measureSwscale({ pixelFormat, width, height, bytes, rounds }: SwscaleConversion): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-swscale-'));
  try {
    const path = join(folder, 'picture');
    writeFileSync(path, bytes);
    const input = ['-f', 'rawvideo', '-pix_fmt', pixelFormat, '-s', `${width}x${height}`];
    const loop = ['-stream_loop', `${rounds + WARMUP_ROUNDS - 1}`];
    const filter = 'bench=start,scale=flags=neighbor,format=bgr0,bench=stop';
    const args = [...loop, ...input, '-i', path, '-filter_threads', '1', '-vf', filter, '-f', 'null', '-'];
    const { stderr } = spawnSync('ffmpeg', ['-hide_banner', '-nostdin', ...args], { encoding: 'utf8' });
    const seconds = [...stderr.matchAll(/\bt:(?<time>[\d.]+) avg:/gu)].map(({ groups }) => Number(groups?.['time']));
    return seconds.slice(WARMUP_ROUNDS).map((time) => time * 1e9);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
