// SPDX-License-Identifier: GPL-2.0
/*
 * Secret memory beside memory hogs, for as long as the argument says:
 *
 *	unmapped_pressure [seconds [users [hogs]]]
 *
 * Users fill secret files with patterns, check every byte and free them. Hogs
 * do the same with anonymous memory, and take of it until the machine has
 * little left. So the kernel has to take free blocks of the cache back all the
 * time, and refills meet a shortage. A SIGBUS is a user's answer to a
 * shortage: it gives up that file and goes on. No process may find a byte
 * changed, none may be killed, and in the end nothing is held.
 */
#define _GNU_SOURCE
#include <sys/wait.h>
#include <time.h>

#include "../kselftest.h"
#include "unmapped_util.h"

#define MAX_TASKS	64
#define FILES		16
#define CHUNK		(4 * MIB)
#define MAX_CHUNKS	4096

enum { INTACT, DAMAGED, NO_FILE };

/* Shared with the children. */
struct tally {
	__u64 files;
	__u64 sigbus;
	__u64 chunks;
};

static struct tally *tally;
static time_t deadline;
static __u64 reserve_kb;

static bool time_is_up(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec >= deadline;
}

static void count(__u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* --- users ---------------------------------------------------------------- */

struct file {
	struct secret secret;
	__u64 seed;
	bool used;
};

static int file_check(struct file *f)
{
	size_t errors;

	if (!f->used)
		return INTACT;
	errors = pattern_errors(f->secret.base, f->secret.bytes, f->seed);
	secret_close(&f->secret);
	f->used = false;
	return errors ? DAMAGED : INTACT;
}

static int file_fill(struct file *f, __u64 random)
{
	size_t pages = 1 + random % 256;

	if (!secret_open(&f->secret, pages * PAGE))
		return NO_FILE;
	if (touch_pages(f->secret.base, pages) < pages) {
		secret_close(&f->secret);
		count(&tally->sigbus);
		return INTACT;
	}
	f->seed = random;
	f->used = true;
	pattern_fill(f->secret.base, f->secret.bytes, random);
	count(&tally->files);
	return INTACT;
}

/* All at once: whole blocks become free, and the next files need refills. */
static int files_check(struct file *files)
{
	int ret = INTACT, i;

	for (i = 0; ret == INTACT && i < FILES; i++)
		ret = file_check(&files[i]);
	return ret;
}

static int user(__u64 seed)
{
	struct file files[FILES] = { };
	int ret = INTACT, i;

	sigbus_prepare();
	for (i = 0; ret == INTACT && !time_is_up(); i++) {
		__u64 random = mix(seed + i);
		struct file *f = &files[(random >> 32) % FILES];

		if (random >> 59 == 0)
			ret = files_check(files);
		else
			ret = f->used ? file_check(f) : file_fill(f, random);
	}
	return ret ? : files_check(files);
}

/* --- hogs ----------------------------------------------------------------- */

struct hoard {
	char *chunk[MAX_CHUNKS];
	int nr;
};

static bool hoard_grow(struct hoard *h)
{
	char *p;

	if (h->nr == MAX_CHUNKS || meminfo("MemAvailable") < reserve_kb)
		return false;
	p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return false;
	pattern_fill(p, CHUNK, (uintptr_t)p);
	h->chunk[h->nr++] = p;
	count(&tally->chunks);
	return true;
}

static int hoard_shrink(struct hoard *h, int keep)
{
	while (h->nr > keep) {
		char *p = h->chunk[--h->nr];

		if (pattern_errors(p, CHUNK, (uintptr_t)p))
			return DAMAGED;
		munmap(p, CHUNK);
	}
	return INTACT;
}

static int hog(__u64 seed)
{
	static struct hoard hoard;
	int ret = INTACT;

	while (ret == INTACT && !time_is_up()) {
		while (hoard_grow(&hoard) && !time_is_up())
			;
		seed = mix(seed);
		usleep(seed % 20000);
		ret = hoard_shrink(&hoard, hoard.nr * (seed >> 32 & 7) / 8);
	}
	return ret ? : hoard_shrink(&hoard, 0);
}

/* --- the whole ------------------------------------------------------------ */

struct result {
	int damaged;
	int no_file;
	int killed;
};

static void collect(struct result *r, int tasks)
{
	int status, i;

	for (i = 0; i < tasks; i++) {
		if (wait(&status) < 0 || !WIFEXITED(status))
			r->killed++;
		else if (WEXITSTATUS(status) == DAMAGED)
			r->damaged++;
		else if (WEXITSTATUS(status) == NO_FILE)
			r->no_file++;
	}
}

static struct result run(int users, int hogs)
{
	struct result result = { };
	int i;

	for (i = 0; i < users + hogs; i++) {
		fflush(stdout);
		if (!fork())
			_exit(i < users ? user(i + 1) : hog(i + 1));
	}
	collect(&result, users + hogs);
	return result;
}

/* What the cache had and has done. */
struct cache {
	__u64 used;
	__u64 refills;
	__u64 returns;
};

static struct cache cache_now(void)
{
	return (struct cache){
		.used = unmapped_used(),
		.refills = vmstat("unmapped_refill") +
			   vmstat("unmapped_refill_small"),
		.returns = vmstat("unmapped_return"),
	};
}

/* Blocks of others' pages have free ones, too: two may be half empty. */
static void report_cache(const struct cache *before)
{
	struct cache now;
	__u64 free;

	if (!cache_is_on()) {
		ksft_test_result_skip("the cache filled and emptied: it is off\n");
		ksft_test_result_skip("nothing is held: the cache is off\n");
		return;
	}
	settle();
	run_shrinkers();
	now = cache_now();
	free = meminfo("NoDirectMapFree");
	ksft_test_result(now.refills - before->refills > 1 &&
			 now.returns - before->returns > 1,
			 "the cache filled and emptied: %llu refills, %llu returns\n",
			 now.refills - before->refills,
			 now.returns - before->returns);
	ksft_test_result(now.used <= before->used && free <= 2 * BLOCK_KB,
			 "nothing is held: %llu kB used, %llu before, %llu free\n",
			 now.used, before->used, free);
}

static void report(const struct result *r, const struct cache *before,
		   __u64 oom_kills)
{
	ksft_print_msg("%llu secret files, %llu SIGBUS, %llu MiB of hogs\n",
		       tally->files,
		       tally->sigbus,
		       tally->chunks * (CHUNK / MIB));
	ksft_test_result(!r->damaged, "no byte was lost: %d tasks\n",
			 r->damaged);
	ksft_test_result(!r->killed && !r->no_file && !oom_kills,
			 "nobody was killed: %d tasks, %llu OOM kills\n",
			 r->killed, oom_kills);
	ksft_test_result(tally->files && tally->chunks,
			 "users and hogs did something\n");
	report_cache(before);
}

static int argument(int argc, char **argv, int nr, int otherwise)
{
	int value = nr < argc ? atoi(argv[nr]) : otherwise;

	if (value < 1)
		ksft_exit_fail_msg("bad argument %s\n", argv[nr]);
	return value;
}

static void prepare(int seconds)
{
	struct timespec now;

	tally = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		ksft_exit_fail_msg("no shared page\n");
	reserve_kb = meminfo("MemTotal") / 32;
	clock_gettime(CLOCK_MONOTONIC, &now);
	deadline = now.tv_sec + seconds;
}

int main(int argc, char **argv)
{
	int seconds = argument(argc, argv, 1, 20);
	int users = argument(argc, argv, 2, 4);
	int hogs = argument(argc, argv, 3, 2);
	__u64 oom_kills = vmstat("oom_kill");
	struct cache before;
	struct result result;

	ksft_print_header();
	need_secretmem();
	if (users + hogs > MAX_TASKS)
		ksft_exit_fail_msg("more than %d tasks\n", MAX_TASKS);
	ksft_set_plan(5);
	prepare(seconds);
	settle();
	before = cache_now();
	result = run(users, hogs);
	report(&result, &before, vmstat("oom_kill") - oom_kills);
	ksft_finished();
}
