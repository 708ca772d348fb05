// SPDX-License-Identifier: GPL-2.0
/*
 * Huge folios of memfd_secret(): where a file gets them, that they do all that
 * small pages do, and that they are refused where those are. Needs root, and
 * the cache of unmapped pages.
 */
#define _GNU_SOURCE
#include <linux/falloc.h>
#include <pthread.h>
#include <sys/uio.h>

#include "../kselftest.h"
#include "unmapped_util.h"

#define SEED		0x4096eUL
#define HUGE		(2 * MIB)
#define HUGE_PAGES	(HUGE / PAGE)
#define BIG		(64 * MIB)
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define KNOB		"/sys/module/secretmem/parameters/huge"

/* How much of a mapping is mapped huge, kB. */
static __u64 huge_kb(const void *p)
{
	return smaps_value(p, "FilePmdMapped:");
}

/* Each page is touched, in order, and has contents of its own. */
static bool open_filled(struct secret *s, size_t bytes)
{
	if (!secret_open(s, bytes))
		return false;
	pattern_fill(s->base, s->bytes, SEED);
	return true;
}

static bool open_huge(struct secret *s, size_t bytes)
{
	return open_filled(s, bytes) && huge_kb(s->base) == bytes / 1024;
}

/* The words of a page of open_filled() that are not as they were. */
static size_t page_errors(const char *base, size_t page)
{
	const __u64 *word = (const void *)(base + page * PAGE);
	size_t i, errors = 0, n = PAGE / sizeof(*word);

	for (i = 0; i < n; i++)
		errors += word[i] != pattern_word(SEED, page * n + i);
	return errors;
}

/* --- where they are -------------------------------------------------------- */

static int test_mapped(void)
{
	struct secret s;

	expect(secret_open(&s, BIG), "open: %s", strerror(errno));
	for (size_t i = 0; i < BIG; i += HUGE)
		expect(!nonzero_words(s.base + i, HUGE), "not zero");
	expect(huge_kb(s.base) >= (BIG - HUGE) / 1024, "%llu kB are huge",
	       huge_kb(s.base));
	pattern_fill(s.base, s.bytes, SEED);
	expect(!pattern_errors(s.base, s.bytes, SEED), "contents are lost");
	secret_close(&s);
	return KSFT_PASS;
}

static int test_allocated(void)
{
	struct secret s;
	__u64 before;

	expect(secret_open(&s, 8 * MIB), "open: %s", strerror(errno));
	before = unmapped_used();
	expect(!fallocate(s.fd, 0, MIB, 6 * MIB), "fallocate: %s",
	       strerror(errno));
	expect(unmapped_used() - before == 6 * MIB / 1024, "%llu kB allocated",
	       unmapped_used() - before);
	expect(!nonzero_words(s.base + MIB, 6 * MIB), "not zero");
	/* 1 to 2 and 6 to 7 MiB are small, whole ones between */
	expect(huge_kb(s.base) == 4 * MIB / 1024, "%llu kB are huge",
	       huge_kb(s.base));
	expect(unmapped_used() - before == 6 * MIB / 1024,
	       "the faults allocated");
	secret_close(&s);
	return KSFT_PASS;
}

static int test_end(void)
{
	size_t pages = HUGE_PAGES + 3, got;
	struct secret s;
	__u64 before;
	char *p;

	sigbus_prepare();
	expect(secret_open(&s, pages * PAGE), "open: %s", strerror(errno));
	before = unmapped_used();
	expect(touch_page(s.base + HUGE), "no page");
	expect(unmapped_used() - before == PAGE / 1024, "%llu kB for a page",
	       unmapped_used() - before);
	expect(touch_page(s.base), "no page");
	expect(huge_kb(s.base) == HUGE / 1024, "%llu kB are huge",
	       huge_kb(s.base));
	p = mmap(NULL, 4 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd, 0);
	expect(p != MAP_FAILED, "mmap: %s", strerror(errno));
	got = touch_pages(p, 4 * HUGE_PAGES);
	expect(got == pages, "%zu pages of %zu", got, pages);
	munmap(p, 4 * HUGE);
	secret_close(&s);
	return KSFT_PASS;
}

