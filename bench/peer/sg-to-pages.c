/*
 * The kernel's two ways from a scatter-gather table to an array of pages, timed in user space.
 *
 *   page_iterator  what mainline does in system_heap_do_vmap(): one out-of-line iterator step per page, a bounds check
 *                  before each store, 8-byte page pointers
 *   entry_loop_8   what the patch "Optimize sg_table-to-pages conversion in vmap" does: the entry's first page once, then a
 *                  counted loop, 8-byte page pointers
 *   entry_loop_4   the same loop storing 4-byte page frame numbers
 *   fill_4, fill_8 memset() of arrays of those widths: what storing costs at all, for the loops to be judged by
 *
 * The table is laid out as lib/scatterlist.c lays it out: 32-byte entries, 128 to a 4 KiB chunk, chunks chained through
 * their last entry. `struct page` is 64 bytes and lives at the kernel's vmemmap address, which is only computed with.
 *
 * Usage: sg-to-pages TABLE [ROUNDS [DUMP_PREFIX]]
 *   TABLE        per entry, in this machine's byte order: u64 pfn, u32 offset, u32 length
 *   ROUNDS       timed rounds, after a tenth as many to warm up; 101 unless given
 *   DUMP_PREFIX  writes the arrays, as they are in memory, to DUMP_PREFIX.page_iterator and so on
 *
 * Prints one JSON object: for each walk the pages stored, the median and the fastest round in ns, and a checksum of the
 * page frame numbers (32-bit FNV-1a over words, low word first).
 *
 * Limits: 4 KiB pages; pfns below 2^32 in entry_loop_4, which truncates them.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE (1U << PAGE_SHIFT)
#define ROUNDS_DEFAULT 101

/*
 * The type that counts the stored pages. The compiler must assume that the patch's own type wraps,
 * which keeps gcc from storing whole vectors. With a 64-bit type, -O3 vectorizes.
 */
#ifndef STORED_COUNT
#define STORED_COUNT uint32_t
#endif

/* As if in another file: neither inlined nor analysed. */
#if defined(__has_attribute) && __has_attribute(noipa)
#define OUT_OF_LINE __attribute__((noipa))
#else
#define OUT_OF_LINE __attribute__((noinline))
#endif

#define unlikely(condition) __builtin_expect(!!(condition), 0)

struct page {
	uint64_t words[8];
};

/*
 * The base address of struct pages on x86-64. The casts go through integers, because there is no
 * object to point into.
 */
#define VMEMMAP UINT64_C(0xffffea0000000000)

static inline struct page *pfn_to_page(uint64_t pfn)
{
	return (struct page *)(uintptr_t)(VMEMMAP + pfn * sizeof(struct page));
}

static inline uint64_t page_to_pfn(const struct page *page)
{
	return ((uint64_t)(uintptr_t)page - VMEMMAP) / sizeof(struct page);
}

/* ---- scatterlist ---- */

#define SG_CHAIN UINT64_C(1)
#define SG_END UINT64_C(2)
#define SG_FLAGS (SG_CHAIN | SG_END)

struct scatterlist {
	uint64_t page_link;
	uint32_t offset;
	uint32_t length;
	uint64_t dma_address;
	uint32_t dma_length;
	uint32_t dma_flags;
};

#define ENTRIES_PER_CHUNK (PAGE_SIZE / sizeof(struct scatterlist))

_Static_assert(sizeof(struct page) == 64, "a struct page is 64 bytes");
_Static_assert(sizeof(struct scatterlist) == 32, "a scatterlist entry is 32 bytes");
_Static_assert(ENTRIES_PER_CHUNK == 128, "SG_MAX_SINGLE_ALLOC is 128");

static inline struct page *sg_page(const struct scatterlist *sg)
{
	return (struct page *)(uintptr_t)(sg->page_link & ~SG_FLAGS);
}

static inline uint32_t sg_page_count(const struct scatterlist *sg)
{
	return ((sg->offset + sg->length + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)) >> PAGE_SHIFT;
}

/* Inline, as in the newest kernels. Older ones pay a call per entry. */
static inline struct scatterlist *sg_next(struct scatterlist *sg)
{
	if (sg->page_link & SG_END)
		return NULL;
	sg++;
	if (unlikely(sg->page_link & SG_CHAIN))
		sg = (struct scatterlist *)(uintptr_t)(sg->page_link & ~SG_FLAGS);
	return sg;
}

struct sg_table {
	struct scatterlist *sgl;
	uint32_t nents;
	uint32_t orig_nents;
};

static void die(const char *what)
{
	fprintf(stderr, "sg-to-pages: %s\n", what);
	exit(1);
}

