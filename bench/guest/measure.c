// SPDX-License-Identifier: GPL-2.0
/*
 * Counters, clock and threads for the guest programs; see measure.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "measure.h"

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

#ifndef MFD_NO_DIRECT_MAP
#define MFD_NO_DIRECT_MAP	0x0020U
#endif

void die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
	exit(2);
}

uint64_t tsc(void)
{
	uint64_t now;

	_mm_lfence();
	now = __rdtsc();
	_mm_lfence();
	return now;
}

uint64_t proc_value(const char *path, const char *name)
{
	size_t len = strlen(name);
	uint64_t value = ABSENT;
	char line[512];
	FILE *f;

	f = fopen(path, "r");
	if (!f)
		return ABSENT;
	while (value == ABSENT && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, len) && strchr(": ", line[len]))
			value = strtoull(line + len + 1, NULL, 10);
	}
	fclose(f);
	return value;
}

/* Adds up the numbers that follow "NAME:"; the description ends them. */
static uint64_t sum_of_numbers(const char *s)
{
	uint64_t sum = 0;
	char *end;

	for (;;) {
		uint64_t value = strtoull(s, &end, 10);

		if (end == s)
			return sum;
		sum += value;
		s = end;
	}
}

uint64_t irq_row(const char *name)
{
	size_t len = strlen(name);
	uint64_t sum = ABSENT;
	char line[4096];
	FILE *f;

	f = fopen("/proc/interrupts", "r");
	if (!f)
		return ABSENT;
	while (fgets(line, sizeof(line), f)) {
		char *s = line + strspn(line, " ");

		if (!strncmp(s, name, len) && s[len] == ':')
			sum = sum_of_numbers(s + len + 1);
	}
	fclose(f);
	return sum;
}

void sample_take(struct sample *s)
{
	const char *vmstat = "/proc/vmstat", *meminfo = "/proc/meminfo";

	s->cal = irq_row("CAL");
	s->tlb = irq_row("TLB");
	s->split2 = proc_value(vmstat, "direct_map_level2_splits");
	s->split3 = proc_value(vmstat, "direct_map_level3_splits");
	s->dm4k = proc_value(meminfo, "DirectMap4k");
	s->dm2m = proc_value(meminfo, "DirectMap2M");
	s->dm1g = proc_value(meminfo, "DirectMap1G");
	s->key_flush = proc_value(vmstat, "unmapped_key_flush");
	s->unmapped = proc_value(meminfo, "NoDirectMap");
	s->unmapped_free = proc_value(meminfo, "NoDirectMapFree");
	s->mem_free = proc_value(meminfo, "MemFree");
	s->mem_avail = proc_value(meminfo, "MemAvailable");
}

bool proc_write(const char *path, const char *value)
{
	size_t len = strlen(value);
	ssize_t done;
	int fd;

	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	done = write(fd, value, len);
	close(fd);
	return done == (ssize_t)len;
}

void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot run on CPU %d", cpu);
}

void lift_memlock_limit(void)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &rl))
		die("cannot lift RLIMIT_MEMLOCK");
}

int secret_fd(size_t bytes)
{
	int fd = syscall(__NR_memfd_secret, 0);

	if (fd < 0)
		die("memfd_secret");
	if (ftruncate(fd, bytes))
		die("ftruncate of a secretmem file to %zu bytes", bytes);
	return fd;
}

int hidden_fd(void)
{
	int fd = memfd_create("hidden", MFD_NO_DIRECT_MAP);

	if (fd < 0 && errno != EINVAL && errno != EOPNOTSUPP)
		die("memfd_create");
	return fd;
}

struct team {
	pthread_barrier_t start;
	pthread_barrier_t done;
	thread_fn fn;
	void *arg;
};

struct member {
	pthread_t thread;
	struct team *team;
	int nr;
};

static void *member_run(void *data)
{
	struct member *m = data;

	pin_to_cpu(m->nr);
	pthread_barrier_wait(&m->team->start);
	m->team->fn(m->team->arg, m->nr);
	pthread_barrier_wait(&m->team->done);
	return NULL;
}

static uint64_t run_team(struct team *team, struct member *members, int nr)
{
	uint64_t begin, end;
	int i;

	for (i = 1; i < nr; i++) {
		members[i] = (struct member){ .team = team, .nr = i };
		if (pthread_create(&members[i].thread, NULL, member_run,
				   &members[i]))
			die("cannot start thread %d", i);
	}
	pthread_barrier_wait(&team->start);
	begin = tsc();
	team->fn(team->arg, 0);
	pthread_barrier_wait(&team->done);
	end = tsc();
	for (i = 1; i < nr; i++)
		pthread_join(members[i].thread, NULL);
	return end - begin;
}

uint64_t run_threads(int nr, thread_fn fn, void *arg)
{
	struct team team = { .fn = fn, .arg = arg };
	struct member members[nr];

	pin_to_cpu(0);
	pthread_barrier_init(&team.start, NULL, nr);
	pthread_barrier_init(&team.done, NULL, nr);
	return run_team(&team, members, nr);
}
