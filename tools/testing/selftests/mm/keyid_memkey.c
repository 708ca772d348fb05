// SPDX-License-Identifier: GPL-2.0
/*
 * Memory encrypted under a key of its own: /dev/memkey.
 *
 * A program writes to keyed memory through its page tables, and the kernel
 * through kmap. On planes of memory that stand for keys (keyid_emul=, see
 * Documentation/mm/page_keyid.rst) the two see the same bytes only if both have
 * the key right, and nobody sees what was not stored under that key. So each
 * test takes bytes by another road through the kernel and compares both ends.
 *
 * Each test runs in a process of its own, with a time limit. Needs root.
 */
#define _GNU_SOURCE
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "../kselftest.h"
#include "../../../../mm/gup_test.h"
#include "keyid_util.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT		21
#endif
#ifndef MPOL_MF_MOVE
#define MPOL_MF_MOVE		(1 << 1)
#endif

/* As in linux/mm_types.h */
#define FOLL_WRITE		(1 << 0)
#define FOLL_LONGTERM		(1 << 8)

#define SEED		0x6b657953UL

/* --- the key -------------------------------------------------------------- */

static int test_info(void)
{
	struct memkey_info info;
	char *p;
	int key;

	open_keyed(key, p, SOME);
	info = info_of(key);
	expect(info.keyid && info.keyid <= info.max_keyid, "KeyID %u of %u",
	       info.keyid, info.max_keyid);
	expect(!info.pages, "%llu pages", info.pages);
	expect(smaps_value(p, "KeyID:") == info.keyid, "smaps: %llu",
	       smaps_value(p, "KeyID:"));
	expect(smaps_value(&info, "KeyID:") == ABSENT, "the stack has a key");
	return KSFT_PASS;
}

static int test_pages_are_counted(void)
{
	char *p;
	int key;

	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	expect(info_of(key).pages == SOME / PAGE, "%llu pages",
	       info_of(key).pages);
	munmap(p, SOME / 2);
	expect(pages_of(key) == SOME / 2 / PAGE, "%llu pages after munmap",
	       pages_of(key));
	munmap(p + SOME / 2, SOME / 2);
	expect(!pages_of(key), "%llu pages are left", pages_of(key));
	return KSFT_PASS;
}

static int test_keys_differ(void)
{
	int a, b;

	open_key(a);
	open_key(b);
	expect(info_of(a).keyid != info_of(b).keyid, "two have KeyID %u",
	       info_of(a).keyid);
	return KSFT_PASS;
}

static int test_out_of_keys(void)
{
	int fds[64], nr = 0, first;
	__u32 max;

	open_key(first);
	max = info_of(first).max_keyid;
	if (max > 60)
		skip("too many keys");
	/* Those of other tests may come back meanwhile */
	while (nr <= (int)max && (fds[nr] = open("/dev/memkey", O_RDWR)) >= 0)
		nr++;
	expect(nr < (int)max && errno == ENOSPC, "%d keys of %u, then %s",
	       nr + 1, max, strerror(errno));
	while (nr)
		close(fds[--nr]);
	expect(new_key() >= 0, "closed keys do not come back");
	return KSFT_PASS;
}

static int test_close(void)
{
	__u32 keyid;
	char *p;
	int key;

	open_keyed(key, p, SOME);
	keyid = info_of(key).keyid;
	pattern_fill(p, PAGE, SEED);
	close(key);
	/* New pages, too */
	pattern_fill(p, SOME, SEED);
	expect(smaps_value(p, "KeyID:") == keyid, "smaps");
	expect(sound(p, SOME, SEED), "other bytes");
	for (int i = 0; i < 3; i++) {
		key = open("/dev/memkey", O_RDWR);
		expect(key < 0 || info_of(key).keyid != keyid,
		       "the KeyID stands for another key");
	}
	return KSFT_PASS;
}

static int test_killed(void)
{
	int key, fds[2], tries = 50;
	pid_t pid;
	char *p, c;

	open_key(key);
	expect(!pipe(fds), "pipe");
	pid = fork();
	if (!pid) {
		p = keyed(key, MIB);
		pattern_fill(p, MIB, SEED);
		if (write(fds[1], "", 1) != 1)
			exit(1);
		pause();
	}
	expect(read(fds[0], &c, 1) == 1, "the child ended early");
	expect(info_of(key).pages == MIB / PAGE, "%llu pages",
	       info_of(key).pages);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (pages_of(key) && tries--)
		usleep(10000);
	expect(!pages_of(key), "%llu pages are left", pages_of(key));
	return KSFT_PASS;
}

