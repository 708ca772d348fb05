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
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure.h"
#include "rounds.h"

struct module {
	const char *name;
	int fd;
};

static void load_and_unload(void *arg)
{
	const struct module *m = arg;

	if (syscall(SYS_finit_module, m->fd, "", 0))
		die("loading %s", m->name);
	if (syscall(SYS_delete_module, m->name, O_NONBLOCK))
		die("unloading %s", m->name);
}

int main(int argc, char **argv)
{
	int rounds = argc == 4 ? atoi(argv[3]) : 0;
	struct module m;

	errno = 0;
	if (rounds < 1)
		die("usage: bench-modules NAME FILE ROUNDS");
	m.name = argv[1];
	m.fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (m.fd < 0)
		die("%s", argv[2]);
	measure_rounds(m.name, rounds, load_and_unload, &m);
	return 0;
}
