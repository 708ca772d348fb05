// SPDX-License-Identifier: GPL-2.0
/*
 * Unaccepted memory in the buddy, on the simulated platform, which reports
 * memory that is touched too early, accepted twice, or read ahead. Here is
 * what makes it happen: threads that fault all at once, huge pages,
 * compaction, memory that goes offline and comes back, poison, kexec.
 *
 * After each test the marks of all free blocks are compared with the bitmap.
 *
 * Needs a kernel with UNACCEPTED_BUDDY that was booted with unaccepted_sim=.
 */

#include <dirent.h>
#include <linux/kernel-page-flags.h>
#include <linux/kexec.h>
#include <linux/mman.h>
#include <pthread.h>
#include <time.h>

#include "thp_settings.h"
#include "unmapped_util.h"

#define CHECK		"/sys/kernel/debug/unaccepted_check"
#define STATS		"/sys/kernel/debug/unaccepted_memory"
#define SIM		"/sys/kernel/debug/unaccepted_sim"
#define SYSFS		"/sys/kernel/mm/unaccepted/"
#define MEMORY		"/sys/devices/system/memory/"
#define POISON		MEMORY "hard_offline_page"
#define UNPOISON	"/sys/kernel/debug/hwpoison/unpoison-pfn"
#define NR_THREADS	4
#define THREAD_BYTES	(32 * MIB)
#define HUGE_BYTES	(2 * MIB)

/* What no test may leave behind. */
static bool all_sound(void)
{
	static const struct {
		const char *path;
		const char *key;
	} faults[] = {
		{ SIM, "accepted_twice" },
		{ SIM, "zeropads" },
		{ CHECK, "missing" },	/* free blocks without a mark */
	};
	bool sound = true;
	__u64 value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		value = proc_value(faults[i].path, faults[i].key);
		/* The list has no marks to check */
		if (!value || (value == ABSENT && access(SYSFS "mode", F_OK)))
			continue;
		ksft_print_msg("%s: %llu\n", faults[i].key, value);
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

/* A write to each page: a page that is only read is the zero page. */
static void touch(char *p, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i += PAGE)
		p[i] = 0;
}

/*
 * Threads that fault at the same time; every byte is theirs alone. None gives up
 * its memory before all have theirs, or one could do with another's.
 */

static pthread_barrier_t all_have_memory;

static void *fault(void *arg)
{
	__u64 seed = (uintptr_t)arg;
	char *p = map_anon(THREAD_BYTES, MADV_NOHUGEPAGE);
	size_t wrong = 0;

	if (p) {
		touch(p, THREAD_BYTES);
		wrong = nonzero_words(p, THREAD_BYTES);
		pattern_fill(p, THREAD_BYTES, seed);
		wrong += pattern_errors(p, THREAD_BYTES, seed);
	}
	pthread_barrier_wait(&all_have_memory);
	if (!p)
		return "no memory";
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

	pthread_barrier_init(&all_have_memory, NULL, NR_THREADS);
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

/* Bytes that nobody has accepted. ABSENT with the list, which has no number. */
static __u64 remaining(void)
{
	return number_in(SYSFS "remaining", 10);
}

/* Right after boot there may be hardly any other memory to take. */
static int test_first_storm(void)
{
	__u64 before = remaining(), after;
	__u64 accepted = vmstat("nr_free_pages") * getpagesize() - before;
	int result = test_storm();

	after = remaining();
	if (before == ABSENT || before < NR_THREADS * THREAD_BYTES ||
	    accepted > NR_THREADS * THREAD_BYTES)
		return result;
	if (after < before)
		return result;
	ksft_print_msg("%llu bytes are not accepted, as before\n", after);
	return KSFT_FAIL;
}

/* A task that may sleep accepts them, though it would not reclaim for them. */
static int test_huge(void)
{
	size_t bytes = 16 * HUGE_BYTES;
	__u64 atomic = vmstat("accept_atomic"), huge;
	int result = KSFT_PASS;
	char *p;

	thp_save_settings();
	thp_write_string("enabled", "madvise");
	p = map_anon(bytes, MADV_HUGEPAGE);
	if (!p)
		return KSFT_FAIL;
	touch(p, bytes);
	huge = smaps_value(p, "AnonHugePages:");
	thp_restore_settings();
	/* What is not aligned at the ends is not huge */
	if (huge < (bytes - 2 * HUGE_BYTES) / 1024 || huge == ABSENT) {
		ksft_print_msg("%llu kB are huge\n", huge);
		result = KSFT_FAIL;
	}
	if (nonzero_words(p, bytes))
		result = KSFT_FAIL;
	pattern_fill(p, bytes, 42);
	if (pattern_errors(p, bytes, 42))
		result = KSFT_FAIL;
	munmap(p, bytes);
	if (remaining() != ABSENT &&
	    vmstat("accept_atomic") != atomic) {
		ksft_print_msg("%llu units count as atomic\n",
			       vmstat("accept_atomic") - atomic);
		result = KSFT_FAIL;
	}
	return result;
}

static bool keeps_pattern(char *p, size_t bytes)
{
	pattern_fill(p, bytes, 7);
	return !pattern_errors(p, bytes, 7);
}

static bool is_zero(char *p, size_t bytes)
{
	return !nonzero_words(p, bytes);
}

/* @nr pages of 1 << @shift bytes, if @knob can get that many. */
static int check_hugetlb(const char *knob, unsigned int nr, unsigned int shift,
			 bool (*sound)(char *p, size_t bytes))
{
	size_t bytes = (size_t)nr << shift;
	int result = KSFT_FAIL;
	char number[16], *p;

	snprintf(number, sizeof(number), "%u", nr);
	if (!write_string(knob, number) || number_in(knob, 10) != nr)
		return KSFT_SKIP;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
		 shift << MAP_HUGE_SHIFT, -1, 0);
	if (p != MAP_FAILED) {
		if (sound(p, bytes))
			result = KSFT_PASS;
		munmap(p, bytes);
	}
	write_string(knob, "0");
	return result;
}

