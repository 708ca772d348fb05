// SPDX-License-Identifier: GPL-2.0
/*
 * Disks and memory with a key.
 *
 * A device reaches such memory only with the KeyID in the address that it is
 * given. On planes of memory (keyid_emul=) it reads and writes other bytes
 * without, so the contents of each page are compared. Wanted are /dev/vda, whose
 * driver maps for DMA, and /dev/vdb, whose driver uses physical addresses. Both
 * are written to. Needs root.
 */
#define _GNU_SOURCE

#include "../kselftest.h"
#include "keyid_util.h"

#define SEED		0x10aedUL
#define DMA_DISK	"/dev/vda"
#define PLAIN_DISK	"/dev/vdb"
#define PIECES		24

static int open_disk(const char *path)
{
	return open(path, O_RDWR | O_DIRECT);
}

/* What is on the disk, by way of memory without a key. */
static bool on_disk(int disk, size_t bytes, __u64 seed)
{
	char *plain = aligned_alloc(PAGE, bytes);
	bool same;

	same = pread(disk, plain, bytes, 0) == (ssize_t)bytes &&
	       !pattern_errors(plain, bytes, seed);
	free(plain);
	return same;
}

static bool put_on_disk(int disk, size_t bytes, __u64 seed)
{
	char *plain = aligned_alloc(PAGE, bytes);
	bool done;

	pattern_fill(plain, bytes, seed);
	done = pwrite(disk, plain, bytes, 0) == (ssize_t)bytes;
	free(plain);
	return done;
}

static int both_ways(int disk, char *p, size_t bytes)
{
	ssize_t done;

	expect(put_on_disk(disk, bytes, SEED), "disk: %s", strerror(errno));
	memset(p, 'x', bytes);
	done = pread(disk, p, bytes, 0);
	expect(done == (ssize_t)bytes, "read: %zd, %s", done, strerror(errno));
	expect(sound(p, bytes, SEED), "other bytes were read");

	pattern_fill(p, bytes, SEED + 1);
	done = pwrite(disk, p, bytes, 0);
	expect(done == (ssize_t)bytes, "write: %zd, %s", done, strerror(errno));
	expect(on_disk(disk, bytes, SEED + 1), "other bytes were written");
	expect(sound(p, bytes, SEED + 1), "the memory changed");
	return KSFT_PASS;
}

static int test_dma(void)
{
	int disk = open_disk(DMA_DISK), key;
	char *p;

	if (disk < 0)
		skip("no " DMA_DISK);
	open_keyed(key, p, SOME);
	return both_ways(disk, p, SOME);
}

static int test_dma_huge(void)
{
	int disk = open_disk(DMA_DISK), key;
	char *p;

	if (disk < 0)
		skip("no " DMA_DISK);
	open_key(key);
	p = keyed_huge(key, HUGE);
	expect(p != MAP_FAILED, "MEMKEY_PROTECT: %s", strerror(errno));
	return both_ways(disk, p, HUGE);
}

/* A part of a page, and a part of the next. */
static int test_dma_unaligned(void)
{
	int disk = open_disk(DMA_DISK), key;
	char *p;

	if (disk < 0)
		skip("no " DMA_DISK);
	open_keyed(key, p, SOME);
	expect(put_on_disk(disk, SOME, SEED), "disk: %s", strerror(errno));
	memset(p, 0, SOME);
	expect(pread(disk, p + PAGE - 512, 1024, PAGE - 512) == 1024,
	       "read: %s", strerror(errno));
	for (size_t i = 0; i < 1024 / 8; i++) {
		size_t word = (PAGE - 512) / 8 + i;

		expect(((__u64 *)p)[word] == pattern_word(SEED, word),
		       "word %zu is not what was on the disk", word);
	}
	expect(!nonzero_words(p, PAGE - 512) &&
	       !nonzero_words(p + PAGE + 512, PAGE - 512),
	       "bytes around it were written");
	return KSFT_PASS;
}

