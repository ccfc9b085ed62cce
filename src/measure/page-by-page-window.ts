import { assert } from '../base/assert.ts';
import { toAddress } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import type { MappingContext } from '../mapping/window.ts';
import { reserveWindowMemory } from '../mapping/window-memory.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import type { MappedView } from './vmap-measurement.ts';

/** Pages of one file, in a buffer's order. */
export interface FilePages {
  readonly fd: BorrowedFd;
  /** The indexes of the pages in the file: for an arena, their pfns. */
  readonly pages: Uint32Array;
  readonly pageSize: ByteLength;
  /**
   * Whether the kernel merges mappings of adjacent pages into one (mm/vma.c, vma_merge_new_range).
   * It does for a memfd, but not for a dma-buf, which is mapped by pfn (include/linux/mm.h,
   * VM_SPECIAL).
   */
  readonly joined: boolean;
}

/** The number of mappings that the pages end up as. */
function mappingCountOf({ pages, joined }: FilePages): number {
  if (!joined) return pages.length;
  return pages.reduce((count, page, index) => (page === (pages[index - 1] ?? -2) + 1 ? count : count + 1), 0);
}

/**
 * A window that is mapped with one call per page, as the kernel's `vmap` sets one page-table entry
 * per page (mm/vmalloc.c, vmap_small_pages_range_noflush). Exists only for comparison.
 */
export class PageByPageWindow {
  readonly #context: MappingContext;
  readonly #pages: FilePages;
  readonly #memory: WindowMemory;
  /** One more for the rest of the memory that it is mapped over. */
  readonly #mappingCount: number;

  /** @throws {DmaBufError} `ENOMEM` when the address space does not suffice for the window */
  constructor(context: MappingContext, pages: FilePages) {
    this.#context = context;
    this.#pages = pages;
    this.#mappingCount = mappingCountOf(pages) + 1;
    this.#memory = reserveWindowMemory((pages.pages.length * pages.pageSize) as ByteLength, pages.pageSize);
  }

  /**
   * @throws {DmaBufError} `ENOMEM` before the first call when mappings would run out, or as `mmap`
   * refuses
   */
  map(): MappedView {
    const { budget, calls } = this.#context;
    const { shared, byteOffset, length } = this.#memory;
    budget.reserve(this.#mappingCount);
    calls.holdWindow(this.#memory);
    try {
      this.#mapPages();
    } catch (error) {
      this.#unmap();
      throw error;
    }
    const close = (): void => this.#unmap();
    return { length, subarray: (offset, count) => new Uint8Array(shared, byteOffset + offset, count), close };
  }

  #mapPages(): void {
    const { fd, pages, pageSize } = this.#pages;
    const { calls } = this.#context;
    let address: number = this.#memory.address;
    for (const page of pages) {
      calls.mapFileAt(toAddress(address), { fd, offset: page * pageSize, length: pageSize });
      address += pageSize;
    }
    assert(address === this.#memory.address + this.#memory.length, 'The pages must add up to the window');
  }

  /**
   * Restores zeros over the whole window, even after a partial mapping: V8's memory must have no
   * holes.
   */
  #unmap(): void {
    this.#context.calls.mapZeros(this.#memory);
    this.#context.budget.release(this.#mappingCount);
  }
}
