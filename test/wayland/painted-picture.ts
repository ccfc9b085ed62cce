/** Pictures of which no pixel is like its neighbours, and what an output has of them. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

import type { PictureSize } from '../../src/base/rectangle.ts';
import { openHeap } from '../../src/index.ts';
import type { Heap } from '../../src/index.ts';
import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888 } from '../../src/uapi/drm-fourcc.ts';
import { captureScreen } from '../../src/wayland/index.ts';

/** More than a busy machine takes. */
const LOOKS_MAX = 200;
/** Of every picture, unless it says another. */
export const SIZE = { width: 320, height: 200 };

export function embeddedHeap(t: TestContext): Heap {
  const heap = openHeap('system', { backends: ['embedded'], contiguous: true });
  t.after(() => heap.close());
  return heap;
}

/** No two pixels near each other are the same, nor two pictures of different seeds. */
export function colorAt(x: number, y: number, seed: number): [blue: number, green: number, red: number] {
  return [(x + seed) & 0xff, (y * 3) & 0xff, (x * y + seed) & 0xff];
}

/** A picture in a buffer, in the rows that are wanted. */
export function picture(t: TestContext, heap: Heap, { seed = 0, stride = 0 } = {}): FrameLayout {
  const description = describeFrame('XRGB8888', { ...SIZE, ...(stride === 0 ? {} : { stride }) });
  const buffer = heap.allocate(description.length, { shareable: true });
  t.after(() => buffer.close());
  const layout = new FrameLayout(description, [buffer]);
  paint(layout, seed);
  return layout;
}

export function paint(layout: FrameLayout, seed: number): void {
  layout.accessSync('write', ([plane]) => {
    for (let y = 0; y < SIZE.height; y += 1) {
      const row = plane?.row(y) ?? new Uint8Array(0);
      for (let x = 0; x < SIZE.width; x += 1) row.set([...colorAt(x, y, seed), 0], 4 * x);
    }
  });
}

type ColorOf = (x: number, y: number) => readonly number[];

/** How many pixels of the output are other ones, by the compositor's own capture. */
export async function wrongPixels(display: string, seed: number): Promise<number> {
  return await pixelsOtherThan(display, (x, y) => colorAt(x, y, seed));
}

/** As {@link wrongPixels}, of blue, green and red at a place. */
export async function pixelsOtherThan(display: string, colorOf: ColorOf, size: PictureSize = SIZE): Promise<number> {
  using heap = openHeap('system', { backends: ['embedded'], contiguous: true });
  const captured = await captureScreen(heap, { display });
  try {
    assert.deepEqual([captured.width, captured.height], [size.width, size.height]);
    assert.ok([DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888].includes(captured.fourcc), inspect(captured));
    return captured.accessSync('read', ([plane]) => {
      let wrong = 0;
      for (let y = 0; y < size.height; y += 1) {
        const row = plane?.row(y) ?? new Uint8Array(0);
        for (let x = 0; x < size.width; x += 1)
          if (colorOf(x, y).some((color, index) => row[4 * x + index] !== color)) wrong += 1;
      }
      return wrong;
    });
  } finally {
    captured.buffers[0]?.close();
  }
}

/** Waits until the output has no other pixel, and asserts that it has none. */
export async function assertSettled(wrongCount: () => Promise<number>): Promise<void> {
  let wrong = await wrongCount();
  for (let look = 0; look < LOOKS_MAX && wrong > 0; look += 1) {
    await delay(50);
    wrong = await wrongCount();
  }
  assert.equal(wrong, 0);
}
