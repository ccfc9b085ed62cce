/** What both walks take and refuse, before a byte is written. */

import { inspect } from 'node:util';

import { checkInteger, checkOneOf, checkOptions } from '../base/check.ts';
import { TABLE_PAGE_COUNT_MAX, UINT_MAX } from '../base/limits.ts';
import { PAGE_WIDTHS, PageList } from './page-list.ts';
import type { PageWidth } from './page-list.ts';
import { SgTable } from './sg-table.ts';

/** Options of a walk that yields pfns. */
export interface PfnOutputOptions {
  readonly width?: 4;
  /** Where the pfns go. Default a new array; one that is used again spares its page faults, which cost more than the walk. */
  readonly out?: Uint32Array | PageList<4>;
  /** How many pages the table is expected to describe. */
  readonly pages?: number;
}

/** Options of a walk that yields page addresses. */
export interface AddressOutputOptions {
  readonly width?: 8;
  /** Where the addresses go; as with pfns. */
  readonly out?: BigUint64Array | PageList<8>;
  readonly pages?: number;
}

/** Options of a walk. */
export type PageOutputOptions = PfnOutputOptions | AddressOutputOptions;

/** Where a walk writes. */
interface PageOutput {
  /** Exactly as long as the table has pages. */
  readonly pages: Uint32Array | BigUint64Array;
  /** The list that `pages` is the beginning of. */
  readonly list: PageList | undefined;
}

function widthOf(out: PageOutputOptions['out']): PageWidth | undefined {
  if (out === undefined) return undefined;
  if (out instanceof PageList) return out.width;
  if (out instanceof Uint32Array) return 4;
  if (out instanceof BigUint64Array) return 8;
  throw new TypeError(
    `Cannot write pages as out must be a Uint32Array, a BigUint64Array or a page list: current value is ${inspect(out)}`,
  );
}

function checkWidth(options: PageOutputOptions): PageWidth {
  const outWidth = widthOf(options.out);
  const width = checkOneOf(options.width ?? outWidth ?? 4, 'set the width of pages', PAGE_WIDTHS);
  if (outWidth !== undefined && outWidth !== width) {
    throw new TypeError(
      `Cannot write pages of ${width} bytes as the width must be that of out: current value is ${outWidth}`,
    );
  }
  return width;
}

function allocate(width: PageWidth, pageCount: number): Uint32Array | BigUint64Array {
  return width === 4 ? new Uint32Array(pageCount) : new BigUint64Array(pageCount);
}

/** Checks the options of a walk over `table`, and makes its output. Throws as {@link pagesByEntry} documents. */
export function openOutput(table: SgTable, options: PageOutputOptions): PageOutput {
  if (!(table instanceof SgTable)) {
    throw new TypeError(
      `Cannot write pages as they must come from an SgTable: current value is ${inspect(table, { depth: 0 })}`,
    );
  }
  checkOptions(options, 'write the pages of a table', ['width', 'out', 'pages']);
  const width = checkWidth(options);
  const { pageCount, pfnMax } = table;
  if (options.pages !== undefined) {
    checkInteger(options.pages, 'expect pages', { min: 0, max: TABLE_PAGE_COUNT_MAX });
    if (options.pages !== pageCount)
      throw new RangeError(`Cannot write pages as the table must have ${options.pages}: current value is ${pageCount}`);
  }
  if (width === 4 && pfnMax > UINT_MAX) {
    throw new RangeError(
      `Cannot write pages of 4 bytes as every pfn must be at most ${UINT_MAX}: current value is ${pfnMax}; width 8 holds it`,
    );
  }
  const list = options.out instanceof PageList ? options.out : undefined;
  const out = options.out instanceof PageList ? options.out.array : (options.out ?? allocate(width, pageCount));
  if (out.length < pageCount) {
    throw new RangeError(`Cannot write pages as out must have room for ${pageCount}: current value is ${out.length}`);
  }
  return { pages: out.subarray(0, pageCount), list };
}
