// SPDX-License-Identifier: GPL-2.0
/*
 * Disks and memory with a key.
 *
 * A device reaches such memory only with the KeyID in the address that it is
 * given. On planes of memory (keyid_emul=) it reads and writes other bytes
 * without, so the contents of each page are compared. Wanted are /dev/vda, whose
 * driver maps for DMA, and /dev/vdb, whose driver uses physical addresses. Both
 * are written to. Needs root.
 *
 * usage: keyid_io			all tests
 *        keyid_io dma DISK		of a disk whose addresses have the KeyID
 *        keyid_io refused DISK		of one that is refused such memory
 */
#define _GNU_SOURCE

#include "../kselftest.h"
#include "keyid_util.h"
#include "unmapped_io.h"

#define SEED		0x10aedUL
#define PIECES		24

#ifndef MFD_NO_DIRECT_MAP
#define MFD_NO_DIRECT_MAP	0x0020U
#endif

static const char *keyed_disk = "/dev/vda";
static const char *refused_disk = "/dev/vdb";

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
	int disk = open_disk(keyed_disk), key;
	char *p;

	if (disk < 0)
		skip("no %s", keyed_disk);
	open_keyed(key, p, SOME);
	return both_ways(disk, p, SOME);
}

static int test_dma_huge(void)
{
	int disk = open_disk(keyed_disk), key;
	char *p;

	if (disk < 0)
		skip("no %s", keyed_disk);
	open_key(key);
	p = keyed_huge(key, HUGE);
	expect(p != MAP_FAILED, "MEMKEY_PROTECT: %s", strerror(errno));
	return both_ways(disk, p, HUGE);
}

