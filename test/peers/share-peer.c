/*
 * A program in C at the other end of a connection of dmabuf/share: knows nothing but dmabuf-share.h and the kernel.
 *
 * Usage: share-peer PATH [HEAP]
 *
 * Connects to PATH and receives one message whose text is a number, with one buffer. Every byte of the buffer must be that number; it adds one
 * to each, or, where the message has a frame (NV12), to each that belongs to the picture. Then it sends "from C" with that buffer and one of its
 * own of three pages, filled with 1, 2 and 3: a sealed memfd, or from HEAP (/dev/dma_heap/...). Where a frame came, so does a frame go: the upper
 * half of the same picture's brightness (R8). Ends when the other end is closed.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dmabuf-share.h"

#define TEXT "from C"
#define OWN_PAGES 3

/* Every message here, at its longest. */
struct message {
	struct dmabuf_share_header header;
	struct dmabuf_share_descriptor descriptors[2];
	struct dmabuf_share_frame frame;
	char text[64];
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(2 * sizeof(int))];
};

static void die(const char *what)
{
	fprintf(stderr, "share-peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		die("cannot make a socket");
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("cannot connect");
	return fd;
}

static void sync_buffer(int fd, uint32_t kind, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	if (kind == DMABUF_SHARE_DMA_BUF && ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync))
		die("cannot sync");
}

static const char *end_of(const struct dmabuf_share_header *header)
{
	return (const char *)(header + 1) + header->descriptor_count * sizeof(struct dmabuf_share_descriptor);
}

static int receive_buffer(int socket, struct dmabuf_share_descriptor *descriptor, struct dmabuf_share_frame *frame, int *value)
{
	struct message message = { 0 };
	union control control;
	struct iovec vector = { &message, sizeof(message) - 1 };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights;
	const char *rest;
	int fd;

	if (recvmsg(socket, &header, MSG_CMSG_CLOEXEC) < 0)
		die("cannot receive");
	rights = CMSG_FIRSTHDR(&header);
	if (message.header.magic != DMABUF_SHARE_MAGIC || message.header.version != DMABUF_SHARE_VERSION ||
	    message.header.descriptor_count != 1 || message.header.frame_count > 1 || !rights || rights->cmsg_type != SCM_RIGHTS ||
	    rights->cmsg_len != CMSG_LEN(sizeof(int)))
		die("not the message expected");
	memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
	*descriptor = message.descriptors[0];
	rest = end_of(&message.header);
	if (message.header.frame_count)
		memcpy(frame, rest, sizeof(*frame));
	*value = atoi(rest + message.header.frame_count * sizeof(*frame));
	return fd;
}

static void raise_bytes(unsigned char *bytes, uint64_t length, int value)
{
	for (uint64_t index = 0; index < length; index++) {
		if (bytes[index] != value)
			die("a byte is not what was announced");
		bytes[index] = (unsigned char)(value + 1);
	}
}

static void raise_picture(unsigned char *bytes, const struct dmabuf_share_frame *frame, int value)
{
	const uint32_t nv12 = 'N' | 'V' << 8 | '1' << 16 | (uint32_t)'2' << 24;
	const uint32_t heights[2] = { frame->height, (frame->height + 1) / 2 };
	const uint32_t row_bytes[2] = { frame->width, (frame->width + 1) / 2 * 2 };

	if (frame->fourcc != nv12 || frame->plane_count != 2 || frame->modifier)
		die("not the frame expected");
	for (int plane = 0; plane < 2; plane++)
		for (uint32_t row = 0; row < heights[plane]; row++)
			raise_bytes(bytes + frame->planes[plane].offset + (uint64_t)row * frame->planes[plane].stride,
				    row_bytes[plane], value);
}

