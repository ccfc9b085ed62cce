/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What /dev/dmabuf-measure takes and gives. */

#ifndef DMABUF_MEASURE_H
#define DMABUF_MEASURE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* One round. Times are ns of the kernel's monotonic clock, interrupts and preemption included. */
struct dmabuf_measure_round {
	/* In: a dma-buf. */
	__s32 fd;
	/* In: an even round walks by page first, an odd one by entry. */
	__u32 round;
	/* Out: of the buffer, in bytes. */
	__u64 size;
	/* Out: of its scatter-gather table. */
	__u64 pages;
	__u64 entries;
	/* dma_buf_attach() and dma_buf_map_attachment_unlocked(): how the module gets the table. */
	__u64 attach_ns;
	/* vmalloc() of an array of as many page pointers. */
	__u64 alloc_ns;
	/* The table into the array, page by page, with a WARN_ON() a page, as the system heap does. */
	__u64 by_page_ns;
	/* The same entry by entry, with one WARN_ON() at the end. */
	__u64 by_entry_ns;
	/* vmap() of the array, vunmap() of that, and vfree() of the array. */
	__u64 vmap_ns;
	__u64 vunmap_ns;
	__u64 free_ns;
	/* dma_buf_vmap_unlocked() and dma_buf_vunmap_unlocked() of the buffer. */
	__u64 whole_ns;
	__u64 whole_vunmap_ns;
};

/*
 * EPERM: without CAP_SYS_ADMIN. EBADF, EINVAL: no dma-buf. EFBIG: larger than the module's
 * parameter size_max_mib. EBUSY: the buffer is mapped already, so that one more mapping costs
 * nothing. EOPNOTSUPP: a table that the two walks may read differently: one with offsets, parts of
 * pages, or memory without pages; or a mapping that is not of pages side by side (vmalloc's area).
 * EILSEQ: the walks gave different pages, or the buffer's mapping is of other pages: a bug. ENOMEM,
 * and what the exporter refuses with.
 */
#define DMABUF_MEASURE_ROUND _IOWR('M', 0, struct dmabuf_measure_round)

#endif
