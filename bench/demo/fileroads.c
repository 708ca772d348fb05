// SPDX-License-Identifier: GPL-2.0
/*
 * Sends 64 MiB of a real file along roads through the kernel that end in the
 * pages of a memfd, and tells what each costs: first with an ordinary memfd,
 * then with one outside the direct map.
 *
 *  odirect   the disk reads into a mapping of the memfd: O_DIRECT. The time
 *            that the disk takes is no instruction, and is not shown.
 *  sendfile  from the memfd to a socket; another thread receives
 *  splice    through a pipe into a second memfd of the same kind
 *  loop      the memfd is the backing file of a loop device, which is read
 *
 * SHA-256 of what arrived is compared each time with the sum computed outside.
 * The roads are travelled twice. The first time counts instructions. The second
 * time kprobes count slots mapped, calls to other CPUs (each flush of another
 * CPU's TLB is one) and changes of the direct map; that they can count shows
 * when the file is made. Output is key=value; the
 * last line is result=PASS, or result=FAIL with a reason on stderr and status
 * 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../guest/measure.h"
#include "sum.h"

#define BYTES	(64 * MIB)
#define PAGES	(BYTES / PAGE_BYTES)
#define CHUNK	(256UL * 1024)
#define TRACING	"/sys/kernel/tracing/"

struct tour {
	const char *expected;
	int disk;
	int file;
	char *map;	/* of file */
	int second;
	int socket[2];
	int loop;
	char *arrived;
};

/* What the second travel counts, and at which function. */
static const struct {
	const char *name;
	const char *function;
} probes[] = {
	{ "slots", "__kmap_local_pfn_prot" },
	{ "ipis", "smp_call_function_many_cond" },
	{ "directmap", "change_page_attr_set_clr" },
	{ "directmap2", "__change_page_attr_set_clr" },
};

#define NR_PROBES	(sizeof(probes) / sizeof(probes[0]))

static void odirect(struct tour *t)
{
	size_t at;

	for (at = 0; at < BYTES; at += CHUNK)
		if (pread(t->disk, t->map + at, CHUNK, at) != (ssize_t)CHUNK)
			die("O_DIRECT read at %zu", at);
}

static void send_or_receive(void *arg, int thread)
{
	struct tour *t = arg;
	off_t at = 0;
	ssize_t got;

	while (at < (off_t)BYTES) {
		if (!thread) {
			got = sendfile(t->socket[0], t->file, &at, CHUNK);
		} else {
			got = read(t->socket[1], t->arrived + at, CHUNK);
			at += got;
		}
		if (got <= 0)
			die("%s at %zu", thread ? "read" : "sendfile",
			    (size_t)at);
	}
}

static void send_file(struct tour *t)
{
	run_threads(2, send_or_receive, t);
}

static void splice_file(struct tour *t)
{
	off_t in = 0, out = 0;
	int pipe_fd[2];
	ssize_t got;

	if (pipe(pipe_fd))
		die("pipe");
	while (out < (off_t)BYTES) {
		got = splice(t->file, &in, pipe_fd[1], NULL, CHUNK, 0);
		if (got <= 0)
			die("splice to the pipe at %zu", (size_t)in);
		while (out < in)
			if (splice(pipe_fd[0], NULL, t->second, &out,
				   in - out, 0) <= 0)
				die("splice to the file at %zu", (size_t)out);
	}
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void read_loop(struct tour *t)
{
	size_t at;

	for (at = 0; at < BYTES; at += CHUNK)
		if (pread(t->loop, t->arrived + at, CHUNK, at) !=
		    (ssize_t)CHUNK)
			die("read of the loop device at %zu", at);
}

static const struct {
	const char *name;
	void (*travel)(struct tour *t);
} roads[] = {
	{ "odirect", odirect },
	{ "sendfile", send_file },
	{ "splice", splice_file },
	{ "loop", read_loop },
};

#define NR_ROADS	(sizeof(roads) / sizeof(roads[0]))

/*
 * Setting up.
 */

static void *map_pages(int fd)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			 flags | MAP_POPULATE, fd, 0);

	if (map == MAP_FAILED)
		die("mmap of %zu bytes", (size_t)BYTES);
	return map;
}

/* All pages are there before anything is counted. */
static void fill_up(int fd)
{
	if (fd < 0 || ftruncate(fd, BYTES) || fallocate(fd, 0, 0, BYTES))
		die("making a file of %zu bytes", (size_t)BYTES);
}

static int open_loop(int file)
{
	int control = open("/dev/loop-control", O_RDWR), nr, fd;
	char path[32];

	nr = ioctl(control, LOOP_CTL_GET_FREE);
	if (control < 0 || nr < 0)
		die("no loop device is free");
	close(control);
	snprintf(path, sizeof(path), "/dev/loop%d", nr);
	fd = open(path, O_RDONLY | O_DIRECT);
	if (fd < 0 || ioctl(fd, LOOP_SET_FD, file))
		die("%s", path);
	return fd;
}

