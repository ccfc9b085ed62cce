/**
 * Stands in for `dmabuf/v4l2` in an example: a camera without a device. Its pictures have four bars
 * side by side, and each bar has the next one's colour a picture later.
 */

import { setTimeout } from 'node:timers/promises';

import { openHeap } from 'dmabuf';
import { describeFrame, FrameLayout } from 'dmabuf/picture';

/** Red, green and blue of each bar of the first picture. */
export const BAR_COLORS: readonly (readonly [number, number, number])[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [250, 200, 150],
];

interface PatternFrame {
  readonly layout: FrameLayout;
  close: () => void;
}

interface PatternCamera {
  readonly format: {
    readonly width: number;
    readonly height: number;
    readonly compressed: false;
    readonly colors: undefined;
  };
  frames: (options: { readonly signal: AbortSignal }) => AsyncGenerator<PatternFrame, void, undefined>;
  [Symbol.dispose]: () => void;
}

export function listCameras(): { readonly path: string }[] {
  return [];
}

export function openCamera(_path: string, { width, height }: { width: number; height: number }): PatternCamera {
  const heap = openHeap('system', { backends: ['embedded'] });
  const description = describeFrame('XRGB8888', { width, height });
  const buffer = heap.allocate(description.length);
  const layout = new FrameLayout(description, [buffer]);
  return {
    format: { width, height, compressed: false, colors: undefined },
    async *frames({ signal }) {
      for (let index = 0; ; index += 1) {
        buffer.accessSync('write', (bytes) => drawBars(bytes, width, index));
        yield { layout, close: () => undefined };
        await setTimeout(200, undefined, { signal });
      }
    },
    [Symbol.dispose]: () => {
      buffer.close();
      heap.close();
    },
  };
}

/** XRGB8888 has blue first: drm_fourcc.h names formats as little-endian words. */
function drawBars(bytes: Uint8Array, width: number, shift: number): void {
  for (let at = 0; at < bytes.length; at += 4) {
    const bar = Math.floor((((at / 4) % width) * BAR_COLORS.length) / width);
    const [red, green, blue] = BAR_COLORS[(bar + shift) % BAR_COLORS.length] ?? [0, 0, 0];
    bytes.set([blue, green, red], at);
  }
}
