import { assert } from '../base/assert.ts';
import { toAddress } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { BorrowedFd } from '../linux/fd.ts';
import type { MappingContext } from '../mapping/window.ts';
import { reserveWindowMemory } from '../mapping/window-memory.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import type { MappedView } from './vmap-measurement.ts';

/** The pages of one file, in the order of a buffer. */
interface FilePages {
  readonly fd: BorrowedFd;
  readonly pfns: Uint32Array;
  readonly pageSize: ByteLength;
  /** How many runs the pages make up. */
  readonly runCount: number;
}

/**
 * A window that is mapped with one call per page, as the kernel's `vmap` sets one page-table entry per page
 * (mm/vmalloc.c, vmap_small_pages_range_noflush). Only there to be compared with.
 */
export class PageByPageWindow {
  readonly #context: MappingContext;
  readonly #pages: FilePages;
  readonly #memory: WindowMemory;

  /** @throws {DmaBufError} `ENOMEM` when there is no address space for the window */
  constructor(context: MappingContext, pages: FilePages) {
    this.#context = context;
    this.#pages = pages;
    this.#memory = reserveWindowMemory((pages.pfns.length * pages.pageSize) as ByteLength, pages.pageSize);
  }

  /** @throws {DmaBufError} `ENOMEM` before the first call when mappings would run out, or as `mmap` refuses */
  map(): MappedView {
    const { budget } = this.#context;
    const { shared, byteOffset, length } = this.#memory;
    budget.reserve(this.#mappingCount);
    try {
      this.#mapPages();
    } catch (error) {
      this.#unmap();
      throw error;
    }
    const close = (): void => this.#unmap();
    return { length, subarray: (offset, count) => new Uint8Array(shared, byteOffset + offset, count), close };
  }

  /** The kernel joins mappings of adjacent pages (mm/vma.c, vma_merge_new_range): a run ends up as one. */
  get #mappingCount(): number {
    return this.#pages.runCount + 1;
  }

  #mapPages(): void {
    const { fd, pfns, pageSize } = this.#pages;
    const { calls } = this.#context;
    let address: number = this.#memory.address;
    for (const pfn of pfns) {
      calls.mapFileAt(toAddress(address), { fd, offset: pfn * pageSize, length: pageSize });
      address += pageSize;
    }
    assert(address === this.#memory.address + this.#memory.length, 'The pages must add up to the window');
  }

  /** Zeros come back over the whole window, whatever was mapped: V8's memory must have no holes. */
  #unmap(): void {
    this.#context.calls.mapZeros(this.#memory);
    this.#context.budget.release(this.#mappingCount);
  }
}