static void set_up(struct tour *t, int file, int second)
{
	t->file = file;
	t->second = second;
	fill_up(file);
	fill_up(second);
	t->map = map_pages(file);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, t->socket))
		die("socketpair");
	t->loop = open_loop(file);
}

static void tear_down(struct tour *t)
{
	ioctl(t->loop, LOOP_CLR_FD);
	close(t->loop);
	munmap(t->map, BYTES);
	close(t->socket[0]);
	close(t->socket[1]);
	close(t->file);
	close(t->second);
}

/*
 * Counting.
 */

static void append(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		die("%s: %s", path, line);
	close(fd);
}

static void arm_probes(void)
{
	char line[128];
	size_t i;

	for (i = 0; i < NR_PROBES; i++) {
		snprintf(line, sizeof(line), "p:roads/%s %s", probes[i].name,
			 probes[i].function);
		append(TRACING "kprobe_events", line);
	}
	append(TRACING "events/roads/enable", "1");
	/* A moment later they become jumps, which takes calls to other CPUs */
	sleep(1);
}

static uint64_t hits(const char *name)
{
	uint64_t missed, count, value = ABSENT;
	char line[256], event[64];
	FILE *f = fopen(TRACING "kprobe_profile", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %lu %lu", event, &count, &missed) == 3 &&
		    !strcmp(event, name))
			value = count + missed;
	if (value == ABSENT)
		die("no count of %s", name);
	fclose(f);
	return value;
}

/* Where the contents are after the road, compared with what they were. */
static bool arrived(struct tour *t, const char *kind, size_t road)
{
	char key[64];
	bool same;
	char *map;

	snprintf(key, sizeof(key), "%s.%s.sha256", kind, roads[road].name);
	if (roads[road].travel == odirect)
		return sum_matches(key, t->map, BYTES, t->expected);
	if (roads[road].travel != splice_file) {
		same = sum_matches(key, t->arrived, BYTES, t->expected);
		memset(t->arrived, 0, BYTES);
		return same;
	}
	map = map_pages(t->second);
	same = sum_matches(key, map, BYTES, t->expected);
	memset(map, 0, BYTES);
	munmap(map, BYTES);
	return same;
}

static bool measure(struct tour *t, const char *kind)
{
	uint64_t begin;
	bool same = true;
	size_t i;

	for (i = 0; i < NR_ROADS; i++) {
		begin = tsc();
		roads[i].travel(t);
		if (roads[i].travel != odirect)
			printf("%s.%s.instructions=%.0f\n", kind,
			       roads[i].name, per(tsc() - begin, PAGES));
		same &= arrived(t, kind, i);
	}
	return same;
}

static void count_one(struct tour *t, const char *kind, const char *name,
		      void (*travel)(struct tour *t))
{
	uint64_t before[NR_PROBES];
	size_t i;

	for (i = 0; i < NR_PROBES; i++)
		before[i] = hits(probes[i].name);
	travel(t);
	for (i = 0; i < NR_PROBES; i++)
		printf("%s.%s.%s=%lu\n", kind, name, probes[i].name,
		       hits(probes[i].name) - before[i]);
}

static bool count(struct tour *t, const char *kind)
{
	bool same = true;
	size_t i;

	for (i = 0; i < NR_ROADS; i++) {
		count_one(t, kind, roads[i].name, roads[i].travel);
		same &= arrived(t, kind, i);
	}
	return same;
}

static void make_file(struct tour *t)
{
	t->file = hidden_fd();
	fill_up(t->file);
}

int main(int argc, char **argv)
{
	struct tour t = { };
	bool same;

	if (argc != 3) {
		fputs("usage: fileroads DISK SHA256\n", stderr);
		return 2;
	}
	errno = 0;
	t.expected = argv[2];
	t.disk = open(argv[1], O_RDONLY | O_DIRECT);
	if (t.disk < 0)
		die("%s", argv[1]);
	t.arrived = map_pages(-1);
	pin_to_cpu(0);

	set_up(&t, memfd_create("ordinary", 0), memfd_create("second", 0));
	same = measure(&t, "ordinary");
	tear_down(&t);

	set_up(&t, hidden_fd(), hidden_fd());
	same &= measure(&t, "hidden");
	tear_down(&t);

	arm_probes();
	count_one(&t, "hidden", "make", make_file);
	set_up(&t, t.file, hidden_fd());
	same &= count(&t, "hidden");
	tear_down(&t);

	printf("pages=%lu\nresult=%s\n", PAGES, same ? "PASS" : "FAIL");
	return !same;
}