static void *page_aligned(size_t bytes)
{
	size_t rounded = (bytes + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
	void *memory = aligned_alloc(PAGE_SIZE, rounded ? rounded : PAGE_SIZE);

	if (!memory)
		die("out of memory");
	memset(memory, 0, rounded);
	return memory;
}

struct file_entry {
	uint64_t pfn;
	uint32_t offset;
	uint32_t length;
};

_Static_assert(sizeof(struct file_entry) == 16, "a table file has 16 bytes per entry");

/*
 * Chunks of 128 while more than 128 are left: 127 entries and a link. The last chunk has only
 * entries.
 */
static struct sg_table build_table(const struct file_entry *entries, uint32_t count)
{
	struct sg_table table = { NULL, count, count };
	struct scatterlist *link = NULL;
	uint32_t done = 0;

	while (done < count) {
		uint32_t left = count - done;
		uint32_t here = left > ENTRIES_PER_CHUNK ? ENTRIES_PER_CHUNK - 1 : left;
		struct scatterlist *chunk = page_aligned(PAGE_SIZE);

		if (link)
			link->page_link = (uint64_t)(uintptr_t)chunk | SG_CHAIN;
		else
			table.sgl = chunk;
		for (uint32_t i = 0; i < here; i++) {
			chunk[i].page_link = (uint64_t)(uintptr_t)pfn_to_page(entries[done + i].pfn);
			chunk[i].offset = entries[done + i].offset;
			chunk[i].length = entries[done + i].length;
		}
		done += here;
		if (done == count)
			chunk[here - 1].page_link |= SG_END;
		link = &chunk[ENTRIES_PER_CHUNK - 1];
	}
	return table;
}

/* ---- (a) the page iterator ---- */

struct page_iterator {
	struct scatterlist *sg;
	uint32_t page_offset;
	uint32_t entries_left;
	int advance;
};

/* In the kernel this is an exported function of lib/scatterlist.c, called from a heap. */
OUT_OF_LINE bool page_iterator_next(struct page_iterator *iterator)
{
	if (!iterator->entries_left || !iterator->sg)
		return false;

	iterator->page_offset += iterator->advance;
	iterator->advance = 1;
	while (iterator->page_offset >= sg_page_count(iterator->sg)) {
		iterator->page_offset -= sg_page_count(iterator->sg);
		iterator->sg = sg_next(iterator->sg);
		iterator->entries_left--;
		if (!iterator->entries_left || !iterator->sg)
			return false;
	}
	return true;
}

static __attribute__((noinline, cold)) void warn_overflow(void)
{
	fprintf(stderr, "sg-to-pages: more pages than the array holds\n");
}

static OUT_OF_LINE size_t walk_page_iterator(const struct sg_table *table, void *out, size_t page_count)
{
	struct page **pages = out;
	struct page **next = pages;
	struct page_iterator iterator = { table->sgl, 0, table->orig_nents, 0 };

	while (page_iterator_next(&iterator)) {
		if (unlikely((size_t)(next - pages) >= page_count))
			warn_overflow();
		*next++ = sg_page(iterator.sg) + iterator.page_offset;
	}
	return (size_t)(next - pages);
}

/* ---- (b) and (c) the loop over entries ---- */

static OUT_OF_LINE size_t walk_entry_loop_8(const struct sg_table *table, void *out, size_t page_count)
{
	struct page **pages = out;
	struct scatterlist *sg = table->sgl;
	STORED_COUNT stored = 0;

	for (uint32_t i = 0; i < table->orig_nents; i++, sg = sg_next(sg)) {
		struct page *first = sg_page(sg);
		uint32_t count = sg->length >> PAGE_SHIFT;

		for (uint32_t j = 0; j < count; j++)
			pages[stored++] = first + j;
	}
	if (unlikely(stored != page_count))
		warn_overflow();
	return stored;
}

static OUT_OF_LINE size_t walk_entry_loop_4(const struct sg_table *table, void *out, size_t page_count)
{
	uint32_t *pfns = out;
	struct scatterlist *sg = table->sgl;
	STORED_COUNT stored = 0;

	for (uint32_t i = 0; i < table->orig_nents; i++, sg = sg_next(sg)) {
		uint32_t first = (uint32_t)page_to_pfn(sg_page(sg));
		uint32_t count = sg->length >> PAGE_SHIFT;

		for (uint32_t j = 0; j < count; j++)
			pfns[stored++] = first + j;
	}
	if (unlikely(stored != page_count))
		warn_overflow();
	return stored;
}

static OUT_OF_LINE size_t fill_4(const struct sg_table *table, void *out, size_t page_count)
{
	memset(out, (int)table->orig_nents, page_count * 4);
	return page_count;
}

static OUT_OF_LINE size_t fill_8(const struct sg_table *table, void *out, size_t page_count)
{
	memset(out, (int)table->orig_nents, page_count * 8);
	return page_count;
}

/* ---- measuring ---- */

struct walk {
	const char *name;
	size_t (*run)(const struct sg_table *table, void *out, size_t page_count);
	uint32_t width;
	bool rounds_up;
};

static const struct walk WALKS[] = {
	{ "page_iterator", walk_page_iterator, 8, true },
	{ "entry_loop_8", walk_entry_loop_8, 8, false },
	{ "entry_loop_4", walk_entry_loop_4, 4, false },
	{ "fill_4", fill_4, 4, false },
	{ "fill_8", fill_8, 8, false },
};

#define WALK_COUNT (sizeof(WALKS) / sizeof(WALKS[0]))

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static uint32_t checksum(const void *out, size_t page_count, uint32_t width)
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = 0; i < page_count; i++) {
		uint64_t pfn = width == 4 ? ((const uint32_t *)out)[i] : page_to_pfn(((struct page *const *)out)[i]);

		hash = (hash ^ (uint32_t)pfn) * UINT32_C(16777619);
		hash = (hash ^ (uint32_t)(pfn >> 32)) * UINT32_C(16777619);
	}
	return hash;
}

