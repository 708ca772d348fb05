// SPDX-License-Identifier: GPL-2.0
/*
 * Fills pages of every kind and order with words that no other page has, and
 * holds them, so that a dump can be searched for them after a crash:
 *
 *	anon		anonymous pages
 *	thp		an anonymous huge page
 *	cache		pages of a file in tmpfs
 *	kernelN		the kernel's pages, allocated as one block of order N: the
 *			submission entries of an io_uring, which may be mapped
 *
 * The CPUs write in turn. At the end each has a huge page that is not accepted
 * on its list of free pages, beside pages in use.
 *
 * Writes `KIND PFN SEED` to LIST for each page, whose words are SEED, SEED + 1
 * and so on; prints how much memory is free, and makes the kernel crash.
 *
 * usage: dump_pages LIST ROUNDS	a round takes 2.5 to 6.5 MiB
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "physical.h"

#define WORDS		(PAGE / sizeof(uint64_t))
#define SOME		(64 * PAGE)
#define NR_HUGE		512UL
#define HUGE		(NR_HUGE * PAGE)
#define SLACK		64
#define NR_ORDERS	11
#define MAX_TRIES	16
#define MAX_ACCEPTED	(1UL << 30)
#define ENTRY		64UL	/* bytes; twice that with IORING_SETUP_SQE128 */
#define MAX_ENTRIES	32768UL

struct piece {
	struct piece *next;
	const char *kind;
	uint64_t *words;
	size_t bytes;
};

static struct piece *pieces;
static int pagemap;

static void next_cpu(void)
{
	static int cpu;

	move_to(cpu);
	cpu = (cpu + 1) % sysconf(_SC_NPROCESSORS_ONLN);
}

static void *map(size_t bytes, int flags, int fd, off_t offset)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, offset);

	if (at == MAP_FAILED)
		err(1, "mmap");
	return at;
}

/* Of an address that starts with a page: the seed of its words. */
static uint64_t seed(const void *at)
{
	return 0x64756d7000000000ULL ^ (uintptr_t)at * 2;
}

static void fill(const char *kind, void *at, size_t bytes)
{
	struct piece *piece = malloc(sizeof(*piece));
	size_t i;

	if (!piece)
		err(1, "malloc");
	*piece = (struct piece){ pieces, kind, at, bytes };
	pieces = piece;
	for (i = 0; i < bytes / sizeof(uint64_t); i++)
		piece->words[i] = seed(&piece->words[i / WORDS * WORDS]) +
				  i % WORDS;
}

static void fill_anon(void)
{
	void *at = map(SOME, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(at, SOME, MADV_NOHUGEPAGE);
	fill("anon", at, SOME);
}

static void fill_thp(void)
{
	uintptr_t at = (uintptr_t)map(2 * HUGE, MAP_PRIVATE | MAP_ANONYMOUS,
				      -1, 0);

	at = (at + HUGE - 1) / HUGE * HUGE;
	if (madvise((void *)at, HUGE, MADV_HUGEPAGE))
		err(1, "MADV_HUGEPAGE");
	fill("thp", (void *)at, HUGE);
}

static void fill_cache(void)
{
	char name[] = "/tmp/cache.XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0 || ftruncate(fd, SOME))
		err(1, "%s", name);
	fill("cache", map(SOME, MAP_SHARED, fd, 0), SOME);
	close(fd);
}

static void fill_kernel(unsigned int order)
{
	static const char *const kinds[NR_ORDERS] = {
		"kernel0", "kernel1", "kernel2", "kernel3", "kernel4",
		"kernel5", "kernel6", "kernel7", "kernel8", "kernel9",
		"kernel10",
	};
	struct io_uring_params params = { };
	size_t bytes = PAGE << order, entries = bytes / ENTRY;
	int fd;

	if (entries > MAX_ENTRIES) {
		params.flags = IORING_SETUP_SQE128;
		entries /= 2;
	}
	fd = syscall(__NR_io_uring_setup, entries, &params);
	if (fd < 0)
		err(1, "io_uring_setup of %zu entries", entries);
	fill(kinds[order], map(bytes, MAP_SHARED, fd, IORING_OFF_SQES), bytes);
}

static uint64_t pfn(const void *at)
{
	uint64_t entry;

	if (pread(pagemap, &entry, sizeof(entry),
		  (uintptr_t)at / PAGE * sizeof(entry)) != sizeof(entry) ||
	    !(entry & PFN_MASK))
		err(1, "/proc/self/pagemap");
	return entry & PFN_MASK;
}

/* The sum of the numbers that follow this word in the file. */
static unsigned long sum(const char *path, const char *word)
{
	unsigned long total = 0, value;
	char line[256];
	FILE *in;

	in = fopen(path, "r");
	if (!in)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), in)) {
		char *at = line + strspn(line, " \t");

		if (!strncmp(at, word, strlen(word)) &&
		    sscanf(at + strlen(word), "%lu", &value) == 1)
			total += value;
	}
	fclose(in);
	return total;
}

