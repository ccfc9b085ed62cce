/*
 * Was given a descriptor of memory to read, as number 3, and tries to make mappings of it writable: by mprotect(2), and by
 * ptrace's way past protections. Prints the error of each, a line each.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GIVEN_FD = 3 };

/* Not every C library has strerrorname_np(). */
static const char *error_name(void)
{
	return errno == EACCES ? "EACCES" : errno == EIO ? "EIO" : strerror(errno);
}

static void print(const char *attempt, long result)
{
	printf("%s: %s\n", attempt, result < 0 ? error_name() : "worked");
}

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char bytes[8];

	memset(bytes, 0xee, sizeof(bytes));
	char *mapping = mmap(NULL, page, PROT_READ, MAP_SHARED, GIVEN_FD, 0);
	if (mapping == MAP_FAILED) {
		perror("mmap to read");
		return 1;
	}
	int protected = mprotect(mapping, page, PROT_READ | PROT_WRITE);
	print("mprotect to write", protected);
	if (protected == 0)
		memset(mapping, 0xee, page);
	print("mprotect to write and execute", mprotect(mapping, page, PROT_WRITE | PROT_EXEC));
	char *duplicate = mremap(mapping, 0, page, MREMAP_MAYMOVE);
	print("mprotect of a duplicate", mprotect(duplicate, page, PROT_READ | PROT_WRITE));
	int memory = open("/proc/self/mem", O_RDWR);
	print("/proc/self/mem", pwrite(memory, bytes, sizeof(bytes), (off_t)(uintptr_t)mapping));
	return 0;
}
