// SPDX-License-Identifier: GPL-2.0
/*
 * DMA buffers without an address in the kernel, on QEMU's device "edu".
 *
 * The driver unmapped_edu allocates a buffer, which is mapped here, and the
 * device copies pages of it. The bytes must arrive. The pages must be where the
 * device reaches them, and outside the direct map where that can be. All must be
 * given back, whoever lets go of the buffer last.
 *
 * usage: unmapped_dma [BITS]	of an address that the device has: 28, unless QEMU
 *				was started with `-device edu,dma_mask=`
 */
#define _GNU_SOURCE
#include <sys/klog.h>

#include "unmapped_file.h"

#define DEVICE		"/dev/unmapped_edu"
#define MODULE		"unmapped_edu"
#define DRIVER		"/sys/bus/pci/drivers/" MODULE
#define CAP		"/proc/sys/vm/unmapped_dma_max_kbytes"
#define PAGES		4
#define BLOCK_PAGES	512
#define MOST_PAGES	1024
#define FORGET_LOG	5	/* to klogctl() */

static unsigned int edu_bits = 28;

/* Quiet: what a failure means is said by who sees it. */
static bool run(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "{ %s; } >/dev/null 2>&1", command);
	return !system(line);
}

/* How many lines of the log have this, since it was forgotten. */
static unsigned int said(const char *what)
{
	char line[1024];
	unsigned int count = 0;
	FILE *f = popen("dmesg", "r");

	while (f && fgets(line, sizeof(line), f))
		count += !!strstr(line, what);
	if (f)
		pclose(f);
	return count;
}

static void unload(void)
{
	run("modprobe -r " MODULE);
}

/* Modprobe does not tell whether the driver has taken the device. */
static bool load(unsigned int bits, size_t pages, unsigned long limit)
{
	char line[256];

	unload();
	klogctl(FORGET_LOG, NULL, 0);
	snprintf(line, sizeof(line),
		 "modprobe " MODULE " dma_bits=%u pages=%zu bus_limit=%lu",
		 bits, pages, limit);
	return run(line) && !access(DEVICE, F_OK);
}

static bool buffer_open(struct secret *b, unsigned int bits, size_t pages)
{
	if (!load(bits, pages, 0))
		return false;
	b->bytes = pages * PAGE;
	b->fd = open(DEVICE, O_RDWR);
	b->base = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		       b->fd, 0);
	return b->base != MAP_FAILED;
}

static void buffer_close(struct secret *b)
{
	secret_close(b);
	unload();
}

static bool copy(const struct secret *b, size_t from, size_t to)
{
	char line[64];
	ssize_t len = snprintf(line, sizeof(line), "%zu %zu\n", from, to);

	return write(b->fd, line, len) == len;
}

/* kB of the cache that buffers have. */
static __u64 dma_kb(void)
{
	__u64 pages = proc_value("/sys/kernel/debug/unmapped_alloc",
				 "Owner dma, pages");

	return pages == ABSENT ? ABSENT : pages * PAGE / 1024;
}

/* What the device is told; nothing is between it and memory. 0 if unknown. */
static __u64 address(const struct secret *b)
{
	unsigned long long addr = 0;
	char line[64] = "";

	if (pread(b->fd, line, sizeof(line) - 1, 0) > 0)
		sscanf(line, "%llx", &addr);
	return addr;
}

/* It ends below what so many bits can say. */
static bool in_reach(const struct secret *b, unsigned int bits)
{
	return address(b) && address(b) + b->bytes <= 1ULL << bits;
}

/* pagemap does not tell where the pages of a driver are. */
static size_t buffer_shown(const struct secret *b)
{
	size_t i, pages = b->bytes / PAGE;
	static __u64 phys[MOST_PAGES];

	for (i = 0; i < pages; i++)
		phys[i] = address(b) + i * PAGE;
	return phys_shown(phys, pages);
}

