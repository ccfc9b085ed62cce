/** Pictures in a window of an unmodified weston, pixel by pixel, by its capture of its output. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../src/index.ts';
import type { FrameLayout } from '../../src/picture/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { connectCompositor } from '../../src/wayland/connect-compositor.ts';
import { captureScreen, openWindow } from '../../src/wayland/index.ts';
import { missingWeston, startWeston } from '../support/processes/weston.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { SIZE, embeddedHeap, paint, picture, wrongPixels } from './painted-picture.ts';

const skip = missingWeston();
checkLeaksAfterFile();

test('weston shows pictures in memfds, and not one pixel is another', { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE);
  const window = await openWindow({ display, ...SIZE });
  t.after(() => window.close());
  const heap = embeddedHeap(t);
  const pictures = [picture(t, heap, { seed: 1 }), picture(t, heap, { seed: 2, stride: 2048 })] as const;
  for (const [index, layout] of pictures.entries()) {
    await (
      await window.show(layout)
    ).drawn;
    assert.equal(await wrongPixels(display, index + 1), 0);
  }
});

test('weston releases a picture once another is shown, after which it may be painted again', { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE);
  const window = await openWindow({ display, ...SIZE });
  t.after(() => window.close());
  const heap = embeddedHeap(t);
  const pictures = [picture(t, heap), picture(t, heap)] as const;
  const released: Promise<void>[] = [];
  for (let seed = 3; seed < 13; seed += 1) {
    const layout = pictures[seed % 2] as FrameLayout;
    await released.at(-2);
    paint(layout, seed);
    const shown = await window.show(layout);
    released.push(shown.released);
    await shown.drawn;
  }
  assert.equal(await wrongPixels(display, 12), 0);
});

test('a window of weston that is closed ends its connection, and weston goes on', { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE);
  for (let count = 0; count < 5; count += 1) {
    const window = await openWindow({ display, ...SIZE });
    await (
      await window.show(picture(t, embeddedHeap(t)))
    ).drawn;
    window.close();
  }
});

test('weston that is killed is an error, and no hang', { skip }, async (t) => {
  const { display, kill } = await startWeston(t, SIZE);
  const window = await openWindow({ display, ...SIZE });
  const layout = picture(t, embeddedHeap(t));
  const shown = await window.show(layout);
  await shown.drawn;
  const ended = new Promise<Error>((resolve) => {
    window.once('end', resolve);
  });
  await kill();
  assert.ok(isDmaBufError(await ended, 'ECONNRESET'));
  await shown.released;
  await assert.rejects(window.show(layout), (error) => isDmaBufError(error, 'ECONNRESET'));
});

test("what weston refuses is an error with weston's name for it", { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE);
  const connection = await connectCompositor({ display, signal: undefined }, new ShareContext());
  t.after(() => connection.close());
  const global = connection.findGlobal('wl_compositor');
  assert.ok(global !== undefined);
  const surface = connection.bind(global, 'wl_compositor', 4).request('create_surface');
  // No output is turned by 99.
  surface.request('set_buffer_transform', 99);
  await assert.rejects(connection.roundTrip(), { code: 'EPROTO', message: /says wl_surface\.invalid_transform: "/u });
});

test('where nobody listens, openWindow() says so', { skip }, async (t) => {
  const display = `${temporaryFolder(t)}/nobody`;
  await assert.rejects(openWindow({ display }), (error) => isDmaBufError(error, 'ENOENT'));
});

test('weston that shows its output to nobody is refused with the remedy', { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE, { shows: false });
  await assert.rejects(captureScreen(embeddedHeap(t), { display }), {
    code: 'EIO',
    message: /says "unauthorized": start weston with --debug$/u,
  });
});
