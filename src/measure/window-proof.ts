import { hasStamp, stampOf, countStamps, writeStamps } from './stamps.ts';

/** A buffer's contiguous view, such as {@link BufferView}. */
interface ProvenWindow {
  subarray(offset: number, length: number): Uint8Array;
}

/** The physical pages, accessed without a window, such as `ArenaPages`. */
interface PhysicalPages {
  read(pfn: number): Uint8Array;
  write(pfn: number, bytes: Uint8Array): void;
}

/**
 * A way to a buffer's memory that bypasses the view. `arena`: the pages of the embedded heap's
 * arena, by their pfns. `process`: another process, which gets the buffer's descriptor and maps it
 * itself.
 */
export interface SecondWay {
  readonly kind: 'arena' | 'process';
  /** Counts the pages that have the view's stamps, then gives each page a stamp of its own. */
  exchangeStamps(pages: Uint32Array): number;
}

/** How many stamps were written in one way, and how many of them were found in the other. */
export interface StampCount {
  readonly written: number;
  readonly found: number;
}

/** The results of {@link proveWindow}. */
export interface WindowProof {
  readonly secondWay: SecondWay['kind'];
  readonly throughWindow: StampCount;
  readonly throughSecondWay: StampCount;
}

/**
 * Proves that a window shows a buffer's pages in the buffer's order. Stamps written through the
 * window must be found by the second way, and stamps written the second way must be seen through
 * the window. Every stamp is different. This overwrites the buffer's contents at these places.
 *
 * @param pages the pages to stamp, by their index in the buffer
 */
export function proveWindow(
  window: ProvenWindow,
  secondWay: SecondWay,
  { pages, pageSize }: { readonly pages: Uint32Array; readonly pageSize: number },
): WindowProof {
  const written = pages.length;
  writeStamps(window, { pages, pageSize, way: 'through the view' });
  const foundBySecondWay = secondWay.exchangeStamps(pages);
  const foundInWindow = countStamps(window, { pages, pageSize, way: 'past the view' });
  return {
    secondWay: secondWay.kind,
    throughWindow: { written, found: foundBySecondWay },
    throughSecondWay: { written, found: foundInWindow },
  };
}

/** True when there were stamps, and every one was found. */
export function isProven({ throughWindow, throughSecondWay }: WindowProof): boolean {
  const written = throughWindow.written + throughSecondWay.written;
  return written > 0 && throughWindow.found + throughSecondWay.found === written;
}

/**
 * The second way to a buffer of the embedded heap.
 *
 * @param pfns of the buffer's pages, from the page-by-page iterator, not from the runs by which the
 *   window was mapped
 */
export function wayThroughArena(arena: PhysicalPages, pfns: Uint32Array): SecondWay {
  const pfnOf = (page: number): number => pfns[page] as number;
  const exchangeStamps = (pages: Uint32Array): number => {
    const found = pages.filter((page) => hasStamp(arena.read(pfnOf(page)), page, 'through the view')).length;
    for (const page of pages) arena.write(pfnOf(page), stampOf(page, 'past the view'));
    return found;
  };
  return { kind: 'arena', exchangeStamps };
}
