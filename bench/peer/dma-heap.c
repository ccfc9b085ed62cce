/*
 * The operations of a C program on buffers, by the same system calls as this package: allocates and
 * closes them, maps and unmaps them, begins and ends CPU access, imports one from a descriptor.
 *
 * Usage: dma-heap SOURCE, which is the path of a heap, /dev/udmabuf, or "memfd"
 *
 * Each line on stdin, "STEP LENGTH COUNT", asks for one round: the step done COUNT times to buffers
 * of LENGTH bytes. The answer is a line on stdout: the ns of the whole round. Ends with stdin.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A buffer: the dma-buf, if any, and the memfd behind it, if any. */
struct buffer {
	int dma_buf;
	int memfd;
};

static const char *source;
static int device = -1;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int make_memfd(size_t length)
{
	int fd = memfd_create("dma-heap-peer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)length) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		die("cannot make a memfd");
	return fd;
}

static struct buffer allocate(size_t length)
{
	struct buffer buffer = { -1, -1 };

	if (strcmp(source, "memfd") == 0 || strcmp(source, "/dev/udmabuf") == 0)
		buffer.memfd = make_memfd(length);
	if (strcmp(source, "/dev/udmabuf") == 0) {
		struct udmabuf_create create = {
			.memfd = (uint32_t)buffer.memfd, .flags = UDMABUF_FLAGS_CLOEXEC, .size = length,
		};

		buffer.dma_buf = ioctl(device, UDMABUF_CREATE, &create);
		if (buffer.dma_buf < 0)
			die("cannot make a udmabuf");
	} else if (device >= 0) {
		struct dma_heap_allocation_data data = { .len = length, .fd_flags = O_RDWR | O_CLOEXEC };

		if (ioctl(device, DMA_HEAP_IOCTL_ALLOC, &data))
			die("cannot allocate");
		buffer.dma_buf = (int)data.fd;
	}
	return buffer;
}

static void let_go(struct buffer buffer)
{
	if ((buffer.dma_buf >= 0 && close(buffer.dma_buf)) || (buffer.memfd >= 0 && close(buffer.memfd)))
		die("cannot close");
}

static void map_and_unmap(struct buffer buffer, size_t length)
{
	int fd = buffer.memfd >= 0 ? buffer.memfd : buffer.dma_buf;
	void *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (bytes == MAP_FAILED || munmap(bytes, length))
		die("cannot map");
}

static void synchronize(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync))
		die("cannot begin or end");
}

/* Polled first, because a begin would block while a device works on it. */
static void access_if_ready(struct buffer buffer)
{
	struct pollfd ready = { .fd = buffer.dma_buf, .events = POLLOUT };

	if (buffer.dma_buf < 0)
		return;
	if (poll(&ready, 1, 0) != 1)
		die("cannot poll");
	synchronize(buffer.dma_buf, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START);
	synchronize(buffer.dma_buf, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END);
}

/*
 * A duplicate, which is identified: a dma-buf or a sealed memfd, its length, and whether it is
 * writable.
 */
static void take_over(struct buffer buffer, size_t length)
{
	int fd = fcntl(buffer.dma_buf >= 0 ? buffer.dma_buf : buffer.memfd, F_DUPFD_CLOEXEC, 0);
	char path[64], text[512];
	struct stat status;
	ssize_t size;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	size = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
	if (size < 0 || close(info))
		die("cannot ask what it is");
	text[size] = '\0';
	if (strstr(text, "exp_name:") == NULL && (fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK) == 0)
		die("it is no buffer");
	if (lseek(fd, 0, SEEK_END) != (off_t)length || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR || fstat(fd, &status) ||
	    close(fd))
		die("cannot take it over");
}

static uint64_t run_round(const char *step, size_t length, unsigned long count)
{
	int allocates = strcmp(step, "allocate") == 0;
	struct buffer buffer = { -1, -1 };
	uint64_t start;

	if (!allocates)
		buffer = allocate(length);
	start = now_ns();
	for (unsigned long index = 0; index < count; index += 1) {
		if (allocates)
			let_go(allocate(length));
		else if (strcmp(step, "map") == 0)
			map_and_unmap(buffer, length);
		else if (strcmp(step, "sync") == 0)
			access_if_ready(buffer);
		else
			take_over(buffer, length);
	}
	start = now_ns() - start;
	if (!allocates)
		let_go(buffer);
	return start;
}

int main(int argc, char **argv)
{
	unsigned long count;
	char step[16];
	size_t length;

	if (argc != 2) {
		fprintf(stderr, "usage: dma-heap SOURCE\n");
		return 1;
	}
	source = argv[1];
	if (strcmp(source, "memfd") != 0) {
		/* A heap needs only read access. */
		device = open(source, (strcmp(source, "/dev/udmabuf") == 0 ? O_RDWR : O_RDONLY) | O_CLOEXEC);
		if (device < 0)
			die(source);
	}
	while (scanf("%15s %zu %lu", step, &length, &count) == 3) {
		printf("%" PRIu64 "\n", run_round(step, length, count));
		fflush(stdout);
	}
	return 0;
}
