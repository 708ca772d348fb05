/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the tests of memory with a key: keys, memory of theirs, and what the
 * kernel and the program see of it.
 */
#ifndef KEYID_UTIL_H
#define KEYID_UTIL_H

#include <linux/memkey.h>
#include <sys/uio.h>

#include "unmapped_util.h"

#define SOME		(16 * PAGE)
#define HUGE		(2 * MIB)
#define THP		"/sys/kernel/mm/transparent_hugepage/"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

static inline int new_key(void)
{
	int tries = 100, fd;

	/* The KeyIDs of the test before may be on their way back */
	while ((fd = open("/dev/memkey", O_RDWR)) < 0 && errno == ENOSPC &&
	       tries--)
		usleep(20000);
	return fd;
}

static inline int protect(int key, void *addr, size_t len)
{
	struct memkey_range range = { (uintptr_t)addr, len };

	return ioctl(key, MEMKEY_PROTECT, &range) ? errno : 0;
}

static inline char *anon(size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Apart from all others, so that it does not merge. */
static inline char *anon_apart(size_t len)
{
	char *p = mmap(NULL, len + 2 * PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + PAGE, len, PROT_READ | PROT_WRITE))
		return MAP_FAILED;
	return p + PAGE;
}

static inline char *keyed(int key, size_t len)
{
	char *p = anon_apart(len);

	return p != MAP_FAILED && !protect(key, p, len) ? p : MAP_FAILED;
}

/* An aligned one, for huge pages. */
static inline char *keyed_huge(int key, size_t len)
{
	char *p = anon(len + 2 * HUGE);

	p = (char *)(((uintptr_t)p + 2 * HUGE - 1) & ~(HUGE - 1));
	return protect(key, p, len) ? MAP_FAILED : p;
}

static inline struct memkey_info info_of(int key)
{
	struct memkey_info info = { };

	ioctl(key, MEMKEY_INFO, &info);
	return info;
}

/* Pages that the lists of the CPUs for the LRU have are not in use. */
static inline __u64 pages_of(int key)
{
	run_shrinkers();
	return info_of(key).pages;
}

/* A pattern, as the kernel reads it through kmap. */
static inline bool kernel_sees(const char *p, size_t len, __u64 seed)
{
	static char copy[SOME];
	int fds[2];
	size_t at;

	if (pipe(fds))
		return false;
	for (at = 0; at < len; at += PAGE) {
		struct iovec there = { (char *)p + at, PAGE };
		struct iovec here = { copy, PAGE };

		if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) !=
		    (ssize_t)PAGE)
			return false;
		for (size_t i = 0; i < PAGE / 8; i++)
			if (((__u64 *)copy)[i] !=
			    pattern_word(seed, at / 8 + i))
				return false;
	}
	close(fds[0]);
	close(fds[1]);
	return true;
}

static inline bool sound(const char *p, size_t len, __u64 seed)
{
	return !pattern_errors(p, len, seed) && kernel_sees(p, len, seed);
}

#define open_key(key)							\
	do {								\
		key = new_key();					\
		expect(key >= 0, "/dev/memkey: %s", strerror(errno));	\
	} while (0)

#define open_keyed(key, p, len)						\
	do {								\
		open_key(key);						\
		p = keyed(key, len);					\
		expect(p != MAP_FAILED, "MEMKEY_PROTECT: %s",		\
		       strerror(errno));				\
	} while (0)

/* Or the program ends, skipped. */
static inline void need_memkey(void)
{
	if (geteuid())
		ksft_exit_skip("needs root\n");
	if (access("/dev/memkey", F_OK))
		ksft_exit_skip("needs /dev/memkey: KeyIDs, or keyid_emul=\n");
}

#endif
