// A film, mirrored: ffmpeg decodes it into a buffer, and encodes what another buffer has. ffmpeg
// takes no descriptors, so each picture goes through two pipes, which copy it.
//
// node through-ffmpeg.ts in.mp4 1280x720 out.mkv
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { createBlitter } from 'dmabuf/blit';
import { openHeap } from 'dmabuf';
import { FrameLayout, describeFrame } from 'dmabuf/picture';

const [from = 'in.mp4', size = '1280x720', to = 'out.mkv'] = process.argv.slice(2);
const [width = 0, height = 0] = size.split('x').map(Number);
const quiet = ['-loglevel', 'error', '-nostdin'];
const raw = ['-f', 'rawvideo', '-pix_fmt', 'nv12'];

const decoder = spawn('ffmpeg', [...quiet, '-i', from, ...raw, '-s', size, 'pipe:1'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const encoder = spawn('ffmpeg', [...quiet, ...raw, '-s', size, '-i', 'pipe:0', '-c:v', 'ffv1', '-y', to], {
  stdio: ['pipe', 'ignore', 'inherit'],
});
const ended = once(encoder, 'close');

const heap = openHeap('system');
// Rows in buffers are often padded, those in pipes never.
const description = describeFrame('NV12', { width, height, stride: Math.ceil(width / 64) * 64 });
const [source, mirrored] = [layOut(), layOut()];
const blitter = createBlitter();
for await (const picture of readPictures(decoder.stdout)) {
  await copyIn(picture, source);
  await blitter.blit(source, mirrored, { flip: 'horizontal' });
  await writePicture(encoder.stdin, mirrored);
}
encoder.stdin.end();
await ended;
process.exitCode = (decoder.exitCode || encoder.exitCode) ?? 1;

function layOut(): FrameLayout {
  return new FrameLayout(description, [heap.allocate(description.length)]);
}

/** Each is valid until the next is asked for. */
async function* readPictures(pipe: Readable): AsyncGenerator<Uint8Array> {
  const picture = Buffer.alloc(describeFrame('NV12', { width, height }).length);
  let filled = 0;
  for await (const chunk of pipe as AsyncIterable<Buffer>)
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(picture, filled, at);
      at += copied;
      filled = (filled + copied) % picture.length;
      if (filled === 0) yield picture;
    }
}

async function copyIn(picture: Uint8Array, layout: FrameLayout): Promise<void> {
  await layout.access('write', (planes) => {
    let at = 0;
    for (const plane of planes) {
      const length = plane.rowBytes * plane.rowCount;
      plane.copyIn(picture.subarray(at, at + length));
      at += length;
    }
  });
}

async function writePicture(pipe: Writable, layout: FrameLayout): Promise<void> {
  const planes = await layout.access('read', (views) => views.map((view) => view.copyOut()));
  if (!pipe.write(Buffer.concat(planes))) await once(pipe, 'drain');
}
