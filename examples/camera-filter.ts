// A camera through a filter in WebAssembly to a screen: the module reads the camera's buffers and
// writes the screen's, which lie side by side in its memory. Nothing is copied in or out.
// node camera-filter.ts [CAMERA] [CARD]
import { MiB } from 'dmabuf';
import { openDisplay } from 'dmabuf/drm';
import { listCameras, openCamera } from 'dmabuf/v4l2';
import { createWasmSpace } from 'dmabuf/wasm';

// TypeScript declares it in the browser's library alone.
declare const WebAssembly: {
  instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

const [device = listCameras()[0]?.path ?? '/dev/video0', path] = process.argv.slice(2);
const [width, height, format] = [640, 480, 'XRGB8888'] as const;
const end = new AbortController();
process.once('SIGINT', () => end.abort());

// (func (export "invert") (param $from i32) (param $to i32) (param $bytes i32)), 16 bytes a step.
const INVERT =
  'AGFzbQEAAAABBwFgA39/fwACEgEDZW52Bm1lbW9yeQIDAYCABAMCAQAHCgEGaW52ZXJ0AAAKLwEtAANAIAEgAP0ABAD9Tf0LBAAg' +
  'AEEQaiEAIAFBEGohASACQRBrIgJBAEoNAAsL';
const space = createWasmSpace({ length: 32 * MiB, shared: true });
const { memory } = space;
const module = await WebAssembly.instantiate(Buffer.from(INVERT, 'base64'), { env: { memory } });
const invert = module.instance.exports['invert'] as (from: number, to: number, bytes: number) => void;

using display = openDisplay({ path, mode: { width, height } });
using camera = openCamera(device, { width, height, format });
// One is shown while the other is written.
const pictures = [0, 1].map(() => display.allocate({ width, height, format }));
const sources = camera.buffers.map(([buffer]) => buffer && space.map(buffer));
const targets = pictures.map(({ frame }) => frame.buffers.map((buffer) => space.map(buffer)));

let turn = 0;
try {
  for await (const frame of camera.frames({ signal: end.signal, backlog: 1 })) {
    const picture = pictures[turn % 2];
    const [from, to] = [sources[frame.index], targets[turn % 2]?.[0]];
    if (picture === undefined || from === undefined || to === undefined) continue;
    // Same size, same stride: rows need no care.
    await frame.layout.access('read', () =>
      picture.frame.accessSync('write', ([plane]) => invert(from.offset, to.offset, plane?.length ?? 0)),
    );
    frame.close();
    await display.show(picture);
    turn += 1;
  }
} catch (error) {
  if (!end.signal.aborted) throw error;
}
for (const mapping of [...sources, ...targets.flat()]) mapping?.close();
space.close();
