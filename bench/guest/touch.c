// SPDX-License-Identifier: GPL-2.0
/*
 * What a page costs, from its first touch until it is free again: private
 * anonymous memory, the same under a key, a shmem memfd, a memfd_secret file,
 * the same in huge folios, the same with its small pages allocated beforehand.
 *
 * Each pass opens a file, which may allocate (the alloc phase), maps it, writes
 * one byte to every page (the fault phase, on all threads), then unmaps and
 * closes it (the free phase, on one thread).
 * The first pass pays for what happens once, so it is shown apart from the
 * smallest of the later ones. Clearing is part of both phases as the kernel
 * does it. A line per pass, then "pass=min", all as key=value.
 *
 * With --keys=N each pass of keyed memory uses another one of N keys in turn;
 * "flush" is how often the caches were written back for a page.
 *
 * With --fragment=ORDER memory is first broken up so that no free block
 * larger than ORDER exists; see fragment.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/memkey.h>

#include "fragment.h"
#include "measure.h"

struct memory {
	const char *name;
	int (*open)(size_t bytes);
	int flags;
	/* What else the mapping needs, before the clock runs; or NULL */
	void (*prepare)(void *p, size_t bytes);
	void (*alloc)(int fd, size_t bytes);	/* or NULL */
	bool huge;		/* PMD mappings are welcome */
	bool optional;		/* only when it is asked for by name */
};

#define MAX_KEYS	4

struct options {
	const char *kind;
	size_t bytes;
	int threads;
	int passes;
	int max_order;		/* largest free block wanted, or -1 */
	int keys;
};

/* Open for the whole run: what they are used for remembers them. */
static int keys[MAX_KEYS], nr_keys, next_key;

struct area {
	volatile char *base;
	size_t bytes;
	int threads;
};

struct cost {
	double alloc, fault, free, ipi_fault, ipi_free, flush;
	long split2, split3, dm2m_lost;
};

static int anon_open(size_t bytes)
{
	(void)bytes;
	return -1;
}

static int shmem_open(size_t bytes)
{
	int fd = memfd_create("touch", 0);

	if (fd < 0 || ftruncate(fd, bytes))
		die("memfd_create of %zu bytes", bytes);
	return fd;
}

static void open_keys(int nr)
{
	for (nr_keys = 0; nr_keys < nr; nr_keys++) {
		keys[nr_keys] = open("/dev/memkey", O_RDWR);
		if (keys[nr_keys] < 0)
			die("/dev/memkey, key %d", nr_keys + 1);
	}
}

static void give_key(void *p, size_t bytes)
{
	struct memkey_range range = { (uintptr_t)p, bytes };

	if (ioctl(keys[next_key++ % nr_keys], MEMKEY_PROTECT, &range))
		die("MEMKEY_PROTECT of %zu bytes", bytes);
}

/* Whether fallocate() of secret memory allocates huge folios. */
static void allow_huge_secrets(bool yes)
{
	if (!proc_write("/sys/module/secretmem/parameters/huge",
			yes ? "Y" : "N"))
		die("the parameter secretmem.huge");
}

static void alloc_small(int fd, size_t bytes)
{
	if (fallocate(fd, 0, 0, bytes))
		die("fallocate of %zu bytes of secret memory", bytes);
}

static const struct memory kinds[] = {
	{ .name = "anon", .open = anon_open,
	  .flags = MAP_PRIVATE | MAP_ANONYMOUS },
	{ .name = "shmem", .open = shmem_open, .flags = MAP_SHARED },
	{ .name = "secretmem", .open = secret_fd, .flags = MAP_SHARED },
	{ .name = "fallocated", .open = secret_fd, .flags = MAP_SHARED,
	  .alloc = alloc_small, .optional = true },
	{ .name = "huge", .open = secret_fd, .flags = MAP_SHARED,
	  .huge = true, .optional = true },
	{ .name = "keyed", .open = anon_open,
	  .flags = MAP_PRIVATE | MAP_ANONYMOUS, .prepare = give_key,
	  .optional = true },
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void touch_share(void *arg, int thread)
{
	struct area *area = arg;
	size_t pages = area->bytes / PAGE_BYTES;
	size_t i = pages * thread / area->threads;
	size_t end = pages * (thread + 1) / area->threads;

	for (; i < end; i++)
		area->base[i * PAGE_BYTES] = 1;
}

static void *map(const struct memory *m, size_t bytes, int fd)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, m->flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap of %zu bytes of %s", bytes, m->name);
	if (!m->huge)
		madvise(p, bytes, MADV_NOHUGEPAGE);
	if (m->prepare)
		m->prepare(p, bytes);
	return p;
}

static uint64_t unmap(void *p, size_t bytes, int fd)
{
	uint64_t begin = tsc();

	munmap(p, bytes);
	if (fd >= 0)
		close(fd);
	return tsc() - begin;
}

static struct cost measure(const struct memory *m, const struct options *o)
{
	struct area area = { .bytes = o->bytes, .threads = o->threads };
	uint64_t pages = o->bytes / PAGE_BYTES, begin, alloc = 0, fault, freed;
	struct sample before, held, after;
	int fd = m->open(o->bytes);

	if (m->alloc) {
		begin = tsc();
		m->alloc(fd, o->bytes);
		alloc = tsc() - begin;
	}
	area.base = map(m, o->bytes, fd);
	sample_take(&before);
	fault = run_threads(o->threads, touch_share, &area);
	sample_take(&held);
	freed = unmap((void *)area.base, o->bytes, fd);
	sample_take(&after);

