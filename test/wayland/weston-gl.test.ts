/** Pictures in a window of an unmodified weston that draws by OpenGL (llvmpipe), pixel by pixel. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { FrameLayout } from '../../src/picture/index.ts';
import { openWindow } from '../../src/wayland/index.ts';
import { missingWeston, startWeston } from '../support/processes/weston.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { SIZE, embeddedHeap, paint, picture, wrongPixels } from './painted-picture.ts';

const skip = missingWeston('gl');
checkLeaksAfterFile();

test('weston that draws by OpenGL shows pictures in memfds, and not one pixel is another', { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE, { renderer: 'gl' });
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

test('weston that draws by OpenGL releases a picture at once, which may be painted again', { skip }, async (t) => {
  const { display } = await startWeston(t, SIZE, { renderer: 'gl' });
  const window = await openWindow({ display, ...SIZE });
  t.after(() => window.close());
  // It has its own copy: one picture is enough.
  const layout: FrameLayout = picture(t, embeddedHeap(t));
  for (let seed = 3; seed < 13; seed += 1) {
    paint(layout, seed);
    const shown = await window.show(layout);
    await shown.released;
    await shown.drawn;
    assert.equal(await wrongPixels(display, seed), 0);
  }
});
