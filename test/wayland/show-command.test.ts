/** `dmabuf show` in a window of an unmodified weston, pixel by pixel. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { encodeRgbAsPng } from '../../src/picture/file/png-writer.ts';
import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { WindowPreview } from '../../src/video/window-preview.ts';
import type { PreviewCamera } from '../../src/video/window-preview.ts';
import { openWindow } from '../../src/wayland/index.ts';
import { CLI_PATH } from '../support/processes/run-cli.ts';
import { missingWeston, startWeston } from '../support/processes/weston.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import {
  SIZE,
  assertSettled,
  colorAt,
  embeddedHeap,
  picture,
  pixelsOtherThan,
  wrongPixels,
} from './painted-picture.ts';

const skip = missingWeston();
checkLeaksAfterFile();

/** A picture of {@link SIZE} in a file. */
async function pngFile(t: TestContext, seed: number): Promise<string> {
  const pixels = new Uint8Array(SIZE.width * SIZE.height * 3);
  for (let y = 0; y < SIZE.height; y += 1)
    for (let x = 0; x < SIZE.width; x += 1) pixels.set(colorAt(x, y, seed).toReversed(), 3 * (y * SIZE.width + x));
  const path = join(temporaryFolder(t), 'picture.png');
  writeFileSync(path, await encodeRgbAsPng({ ...SIZE, bytes: pixels }));
  return path;
}

async function assertShown(display: string, seed: number): Promise<void> {
  await assertSettled(async () => await wrongPixels(display, seed));
}

test('dmabuf show opens a window where a compositor owns the screen, until Ctrl-C', { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE);
  const env = { ...process.env, WAYLAND_DISPLAY: display };
  const command = spawn(process.execPath, [CLI_PATH, 'show', await pngFile(t, 5), '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => command.kill('SIGKILL'));
  const said = text(command.stdout);
  const ended = once(command, 'close');
  await assertShown(display, 5);
  command.kill('SIGINT');
  assert.deepEqual(await ended, [0, null]);
  const { seconds, framesPerSecond, ...report } = JSON.parse(await said) as Record<string, unknown>;
  assert.ok(Number(seconds) > 0 && Number(framesPerSecond) > 0);
  assert.deepEqual(report, {
    format: 'dmabuf-show',
    version: 1,
    card: null,
    driver: null,
    connector: null,
    mode: null,
    window: SIZE,
    way: null,
    reason: null,
    pixelFormat: null,
    width: null,
    height: null,
    shownCount: 1,
    lostCount: null,
    droppedCount: null,
    stageNs: null,
  });
});

test('dmabuf show says where it was, and ends with 1 when the compositor is gone', { skip }, async (t) => {
  const weston = await startWeston(t, SIZE);
  const env = { ...process.env, WAYLAND_DISPLAY: weston.display };
  const path = await pngFile(t, 6);
  const words = ['show', path, '--window', '--for', '0.2'];
  const { stdout, status } = spawnSync(process.execPath, [CLI_PATH, ...words], { env, encoding: 'utf8' });
  assert.match(stdout, /^Window: 320x200\nShown: +1 picture in 0\.\d s/u);
  assert.equal(status, 0);
  const command = spawn(process.execPath, [CLI_PATH, 'show', path], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const said = text(command.stderr);
  const ended = once(command, 'close');
  await assertShown(weston.display, 6);
  await weston.kill();
  assert.deepEqual(await ended, [1, null]);
  assert.match(await said, /Cannot go on with the compositor as it is gone/u);
});

test('dmabuf show --window without a compositor says so', () => {
  const env = { ...process.env, WAYLAND_DISPLAY: '/nowhere/wayland' };
  const words = ['show', '--window', new URL('../../../docs/camera-to-screen.png', import.meta.url).pathname];
  const { stderr, status } = spawnSync(process.execPath, [CLI_PATH, ...words], { env, encoding: 'utf8' });
  assert.match(stderr, /\/nowhere\/wayland/u);
  assert.equal(status, 1);
});

/** A camera of which these are the frames. @returns how many were given back, too */
function cameraOf(layouts: readonly FrameLayout[]): { camera: PreviewCamera; closedCount: () => number } {
  let closedCount = 0;
  const camera = {
    format: { colors: {} },
    frames: async function* frames() {
      for (const layout of layouts) yield { layout, close: () => void (closedCount += 1) };
    },
  };
  return { camera, closedCount: () => closedCount };
}

test("a camera's frames of the window's size are shown where they lie", { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE);
  const window = await openWindow({ display, ...SIZE });
  t.after(() => window.close());
  const heap = embeddedHeap(t);
  const { camera, closedCount } = cameraOf([7, 8, 9].map((seed) => picture(t, heap, { seed })));
  const preview = new WindowPreview(camera, window);
  t.after(() => preview.close());
  let seed = 7;
  for await (const number of preview.run({ signal: new AbortController().signal })) {
    assert.equal(number, seed - 6);
    await assertShown(display, seed);
    seed += 1;
  }
  assert.equal(seed, 10);
  assert.deepEqual(preview.way, { kind: 'cameraBuffers', reason: "the window shows the camera's buffers" });
  // The last one is still shown.
  assert.equal(closedCount(), 2);
});

test("a camera's frames that the compositor does not take are converted, and given back", { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE);
  const window = await openWindow({ display, ...SIZE });
  t.after(() => window.close());
  const heap = embeddedHeap(t);
  // Three bytes a pixel, which weston does not take.
  const description = describeFrame('RGB888', SIZE);
  const buffer = heap.allocate(description.length, { shareable: true });
  t.after(() => buffer.close());
  const layout = new FrameLayout(description, [buffer]);
  layout.accessSync('write', ([plane]) => {
    for (let y = 0; y < SIZE.height; y += 1)
      for (let x = 0; x < SIZE.width; x += 1) plane?.row(y).set(colorAt(x, y, 4), 3 * x);
  });
  const { camera, closedCount } = cameraOf([layout, layout, layout, layout, layout]);
  const preview = new WindowPreview(camera, window);
  t.after(() => preview.close());
  for await (const number of preview.run({ signal: new AbortController().signal })) {
    assert.equal(closedCount(), number);
    await assertShown(display, 4);
  }
  assert.equal(closedCount(), 5);
  assert.equal(preview.way.kind, 'blit');
  assert.match(preview.way.reason, /RG24 320x200 .*the compositor does not take it in memfds/u);
});

test("a camera's frames of another size are shown as large as they fit", { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE);
  const window = await openWindow({ display, ...SIZE });
  t.after(() => window.close());
  const heap = embeddedHeap(t);
  const description = describeFrame('XRGB8888', { width: 100, height: 100 });
  const buffer = heap.allocate(description.length, { shareable: true });
  t.after(() => buffer.close());
  buffer.accessSync('write', (bytes) => bytes.fill(255));
  const { camera } = cameraOf([new FrameLayout(description, [buffer])]);
  const preview = new WindowPreview(camera, window);
  t.after(() => preview.close());
  for await (const number of preview.run({ signal: new AbortController().signal })) assert.equal(number, 1);
  assert.deepEqual(preview.way, { kind: 'blit', reason: 'the window has 320x200, the camera 100x100' });
  // In the middle, as high as the window.
  const shade = (x: number): number => (x >= 60 && x < 260 ? 255 : 0);
  await assertSettled(async () => await pixelsOtherThan(display, (x) => [shade(x), shade(x), shade(x)]));
});
