// SPDX-License-Identifier: GPL-2.0
/*
 * Unaccepted memory in the buddy, on the simulated platform, which reports
 * memory that is touched too early, accepted twice, or read ahead. Here is
 * what makes it happen: threads that fault all at once, huge pages,
 * compaction, memory that goes offline and comes back, poison.
 *
 * After each test the marks of all free blocks are compared with the bitmap.
 *
 * Needs a kernel with UNACCEPTED_BUDDY that was booted with unaccepted_sim=.
 */

#include <dirent.h>
#include <pthread.h>
#include <time.h>

#include "unmapped_util.h"

#define CHECK		"/sys/kernel/debug/unaccepted_check"
#define SIM		"/sys/kernel/debug/unaccepted_sim"
#define SYSFS		"/sys/kernel/mm/unaccepted/"
#define NR_THREADS	4
#define THREAD_BYTES	(32 * MIB)
#define HUGE_BYTES	(2 * MIB)

static __u64 number_in(const char *path)
{
	char line[64] = "";
	FILE *f = fopen(path, "r");

	if (!f)
		return ABSENT;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return line[0] ? strtoull(line, NULL, 10) : ABSENT;
}

/* What no test may leave behind. */
static bool all_sound(void)
{
	static const char * const sim[] = { "accepted_twice", "zeropads" };
	bool sound = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sim); i++) {
		if (!proc_value(SIM, sim[i]))
			continue;
		ksft_print_msg("%s: %llu\n", sim[i], proc_value(SIM, sim[i]));
		sound = false;
	}
	/* The list has no marks */
	if (!access(SYSFS "mode", F_OK) && proc_value(CHECK, "missing")) {
		ksft_print_msg("%llu free blocks lack a mark\n",
			       proc_value(CHECK, "missing"));
		sound = false;
	}
	return sound;
}

static __u64 scanned(void)
{
	return vmstat("pgscan_direct") + vmstat("pgscan_kswapd");
}

static char *map_anon(size_t bytes, int advice)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (advice)
		madvise(p, bytes, advice);
	return p;
}

/* Threads that fault at the same time; every byte is theirs alone. */

static void *fault(void *arg)
{
	__u64 seed = (uintptr_t)arg;
	char *p = map_anon(THREAD_BYTES, MADV_NOHUGEPAGE);
	size_t wrong;

	if (!p)
		return "no memory";
	wrong = nonzero_words(p, THREAD_BYTES);
	pattern_fill(p, THREAD_BYTES, seed);
	wrong += pattern_errors(p, THREAD_BYTES, seed);
	munmap(p, THREAD_BYTES);
	return wrong ? "wrong contents" : NULL;
}

static int test_storm(void)
{
	pthread_t threads[NR_THREADS];
	__u64 before = scanned();
	int result = KSFT_PASS;
	void *wrong;
	size_t i;

	for (i = 0; i < NR_THREADS; i++)
		if (pthread_create(&threads[i], NULL, fault, (void *)(i + 1)))
			return KSFT_FAIL;
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(threads[i], &wrong);
		if (!wrong)
			continue;
		ksft_print_msg("thread %zu: %s\n", i, (char *)wrong);
		result = KSFT_FAIL;
	}
	if (scanned() != before) {
		ksft_print_msg("reclaim scanned %llu pages\n",
			       scanned() - before);
		result = KSFT_FAIL;
	}
	return result;
}

