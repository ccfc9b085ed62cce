/** The outputs of both walks, and their checks, before a byte is written. */

import { types } from 'node:util';

import { outOfRange, wrongType, wrongValue } from '../base/argument-error.ts';
import { checkInteger, checkOneOf, readOptions } from '../base/check.ts';
import { TABLE_PAGE_COUNT_MAX, UINT_MAX } from '../base/limits.ts';
import { placeOf } from '../base/typed-array.ts';
import { PAGE_WIDTHS, PageList } from './page-list.ts';
import type { PageWidth } from './page-list.ts';
import { SgTable } from './sg-table.ts';

/** Options of a walk that yields pfns. */
export interface PfnOutputOptions {
  /** 4 bytes: pfns. */
  readonly width?: 4;
  /**
   * The destination of the pfns. Default: a new array. A reused one avoids its page faults, which
   * cost more than the walk.
   */
  readonly out?: Uint32Array | PageList<4>;
  /** How many pages the table is expected to describe. */
  readonly pages?: number;
}

/** Options of a walk that yields page addresses. */
export interface AddressOutputOptions {
  /** 8 bytes: addresses. */
  readonly width?: 8;
  /** The destination of the addresses; as with pfns. */
  readonly out?: BigUint64Array | PageList<8>;
  /** How many pages the table must describe. Default: any number. */
  readonly pages?: number;
}

/** Options of a walk. */
export type PageOutputOptions = PfnOutputOptions | AddressOutputOptions;

/** Where a walk writes. */
interface PageOutput {
  /** Exactly as long as the table has pages. */
  readonly pages: Uint32Array | BigUint64Array;
  /** The list whose beginning `pages` is. */
  readonly list: PageList | undefined;
}

const ACTION = 'write the pages of the table';

function widthOf(out: PageOutputOptions['out']): PageWidth | undefined {
  if (out === undefined) return undefined;
  if (PageList.isPageList(out)) return out.width;
  if (types.isUint32Array(out)) return 4;
  if (types.isBigUint64Array(out)) return 8;
  const must = 'be a Uint32Array, a BigUint64Array or a page list';
  throw wrongType({ action: ACTION, name: 'out' }, { must, received: out });
}

function checkWidth(out: PageOutputOptions['out'], wanted: PageWidth | undefined): PageWidth {
  const outWidth = widthOf(out);
  const width = checkOneOf(wanted === undefined ? (outWidth ?? 4) : wanted, {
    action: ACTION,
    name: 'width',
    allowed: PAGE_WIDTHS,
  });
  if (outWidth === undefined || outWidth === width) return width;
  throw wrongValue({ action: ACTION, name: 'width' }, { must: `be that of out, ${outWidth}`, received: width });
}

function allocate(width: PageWidth, pageCount: number): Uint32Array | BigUint64Array {
  return width === 4 ? new Uint32Array(pageCount) : new BigUint64Array(pageCount);
}

/** Exactly the pages, as an array of our own: `subarray` would construct the caller's class. */
function beginningOf(out: Uint32Array | BigUint64Array, width: PageWidth, pageCount: number): PageOutput['pages'] {
  const { buffer, byteOffset, length } = placeOf(out);
  if (length < pageCount) {
    throw outOfRange({ action: ACTION, name: 'out.length' }, { must: `be at least ${pageCount}`, received: length });
  }
  return width === 4
    ? new Uint32Array(buffer, byteOffset, pageCount)
    : new BigUint64Array(buffer, byteOffset, pageCount);
}

/**
 * Checks the options of a walk over `table`, and makes its output. Throws as {@link pagesByEntry}
 * documents.
 */
export function openOutput(table: SgTable, options: PageOutputOptions): PageOutput {
  if (!SgTable.isTable(table)) {
    throw wrongType({ action: ACTION, name: 'table' }, { must: 'be an SgTable', received: table });
  }
  const { width: wanted, out, pages } = readOptions(options, ACTION, ['width', 'out', 'pages']);
  const width = checkWidth(out, wanted);
  const { pageCount, pfnMax } = table;
  if (pages !== undefined) {
    const argument = { action: ACTION, name: 'pages' };
    checkInteger(pages, { ...argument, min: 0, max: TABLE_PAGE_COUNT_MAX });
    if (pages !== pageCount)
      throw outOfRange(argument, { must: `be the ${pageCount} pages that the table has`, received: pages });
  }
  if (width === 4 && pfnMax > UINT_MAX) {
    const must = `be 8 where a pfn is above ${UINT_MAX}, as ${pfnMax} is`;
    throw outOfRange({ action: ACTION, name: 'width' }, { must, received: width });
  }
  if (out === undefined) return { pages: allocate(width, pageCount), list: undefined };
  const list = PageList.isPageList(out) ? out : undefined;
  const array = PageList.isPageList(out) ? out.array : out;
  return { pages: beginningOf(array, width, pageCount), list };
}
