/**
 * What a kernel's page tables can map with one entry, as far as a vmap depends on it. Page tables of 4 KiB pages; the values
 * are those of arch/arm64/include/asm/vmalloc.h (contiguous PTEs of 64 KiB) and arch/x86/include/asm/vmalloc.h (none).
 */

/** One kind of page tables. Shifts are powers of two of bytes. */
export interface PageTableModel {
  readonly name: 'arm64' | 'x86-64';
  /** PAGE_SHIFT. */
  readonly pageShift: number;
  /** PMD_SHIFT: what one entry of the level above maps; `arch_vmap_pmd_supported()` is true on both. */
  readonly pmdShift: number;
  /** What a group of page-table entries maps with a contiguous hint; `pageShift` where there is no such hint. */
  readonly contiguousPteShift: number;
}

export const ARM64_PAGE_TABLES: PageTableModel = { name: 'arm64', pageShift: 12, pmdShift: 21, contiguousPteShift: 16 };
export const X86_64_PAGE_TABLES: PageTableModel = {
  name: 'x86-64',
  pageShift: 12,
  pmdShift: 21,
  contiguousPteShift: 12,
};

/** `arch_vmap_pte_supported_shift()`: the largest mapping of page-table entries that `size` bytes have room for. */
function pteShift(model: PageTableModel, size: number): number {
  return size >= 2 ** model.contiguousPteShift ? model.contiguousPteShift : model.pageShift;
}

/** `vm_shift()` of mm/vmalloc.c: the largest mapping at all that `size` bytes have room for. */
export function vmShift(model: PageTableModel, size: number): number {
  return size >= 2 ** model.pmdShift ? model.pmdShift : pteShift(model, size);
}