/* Pages that follow one another in memory, if the cache gives any such. */
static int neighbours_in(char *page[])
{
	int found = 0;

	for (size_t i = 1; i < PIECES; i++)
		found += phys_of(page[i]) == phys_of(page[i - 1]) + PAGE;
	return found;
}

static int by_address(const void *a, const void *b)
{
	__u64 x = phys_of(*(char **)a), y = phys_of(*(char **)b);

	return x < y ? -1 : x > y;
}

/* Two keys and none, page by page in the order of memory, in one request. */
static int test_neighbours(void)
{
	int disk = open_disk(DMA_DISK), a, b;
	char *from[3], *page[PIECES];
	struct iovec iov[PIECES];
	ssize_t bytes = PIECES * PAGE;

	if (disk < 0)
		skip("no " DMA_DISK);
	open_keyed(a, from[0], PIECES * PAGE);
	open_keyed(b, from[1], PIECES * PAGE);
	from[2] = anon_apart(PIECES * PAGE);
	for (size_t i = 0; i < PIECES; i++) {
		page[i] = from[i % 8 == 7 ? 2 : i % 2] + i * PAGE;
		memset(page[i], 'x', PAGE);
	}
	qsort(page, PIECES, sizeof(*page), by_address);
	expect(neighbours_in(page), "no two pages are neighbours in memory");
	for (size_t i = 0; i < PIECES; i++)
		iov[i] = (struct iovec){ page[i], PAGE };
	expect(put_on_disk(disk, bytes, SEED), "disk: %s", strerror(errno));
	expect(preadv(disk, iov, PIECES, 0) == bytes, "read: %s",
	       strerror(errno));
	for (size_t i = 0; i < PIECES; i++)
		for (size_t w = 0; w < PAGE / 8; w++)
			expect(((__u64 *)page[i])[w] ==
			       pattern_word(SEED, i * PAGE / 8 + w),
			       "page %zu, word %zu", i, w);
	expect(put_on_disk(disk, bytes, SEED + 1), "disk: %s", strerror(errno));
	expect(pwritev(disk, iov, PIECES, 0) == bytes, "write: %s",
	       strerror(errno));
	expect(on_disk(disk, bytes, SEED), "other bytes were written");
	return KSFT_PASS;
}

static int test_plain(void)
{
	int disk = open_disk(PLAIN_DISK), key;
	ssize_t done;
	char *p;

	if (disk < 0)
		skip("no " PLAIN_DISK);
	open_keyed(key, p, SOME);
	expect(put_on_disk(disk, SOME, SEED), "disk: %s", strerror(errno));
	pattern_fill(p, SOME, SEED + 1);
	done = pread(disk, p, SOME, 0);
	expect(done < 0 && errno == EIO, "read: %zd, %s", done,
	       strerror(errno));
	expect(sound(p, SOME, SEED + 1), "the memory changed");
	done = pwrite(disk, p, SOME, 0);
	expect(done < 0 && errno == EIO, "write: %zd, %s", done,
	       strerror(errno));
	expect(on_disk(disk, SOME, SEED), "the disk changed");
	return KSFT_PASS;
}

/* A loop device copies, page by page. */
static int test_loop(void)
{
	int disk = loop_over(memfd_create("disk", 0), MIB), key, ret;
	char *p;

	if (disk < 0)
		skip("no loop device");
	open_keyed(key, p, SOME);
	ret = both_ways(disk, p, SOME);
	loop_end(disk);
	return ret;
}

static const struct test tests[] = {
	{ "O_DIRECT with DMA", test_dma },
	{ "O_DIRECT with DMA, a huge page", test_dma_huge },
	{ "O_DIRECT with DMA, parts of pages", test_dma_unaligned },
	{ "neighbours in memory with other keys", test_neighbours },
	{ "O_DIRECT by physical addresses is refused", test_plain },
	{ "O_DIRECT to a loop device", test_loop },
};

int main(void)
{
	ksft_print_header();
	need_memkey();
	ksft_set_plan(ARRAY_SIZE(tests));
	run_tests(tests, ARRAY_SIZE(tests));
	ksft_finished();
}
