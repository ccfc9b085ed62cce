// Frames of a GStreamer pipeline, in a Wayland window and handed on to others. Nothing is copied.
//
// gst-launch-1.0 videotestsrc ! video/x-raw,format=BGRx ! unixfdsink socket-path=/tmp/in
// node pipeline-in-window.ts /tmp/in /tmp/out
// gst-launch-1.0 unixfdsrc socket-path=/tmp/out ! videoconvert ! autovideosink
import { receiveFrames, serveFrames } from 'dmabuf/gstreamer';
import type { FrameServer } from 'dmabuf/gstreamer';
import { openWindow } from 'dmabuf/wayland';

const [from = '/tmp/in', to = '/tmp/out'] = process.argv.slice(2);
const frames = await receiveFrames(from, { backlog: 4 });
using window = await openWindow({ title: from });
window.on('closing', () => frames.stop());
let server: FrameServer | undefined;
for await (const frame of frames) {
  server ??= await serveFrames(to, { caps: frame.caps.text });
  const sent = server.send(frame.layout, { timestampNs: frame.timestampNs });
  const shown = await window.show(frame.layout);
  // The first pipeline gets its memory back once the window and the others have done with it.
  void Promise.all([shown.released, sent.released]).then(() => frame.close());
}
await server?.end();
