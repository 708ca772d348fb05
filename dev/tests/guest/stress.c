// SPDX-License-Identifier: GPL-2.0
/*
 * Runs all users of memory outside the direct map at once, with hotplug,
 * memory shortage, failing allocations and poison around them, and then checks
 * that the machine is as it was.
 *
 *	stress SECONDS [leaves]
 *
 * Each worker is a process and checks all contents that it gets. Some are
 * killed now and then, and at the end, so that the kernel has to free what
 * they hold.
 *
 * The first quarter of the time goes without the workers that make memory
 * short, since with "leaves" the direct map is checked: under memory pressure
 * the cache has to split 2M leaves, which it need not do before. What is
 * compared with is the state after one round of each worker: the first use of
 * the cache, of KVM or of modules allocates and splits what stays.
 *
 * Prints TAP, and a line of figures ten times in each part.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <sys/swap.h>
#include <time.h>

#include "stress.h"

#define SWAP_DISK	"/dev/vda"
#define PATIENCE	90	/* seconds to wait for what has to happen */

enum {
	KILLED	= 1,	/* killed now and then, and at the end */
	CHECKS	= 2,	/* fails if it never had anything to check */
	SWAPPED	= 4,	/* SIGBUS is allowed: no memory to swap a page in */
	HARSH	= 8,	/* makes memory short: not in the first part */
	VICTIM	= 16,	/* the OOM killer takes it first */
};

static const struct worker {
	const char *name;
	const char *(*lacks)(void);
	void (*round)(__u64 seed);
	unsigned int flags;
} workers[] = {
	{ "secret memory", secret_lacks, secret_round, KILLED | CHECKS },
	{ "more secret memory", secret_lacks, secret_round, CHECKS },
	{ "secret memory in 2M", secret_lacks, huge_round, KILLED | CHECKS },
	{ "files", hidden_lacks, hidden_round, KILLED | CHECKS | SWAPPED },
	{ "fork and exec", hidden_lacks, fork_round,
	  KILLED | CHECKS | SWAPPED },
	{ "moves between nodes", migrate_lacks, migrate_round,
	  CHECKS | SWAPPED },
	{ "memory of keys", keyed_lacks, keyed_round, KILLED | CHECKS },
	{ "modules", module_lacks, module_round, KILLED | CHECKS },
	{ "BPF programs", bpf_lacks, bpf_round, KILLED | CHECKS },
	{ "guest memory", guest_lacks, guestmem_round, KILLED | CHECKS },
	{ "guests", guest_lacks, guest_round, KILLED | CHECKS },
	{ "compaction", compact_lacks, compact_round, 0 },
	{ "shrinkers", NULL, shrink_round, HARSH },
	{ "CPU hotplug", cpu_lacks, cpu_round, CHECKS },
	{ "memory hotplug", memory_lacks, memory_round, 0 },
	{ "memory hog", NULL, hog_round, KILLED | HARSH | VICTIM },
	{ "failing allocations", fail_lacks, fail_round,
	  CHECKS | SWAPPED | HARSH },
	{ "pages that go bad", poison_lacks, poison_round, SWAPPED | HARSH },
};

#define NR_WORKERS	ARRAY_SIZE(workers)

_Static_assert(NR_WORKERS <= MAX_WORKERS, "too many workers");

struct board *board;
struct tally *mine;

static pid_t pids[NR_WORKERS];	/* 0 for one that does not run */
static const char *lacks[NR_WORKERS];
static unsigned int this_flags;	/* of the worker that this process is */

/* --- in the workers ------------------------------------------------------ */

void complain(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	printf("not ok - %s\n", text);
	fflush(stdout);
	__atomic_store_n(&board->failed, true, __ATOMIC_RELAXED);
}

static const int shortages[] = {
	ENOMEM, EAGAIN, ENOSPC, EBUSY, EINTR,
	ENFILE,		/* no memory for a file */
	EFAULT,		/* no memory for a page of the caller's */
};