static int test_privilege(void)
{
	char *p = anon_apart(SOME), *q = anon_apart(SOME);
	int key, fd;

	open_key(key);
	expect(memlock_limit(SOME), "RLIMIT_MEMLOCK");
	expect(!setuid(65534), "setuid");
	fd = open("/dev/memkey", O_RDWR);
	expect(fd < 0 && errno == EPERM, "open: %d, %s", fd, strerror(errno));
	/* Who has the file may use it, within the limit */
	expect(!protect(key, p, SOME), "MEMKEY_PROTECT");
	expect(protect(key, q, PAGE) == ENOMEM, "more than RLIMIT_MEMLOCK");
	expect(smaps_value(q, "KeyID:") == ABSENT, "changed on error");
	munmap(p, SOME);
	expect(!protect(key, q, SOME), "after munmap");
	return KSFT_PASS;
}

#define CGROUP		"/sys/fs/cgroup/"
#define GROUP		CGROUP "keys/"

/* A process of that group, without privilege: what the test says is its status. */
static int in_group(int (*fn)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!write_string(GROUP "cgroup.procs", "0") || setuid(65534))
			_exit(KSFT_SKIP);
		_exit(fn());
	}
	return exit_status(pid);
}

static int refused_without_limit(void)
{
	int fd = open("/dev/memkey", O_RDWR);

	expect(fd < 0 && errno == EPERM, "open: %d, %s", fd, strerror(errno));
	return KSFT_PASS;
}

/* The limit is one key, for as long as it has a page. */
static int one_and_no_more(void)
{
	int key, fd, tries = 100;
	char *p;

	open_keyed(key, p, PAGE);
	*p = 1;
	close(key);
	fd = open("/dev/memkey", O_RDWR);
	expect(fd < 0 && errno == EDQUOT, "open: %d, %s", fd, strerror(errno));
	munmap(p, PAGE);
	while ((fd = open("/dev/memkey", O_RDWR)) < 0 && errno == EDQUOT &&
	       tries--)
		usleep(20000);
	expect(fd >= 0, "after its end: %s", strerror(errno));
	return KSFT_PASS;
}

static int test_cgroup(void)
{
	int ret, tries = 100;

	if (!write_string(CGROUP "cgroup.subtree_control", "+misc"))
		skip("no misc cgroup at " CGROUP);
	mkdir(GROUP, 0755);
	ret = in_group(refused_without_limit);
	if (ret == KSFT_PASS) {
		expect(write_string(GROUP "misc.max", "memkey 1"),
		       "misc.max: %s", strerror(errno));
		ret = in_group(one_and_no_more);
		while (proc_value(GROUP "misc.current", "memkey") && tries--)
			usleep(20000);
		expect(tries > 0, "keys are left: %llu",
		       proc_value(GROUP "misc.current", "memkey"));
		expect(proc_value(GROUP "misc.events", "memkey.max") != ABSENT,
		       "no event");
	}
	rmdir(GROUP);
	return ret;
}

/* --- contents ------------------------------------------------------------- */

static int test_contents(void)
{
	static char copy[SOME];
	struct iovec here = { copy, SOME }, there;
	char *p;
	int key;

	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	expect(sound(p, SOME, SEED), "the kernel reads other bytes");
	pattern_fill(copy, SOME, SEED + 1);
	there = (struct iovec){ p, SOME };
	expect(process_vm_writev(getpid(), &here, 1, &there, 1, 0) ==
	       (ssize_t)SOME, "writev: %s", strerror(errno));
	expect(sound(p, SOME, SEED + 1), "the kernel wrote other bytes");
	return KSFT_PASS;
}

static int test_zero(void)
{
	char *p;
	int key;

	open_keyed(key, p, SOME);
	expect(!nonzero_words(p, SOME), "read before it is written");
	expect(!info_of(key).pages, "the zero page has a key");
	for (int round = 0; round < 3; round++) {
		for (size_t at = 0; at < SOME; at += PAGE)
			p[at + 8] = 1;
		expect(nonzero_words(p, SOME) == SOME / PAGE,
		       "round %d: %zu words", round, nonzero_words(p, SOME));
		pattern_fill(p, SOME, SEED);
		expect(!madvise(p, SOME, MADV_DONTNEED), "MADV_DONTNEED: %s",
		       strerror(errno));
	}
	return KSFT_PASS;
}

/* Two keys, in turns, on the same pages. */
static int test_reuse(void)
{
	int key[2];
	char *p;

	open_key(key[0]);
	open_key(key[1]);
	for (int round = 0; round < 8; round++) {
		p = keyed(key[round % 2], SOME);
		expect(p != MAP_FAILED, "MEMKEY_PROTECT: %s", strerror(errno));
		expect(!nonzero_words(p, SOME), "round %d: not zero", round);
		p[0] = 1;
		expect(nonzero_words(p, PAGE) == 1, "round %d: not zeroed",
		       round);
		pattern_fill(p, SOME, SEED + round);
		expect(sound(p, SOME, SEED + round), "round %d", round);
		munmap(p, SOME);
	}
	return KSFT_PASS;
}

