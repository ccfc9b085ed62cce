/**
 * What `bench/peer/camera.c` does, by this package, in a process of its own: `node camera-loop.js
 * DEVICE WIDTH HEIGHT FOURCC RATE BUFFERS WARMUP FRAMES`. Writes the same line.
 */

import { argv, cpuUsage, stdout } from 'node:process';

import { openHeap } from '../src/backend/open-heap.ts';
import { openCamera } from '../src/v4l2/index.ts';

const [device = '', width, height, format = '', rate, buffers, warmup, frames] = argv.slice(2);
const [warmupCount, frameCount] = [Number(warmup), Number(frames)];
const NS_PER_MICROSECOND = 1000;

/** One word of each page that the driver has filled. */
function sumOfWords(bytes: Uint8Array, length: number, step: number): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, length >>> 2);
  const wordStep = step >>> 2;
  let sum = 0;
  for (let at = 0; at < words.length; at += wordStep) sum += words[at] as number;
  return sum;
}

const heap = openHeap('system', { backends: ['kernel'] });
const camera = openCamera(device, {
  width: Number(width),
  height: Number(height),
  format,
  rate: Number(rate),
  buffers: Number(buffers),
  heap,
});
// C maps each buffer once as well.
const views = camera.buffers.flatMap((buffers) => buffers.map((buffer) => buffer.vmap()));
let [count, lost, faulty, sum, next] = [0, 0, 0, 0, 0];
let started = cpuUsage();
for await (const frame of camera.frames()) {
  const [length = 0] = frame.bytesUsed;
  if (count === warmupCount) {
    [lost, faulty, sum, next] = [0, 0, 0, frame.sequence];
    started = cpuUsage();
  }
  lost += frame.sequence - next;
  next = frame.sequence + 1;
  if (frame.damaged) faulty += 1;
  sum += frame.buffer.accessSync('read', (bytes) => sumOfWords(bytes, length, heap.pageSize));
  frame.close();
  count += 1;
  if (count === warmupCount + frameCount) break;
}
const { user, system } = cpuUsage(started);
for (const view of views) view.close();
camera.close();
heap.close();
stdout.write(`${(user + system) * NS_PER_MICROSECOND} ${lost} ${faulty} ${sum}\n`);
