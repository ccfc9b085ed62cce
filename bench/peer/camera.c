/*
 * What a program in C does with a camera, by the same system calls as this package: its frames go into buffers of a dma-buf heap, and of each
 * frame one word a page is read, between the begin and the end of CPU access.
 *
 * Usage: camera DEVICE WIDTH HEIGHT FOURCC RATE BUFFERS WARMUP FRAMES
 *
 * Takes WARMUP frames that do not count, then FRAMES that do, and writes one line to stdout: the ns of processor time that these took, how many
 * frames the camera had lost meanwhile by their sequence numbers, how many were flagged as faulty, and the sum of the words read.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BUFFERS_MAX 64
#define HEAP "/dev/dma_heap/system"

/* A buffer of the heap, mapped. */
struct buffer {
	int fd;
	const volatile uint8_t *bytes;
};

/* What the frames of one run gave. */
struct tally {
	int64_t lost;
	uint64_t faulty;
	uint64_t sum;
	uint32_t next_sequence;
};

static struct buffer buffers[BUFFERS_MAX];
static size_t length;
static size_t page;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void call(int fd, unsigned long request, void *argument, const char *what)
{
	while (ioctl(fd, request, argument))
		if (errno != EINTR)
			die(what);
}

static uint64_t processor_ns(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		die("cannot read the processor time");
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * UINT64_C(1000000000) +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * UINT64_C(1000);
}

static void set_format(int camera, uint32_t width, uint32_t height, const char *fourcc, uint32_t rate)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_streamparm parameters = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	format.fmt.pix.width = width;
	format.fmt.pix.height = height;
	format.fmt.pix.pixelformat = v4l2_fourcc(fourcc[0], fourcc[1], fourcc[2], fourcc[3]);
	format.fmt.pix.field = V4L2_FIELD_NONE;
	call(camera, VIDIOC_S_FMT, &format, "cannot set the format");
	if (format.fmt.pix.width != width || format.fmt.pix.height != height) {
		fprintf(stderr, "camera: it takes no pictures of %" PRIu32 "x%" PRIu32 "\n", width, height);
		exit(1);
	}
	length = (format.fmt.pix.sizeimage + page - 1) / page * page;
	parameters.parm.capture.timeperframe = (struct v4l2_fract){ .numerator = 1, .denominator = rate };
	call(camera, VIDIOC_S_PARM, &parameters, "cannot set the rate");
}

static struct buffer allocate(int heap)
{
	struct dma_heap_allocation_data data = { .len = length, .fd_flags = O_RDWR | O_CLOEXEC };
	void *bytes;

	call(heap, DMA_HEAP_IOCTL_ALLOC, &data, "cannot allocate");
	bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, (int)data.fd, 0);
	if (bytes == MAP_FAILED)
		die("cannot map");
	return (struct buffer){ .fd = (int)data.fd, .bytes = bytes };
}

static void queue(int camera, uint32_t index)
{
	struct v4l2_buffer slot = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF, .index = index, .length = (uint32_t)length,
	};

	slot.m.fd = buffers[index].fd;
	call(camera, VIDIOC_QBUF, &slot, "cannot queue");
}

static void start(int camera, uint32_t count)
{
	struct v4l2_requestbuffers request = {
		.count = count, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF,
	};
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	int heap = open(HEAP, O_RDONLY | O_CLOEXEC);

	if (heap < 0)
		die(HEAP);
	call(camera, VIDIOC_REQBUFS, &request, "cannot make a queue");
	if (request.count != count) {
		fprintf(stderr, "camera: its queue has %" PRIu32 " buffers\n", request.count);
		exit(1);
	}
	for (uint32_t index = 0; index < count; index += 1) {
		buffers[index] = allocate(heap);
		queue(camera, index);
	}
	close(heap);
	call(camera, VIDIOC_STREAMON, &type, "cannot stream");
}

static void synchronize(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	call(fd, DMA_BUF_IOCTL_SYNC, &sync, "cannot begin or end");
}

static void take_frame(int camera, struct tally *tally)
{
	struct pollfd ready = { .fd = camera, .events = POLLIN };
	struct v4l2_buffer slot = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF };
	const struct buffer *buffer;

	while (poll(&ready, 1, -1) < 1)
		if (errno != EINTR)
			die("cannot poll");
	call(camera, VIDIOC_DQBUF, &slot, "cannot dequeue");
	buffer = &buffers[slot.index];
	/* A driver that is late may give a number twice: that is one lost less. */
	tally->lost += (int32_t)(slot.sequence - tally->next_sequence);
	tally->next_sequence = slot.sequence + 1;
	if (slot.flags & V4L2_BUF_FLAG_ERROR)
		tally->faulty += 1;
	synchronize(buffer->fd, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START);
	for (size_t offset = 0; offset < slot.bytesused; offset += page)
		tally->sum += *(const volatile uint32_t *)(buffer->bytes + offset);
	synchronize(buffer->fd, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END);
	queue(camera, slot.index);
}

int main(int argc, char **argv)
{
	struct tally tally = { 0 };
	uint64_t started, took;
	unsigned long warmup, frames, count;
	int camera;

	if (argc != 9 || strlen(argv[4]) != 4) {
		fprintf(stderr, "usage: camera DEVICE WIDTH HEIGHT FOURCC RATE BUFFERS WARMUP FRAMES\n");
		return 1;
	}
	page = (size_t)sysconf(_SC_PAGESIZE);
	count = strtoul(argv[6], NULL, 10);
	warmup = strtoul(argv[7], NULL, 10);
	frames = strtoul(argv[8], NULL, 10);
	if (count < 1 || count > BUFFERS_MAX || frames < 1) {
		fprintf(stderr, "camera: it takes 1 to %d buffers, and a frame at least\n", BUFFERS_MAX);
		return 1;
	}
	camera = open(argv[1], O_RDWR | O_CLOEXEC);
	if (camera < 0)
		die(argv[1]);
	set_format(camera, (uint32_t)strtoul(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10), argv[4],
		   (uint32_t)strtoul(argv[5], NULL, 10));
	start(camera, (uint32_t)count);
	for (unsigned long index = 0; index < warmup; index += 1)
		take_frame(camera, &tally);
	tally = (struct tally){ .next_sequence = tally.next_sequence };
	started = processor_ns();
	for (unsigned long index = 0; index < frames; index += 1)
		take_frame(camera, &tally);
	took = processor_ns() - started;
	printf("%" PRIu64 " %" PRId64 " %" PRIu64 " %" PRIu64 "\n", took, tally.lost, tally.faulty, tally.sum);
	return 0;
}