static size_t count_pages(const struct sg_table *table, bool rounds_up)
{
	size_t pages = 0;
	struct scatterlist *sg = table->sgl;

	for (uint32_t i = 0; i < table->orig_nents; i++, sg = sg_next(sg))
		pages += rounds_up ? sg_page_count(sg) : sg->length >> PAGE_SHIFT;
	return pages;
}

static void dump(const char *prefix, const struct walk *walk, const void *out, size_t page_count)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s.%s", prefix, walk->name);
	file = fopen(path, "wb");
	if (!file || fwrite(out, walk->width, page_count, file) != page_count || fclose(file))
		die("cannot write the dump");
}

/*
 * Every round writes the same array, like a reused buffer. The empty asm only makes its contents
 * count as read.
 */
static void measure(const struct walk *walk, const struct sg_table *table, uint32_t rounds, const char *dump_prefix)
{
	size_t page_count = count_pages(table, walk->rounds_up);
	void *out = page_aligned(page_count * walk->width);
	uint64_t *samples = page_aligned(rounds * sizeof(*samples));
	size_t stored = 0;

	for (uint32_t i = 0; i < rounds / 10 + 1; i++)
		stored = walk->run(table, out, page_count);
	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t start = now_ns();

		stored = walk->run(table, out, page_count);
		__asm__ volatile("" : : "r"(out) : "memory");
		samples[i] = now_ns() - start;
	}
	qsort(samples, rounds, sizeof(*samples), compare_ns);
	printf("\"%s\": {\"pages\": %zu, \"medianNs\": %" PRIu64 ", \"minNs\": %" PRIu64 ", \"checksum\": %" PRIu32 "}",
	       walk->name, stored, samples[rounds / 2], samples[0], checksum(out, page_count, walk->width));
	if (dump_prefix)
		dump(dump_prefix, walk, out, page_count);
	free(samples);
	free(out);
}

static struct file_entry *read_entries(const char *path, uint32_t *count)
{
	FILE *file = fopen(path, "rb");
	struct file_entry *entries;
	long bytes;

	if (!file || fseek(file, 0, SEEK_END) || (bytes = ftell(file)) < 0 || fseek(file, 0, SEEK_SET))
		die("cannot read the table");
	if (bytes == 0 || bytes % (long)sizeof(*entries) != 0)
		die("the table is not whole entries of 16 bytes");
	*count = (uint32_t)((size_t)bytes / sizeof(*entries));
	entries = page_aligned((size_t)bytes);
	if (fread(entries, sizeof(*entries), *count, file) != *count)
		die("cannot read the table");
	fclose(file);
	return entries;
}

int main(int argc, char **argv)
{
	uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : ROUNDS_DEFAULT;
	const char *dump_prefix = argc > 3 ? argv[3] : NULL;
	struct file_entry *entries;
	struct sg_table table;
	uint32_t count;

	if (argc < 2 || argc > 4 || rounds == 0)
		die("usage: sg-to-pages TABLE [ROUNDS [DUMP_PREFIX]]");
	entries = read_entries(argv[1], &count);
	table = build_table(entries, count);
	free(entries);

	printf("{\"entries\": %" PRIu32, count);
	for (size_t i = 0; i < WALK_COUNT; i++) {
		printf(", ");
		measure(&WALKS[i], &table, rounds, dump_prefix);
	}
	printf("}\n");
	return 0;
}
