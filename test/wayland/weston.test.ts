/** Pictures in a window of an unmodified weston, pixel by pixel, by its capture of its output. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { isDmaBufError, openHeap } from '../../src/index.ts';
import type { Heap } from '../../src/index.ts';
import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { connectCompositor } from '../../src/wayland/connect-compositor.ts';
import { captureScreen, openWindow } from '../../src/wayland/index.ts';
import { missingWeston, startWeston } from '../support/processes/weston.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const skip = missingWeston();
checkLeaksAfterFile();

const SIZE = { width: 320, height: 200 };

function embeddedHeap(t: TestContext): Heap {
  const heap = openHeap('system', { backends: ['embedded'] });
  t.after(() => heap.close());
  return heap;
}

/** No two pixels near each other are the same, nor two pictures of different seeds. */
function colorAt(x: number, y: number, seed: number): [blue: number, green: number, red: number] {
  return [(x + seed) & 0xff, (y * 3) & 0xff, (x * y + seed) & 0xff];
}

/** A picture in a buffer, from an offset on and with a stride of its own. */
function picture(t: TestContext, heap: Heap, { seed = 0, stride = 0 } = {}): FrameLayout {
  const description = describeFrame('XRGB8888', { ...SIZE, ...(stride === 0 ? {} : { stride }) });
  const buffer = heap.allocate(description.length, { shareable: true });
  t.after(() => buffer.close());
  const layout = new FrameLayout(description, [buffer]);
  paint(layout, seed);
  return layout;
}

function paint(layout: FrameLayout, seed: number): void {
  layout.accessSync('write', ([plane]) => {
    for (let y = 0; y < SIZE.height; y += 1) {
      const row = plane?.row(y) ?? new Uint8Array(0);
      for (let x = 0; x < SIZE.width; x += 1) row.set([...colorAt(x, y, seed), 0], 4 * x);
    }
  });
}

/** How many pixels of the output are other ones, by the compositor's own capture. */
async function wrongPixels(t: TestContext, display: string, seed: number): Promise<number> {
  const captured = await captureScreen(embeddedHeap(t), { display });
  t.after(() => captured.buffers[0]?.close());
  assert.deepEqual([captured.width, captured.height], [SIZE.width, SIZE.height]);
  let wrong = 0;
  captured.accessSync('read', ([plane]) => {
    for (let y = 0; y < SIZE.height; y += 1) {
      const row = plane?.row(y) ?? new Uint8Array(0);
      for (let x = 0; x < SIZE.width; x += 1)
        if (colorAt(x, y, seed).some((color, index) => row[4 * x + index] !== color)) wrong += 1;
    }
  });
  return wrong;
}

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
    assert.equal(await wrongPixels(t, display, index + 1), 0);
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
  assert.equal(await wrongPixels(t, display, 12), 0);
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
