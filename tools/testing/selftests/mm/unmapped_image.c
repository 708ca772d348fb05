// SPDX-License-Identifier: GPL-2.0
/*
 * Secret memory where the kernel image was.
 *
 * The kernel frees parts of its image after boot. Each such page has an
 * address in the direct map and one among the image's own, and /proc/kcore
 * shows both. Secret memory may come from there, and leaves the direct map
 * alone: so the other address must be gone. Needs root.
 */
#define _GNU_SOURCE
#include "../kselftest.h"
#include "unmapped_util.h"

#define MAX_SEGMENTS	64
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

int main(void)
{
	ksft_print_header();
	need_secretmem();
	if (!cache_is_on())
		ksft_exit_skip("needs the cache of unmapped pages\n");
	read_segments();
	if (!image_works())
		ksft_exit_skip("/proc/kcore does not show the image's start\n");
	ksft_set_plan(1);
	test_alias();
	ksft_finished();
}
