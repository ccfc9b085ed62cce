/**
 * The limits that several parts share, each with its reason. A limit of a single file stands in
 * that file. The relations between these limits are asserted below, when this file is loaded.
 */

import { assert } from './assert.ts';
import { toByteLength, toOrder, toPageCount, toPfn } from './quantities.ts';
import type { ByteLength, Order, PageCount, Pfn } from './quantities.ts';
import { GiB, KiB, MiB } from './sizes.ts';

/** The page size unless given. arm64 kernels may be built with 16 or 64 KiB. */
export const PAGE_SIZE_DEFAULT: ByteLength = toByteLength(4 * KiB);
export const PAGE_SIZES: readonly number[] = [4 * KiB, 16 * KiB, 64 * KiB];

/**
 * The largest order the buddy allocator keeps: the kernel's MAX_PAGE_ORDER
 * (include/linux/mmzone.h), 4 MiB of 4 KiB pages.
 */
export const ORDER_MAX: Order = toOrder(10);

/**
 * `unsigned int` in C: what a scatterlist's `offset` and `length` are
 * (include/linux/scatterlist.h).
 */
export const UINT_MAX = 0xffff_ffff;

/** Descriptors are C's `int`. */
export const FD_MAX: number = 2 ** 31 - 1;

/**
 * Physical addresses have at most 52 bits (arm64 LPA, x86-64 MAXPHYADDR): the largest pfn of 4 KiB
 * pages.
 */
export const PFN_MAX: Pfn = toPfn(2 ** 40 - 1);

/**
 * How many pages one table may describe: 2^31, so that page indexes fit the 32-bit arithmetic of
 * typed arrays and wasm. 8 TiB of 4 KiB pages; the kernel's own vmap counts in `int` as well.
 */
export const TABLE_PAGE_COUNT_MAX: PageCount = toPageCount(2 ** 31 - 1);

/** DMA_BUF_NAME_LEN (include/uapi/linux/dma-buf.h) counts the closing NUL: 31 bytes are left. */
export const BUFFER_NAME_BYTES_MAX = 31;

/** A resizable SharedArrayBuffer ends here (V8), and so do the typed arrays of Node 20. */
export const WINDOW_BYTES_MAX: ByteLength = toByteLength(4 * GiB);

/** The page size and the largest length of a 32-bit WebAssembly memory. */
export const WASM_PAGE_BYTES: ByteLength = toByteLength(64 * KiB);
export const WASM_MEMORY_BYTES_MAX: ByteLength = toByteLength(4 * GiB);

/**
 * Mappings kept free below `vm.max_map_count`. V8 and libc map memory as they run and end the
 * process when refused. Closing a window needs mappings for a moment too.
 */
export const MAPPINGS_KEPT_FREE = 4096;

/**
 * Address space kept free below RLIMIT_AS, for the same reason: 64 MiB were seen to be too little
 * for a garbage collection that followed a refusal.
 */
export const ADDRESS_SPACE_KEPT_FREE: ByteLength = toByteLength(256 * MiB);

/**
 * The embedded heap's arena has at least this much address range: room for scattered 2 GiB buffers
 * with gaps between their pages.
 */
export const ARENA_RANGE_BYTES_MIN: ByteLength = toByteLength(4 * GiB);

/**
 * Freed pages that stay committed for the next owner: a dozen 4K frames. Memory beyond that goes
 * back to the machine.
 */
export const CACHED_BYTES_DEFAULT: ByteLength = toByteLength(256 * MiB);

assert(PAGE_SIZES.includes(PAGE_SIZE_DEFAULT), 'The default page size must be one of the page sizes');
assert(WINDOW_BYTES_MAX % WASM_PAGE_BYTES === 0, 'A window must hold whole wasm pages');
assert(CACHED_BYTES_DEFAULT < ARENA_RANGE_BYTES_MIN, 'What stays cached must fit into the smallest arena');
