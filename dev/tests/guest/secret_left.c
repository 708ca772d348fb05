// SPDX-License-Identifier: GPL-2.0
/*
 * Says where a secret is in physical memory, while it is there and after its
 * file is closed, so that somebody can look from outside the guest.
 *
 * The page is touched on one CPU and given up on another: the first then
 * still has it on its list of pages for the LRU, and a reference with that.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE		4096UL
#define PFN_MASK	((1ULL << 55) - 1)

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

static void move_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "CPU %d", cpu);
}

static unsigned long long physical(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	if (fd < 0 || pread(fd, &entry, sizeof(entry),
			    (uintptr_t)addr / PAGE * sizeof(entry)) !=
		      sizeof(entry))
		err(1, "/proc/self/pagemap");
	close(fd);
	return (entry & PFN_MASK) * PAGE;
}

/* There is time to look until the next line, or the end. */
static void say(const char *what, unsigned long long addr)
{
	printf("%s 0x%llx\n", what, addr);
	fflush(stdout);
	sleep(5);
}

int main(void)
{
	unsigned long long addr;
	char *secret;
	int fd;

	move_to(0);
	fd = syscall(__NR_memfd_secret, 0);
	if (fd < 0 || ftruncate(fd, PAGE))
		err(1, "memfd_secret");
	secret = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (secret == MAP_FAILED)
		err(1, "mmap");
	memset(secret, 's', PAGE);
	addr = physical(secret);
	say("used", addr);

	move_to(1);
	munmap(secret, PAGE);
	close(fd);
	say("closed", addr);
	return 0;
}
