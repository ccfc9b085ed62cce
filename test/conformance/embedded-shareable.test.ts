import { openEmbeddedHeap } from '../../src/backend/embedded/index.ts';
import type { AllocateOptions, Heap } from '../../src/index.ts';
import { cannotSeePfns, lacksLayout } from '../support/layout-rights.ts';
import { checkLeaksAfterFile } from '../support/leak-check.ts';
import { testHeap } from './all-parts.ts';

/** An embedded heap whose every buffer is shareable: a memfd of its own, or a udmabuf where the machine has them. */
function openShareableHeap(): Heap {
  const heap = openEmbeddedHeap();
  const allocate = heap.allocate.bind(heap);
  heap.allocate = (length, options?: AllocateOptions) => allocate(length, { shareable: true, ...options });
  return heap;
}

checkLeaksAfterFile();
testHeap({
  name: 'embedded, shareable',
  open: openShareableHeap,
  lacks: {
    ...lacksLayout(cannotSeePfns()),
    many: 'each shareable buffer takes a file descriptor',
  },
});