/* A part of a page, and a part of the next. */
static int test_dma_unaligned(void)
{
	int disk = open_disk(keyed_disk), key;
	char *p;

	if (disk < 0)
		skip("no %s", keyed_disk);
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

static int by_address(const void *a, const void *b)
{
	__u64 x = phys_of(*(char **)a), y = phys_of(*(char **)b);

	return x < y ? -1 : x > y;
}

/* Pages of two keys and of none, in the order of memory, for one request. */
struct neighbours {
	char *plain;
	char *page[PIECES];
	struct iovec iov[PIECES];
};

static bool is_plain(const struct neighbours *n, size_t i)
{
	return n->page[i] >= n->plain && n->page[i] < n->plain + PIECES * PAGE;
}

/* Is there a pair of neighbours of which so many have no key? */
static bool has_pair(const struct neighbours *n, int plain)
{
	for (size_t i = 1; i < PIECES; i++)
		if (is_plain(n, i) + is_plain(n, i - 1) == plain &&
		    phys_of(n->page[i]) == phys_of(n->page[i - 1]) + PAGE)
			return true;
	return false;
}

/* Without a key, but from where pages with a key come. */
static char *hidden(size_t bytes)
{
	int fd = memfd_create("hidden", MFD_NO_DIRECT_MAP);

	if (fd < 0 || ftruncate(fd, bytes))
		return MAP_FAILED;
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static int make_neighbours(struct neighbours *n)
{
	char *from[3];
	int a, b;

	open_keyed(a, from[0], PIECES * PAGE);
	open_keyed(b, from[1], PIECES * PAGE);
	from[2] = hidden(PIECES * PAGE);
	expect(from[2] != MAP_FAILED, "memfd_create: %s", strerror(errno));
	n->plain = from[2];
	for (size_t i = 0; i < PIECES; i++) {
		n->page[i] = from[i % 3] + i * PAGE;
		memset(n->page[i], 'x', PAGE);
	}
	qsort(n->page, PIECES, sizeof(*n->page), by_address);
	expect(has_pair(n, 0) && has_pair(n, 1),
	       "no two pages are neighbours in memory");
	for (size_t i = 0; i < PIECES; i++)
		n->iov[i] = (struct iovec){ n->page[i], PAGE };
	return KSFT_PASS;
}

/* What page @i of the disk has. */
static bool was_read(const char *page, size_t i)
{
	for (size_t w = 0; w < PAGE / 8; w++)
		if (((__u64 *)page)[w] != pattern_word(SEED, i * PAGE / 8 + w))
			return false;
	return true;
}

static bool untouched(const char *page)
{
	return page[0] == 'x' && !memcmp(page, page + 1, PAGE - 1);
}

static int test_neighbours(void)
{
	ssize_t bytes = PIECES * PAGE;
	int disk = open_disk(keyed_disk);
	struct neighbours n;

	if (disk < 0)
		skip("no %s", keyed_disk);
	if (make_neighbours(&n) != KSFT_PASS)
		return KSFT_FAIL;
	expect(put_on_disk(disk, bytes, SEED), "disk: %s", strerror(errno));
	expect(preadv(disk, n.iov, PIECES, 0) == bytes, "read: %s",
	       strerror(errno));
	for (size_t i = 0; i < PIECES; i++)
		expect(was_read(n.page[i], i), "page %zu", i);
	expect(put_on_disk(disk, bytes, SEED + 1), "disk: %s", strerror(errno));
	expect(pwritev(disk, n.iov, PIECES, 0) == bytes, "write: %s",
	       strerror(errno));
	expect(on_disk(disk, bytes, SEED), "other bytes were written");
	return KSFT_PASS;
}

static int test_neighbours_refused(void)
{
	ssize_t bytes = PIECES * PAGE, done;
	int disk = open_disk(refused_disk);
	struct neighbours n;

	if (disk < 0)
		skip("no %s", refused_disk);
	if (make_neighbours(&n) != KSFT_PASS)
		return KSFT_FAIL;
	expect(put_on_disk(disk, bytes, SEED), "disk: %s", strerror(errno));
	done = preadv(disk, n.iov, PIECES, 0);
	expect(done < 0 && errno == EIO, "read: %zd, %s", done,
	       strerror(errno));
	/* Those without a key might well have been read */
	for (size_t i = 0; i < PIECES; i++)
		expect(untouched(n.page[i]) || was_read(n.page[i], i),
		       "page %zu", i);
	done = pwritev(disk, n.iov, PIECES, 0);
	expect(done < 0 && errno == EIO, "write: %zd, %s", done,
	       strerror(errno));
	expect(on_disk(disk, bytes, SEED), "the disk changed");
	return KSFT_PASS;
}

static int test_refused(void)
{
	int disk = open_disk(refused_disk), key;
	ssize_t done;
	char *p;

	if (disk < 0)
		skip("no %s", refused_disk);
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

/* Buffers that io_uring has pinned, and what it does with them. */
static int test_registered(void)
{
	int disk = open_disk(keyed_disk), key;
	struct iovec iov[2];
	struct ring r;
	char *p, *huge;

	if (disk < 0)
		skip("no %s", keyed_disk);
	if (!ring_open(&r))
		skip("no io_uring");
	open_keyed(key, p, SOME);
	huge = keyed_huge(key, HUGE);
	expect(huge != MAP_FAILED, "MEMKEY_PROTECT: %s", strerror(errno));
	iov[0] = (struct iovec){ p, SOME };
	iov[1] = (struct iovec){ huge, HUGE };
	for (int i = 0; i < 2; i++) {
		char *buf = iov[i].iov_base;
		size_t len = iov[i].iov_len;

		expect(!syscall(__NR_io_uring_register, r.fd,
				IORING_REGISTER_BUFFERS, &iov[i], 1),
		       "registered: %s", strerror(errno));
		expect(put_on_disk(disk, len, SEED), "disk: %s",
		       strerror(errno));
		expect(ring_one(&r, IORING_OP_READ_FIXED, disk, buf, len) ==
		       (int)len, "read");
		expect(sound(buf, len, SEED), "other bytes were read");
		pattern_fill(buf, len, SEED + 1);
		expect(ring_one(&r, IORING_OP_WRITE_FIXED, disk, buf, len) ==
		       (int)len, "written");
		expect(on_disk(disk, len, SEED + 1), "other bytes were written");
		expect(!syscall(__NR_io_uring_register, r.fd,
				IORING_UNREGISTER_BUFFERS, NULL, 0),
		       "unregistered: %s", strerror(errno));
	}
	return KSFT_PASS;
}

/* The ring has them longer than the program, with their key. */
static int test_registered_unmapped(void)
{
	int disk = open_disk(keyed_disk), key;
	struct iovec iov;
	struct ring r;
	char *p;

	if (disk < 0)
		skip("no %s", keyed_disk);
	if (!ring_open(&r))
		skip("no io_uring");
	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	iov = (struct iovec){ p, SOME };
	expect(!syscall(__NR_io_uring_register, r.fd, IORING_REGISTER_BUFFERS,
			&iov, 1), "registered: %s", strerror(errno));
	munmap(p, SOME);
	expect(pages_of(key) == SOME / PAGE, "%llu pages", pages_of(key));
	expect(ring_one(&r, IORING_OP_WRITE_FIXED, disk, p, SOME) == (int)SOME,
	       "written");
	expect(on_disk(disk, SOME, SEED), "other bytes were written");
	close(r.fd);
	munmap(r.rings, 4 * PAGE);
	munmap(r.sqes, PAGE);
	for (int i = 0; i < 100 && pages_of(key); i++)
		usleep(20000);
	expect(!pages_of(key), "%llu pages are left", pages_of(key));
	return KSFT_PASS;
}

/* The kernel would have to have the ring itself mapped all the time. */
static int test_provided(void)
{
	struct io_uring_buf_reg reg = { .ring_entries = 256 };
	struct ring r;
	int key, ret;
	char *p;

	if (!ring_open(&r))
		skip("no io_uring");
	open_keyed(key, p, SOME);
	pattern_fill(p, SOME, SEED);
	reg.ring_addr = (uintptr_t)p;
	ret = syscall(__NR_io_uring_register, r.fd, IORING_REGISTER_PBUF_RING,
		      &reg, 1);
	expect(ret < 0 && errno == ENOMEM, "provided buffers: %d, %s", ret,
	       strerror(errno));
	expect(sound(p, SOME, SEED), "other bytes");
	munmap(p, SOME);
	expect(!pages_of(key), "%llu pages are left", pages_of(key));
	return KSFT_PASS;
}

static const struct test dma_tests[] = {
	{ "O_DIRECT with DMA", test_dma },
	{ "O_DIRECT with DMA, a huge page", test_dma_huge },
	{ "O_DIRECT with DMA, parts of pages", test_dma_unaligned },
	{ "neighbours in memory with other keys", test_neighbours },
	{ "registered buffers", test_registered },
	{ "registered buffers, unmapped", test_registered_unmapped },
};

static const struct test refused_tests[] = {
	{ "O_DIRECT by addresses without KeyID is refused", test_refused },
	{ "so are neighbours with other keys", test_neighbours_refused },
};

static const struct test loop_tests[] = {
	{ "O_DIRECT to a loop device", test_loop },
	{ "a ring of provided buffers is refused", test_provided },
};

int main(int argc, char **argv)
{
	const char *which = argc == 3 ? argv[1] : "";
	bool dma = !strcmp(which, "dma"), refused = !strcmp(which, "refused");
	size_t nr_dma, nr_refused, nr_loop;

	if (argc != 1 && !dma && !refused)
		ksft_exit_fail_msg("usage: keyid_io [dma|refused DISK]\n");
	if (dma)
		keyed_disk = argv[2];
	if (refused)
		refused_disk = argv[2];
	nr_dma = refused ? 0 : ARRAY_SIZE(dma_tests);
	nr_refused = dma ? 0 : ARRAY_SIZE(refused_tests);
	nr_loop = argc == 1 ? ARRAY_SIZE(loop_tests) : 0;

	ksft_print_header();
	need_memkey();
	ksft_set_plan(nr_dma + nr_refused + nr_loop);
	run_tests(dma_tests, nr_dma);
	run_tests(refused_tests, nr_refused);
	run_tests(loop_tests, nr_loop);
	ksft_finished();
}