static int test_switched_off(void)
{
	struct secret s;
	__u64 before;

	sigbus_prepare();
	expect(write_string(KNOB, "N"), KNOB ": %s", strerror(errno));
	expect(open_filled(&s, 4 * HUGE), "open: %s", strerror(errno));
	expect(write_string(KNOB, "Y"), KNOB ": %s", strerror(errno));
	expect(!huge_kb(s.base), "huge with " KNOB "=N");
	secret_close(&s);

	expect(secret_open(&s, 4 * HUGE), "open: %s", strerror(errno));
	expect(!madvise(s.base, s.bytes, MADV_NOHUGEPAGE), "madvise: %s",
	       strerror(errno));
	pattern_fill(s.base, s.bytes, SEED);
	expect(!huge_kb(s.base), "huge with MADV_NOHUGEPAGE");
	secret_close(&s);

	expect(secret_open(&s, 4 * HUGE), "open: %s", strerror(errno));
	expect(!madvise(s.base, s.bytes, MADV_NOHUGEPAGE), "madvise: %s",
	       strerror(errno));
	before = unmapped_used();
	expect(touch_page(s.base), "no page");
	expect(unmapped_used() - before == PAGE / 1024,
	       "a page took %llu kB with MADV_NOHUGEPAGE",
	       unmapped_used() - before);
	secret_close(&s);
	return KSFT_PASS;
}

/* 512 of the limit for a page only where it has room for all of the file. */
static int test_limit(void)
{
	struct secret s, one;
	__u64 before;
	size_t got;

	sigbus_prepare();
	expect(memlock_limit(2 * HUGE), "setrlimit: %s", strerror(errno));
	before = unmapped_used();
	expect(secret_open(&s, 4 * HUGE), "open: %s", strerror(errno));
	expect(touch_page(s.base), "no page");
	expect(unmapped_used() - before == PAGE / 1024,
	       "a page took %llu kB of the limit", unmapped_used() - before);
	got = touch_pages(s.base, 4 * HUGE_PAGES);
	expect(got == 2 * HUGE_PAGES, "%zu pages of %lu", got, 2 * HUGE_PAGES);
	secret_close(&s);

	expect(open_huge(&s, 2 * HUGE), "%llu kB are huge", huge_kb(s.base));
	expect(secret_open(&one, PAGE), "open: %s", strerror(errno));
	expect(!touch_page(one.base), "a page above the limit");
	secret_close(&s);
	expect(touch_page(one.base), "nothing of the limit came back");
	secret_close(&one);
	return KSFT_PASS;
}

/* --- as small ones --------------------------------------------------------- */

static int read_in_child(const struct secret *s)
{
	pid_t pid = fork();

	if (!pid) {
		if (pattern_errors(s->base, s->bytes, SEED))
			_exit(1);
		memset(s->base + 5 * PAGE, 'c', PAGE);
		_exit(0);
	}
	return exit_status(pid);
}

