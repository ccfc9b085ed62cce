/*
 * A program in C at the other end of a connection of dmabuf/share: knows nothing but dmabuf-share.h and the kernel.
 *
 * Usage: share-peer PATH [HEAP]
 *
 * Connects to PATH and receives one message whose text is a number, with one buffer. Every byte of the buffer must be that number; it adds one
 * to each. Then it sends "from C" with that buffer and one of its own of three pages, filled with 1, 2 and 3: a sealed memfd, or from HEAP
 * (/dev/dma_heap/...). Ends when the other end is closed.
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

struct message {
	struct dmabuf_share_header header;
	struct dmabuf_share_descriptor descriptors[2];
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

static int receive_buffer(int socket, struct dmabuf_share_descriptor *descriptor, int *value)
{
	struct {
		struct dmabuf_share_header header;
		struct dmabuf_share_descriptor descriptor;
		char text[64];
	} message = { 0 };
	union control control;
	struct iovec vector = { &message, sizeof(message) - 1 };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights;
	int fd;

	if (recvmsg(socket, &header, MSG_CMSG_CLOEXEC) < 0)
		die("cannot receive");
	rights = CMSG_FIRSTHDR(&header);
	if (message.header.magic != DMABUF_SHARE_MAGIC || message.header.version != DMABUF_SHARE_VERSION ||
	    message.header.descriptor_count != 1 || !rights || rights->cmsg_type != SCM_RIGHTS ||
	    rights->cmsg_len != CMSG_LEN(sizeof(int)))
		die("not the message expected");
	memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
	*descriptor = message.descriptor;
	*value = atoi(message.text);
	return fd;
}

static void raise_bytes(int fd, const struct dmabuf_share_descriptor *descriptor, int value)
{
	unsigned char *bytes = mmap(NULL, descriptor->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED)
		die("cannot map what was received");
	sync_buffer(fd, descriptor->kind, DMA_BUF_SYNC_START);
	for (uint64_t index = 0; index < descriptor->length; index++) {
		if (bytes[index] != value)
			die("a byte is not what was announced");
		bytes[index] = (unsigned char)(value + 1);
	}
	sync_buffer(fd, descriptor->kind, DMA_BUF_SYNC_END);
	munmap(bytes, descriptor->length);
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
	struct iovec vector = { message, offsetof(struct message, text) + strlen(TEXT) };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

	message->header = (struct dmabuf_share_header){ DMABUF_SHARE_MAGIC, DMABUF_SHARE_VERSION, 2, strlen(TEXT), 0 };
	memcpy(message->text, TEXT, strlen(TEXT));
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
	fds[0] = receive_buffer(socket, &message.descriptors[0], &value);
	raise_bytes(fds[0], &message.descriptors[0], value);
	fds[1] = make_own(heap, &message.descriptors[1]);
	send_both(socket, &message, fds);
	return read(socket, &rest, 1) == 0 ? 0 : 1;
}
