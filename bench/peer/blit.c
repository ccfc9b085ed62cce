/*
 * Pictures converted in C, by plain loops that a compiler can make vectors of: YUYV and NV12 to XRGB8888, BT.601 in
 * limited range, in the fixed point of 16 bits that such loops are usually written in.
 *
 * Usage: blit yuyv|nv12 WIDTH HEIGHT
 *
 * Reads a line for each round and answers with the ns that the round took. The first round is preceded by one that is
 * not timed.
 *
 * Limits: even widths and heights.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Factors of 13 bits of fraction; sums have 32 bits. */
#define BITS 13
#define FACTOR(value) ((int32_t)((value) * (1 << BITS) + ((value) < 0 ? -0.5 : 0.5)))

#define LUMA FACTOR(1.164383562)
#define CR_TO_RED FACTOR(1.596026786)
#define CB_TO_GREEN FACTOR(-0.391762290)
#define CR_TO_GREEN FACTOR(-0.812967647)
#define CB_TO_BLUE FACTOR(2.017232143)

static inline uint8_t clamp(int32_t value)
{
	value >>= BITS;
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

static inline void convert(uint8_t y, uint8_t cb, uint8_t cr, uint8_t *restrict pixel)
{
	int32_t luma = LUMA * (y - 16) + (1 << (BITS - 1));
	int32_t u = cb - 128;
	int32_t v = cr - 128;

	pixel[0] = clamp(luma + CB_TO_BLUE * u);
	pixel[1] = clamp(luma + CB_TO_GREEN * u + CR_TO_GREEN * v);
	pixel[2] = clamp(luma + CR_TO_RED * v);
	pixel[3] = 255;
}

static void yuyv_row(const uint8_t *restrict in, uint8_t *restrict out, size_t pairs)
{
	for (size_t i = 0; i < pairs; i++) {
		const uint8_t *pair = in + 4 * i;

		convert(pair[0], pair[1], pair[3], out + 8 * i);
		convert(pair[2], pair[1], pair[3], out + 8 * i + 4);
	}
}

static void nv12_row(const uint8_t *restrict luma, const uint8_t *restrict chroma, uint8_t *restrict out, size_t pairs)
{
	for (size_t i = 0; i < pairs; i++) {
		convert(luma[2 * i], chroma[2 * i], chroma[2 * i + 1], out + 8 * i);
		convert(luma[2 * i + 1], chroma[2 * i], chroma[2 * i + 1], out + 8 * i + 4);
	}
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void convert_picture(int is_nv12, const uint8_t *in, uint8_t *out, size_t width, size_t height)
{
	for (size_t y = 0; y < height; y++) {
		if (is_nv12)
			nv12_row(in + y * width, in + (height + y / 2) * width, out + y * width * 4, width / 2);
		else
			yuyv_row(in + y * width * 2, out + y * width * 4, width / 2);
	}
}

int main(int argc, char **argv)
{
	char line[16];

	if (argc != 4)
		return 2;
	int is_nv12 = strcmp(argv[1], "nv12") == 0;
	size_t width = strtoul(argv[2], NULL, 10);
	size_t height = strtoul(argv[3], NULL, 10);
	size_t length = is_nv12 ? width * height * 3 / 2 : width * height * 2;
	uint8_t *in = malloc(length);
	uint8_t *out = malloc(width * height * 4);
	if (in == NULL || out == NULL)
		return 1;
	/* The same numbers as the other side's. */
	for (size_t i = 0; i < length; i++)
		in[i] = (uint8_t)(i * 7919 >> 3);
	convert_picture(is_nv12, in, out, width, height);

	while (fgets(line, sizeof(line), stdin) != NULL) {
		uint64_t start = now_ns();

		convert_picture(is_nv12, in, out, width, height);
		printf("%" PRIu64 "\n", now_ns() - start);
		fflush(stdout);
	}
	free(out);
	free(in);
	return 0;
}