static int test_parts(void)
{
	struct secret s;
	char *to;

	expect(open_huge(&s, 2 * HUGE), "%llu kB are huge", huge_kb(s.base));
	expect(!read_in_child(&s), "a child sees something else");
	expect(s.base[5 * PAGE] == 'c' && s.base[6 * PAGE - 1] == 'c',
	       "what a child writes is not here");
	pattern_fill(s.base, s.bytes, SEED);

	expect(!mprotect(s.base + PAGE, PAGE, PROT_READ), "mprotect: %s",
	       strerror(errno));
	expect(huge_kb(s.base) != ABSENT, "smaps");
	expect(!pattern_errors(s.base, s.bytes, SEED), "lost in mprotect");
	expect(!munmap(s.base + 7 * PAGE, PAGE), "munmap: %s", strerror(errno));
	for (size_t i = 0; i < 2 * HUGE_PAGES; i++)
		expect(i == 7 || !page_errors(s.base, i), "page %zu", i);

	to = mmap(NULL, 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(to != MAP_FAILED, "mmap: %s", strerror(errno));
	to = mremap(s.base + HUGE, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		    to + PAGE);
	expect(to != MAP_FAILED, "mremap: %s", strerror(errno));
	for (size_t i = 0; i < HUGE_PAGES; i++)
		expect(!page_errors(to - HUGE, HUGE_PAGES + i), "page %zu", i);

	munmap(s.base, HUGE);
	s.base = mmap(NULL, s.bytes, PROT_READ, MAP_SHARED, s.fd, 0);
	expect(s.base != MAP_FAILED, "mmap: %s", strerror(errno));
	expect(!pattern_errors(s.base, s.bytes, SEED), "lost when mapped anew");
	secret_close(&s);
	return KSFT_PASS;
}

/* Each byte is zero in the hole, and what it was elsewhere. */
static int check_hole(const struct secret *s, size_t from, size_t to)
{
	for (size_t i = 0; i < s->bytes; i++)
		expect(s->base[i] == (i >= from && i < to ? 0 : 'x'),
		       "byte %zu is %d", i, s->base[i]);
	return KSFT_PASS;
}

static int hole(size_t from, size_t to, size_t pages_back)
{
	struct secret s;
	__u64 before;
	int ret;

	expect(secret_open(&s, 3 * HUGE), "open: %s", strerror(errno));
	memset(s.base, 'x', s.bytes);
	expect(huge_kb(s.base) == s.bytes / 1024, "%llu kB are huge",
	       huge_kb(s.base));
	before = unmapped_used();
	expect(!fallocate(s.fd, PUNCH, from, to - from), "punch: %s",
	       strerror(errno));
	expect(before - unmapped_used() == pages_back * PAGE / 1024,
	       "%llu kB came back", before - unmapped_used());
	ret = check_hole(&s, from, to);
	secret_close(&s);
	return ret;
}

static int test_holes(void)
{
	return hole(5 * PAGE, 6 * PAGE, 1) ?:
	       hole(100, 200, 0) ?:
	       hole(0, HUGE, HUGE_PAGES) ?:
	       hole(HUGE - PAGE, 2 * HUGE + PAGE, HUGE_PAGES + 2) ?:
	       hole(HUGE - 100, 2 * HUGE + 100, HUGE_PAGES) ?:
	       hole(HUGE + PAGE + 1, 3 * HUGE, 2 * HUGE_PAGES - 2);
}

struct mover {
	const struct secret *s;
	bool stop;
};

/* Takes references to all pages, again and again; none of them can move. */
static void *move_over_and_over(void *arg)
{
	static void *pages[HUGE_PAGES];
	static int nodes[HUGE_PAGES], status[HUGE_PAGES];
	struct mover *m = arg;
	int nr_nodes = access("/sys/devices/system/node/node1", F_OK) ? 1 : 2;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		for (size_t i = 0; i < HUGE_PAGES; i++) {
			pages[i] = m->s->base + i * PAGE;
			nodes[i] = i % nr_nodes;
		}
		syscall(__NR_move_pages, 0, HUGE_PAGES, pages, nodes, status,
			4 /* MPOL_MF_MOVE_ALL */);
	}
	return NULL;
}

static int punch_one(struct secret *s, size_t page, unsigned int *again)
{
	struct mover m = { .s = s };
	pthread_t thread;
	int err;

	expect(!pthread_create(&thread, NULL, move_over_and_over, &m),
	       "no thread");
	while ((err = fallocate(s->fd, PUNCH, page * PAGE, PAGE)) &&
	       errno == EAGAIN)
		++*again;
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	expect(!err, "punch: %s", strerror(errno));
	expect(!nonzero_words(s->base + page * PAGE, PAGE), "not zero");
	for (size_t i = 0; i < HUGE_PAGES; i++)
		expect(i == page || !page_errors(s->base, i), "page %zu", i);
	return KSFT_PASS;
}

static int test_hole_race(void)
{
	unsigned int again = 0;
	struct secret s, rest;
	size_t round, got;

	sigbus_prepare();
	expect(memlock_limit(HUGE), "setrlimit: %s", strerror(errno));
	for (round = 0; round < 20; round++) {
		expect(open_huge(&s, HUGE), "%llu kB are huge",
		       huge_kb(s.base));
		if (punch_one(&s, round * 37 % HUGE_PAGES, &again))
			return KSFT_FAIL;
		/* It was read, so it is there again */
		expect(!fallocate(s.fd, PUNCH, 7 * PAGE, 3 * PAGE),
		       "punch: %s", strerror(errno));
		expect(secret_open(&rest, HUGE), "open: %s", strerror(errno));
		got = touch_pages(rest.base, HUGE_PAGES);
		expect(got == 3, "%zu pages for the limit's last 3", got);
		secret_close(&rest);
		secret_close(&s);
	}
	ksft_print_msg("%u times EAGAIN\n", again);
	return KSFT_PASS;
}

