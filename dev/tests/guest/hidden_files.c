// SPDX-License-Identifier: GPL-2.0
/*
 * Makes files outside the direct map, as /tmp/hidden/NAME, runs a command that
 * uses them, and looks whether /proc/kcore shows any of their pages then.
 *
 * usage: hidden_files NAME=MIB... -- COMMAND...
 */
#include <sys/stat.h>

#include "unmapped_file.h"

#define MOST	16

static struct secret files[MOST];
static int count;

static bool make_file(const char *arg)
{
	char name[64], link[96], target[64];
	struct secret *m = &files[count++];
	unsigned int mib;

	if (count > MOST || sscanf(arg, "%60[^=]=%u", name, &mib) != 2 ||
	    !file_open(m, mib * MIB, MFD_NO_DIRECT_MAP))
		return false;
	snprintf(link, sizeof(link), "/tmp/hidden/%s", name);
	snprintf(target, sizeof(target), "/proc/%d/fd/%d", getpid(), m->fd);
	return !symlink(target, link);
}

/* A program may have made it shorter. */
static size_t shown(struct secret *m)
{
	off_t end = lseek(m->fd, 0, SEEK_END);

	if (end < (off_t)m->bytes)
		m->bytes = end & ~(PAGE - 1);
	return pages_shown(m);
}

int main(int argc, char **argv)
{
	size_t bytes = 0, seen = 0;
	int i, status;
	pid_t pid;

	kcore = open("/proc/kcore", O_RDONLY);
	mkdir("/tmp/hidden", 0755);
	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!make_file(argv[i])) {
			printf("not ok - %s: %s\n", argv[i], strerror(errno));
			return 1;
		}
	pid = fork();
	if (!pid) {
		execvp(argv[i + 1], argv + i + 1);
		_exit(127);
	}
	status = exit_status(pid);
	for (i = 0; i < count; i++) {
		seen += shown(&files[i]);
		bytes += files[i].bytes;
	}
	printf("%sok - none of %zu pages is in the direct map\n",
	       seen || !bytes ? "not " : "", bytes / PAGE);
	if (seen)
		printf("# %zu are\n", seen);
	return status;
}
