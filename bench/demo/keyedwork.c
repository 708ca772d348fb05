// SPDX-License-Identifier: GPL-2.0
/*
 * A program whose memory has a key of its own: it reads 16 MiB of a real file
 * from a disk by direct I/O, forks, moves to the other node, and frees.
 *
 * SHA-256 of the memory is compared with the sum computed outside at each step,
 * and the write-backs of the caches are counted that a change of key needs.
 * Where some of the pages are is printed as "look WHAT ADDRESS KEYID PAGE", for
 * somebody who looks at them from outside the machine; there is time for that
 * after "wait". Other output is key=value; the last line is result=PASS, or
 * result=FAIL with a reason on stderr and status 1.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/memkey.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../dev/tests/guest/physical.h"
#include "../guest/measure.h"
#include "sum.h"

#define BYTES		(16 * MIB)
#define PAGES		(BYTES / PAGE_BYTES)
#define NR_LOOKS	8
#define LOOK_SECONDS	6
#define MPOL_MF_MOVE	(1 << 1)

static const char *expected;
static bool same = true;

static uint64_t flushes(void)
{
	return proc_value("/proc/vmstat", "unmapped_key_flush");
}

static unsigned int keyid_of(int key)
{
	struct memkey_info info;

	if (ioctl(key, MEMKEY_INFO, &info))
		die("MEMKEY_INFO");
	return info.keyid;
}

static int new_key(void)
{
	int key = open("/dev/memkey", O_RDWR);

	if (key < 0)
		die("/dev/memkey");
	return key;
}

/* Small pages, so that each is counted and moves alone. */
static char *keyed_memory(int key)
{
	char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct memkey_range range = { (uintptr_t)p, BYTES };

	if (p == MAP_FAILED || madvise(p, BYTES, MADV_NOHUGEPAGE) ||
	    ioctl(key, MEMKEY_PROTECT, &range))
		die("MEMKEY_PROTECT");
	return p;
}

static size_t sampled(int look)
{
	return look * (PAGES / NR_LOOKS) + 3;
}

static void find(const char *p, uint64_t *at)
{
	int i;

	for (i = 0; i < NR_LOOKS; i++)
		at[i] = physical(p + sampled(i) * PAGE_BYTES);
}

static void show(const char *what, const uint64_t *at, unsigned int keyid)
{
	int i;

	for (i = 0; i < NR_LOOKS; i++)
		printf("look %s 0x%llx %u %zu\n", what,
		       (unsigned long long)at[i], keyid, sampled(i));
}

static void wait_for_looks(void)
{
	puts("wait");
	fflush(stdout);
	sleep(LOOK_SECONDS);
}

static void check(const char *step, const char *p)
{
	char name[32];

	snprintf(name, sizeof(name), "%s.sha256", step);
	same &= sum_matches(name, p, BYTES, expected);
}

/* The child sees the same, and what it writes is its own. */
static void fork_and_write(char *p)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		check("child", p);
		memset(p, 'c', BYTES / 4);
		fflush(stdout);
		_exit(!same);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("the child");
	check("fork", p);
}

static void move_to_node(char *p, int node)
{
	static void *page[PAGES];
	static int to[PAGES], status[PAGES];
	size_t i, moved = 0;

	for (i = 0; i < PAGES; i++) {
		page[i] = p + i * PAGE_BYTES;
		to[i] = node;
	}
	if (syscall(SYS_move_pages, 0, PAGES, page, to, status, MPOL_MF_MOVE))
		die("move_pages");
	for (i = 0; i < PAGES; i++)
		moved += status[i] == node;
	printf("moved=%zu\n", moved);
	same &= moved == PAGES;
	check("move", p);
}

/* Every second page, so that the blocks of 2M around them stay. */
static void free_half(char *p)
{
	size_t at;

	for (at = 0; at < BYTES; at += 2 * PAGE_BYTES)
		if (madvise(p + at, PAGE_BYTES, MADV_DONTNEED))
			die("madvise");
}

/* Half of the pages of a mapping: how often caches had to be written back. */
static void touch_half(const char *name, char *p)
{
	uint64_t before = flushes();
	size_t at;

	for (at = 0; at < BYTES; at += 2 * PAGE_BYTES)
		p[at] = 1;
	printf("%s.flushes=%llu\n", name,
	       (unsigned long long)(flushes() - before) * 2);
}

int main(int argc, char **argv)
{
	uint64_t at[NR_LOOKS], old[NR_LOOKS], before;
	int disk, key, other;
	char *p;

	if (argc != 3) {
		fputs("usage: keyedwork DISK SHA256\n", stderr);
		return 2;
	}
	expected = argv[2];
	disk = open(argv[1], O_RDONLY | O_DIRECT);
	if (disk < 0)
		die("%s", argv[1]);
	lift_memlock_limit();
	pin_to_cpu(0);
	key = new_key();
	other = new_key();
	printf("pages=%lu\nlooks=%d\n", PAGES, NR_LOOKS);

	before = flushes();
	p = keyed_memory(key);
	if (pread(disk, p, BYTES, 0) != (ssize_t)BYTES)
		die("O_DIRECT read");
	printf("read.flushes=%llu\n", (unsigned long long)(flushes() - before));
	check("read", p);
	find(p, old);
	show("read", old, keyid_of(key));
	wait_for_looks();

	fork_and_write(p);
	move_to_node(p, 1);
	find(p, at);
	show("moved", at, keyid_of(key));
	show("left", old, keyid_of(key));
	wait_for_looks();

	munmap(p, BYTES);
	show("freed", at, keyid_of(key));
	wait_for_looks();

	p = keyed_memory(key);
	memset(p, 1, BYTES);
	free_half(p);
	touch_half("again", p);
	free_half(p);
	touch_half("other", keyed_memory(other));
	printf("result=%s\n", same ? "PASS" : "FAIL");
	return !same;
}
