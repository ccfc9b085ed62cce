/*
 * Messages of dmabuf/share, for programs in C. See docs/guide/sharing.md.
 *
 * Over a Unix socket of type SOCK_SEQPACKET, one message is one sendmsg() of
 *
 *	struct dmabuf_share_header
 *	struct dmabuf_share_descriptor		descriptor_count times
 *	the message				message_bytes bytes
 *
 * with descriptor_count file descriptors as SCM_RIGHTS, in the same order. Everything is in the machine's own byte order.
 */

#ifndef DMABUF_SHARE_H
#define DMABUF_SHARE_H

#include <stdint.h>

#define DMABUF_SHARE_MAGIC 0x46554244u /* "DBUF" */
#define DMABUF_SHARE_VERSION 1
#define DMABUF_SHARE_DESCRIPTORS_MAX 253 /* SCM_MAX_FD */
#define DMABUF_SHARE_MESSAGE_BYTES_MAX 65536

struct dmabuf_share_header {
	uint32_t magic;
	uint16_t version;
	uint16_t descriptor_count;
	uint32_t message_bytes;
	uint32_t reserved; /* 0 */
};

enum dmabuf_share_kind {
	DMABUF_SHARE_DMA_BUF = 1,
	/* Sealed with F_SEAL_SHRINK, and neither F_SEAL_WRITE nor F_SEAL_FUTURE_WRITE. */
	DMABUF_SHARE_MEMFD = 2,
	DMABUF_SHARE_SYNC_FILE = 3,
};

struct dmabuf_share_descriptor {
	uint32_t kind; /* enum dmabuf_share_kind */
	uint32_t reserved; /* 0 */
	uint64_t length; /* of a buffer, in bytes: what its descriptor says too, or it is refused */
	char name[32]; /* of a buffer: UTF-8, closed by NUL */
};

#endif