void refused(int err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shortages); i++)
		if (err == shortages[i])
			return count(&mine->refused, 1);
	must(false, "an operation fails: %s", strerror(err));
}

static sigjmp_buf touch_jump;
static volatile sig_atomic_t touching;

/* Outside of touch() the worker ends, and is started again. */
static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	if (touching)
		siglongjmp(touch_jump, 1);
	must(this_flags & SWAPPED, "SIGBUS at %p", info->si_addr);
	_exit(EXIT_SIGBUS);
}

bool touch(char *p)
{
	bool there = false;

	touching = 1;
	if (!sigsetjmp(touch_jump, 1)) {
		*(volatile char *)p = 1;
		there = true;
	}
	touching = 0;
	return there;
}

static void check_word(const __u64 *p, __u64 is, __u64 should_be)
{
	must(is == should_be, "wrong contents at %p: %#llx, not %#llx", p, is,
	     should_be);
}

void check_zeroes(const char *p, size_t pages)
{
	const volatile __u64 *word = (const __u64 *)p;
	size_t i;

	for (i = 0; i < pages * PAGE / sizeof(*word); i++)
		check_word((const __u64 *)&word[i], word[i], 0);
	count(&mine->checked, pages);
}

bool take_pages(char *p, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++, p += PAGE) {
		if (!touch(p)) {
			refused(ENOMEM);
			return false;
		}
		*p = 0;
		check_zeroes(p, 1);
	}
	return true;
}

void fill_pages(char *p, size_t pages, __u64 seed)
{
	for (; pages; pages--, p += PAGE)
		pattern_fill(p, PAGE, seed++);
}

void check_pages(const char *p, size_t pages, __u64 seed)
{
	const volatile __u64 *word;
	size_t i, page;

	for (page = 0; page < pages; page++) {
		word = (const __u64 *)(p + page * PAGE);
		for (i = 0; i < PAGE / sizeof(*word); i++)
			check_word((const __u64 *)&word[i], word[i],
				   pattern_word(seed + page, i));
	}
	count(&mine->checked, pages);
}

static void become_worker(unsigned int i)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};

	setpgid(0, 0);
	mine = &board->tally[i];
	this_flags = workers[i].flags;
	sigaction(SIGBUS, &action, NULL);
	if (this_flags & VICTIM)
		write_string("/proc/self/oom_score_adj", "1000");
}

static void run_worker(unsigned int i, __u64 seed, bool once)
{
	become_worker(i);
	do {
		seed = mix(seed + 1);
		workers[i].round(seed);
		count(&mine->rounds, 1);
	} while (!once && !stopping());
	_exit(0);
}

/* --- starting and ending them -------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void start(unsigned int i, bool once)
{
	__u64 seed = now() * 1e9 + i;

	pids[i] = fork();
	if (!pids[i])
		run_worker(i, seed, once);
	if (pids[i] > 0) {
		setpgid(pids[i], pids[i]);
		return;
	}
	complain("no process for %s: %s", workers[i].name, strerror(errno));
	pids[i] = 0;
}

/* Whether it has ended. Its children end with it. */
static bool gone(unsigned int i, int *status)
{
	if (!pids[i])
		return true;
	if (waitpid(pids[i], status, WNOHANG) != pids[i])
		return false;
	kill(-pids[i], SIGKILL);
	poison_unlock(pids[i]);
	pids[i] = 0;
	return true;
}

static bool wait_for(unsigned int i, int *status)
{
	double end = now() + PATIENCE;

	while (!gone(i, status)) {
		if (now() > end)
			return false;
		usleep(20000);
	}
	return true;
}

static void kill_worker(unsigned int i)
{
	int status;

	if (!pids[i])
		return;
	kill(-pids[i], SIGKILL);
	if (!wait_for(i, &status))
		complain("%s does not die", workers[i].name);
}

static bool got_sigbus(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SIGBUS;
}

