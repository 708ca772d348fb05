// SPDX-License-Identifier: GPL-2.0
/*
 * Says where a page of keyed memory is in physical memory and with which key,
 * while it has contents and when it has been given back, so that somebody can
 * look at each key's plane from outside the guest.
 *
 * All of it on one CPU: a page that was made on another may be on that CPU's
 * list for the LRU, as any anonymous page, and is not free until that is empty.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/memkey.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "physical.h"

/* There is time to look until the next line, or the end. */
static void say(const char *what, unsigned long long addr, unsigned int keyid)
{
	printf("%s 0x%llx %u\n", what, addr, keyid);
	fflush(stdout);
	sleep(5);
}

int main(void)
{
	struct memkey_range range = { .len = PAGE };
	int key = open("/dev/memkey", O_RDWR);
	unsigned long long addr;
	struct memkey_info info;
	char *page;

	move_to(0);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.addr = (uintptr_t)page;
	if (key < 0 || ioctl(key, MEMKEY_INFO, &info) ||
	    ioctl(key, MEMKEY_PROTECT, &range))
		err(1, "/dev/memkey");
	memset(page, 's', PAGE);
	addr = physical(page);
	say("used", addr, info.keyid);
	munmap(page, PAGE);
	say("freed", addr, info.keyid);
	return 0;
}
