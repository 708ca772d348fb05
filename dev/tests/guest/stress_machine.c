// SPDX-License-Identifier: GPL-2.0
/*
 * Workers for what happens to the machine: a memory hog, compaction,
 * shrinkers, CPU and memory hotplug, poisoned pages; and machine_restore(),
 * which undoes what these have done.
 */
#define _GNU_SOURCE

#include "unmapped_file.h"
#include "stress.h"

/* Writes to a file of sysfs or debugfs that may be EBUSY for a while. */
static bool persist(const char *path, const char *value)
{
	bool done = write_string(path, value);
	int tries;

	for (tries = 50; !done && tries; tries--) {
		usleep(100000);
		done = write_string(path, value);
	}
	return done;
}

/* Valid until it is called again. */
static const char *online_path(const char *what, unsigned int nr)
{
	static char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/%s%u/online", what,
		 nr);
	return path;
}

/* --- memory hogs --------------------------------------------------------- */

#define CHUNK_PAGES	1024UL
#define MAX_CHUNKS	1024

static char *chunks[MAX_CHUNKS];
static unsigned int nr_chunks;

static __u64 offline_kb(void)
{
	return number_in("/sys/devices/system/memory/block_size_bytes", 16) /
	       1024;
}

/*
 * Grows until kswapd has to reclaim, with swap until half of that is used. That
 * is far from an OOM kill, even while a block of memory is offline.
 */
static bool room_for_chunk(void)
{
	__u64 keep = meminfo("MemTotal") / (board->swap ? 32 : 8);

	if (__atomic_load_n(&board->offlining, __ATOMIC_RELAXED))
		keep += offline_kb();
	if (board->swap && meminfo("SwapFree") < meminfo("SwapTotal") / 2)
		return false;
	return nr_chunks < MAX_CHUNKS &&
	       meminfo("MemAvailable") > keep + CHUNK_PAGES * PAGE / 1024;
}

static void free_chunk(unsigned int i)
{
	check_pages(chunks[i], CHUNK_PAGES, (uintptr_t)chunks[i]);
	munmap(chunks[i], CHUNK_PAGES * PAGE);
	chunks[i] = chunks[--nr_chunks];
}

/* Takes one more chunk, or frees an eighth of them when memory is short. */
void hog_round(__u64 seed)
{
	unsigned int nr = (nr_chunks + 7) / 8;
	char *p;

	if (!room_for_chunk()) {
		while (nr--)
			free_chunk(seed % nr_chunks);
		usleep(seed % 20000);
		return;
	}
	p = anonymous(CHUNK_PAGES);
	if (!p)
		return refused(errno);
	fill_pages(p, CHUNK_PAGES, (uintptr_t)p);
	chunks[nr_chunks++] = p;
}

/* --- compaction ---------------------------------------------------------- */

#define COMPACT		"/proc/sys/vm/compact_memory"

const char *compact_lacks(void)
{
	return access(COMPACT, W_OK) ? "no compaction" : NULL;
}

void compact_round(__u64 seed)
{
	must(write_string(COMPACT, "1"), "compaction: %s", strerror(errno));
	usleep(200000 + seed % 300000);
}

/* They split blocks that are used in part, as reclaim does. */
void shrink_round(__u64 seed)
{
	must(run_shrinkers(), "shrinkers: %s", strerror(errno));
	usleep(500000 + seed % 1000000);
}

/* --- CPU hotplug --------------------------------------------------------- */

#define MAX_CPUS	64

static const char *cpu_path(unsigned int cpu)
{
	return online_path("cpu/cpu", cpu);
}

/* CPU 0 stays online. */
static unsigned int nr_cpus(void)
{
	unsigned int nr = 1;

	while (nr < MAX_CPUS && !access(cpu_path(nr), W_OK))
		nr++;
	return nr;
}

const char *cpu_lacks(void)
{
	return nr_cpus() == 1 ? "no CPU that could go offline" : NULL;
}

void cpu_round(__u64 seed)
{
	unsigned int cpu = 1 + seed % (nr_cpus() - 1);

	if (write_string(cpu_path(cpu), "0"))
		count(&mine->checked, 1);
	else
		refused(errno);
	usleep(50000 + (seed >> 8) % 200000);
	must(persist(cpu_path(cpu), "1"), "CPU %u stays offline: %s", cpu,
	     strerror(errno));
	usleep((seed >> 32) % 500000);
}

/* --- memory hotplug ------------------------------------------------------ */

#define MAX_BLOCKS	64
#define OFFLINE_SECONDS	5

static const char *block_path(unsigned int block)
{
	return online_path("memory/memory", block);
}

static bool is_offline(const char *path)
{
	return number_in(path, 10) == 0;
}

const char *memory_lacks(void)
{
	return access(block_path(1), W_OK) ? "no memory that could go offline" :
					     NULL;
}

/* A block with a poisoned page would not come online again: EHWPOISON. */
static bool may_go(unsigned int block)
{
	__u64 bytes = offline_kb() * 1024;
	unsigned int i;

	for (i = 0; i < board->nr_poison; i++)
		if (board->poison[i] / bytes == block)
			return false;
	return !access(block_path(block), W_OK);
}

/* Waits until there is room elsewhere for what a block has. */
static bool wait_for_room(void)
{
	__u64 need = offline_kb() + meminfo("MemTotal") / 32;
	int tries = 30;

	while (meminfo("MemAvailable") < need && tries--)
		usleep(100000);
	return tries >= 0;
}