static int test_hugetlb(void)
{
	return check_hugetlb("/proc/sys/vm/nr_hugepages", 8, 21, keeps_pattern);
}

/* One is made of blocks of any kind. Few guests are large enough. */
static int test_gigantic(void)
{
	return check_hugetlb("/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages",
			     1, 30, is_zero);
}

static bool write_pfn(const char *path, __u64 pfn, unsigned int shift)
{
	char number[32];

	snprintf(number, sizeof(number), "0x%llx", pfn << shift);
	return write_string(path, number);
}

static bool poison(__u64 pfn)
{
	return write_pfn(POISON, pfn, 12);
}

static bool unpoison(__u64 pfn)
{
	return write_pfn(UNPOISON, pfn, 0);
}

/* The first page of a large block that is not accepted, to poison. */
static __u64 block_to_poison(void)
{
	if (access(POISON, W_OK) || access(UNPOISON, W_OK) ||
	    proc_value(CHECK, "largest_order") < 2)
		return ABSENT;
	return proc_value(CHECK, "largest_pfn");
}

/* To gather free memory is no reason to accept any. */
static int test_compaction(void)
{
	size_t bytes = 64 * MIB, i;
	char *p = map_anon(bytes, MADV_NOHUGEPAGE);
	__u64 before, after;
	bool done;

	if (!p)
		return KSFT_FAIL;
	if (!remaining())
		return KSFT_SKIP;
	touch(p, bytes);
	for (i = 0; i < bytes; i += 2 * PAGE)
		madvise(p + i, PAGE, MADV_DONTNEED);
	before = remaining();
	done = write_string("/proc/sys/vm/compact_memory", "1");
	after = remaining();
	munmap(p, bytes);
	if (!done)
		return KSFT_SKIP;
	if (before - after <= 2 * HUGE_BYTES)
		return KSFT_PASS;
	/* Somebody else does */
	if (number_in(SYSFS "background", 10) == 1)
		return KSFT_SKIP;
	ksft_print_msg("accepted %llu bytes\n", before - after);
	return KSFT_FAIL;
}

/*
 * Most of what is free, by one task. Memory that is not accepted is free
 * memory: nothing is reclaimed, and nobody killed, before it is used up.
 */
