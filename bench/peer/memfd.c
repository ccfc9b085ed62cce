/*
 * The work of a program without a heap for a buffer: a fresh memfd created, sized, mapped, one byte
 * of each page written, unmapped, closed.
 *
 * Usage: memfd LENGTH
 *
 * Each line on stdin asks for one round, answered by a line on stdout: the ns it took. Ends with stdin.
 */

#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

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

static void use_fresh_memfd(size_t length, size_t page_size)
{
	int fd = memfd_create("peer-buffer", MFD_CLOEXEC);
	volatile char *bytes;

	if (fd < 0 || ftruncate(fd, (off_t)length))
		die("cannot make a memfd");
	bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		die("cannot map");
	for (size_t offset = 0; offset < length; offset += page_size)
		bytes[offset] = 1;
	if (munmap((void *)bytes, length) || close(fd))
		die("cannot let go");
}

int main(int argc, char **argv)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	size_t length = argc == 2 ? (size_t)strtoull(argv[1], NULL, 10) : 0;
	int character;

	if (length == 0) {
		fprintf(stderr, "usage: memfd LENGTH\n");
		return 1;
	}
	while ((character = getchar()) != EOF) {
		uint64_t start;

		if (character != '\n')
			continue;
		start = now_ns();
		use_fresh_memfd(length, page_size);
		printf("%" PRIu64 "\n", now_ns() - start);
		fflush(stdout);
	}
	return 0;
}
