// SPDX-License-Identifier: GPL-2.0
/*
 * A library to preload: a program's temporary files, which have digits in them,
 * and its large aligned buffers are outside the direct map.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MFD_NO_DIRECT_MAP	0x0020U
#define LARGE			16384UL
#define DIGITS			131080

/* There is a file of that name, too, for the program to remove. */
int mkstemp(char *template)
{
	int fd = memfd_create(template, MFD_NO_DIRECT_MAP), i;

	close(mkostemp(template, 0));
	for (i = 0; i < DIGITS / 10; i++)
		if (write(fd, "0123456789", 10) != 10)
			return -1;
	return fd;
}

int posix_memalign(void **p, size_t align, size_t bytes)
{
	int fd;

	if (bytes < LARGE || align > 4096) {
		*p = aligned_alloc(align, (bytes + align - 1) & ~(align - 1));
		return *p ? 0 : ENOMEM;
	}
	fd = memfd_create("buffer", MFD_NO_DIRECT_MAP);
	if (fd < 0 || ftruncate(fd, bytes))
		return ENOMEM;
	*p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return *p == MAP_FAILED ? ENOMEM : 0;
}

/* Of both kinds. What is small is not missed. */
void free(void *p)
{
}