/*
 * Offlining may fail: EBUSY while there are pages that cannot move, EINVAL for
 * a block with holes, EINTR when it takes too long.
 */
static void go_and_come_back(unsigned int block)
{
	if (!take_offline(block_path(block), OFFLINE_SECONDS))
		count(&mine->checked, 1);
	else
		count(&mine->refused, 1);
	usleep(50000);
	if (is_offline(block_path(block)))
		must(persist(block_path(block), "1"),
		     "memory %u stays offline: %s", block, strerror(errno));
}

void memory_round(__u64 seed)
{
	unsigned int block = seed % MAX_BLOCKS, tries = MAX_BLOCKS;

	if (!poison_lock())
		return;
	while (tries-- && !may_go(block))
		block = (block + 1) % MAX_BLOCKS;
	__atomic_store_n(&board->offlining, true, __ATOMIC_RELAXED);
	if (may_go(block) && wait_for_room())
		go_and_come_back(block);
	__atomic_store_n(&board->offlining, false, __ATOMIC_RELAXED);
	poison_unlock(getpid());
	usleep(200000 + (seed >> 32) % 800000);
}

/* --- poison -------------------------------------------------------------- */

#define UNPOISON	"/sys/kernel/debug/hwpoison/unpoison-pfn"
#define SOFT_OFFLINE	"/sys/devices/system/memory/soft_offline_page"
#define SOME_PAGES	4
#define BAD		1	/* index of the poisoned one */

const char *poison_lacks(void)
{
	return access(INJECT_POISON, W_OK) || access(UNPOISON, W_OK) ?
	       "no hwpoison in debugfs" : NULL;
}

static void note_poison(__u64 phys)
{
	board->poison[board->nr_poison] = phys;
	board->nr_poison++;
}

/*
 * The poisoned page answers with SIGBUS, the others keep their contents. The
 * file must not be swapped: another user could have the page when it is
 * poisoned.
 */
static void poison_file(struct secret *s, __u64 seed)
{
	__u64 phys;

	if (take_pages(s->base, SOME_PAGES)) {
		fill_pages(s->base, SOME_PAGES, seed);
		phys = phys_of(s->base + BAD * PAGE);
		if (phys && inject_poison(phys)) {
			note_poison(phys);
			must(!touch(s->base + BAD * PAGE),
			     "a poisoned page can be touched");
		} else {
			refused(EAGAIN);
		}
		check_pages(s->base, BAD, seed);
		check_pages(s->base + (BAD + 1) * PAGE, SOME_PAGES - BAD - 1,
			    seed + BAD + 1);
	}
	secret_close(s);
}

static void poison_secret(__u64 seed)
{
	struct secret s;

	if (secret_open(&s, SOME_PAGES * PAGE))
		poison_file(&s, seed);
	else
		refused(errno);
}

static void poison_hidden(__u64 seed)
{
	struct secret s;

	if (file_open(&s, SOME_PAGES * PAGE, MFD_NO_DIRECT_MAP) &&
	    !mlock(s.base, s.bytes))
		poison_file(&s, seed);
	else
		refused(errno);
}

/*
 * Soft offlining replaces the page and loses nothing, also if it has become
 * another user's page by then. So it is done by physical address, which is
 * needed for unpoisoning, and not with MADV_SOFT_OFFLINE.
 */
static void poison_anonymous(__u64 seed)
{
	char *p = anonymous(SOME_PAGES), address[32];
	__u64 phys;

	if (!p || mlock(p, SOME_PAGES * PAGE))
		return refused(errno);
	fill_pages(p, SOME_PAGES, seed);
	phys = phys_of(p + BAD * PAGE);
	snprintf(address, sizeof(address), "%#llx", phys);
	if (phys && write_string(SOFT_OFFLINE, address))
		note_poison(phys);
	else
		refused(EAGAIN);
	check_pages(p, SOME_PAGES, seed);
	munmap(p, SOME_PAGES * PAGE);
}

static void (*const poisoners[])(__u64 seed) = {
	poison_secret, poison_hidden, poison_anonymous,
};

/* A handful of pages in all, each of another kind than the one before. */
void poison_round(__u64 seed)
{
	if (!poison_lock())
		return;
	if (board->nr_poison < MAX_POISON)
		poisoners[mine->rounds % 3](seed);
	poison_unlock(getpid());
	usleep(500000 + seed % 1000000);
}

/* --- the end ------------------------------------------------------------- */

static bool repair(__u64 phys)
{
	char pfn[32];

	snprintf(pfn, sizeof(pfn), "%llu", phys / PAGE);
	return persist(UNPOISON, pfn);
}

/* Brings CPUs and memory online and unpoisons all pages. */
bool machine_restore(void)
{
	unsigned int i, nr = nr_cpus();
	bool whole = true;

	for (i = 1; i < nr; i++)
		if (is_offline(cpu_path(i)))
			whole &= persist(cpu_path(i), "1");
	for (i = 0; i < MAX_BLOCKS; i++)
		if (is_offline(block_path(i)))
			whole &= persist(block_path(i), "1");
	/* A page on the LRU list of a CPU has one reference too many for that */
	settle();
	for (i = 0; i < board->nr_poison; i++)
		if (!repair(board->poison[i])) {
			complain("the page at %#llx stays poisoned: %s",
				 board->poison[i], strerror(errno));
			whole = false;
		}
	return whole;
}
