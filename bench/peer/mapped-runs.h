/*
 * The common parts of the programs that map the runs of a buffer: reading them, the clock, error
 * exits.
 */

#ifndef MAPPED_RUNS_H
#define MAPPED_RUNS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct run {
	uint64_t offset;
	uint64_t length;
};

struct buffer {
	const struct run *runs;
	size_t run_count;
	size_t length;
	int fd;
	char *window;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static struct run *read_runs(const char *path, size_t *count)
{
	FILE *file = fopen(path, "rb");
	struct run *runs;
	long bytes;

	if (!file || fseek(file, 0, SEEK_END) || (bytes = ftell(file)) < 0 || fseek(file, 0, SEEK_SET))
		die("cannot read the runs");
	*count = (size_t)bytes / sizeof(*runs);
	runs = malloc((size_t)bytes + 1);
	if (!runs || fread(runs, sizeof(*runs), *count, file) != *count)
		die("cannot read the runs");
	fclose(file);
	return runs;
}

#endif