static int test_poison(void)
{
	const size_t bad = 9;
	struct secret s;

	if (access(INJECT_POISON, W_OK))
		skip("no " INJECT_POISON);
	sigbus_prepare();
	expect(open_huge(&s, HUGE), "%llu kB are huge", huge_kb(s.base));
	inject_poison(phys_of(s.base + bad * PAGE));
	expect(!touch_page(s.base + bad * PAGE), "the bad page is there");
	for (size_t i = 0; i < HUGE_PAGES; i++)
		expect(i == bad || !page_errors(s.base, i), "page %zu", i);
	secret_close(&s);
	return KSFT_PASS;
}

/* --- refused --------------------------------------------------------------- */

static int refused_by_pipe(struct secret *s)
{
	struct iovec iov = { s->base + PAGE, PAGE };
	int fds[2];

	expect(!pipe(fds), "pipe: %s", strerror(errno));
	expect(vmsplice(fds[1], &iov, 1, 0) < 0 && errno == EFAULT,
	       "vmsplice: %s", strerror(errno));
	close(fds[0]);
	close(fds[1]);
	return KSFT_PASS;
}

static int refused_by_disk(struct secret *s)
{
	int disk = loop_over(memfd_create("disk", 0), MIB);

	if (disk < 0)
		skip("no loop device");
	expect(pwrite(disk, s->base + PAGE, PAGE, 0) < 0 && errno == EFAULT,
	       "write: %s", strerror(errno));
	expect(pread(disk, s->base + PAGE, PAGE, 0) < 0 && errno == EFAULT,
	       "read: %s", strerror(errno));
	loop_end(disk);
	return KSFT_PASS;
}

static int refused_by_kernel(struct secret *s)
{
	int fd = open("/proc/self/mem", O_RDWR);
	char buf[16];

	expect(fd >= 0, "/proc/self/mem: %s", strerror(errno));
	expect(pread(fd, buf, 16, (off_t)(s->base + PAGE)) < 0 && errno == EIO,
	       "pread: %s", strerror(errno));
	expect(pwrite(fd, buf, 16, (off_t)(s->base + PAGE)) < 0 && errno == EIO,
	       "pwrite: %s", strerror(errno));
	close(fd);
	return KSFT_PASS;
}

/* vmsplice and the disk take the fast walk, the other the slow one. */
static int test_refused(void)
{
	struct secret s;
	int ret;

	expect(open_huge(&s, HUGE), "%llu kB are huge", huge_kb(s.base));
	ret = refused_by_pipe(&s) ?: refused_by_kernel(&s) ?:
	      refused_by_disk(&s);
	expect(!pattern_errors(s.base, s.bytes, SEED), "written to");
	secret_close(&s);
	return ret;
}

static int test_kcore(void)
{
	struct secret s;
	__u64 word;
	off_t at;
	int fd;

	fd = open("/proc/kcore", O_RDONLY);
	if (fd < 0)
		skip("no /proc/kcore");
	expect(open_huge(&s, HUGE), "%llu kB are huge", huge_kb(s.base));
	for (size_t i = 0; i < HUGE_PAGES; i++) {
		at = kcore_offset(fd, phys_of(s.base + i * PAGE));
		expect(at, "page %zu is not in /proc/kcore", i);
		expect(pread(fd, &word, sizeof(word), at) != sizeof(word) ||
		       word != *(__u64 *)(s.base + i * PAGE),
		       "page %zu can be read", i);
	}
	close(fd);
	secret_close(&s);
	return KSFT_PASS;
}

static const struct test tests[] = {
	{ "64 MiB touched page by page are huge", test_mapped },
	{ "fallocate makes what is whole in its range huge", test_allocated },
	{ "no folio crosses the end of the file", test_end },
	{ "the parameter and MADV_NOHUGEPAGE", test_switched_off },
	{ "RLIMIT_MEMLOCK is used up by what was touched", test_limit },
	{ "fork, mprotect, munmap and mremap of parts", test_parts },
	{ "holes in parts", test_holes },
	{ "holes while others look at the folio", test_hole_race },
	{ "poison in a part", test_poison },
	{ "refused where small pages are", test_refused },
	{ "/proc/kcore shows none of it", test_kcore },
};

int main(void)
{
	ksft_print_header();
	need_secretmem();
	if (!cache_is_on() || access(KNOB, W_OK))
		ksft_exit_skip("no huge folios for secret memory\n");
	ksft_set_plan(ARRAY_SIZE(tests));
	run_tests(tests, ARRAY_SIZE(tests));
	ksft_finished();
}
