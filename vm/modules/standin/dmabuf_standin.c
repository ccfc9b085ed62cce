// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for three drivers that are not in the kernel, and map dma-bufs: of always-on vision, a
 * camera and an NPU. It drives no device. It calls dma_buf_vmap_unlocked() as often as they do, by
 * call paths of the same form, so that a tracer sees what it would see of them. The paths are those
 * of the call traces in the mail of 7 April 2026 that answered "vmap is for fbdev emulation only";
 * every function here has the original's name after "standin_".
 */

#include "../kernel_series.h"

#include <linux/capability.h>
#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "dmabuf_standin.h"

/* A frame of the path, under its own name: neither inlined nor cloned. */
#define PATH_FUNCTION noinline __noclone

#define POOL_CHUNKS_MAX 256
/* Of what a camera tells its firmware of a frame. */
#define FRAME_HEADER_BYTES 64
/* Whoever maps meanwhile cannot be interrupted. */
#define HOLD_MS_MAX 10000

struct mapped_buffer {
	struct list_head node;
	struct dma_buf *dmabuf;
	struct iosys_map map;
};

/* One open file. */
struct standin_pool {
	struct mutex lock;
	struct list_head chunks;
	unsigned int count;
};

static DEFINE_MUTEX(aov_lock);
static struct mapped_buffer aov_buffer;

/* Inlined, so that the caller of dma_buf_vmap_unlocked() is the function that calls this. */
static __always_inline int map_buffer(struct dma_buf *dmabuf, struct iosys_map *map,
				      struct dmabuf_standin_map *result)
{
	u64 start = ktime_get_ns();
	int error = dma_buf_vmap_unlocked(dmabuf, map);

	result->map_ns = ktime_get_ns() - start;
	result->from_ns = start;
	return error;
}

/* --- Always-on vision: one buffer, mapped when the driver is loaded, for as long as it is. --- */

static PATH_FUNCTION int standin_aov_core_init(struct dma_buf *dmabuf,
					       struct dmabuf_standin_map *result)
{
	int error = map_buffer(dmabuf, &aov_buffer.map, result);

	if (error)
		return error;
	get_dma_buf(dmabuf);
	aov_buffer.dmabuf = dmabuf;
	return 0;
}

static PATH_FUNCTION int standin_aov_probe(struct dma_buf *dmabuf,
					   struct dmabuf_standin_map *result)
{
	int error;

	mutex_lock(&aov_lock);
	error = aov_buffer.dmabuf ? -EBUSY : standin_aov_core_init(dmabuf, result);
	mutex_unlock(&aov_lock);
	return error;
}

/* --- Camera: the plane with a frame's description, mapped for each frame. --- */

static PATH_FUNCTION int standin_cam_vb2_vaddr(struct dma_buf *dmabuf, struct iosys_map *map,
					       struct dmabuf_standin_map *result)
{
	return map_buffer(dmabuf, map, result);
}

static PATH_FUNCTION int standin_vb2_plane_vaddr(struct dma_buf *dmabuf, struct iosys_map *map,
						 struct dmabuf_standin_map *result)
{
	return standin_cam_vb2_vaddr(dmabuf, map, result);
}

static PATH_FUNCTION int standin_cam_job_fill_ipi_frame(struct dma_buf *dmabuf,
							struct dmabuf_standin_map *result)
{
	struct iosys_map map;
	int error = standin_vb2_plane_vaddr(dmabuf, &map, result);

	if (error)
		return error;
	iosys_map_memset(&map, 0, 0, min_t(size_t, dmabuf->size, FRAME_HEADER_BYTES));
	dma_buf_vunmap_unlocked(dmabuf, &map);
	return 0;
}

/* --- NPU: a pool of chunks, each mapped for as long as the pool is. --- */

static PATH_FUNCTION int standin_apu_sysmem_alloc(struct mapped_buffer *chunk,
						  struct dmabuf_standin_map *result)
{
	return map_buffer(chunk->dmabuf, &chunk->map, result);
}

static PATH_FUNCTION int standin_mdw_mem_alloc(struct mapped_buffer *chunk,
					       struct dmabuf_standin_map *result)
{
	return standin_apu_sysmem_alloc(chunk, result);
}

static PATH_FUNCTION int standin_mdw_mem_pool_chunk_add(struct standin_pool *pool,
							struct dma_buf *dmabuf,
							struct dmabuf_standin_map *result)
{
	struct mapped_buffer *chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	int error;

	if (!chunk)
		return -ENOMEM;
	chunk->dmabuf = dmabuf;
	error = standin_mdw_mem_alloc(chunk, result);
	if (error) {
		kfree(chunk);
		return error;
	}
	get_dma_buf(dmabuf);
	list_add_tail(&chunk->node, &pool->chunks);
	pool->count++;
	return 0;
}