/* Restarts a worker that got SIGBUS. No other may end by itself. */
static void look_after(unsigned int i)
{
	int status = 0;

	if (!pids[i] || !gone(i, &status))
		return;
	if (!got_sigbus(status)) {
		complain("%s ended with status %#x", workers[i].name, status);
		return;
	}
	count(&board->tally[i].refused, 1);
	start(i, false);
}

static void stop_all(void)
{
	unsigned int i;
	int status;

	__atomic_store_n(&board->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < NR_WORKERS; i++)
		if (workers[i].flags & KILLED)
			kill_worker(i);
	for (i = 0; i < NR_WORKERS; i++) {
		status = 0;
		if (!wait_for(i, &status)) {
			complain("%s does not stop", workers[i].name);
			kill_worker(i);
		} else if (status && !got_sigbus(status)) {
			complain("%s ended with status %#x", workers[i].name,
				 status);
		}
	}
	module_end();
	__atomic_store_n(&board->stop, false, __ATOMIC_RELAXED);
}

/* --- what the machine has ------------------------------------------------ */

static unsigned int lines_in(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned int lines = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		lines += c == '\n';
	if (f)
		fclose(f);
	return lines;
}

static unsigned int nodes(void)
{
	char path[64];
	unsigned int nr = 0;

	do {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%u", nr);
	} while (!access(path, F_OK) && ++nr);
	return nr ?: 1;
}

#define PAGE_TABLES	"/sys/kernel/debug/page_tables/kernel"

/* Size of the direct map. Entries that are not present have no RW and no ro. */
static __u64 mapped_kb(void)
{
	FILE *f = fopen(PAGE_TABLES, "r");
	unsigned long start, end;
	bool inside = false;
	char line[256];
	__u64 kb = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "---[", 4))
			inside = strstr(line, "Low Kernel Mapping");
		else if (inside && sscanf(line, "%lx-%lx", &start, &end) == 2 &&
			 (strstr(line, " RW ") || strstr(line, " ro ")))
			kb += (end - start) / 1024;
	}
	if (f)
		fclose(f);
	return kb;
}

/* With what the cache has taken out of it, which must not change. */
static __u64 memory_kb(void)
{
	__u64 unmapped, kb;
	int tries = 10;

	do {
		unmapped = meminfo("NoDirectMap");
		kb = mapped_kb();
	} while (unmapped != meminfo("NoDirectMap") && tries--);
	return kb + unmapped;
}

#define OWNERS		"/sys/kernel/debug/unmapped_alloc"
#define MAX_OWNERS	32

struct owners {
	unsigned int nr;
	struct {
		char name[32];
		unsigned long pages;
	} owner[MAX_OWNERS];
};

static void read_owners(struct owners *o)
{
	FILE *f = fopen(OWNERS, "r");
	char line[256];

	o->nr = 0;
	while (f && fgets(line, sizeof(line), f))
		if (o->nr < MAX_OWNERS &&
		    sscanf(line, "Owner %31[^,], pages %lu",
			   o->owner[o->nr].name, &o->owner[o->nr].pages) == 2)
			o->nr++;
	if (f)
		fclose(f);
}

static unsigned long pages_of(const struct owners *o, const char *name)
{
	unsigned int i;

	for (i = 0; i < o->nr; i++)
		if (!strcmp(o->owner[i].name, name))
			return o->owner[i].pages;
	return 0;
}

static struct state {
	__u64 used, memory, splits, small, returned, corrupted, oom_kills;
	unsigned int keys;
	struct owners owners;
} first;

static __u64 peak;	/* the most that was in use of the cache, kB */

static void take_state(struct state *s)
{
	settle();
	run_shrinkers();
	*s = (struct state){
		.memory = memory_kb(),
		.used = unmapped_used(),
		.splits = vmstat("direct_map_level2_splits"),
		.small = vmstat("unmapped_refill_small"),
		.returned = vmstat("unmapped_return"),
		.corrupted = meminfo("HardwareCorrupted"),
		.oom_kills = vmstat("oom_kill"),
		.keys = count_keys(),
	};
	read_owners(&s->owners);
}

/* --- what is left -------------------------------------------------------- */

