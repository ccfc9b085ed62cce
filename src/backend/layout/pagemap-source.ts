import { isDmaBufError } from '../../base/errors.ts';
import type { Address, ByteLength } from '../../base/quantities.ts';
import { readPagemap } from '../../linux/proc/pagemap.ts';
import type { PagemapEntry } from '../../linux/proc/pagemap.ts';
import type { PfnSource, PfnSlots } from './find-pages.ts';
import type { Machine } from '../../linux/machine.ts';

/**
 * The kernel's own record of this process's pages. It omits memory mapped by pfn, without `struct
 * page`.
 */
export class PagemapSource implements PfnSource {
  readonly recordedBy = new Set<string>();
  /** True once pfns were hidden: they take CAP_SYS_ADMIN. */
  refused = false;
  /** Why it could not be read. */
  failure: string | undefined;
  readonly #pageSize: ByteLength;
  readonly #machine: Machine;

  constructor(pageSize: ByteLength, machine: Machine) {
    this.#pageSize = pageSize;
    this.#machine = machine;
  }

  record(slots: PfnSlots, address: Address): void {
    const missing = slots.missing();
    if (missing.length === 0) return;
    const entries = this.#read(address, slots.count);
    for (const page of missing) {
      const entry = entries[page];
      if (entry?.state === 'hidden') this.refused = true;
      if (entry?.state === 'present' && slots.record(page, entry.pfn)) this.recordedBy.add('/proc/self/pagemap');
    }
  }

  #read(address: Address, pageCount: number): PagemapEntry[] {
    try {
      return readPagemap({ address, pageCount, pageSize: this.#pageSize }, this.#machine);
    } catch (error) {
      if (!isDmaBufError(error)) throw error;
      if (error.code === 'EACCES' || error.code === 'EPERM') this.refused = true;
      else this.failure = error.message;
      return [];
    }
  }
}