static int test_most_of_memory(void)
{
	size_t bytes = meminfo("MemFree") * 1024 / 4 * 3;
	__u64 scans = scanned(), kills = vmstat("oom_kill");
	char *p = map_anon(bytes, MADV_NOHUGEPAGE);

	if (!p)
		return KSFT_FAIL;
	touch(p, bytes);
	munmap(p, bytes);
	if (scanned() == scans && vmstat("oom_kill") == kills)
		return KSFT_PASS;
	ksft_print_msg("reclaim scanned %llu pages, %llu OOM kills\n",
		       scanned() - scans, vmstat("oom_kill") - kills);
	return KSFT_FAIL;
}

/*
 * Two pages next to each other inside a free block that is not accepted go,
 * and come back. The block is accepted for it.
 */
static int test_poison(void)
{
	__u64 pfn = block_to_poison();
	__u64 i;

	if (pfn == ABSENT)
		return KSFT_SKIP;
	for (i = 2; i < 4; i++)
		if (!poison(pfn + i) || !all_sound())
			return KSFT_FAIL;
	for (i = 2; i < 4; i++)
		if (!unpoison(pfn + i) || !all_sound())
			return KSFT_FAIL;
	return KSFT_PASS;
}

/*
 * kexec picks memory that nobody has allocated, and copies to it when there is
 * no kernel that could accept it: so that is done when an image is loaded.
 */
static int test_kexec(void)
{
	__u64 pfn = proc_value(CHECK, "largest_pfn");
	__u64 order = proc_value(CHECK, "largest_order");
	__u64 before = vmstat("accept_range");
	struct kexec_segment segment = { .buf = "code", .bufsz = 4 };
	int result = KSFT_FAIL;

	if (pfn == ABSENT || order > 20)
		return KSFT_SKIP;
	/* All of the block: somewhere in it, or after it, is what is pending */
	segment.mem = (void *)(pfn * PAGE);
	segment.memsz = PAGE << order;
	if (syscall(SYS_kexec_load, pfn * PAGE, 1, &segment,
		    KEXEC_ARCH_X86_64)) {
		ksft_print_msg("kexec_load: %s\n", strerror(errno));
		return errno == ENOSYS ? KSFT_SKIP : KSFT_FAIL;
	}
	/* Pages to copy from may have been accepted, too, but not as a range */
	if (vmstat("accept_range") > before)
		result = KSFT_PASS;
	syscall(SYS_kexec_load, 0, 0, NULL, KEXEC_ARCH_X86_64);
	return result;
}

/* Who looks at all of memory sees free pages, and touches none of them. */
static int test_readers(void)
{
	__u64 pfn = proc_value(CHECK, "largest_pfn");
	__u64 order = proc_value(CHECK, "largest_order");
	__u64 before = vmstat("accept_range");
	int kcore = open("/proc/kcore", O_RDONLY);
	int flags = open("/proc/kpageflags", O_RDONLY);
	int result = KSFT_FAIL;
	__u64 page[PAGE / 8];
	off_t at;
	size_t i;

	if (pfn == ABSENT || order > 20 || kcore < 0 || flags < 0) {
		result = KSFT_SKIP;
		goto out;
	}
	at = kcore_offset(kcore, pfn * PAGE);
	for (i = 0; at && i < 1UL << order; i++)
		if (pread(kcore, page, PAGE, at + i * PAGE) != (ssize_t)PAGE)
			goto out;
	if (pread(flags, page, 8, pfn * 8) != 8 ||
	    !(page[0] & 1ULL << KPF_BUDDY)) {
		ksft_print_msg("kpageflags: %llx\n", page[0]);
		goto out;
	}
	if (at && vmstat("accept_range") == before)
		result = KSFT_PASS;
out:
	close(kcore);
	close(flags);
	return result;
}

/* What the sysfs file, the zones' counters and the marks say of the same. */
static int test_counters(void)
{
	__u64 left = remaining();
	__u64 kb = meminfo("Unaccepted");
	__u64 marked;

	if (left == ABSENT)
		return KSFT_SKIP;
	marked = proc_value(CHECK, "marked") - proc_value(CHECK, "stale");
	if (kb * 1024 == left && !left == !marked)
		return KSFT_PASS;
	ksft_print_msg("%llu bytes remain, meminfo has %llu kB, %llu blocks are marked\n",
		       left, kb, marked);
	return KSFT_FAIL;
}

