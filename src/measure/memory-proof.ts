import { isDmaBufError } from '../base/errors.ts';
import { PhysicalMemory } from '../linux/proc/physical-memory.ts';
import type { SgTable } from '../sg/sg-table.ts';
import { pagesByPage } from '../sg/pages-by-page.ts';
import { hasStamp, STAMP_BYTES } from './stamps.ts';
import type { StampWay } from './stamps.ts';
import type { StampCount } from './window-proof.ts';

/**
 * Whether a buffer's stamps lie in the machine's memory where its table says, or the reason why
 * that could not be checked.
 */
export type MemoryProof =
  | { readonly seen: true; readonly stamps: StampCount }
  | { readonly seen: false; readonly reason: string };

/**
 * Looks for the stamps of `pages` in physical memory, at the pfns in the buffer's table. A guessed
 * table, or a misread trace, does not pass.
 */
export function proveTable(
  table: SgTable,
  { pages, way }: { readonly pages: Uint32Array; readonly way: StampWay },
): MemoryProof {
  const pfns = pagesByPage(table);
  try {
    const memory = new PhysicalMemory();
    try {
      const found = pages.filter((page) => {
        const bytes = memory.read((pfns[page] as number) * table.pageSize, STAMP_BYTES);
        return bytes !== undefined && hasStamp(bytes, page, way);
      }).length;
      return { seen: true, stamps: { written: pages.length, found } };
    } finally {
      memory.close();
    }
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    return { seen: false, reason: error.message };
  }
}

/** False only where the stamps were looked for, and not found. */
export function isTableProven(proof: MemoryProof): boolean {
  return !proof.seen || proof.stamps.found === proof.stamps.written;
}
