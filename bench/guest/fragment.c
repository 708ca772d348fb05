// SPDX-License-Identifier: GPL-2.0
/*
 * Fragments memory on purpose.
 *
 * All free memory is filled with locked anonymous pages. Then those pages
 * are given back whose frame number is not a multiple of the stride, so that
 * one page in each aligned range of 2 << max_order pages stays. Locked pages
 * are not swapped, and with vm.compact_unevictable_allowed=0 compaction does
 * not move them: the holes cannot heal while the program lives. The page
 * frame numbers come from /proc/self/pagemap, the proof from /proc/buddyinfo.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fragment.h"
#include "measure.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#define NR_ORDERS	11
#define LEAF_ORDER	9
#define STEP		64UL	/* pages filled between two looks */

static void buddy_line(const char *line, uint64_t counts[NR_ORDERS])
{
	const char *s = strstr(line, "zone");
	char *end;
	int order;

	if (!s)
		return;
	s += strlen("zone");
	s += strspn(s, " ");
	s += strcspn(s, " ");
	for (order = 0; order < NR_ORDERS; order++) {
		counts[order] += strtoull(s, &end, 10);
		if (end == s)
			return;
		s = end;
	}
}

static void buddy_read(uint64_t counts[NR_ORDERS])
{
	char line[512];
	FILE *f;

	memset(counts, 0, NR_ORDERS * sizeof(counts[0]));
	f = fopen("/proc/buddyinfo", "r");
	if (!f)
		die("/proc/buddyinfo");
	while (fgets(line, sizeof(line), f))
		buddy_line(line, counts);
	fclose(f);
}

static uint64_t leaves_free(void)
{
	uint64_t counts[NR_ORDERS], sum = 0;
	int order;

	buddy_read(counts);
	for (order = LEAF_ORDER; order < NR_ORDERS; order++)
		sum += counts[order];
	return sum;
}

static void set(const char *path, const char *value)
{
	if (!proc_write(path, value))
		die("cannot write %s to %s", value, path);
}

/* Without reserves in the low zones the fill reaches every free page. */
static void prepare_sysctls(void)
{
	set("/proc/sys/vm/compact_unevictable_allowed", "0");
	set("/proc/sys/vm/min_free_kbytes", "1024");
	set("/proc/sys/vm/percpu_pagelist_high_fraction", "1000000");
	proc_write("/proc/sys/vm/lowmem_reserve_ratio", "0 0 0 0 0");
	set("/proc/sys/vm/drop_caches", "3");
}

static char *reserve(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap of %zu bytes to fill memory with", bytes);
	if (madvise(p, bytes, MADV_NOHUGEPAGE))
		die("MADV_NOHUGEPAGE");
	if (mlock2(p, bytes, MLOCK_ONFAULT))
		die("mlock2");
	return p;
}

/*
 * Pages that CPUs keep for themselves are in no free list, and merge into large
 * blocks once they return. With a low limit a few refreshes bring them back.
 */
static void drain_cpus(void)
{
	int i;

	for (i = 0; i < 32; i++)
		set("/proc/sys/vm/stat_refresh", "1");
}

static bool leaves_gone(void)
{
	if (proc_value("/proc/meminfo", "MemFree") > 64 * 1024)
		return false;
	if (leaves_free())
		return false;
	drain_cpus();
	return !leaves_free();
}

/*
 * The smallest free blocks go first, so the last 2M block is broken when a few
 * MiB are left, well above the reserve: no need to go near out of memory.
 */
static size_t fill(char *p, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++) {
		p[i * PAGE_BYTES] = 1;
		if (i % STEP == 0 && leaves_gone())
			break;
	}
	return i < pages ? i + 1 : pages;
}

static uint64_t frame_of(int pagemap, const char *p)
{
	uint64_t entry;
	off_t at = (uintptr_t)p / PAGE_BYTES * sizeof(entry);

	if (pread(pagemap, &entry, sizeof(entry), at) != sizeof(entry))
		die("cannot read /proc/self/pagemap");
	return entry & ((1ULL << 55) - 1);
}

static void punch(char *p, size_t pages, uint64_t stride)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	uint64_t frame;
	size_t i;

	if (pagemap < 0)
		die("/proc/self/pagemap");
	for (i = 0; i < pages; i++) {
		frame = frame_of(pagemap, p + i * PAGE_BYTES);
		if (!frame)
			die("/proc/self/pagemap hides frame numbers");
		if (frame % stride == 0)
			continue;
		if (madvise(p + i * PAGE_BYTES, PAGE_BYTES,
			    MADV_DONTNEED_LOCKED))
			die("MADV_DONTNEED_LOCKED");
	}
	close(pagemap);
}

/*
 * Something of the kernel's may have given back pages meanwhile. What merged
 * to 2M is taken as huge pages, so that the small free blocks stay.
 */
static void take_leaves(void)
{
	const char *defrag = "/sys/kernel/mm/transparent_hugepage/defrag";
	const size_t leaf = PAGE_BYTES << LEAF_ORDER;
	int tries;

	proc_write(defrag, "never");
	for (tries = 0; tries < 128 && leaves_free(); tries++) {
		char *p = reserve(2 * leaf);

		madvise(p, 2 * leaf, MADV_HUGEPAGE);
		p += -(uintptr_t)p & (leaf - 1);
		*p = 1;
		drain_cpus();
	}
}

void fragment_check(int max_order, const char *when)
{
	uint64_t counts[NR_ORDERS];
	int order;

	buddy_read(counts);
	printf("buddyinfo when=%s max_order=%d", when, max_order);
	for (order = 0; order < NR_ORDERS; order++)
		printf(" order%d=%llu", order,
		       (unsigned long long)counts[order]);
	printf("\n");
	for (order = LEAF_ORDER; order < NR_ORDERS; order++)
		if (counts[order])
			die("memory is not fragmented: %llu blocks of order %d",
			    (unsigned long long)counts[order], order);
}

void fragment_memory(int max_order)
{
	size_t bytes = proc_value("/proc/meminfo", "MemTotal") * 1024;
	size_t filled;
	char *p;

	prepare_sysctls();
	p = reserve(bytes);
	filled = fill(p, bytes / PAGE_BYTES);
	punch(p, filled, 2UL << max_order);
	drain_cpus();
	take_leaves();
	set("/proc/sys/vm/percpu_pagelist_high_fraction", "0");
	fragment_check(max_order, "before");
}
