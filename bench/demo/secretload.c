// SPDX-License-Identifier: GPL-2.0
/*
 * Loads a real file into memfd_secret memory and tells what that cost.
 *
 * Two threads, one on each of two CPUs, take half of the file each. The work
 * is done in phases so that each is measured alone:
 *
 *  fault   one byte is written to every page
 *  load    read(2) fills the pages. It reads straight into the secret memory:
 *          copy_to_user() goes through the user's mapping, which exists, and
 *          needs neither the direct map nor get_user_pages(). So the contents
 *          lie in no second buffer of the process.
 *  verify  SHA-256 of the whole, against the sum computed outside
 *  free    munmap() and close()
 *
 * Afterwards the kernel's shrinkers are run, as memory pressure would, and the
 * direct map is looked at once more. Output is key=value; the last line is
 * result=PASS, or result=FAIL with a reason on stderr and status 1.
 *
 * With PICTURE in the environment that command is run before, while the file is
 * loaded, and at the end. Then the instructions are not what is wanted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../guest/measure.h"
#include "sum.h"

#define THREADS		2
#define CHUNK		(256UL * 1024)
#define SMALLEST	(64 * MIB)

struct load {
	int file;
	int secret;
	char *base;
	size_t bytes;
	size_t pages;
};

static size_t share_begin(const struct load *l, int thread)
{
	return l->pages * thread / THREADS * PAGE_BYTES;
}

static size_t share_end(const struct load *l, int thread)
{
	size_t end = share_begin(l, thread + 1);

	return end < l->bytes ? end : l->bytes;
}

static void fault_share(void *arg, int thread)
{
	struct load *l = arg;
	size_t at = share_begin(l, thread), end = share_end(l, thread);

	for (; at < end; at += PAGE_BYTES)
		((volatile char *)l->base)[at] = 1;
}

static void load_share(void *arg, int thread)
{
	struct load *l = arg;
	size_t at = share_begin(l, thread), end = share_end(l, thread);

	while (at < end) {
		size_t want = end - at < CHUNK ? end - at : CHUNK;
		ssize_t got = pread(l->file, l->base + at, want, at);

		if (got <= 0)
			die("reading the file at %zu", at);
		at += got;
	}
}

static void open_file(struct load *l, const char *path)
{
	struct stat st;

	l->file = open(path, O_RDONLY);
	if (l->file < 0 || fstat(l->file, &st))
		die("%s", path);
	l->bytes = S_ISBLK(st.st_mode) ? (size_t)lseek(l->file, 0, SEEK_END) :
					 (size_t)st.st_size;
	if (l->bytes < SMALLEST)
		die("%s has %zu bytes, fewer than 64 MiB", path, l->bytes);
}

/* A disk is a whole number of sectors: the file in it may end earlier. */
static void limit_bytes(struct load *l, const char *bytes)
{
	size_t wanted = strtoull(bytes, NULL, 10);

	if (wanted < SMALLEST || wanted > l->bytes)
		die("cannot load %s of %zu bytes", bytes, l->bytes);
	l->bytes = wanted;
}

static void map_secret(struct load *l)
{
	size_t span;

	l->pages = (l->bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	span = l->pages * PAGE_BYTES;
	l->secret = secret_fd(span);
	l->base = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_SHARED,
		       l->secret, 0);
	if (l->base == MAP_FAILED)
		die("mmap of %zu bytes of secret memory", span);
}

static uint64_t free_secret(struct load *l)
{
	uint64_t begin = tsc();

	if (munmap(l->base, l->pages * PAGE_BYTES) || close(l->secret))
		die("giving the secret memory back");
	return tsc() - begin;
}

static void print_value(const char *when, const char *what, uint64_t value)
{
	if (value == ABSENT)
		printf("%s.%s=-\n", what, when);
	else
		printf("%s.%s=%llu\n", what, when, (unsigned long long)value);
}

/*
 * Each split of a leaf adds one page of page table, and nothing takes it
 * away again.
 */
static void print_sample(const char *when, const struct sample *s,
			 const struct sample *before)
{
	uint64_t splits2 = s->split2 - before->split2;
	uint64_t splits3 = s->split3 - before->split3;

	print_value(when, "split2m", splits2);
	print_value(when, "split1g", splits3);
	print_value(when, "tables_kb", (splits2 + splits3) * 4);
	print_value(when, "directmap4k_kb", s->dm4k);
	print_value(when, "directmap2m_kb", s->dm2m);
	print_value(when, "directmap1g_kb", s->dm1g);
	print_value(when, "unmapped_kb", s->unmapped);
	print_value(when, "unmapped_free_kb", s->unmapped_free);
	print_value(when, "memavailable_kb", s->mem_avail);
}

static void print_ipis(const char *phase, uint64_t ipis, size_t pages)
{
	printf("ipis_%s=%llu\n", phase, (unsigned long long)ipis);
	printf("ipis_per_%s=%.4f\n", phase, per(ipis, pages));
}

static void print_work(const struct load *l, uint64_t fault, uint64_t freed)
{
	printf("bytes=%zu\npages=%zu\nthreads=%d\n", l->bytes, l->pages,
	       THREADS);
	printf("instructions_per_fault=%.0f\n", per(fault, l->pages));
	printf("instructions_per_free=%.0f\n", per(freed, l->pages));
}

static void picture(const char *phase)
{
	const char *command = getenv("PICTURE");

	if (!command)
		return;
	printf("picture %s\n", phase);
	fflush(stdout);
	if (system(command))
		die("PICTURE=%s", command);
}

static bool run(struct load *l, const char *expected)
{
	struct sample before, held, during, after, shrunk;
	uint64_t fault, freed;
	bool same;

	picture("before");
	sample_take(&before);
	fault = run_threads(THREADS, fault_share, l);
	sample_take(&held);
	run_threads(THREADS, load_share, l);
	same = sum_matches("sha256", l->base, l->bytes, expected);
	sample_take(&during);
	picture("loaded");
	freed = free_secret(l);
	sample_take(&after);
	proc_write("/proc/sys/vm/drop_caches", "2");
	sample_take(&shrunk);
	picture("after");

	print_work(l, fault, freed);
	print_ipis("fault", held.cal - before.cal, l->pages);
	print_ipis("free", after.cal - during.cal, l->pages);
	print_sample("before", &before, &before);
	print_sample("during", &during, &before);
	print_sample("after", &after, &before);
	print_sample("shrunk", &shrunk, &before);
	return same;
}

int main(int argc, char **argv)
{
	struct load l = { };
	bool same;

	if (argc != 3 && argc != 4) {
		fputs("usage: secretload FILE SHA256 [BYTES]\n", stderr);
		return 2;
	}
	errno = 0;
	open_file(&l, argv[1]);
	if (argc == 4)
		limit_bytes(&l, argv[3]);
	lift_memlock_limit();
	map_secret(&l);
	same = run(&l, argv[2]);
	printf("result=%s\n", same ? "PASS" : "FAIL");
	return !same;
}
