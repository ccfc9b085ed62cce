// Frames of one GStreamer pipeline, looked at here and handed on to others. Nothing is copied.
//
// gst-launch-1.0 videotestsrc ! video/x-raw,format=NV12 ! unixfdsink socket-path=/tmp/in
// node between-pipelines.ts /tmp/in /tmp/out
// gst-launch-1.0 unixfdsrc socket-path=/tmp/out ! videoconvert ! autovideosink
import { inspect } from 'node:util';
import { receiveFrames, serveFrames } from 'dmabuf/gstreamer';
import type { FrameServer } from 'dmabuf/gstreamer';
import type { FrameLayout } from 'dmabuf/picture';

const [from = '/tmp/in', to = '/tmp/out'] = process.argv.slice(2);
let server: FrameServer | undefined;
let frameCount = 0;
for await (const frame of await receiveFrames(from, { backlog: 4 })) {
  server ??= await serveFrames(to, { caps: frame.caps.text });
  // Frames are passed over while nobody is there.
  await server.whenConnected();
  // The first pipeline gets its memory back once all the others have given it back.
  const { released } = server.send(frame.layout, { timestampNs: frame.timestampNs });
  void released.then(() => frame.close());
  if (frameCount % 30 === 0) process.stdout.write(`brightness ${brightnessOf(frame.layout)}, ${inspect(server)}\n`);
  frameCount += 1;
}
await server?.end();

/** Of the middle row's first plane, from 0 to 255: pixels are read where the pipeline put them. */
function brightnessOf(layout: FrameLayout): number {
  return layout.accessSync('read', ([plane]) => {
    const row = Uint8Array.from(plane?.row(plane.rowCount >> 1) ?? [0]);
    return Math.round(row.reduce((sum, value) => sum + value, 0) / row.length);
  });
}
