/** Pictures in a window of an unmodified sway, pixel by pixel: by grim, and by screencopy. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { isDmaBufError } from '../../src/index.ts';
import type { FrameLayout } from '../../src/picture/index.ts';
import { openWindow } from '../../src/wayland/index.ts';
import type { Window } from '../../src/wayland/index.ts';
import type { Compositor } from '../support/processes/headless-compositor.ts';
import { missingSway, runGrim, startSway } from '../support/processes/sway.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { assertSettles } from '../support/runner/settled.ts';
import { SIZE, colorAt, embeddedHeap, paint, picture, wrongPixels } from './painted-picture.ts';

const skip = missingSway();
checkLeaksAfterFile();

/** A window that fills the output of a sway of its own, and shows picture 0. */
async function opened(t: TestContext): Promise<{ sway: Compositor; window: Window }> {
  const sway = await startSway(t, SIZE);
  const window = await openWindow({ display: sway.display, ...SIZE });
  t.after(() => window.close());
  await window.show(picture(t, embeddedHeap(t)));
  // Sway asks for pictures before it has put a new window in its place.
  await assertSettles(() => runGrim(sway).equals(paintedPpm(0)), true, 'picture 0');
  return { sway, window };
}

/** As netpbm writes it: a head, and red, green and blue of each pixel. */
function paintedPpm(seed: number): Buffer {
  const pixels = Buffer.alloc(SIZE.width * SIZE.height * 3);
  for (let y = 0; y < SIZE.height; y += 1)
    for (let x = 0; x < SIZE.width; x += 1) pixels.set(colorAt(x, y, seed).toReversed(), 3 * (y * SIZE.width + x));
  return Buffer.concat([Buffer.from(`P6\n${SIZE.width} ${SIZE.height}\n255\n`), pixels]);
}

test('sway shows pictures in memfds, and grim finds every byte of them', { skip }, async (t) => {
  const { sway, window } = await opened(t);
  assert.deepEqual(window.size, SIZE);
  const heap = embeddedHeap(t);
  for (const [seed, stride] of [
    [1, 1280],
    [2, 2048],
  ] as const) {
    await (
      await window.show(picture(t, heap, { seed, stride }))
    ).drawn;
    assert.ok(runGrim(sway).equals(paintedPpm(seed)), `picture ${seed}`);
  }
});

test('captureScreen() has every pixel of sway', { skip }, async (t) => {
  const { sway, window } = await opened(t);
  await (
    await window.show(picture(t, embeddedHeap(t), { seed: 3 }))
  ).drawn;
  assert.equal(await wrongPixels(sway.display, 3), 0);
});

test('sway at scale 2 shows a picture of twice the window’s size pixel by pixel', { skip }, async (t) => {
  const sway = await startSway(t, SIZE, 2);
  const window = await openWindow({ display: sway.display, ...SIZE });
  t.after(() => window.close());
  const layout = picture(t, embeddedHeap(t), { seed: 7 });
  // Sway gives a window its place once it has a picture.
  await window.show(layout, { scale: 2 });
  await assertSettles(() => [window.size, window.scale], [{ width: SIZE.width / 2, height: SIZE.height / 2 }, 2]);
  await window.show(layout, { scale: 2 });
  await assertSettles(() => runGrim(sway).equals(paintedPpm(7)), true, 'picture 7');
});

test('sway releases a picture once another is shown, after which it may be painted again', { skip }, async (t) => {
  const { sway, window } = await opened(t);
  const heap = embeddedHeap(t);
  const pictures = [picture(t, heap), picture(t, heap), picture(t, heap)] as const;
  const released: Promise<void>[] = [];
  for (let seed = 3; seed < 13; seed += 1) {
    const layout = pictures[seed % 3] as FrameLayout;
    await released.at(-3);
    paint(layout, seed);
    const shown = await window.show(layout);
    released.push(shown.released);
    await shown.drawn;
    assert.ok(runGrim(sway).equals(paintedPpm(seed)), `picture ${seed}`);
  }
});

test('sway that is killed is an error, and no hang', { skip }, async (t) => {
  const { sway, window } = await opened(t);
  const ended = new Promise<Error>((resolve) => {
    window.once('end', resolve);
  });
  const shown = await window.show(picture(t, embeddedHeap(t)));
  await sway.kill();
  assert.ok(isDmaBufError(await ended, 'ECONNRESET'));
  await shown.released;
});
