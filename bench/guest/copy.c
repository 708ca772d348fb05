// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs the kernel to copy a page of a file: pread() and pwrite() of 4K
 * of a memfd, system call included, and the same of a file outside the direct
 * map where the kernel has those. The difference is what a slot costs.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure.h"

#define PAGES	256
#define ROUNDS	15

typedef ssize_t (*copy_fn)(int fd, void *buf, size_t bytes, off_t at);

static _Alignas(PAGE_BYTES) char page[PAGE_BYTES];

static ssize_t copy_out(int fd, void *buf, size_t bytes, off_t at)
{
	return pread(fd, buf, bytes, at);
}

static ssize_t copy_in(int fd, void *buf, size_t bytes, off_t at)
{
	return pwrite(fd, buf, bytes, at);
}

/* The cheapest of all rounds met no interrupt. */
static double cost(int fd, copy_fn copy)
{
	uint64_t least = UINT64_MAX, begin, took;
	int i, round;

	for (round = 0; round < ROUNDS; round++) {
		begin = tsc();
		for (i = 0; i < PAGES; i++)
			if (copy(fd, page, PAGE_BYTES, i * PAGE_BYTES) !=
			    (ssize_t)PAGE_BYTES)
				die("copy of page %d", i);
		took = tsc() - begin;
		least = took < least ? took : least;
	}
	return per(least, PAGES);
}

static void measure(const char *kind, int fd)
{
	double in, out;

	if (fd < 0)
		return;
	in = cost(fd, copy_in);
	out = cost(fd, copy_out);
	printf("copy kind=%s read=%.2f write=%.2f\n", kind, out, in);
	close(fd);
}

int main(int argc, char **argv)
{
	pin_to_cpu(0);
	measure("ordinary", memfd_create("copy", 0));
	/* It turns the hooks on, for ever */
	if (argc > 1 && !strcmp(argv[1], "hidden"))
		measure("hidden", hidden_fd());
	return 0;
}