static void result(bool good, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (good)
		printf("ok - %s\n", text);
	else
		complain("%s", text);
}

/*
 * No shrinker runs meanwhile: the cache returns free blocks by itself. Pages
 * on the LRU lists of CPUs are still in use, but machine_restore() has emptied
 * these.
 */
static void check_slack(void)
{
	__u64 limit = 2 * BLOCK_KB * nodes(), left;
	double begin = now();

	if (limit < peak / 20)
		limit = peak / 20;
	while ((left = meminfo("NoDirectMapFree")) > limit &&
	       now() < begin + PATIENCE)
		usleep(200000);
	result(left <= limit,
	       "the cache keeps %llu kB, after %.0f s, of at most %llu in use",
	       left, now() - begin, peak);
}

static bool owners_have_nothing(const struct owners *o)
{
	unsigned int i;

	for (i = 0; i < o->nr; i++)
		if (o->owner[i].pages > pages_of(&first.owners,
						 o->owner[i].name))
			return false;
	return true;
}

/* Pages of killed workers and KeyIDs may need a moment to come back. */
static void wait_for_state(struct state *s)
{
	double end = now() + 20;

	take_state(s);
	while ((s->used > first.used || s->keys < first.keys ||
		!owners_have_nothing(&s->owners)) && now() < end) {
		usleep(500000);
		take_state(s);
	}
}

static void check_owners(const struct state *s)
{
	unsigned int i;

	result(s->used <= first.used && owners_have_nothing(&s->owners),
	       "all pages came back: %llu kB are used, %llu at first", s->used,
	       first.used);
	for (i = 0; i < s->owners.nr; i++)
		printf("# owner %s: %lu pages, %lu at first\n",
		       s->owners.owner[i].name, s->owners.owner[i].pages,
		       pages_of(&first.owners, s->owners.owner[i].name));
}

/*
 * The cache may split a leaf when it finds no free 2M and takes just the pages
 * of a request; when a shrinker returns the free pages of a block, at least
 * half of it, from among used ones; and when a page is poisoned.
 */
static void check_leaves(const struct state *s, const char *when)
{
	__u64 splits = s->splits - first.splits;
	__u64 explained = s->small - first.small +
			  (s->returned - first.returned) / 256 +
			  board->nr_poison;

	printf("# %s: %llu small refills, %llu returns, %u pages poisoned\n",
	       when, s->small - first.small, s->returned - first.returned,
	       board->nr_poison);
	result(splits <= explained,
	       "2M leaves split %s: %llu, where %llu are explained", when,
	       splits, explained);
}

/* Pages that are gone but still counted would be missing from the limit. */
static void check_memlock(void)
{
	struct secret s;
	pid_t pid;

	if (secret_lacks())
		return;
	pid = fork();
	if (!pid) {
		become_worker(0);
		if (!memlock_limit(16 * PAGE) || !secret_open(&s, 32 * PAGE))
			_exit(100);
		_exit(take_pages(s.base, 16) && !touch(s.base + 16 * PAGE));
	}
	result(exit_status(pid) == 1, "all of RLIMIT_MEMLOCK is free");
}

static void check_end(bool leaves)
{
	struct state last;

	result(machine_restore(), "all CPUs and all memory are back");
	check_slack();
	wait_for_state(&last);
	check_owners(&last);
	result(last.keys == first.keys, "all %u keys can be had, not %u",
	       first.keys, last.keys);
	result(last.corrupted == first.corrupted,
	       "no page is bad: %llu kB, %llu at first", last.corrupted,
	       first.corrupted);
	if (access(PAGE_TABLES, R_OK))
		printf("ok - the direct map is whole # SKIP no ptdump\n");
	else
		result(last.memory == first.memory,
		       "the direct map is whole: %llu kB, %llu at first",
		       last.memory, first.memory);
	if (leaves)
		check_leaves(&last, "in all");
	result(last.oom_kills == first.oom_kills, "no OOM kill: %llu",
	       last.oom_kills - first.oom_kills);
	check_memlock();
}