/* The first page goes through the device into the last; the others stay. */
static int check_copy(const struct secret *b)
{
	size_t i, wrong = 0, last = b->bytes / PAGE - 1;

	for (i = 0; i <= last; i++)
		pattern_fill(b->base + i * PAGE, PAGE, SEED + i);
	expect(copy(b, 0, last), "no copy: %s", strerror(errno));
	for (i = 0; i < last; i++)
		wrong += pattern_errors(b->base + i * PAGE, PAGE, SEED + i);
	expect(!wrong, "%zu words of other pages are wrong", wrong);
	wrong = pattern_errors(b->base + last * PAGE, PAGE, SEED);
	expect(!wrong, "%zu words of the copy are wrong", wrong);
	return KSFT_PASS;
}

/* @pages is a power of two. */
static int check_outside(unsigned int bits, size_t pages)
{
	__u64 before, kb = pages * PAGE / 1024;
	struct secret b;
	int result;

	unload();
	before = dma_kb();
	if (!buffer_open(&b, bits, pages)) {
		if (bits < edu_bits && said("no zone of memory has"))
			skip("no zone of memory has %u bits", bits);
		expect(false, "no buffer of %zu pages: %s", pages,
		       strerror(errno));
	}
	expect(dma_kb() == before + kb, "%llu kB of the cache, %llu before",
	       dma_kb(), before);
	expect(!nonzero_words(b.base, b.bytes), "it is not zeroed");
	result = check_copy(&b);
	if (result != KSFT_PASS)
		return result;
	expect(in_reach(&b, bits), "it is above %u bits", bits);
	expect(!buffer_shown(&b), "it is in the direct map");
	buffer_close(&b);
	expect(dma_kb() == before, "%llu kB are left, %llu before", dma_kb(),
	       before);
	return KSFT_PASS;
}

static int check_bits(unsigned int bits)
{
	int result;

	if (bits > edu_bits)
		skip("the device has %u bits", edu_bits);
	result = check_outside(bits, PAGES);
	return result == KSFT_PASS ? check_outside(bits, BLOCK_PAGES) : result;
}

static int test_all_bits(void)
{
	return check_bits(edu_bits);
}

static int test_32_bits(void)
{
	return check_bits(32);
}

static int test_28_bits(void)
{
	return check_bits(28);
}

/* A buffer that the cache cannot give is as good as any. */
static int check_ordinary(size_t pages)
{
	struct secret b;
	__u64 before;
	int result;

	unload();
	before = dma_kb();
	expect(buffer_open(&b, edu_bits, pages), "no buffer: %s",
	       strerror(errno));
	expect(dma_kb() == before, "%llu kB of the cache, %llu before",
	       dma_kb(), before);
	result = check_copy(&b);
	if (result != KSFT_PASS)
		return result;
	expect(in_reach(&b, edu_bits), "it is out of reach");
	expect(buffer_shown(&b) == pages, "%zu of %zu pages are shown",
	       buffer_shown(&b), pages);
	buffer_close(&b);
	return KSFT_PASS;
}

static int test_more_than_a_block(void)
{
	return check_ordinary(MOST_PAGES);
}

static int test_cap(void)
{
	int result;

	expect(write_string(CAP, "4"), "no cap");
	result = check_ordinary(PAGES);
	expect(write_string(CAP, "0"), "the cap stays");
	return result;
}

/* Page 0 is nobody's. */
static int test_no_reach(void)
{
	__u64 before;

	unload();
	before = dma_kb();
	expect(!load(edu_bits, PAGES, PAGE - 1), "the driver has a buffer");
	expect(said("bytes in its reach") == 1, "%u lines in the log",
	       said("bytes in its reach"));
	expect(dma_kb() == before, "%llu kB are left, %llu before", dma_kb(),
	       before);
	return KSFT_PASS;
}

static int test_no_mask(void)
{
	expect(!load(20, PAGES, 0), "the driver has the device");
	expect(said("no zone of memory has 20 bits") == 1,
	       "%u lines in the log", said("no zone of memory has"));
	return KSFT_PASS;
}

