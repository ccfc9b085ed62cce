// A camera on a screen without a desktop, without a copy: the camera fills buffers of the screen.
// node camera-to-screen.ts [CAMERA] [CARD]
import { openDisplay } from 'dmabuf/drm';
import { listCameras, openCamera } from 'dmabuf/v4l2';
import type { CameraFrame } from 'dmabuf/v4l2';

const [device = listCameras()[0]?.path ?? '/dev/video0', path] = process.argv.slice(2);
const [width, height, format] = [640, 480, 'XRGB8888'] as const;
const end = new AbortController();
process.once('SIGINT', () => end.abort());

using display = openDisplay({ path, mode: { width, height } });
const pictures = Array.from({ length: 4 }, () => display.allocate({ width, height, format }));
const buffers = pictures.map(({ frame }) => frame.buffers);
const stride = pictures[0]?.frame.planes[0]?.stride;
using camera = openCamera(device, { width, height, format, stride, buffers });

let shown: CameraFrame | undefined;
try {
  for await (const frame of camera.frames({ signal: end.signal, backlog: 1 })) {
    const picture = pictures[frame.index];
    if (picture !== undefined) await display.show(picture);
    // The screen has read the one before until now: the camera may fill it again.
    shown?.close();
    shown = frame;
  }
} catch (error) {
  if (!end.signal.aborted) throw error;
}
