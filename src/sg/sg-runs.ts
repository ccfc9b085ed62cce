import { checkInteger } from '../base/check.ts';
import type { ByteLength, Pfn } from '../base/quantities.ts';
import type { SgColumns } from './sg-columns.ts';

/** A maximal physically contiguous range of bytes: it begins `offset` bytes into page `pfn`. */
export interface SgRun {
  /** The first page's frame number. */
  readonly pfn: Pfn;
  /** Less than a page. */
  readonly offset: ByteLength;
  /** At least 1; may exceed 4 GiB, which no entry can. */
  readonly length: ByteLength;
}

/** The runs of a table, in buffer order. */
export class SgRuns implements Iterable<SgRun> {
  /** How many runs there are. */
  readonly count: number;
  /**
   * @internal Element i of each array belongs to run i. Every caller shares them: never write to
   *   them.
   */
  readonly pfns: Float64Array;
  /** @internal */
  readonly offsets: Uint32Array;
  /** @internal */
  readonly lengths: Float64Array;

  private constructor(pfns: Float64Array, offsets: Uint32Array, lengths: Float64Array) {
    this.count = pfns.length;
    this.pfns = pfns;
    this.offsets = offsets;
    this.lengths = lengths;
  }

  /**
   * @internal Merges an entry into the previous one where it begins at the byte at which that one
   *   ends. Drops entries without bytes.
   */
  static merge(columns: SgColumns, pageSize: ByteLength): SgRuns {
    const capacity = columns.pfns.length;
    const runs = new SgRuns(new Float64Array(capacity), new Uint32Array(capacity), new Float64Array(capacity));
    const count = mergeInto(runs, columns, pageSize);
    return new SgRuns(runs.pfns.slice(0, count), runs.offsets.slice(0, count), runs.lengths.slice(0, count));
  }

  /**
   * One run.
   *
   * @param index from 0 to `count` - 1
   */
  run(index: number): SgRun {
    const checked = checkInteger(index, { action: 'give the run', name: 'index', min: 0, max: this.count - 1 });
    return this.#at(checked);
  }

  /** The runs, in buffer order. */
  *[Symbol.iterator](): Generator<SgRun, void, undefined> {
    for (let index = 0; index < this.count; index++) yield this.#at(index);
  }

  #at(index: number): SgRun {
    return {
      pfn: this.pfns[index] as Pfn,
      offset: this.offsets[index] as ByteLength,
      length: this.lengths[index] as ByteLength,
    };
  }
}

/** Returns how many runs there are. */
function mergeInto(runs: SgRuns, columns: SgColumns, pageSize: ByteLength): number {
  const { pfns, offsets, lengths } = columns;
  let count = 0;
  // The end of the current run, as page and offset: the byte address of a 64 KiB page may not fit a
  // double.
  let endPfn = -1;
  let endOffset = 0;
  for (let index = 0; index < pfns.length; index++) {
    const length = lengths[index] as number;
    if (length === 0) continue;
    const offset = offsets[index] as number;
    const pfn = (pfns[index] as number) + Math.floor(offset / pageSize);
    const offsetInPage = offset % pageSize;
    if (pfn === endPfn && offsetInPage === endOffset) {
      (runs.lengths[count - 1] as number) += length;
    } else {
      runs.pfns[count] = pfn;
      runs.offsets[count] = offsetInPage;
      runs.lengths[count] = length;
      count += 1;
    }
    endPfn = pfn + Math.floor((offsetInPage + length) / pageSize);
    endOffset = (offsetInPage + length) % pageSize;
  }
  return count;
}