static void raise_buffer(int fd, const struct dmabuf_share_descriptor *descriptor, const struct dmabuf_share_frame *frame, int value)
{
	unsigned char *bytes = mmap(NULL, descriptor->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED)
		die("cannot map what was received");
	sync_buffer(fd, descriptor->kind, DMA_BUF_SYNC_START);
	if (frame->plane_count)
		raise_picture(bytes, frame, value);
	else
		raise_bytes(bytes, descriptor->length, value);
	sync_buffer(fd, descriptor->kind, DMA_BUF_SYNC_END);
	munmap(bytes, descriptor->length);
}

/* The upper half of the brightness, in the buffer that came. */
static void halve(struct dmabuf_share_frame *frame)
{
	const struct dmabuf_share_plane luma = frame->planes[0];

	memset(frame->planes, 0, sizeof(frame->planes));
	frame->height /= 2;
	frame->fourcc = 'R' | '8' << 8 | ' ' << 16 | ' ' << 24;
	frame->plane_count = 1;
	frame->planes[0] = luma;
	frame->planes[0].length = (uint64_t)luma.stride * frame->height;
}

static int allocate(const char *heap, uint64_t length)
{
	struct dma_heap_allocation_data allocation = { .len = length, .fd_flags = O_RDWR | O_CLOEXEC };
	int fd;

	if (heap) {
		fd = open(heap, O_RDWR | O_CLOEXEC);
		if (fd < 0 || ioctl(fd, DMA_HEAP_IOCTL_ALLOC, &allocation))
			die("cannot allocate from the heap");
		close(fd);
		return (int)allocation.fd;
	}
	fd = memfd_create("share-peer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)length) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		die("cannot make a memfd");
	return fd;
}

static int make_own(const char *heap, struct dmabuf_share_descriptor *descriptor)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *bytes;
	int fd;

	descriptor->kind = heap ? DMABUF_SHARE_DMA_BUF : DMABUF_SHARE_MEMFD;
	descriptor->length = OWN_PAGES * page_size;
	strcpy(descriptor->name, "made in C");
	fd = allocate(heap, descriptor->length);
	bytes = mmap(NULL, descriptor->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		die("cannot map its own");
	sync_buffer(fd, descriptor->kind, DMA_BUF_SYNC_START);
	for (int page = 0; page < OWN_PAGES; page++)
		memset(bytes + (size_t)page * page_size, page + 1, page_size);
	sync_buffer(fd, descriptor->kind, DMA_BUF_SYNC_END);
	munmap(bytes, descriptor->length);
	return fd;
}

static void send_both(int socket, struct message *message, const int fds[2])
{
	union control control = { 0 };
	const uint32_t frame_count = message->frame.plane_count ? 1 : 0;
	struct iovec vectors[3] = {
		{ message, offsetof(struct message, frame) },
		{ &message->frame, frame_count * sizeof(message->frame) },
		{ TEXT, strlen(TEXT) },
	};
	struct msghdr header = { .msg_iov = vectors, .msg_iovlen = 3, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

	message->header = (struct dmabuf_share_header){ DMABUF_SHARE_MAGIC, DMABUF_SHARE_VERSION, 2, strlen(TEXT), frame_count };
	*rights = (struct cmsghdr){ .cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(rights), fds, 2 * sizeof(int));
	if (sendmsg(socket, &header, MSG_NOSIGNAL) < 0)
		die("cannot send");
}

int main(int argc, char **argv)
{
	const char *heap = argc > 2 ? argv[2] : NULL;
	struct message message = { 0 };
	int socket, fds[2], value;
	char rest;

	if (argc < 2) {
		fprintf(stderr, "usage: share-peer PATH [HEAP]\n");
		return 1;
	}
	socket = connect_to(argv[1]);
	fds[0] = receive_buffer(socket, &message.descriptors[0], &message.frame, &value);
	raise_buffer(fds[0], &message.descriptors[0], &message.frame, value);
	if (message.frame.plane_count)
		halve(&message.frame);
	fds[1] = make_own(heap, &message.descriptors[1]);
	send_both(socket, &message, fds);
	return read(socket, &rest, 1) == 0 ? 0 : 1;
}
