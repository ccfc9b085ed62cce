import type { ByteLength } from '../base/quantities.ts';
import type { OrderMixName } from '../pages/order-mixes.ts';
import { assert } from '../base/assert.ts';
import { withCleanup } from '../base/cleanup.ts';
import { endAfter } from '../heap/finally.ts';
import type { RawCalls } from '../linux/calls/kernel-calls.ts';
import { pagesByPage } from '../sg/pages-by-page.ts';
import type { MeasuredBuffer } from './measured-buffer.ts';
import { openMeasuredHeap } from './measured-heap.ts';
import { wayThroughArena } from './window-proof.ts';

/** The properties of a buffer of the embedded heap. */
interface EmbeddedBufferOptions {
  /** In whole pages. */
  readonly length: ByteLength;
  readonly mix: OrderMixName;
  readonly seed: number;
  readonly raw: RawCalls;
}

/**
 * Allocates a buffer of the embedded heap, in a wanted mix of orders.
 *
 * @throws {DmaBufError} `ENOMEM` when the address space does not suffice for the heap's arena
 */
export function allocateEmbeddedBuffer(options: EmbeddedBufferOptions): MeasuredBuffer {
  const { heap, orders, arenaFd, mapping } = openMeasuredHeap(options);
  return withCleanup((cleanup) => {
    cleanup.defer(() => heap.close());
    const buffer = heap.allocate(options.length, { name: 'main job' });
    cleanup.defer(() => buffer.close());
    const layout = buffer.layout();
    assert(layout.known, 'The embedded heap knows where its pages are');
    const { table } = layout;
    const pages = pagesByPage(table);
    const { name, backend, chosenBecause, arena } = heap;
    return {
      heap: { name, backend, chosenBecause, orders, arenaPageCount: arena.pageCount },
      heldBytes: undefined,
      buffer,
      layout,
      mapping,
      filePages: { fd: arenaFd, pages, pageSize: table.pageSize, joined: true },
      secondWay: wayThroughArena(arena, pages),
      close: () =>
        endAfter(
          () => buffer.close(),
          () => heap.close(),
        ),
    };
  });
}
