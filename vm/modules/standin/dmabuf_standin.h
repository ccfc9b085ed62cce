/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What /dev/dmabuf-standin takes and gives. */

#ifndef DMABUF_STANDIN_H
#define DMABUF_STANDIN_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct dmabuf_standin_map {
	/* In: a dma-buf. */
	__s32 fd;
	/* In: of DMABUF_STANDIN_HOLD, how long, in ms: 1 to 10,000. Of the others: 0. */
	__u32 hold_ms;
	/* Out: of the buffer, in bytes. */
	__u64 size;
	/*
	 * Out: what dma_buf_vmap_unlocked() took, in ns, as its caller saw it; of
	 * DMABUF_STANDIN_HOLD, how long the lock was held.
	 */
	__u64 map_ns;
	/* Out: when that call began, or when the lock was taken, in ns of CLOCK_MONOTONIC. */
	__u64 from_ns;
};

/* As a driver of always-on vision does when it is loaded: mapped until the module is unloaded. */
#define DMABUF_STANDIN_AOV _IOWR('S', 0, struct dmabuf_standin_map)
/* As a camera does with each frame: mapped, written to, unmapped. */
#define DMABUF_STANDIN_CAM _IOWR('S', 1, struct dmabuf_standin_map)
/* As an NPU does with each chunk of its pool: mapped until this file is closed. */
#define DMABUF_STANDIN_NPU _IOWR('S', 2, struct dmabuf_standin_map)
/* As a driver does that works on a buffer meanwhile: holds its reservation lock, and lets it go. */
#define DMABUF_STANDIN_HOLD _IOWR('S', 3, struct dmabuf_standin_map)

#endif
