// SPDX-License-Identifier: GPL-2.0
/*
 * Secret memory where the kernel image was.
 *
 * The kernel frees parts of its image after boot. Each such page has an
 * address in the direct map and one among the image's own, and /proc/kcore
 * shows both. A secret page that comes from there may be seen at neither.
 *
 * To get such pages the program takes nearly all memory that is free. Needs
 * root.
 */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "../kselftest.h"
#include "unmapped_util.h"

#define SEED		0x1a6eUL
#define MAX_SEGMENTS	64
#define ENOUGH		16
#define SECRET_BYTES	(64 * MIB)
#define MIN_FREE	"/proc/sys/vm/min_free_kbytes"
#define PCP_FRACTION	"/proc/sys/vm/percpu_pagelist_high_fraction"
#define IMAGE_START	0xffffffff80000000UL
#define KPF_NOPAGE	(1UL << 20)
#define KPF_RESERVED	(1UL << 32)

struct segment {
	__u64 vaddr, phys, bytes;
	off_t offset;
};

static struct segment segments[MAX_SEGMENTS];
static int nr_segments;
static const struct segment *image;
static int kcore;

static bool read_segment(const Elf64_Ehdr *eh, int i)
{
	struct segment *s = &segments[nr_segments];
	Elf64_Phdr ph;

	if (pread(kcore, &ph, sizeof(ph), eh->e_phoff + i * sizeof(ph)) !=
	    sizeof(ph))
		return false;
	if (ph.p_type != PT_LOAD || ph.p_paddr == ~0ULL)
		return true;
	*s = (struct segment){ ph.p_vaddr, ph.p_paddr, ph.p_memsz,
			       ph.p_offset };
	if (s->vaddr >= IMAGE_START)
		image = s;
	nr_segments++;
	return true;
}

static void read_segments(void)
{
	Elf64_Ehdr eh;
	int i;

	kcore = open("/proc/kcore", O_RDONLY);
	if (kcore < 0 || pread(kcore, &eh, sizeof(eh), 0) != sizeof(eh))
		ksft_exit_skip("no /proc/kcore\n");
	for (i = 0; i < eh.e_phnum && nr_segments < MAX_SEGMENTS; i++)
		if (!read_segment(&eh, i))
			ksft_exit_fail_msg("/proc/kcore: %s\n",
					   strerror(errno));
	if (!image)
		ksft_exit_skip("/proc/kcore does not show the image\n");
}

static bool in_segment(const struct segment *s, __u64 phys)
{
	return phys >= s->phys && phys - s->phys < s->bytes;
}

/* Whether this segment shows a byte of the page. */
static bool shown_by(const struct segment *s, __u64 phys)
{
	static char page[PAGE];

	return in_segment(s, phys) &&
	       pread(kcore, page, PAGE, s->offset + (phys - s->phys)) ==
	       (ssize_t)PAGE && nonzero_words(page, PAGE);
}

static bool shown(__u64 phys)
{
	int i;

	for (i = 0; i < nr_segments; i++)
		if (shown_by(&segments[i], phys))
			return true;
	return false;
}

static __u64 number_at(int fd, __u64 index)
{
	__u64 value = 0;

	if (pread(fd, &value, sizeof(value), index * sizeof(value)) !=
	    sizeof(value))
		value = 0;
	return value;
}

static bool image_works(void)
{
	return shown_by(image, image->phys);
}

/* What boot freed of the image is not reserved any more. */
static void test_alias(void)
{
	int kpageflags = open("/proc/kpageflags", O_RDONLY);
	size_t freed = 0, seen = 0;
	__u64 phys, flags;

	for (phys = image->phys; phys < image->phys + image->bytes;
	     phys += PAGE) {
		flags = number_at(kpageflags, phys / PAGE);
		if (flags & (KPF_RESERVED | KPF_NOPAGE))
			continue;
		freed++;
		seen += shown_by(image, phys);
	}
	ksft_test_result(freed && !seen,
			 "freed pages of the image have one address: %zu of %zu have two\n",
			 seen, freed);
	close(kpageflags);
}

static int pagemap;

static __u64 phys_of(const void *p)
{
	return (number_at(pagemap, (uintptr_t)p / PAGE) &
		((1ULL << 55) - 1)) * PAGE;
}

struct found {
	size_t pages, seen;
};

static void look(char *p, struct found *found)
{
	__u64 phys = phys_of(p);

	if (!in_segment(image, phys))
		return;
	pattern_fill(p, PAGE, SEED);
	found->pages++;
	found->seen += shown(phys);
}

/*
 * Takes nearly all memory there is, and gives back what lies in the image:
 * the next who needs memory will get that.
 */
static bool free_image_alone(void)
{
	__u64 reserve_kb = 2048 + number_in(MIN_FREE, 10);
	size_t i, bytes = meminfo("MemTotal") * 1024;
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return false;
	madvise(p, bytes, MADV_NOHUGEPAGE);
	for (i = 0; i < bytes; i += PAGE) {
		if (i % MIB == 0 && meminfo("MemFree") < reserve_kb)
			break;
		p[i] = 1;
	}
	while (i) {
		i -= PAGE;
		if (in_segment(image, phys_of(p + i)))
			madvise(p + i, PAGE, MADV_DONTNEED);
	}
	return true;
}

/* Page tables first: nobody is to be killed for want of one later. */
static void prepare(struct secret *s)
{
	size_t i;

	for (i = 0; i < s->bytes; i += BLOCK_KB * 1024)
		touch_page(s->base + i);
}

/* The killer, if it comes, is to take this process. */
static int child(struct found *found)
{
	struct secret s;
	size_t i;

	pagemap = open("/proc/self/pagemap", O_RDONLY);
	write_string("/proc/self/oom_score_adj", "1000");
	sigbus_prepare();
	/* All that this task will write to, and what it shares with its parent */
	if (mlockall(MCL_CURRENT) || !secret_open(&s, SECRET_BYTES))
		return 1;
	prepare(&s);
	if (!free_image_alone())
		return 2;
	for (i = 0; i < s.bytes && found->pages < ENOUGH; i += PAGE) {
		if (!touch_page(s.base + i))
			break;
		look(s.base + i, found);
	}
	secret_close(&s);
	return 0;
}

/*
 * Boot leaves the freed pages on the list of a CPU, where nobody else gets
 * them. Shorter lists are emptied within a second.
 */
static void empty_cpu_lists(void)
{
	write_string(PCP_FRACTION, "1000000");
	sleep(3);
}

static void test_secret(void)
{
	struct found *found = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid, got;
	int status;

	if (found == MAP_FAILED)
		ksft_exit_fail_msg("no shared page\n");
	empty_cpu_lists();
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(child(found));
	got = waitpid(pid, &status, 0);
	write_string(PCP_FRACTION, "0");
	if (got != pid || status)
		ksft_test_result_fail("secret pages: status %d\n", status);
	else if (!found->pages)
		ksft_test_result_skip("no secret page lies in the image\n");
	else
		ksft_test_result(!found->seen,
				 "%zu of %zu secret pages in the image are shown\n",
				 found->seen, found->pages);
}

int main(void)
{
	ksft_print_header();
	need_secretmem();
	if (!cache_is_on())
		ksft_exit_skip("needs the cache of unmapped pages\n");
	read_segments();
	if (!image_works())
		ksft_exit_skip("/proc/kcore does not show the image's start\n");
	ksft_set_plan(2);
	test_alias();
	test_secret();
	ksft_finished();
}
