/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What /dev/dmabuf-standin takes and gives. */

#ifndef DMABUF_STANDIN_H
#define DMABUF_STANDIN_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct dmabuf_standin_map {
	/* In: a dma-buf. */
	__s32 fd;
	/* In: 0. */
	__u32 reserved;
	/* Out: of the buffer, in bytes. */
	__u64 size;
	/* Out: what dma_buf_vmap_unlocked() took, in ns, as its caller saw it. */
	__u64 map_ns;
};

/* As a driver of always-on vision does when it is loaded: mapped until the module is unloaded. */
#define DMABUF_STANDIN_AOV _IOWR('S', 0, struct dmabuf_standin_map)
/* As a camera does with each frame: mapped, written to, unmapped. */
#define DMABUF_STANDIN_CAM _IOWR('S', 1, struct dmabuf_standin_map)
/* As an NPU does with each chunk of its pool: mapped until this file is closed. */
#define DMABUF_STANDIN_NPU _IOWR('S', 2, struct dmabuf_standin_map)

#endif