static int test_huge(void)
{
	size_t bytes = 16 * HUGE_BYTES;
	int result = KSFT_PASS;
	char *p;

	write_string("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	p = map_anon(bytes, MADV_HUGEPAGE);
	if (!p)
		return KSFT_FAIL;
	if (nonzero_words(p, bytes))
		result = KSFT_FAIL;
	pattern_fill(p, bytes, 42);
	if (pattern_errors(p, bytes, 42))
		result = KSFT_FAIL;
	munmap(p, bytes);
	return result;
}

static int test_hugetlb(void)
{
	const char *knob = "/proc/sys/vm/nr_hugepages";
	size_t bytes = 8 * HUGE_BYTES;
	int result = KSFT_FAIL;
	char *p;

	if (!write_string(knob, "8") || number_in(knob) != 8)
		return KSFT_SKIP;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (p != MAP_FAILED) {
		pattern_fill(p, bytes, 7);
		if (!pattern_errors(p, bytes, 7))
			result = KSFT_PASS;
		munmap(p, bytes);
	}
	write_string(knob, "0");
	return result;
}

static int test_compaction(void)
{
	return write_string("/proc/sys/vm/compact_memory", "1") ? KSFT_PASS :
	       KSFT_SKIP;
}

/* What the sysfs file, the zones' counters and the marks say of the same. */
static int test_counters(void)
{
	__u64 remaining = number_in(SYSFS "remaining");
	__u64 kb = meminfo("Unaccepted");
	__u64 marked;

	if (remaining == ABSENT)
		return KSFT_SKIP;
	marked = proc_value(CHECK, "marked") - proc_value(CHECK, "stale");
	if (kb * 1024 == remaining && !remaining == !marked)
		return KSFT_PASS;
	ksft_print_msg("%llu bytes remain, meminfo has %llu kB, %llu blocks are marked\n",
		       remaining, kb, marked);
	return KSFT_FAIL;
}

static void interrupt(int signal)
{
}

/* The kernel tries for ever to empty a block, until a signal comes. */
static bool take_offline(const char *path)
{
	bool done;

	alarm(2);
	done = write_string(path, "0");
	alarm(0);
	return done;
}

/* Blocks of memory that nobody uses go offline and come back as they were. */
static int test_offline(void)
{
	struct sigaction action = { .sa_handler = interrupt };
	const char *dir = "/sys/devices/system/memory";
	char path[320];
	struct dirent *entry;
	int done = 0;
	DIR *d;

	d = opendir(dir);
	if (!d)
		return KSFT_SKIP;
	sigaction(SIGALRM, &action, NULL);
	while (done < 2 && (entry = readdir(d))) {
		if (strncmp(entry->d_name, "memory", 6))
			continue;
		snprintf(path, sizeof(path), "%s/%s/online", dir,
			 entry->d_name);
		if (!take_offline(path))
			continue;
		done++;
		if (!all_sound() || !write_string(path, "1")) {
			closedir(d);
			return KSFT_FAIL;
		}
	}
	closedir(d);
	return done ? KSFT_PASS : KSFT_SKIP;
}

/* The workers take the rest, and the counters follow. */
static int test_background(void)
{
	int tries;

	if (number_in(SYSFS "remaining") == ABSENT)
		return KSFT_SKIP;
	if (write_string(SYSFS "background", "maybe")) {
		ksft_print_msg("background: took nonsense\n");
		return KSFT_FAIL;
	}
	if (!write_string(SYSFS "background", "1"))
		return KSFT_FAIL;
	for (tries = 0; tries < 600 && number_in(SYSFS "remaining"); tries++)
		usleep(100000);
	if (number_in(SYSFS "remaining"))
		return KSFT_FAIL;
	return test_counters();
}

static const struct {
	const char *name;
	int (*fn)(void);
} tests[] = {
	{ "counters at the start", test_counters },
	{ "threads that fault at the same time", test_storm },
	{ "transparent huge pages", test_huge },
	{ "hugetlb pages", test_hugetlb },
	{ "compaction", test_compaction },
	{ "memory offline and online", test_offline },
	{ "the same threads again", test_storm },
	{ "counters", test_counters },
	{ "background acceptance of the rest", test_background },
	{ "threads on accepted memory", test_storm },
};

int main(void)
{
	int result;
	size_t i;

	ksft_print_header();
	if (proc_value(SIM, "accepted") == ABSENT)
		ksft_exit_skip("not booted with unaccepted_sim=\n");
	if (geteuid())
		ksft_exit_skip("needs root\n");
	ksft_set_plan(ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		result = tests[i].fn();
		if (!all_sound())
			result = KSFT_FAIL;
		ksft_test_result_report(result, "%s\n", tests[i].name);
	}
	ksft_finished();
}
