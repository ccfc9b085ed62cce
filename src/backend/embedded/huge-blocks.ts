import type { PageCount } from '../../base/quantities.ts';

/** Adjacent pages of an arena. */
export interface PageRange {
  readonly firstPage: number;
  /** The page after the last. */
  readonly endPage: number;
}

/**
 * The state of the places where huge pages can lie in an arena, its *blocks*. The kernel commits
 * and gives back a huge page as a whole. It may commit untouched pages, and keep pages committed
 * whose neighbours are in use (mm/shmem.c, shmem_undo_range; mm/truncate.c,
 * truncate_inode_partial_folio). So only whole blocks are certain to go back.
 */
export class HugeBlocks {
  readonly #pageCount: number;
  readonly #blockPageCount: number;
  /** By block: the number of its owned pages. */
  readonly #ownedCounts: Uint16Array;
  /** By block: 1 where ordinary pages may lie. The kernel puts no huge page among them. */
  readonly #isSplit: Uint8Array;

  /**
   * @param pageCount of the arena, whose last block may be incomplete
   * @param blockPageCount from 1, where there are no huge pages, to 2^16 - 1
   */
  constructor(pageCount: PageCount, blockPageCount: number) {
    this.#pageCount = pageCount;
    this.#blockPageCount = blockPageCount;
    // Blocks of one page need no state.
    const blockCount = blockPageCount === 1 ? 0 : Math.ceil(pageCount / blockPageCount);
    this.#ownedCounts = new Uint16Array(blockCount);
    this.#isSplit = new Uint8Array(blockCount);
  }

  /**
   * Adds pages that get an owner.
   *
   * @param hugeEnd whole blocks up to this page are mapped so that they can be huge pages
   */
  own({ firstPage, endPage }: PageRange, hugeEnd: number): void {
    this.#forEachPart(firstPage, endPage, (block, first, end) => {
      this.#ownedCounts[block] = (this.#ownedCounts[block] as number) + end - first;
      if (end - first < this.#blockPageCount || end > hugeEnd) this.#isSplit[block] = 1;
    });
  }

  /** Removes pages that lose their owner. */
  disown({ firstPage, endPage }: PageRange): void {
    this.#forEachPart(firstPage, endPage, (block, first, end) => {
      this.#ownedCounts[block] = (this.#ownedCounts[block] as number) - (end - first);
    });
  }

  /**
   * The range that goes back together with these pages: extended to the whole of its first and last
   * block, where those have no owner.
   */
  withBlocksOf(range: PageRange): PageRange {
    if (this.#ownedCounts.length === 0) return range;
    const [firstBlock, lastBlock] = [this.#blockOf(range.firstPage), this.#blockOf(range.endPage - 1)];
    const isFree = (block: number): boolean => this.#ownedCounts[block] === 0;
    return {
      firstPage: isFree(firstBlock) ? firstBlock * this.#blockPageCount : range.firstPage,
      endPage: isFree(lastBlock) ? Math.min((lastBlock + 1) * this.#blockPageCount, this.#pageCount) : range.endPage,
    };
  }

  /** Calls `visit` with each whole block among these pages that may hold ordinary pages. */
  forEachSplitBlock({ firstPage, endPage }: PageRange, visit: (block: PageRange) => void): void {
    this.#forEachPart(firstPage, endPage, (block, first, end) => {
      if (end - first === this.#blockPageCount && this.#isSplit[block] === 1) visit({ firstPage: first, endPage: end });
    });
  }

  /** Records that no page is committed there any more. */
  gaveBack({ firstPage, endPage }: PageRange): void {
    this.#forEachPart(firstPage, endPage, (block, first, end) => {
      this.#isSplit[block] = end - first === this.#blockPageCount ? 0 : 1;
    });
  }

  #blockOf(page: number): number {
    return Math.floor(page / this.#blockPageCount);
  }

  #forEachPart(firstPage: number, endPage: number, visit: (block: number, first: number, end: number) => void): void {
    if (this.#ownedCounts.length === 0) return;
    for (let first = firstPage; first < endPage;) {
      const block = this.#blockOf(first);
      const end = Math.min((block + 1) * this.#blockPageCount, endPage);
      visit(block, first, end);
      first = end;
    }
  }
}
