/*
 * Messages of dmabuf/share, for programs in C. See docs/guide/sharing.md.
 *
 * Over a Unix socket of type SOCK_SEQPACKET, one message is one sendmsg() of
 *
 *	struct dmabuf_share_header
 *	struct dmabuf_share_descriptor		descriptor_count times
 *	struct dmabuf_share_frame		frame_count times, which is 0 or 1
 *	the message				message_bytes bytes
 *
 * with descriptor_count file descriptors as SCM_RIGHTS, in the same order. Everything is in the
 * machine's byte order.
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
	uint32_t frame_count; /* 0, or 1: the buffers hold a picture */
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
	uint64_t length; /* of a buffer, in bytes: must match its descriptor */
	char name[32]; /* of a buffer: UTF-8, closed by NUL */
};

#define DMABUF_SHARE_PLANES_MAX 4

/*
 * The place of a plane of a picture: offset + length is no more than the length of its buffer, and
 * fits 32 bits.
 */
struct dmabuf_share_plane {
	uint32_t descriptor; /* which of the message's, from 0: a buffer */
	uint32_t stride; /* bytes from row to row; 0 where there are no rows */
	uint64_t offset; /* bytes from the start of the buffer */
	uint64_t length; /* bytes, including any after each row */
};

struct dmabuf_share_frame {
	uint32_t width; /* in pixels */
	uint32_t height;
	uint32_t fourcc; /* DRM_FORMAT_..., or V4L2_PIX_FMT_... where DRM has none */
	uint32_t plane_count; /* from 1; as many as the format has, where it is known and the modifier linear */
	uint64_t modifier; /* DRM_FORMAT_MOD_...: 0 for rows one after the other */
	struct dmabuf_share_plane planes[DMABUF_SHARE_PLANES_MAX]; /* all zero after plane_count */
};

#endif
