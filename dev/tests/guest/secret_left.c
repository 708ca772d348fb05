// SPDX-License-Identifier: GPL-2.0
/*
 * Says where secrets are in physical memory, of one while it is there, of
 * another when its file is closed, so that somebody can look from outside the
 * guest.
 *
 * The second is written on one CPU and at once given up on another: the first
 * then still has its page on the list for the LRU, and a reference with that.
 * Sooner or later something empties these lists.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "physical.h"

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

/* There is time to look until the next line, or the end. */
static void say(const char *what, unsigned long long addr)
{
	printf("%s 0x%llx\n", what, addr);
	fflush(stdout);
	sleep(5);
}

static unsigned long long write_secret(char *page)
{
	memset(page, 's', PAGE);
	return physical(page);
}

int main(void)
{
	unsigned long long addr;
	char *secret;
	int fd;

	move_to(0);
	fd = syscall(__NR_memfd_secret, 0);
	if (fd < 0 || ftruncate(fd, 2 * PAGE))
		err(1, "memfd_secret");
	secret = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      0);
	if (secret == MAP_FAILED)
		err(1, "mmap");
	say("used", write_secret(secret));

	addr = write_secret(secret + PAGE);
	move_to(1);
	munmap(secret, 2 * PAGE);
	close(fd);
	say("closed", addr);
	return 0;
}