static void report_worker(unsigned int i)
{
	const struct tally *t = &board->tally[i];

	if (lacks[i]) {
		printf("ok - %s # SKIP %s\n", workers[i].name, lacks[i]);
		return;
	}
	result(t->rounds && (t->checked || !(workers[i].flags & CHECKS)),
	       "%s: %llu rounds, %llu checked, %llu refused", workers[i].name,
	       t->rounds, t->checked, t->refused);
}

/* --- the run ------------------------------------------------------------- */

static void look(double begin)
{
	printf("# %.0f s: unmapped %llu kB, free of it %llu, available %llu, ",
	       now() - begin, meminfo("NoDirectMap"), meminfo("NoDirectMapFree"),
	       meminfo("MemAvailable"));
	printf("swap free %llu, slab %llu, vmap areas %u\n",
	       meminfo("SwapFree"), meminfo("SUnreclaim"),
	       lines_in("/proc/vmallocinfo"));
	fflush(stdout);
}

/* Looks after the workers for a tenth of the time, then kills one. */
static void watch(double until, unsigned int victim)
{
	unsigned int i;
	__u64 used;

	while (now() < until && !board->failed) {
		for (i = 0; i < NR_WORKERS; i++)
			look_after(i);
		used = unmapped_used_now();
		if (peak < used)
			peak = used;
		usleep(100000);
	}
	for (i = 0; i < NR_WORKERS; i++, victim++) {
		victim %= NR_WORKERS;
		if (!pids[victim] || !(workers[victim].flags & KILLED))
			continue;
		kill_worker(victim);
		start(victim, false);
		return;
	}
}

static void run(const char *what, double seconds, unsigned int without)
{
	double begin = now();
	unsigned int i;

	printf("# %s\n", what);
	for (i = 0; i < NR_WORKERS; i++)
		if (!lacks[i] && !(workers[i].flags & without))
			start(i, false);
	for (i = 1; i <= 10 && !board->failed; i++) {
		watch(begin + i * seconds / 10, mix(begin * 1e9 + i) >> 32);
		look(begin);
	}
	stop_all();
}

/* One round of each worker, one after the other. */
static void warm_up(void)
{
	unsigned int i;
	int status;

	for (i = 0; i < NR_WORKERS; i++) {
		if (lacks[i] || workers[i].flags & HARSH)
			continue;
		start(i, true);
		status = 0;
		if (!wait_for(i, &status) || status)
			complain("the first round of %s: status %#x",
				 workers[i].name, status);
	}
	module_end();
}

static void prepare(void)
{
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED || !memlock_limit(RLIM_INFINITY)) {
		printf("not ok - stress needs root and memory\n");
		exit(1);
	}
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 4096, 4096 });
	/* The kernel reports allocations that cannot wait and fail */
	write_string("/proc/sys/vm/min_free_kbytes", "16384");
	board->swap = !swapon(SWAP_DISK, 0);
	for (i = 0; i < NR_WORKERS; i++)
		lacks[i] = workers[i].lacks ? workers[i].lacks() : NULL;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 0;
	bool leaves = argc > 2 && !strcmp(argv[2], "leaves");
	struct state quiet;
	unsigned int i;

	if (seconds < 1) {
		fprintf(stderr, "usage: stress SECONDS [leaves]\n");
		return 1;
	}
	prepare();
	warm_up();
	take_state(&first);
	memset(board->tally, 0, sizeof(board->tally));
	run("without memory pressure", seconds / 4.0, HARSH);
	if (leaves) {
		take_state(&quiet);
		check_leaves(&quiet, "without memory pressure");
	}
	if (!board->failed)
		run("all at once", seconds * 3 / 4.0, 0);
	if (board->swap)
		result(!swapoff(SWAP_DISK), "swap is off again");
	for (i = 0; i < NR_WORKERS; i++)
		report_worker(i);
	printf("# each allocation of %u operations failed once\n",
	       board->operation);
	check_end(leaves);
	return 0;
}
