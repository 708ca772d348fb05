/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_PHYSICAL_H
#define GUEST_PHYSICAL_H

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#define PAGE		4096UL
#define PFN_MASK	((1ULL << 55) - 1)

static inline void move_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "CPU %d", cpu);
}

/* Where the page of an address is in the memory of the guest. */
static inline unsigned long long physical(const void *addr)
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

#endif
