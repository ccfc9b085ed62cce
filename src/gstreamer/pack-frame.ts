import { openHeap } from '../backend/open-heap.ts';
import { assert } from '../base/assert.ts';
import { withCleanup } from '../base/cleanup.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { FrameDescription } from '../picture/frame-description.ts';

/** A copy, until it is closed. */
interface PackedFrame {
  readonly layout: FrameLayout;
  close(): void;
}

/**
 * The same picture where `description` has its planes, in memory of its own.
 *
 * @throws {DmaBufError} as `FrameLayout.accessSync` and `Heap.allocate`
 */
export function packFrame(layout: FrameLayout, description: FrameDescription): PackedFrame {
  return withCleanup((cleanup) => {
    const heap = openHeap('system', { backends: ['embedded'] });
    cleanup.defer(() => heap.close());
    const buffer = heap.allocate(description.length, { shareable: true });
    cleanup.defer(() => buffer.close());
    const copy = new FrameLayout(description, [buffer]);
    layout.accessSync(
      'read',
      (from) => {
        copy.accessSync('write', (to) => {
          for (const [index, plane] of to.entries()) {
            const source = from[index];
            assert(source !== undefined, 'Both have the same format');
            for (let row = 0; row < plane.rowCount; row += 1) plane.row(row).set(source.row(row));
          }
        });
      },
      { block: true },
    );
    const close = (): void => {
      buffer.close();
      heap.close();
    };
    return { layout: copy, close };
  });
}