	return (struct cost){
		.alloc = per(alloc, pages),
		.fault = per(fault, pages),
		.free = per(freed, pages),
		.ipi_fault = per(held.cal - before.cal, pages),
		.ipi_free = per(after.cal - held.cal, pages),
		.split2 = after.split2 - before.split2,
		.split3 = after.split3 - before.split3,
		.dm2m_lost = before.dm2m - after.dm2m,
		.flush = per(after.key_flush - before.key_flush, pages),
	};
}

static void print_cost(const struct memory *m, const struct options *o,
		       const char *pass, const struct cost *c)
{
	printf("touch kind=%s threads=%d mib=%zu frag=%d pass=%s ",
	       m->name, o->threads, o->bytes / MIB, o->max_order, pass);
	printf("alloc=%.1f fault=%.1f free=%.1f sum=%.1f ", c->alloc, c->fault,
	       c->free, c->alloc + c->fault + c->free);
	printf("ipi_fault=%.4f ipi_free=%.4f ", c->ipi_fault, c->ipi_free);
	printf("split2=%ld split3=%ld dm2m_lost_kb=%ld flush=%.4f\n",
	       c->split2, c->split3, c->dm2m_lost, c->flush);
}

static void keep_smaller(struct cost *min, const struct cost *c)
{
	if (c->alloc < min->alloc)
		min->alloc = c->alloc;
	if (c->fault < min->fault)
		min->fault = c->fault;
	if (c->free < min->free)
		min->free = c->free;
	if (c->ipi_fault < min->ipi_fault)
		min->ipi_fault = c->ipi_fault;
	if (c->ipi_free < min->ipi_free)
		min->ipi_free = c->ipi_free;
	min->flush += c->flush;
	min->split2 += c->split2;
	min->split3 += c->split3;
	min->dm2m_lost += c->dm2m_lost;
}

/* What is left of it all when the kernel has let go of what it can. */
static void print_end(const struct memory *m, const struct options *o,
		      const struct sample *before)
{
	struct sample end;

	proc_write("/proc/sys/vm/drop_caches", "2");
	sample_take(&end);
	printf("touch kind=%s threads=%d mib=%zu frag=%d pass=end ",
	       m->name, o->threads, o->bytes / MIB, o->max_order);
	printf("split2=%ld split3=%ld dm2m_lost_kb=%ld dm4k_more_kb=%ld\n",
	       (long)(end.split2 - before->split2),
	       (long)(end.split3 - before->split3),
	       (long)(before->dm2m - end.dm2m),
	       (long)(end.dm4k - before->dm4k));
}

/*
 * Splits are added up over all passes: they are what stays behind. Flushes are
 * those of a pass after the first, on average: what is kept now may be lost later.
 */
static void run_kind(const struct memory *m, const struct options *o)
{
	struct sample before;
	struct cost min, c;
	char pass[16];
	int i;

	sample_take(&before);
	min = measure(m, o);
	print_cost(m, o, "first", &min);
	if (o->passes > 1)
		min.flush = 0;
	for (i = 2; i <= o->passes; i++) {
		c = measure(m, o);
		snprintf(pass, sizeof(pass), "%d", i);
		print_cost(m, o, pass, &c);
		keep_smaller(&min, &c);
	}
	if (o->passes > 1)
		min.flush /= o->passes - 1;
	print_cost(m, o, "min", &min);
	print_end(m, o, &before);
}

static void usage(void)
{
	fputs("usage: bench-touch [--mib=N] [--threads=N] [--passes=N] [--keys=N]\n"
	      "       [--kind=anon|shmem|secretmem|fallocated|huge|keyed]\n"
	      "       [--fragment[=ORDER]]\n", stderr);
	exit(2);
}

static long number(const char *s, long min, long max)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (end == s || *end || n < min || n > max)
		die("%s is not a number from %ld to %ld", s, min, max);
	return n;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "kind", required_argument, NULL, 'k' },
		{ "mib", required_argument, NULL, 'm' },
		{ "threads", required_argument, NULL, 't' },
		{ "passes", required_argument, NULL, 'p' },
		{ "keys", required_argument, NULL, 'K' },
		{ "fragment", optional_argument, NULL, 'f' },
		{ },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'k')
			o->kind = optarg;
		else if (c == 'm')
			o->bytes = number(optarg, 1, 1 << 20) * MIB;
		else if (c == 't')
			o->threads = number(optarg, 1, 256);
		else if (c == 'p')
			o->passes = number(optarg, 1, 1000);
		else if (c == 'K')
			o->keys = number(optarg, 1, MAX_KEYS);
		else if (c == 'f')
			o->max_order = optarg ? number(optarg, 0, 8) : 0;
		else
			usage();
	}
	if (optind != argc)
		usage();
}

int main(int argc, char **argv)
{
	struct options o = { NULL, 64 * MIB, 1, 4, -1, 1 };
	bool known = false;
	size_t i;

	parse(argc, argv, &o);
	lift_memlock_limit();
	if (o.max_order >= 0)
		fragment_memory(o.max_order);
	for (i = 0; i < NR_KINDS; i++) {
		if (o.kind ? strcmp(o.kind, kinds[i].name) : kinds[i].optional)
			continue;
		known = true;
		if (kinds[i].prepare)
			open_keys(o.keys);
		if (kinds[i].huge || kinds[i].alloc)
			allow_huge_secrets(kinds[i].huge);
		run_kind(&kinds[i], &o);
	}
	if (!known)
		usage();
	if (o.max_order >= 0)
		fragment_check(o.max_order, "after");
	return 0;
}
