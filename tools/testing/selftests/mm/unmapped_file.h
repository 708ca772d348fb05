/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the tests of files outside the direct map: files whose every byte
 * and every page can be checked, and copies of them by descriptor.
 */
#ifndef UNMAPPED_FILE_H
#define UNMAPPED_FILE_H

#include "unmapped_util.h"

#ifndef MFD_NO_DIRECT_MAP
#define MFD_NO_DIRECT_MAP	0x0020U
#endif

#define SEED		0xd1ec7UL
#define SIZE		(256 * PAGE)
#define SOME		(16 * PAGE)

static int kcore;

/* An ordinary one with no flags. */
static inline bool file_open(struct secret *m, size_t bytes,
			     unsigned int flags)
{
	m->bytes = bytes;
	m->fd = memfd_create("test", flags);
	if (m->fd < 0 || ftruncate(m->fd, bytes))
		return false;
	m->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd,
		       0);
	return m->base != MAP_FAILED;
}

/* Whole of a pattern. */
static inline bool hidden_open(struct secret *m, size_t bytes)
{
	if (!file_open(m, bytes, MFD_NO_DIRECT_MAP))
		return false;
	pattern_fill(m->base, bytes, SEED);
	return true;
}

/* Where the pages from an address on are. */
static inline void pages_phys(const char *base, size_t pages, __u64 *phys)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	size_t i;

	/* In the page table, so that they can be found */
	for (i = 0; i < pages; i++)
		*(volatile char *)(base + i * PAGE);
	if (pread(fd, phys, pages * sizeof(*phys),
		  (uintptr_t)base / PAGE * sizeof(*phys)) !=
	    (ssize_t)(pages * sizeof(*phys)))
		memset(phys, 0, pages * sizeof(*phys));
	close(fd);
	for (i = 0; i < pages; i++)
		phys[i] = (phys[i] & ((1ULL << 55) - 1)) * PAGE;
}

/* How many of some pages can be seen at their direct-map addresses. */
static inline size_t phys_shown(const __u64 *phys, size_t pages)
{
	static struct kcore_map map;
	static char page[PAGE];
	size_t i, shown = 0;
	off_t offset;

	kcore_load(kcore, &map);
	for (i = 0; i < pages; i++) {
		offset = phys[i] ? kcore_find(&map, phys[i]) : 0;
		shown += !offset ||
			 (pread(kcore, page, PAGE, offset) == (ssize_t)PAGE &&
			  nonzero_words(page, PAGE));
	}
	return shown;
}

/* Of those of the file. */
static inline size_t pages_shown(const struct secret *m)
{
	size_t pages = m->bytes / PAGE, shown;
	__u64 *phys = malloc(pages * sizeof(*phys));

	pages_phys(m->base, pages, phys);
	shown = phys_shown(phys, pages);
	free(phys);
	return shown;
}

/* The whole file, by its mapping. */
static inline bool sound(const struct secret *m, __u64 seed)
{
	size_t wrong = pattern_errors(m->base, m->bytes, seed);
	size_t shown = pages_shown(m);

	if (wrong || shown)
		ksft_print_msg("%zu words are wrong, %zu pages are shown\n",
			       wrong, shown);
	return !wrong && !shown;
}

static inline char *plain_pages(size_t bytes, __u64 seed)
{
	char *p = aligned_alloc(PAGE, bytes);

	if (p && seed)
		pattern_fill(p, bytes, seed);
	else if (p)
		memset(p, 0, bytes);
	return p;
}

/* In pieces that cross pages. */
static inline bool copy_out(int fd, char *to, size_t bytes)
{
	size_t at = 0, n = 1;
	ssize_t got;

	for (; at < bytes; at += got) {
		got = pread(fd, to + at, n < bytes - at ? n : bytes - at, at);
		if (got <= 0)
			return false;
		n = n * 3 % 9973;
	}
	return true;
}

static inline bool copy_in(int fd, const char *from, size_t bytes)
{
	size_t at = 0, n = 1;
	ssize_t got;

	for (; at < bytes; at += got) {
		got = pwrite(fd, from + at, n < bytes - at ? n : bytes - at,
			     at);
		if (got <= 0)
			return false;
		n = n * 3 % 9973;
	}
	return true;
}

static inline bool drain(int fd, char *to, size_t bytes)
{
	ssize_t got;

	for (; bytes; to += got, bytes -= got) {
		got = read(fd, to, bytes);
		if (got <= 0)
			return false;
	}
	return true;
}

/* Or the program ends, skipped. */
static inline void need_hidden_files(void)
{
	int fd;

	if (geteuid())
		ksft_exit_skip("needs root\n");
	fd = memfd_create("test", MFD_NO_DIRECT_MAP);
	if (fd < 0 && (errno == EINVAL || errno == EOPNOTSUPP) &&
	    !cache_is_on())
		ksft_exit_skip("needs the cache of unmapped pages\n");
	close(fd);
	kcore = open("/proc/kcore", O_RDONLY);
	if (kcore < 0)
		ksft_exit_skip("needs /proc/kcore\n");
}

#endif
