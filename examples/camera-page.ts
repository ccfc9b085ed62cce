// A camera as a page on loopback: multipart/x-mixed-replace, which every browser shows as a moving
// picture. JPEG pictures go out as the camera gives them.
// node camera-page.ts [CAMERA] [PORT]
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { openHeap } from 'dmabuf';
import { createBlitter } from 'dmabuf/blit';
import { FrameLayout, describeFrame, encodePng } from 'dmabuf/picture';
import { listCameras, openCamera } from 'dmabuf/v4l2';
import type { CameraFrame } from 'dmabuf/v4l2';

const [device = listCameras()[0]?.path ?? '/dev/video0', port = '8080'] = process.argv.slice(2);
const BOUNDARY = 'frame';
using camera = openCamera(device, { width: 320, height: 180, adjust: true });
const { width, height, compressed, colors } = camera.format;
const viewers = new Set<ServerResponse>();

// What is no JPEG goes out as PNG: red, green and blue bytes, made by one blit.
using heap = openHeap('system');
using blitter = createBlitter();
const description = describeFrame('BGR888', { width, height });
using buffer = heap.allocate(description.length);
const picture = new FrameLayout(description, [buffer]);

async function bytesOf(frame: CameraFrame): Promise<Uint8Array> {
  if (compressed) return await frame.layout.access('read', ([plane]) => plane?.copyOut() ?? new Uint8Array());
  await blitter.blit(frame.layout, picture, { sourceColors: colors });
  return await encodePng(picture);
}

const server = createServer((request, response) => {
  if (request.url !== '/frames') {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Camera</title><img src="/frames">');
    return;
  }
  response.setHeader('content-type', `multipart/x-mixed-replace; boundary=${BOUNDARY}`).write('\r\n');
  viewers.add(response.on('close', () => viewers.delete(response)));
});
await once(server.listen(Number(port), '127.0.0.1'), 'listening');
process.stdout.write(`http://127.0.0.1:${port}/\n`);

const end = new AbortController();
process.once('SIGINT', () => end.abort());
try {
  for await (const frame of camera.frames({ signal: end.signal, backlog: 1, skipDamaged: true })) {
    const bytes = await bytesOf(frame);
    frame.close();
    const head = `--${BOUNDARY}\r\ncontent-type: image/${compressed ? 'jpeg' : 'png'}\r\ncontent-length: ${bytes.length}\r\n\r\n`;
    // A viewer that does not keep up misses frames.
    const ready = [...viewers].filter((viewer) => !viewer.writableNeedDrain);
    for (const viewer of ready) viewer.write(Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n')]));
  }
} catch (error) {
  if (!end.signal.aborted) throw error;
}
server.closeAllConnections();
server.close();
