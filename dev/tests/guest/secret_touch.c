// SPDX-License-Identifier: GPL-2.0
/*
 * Touches so many MiB of secret memory, page by page, and says how many leaves
 * of the direct map of 1G and of 2M have been split since boot.
 *
 *	secret_touch MIB
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

static void show(const char *name)
{
	FILE *f = fopen("/proc/vmstat", "r");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			fputs(line, stdout);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };
	size_t bytes, i;
	char *p;
	int fd;

	if (argc != 2)
		errx(1, "usage: secret_touch MIB");
	bytes = strtoul(argv[1], NULL, 10) << 20;
	setrlimit(RLIMIT_MEMLOCK, &rl);
	fd = syscall(__NR_memfd_secret, 0);
	if (fd < 0 || ftruncate(fd, bytes))
		err(1, "memfd_secret");
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < bytes; i += 4096)
		p[i] = 1;
	show("direct_map_level3_splits");
	show("direct_map_level2_splits");
	return 0;
}