static int test_bounds(void)
{
	struct secret b;
	void *p;

	expect(buffer_open(&b, edu_bits, PAGES), "no buffer: %s",
	       strerror(errno));
	expect(!copy(&b, 0, PAGES) && errno == EINVAL, "a copy to its end");
	expect(!copy(&b, PAGES, 0) && errno == EINVAL, "a copy from its end");
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, b.fd, PAGES * PAGE);
	expect(p == MAP_FAILED && errno == ENXIO, "its end can be mapped");
	p = mmap(NULL, b.bytes + PAGE, PROT_READ, MAP_SHARED, b.fd, 0);
	expect(p == MAP_FAILED && errno == ENXIO, "more than it is mapped");
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, b.fd, PAGE);
	expect(p != MAP_FAILED, "its second page: %s", strerror(errno));
	pattern_fill(b.base + PAGE, PAGE, SEED);
	expect(!pattern_errors(p, PAGE, SEED), "its second page is another");
	munmap(p, PAGE);
	buffer_close(&b);
	return KSFT_PASS;
}

static bool unbind(void)
{
	return run("cd " DRIVER
		   " && for d in 0000:*; do echo $d >unbind || exit; done") &&
	       access(DEVICE, F_OK);
}

static int test_last_file(void)
{
	struct secret b;
	__u64 before;

	unload();
	before = dma_kb();
	expect(buffer_open(&b, edu_bits, PAGES), "no buffer: %s",
	       strerror(errno));
	pattern_fill(b.base, b.bytes, SEED);
	expect(unbind(), "the driver keeps the device");
	expect(dma_kb() > before, "the buffer is gone");
	expect(!pattern_errors(b.base, b.bytes, SEED), "it has changed");
	expect(!copy(&b, 0, 1) && errno == ENODEV, "the device still copies");
	close(b.fd);
	expect(dma_kb() > before, "the buffer is gone while it is mapped");
	munmap(b.base, b.bytes);
	expect(dma_kb() == before, "%llu kB are left, %llu before", dma_kb(),
	       before);
	unload();
	return KSFT_PASS;
}

/* What leaves the direct map alone returns by a worker. */
static bool comes_back(__u64 before)
{
	int i;

	for (i = 0; i < 50; i++) {
		run_shrinkers();
		if (meminfo("NoDirectMap") <= before)
			return true;
		usleep(100000);
	}
	return false;
}

/* The module's own memory may be outside the direct map, too. */
static int test_given_back(void)
{
	__u64 before;
	size_t pages;

	expect(load(edu_bits, 1, 0), "no buffer");
	unload();
	run_shrinkers();
	usleep(200000);
	before = meminfo("NoDirectMap");
	for (pages = 1; pages <= BLOCK_PAGES; pages *= 8)
		expect(load(edu_bits, pages, 0), "no buffer of %zu pages",
		       pages);
	unload();
	expect(comes_back(before), "%llu kB are outside, %llu before",
	       meminfo("NoDirectMap"), before);
	return KSFT_PASS;
}

static const struct test tests[] = {
	{ "a buffer for all the device's bits", test_all_bits },
	{ "a buffer within 32 bits", test_32_bits },
	{ "a buffer within 28 bits", test_28_bits },
	{ "a buffer of 4M is ordinary memory", test_more_than_a_block },
	{ "a buffer above the cap is ordinary memory", test_cap },
	{ "no buffer where the bus reaches none", test_no_reach },
	{ "no device for whose bits there is no zone", test_no_mask },
	{ "a buffer ends where it ends", test_bounds },
	{ "a buffer outlives its driver", test_last_file },
	{ "all memory is given back", test_given_back },
};

int main(int argc, char **argv)
{
	ksft_print_header();
	if (argc > 1)
		edu_bits = atoi(argv[1]);
	/* Starts the cache, too: without that the first buffer is ordinary */
	need_hidden_files();
	if (!run("grep -qsx 0x11e8 /sys/bus/pci/devices/*/device"))
		ksft_exit_skip("no device edu\n");
	if (!run("modprobe " MODULE))
		ksft_exit_skip("no module " MODULE "\n");
	if (dma_kb() == ABSENT)
		ksft_exit_skip("needs debugfs\n");
	ksft_set_plan(ARRAY_SIZE(tests));
	run_tests(tests, ARRAY_SIZE(tests));
	unload();
	ksft_finished();
}
