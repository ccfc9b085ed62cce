import { withCleanup } from '../../base/cleanup.ts';
import { pagesCoveringBytes } from '../../base/quantities.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import type { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { BufferLayout } from '../../heap/backend.ts';
import { toLayout } from './dma-buf-layout.ts';
import { findPages, SLICE_PAGES } from './find-pages.ts';
import type { MeasuredSize } from './find-pages.ts';
import { explainTracingFailure } from '../../diagnosis/open-trace.ts';
import { PagemapSource } from './pagemap-source.ts';
import { SliceWindow } from './slice-window.ts';
import { thisMachine } from '../../linux/machine.ts';

const ATTEMPTS_MAX = 3;

/**
 * The runs of a memfd's memory, from the pagemap of a mapping. Commits every page. Unless a dma-buf
 * pins them, the kernel may move pages at any time: the result was read twice in a row without a
 * change.
 */
export function layoutOfMemfd(calls: MemoryCalls, memfd: BorrowedFd, size: MeasuredSize): BufferLayout {
  const { machine = thisMachine, pageSize, length } = size;
  try {
    return withCleanup((cleanup) => {
      const pageCount = pagesCoveringBytes(length, pageSize);
      const pageCountMax = Math.min(SLICE_PAGES, pageCount);
      const window = new SliceWindow({ calls, file: memfd, stores: 'private', pageSize, pageCountMax });
      cleanup.defer(() => window.close());
      const pagemap = new PagemapSource(pageSize, machine);
      const pfns = findTwice(() => findPages(window, [pagemap], pageCount));
      cleanup.unwind();
      if (pfns !== undefined) return toLayout(pfns, [pagemap], size);
      return { known: false, ...whyUnknown(pagemap) };
    });
  } catch (error) {
    return { known: false, ...explainTracingFailure(error, machine) };
  }
}

function whyUnknown({ refused, failure }: PagemapSource): Pick<BufferLayout & { known: false }, 'reason' | 'remedy'> {
  if (refused) return HIDDEN;
  if (failure === undefined) return { reason: 'its pages were moved, or swapped out, meanwhile' };
  return {
    reason: `what tells where its pages lie is missing. ${failure}`,
    remedy: 'mount /proc and run this as root',
  };
}

const HIDDEN = {
  reason: 'where the pages of its memfd lie is told only to root',
  remedy:
    'run this as root (CAP_SYS_ADMIN, outside of containers), or allocate from the embedded heap without { shareable: true }',
};

function findTwice(find: () => Float64Array | undefined): Float64Array | undefined {
  let before = find();
  for (let attempt = 1; attempt < ATTEMPTS_MAX && before !== undefined; attempt += 1) {
    const now = find();
    if (now?.every((pfn, page) => pfn === before?.[page]) === true) return now;
    before = now;
  }
  return undefined;
}
