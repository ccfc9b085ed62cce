/*
 * Maps the runs of a buffer side by side, as this package's vmap() does, in C: one mmap(MAP_SHARED | MAP_FIXED) a run, of a
 * memfd of its own, over address space reserved before.
 *
 * Usage: vmap RUNS
 *   RUNS  per run, in buffer order and this machine's byte order: u64 offset in the memfd, u64 length, both in bytes
 *
 * A line "map" or "touch" on stdin asks for one round, answered by a line on stdout: the ns it took to map, then to write one
 * byte of each page ("touch" only), then to put zeros back, one number each. Ends with stdin.
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

/* At `address` with MAP_FIXED; without it, at an address of the kernel's choice. */
static char *map_zeros(char *address, size_t length, int fixed)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed;
	void *mapped = mmap(address, length, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (mapped == MAP_FAILED)
		die("cannot map zeros");
	return mapped;
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
	buffer.fd = memfd_create("peer-arena", MFD_CLOEXEC);
	if (buffer.fd < 0 || ftruncate(buffer.fd, (off_t)end))
		die("cannot make the arena");
	buffer.window = map_zeros(NULL, buffer.length, 0);
	return buffer;
}

static void map_runs(const struct buffer *buffer)
{
	char *address = buffer->window;

	for (size_t i = 0; i < buffer->run_count; i++) {
		const struct run *run = &buffer->runs[i];
		int flags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE;

		if (mmap(address, run->length, PROT_READ | PROT_WRITE, flags, buffer->fd, (off_t)run->offset) != address)
			die("cannot map a run");
		address += run->length;
	}
}

static void touch(const struct buffer *buffer, size_t page_size)
{
	volatile char *bytes = buffer->window;

	for (size_t offset = 0; offset < buffer->length; offset += page_size)
		bytes[offset] = 1;
}

int main(int argc, char **argv)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	struct buffer buffer;
	char order[16];

	if (argc != 2) {
		fprintf(stderr, "usage: vmap RUNS\n");
		return 1;
	}
	buffer = open_buffer(argv[1]);
	while (fgets(order, sizeof(order), stdin)) {
		uint64_t times[4];

		times[0] = now_ns();
		map_runs(&buffer);
		times[1] = now_ns();
		if (strcmp(order, "touch\n") == 0)
			touch(&buffer, page_size);
		times[2] = now_ns();
		map_zeros(buffer.window, buffer.length, MAP_FIXED);
		times[3] = now_ns();
		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", times[1] - times[0], times[2] - times[1], times[3] - times[2]);
		fflush(stdout);
	}
	return 0;
}
