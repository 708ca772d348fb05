// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that fault anonymous memory all at once, for what acceptance does to
 * it: how long it takes, how often a CPU waits for another, and whether
 * MemFree tells the truth meanwhile. What the threads have touched, what is
 * free, and what lies on the lists of the CPUs must add up to the same all the
 * time; `missing_kb` is the most that it fell short. A few hundred kB always
 * do, as the threads do not stand still while the kernel is asked.
 *
 * usage: bench-storm THREADS MIB
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

#define MAX_THREADS	16

static _Atomic uint64_t touched;
static _Atomic int running;
static size_t bytes;

static void *fault(void *arg)
{
	volatile char *p = arg;
	size_t i;

	for (i = 0; i < bytes; i += PAGE_BYTES) {
		p[i] = 1;
		atomic_fetch_add_explicit(&touched, 1, memory_order_relaxed);
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static uint64_t vmstat(const char *name)
{
	return proc_value("/proc/vmstat", name);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Free pages, with those of the CPUs' lists, and what is mapped with them. */
static uint64_t all_pages(void)
{
	uint64_t sum = 0, value;
	char line[128];
	FILE *f;

	/* What each CPU has counted and not yet told */
	f = fopen("/proc/sys/vm/stat_refresh", "w");
	if (!f || fputs("1", f) < 0 || fclose(f))
		die("/proc/sys/vm/stat_refresh");
	f = fopen("/proc/zoneinfo", "r");
	if (!f)
		die("/proc/zoneinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " nr_free_pages %" SCNu64, &value) == 1 ||
		    sscanf(line, " count: %" SCNu64, &value) == 1)
			sum += value;
	fclose(f);
	return sum + vmstat("nr_page_table_pages") + atomic_load(&touched);
}

static int64_t most_missing(uint64_t before)
{
	int64_t most = 0, missing;

	while (atomic_load(&running)) {
		missing = before - all_pages();
		if (missing > most)
			most = missing;
		usleep(1000);
	}
	return most;
}

int main(int argc, char **argv)
{
	uint64_t waits = vmstat("accept_wait"), before, begin;
	pthread_t threads[MAX_THREADS];
	int nr, i;
	int64_t missing;
	char *p;

	if (argc != 3)
		die("usage: bench-storm THREADS MIB");
	nr = atoi(argv[1]);
	if (nr < 1 || nr > MAX_THREADS)
		die("1 to %d threads", MAX_THREADS);
	bytes = strtoul(argv[2], NULL, 10) * MIB / nr;
	p = mmap(NULL, nr * bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	madvise(p, nr * bytes, MADV_NOHUGEPAGE);
	running = nr;
	before = all_pages();
	begin = now_ns();
	for (i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, fault, p + i * bytes))
			die("pthread_create");
	missing = most_missing(before);
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	printf("storm threads=%d mib=%zu ns=%" PRIu64 " waits=%" PRIu64
	       " missing_kb=%" PRId64 "\n", nr, nr * bytes / MIB,
	       now_ns() - begin, vmstat("accept_wait") - waits,
	       missing * (int64_t)(PAGE_BYTES / 1024));
	return 0;
}
