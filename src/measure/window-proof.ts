import { pagesByPage } from '../sg/pages-by-page.ts';
import type { SgTable } from '../sg/sg-table.ts';

/** A buffer's contiguous view: {@link BufferView} is one. */
interface ProvenWindow {
  subarray(offset: number, length: number): Uint8Array;
}

/** The physical pages, reached past every window: `ArenaPages` is one. */
interface PhysicalPages {
  read(pfn: number): Uint8Array;
  write(pfn: number, bytes: Uint8Array): void;
}

/** How many stamps were written one way and looked for the other way, and how many were there. */
export interface StampCount {
  readonly written: number;
  readonly found: number;
}

/** What {@link proveWindow} saw. */
export interface WindowProof {
  readonly throughWindow: StampCount;
  readonly throughPages: StampCount;
}

/** A page that gets a stamp: its place in the buffer, and the pfn that the kernel's page iterator gives for it. */
interface StampedPage {
  readonly bufferPage: number;
  readonly pfn: number;
}

const STAMP_BYTES = 8;

/** They make the two directions' stamps differ: one that was left over from the first is none of the second. */
const WINDOW_SALT = 0x5749_4e44;
const PAGES_SALT = 0x5047_4553;

/**
 * Proves that a window shows a table's pages in the table's order: stamps written through the window, at the first and the
 * last page of every run, must be found in the pages of those pfns, and stamps written into the pages must be seen through the
 * window. Every stamp is different. What the buffer holds at these places is overwritten.
 *
 * The pfns come from the iterator that goes page by page, not from the runs that the window was mapped by.
 */
export function proveWindow(window: ProvenWindow, pages: PhysicalPages, table: SgTable): WindowProof {
  const stamped = pagesToStamp(table);
  const { pageSize } = table;
  for (const { bufferPage } of stamped) {
    window.subarray(bufferPage * pageSize, STAMP_BYTES).set(stampOf(bufferPage, WINDOW_SALT));
  }
  const inPages = stamped.filter(({ bufferPage, pfn }) => holds(pages.read(pfn), stampOf(bufferPage, WINDOW_SALT)));
  for (const { bufferPage, pfn } of stamped) pages.write(pfn, stampOf(bufferPage, PAGES_SALT));
  const inWindow = stamped.filter(({ bufferPage }) =>
    holds(window.subarray(bufferPage * pageSize, STAMP_BYTES), stampOf(bufferPage, PAGES_SALT)),
  );
  return {
    throughWindow: { written: stamped.length, found: inPages.length },
    throughPages: { written: stamped.length, found: inWindow.length },
  };
}

/** True when every stamp was found, and there were any. */
export function isProven({ throughWindow, throughPages }: WindowProof): boolean {
  const written = throughWindow.written + throughPages.written;
  return written > 0 && throughWindow.found + throughPages.found === written;
}

function pagesToStamp(table: SgTable): StampedPage[] {
  const pfns = pagesByPage(table);
  const stamped: StampedPage[] = [];
  const stamp = (bufferPage: number): void => {
    stamped.push({ bufferPage, pfn: pfns[bufferPage] as number });
  };
  let first = 0;
  for (const length of table.runs().lengths) {
    const last = first + length / table.pageSize - 1;
    stamp(first);
    if (last !== first) stamp(last);
    first = last + 1;
  }
  return stamped;
}

function stampOf(bufferPage: number, salt: number): Uint8Array {
  return new Uint8Array(new Uint32Array([bufferPage, (bufferPage ^ salt) >>> 0]).buffer);
}

function holds(bytes: Uint8Array, stamp: Uint8Array): boolean {
  return stamp.every((byte, index) => bytes[index] === byte);
}