static int test_fork(void)
{
	char *p;
	int key;
	pid_t pid;

	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	pid = fork();
	if (!pid) {
		if (!sound(p, SOME, SEED))
			exit(1);
		if (smaps_value(p, "KeyID:") != info_of(key).keyid)
			exit(2);
		pattern_fill(p, SOME, SEED + 1);
		exit(sound(p, SOME, SEED + 1) ? 0 : 3);
	}
	expect(!exit_status(pid), "the child");
	expect(sound(p, SOME, SEED), "the parent has the child's bytes");
	/* And the pages are the parent's alone again */
	pattern_fill(p, SOME, SEED + 2);
	expect(sound(p, SOME, SEED + 2), "after the child");
	expect(pages_of(key) == SOME / PAGE, "%llu pages", pages_of(key));
	return KSFT_PASS;
}

static int test_copy_on_write(void)
{
	char *p;
	int key;
	pid_t pid;

	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	pid = fork();
	if (!pid) {
		/* One word: the rest of the page is copied by the kernel */
		for (size_t at = 0; at < SOME; at += PAGE)
			*(__u64 *)(p + at) = 0;
		for (size_t at = 0; at < SOME; at += PAGE)
			*(__u64 *)(p + at) = pattern_word(SEED, at / 8);
		exit(!sound(p, SOME, SEED));
	}
	expect(!exit_status(pid), "the copy has other bytes");
	return KSFT_PASS;
}

static int test_wipe_on_fork(void)
{
	char *p;
	int key;
	pid_t pid;

	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	expect(!madvise(p, SOME, MADV_WIPEONFORK), "madvise: %s",
	       strerror(errno));
	pid = fork();
	if (!pid) {
		if (nonzero_words(p, SOME))
			exit(1);
		pattern_fill(p, SOME, SEED + 1);
		exit(sound(p, SOME, SEED + 1) ? 0 : 2);
	}
	expect(!exit_status(pid), "the child");
	return KSFT_PASS;
}

/* --- mappings ------------------------------------------------------------- */

static int test_mprotect(void)
{
	__u32 keyid;
	char *p;
	int key;

	open_keyed(key, p, SOME);
	keyid = info_of(key).keyid;
	pattern_fill(p, SOME, SEED);
	expect(!mprotect(p + PAGE, PAGE, PROT_READ), "mprotect");
	expect(!mprotect(p + 3 * PAGE, PAGE, PROT_NONE), "mprotect");
	for (int i = 0; i < 5; i++)
		expect(smaps_value(p + i * PAGE, "KeyID:") == keyid,
		       "part %d has another key", i);
	expect(!mprotect(p, SOME, PROT_READ | PROT_WRITE), "mprotect");
	expect(sound(p, SOME, SEED), "other bytes");
	p[PAGE] ^= 1;
	p[PAGE] ^= 1;
	expect(sound(p, SOME, SEED), "after a write");
	return KSFT_PASS;
}