static PATH_FUNCTION int standin_mdw_mem_pool_create(struct standin_pool *pool,
						     struct dma_buf *dmabuf,
						     struct dmabuf_standin_map *result)
{
	int error = -ENOSPC;

	mutex_lock(&pool->lock);
	if (pool->count < POOL_CHUNKS_MAX)
		error = standin_mdw_mem_pool_chunk_add(pool, dmabuf, result);
	mutex_unlock(&pool->lock);
	return error;
}

/* The original maps when its device is opened. Here the file must be open to be given a buffer. */
static PATH_FUNCTION int standin_mdw_drv_open(struct standin_pool *pool, struct dma_buf *dmabuf,
					      struct dmabuf_standin_map *result)
{
	return standin_mdw_mem_pool_create(pool, dmabuf, result);
}

/* --- Whoever works on a buffer meanwhile: who maps it waits for its reservation lock. --- */

static int standin_hold(struct dma_buf *dmabuf, struct dmabuf_standin_map *result)
{
	int error = dma_resv_lock_interruptible(dmabuf->resv, NULL);

	if (error)
		return error;
	result->from_ns = ktime_get_ns();
	msleep(result->hold_ms);
	result->map_ns = ktime_get_ns() - result->from_ns;
	dma_resv_unlock(dmabuf->resv);
	return 0;
}

/* --- The device through which a process says which caller, and which buffer. --- */

static int run_caller(struct standin_pool *pool, unsigned int command, struct dma_buf *dmabuf,
		      struct dmabuf_standin_map *result)
{
	result->size = dmabuf->size;
	switch (command) {
	case DMABUF_STANDIN_AOV:
		return standin_aov_probe(dmabuf, result);
	case DMABUF_STANDIN_CAM:
		return standin_cam_job_fill_ipi_frame(dmabuf, result);
	case DMABUF_STANDIN_NPU:
		return standin_mdw_drv_open(pool, dmabuf, result);
	case DMABUF_STANDIN_HOLD:
		return standin_hold(dmabuf, result);
	default:
		return -ENOTTY;
	}
}

static bool is_known(unsigned int command)
{
	return command == DMABUF_STANDIN_AOV || command == DMABUF_STANDIN_CAM ||
	       command == DMABUF_STANDIN_NPU || command == DMABUF_STANDIN_HOLD;
}

static bool is_valid(unsigned int command, const struct dmabuf_standin_map *given)
{
	if (command == DMABUF_STANDIN_HOLD)
		return given->hold_ms >= 1 && given->hold_ms <= HOLD_MS_MAX;
	return given->hold_ms == 0;
}

static long standin_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	void __user *user = (void __user *)argument;
	struct dmabuf_standin_map result;
	struct dma_buf *dmabuf;
	int error;

	if (!is_known(command))
		return -ENOTTY;
	/* The device may have been opened by another process. */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&result, user, sizeof(result)))
		return -EFAULT;
	if (!is_valid(command, &result))
		return -EINVAL;
	dmabuf = dma_buf_get(result.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	error = run_caller(file->private_data, command, dmabuf, &result);
	dma_buf_put(dmabuf);
	if (error)
		return error;
	return copy_to_user(user, &result, sizeof(result)) ? -EFAULT : 0;
}

static int standin_open(struct inode *inode, struct file *file)
{
	struct standin_pool *pool;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return -ENOMEM;
	mutex_init(&pool->lock);
	INIT_LIST_HEAD(&pool->chunks);
	file->private_data = pool;
	return 0;
}

static void unmap_and_put(struct mapped_buffer *buffer)
{
	dma_buf_vunmap_unlocked(buffer->dmabuf, &buffer->map);
	dma_buf_put(buffer->dmabuf);
}

static int standin_release(struct inode *inode, struct file *file)
{
	struct standin_pool *pool = file->private_data;
	struct mapped_buffer *chunk;
	struct mapped_buffer *following;

	list_for_each_entry_safe_reverse(chunk, following, &pool->chunks, node) {
		unmap_and_put(chunk);
		kfree(chunk);
	}
	mutex_destroy(&pool->lock);
	kfree(pool);
	return 0;
}

static const struct file_operations standin_operations = {
	.owner = THIS_MODULE,
	.open = standin_open,
	.release = standin_release,
	.unlocked_ioctl = standin_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice standin_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dmabuf-standin",
	.fops = &standin_operations,
	.mode = 0600,
};

static int __init standin_init(void)
{
	int error = check_kernel_series();

	return error ? error : misc_register(&standin_device);
}

static void __exit standin_exit(void)
{
	misc_deregister(&standin_device);
	if (aov_buffer.dmabuf)
		unmap_and_put(&aov_buffer);
}

module_init(standin_init);
module_exit(standin_exit);

MODULE_DESCRIPTION("Maps dma-bufs as three drivers do that are not in the kernel");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
