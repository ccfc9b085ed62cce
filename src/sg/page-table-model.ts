/**
 * The sizes that one entry of a kernel's page tables maps, as far as vmap depends on them. Page
 * tables of 4 KiB pages; the values are those of arch/arm64/include/asm/vmalloc.h (contiguous PTEs
 * of 64 KiB) and arch/x86/include/asm/vmalloc.h (none).
 */

import { wrongType } from '../base/argument-error.ts';
import { checkInteger } from '../base/check.ts';

/** One kind of page tables. Shifts are powers of two of bytes. */
export interface PageTableModel {
  /** For messages. */
  readonly name: 'arm64' | 'x86-64';
  /** PAGE_SHIFT. */
  readonly pageShift: number;
  /**
   * PMD_SHIFT: the size that one entry of the level above maps; `arch_vmap_pmd_supported()` is true
   * on both.
   */
  readonly pmdShift: number;
  /**
   * The size that a group of page-table entries maps with a contiguous hint; `pageShift` without
   * such a hint.
   */
  readonly contiguousPteShift: number;
}

/** arm64 with 4 KiB pages (arch/arm64/include/asm/pgtable.h). */
export const ARM64_PAGE_TABLES: PageTableModel = Object.freeze({
  name: 'arm64',
  pageShift: 12,
  pmdShift: 21,
  contiguousPteShift: 16,
});
/** x86-64 (arch/x86/include/asm/pgtable.h). */
export const X86_64_PAGE_TABLES: PageTableModel = Object.freeze({
  name: 'x86-64',
  pageShift: 12,
  pmdShift: 21,
  contiguousPteShift: 12,
});

/** An entry maps less than the whole of a 52-bit address space. */
const SHIFT_MAX = 52;
const ACTION = 'tell the batches of a vmap';

/**
 * A model whose numbers are each read once.
 *
 * @throws {TypeError} when it is not a model
 * @throws {RangeError} for shifts that page tables cannot have
 */
export function readPageTableModel(model: PageTableModel): PageTableModel {
  if (model === null || typeof model !== 'object') {
    const must = 'be page tables, such as ARM64_PAGE_TABLES';
    throw wrongType({ action: ACTION, name: 'model' }, { must, received: model });
  }
  const { name, pageShift, contiguousPteShift, pmdShift } = model;
  const check = (shift: number, name: string, min: number): number =>
    checkInteger(shift, { action: ACTION, name: `model.${name}`, min, max: SHIFT_MAX });
  check(pageShift, 'pageShift', 0);
  check(contiguousPteShift, 'contiguousPteShift', pageShift);
  check(pmdShift, 'pmdShift', contiguousPteShift);
  return { name, pageShift, contiguousPteShift, pmdShift };
}

/**
 * `arch_vmap_pte_supported_shift()`: the largest mapping of page-table entries that `size` bytes
 * have room for.
 */
function pteShift(model: PageTableModel, size: number): number {
  return size >= 2 ** model.contiguousPteShift ? model.contiguousPteShift : model.pageShift;
}

/** `vm_shift()` of mm/vmalloc.c: the largest mapping at all that `size` bytes have room for. */
export function vmShift(model: PageTableModel, size: number): number {
  return size >= 2 ** model.pmdShift ? model.pmdShift : pteShift(model, size);
}
