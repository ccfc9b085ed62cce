import { withCleanup } from '../../base/cleanup.ts';
import { pagesCoveringBytes } from '../../base/quantities.ts';
import type { BorrowedFd } from '../../linux/fd.ts';
import type { SystemCalls } from '../../linux/system-calls.ts';
import type { BufferLayout } from '../contract.ts';
import { toLayout } from './dma-buf-layout.ts';
import { findPages, SLICE_PAGES } from './find-pages.ts';
import type { MeasuredSize } from './find-pages.ts';
import { explainTracingFailure } from './open-trace.ts';
import { PagemapSource } from './pagemap-source.ts';
import { SliceWindow } from './slice-window.ts';

const ATTEMPTS_MAX = 3;

/**
 * The runs of a memfd's memory, from the pagemap of a mapping. Every page is committed by it. Unless a dma-buf holds them, the kernel may
 * move pages at any time: what is told was so twice in a row.
 */
export function layoutOfMemfd(calls: SystemCalls, memfd: BorrowedFd, size: MeasuredSize): BufferLayout {
  const { root = '/', pageSize, length } = size;
  try {
    return withCleanup((cleanup) => {
      const pageCount = pagesCoveringBytes(length, pageSize);
      const window = new SliceWindow({ calls, file: memfd, pageSize, pageCountMax: Math.min(SLICE_PAGES, pageCount) });
      cleanup.defer(() => window.close());
      const pagemap = new PagemapSource(pageSize, root);
      const pfns = findTwice(() => findPages(window, [pagemap], pageCount));
      cleanup.unwind();
      if (pfns !== undefined) return toLayout(pfns, [pagemap], size);
      return {
        known: false,
        ...(pagemap.refused ? HIDDEN : { reason: 'its pages were moved, or swapped out, meanwhile' }),
      };
    });
  } catch (error) {
    return { known: false, ...explainTracingFailure(error, root) };
  }
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
