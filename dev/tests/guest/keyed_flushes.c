// SPDX-License-Identifier: GPL-2.0
/*
 * How often pages are written back from the caches to change their key, as the
 * kernel counts it. Prints TAP, and `flushed PAGES` each time, for somebody who
 * counts the instructions from outside the guest: the marks are for them.
 *
 * All of it on one CPU, and of fewer pages than it keeps at hand when they are
 * freed: it finds the same ones again.
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

#include "../plugin/clflush.h"
#include "physical.h"

#define PAGES		32UL
#define BYTES		(PAGES * PAGE)
#define LEDGER		"unmapped_key_flush "
#define TRIES		1000
#define TRY_US		10000

static unsigned long before;

static unsigned long ledger(void)
{
	FILE *f = fopen("/proc/vmstat", "r");
	unsigned long pages;
	char line[128];

	if (!f)
		err(1, "/proc/vmstat");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, LEDGER "%lu", &pages) == 1) {
			fclose(f);
			return pages;
		}
	errx(1, "no " LEDGER "in /proc/vmstat");
}

static void begin(void)
{
	before = ledger();
	mark(CLFLUSH_BEGIN);
}

static void end(const char *what, unsigned long want)
{
	unsigned long flushed;

	mark(CLFLUSH_END);
	flushed = ledger() - before;
	printf("%sok - %s: %lu of %lu pages written back\n",
	       flushed == want ? "" : "not ", what, want, PAGES);
	if (flushed != want)
		printf("# %lu were\n", flushed);
	printf("flushed %lu\n", flushed);
}

static int new_key(void)
{
	int key = open("/dev/memkey", O_RDWR);

	if (key < 0)
		err(1, "/dev/memkey");
	return key;
}

/* Small pages: each is counted for itself. */
static char *keyed(int key)
{
	char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct memkey_range range = { (uintptr_t)p, BYTES };

	if (p == MAP_FAILED || madvise(p, BYTES, MADV_NOHUGEPAGE) ||
	    ioctl(key, MEMKEY_PROTECT, &range))
		err(1, "MEMKEY_PROTECT");
	return p;
}

static void use(int key, const char *what, unsigned long want)
{
	char *p = keyed(key);
	size_t at;

	begin();
	for (at = 0; at < BYTES; at += PAGE)
		p[at] = 1;
	end(what, want);
	munmap(p, BYTES);
}

/* A worker does it, on any CPU. */
static void forget(int key, const char *what)
{
	int tries = TRIES;

	begin();
	close(key);
	while (ledger() - before < PAGES && tries--)
		usleep(TRY_US);
	end(what, PAGES);
}

int main(void)
{
	int key, other;

	move_to(0);
	key = new_key();
	other = new_key();
	use(key, "first use under a key", PAGES);
	use(key, "again under the same key", 0);
	use(other, "then under another key", PAGES);
	forget(other, "the end of that key");
	return 0;
}
