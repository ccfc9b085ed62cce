// SPDX-License-Identifier: GPL-2.0
/*
 * Times what mapping a dma-buf for the kernel costs, step by step, on the table of a real buffer.
 *
 * The table is that of an attachment: the system heap gives each a copy of the buffer's own, entry
 * by entry (drivers/dma-buf/heaps/system_heap.c, dup_sg_table). The buffer's own is private to the
 * heap.
 */

#include "../kernel_series.h"

#include <linux/capability.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "dmabuf_measure.h"

#ifdef CONFIG_DMABUF_DEBUG
#error "With CONFIG_DMABUF_DEBUG the table of an attachment has no pages: build for a kernel without it"
#endif

static unsigned int size_max_mib = 4096;
module_param(size_max_mib, uint, 0444);
MODULE_PARM_DESC(size_max_mib, "The largest buffer that is measured, in MiB");

/* A dma-buf can only be attached to a device. This one has no IOMMU and reaches all memory. */
static struct platform_device *importer;
/* Rounds at the same time would measure each other. */
static DEFINE_MUTEX(one_round);

/* As system_heap_do_vmap() does: with its check, which costs a part of the time. */
static noinline void walk_by_page(struct sg_table *table, struct page **pages, int npages)
{
	struct page **next = pages;
	struct sg_page_iter iterator;

	for_each_sgtable_page(table, &iterator, 0) {
		WARN_ON(next - pages >= npages);
		*next++ = sg_page_iter_page(&iterator);
	}
}

/* As the patch does that proposes it ("Optimize sg_table-to-pages conversion in vmap"). */
static noinline void walk_by_entry(struct sg_table *table, struct page **pages, int npages)
{
	struct scatterlist *entry;
	u32 stored = 0;
	u32 index;

	for_each_sgtable_sg(table, entry, index) {
		struct page *first = sg_page(entry);
		u32 count = entry->length >> PAGE_SHIFT;
		u32 nth;

		for (nth = 0; nth < count; nth++)
			pages[stored++] = first + nth;
	}
	WARN_ON(stored != npages);
}

/* The walks must write no page beyond the array, whatever the exporter's table is. */
static int check_table(struct sg_table *table, u64 size)
{
	struct scatterlist *entry;
	u64 bytes = 0;
	int index;

	for_each_sgtable_sg(table, entry, index) {
		if (!sg_page(entry) || entry->offset || !PAGE_ALIGNED(entry->length))
			return -EOPNOTSUPP;
		bytes += entry->length;
	}
	return bytes == size ? 0 : -EOPNOTSUPP;
}

static void time_walk(u64 *ns, void (*walk)(struct sg_table *, struct page **, int),
		      struct sg_table *table, struct page **pages, int npages)
{
	u64 start = ktime_get_ns();

	walk(table, pages, npages);
	*ns = ktime_get_ns() - start;
}

static int time_walks(struct dmabuf_measure_round *round, struct sg_table *table,
		      struct page **pages)
{
	int npages = round->pages;
	struct page **others = vmalloc(sizeof(*others) * npages);
	int error = 0;

	if (!others)
		return -ENOMEM;
	if (round->round % 2 == 0)
		time_walk(&round->by_page_ns, walk_by_page, table, pages, npages);
	time_walk(&round->by_entry_ns, walk_by_entry, table, others, npages);
	if (round->round % 2 == 1)
		time_walk(&round->by_page_ns, walk_by_page, table, pages, npages);
	if (memcmp(pages, others, sizeof(*pages) * npages))
		error = -EILSEQ;
	vfree(others);
	return error;
}

static int time_vmap(struct dmabuf_measure_round *round, struct page **pages)
{
	u64 start = ktime_get_ns();
	void *address = vmap(pages, round->pages, VM_MAP, PAGE_KERNEL);

	round->vmap_ns = ktime_get_ns() - start;
	if (!address)
		return -ENOMEM;
	start = ktime_get_ns();
	vunmap(address);
	round->vunmap_ns = ktime_get_ns() - start;
	return 0;
}

/* Whether the exporter mapped the same pages, in the same order. */
static int check_mapping(struct iosys_map *map, struct page **pages, u64 npages)
{
	u64 index;

	if (map->is_iomem || !is_vmalloc_addr(map->vaddr))
		return -EOPNOTSUPP;
	for (index = 0; index < npages; index++) {
		if (vmalloc_to_page(map->vaddr + index * PAGE_SIZE) != pages[index])
			return -EILSEQ;
		cond_resched();
	}
	return 0;
}

