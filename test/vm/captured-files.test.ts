/** What `dmabuf capture` writes in a guest, read by ffmpeg outside. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { rgbAt, ycbcrAt } from '../support/devices/color-bars.ts';
import { missingFfmpeg } from '../support/processes/ffmpeg.ts';
import { missingForGuest } from '../support/runner/guest-tests.ts';

const MEMORY_MIB = 1024;
const PROGRAM = fileURLToPath(new URL('../../vm/main.js', import.meta.url));
const skip = missingForGuest({ guest: 'x86_64', memoryMiB: MEMORY_MIB }) ?? missingFfmpeg();

const [WIDTH, HEIGHT] = [320, 180] as const;
const SCRIPT = `
  modprobe vivid n_devs=1 node_types=0x1
  dmabuf camera /dev/video0 --set test_pattern=1 --set osd_text_mode=2 >/dev/null
  dmabuf capture /dev/video0 /root/a.png --format XR24 --size ${WIDTH}x${HEIGHT} >&2
  dmabuf capture /dev/video0 /root/b.y4m --format YUYV --size ${WIDTH}x${HEIGHT} --frames 2 >&2
  base64 -w 0 /root/a.png; echo; base64 -w 0 /root/b.y4m; echo`;

function decode(file: Buffer, pixels: string): Buffer {
  const words = ['-v', 'error', '-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', pixels, 'pipe:1'];
  const { stdout, stderr, status } = spawnSync('ffmpeg', words, { input: file, maxBuffer: 2 ** 26 });
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

test('ffmpeg reads the PNG and the Y4M that dmabuf capture writes, and sees the camera’s bars', { skip }, () => {
  const words = [PROGRAM, '--memory', `${MEMORY_MIB}M`, 'sh', '-c', SCRIPT];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  assert.equal(status, 0, stderr);
  const [png = '', y4m = ''] = stdout.trimEnd().split('\n');
  const rgb = decode(Buffer.from(png, 'base64'), 'rgb24');
  assert.equal(rgb.length, WIDTH * HEIGHT * 3);
  const yuv = decode(Buffer.from(y4m, 'base64'), 'yuv420p');
  assert.equal(yuv.length, 2 * WIDTH * HEIGHT * 1.5);
  const chroma = WIDTH * HEIGHT;
  for (let x = 0; x < WIDTH; x += 1) {
    const at = (90 * WIDTH + x) * 3;
    assert.deepEqual([...rgb.subarray(at, at + 3)], rgbAt(x, WIDTH), `column ${x}`);
    const [luma, blueness, redness] = ycbcrAt(x, WIDTH);
    assert.ok(Math.abs((yuv[90 * WIDTH + x] as number) - luma) <= 2, `luma of column ${x}`);
    const half = (45 * WIDTH) / 2 + Math.floor(x / 2);
    assert.ok(Math.abs((yuv[chroma + half] as number) - blueness) <= 2, `Cb of column ${x}`);
    assert.ok(Math.abs((yuv[chroma + chroma / 4 + half] as number) - redness) <= 2, `Cr of column ${x}`);
  }
});
