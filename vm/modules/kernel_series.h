/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernels that these modules are written for. What they measure, and how they get at it, is
 * different in others.
 */

#ifndef DMABUF_KERNEL_SERIES_H
#define DMABUF_KERNEL_SERIES_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0) || LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#error "This module is written for Linux 6.12: compare drivers/dma-buf/heaps/system_heap.c of this kernel first"
#endif

#include <linux/compiler.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/utsname.h>

static const char kernel_series[] = "6.12.";

/* A module that was built for this series may still be loaded by force elsewhere. */
static inline int check_kernel_series(void)
{
	const char *release = init_utsname()->release;
	const char *series = kernel_series;

	/* Otherwise the text is a number in the code. A test exchanges it in the built module. */
	OPTIMIZER_HIDE_VAR(series);
	if (!strncmp(release, series, strlen(series)))
		return 0;
	pr_err("%s is written for Linux %sx, and this is %s\n", KBUILD_MODNAME, series, release);
	return -ENOEXEC;
}

#endif
