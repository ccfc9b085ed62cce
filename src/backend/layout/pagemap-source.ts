import { isDmaBufError } from '../../base/errors.ts';
import type { Address, ByteLength } from '../../base/quantities.ts';
import { readPagemap } from '../../linux/pagemap.ts';
import type { PagemapEntry } from '../../linux/pagemap.ts';
import type { PfnSource } from './find-pages.ts';
import type { PfnSlots } from './pfn-slots.ts';

/** The kernel's own list of where this process's pages lie. It passes over what is mapped by pfn, without `struct page`. */
export class PagemapSource implements PfnSource {
  readonly tellers = new Set<string>();
  /** True once it kept pfns from us: those are for CAP_SYS_ADMIN. */
  refused = false;
  readonly #pageSize: ByteLength;
  readonly #root: string;

  constructor(pageSize: ByteLength, root: string) {
    this.#pageSize = pageSize;
    this.#root = root;
  }

  tell(slots: PfnSlots, address: Address): void {
    const missing = slots.missing();
    if (missing.length === 0) return;
    const entries = this.#read(address, slots.count);
    for (const page of missing) {
      const entry = entries[page];
      if (entry?.state === 'hidden') this.refused = true;
      if (entry?.state === 'present' && slots.tell(page, entry.pfn)) this.tellers.add('/proc/self/pagemap');
    }
  }

  #read(address: Address, pageCount: number): PagemapEntry[] {
    try {
      return readPagemap({ address, pageCount, pageSize: this.#pageSize }, this.#root);
    } catch (error) {
      if (!isDmaBufError(error)) throw error;
      this.refused = true;
      return [];
    }
  }
}
