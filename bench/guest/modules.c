// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to load a module and to unload it, and what that leaves behind
 * of the direct map: all rounds together but for the first, which pays for what
 * happens once.
 *
 *	bench-modules NAME FILE ROUNDS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure.h"

static void load_and_unload(int fd, const char *name)
{
	if (syscall(SYS_finit_module, fd, "", 0))
		die("loading %s", name);
	if (syscall(SYS_delete_module, name, O_NONBLOCK))
		die("unloading %s", name);
}

/* What frees later is part of the cost. */
static void settle(void)
{
	usleep(100000);
}

int main(int argc, char **argv)
{
	struct sample start, before, after;
	uint64_t begin, cost;
	int rounds, fd, i;

	rounds = argc == 4 ? atoi(argv[3]) : 0;
	errno = 0;
	if (rounds < 1)
		die("usage: bench-modules NAME FILE ROUNDS");
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s", argv[2]);
	pin_to_cpu(0);
	sample_take(&start);
	load_and_unload(fd, argv[1]);
	settle();
	sample_take(&before);
	begin = tsc();
	for (i = 0; i < rounds; i++)
		load_and_unload(fd, argv[1]);
	cost = tsc() - begin;
	settle();
	sample_take(&after);
	printf("modules kind=%s rounds=%d cost=%.0f ipi=%.2f split2=%ld ",
	       argv[1], rounds, per(cost, rounds),
	       per(after.cal - before.cal, rounds),
	       (long)(after.split2 - start.split2));
	printf("dm4k_more_kb=%ld\n", (long)(after.dm4k - start.dm4k));
	return 0;
}
