/**
 * include/uapi/asm-generic/mman-common.h, mman.h and include/uapi/linux/mman.h: the same on x86-64,
 * arm64 and riscv64.
 */

export const PROT_NONE = 0x0;
export const PROT_READ = 0x1;
export const PROT_WRITE = 0x2;

export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;
export const MAP_POPULATE = 0x8000;
/** Since 4.17. An older kernel takes the address as a hint. */
export const MAP_FIXED_NOREPLACE = 0x10_0000;

export const MREMAP_MAYMOVE = 1;
export const MREMAP_FIXED = 2;
/** Since 5.7 for anonymous memory, since 5.13 for shared files. */
export const MREMAP_DONTUNMAP = 4;

export const MADV_DONTNEED = 4;
export const MADV_HUGEPAGE = 14;
export const MADV_NOHUGEPAGE = 15;

/** Since 5.14. */
export const MADV_POPULATE_READ = 22;
export const MADV_POPULATE_WRITE = 23;

/** Since 6.1. */
export const MADV_COLLAPSE = 25;
