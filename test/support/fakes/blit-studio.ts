import assert from 'node:assert/strict';

import { openEmbeddedHeap } from '../../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../../src/base/sizes.ts';
import { createBlitter } from '../../../src/blit/blitter.ts';
import type { Blitter } from '../../../src/blit/blitter.ts';
import { describeFrame } from '../../../src/picture/describe-frame.ts';
import { FrameLayout } from '../../../src/picture/frame-layout.ts';
import type { PixelFormatName } from '../../../src/picture/pixel-format-table.ts';

/** A blitter, and pictures for it. */
interface Studio {
  readonly heap: EmbeddedHeap;
  readonly blitter: Blitter;
  readonly frame: (format: PixelFormatName, width: number, height: number, bytes?: readonly number[]) => FrameLayout;
}

/** Everything is closed after the body, and then nothing may be left. */
export function withStudio(body: (studio: Studio) => Promise<void> | void, length = MiB): () => Promise<void> {
  return async () => {
    const heap = openEmbeddedHeap({ capacity: 16 * MiB });
    const blitter = createBlitter({ length });
    const frames: FrameLayout[] = [];
    const frame: Studio['frame'] = (format, width, height, bytes = []) => {
      const description = describeFrame(format, { width, height });
      const made = new FrameLayout(description, [heap.allocate(description.length)]);
      made.buffers[0]?.accessSync('write', (all) => all.set(bytes));
      frames.push(made);
      return made;
    };
    await body({ heap, blitter, frame });
    for (const { buffers } of frames) for (const buffer of buffers) buffer.close();
    blitter.close();
    assert.equal(heap.stats().usedBytes, 0);
    assert.equal(heap.stats().mappingCount, 0);
    heap.close();
  };
}

/** The rows of every plane, one behind the other. */
export function bytesOf(frame: FrameLayout): number[] {
  return frame.accessSync('read', (planes) => planes.flatMap((plane) => [...plane.copyOut()]));
}
