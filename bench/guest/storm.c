// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that fault anonymous memory all at once, for what acceptance does to
 * it: how long it takes, how often a CPU waits for another, and whether
 * MemFree tells the truth meanwhile. What the threads have touched and what is
 * free must add up to the same all the time, page tables and the lists of the
 * CPUs apart; `missing_kb` is the most that it fell short.
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

static int64_t most_missing(uint64_t free_before)
{
	int64_t most = 0, missing;

	while (atomic_load(&running)) {
		missing = free_before - vmstat("nr_free_pages") -
			  atomic_load(&touched);
		if (missing > most)
			most = missing;
		usleep(1000);
	}
	return most;
}

int main(int argc, char **argv)
{
	uint64_t waits = vmstat("accept_wait"), free_before, begin;
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
	free_before = vmstat("nr_free_pages");
	begin = now_ns();
	for (i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, fault, p + i * bytes))
			die("pthread_create");
	missing = most_missing(free_before);
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	printf("storm threads=%d mib=%zu ns=%" PRIu64 " waits=%" PRIu64
	       " missing_kb=%" PRId64 "\n", nr, nr * bytes / MIB,
	       now_ns() - begin, vmstat("accept_wait") - waits,
	       missing * (int64_t)(PAGE_BYTES / 1024));
	return 0;
}
