/*
 * Takes memory in huge pages, and maps it, as this package does, in C: the same calls, on memfds of its own.
 *
 * Usage: huge-pages RUNS
 *   RUNS  per run, in buffer order and this machine's byte order: u64 offset in the memfd, u64 length, both in bytes
 *
 * A line on stdin asks for one round, answered by a line on stdout with the ns that it took:
 *   prepare  commits the runs in huge pages, as the machine allows them at that moment
 *   view     one mmap(MAP_SHARED | MAP_FIXED) a run over address space reserved before, then MADV_POPULATE_READ over all of them
 *   commit   as much memory as the runs have, from a fresh memfd mapped as a whole: MADV_HUGEPAGE, then MADV_POPULATE_READ
 * Ends with stdin.
 */

#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mapped-runs.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define HUGE_PAGE (UINT64_C(2) << 20)

static int create_memfd(size_t length)
{
	int fd = memfd_create("peer-memory", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)length))
		die("cannot make a memfd");
	return fd;
}

static void map(char *address, size_t length, int flags, int fd, uint64_t offset)
{
	if (mmap(address, length, PROT_READ | PROT_WRITE, flags | MAP_FIXED | MAP_NORESERVE, fd, (off_t)offset) != address)
		die("cannot map");
}

/* Zeros, from a multiple of a huge page on. */
static char *reserve(size_t length)
{
	char *start = mmap(NULL, length + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		die("cannot reserve");
	return (char *)(((uintptr_t)start + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
}

static void map_zeros(const struct buffer *buffer)
{
	map(buffer->window, buffer->length, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static struct buffer open_buffer(const char *path)
{
	struct buffer buffer = { 0 };
	uint64_t end = 0;

	buffer.runs = read_runs(path, &buffer.run_count);
	for (size_t i = 0; i < buffer.run_count; i++) {
		uint64_t run_end = buffer.runs[i].offset + buffer.runs[i].length;

		end = run_end > end ? run_end : end;
		buffer.length += buffer.runs[i].length;
	}
	buffer.fd = create_memfd(end);
	buffer.window = reserve(buffer.length);
	return buffer;
}

static void populate(const struct buffer *buffer)
{
	if (madvise(buffer->window, buffer->length, MADV_POPULATE_READ))
		die("cannot populate");
}

static void map_runs(const struct buffer *buffer)
{
	char *address = buffer->window;

	for (size_t i = 0; i < buffer->run_count; i++) {
		map(address, buffer->runs[i].length, MAP_SHARED, buffer->fd, buffer->runs[i].offset);
		address += buffer->runs[i].length;
	}
}

static uint64_t view(const struct buffer *buffer, int advise)
{
	uint64_t start = now_ns();
	uint64_t took;

	map_runs(buffer);
	if (advise)
		madvise(buffer->window, buffer->length, MADV_HUGEPAGE);
	populate(buffer);
	took = now_ns() - start;
	map_zeros(buffer);
	return took;
}

static uint64_t commit(const struct buffer *buffer)
{
	uint64_t start = now_ns();
	uint64_t took;
	int fd = create_memfd(buffer->length);

	map(buffer->window, buffer->length, MAP_SHARED, fd, 0);
	madvise(buffer->window, buffer->length, MADV_HUGEPAGE);
	populate(buffer);
	took = now_ns() - start;
	map_zeros(buffer);
	close(fd);
	return took;
}

int main(int argc, char **argv)
{
	struct buffer buffer;
	char order[16];

	if (argc != 2) {
		fprintf(stderr, "usage: huge-pages RUNS\n");
		return 1;
	}
	buffer = open_buffer(argv[1]);
	while (fgets(order, sizeof(order), stdin)) {
		uint64_t took;

		if (strcmp(order, "commit\n") == 0)
			took = commit(&buffer);
		else
			took = view(&buffer, strcmp(order, "prepare\n") == 0);
		printf("%" PRIu64 "\n", took);
		fflush(stdout);
	}
	return 0;
}
