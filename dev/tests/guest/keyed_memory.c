// SPDX-License-Identifier: GPL-2.0
/*
 * A library to preload: all private anonymous memory that a program maps is
 * under a key of its own. What malloc() of glibc maps does not come through
 * here; that of jemalloc, preloaded too, does.
 *
 * KEYED_MEMORY_FD=n	use the key of this open file, which a shell may share
 *			among the processes of a job; else each has its own
 *
 * The process that the program began as tells at its end, on stderr, how many
 * mappings of it and its children got the key, how many did not and why the last
 * of them, and the most pages that they saw in use.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/memkey.h>

/* Out of the way of programs that count their descriptors */
#define HIGH_FD	200

#define PAGE_UP(n)	(((n) + 4095UL) & ~4095UL)

struct seen {
	unsigned long keyed, refused, most_pages;
	int refused_errno;
};

static int key = -1;
static struct seen *seen;	/* shared with the children */
static pid_t owner;

static void *raw_mmap(void *addr, size_t len, int prot, int flags, int fd,
		      off_t offset)
{
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

static void look(void)
{
	struct memkey_info info;

	if (!ioctl(key, MEMKEY_INFO, &info) && info.pages > seen->most_pages)
		seen->most_pages = info.pages;
}

static int open_key(void)
{
	const char *shared = getenv("KEYED_MEMORY_FD");
	int fd, high;

	if (shared)
		return atoi(shared);
	fd = open("/dev/memkey", O_RDWR | O_CLOEXEC);
	high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (high < 0) {
		perror("# /dev/memkey");
		_exit(99);
	}
	close(fd);
	return high;
}

/* malloc() may map before main() does. */
static void __attribute__((constructor)) start(void)
{
	if (key >= 0)
		return;
	key = open_key();
	owner = getpid();
	seen = raw_mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void __attribute__((destructor)) end(void)
{
	look();
	if (getpid() != owner)
		return;
	fprintf(stderr, "# keyed %lu mappings, %lu not (%s), %lu pages\n",
		seen->keyed, seen->refused,
		seen->refused ? strerror(seen->refused_errno) : "-",
		seen->most_pages);
}

/* What has its pages at once is given them after the key. */
static void give_key(void *p, size_t len, int prot, int flags)
{
	struct memkey_range range = { (uintptr_t)p, PAGE_UP(len) };
	int saved = errno;

	if (ioctl(key, MEMKEY_PROTECT, &range)) {
		seen->refused++;
		seen->refused_errno = errno;
	} else {
		seen->keyed++;
	}
	if (flags & MAP_POPULATE)
		madvise(p, range.len, prot & PROT_WRITE ?
			MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	if (flags & MAP_LOCKED)
		mlock(p, len);
	errno = saved;
}

/* Private memory of /dev/zero is as anonymous as any. */
static bool anonymous(int flags, int fd)
{
	struct stat st;

	return (flags & MAP_ANONYMOUS) ||
	       (!fstat(fd, &st) && S_ISCHR(st.st_mode) &&
		st.st_rdev == makedev(1, 5));
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *p;

	start();
	if ((flags & MAP_TYPE) != MAP_PRIVATE || !anonymous(flags, fd) ||
	    (flags & (MAP_HUGETLB | MAP_GROWSDOWN)))
		return raw_mmap(addr, len, prot, flags, fd, offset);
	p = raw_mmap(addr, len, prot, flags & ~(MAP_POPULATE | MAP_LOCKED), fd,
		     offset);
	if (p != MAP_FAILED)
		give_key(p, len, prot, flags);
	return p;
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));

/* A child may end so, with all that it has mapped. */
void _exit(int status)
{
	look();
	for (;;)
		syscall(SYS_exit_group, status);
}

int munmap(void *addr, size_t len)
{
	look();
	return syscall(SYS_munmap, addr, len);
}