static int test_mremap(void)
{
	char *p, *q;
	int key;

	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	q = mmap(NULL, 4 * SOME, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(p, SOME, 2 * SOME, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	expect(q != MAP_FAILED, "mremap: %s", strerror(errno));
	expect(smaps_value(q + SOME, "KeyID:") == info_of(key).keyid,
	       "the key stayed behind");
	pattern_fill(q, 2 * SOME, SEED);
	expect(sound(q, 2 * SOME, SEED), "other bytes");
	expect(info_of(key).pages == 2 * SOME / PAGE, "%llu pages",
	       info_of(key).pages);
	return KSFT_PASS;
}

static int test_merge(void)
{
	int a, b;
	char *p = anon_apart(4 * PAGE);

	open_key(a);
	open_key(b);
	expect(!protect(a, p, PAGE), "first");
	expect(!protect(b, p + PAGE, PAGE), "second");
	expect(!protect(a, p + 3 * PAGE, PAGE), "fourth");
	expect(!protect(a, p + 2 * PAGE, PAGE), "third");
	expect(smaps_value(p, "Size:") == 4, "different keys merge");
	expect(smaps_value(p + 2 * PAGE, "Size:") == 8,
	       "the same key does not merge");
	expect(smaps_value(p + PAGE, "KeyID:") == info_of(b).keyid, "second");
	pattern_fill(p, 4 * PAGE, SEED);
	expect(sound(p, 4 * PAGE, SEED), "other bytes");
	expect(info_of(a).pages == 3 && info_of(b).pages == 1,
	       "%llu and %llu pages", info_of(a).pages, info_of(b).pages);
	return KSFT_PASS;
}

/* A part of a mapping that has pages elsewhere. */
static int test_beside_pages(void)
{
	char *p = anon_apart(3 * PAGE);
	int key;

	open_key(key);
	p[0] = 1;
	p[2 * PAGE] = 1;
	expect(protect(key, p, PAGE) == EBUSY, "a range with a page");
	expect(!protect(key, p + PAGE, PAGE), "between pages");
	pattern_fill(p, 3 * PAGE, SEED);
	expect(sound(p, 3 * PAGE, SEED), "other bytes");
	expect(info_of(key).pages == 1, "%llu pages", info_of(key).pages);
	return KSFT_PASS;
}

static int test_bad_ranges(void)
{
	char *p = anon_apart(4 * PAGE), *q;
	int key, other, fd;

	open_key(key);
	open_key(other);
	expect(protect(key, p + 1, PAGE) == EINVAL, "unaligned start");
	expect(protect(key, p, PAGE + 1) == EINVAL, "unaligned length");
	expect(protect(key, p, 0) == EINVAL, "empty");
	expect(protect(key, p, -PAGE) == EINVAL, "wraps");
	expect(protect(key, (void *)-PAGE, PAGE) == EINVAL, "the kernel's");
	expect(protect(key, p, 1UL << 62) == EINVAL, "too long");
	expect(protect(key, p, 8 * PAGE) == EINVAL, "two mappings");
	munmap(p, PAGE);
	expect(protect(key, p, PAGE) == ENOMEM, "nothing there");
	p += PAGE;

	q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	expect(protect(key, q, PAGE) == EOPNOTSUPP, "shared");
	fd = memfd_create("test", 0);
	expect(!ftruncate(fd, PAGE), "ftruncate");
	q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	expect(protect(key, q, PAGE) == EOPNOTSUPP, "private file");
	q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	expect(protect(key, q, PAGE) == EOPNOTSUPP, "a stack");
	q = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	expect(q == MAP_FAILED || protect(key, q, HUGE) == EOPNOTSUPP,
	       "HugeTLB");

	expect(!protect(other, p, PAGE), "another key");
	expect(protect(key, p, PAGE) == EBUSY, "has another key");
	expect(!protect(other, p, PAGE), "has this key");
	/* Has been read: the zero page is there */
	expect(!*(volatile char *)(p + PAGE), "zero");
	expect(protect(key, p + PAGE, PAGE) == EBUSY, "has been read");
	expect(smaps_value(p + PAGE, "KeyID:") == ABSENT, "changed on error");
	expect(ioctl(key, _IO(MEMKEY_IOC, 9)) < 0 && errno == ENOTTY,
	       "an unknown request");
	expect(ioctl(key, MEMKEY_PROTECT, 1UL) < 0 && errno == EFAULT,
	       "a bad pointer");
	expect(protect(fd, p, PAGE) == ENOTTY, "another file");
	expect(protect(-1, p, PAGE) == EBADF, "no file");
	return KSFT_PASS;
}

/* --- huge pages ----------------------------------------------------------- */

static int test_thp(void)
{
	pid_t pid;
	char *p;
	int key;

	if (!write_string(THP "enabled", "madvise") ||
	    !write_string(THP "defrag", "madvise"))
		skip("no huge pages");
	open_key(key);
	p = keyed_huge(key, HUGE);
	expect(p != MAP_FAILED, "MEMKEY_PROTECT: %s", strerror(errno));
	expect(!madvise(p, HUGE, MADV_HUGEPAGE), "madvise");
	p[8] = 1;
	if (smaps_value(p, "AnonHugePages:") != HUGE / 1024)
		skip("got no huge page");
	expect(nonzero_words(p, HUGE) == 1, "%zu words are not zero",
	       nonzero_words(p, HUGE));
	pattern_fill(p, HUGE, SEED);
	expect(sound(p, HUGE, SEED), "other bytes");
	pid = fork();
	if (!pid) {
		p[PAGE] ^= 1;
		p[PAGE] ^= 1;
		exit(!sound(p, HUGE, SEED));
	}
	expect(!exit_status(pid), "copy on write");
	/* In pieces */
	expect(!mprotect(p + PAGE, PAGE, PROT_READ), "mprotect");
	expect(sound(p, HUGE, SEED), "other bytes in pieces");
	expect(!madvise(p + 4 * PAGE, SOME, MADV_DONTNEED), "madvise");
	expect(!nonzero_words(p + 4 * PAGE, SOME), "not zero");
	p[4 * PAGE] = 1;
	expect(nonzero_words(p + 4 * PAGE, SOME) == 1, "not zeroed");
	munmap(p, HUGE);
	expect(!pages_of(key), "%llu pages are left", pages_of(key));
	return KSFT_PASS;
}

static int test_mthp(void)
{
	char *p;
	int key;

	if (!write_string(THP "enabled", "never") ||
	    !write_string(THP "defrag", "madvise") ||
	    !write_string(THP "hugepages-64kB/enabled", "madvise"))
		skip("no huge pages of 64K");
	open_key(key);
	p = keyed_huge(key, HUGE);
	/* Else only what is in the cache already would be taken */
	expect(!madvise(p, HUGE, MADV_HUGEPAGE), "madvise");
	p[8] = 1;
	write_string(THP "hugepages-64kB/enabled", "inherit");
	if (info_of(key).pages != 16)
		skip("got %llu pages in place of 16", info_of(key).pages);
	expect(nonzero_words(p, 64 * 1024) == 1, "not zeroed");
	pattern_fill(p, 64 * 1024, SEED);
	expect(sound(p, 64 * 1024, SEED), "other bytes");
	return KSFT_PASS;
}

static int test_collapse(void)
{
	unsigned long made = vmstat("thp_collapse_alloc");
	char *p;
	int key;

	if (!write_string(THP "enabled", "never"))
		skip("no huge pages");
	open_key(key);
	p = keyed_huge(key, HUGE);
	pattern_fill(p, HUGE - PAGE, SEED);
	expect(info_of(key).pages == HUGE / PAGE - 1, "%llu pages before",
	       info_of(key).pages);
	/* The last page has none yet, and comes as zeroes */
	expect(!madvise(p, HUGE, MADV_COLLAPSE), "collapse: %s",
	       strerror(errno));
	expect(vmstat("thp_collapse_alloc") > made &&
	       smaps_value(p, "AnonHugePages:") == HUGE / 1024,
	       "%llu kB are huge", smaps_value(p, "AnonHugePages:"));
	expect(sound(p, HUGE - PAGE, SEED), "other bytes");
	expect(!nonzero_words(p + HUGE - PAGE, PAGE), "not zero");
	expect(pages_of(key) == HUGE / PAGE, "%llu pages after",
	       pages_of(key));
	munmap(p, HUGE);
	expect(!pages_of(key), "%llu pages are left", pages_of(key));
	return KSFT_PASS;
}

#define COLLAPSES	400

static atomic_bool collapse_done;

/* Ends when somebody else does. */
static void *collapser(void *p)
{
	while (!collapse_done)
		madvise(p, HUGE, MADV_COLLAPSE);
	return NULL;
}

/*
 * The mapping goes while a huge page is made for it, and at its address is one of
 * another key. With CONFIG_PAGE_KEYID_DEBUG the kernel looks, too.
 */
static int test_collapse_race(void)
{
	size_t errors = 0;
	pthread_t thread;
	int keys[2];
	char *p;

	if (!write_string(THP "enabled", "never"))
		skip("no huge pages");
	open_key(keys[0]);
	open_key(keys[1]);
	p = keyed_huge(keys[0], HUGE);
	pthread_create(&thread, NULL, collapser, p);
	for (int i = 0; i < COLLAPSES; i++) {
		expect(mmap(p, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p, "mmap");
		expect(!protect(keys[i % 2], p, HUGE), "MEMKEY_PROTECT");
		pattern_fill(p, SOME, SEED + i);
		errors += pattern_errors(p, SOME, SEED + i);
		sched_yield();
		errors += pattern_errors(p, SOME, SEED + i);
	}
	collapse_done = true;
	pthread_join(thread, NULL);
	expect(!errors, "%zu words are wrong", errors);
	munmap(p, HUGE);
	expect(!pages_of(keys[0]) && !pages_of(keys[1]),
	       "%llu, %llu pages are left", pages_of(keys[0]),
	       pages_of(keys[1]));
	return KSFT_PASS;
}

/* --- what moves pages, or would like to ----------------------------------- */

static int test_pageout(void)
{
	unsigned long swapped = vmstat("pswpout");
	char *p;
	int key;

	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	madvise(p, SOME, MADV_PAGEOUT);
	madvise(p, SOME, MADV_COLD);
	expect(sound(p, SOME, SEED), "other bytes");
	expect(info_of(key).pages == SOME / PAGE, "%llu pages",
	       info_of(key).pages);
	expect(vmstat("pswpout") == swapped, "swapped");
	expect(smaps_value(p, "Swap:") == 0, "in swap");
	return KSFT_PASS;
}

static int test_compaction(void)
{
	char *p;
	int key;

	open_keyed(key, p, MIB);
	pattern_fill(p, MIB, SEED);
	for (size_t at = 0; at < MIB; at += 2 * PAGE)
		munmap(p + at, PAGE);
	if (!write_string("/proc/sys/vm/compact_memory", "1"))
		skip("no compaction");
	for (size_t at = PAGE; at < MIB; at += 2 * PAGE)
		for (size_t i = 0; i < PAGE / 8; i++)
			expect(((__u64 *)(p + at))[i] ==
			       pattern_word(SEED, at / 8 + i), "other bytes");
	return KSFT_PASS;
}

/*
 * One page in eight is left in each block: they move together, and no leaf is split
 * but those of blocks that cannot be emptied.
 */
static int test_room(void)
{
	__u64 enough = meminfo("NoDirectMap") + 12 * 1024, splits, now;
	size_t len = 32 * MIB, step = 8 * PAGE, at, errors = 0;
	struct secret lone;
	char *p;
	int key;

	expect(fill_secrets(&lone), "secrets: %s", strerror(errno));
	open_keyed(key, p, len);
	expect(!madvise(p, len, MADV_NOHUGEPAGE), "madvise");
	for (at = 0; at < len; at += PAGE)
		pattern_fill(p + at, PAGE, SEED + at);
	for (at = 0; at < len; at += step)
		expect(!madvise(p + at + PAGE, step - PAGE, MADV_DONTNEED),
		       "madvise");
	expect(leave_secrets(&lone), "secrets: %s", strerror(errno));
	splits = vmstat("direct_map_level2_splits");
	now = shrink_to(enough);
	for (at = 0; at < len; at += step)
		errors += pattern_errors(p + at, PAGE, SEED + at);
	expect(!errors, "%zu words are wrong", errors);
	expect(pages_of(key) == len / step, "%llu pages", pages_of(key));
	expect(now <= enough, "%llu kB, enough were %llu", now, enough);
	expect(vmstat("direct_map_level2_splits") <= splits + SECRET_BLOCKS,
	       "%llu splits", vmstat("direct_map_level2_splits") - splits);
	secret_close(&lone);
	return KSFT_PASS;
}

static int test_move_pages(void)
{
	void *pages[SOME / PAGE];
	int to[SOME / PAGE], status[SOME / PAGE];
	char *p;
	int key;

	if (access("/sys/devices/system/node/node1", F_OK))
		skip("one node");
	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	for (int node = 1; node >= 0; node--) {
		for (size_t i = 0; i < SOME / PAGE; i++) {
			pages[i] = p + i * PAGE;
			to[i] = node;
		}
		expect(!syscall(__NR_move_pages, 0, SOME / PAGE, pages, to,
				status, MPOL_MF_MOVE), "move_pages: %s",
		       strerror(errno));
		for (size_t i = 0; i < SOME / PAGE; i++)
			expect(status[i] == node, "page %zu: %d", i, status[i]);
		expect(sound(p, SOME, SEED), "other bytes on node %d", node);
		expect(pages_of(key) == SOME / PAGE, "%llu pages",
		       pages_of(key));
	}
	return KSFT_PASS;
}

static int test_policy(void)
{
	unsigned long mask = 2;
	char *p;
	int key;

	if (access("/sys/devices/system/node/node1", F_OK))
		skip("one node");
	open_keyed(key, p, SOME);
	pattern_fill(p, SOME / 2, SEED);
	/* MPOL_BIND: moves what is there, and rules what comes */
	expect(!syscall(__NR_mbind, p, SOME, 2, &mask, 8UL, MPOL_MF_MOVE),
	       "mbind: %s", strerror(errno));
	expect(sound(p, SOME / 2, SEED), "other bytes");
	pattern_fill(p, SOME, SEED);
	expect(sound(p, SOME, SEED), "other bytes in new pages");
	for (size_t i = 0; i < SOME / PAGE; i++) {
		void *page = p + i * PAGE;
		int status = -1;

		syscall(__NR_move_pages, 0, 1UL, &page, NULL, &status, 0);
		expect(status == 1, "page %zu is on node %d", i, status);
	}
	return KSFT_PASS;
}

static int test_ksm(void)
{
	char *p;
	int key;

	open_keyed(key, p, SOME);
	if (madvise(p, SOME, MADV_MERGEABLE) && errno == EINVAL)
		skip("no KSM");
	memset(p, 1, SOME);
	write_string("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	write_string("/sys/kernel/mm/ksm/run", "1");
	sleep(2);
	write_string("/sys/kernel/mm/ksm/run", "2");
	expect(smaps_value(p, "KSM:") == 0, "merged");
	expect(info_of(key).pages == SOME / PAGE, "%llu pages",
	       info_of(key).pages);
	return KSFT_PASS;
}

/* --- I/O ------------------------------------------------------------------ */

static int test_splice_gift(void)
{
	int fds[2], file = memfd_create("test", 0);
	struct iovec iov;
	char *p, *q;
	int key;

	open_keyed(key, p, PAGE);
	pattern_fill(p, PAGE, SEED);
	iov = (struct iovec){ p, PAGE };
	expect(!pipe(fds), "pipe");
	expect(vmsplice(fds[1], &iov, 1, SPLICE_F_GIFT) == (ssize_t)PAGE,
	       "vmsplice: %s", strerror(errno));
	expect(splice(fds[0], NULL, file, NULL, PAGE, SPLICE_F_MOVE) ==
	       (ssize_t)PAGE, "splice: %s", strerror(errno));
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
	expect(!pattern_errors(q, PAGE, SEED), "the file has other bytes");
	return KSFT_PASS;
}

/* How much of it can be pinned: by the fast walk, or by the slow one. */
static __u64 pinned(unsigned long cmd, char *p, size_t len, unsigned int flags)
{
	struct gup_test gup = {
		.addr = (uintptr_t)p,
		.size = len,
		.nr_pages_per_call = len / PAGE,
		.gup_flags = flags,
	};
	int fd = open("/sys/kernel/debug/gup_test", O_RDWR);
	int ret = ioctl(fd, cmd, &gup);

	close(fd);
	return ret ? 0 : gup.size;
}

/*
 * Those who pin for long may put the bare address into the tables of a device.
 * Others may pin.
 */
static int longterm_is_refused(char *p, size_t len)
{
	static const unsigned long cmds[] = {
		PIN_FAST_BENCHMARK, PIN_BASIC_TEST,
	};

	memset(p, 'x', len);
	for (int i = 0; i < 2; i++) {
		expect(pinned(cmds[i], p, len, FOLL_WRITE) == len,
		       "cannot be pinned, %s", i ? "slow" : "fast");
		expect(!pinned(cmds[i], p, len, FOLL_WRITE | FOLL_LONGTERM),
		       "pinned for long, %s", i ? "slow" : "fast");
	}
	return KSFT_PASS;
}

static int test_longterm(void)
{
	char *p, *huge;
	int key, ret;

	if (access("/sys/kernel/debug/gup_test", F_OK))
		skip("no gup_test");
	open_keyed(key, p, SOME);
	huge = keyed_huge(key, HUGE);
	expect(huge != MAP_FAILED, "MEMKEY_PROTECT: %s", strerror(errno));
	ret = longterm_is_refused(p, SOME) ?: longterm_is_refused(huge, HUGE);
	munmap(p, SOME);
	munmap(huge, HUGE);
	expect(!pages_of(key), "%llu pages are left", pages_of(key));
	return ret;
}

static int peek(long *addr)
{
	pid_t parent = getppid();
	int status;
	long word;

	if (ptrace(PTRACE_ATTACH, parent, 0, 0) ||
	    waitpid(parent, &status, 0) != parent)
		return 1;
	word = ptrace(PTRACE_PEEKDATA, parent, addr, 0);
	status = (__u64)word != pattern_word(SEED, 0) ||
		 ptrace(PTRACE_POKEDATA, parent, addr + 1, 42);
	ptrace(PTRACE_DETACH, parent, 0, 0);
	return status ? 2 : 0;
}

static int test_ptrace(void)
{
	pid_t pid;
	char *p;
	int key;

	open_keyed(key, p, PAGE);
	pattern_fill(p, PAGE, SEED);
	pid = fork();
	if (!pid)
		exit(peek((long *)p));
	expect(!exit_status(pid), "the child reads another word");
	expect(((long *)p)[1] == 42, "the child wrote another word");
	return KSFT_PASS;
}

/* --- userfaultfd ---------------------------------------------------------- */

static int uffd_open(char *p, size_t len, __u64 features)
{
	int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register reg = {
		.range = { (uintptr_t)p, len },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg))
		return -1;
	return uffd;
}

static int test_userfaultfd(void)
{
	char *plain = aligned_alloc(PAGE, PAGE), *p;
	struct uffdio_copy copy = { .src = (uintptr_t)plain, .len = PAGE };
	struct uffdio_zeropage zero = { };
	int key, uffd;

	open_keyed(key, p, 2 * PAGE);
	uffd = uffd_open(p, 2 * PAGE, 0);
	if (uffd < 0)
		skip("no userfaultfd");
	pattern_fill(plain, PAGE, SEED);
	copy.dst = (uintptr_t)p;
	expect(!ioctl(uffd, UFFDIO_COPY, &copy), "copy: %s", strerror(errno));
	zero.range.start = (uintptr_t)p + PAGE;
	zero.range.len = PAGE;
	expect(!ioctl(uffd, UFFDIO_ZEROPAGE, &zero), "zeropage: %s",
	       strerror(errno));
	expect(sound(p, PAGE, SEED), "other bytes");
	expect(!nonzero_words(p + PAGE, PAGE), "not zero");
	expect(info_of(key).pages >= 1, "no page has the key");
	return KSFT_PASS;
}

#ifdef UFFDIO_MOVE
static int test_userfaultfd_move(void)
{
	struct uffdio_move move = { .len = PAGE };
	int key, uffd;
	char *p, *q;

	open_keyed(key, p, PAGE);
	q = keyed(key, PAGE);
	uffd = uffd_open(p, PAGE, UFFD_FEATURE_MOVE);
	if (uffd < 0)
		skip("no UFFDIO_MOVE");
	move.dst = (uintptr_t)p;
	move.src = (uintptr_t)anon_apart(PAGE);
	*(char *)(uintptr_t)move.src = 1;
	expect(ioctl(uffd, UFFDIO_MOVE, &move) && errno == EINVAL,
	       "moved to another key: %s", strerror(errno));
	pattern_fill(q, PAGE, SEED);
	move.src = (uintptr_t)q;
	expect(!ioctl(uffd, UFFDIO_MOVE, &move), "move: %s", strerror(errno));
	expect(sound(p, PAGE, SEED), "other bytes");
	return KSFT_PASS;
}
#endif

/* --- all at once ---------------------------------------------------------- */

#define RACERS	4
#define ROUNDS	100

static int race_key;

static void *racer(void *arg)
{
	__u64 seed = (uintptr_t)arg * ROUNDS;
	long errors = 0;
	char *p;

	for (int i = 0; i < ROUNDS; i++) {
		p = anon(4 * PAGE);
		/* Next to others, which may have pages or keys */
		if (protect(race_key, p, 4 * PAGE))
			errors++;
		pattern_fill(p, 4 * PAGE, seed + i);
		errors += pattern_errors(p, 4 * PAGE, seed + i);
		munmap(p + PAGE, PAGE);
		munmap(p, 4 * PAGE);
	}
	return (void *)errors;
}

static int test_race(void)
{
	pthread_t threads[RACERS];
	void *errors, *sum = NULL;

	open_key(race_key);
	for (long i = 0; i < RACERS; i++)
		pthread_create(&threads[i], NULL, racer, (void *)i);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	for (int i = 0; i < RACERS; i++) {
		pthread_join(threads[i], &errors);
		sum += (long)errors;
	}
	expect(!sum, "%ld errors", (long)sum);
	expect(!pages_of(race_key), "%llu pages are left",
	       pages_of(race_key));
	return KSFT_PASS;
}

/* --- running -------------------------------------------------------------- */

static const struct test tests[] = {
	{ "MEMKEY_INFO and smaps", test_info },
	{ "pages are counted", test_pages_are_counted },
	{ "two keys have two KeyIDs", test_keys_differ },
	{ "no key is left", test_out_of_keys },
	{ "a key outlives its file", test_close },
	{ "a killed process leaves nothing", test_killed },
	{ "privilege and limit", test_privilege },
	{ "the limit of a cgroup", test_cgroup },
	{ "kernel and program see the same", test_contents },
	{ "new pages are zero", test_zero },
	{ "pages change hands", test_reuse },
	{ "fork", test_fork },
	{ "copy on write", test_copy_on_write },
	{ "MADV_WIPEONFORK", test_wipe_on_fork },
	{ "mprotect", test_mprotect },
	{ "mremap", test_mremap },
	{ "mappings merge by key", test_merge },
	{ "beside pages without a key", test_beside_pages },
	{ "what cannot have a key", test_bad_ranges },
	{ "huge pages", test_thp },
	{ "pages of 64K", test_mthp },
	{ "collapse", test_collapse },
	{ "collapse of what is unmapped", test_collapse_race },
	{ "no page goes to swap", test_pageout },
	{ "compaction", test_compaction },
	{ "sparse blocks are emptied", test_room },
	{ "move_pages", test_move_pages },
	{ "memory policy", test_policy },
	{ "no page is merged", test_ksm },
	{ "no page is given away", test_splice_gift },
	{ "long-term pins", test_longterm },
	{ "ptrace", test_ptrace },
	{ "userfaultfd", test_userfaultfd },
#ifdef UFFDIO_MOVE
	{ "UFFDIO_MOVE", test_userfaultfd_move },
#endif
	{ "all at once", test_race },
};

int main(void)
{
	ksft_print_header();
	need_memkey();
	ksft_set_plan(ARRAY_SIZE(tests));
	run_tests(tests, ARRAY_SIZE(tests));
	ksft_finished();
}