static noinline int time_whole(struct dmabuf_measure_round *round, struct dma_buf *dmabuf,
			       struct page **pages)
{
	struct iosys_map map;
	u64 start = ktime_get_ns();
	int error = dma_buf_vmap_unlocked(dmabuf, &map);

	round->whole_ns = ktime_get_ns() - start;
	if (error)
		return error;
	error = check_mapping(&map, pages, round->pages);
	start = ktime_get_ns();
	dma_buf_vunmap_unlocked(dmabuf, &map);
	round->whole_vunmap_ns = ktime_get_ns() - start;
	return error;
}

static int time_steps(struct dmabuf_measure_round *round, struct dma_buf *dmabuf,
		      struct sg_table *table)
{
	u64 start = ktime_get_ns();
	struct page **pages = vmalloc(sizeof(*pages) * round->pages);
	int error;

	round->alloc_ns = ktime_get_ns() - start;
	if (!pages)
		return -ENOMEM;
	error = time_walks(round, table, pages);
	if (!error)
		error = time_vmap(round, pages);
	if (!error)
		error = time_whole(round, dmabuf, pages);
	start = ktime_get_ns();
	vfree(pages);
	round->free_ns = ktime_get_ns() - start;
	return error;
}

static int measure_attached(struct dmabuf_measure_round *round,
			    struct dma_buf_attachment *attachment, u64 start)
{
	struct dma_buf *dmabuf = attachment->dmabuf;
	struct sg_table *table;
	int error;

	table = dma_buf_map_attachment_unlocked(attachment, DMA_BIDIRECTIONAL);
	round->attach_ns = ktime_get_ns() - start;
	if (IS_ERR(table))
		return PTR_ERR(table);
	round->entries = table->orig_nents;
	error = check_table(table, dmabuf->size);
	if (!error)
		error = time_steps(round, dmabuf, table);
	dma_buf_unmap_attachment_unlocked(attachment, table, DMA_BIDIRECTIONAL);
	return error;
}

/* A buffer that somebody has mapped is only counted once more (dma_buf_vmap). */
static bool is_mapped(struct dma_buf *dmabuf)
{
	bool mapped;

	dma_resv_lock(dmabuf->resv, NULL);
	mapped = dmabuf->vmapping_counter > 0;
	dma_resv_unlock(dmabuf->resv);
	return mapped;
}

static int measure_buffer(struct dmabuf_measure_round *round, struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attachment;
	u64 start;
	int error;

	/* The system heap counts pages as int, too. */
	if (dmabuf->size > (u64)size_max_mib << 20 || dmabuf->size >> PAGE_SHIFT > INT_MAX)
		return -EFBIG;
	if (is_mapped(dmabuf))
		return -EBUSY;
	round->size = dmabuf->size;
	round->pages = PAGE_ALIGN(dmabuf->size) >> PAGE_SHIFT;
	start = ktime_get_ns();
	attachment = dma_buf_attach(dmabuf, &importer->dev);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	error = measure_attached(round, attachment, start);
	dma_buf_detach(dmabuf, attachment);
	return error;
}

static long measure_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	void __user *user = (void __user *)argument;
	struct dmabuf_measure_round round;
	struct dma_buf *dmabuf;
	int error;

	if (command != DMABUF_MEASURE_ROUND)
		return -ENOTTY;
	/* The device may have been opened by another process. */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&round, user, sizeof(round)))
		return -EFAULT;
	dmabuf = dma_buf_get(round.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	mutex_lock(&one_round);
	error = measure_buffer(&round, dmabuf);
	mutex_unlock(&one_round);
	dma_buf_put(dmabuf);
	if (error)
		return error;
	return copy_to_user(user, &round, sizeof(round)) ? -EFAULT : 0;
}

static int measure_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static const struct file_operations measure_operations = {
	.owner = THIS_MODULE,
	.open = measure_open,
	.unlocked_ioctl = measure_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice measure_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dmabuf-measure",
	.fops = &measure_operations,
	.mode = 0600,
};

static int __init measure_init(void)
{
	int error = check_kernel_series();

	if (error)
		return error;
	importer = platform_device_register_simple(KBUILD_MODNAME, PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(importer))
		return PTR_ERR(importer);
	error = dma_set_mask_and_coherent(&importer->dev, DMA_BIT_MASK(64));
	if (!error)
		error = misc_register(&measure_device);
	if (error)
		platform_device_unregister(importer);
	return error;
}

static void __exit measure_exit(void)
{
	misc_deregister(&measure_device);
	platform_device_unregister(importer);
}

module_init(measure_init);
module_exit(measure_exit);

MODULE_DESCRIPTION("Times what mapping a dma-buf for the kernel costs");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