/* The events have all that was accepted, from early boot on. */
static int test_events(void)
{
	static const char * const causes[] = {
		"boot", "alloc", "atomic", "background", "range", "guard",
	};
	char event[32], units[32];
	int result = KSFT_PASS;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(causes); i++) {
		snprintf(event, sizeof(event), "accept_%s", causes[i]);
		snprintf(units, sizeof(units), "units_%s", causes[i]);
		if (vmstat(event) == proc_value(STATS, units))
			continue;
		ksft_print_msg("%s: %llu events, %llu units\n", causes[i],
			       vmstat(event), proc_value(STATS, units));
		result = KSFT_FAIL;
	}
	return result;
}

/* @accepted: How many units for that. To come back may accept some, too. */
static int offline_and_online(const char *path, __u64 *accepted)
{
	__u64 before = vmstat("accept_range");

	if (take_offline(path, 2))
		return KSFT_SKIP;
	*accepted = vmstat("accept_range") - before;
	return all_sound() && write_string(path, "1") ? KSFT_PASS : KSFT_FAIL;
}

/*
 * Memory that goes offline is accepted: nobody could do that when it is gone.
 * What is not accepted is at the end of a node, and below that.
 */
static int test_offline_unaccepted(void)
{
	__u64 pfn = proc_value(CHECK, "largest_pfn");
	__u64 size = number_in(MEMORY "block_size_bytes", 16);
	__u64 block, accepted;
	int result = KSFT_SKIP, tries = 4;
	char path[320];

	if (pfn == ABSENT || size == ABSENT ||
	    remaining() < 2 * size)
		return KSFT_SKIP;
	for (block = pfn * PAGE / size; block && tries--; block--) {
		snprintf(path, sizeof(path), MEMORY "memory%llu/online", block);
		result = offline_and_online(path, &accepted);
		if (result != KSFT_SKIP)
			break;
	}
	if (result != KSFT_PASS || accepted)
		return result;
	ksft_print_msg("%s: was not accepted\n", path);
	return KSFT_FAIL;
}

/* Blocks of memory that nobody uses go offline and come back as they were. */
static int test_offline(void)
{
	char path[320];
	struct dirent *entry;
	int result, done = 0;
	__u64 accepted;
	DIR *d;

	d = opendir(MEMORY);
	if (!d)
		return KSFT_SKIP;
	while (done < 2 && (entry = readdir(d))) {
		if (strncmp(entry->d_name, "memory", 6))
			continue;
		snprintf(path, sizeof(path), MEMORY "%s/online", entry->d_name);
		result = offline_and_online(path, &accepted);
		if (result == KSFT_FAIL) {
			closedir(d);
			return KSFT_FAIL;
		}
		done += result == KSFT_PASS;
	}
	closedir(d);
	return done ? KSFT_PASS : KSFT_SKIP;
}

/* The workers take the rest, and the counters follow. */
static int test_background(void)
{
	int tries;

	if (remaining() == ABSENT)
		return KSFT_SKIP;
	if (write_string(SYSFS "background", "maybe")) {
		ksft_print_msg("background: took nonsense\n");
		return KSFT_FAIL;
	}
	if (!write_string(SYSFS "background", "1"))
		return KSFT_FAIL;
	for (tries = 0; tries < 600 && remaining(); tries++)
		usleep(100000);
	if (remaining())
		return KSFT_FAIL;
	return test_counters();
}

static const struct {
	const char *name;
	int (*fn)(void);
} tests[] = {
	{ "counters at the start", test_counters },
	{ "threads that fault at the same time", test_first_storm },
	{ "transparent huge pages", test_huge },
	{ "hugetlb pages", test_hugetlb },
	{ "gigantic pages", test_gigantic },
	{ "compaction", test_compaction },
	{ "poisoned pages", test_poison },
	{ "/proc/kcore and /proc/kpageflags", test_readers },
	{ "kexec segments", test_kexec },
	{ "memory that is not accepted goes offline", test_offline_unaccepted },
	{ "memory offline and online", test_offline },
	{ "the same threads again", test_storm },
	{ "counters", test_counters },
	{ "most of memory", test_most_of_memory },
	{ "background acceptance of the rest", test_background },
	{ "threads on accepted memory", test_storm },
	{ "events", test_events },
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