static unsigned long on_cpu_lists(void)
{
	return sum("/proc/zoneinfo", "count:");
}

static unsigned long unaccepted(void)
{
	return sum("/proc/meminfo", "Unaccepted:") / 4;
}

/* The kernel takes two at a time: until it did, and had to accept memory. */
static bool leave_huge_page_on_list(void)
{
	unsigned long listed, pending;
	long more;
	int tries;

	next_cpu();
	for (tries = 0; tries < MAX_TRIES; tries++) {
		listed = on_cpu_lists();
		pending = unaccepted();
		fill_thp();
		more = on_cpu_lists() - listed;
		/* Not many small ones */
		if (more > (long)NR_HUGE - SLACK && more < (long)NR_HUGE + SLACK &&
		    unaccepted() < pending)
			return true;
	}
	return false;
}

/* What comes then is accepted for who allocates it. */
static void use_up_accepted(void)
{
	unsigned long pending = unaccepted();
	size_t used;

	for (used = 0; used < MAX_ACCEPTED && unaccepted() == pending;
	     used += HUGE)
		memset(map(HUGE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 1, HUGE);
}

/* Each page of each piece */
static void for_each_page(void (*what)(struct piece *piece, uint64_t *page))
{
	struct piece *p;
	uint64_t *page;

	for (p = pieces; p; p = p->next)
		for (page = p->words; page < p->words + p->bytes / 8;
		     page += WORDS)
			what(p, page);
}

static FILE *list;

static void list_page(struct piece *piece, uint64_t *page)
{
	fprintf(list, "%s %#llx %#llx\n", piece->kind,
		(unsigned long long)pfn(page), (unsigned long long)seed(page));
}

static void list_pages(const char *to)
{
	list = fopen(to, "w");
	if (!list)
		err(1, "%s", to);
	for_each_page(list_page);
	if (fflush(list) || fsync(fileno(list)))
		err(1, "%s", to);
}

int main(int argc, char **argv)
{
	int i, left = 0, trigger;

	if (argc != 3)
		errx(1, "usage: dump_pages LIST ROUNDS");
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	trigger = open("/proc/sysrq-trigger", O_WRONLY);
	if (pagemap < 0 || trigger < 0)
		err(1, "/proc");
	use_up_accepted();
	for (i = 0; i < atoi(argv[2]); i++) {
		next_cpu();
		fill_anon();
		fill_kernel(i % NR_ORDERS);
		fill_cache();
		fill_thp();
	}
	for (i = 0; i < 2 * sysconf(_SC_NPROCESSORS_ONLN); i++)
		if (leave_huge_page_on_list())
			left++;
	if (mlockall(MCL_CURRENT))
		err(1, "mlockall");
	list_pages(argv[1]);
	printf("left %d\nfree %lu\npending %lu\n", left,
	       sum("/proc/meminfo", "MemFree:") / 4, unaccepted());
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	if (write(trigger, "c", 1) != 1)
		err(1, "sysrq");
	return 1;
}
