// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that was accepted once is used again: however long memory of all
 * orders is allocated and freed, no more is accepted than the most that was in
 * use at a time, what the zones keep in reserve, a block for each CPU, and a
 * quarter for what lies in pieces between pages in use when a huge page is
 * wanted.
 *
 * usage: unaccepted_churn [ROUNDS]
 *
 * Needs a kernel with UNACCEPTED_BUDDY that was booted with unaccepted_sim=,
 * and much more memory than is used here.
 */

#include <sys/stat.h>
#include <sys/wait.h>

#include "unmapped_util.h"

#define SYSFS		"/sys/kernel/mm/unaccepted/"
#define PEAK		(64 * MIB)
#define HUGE_BYTES	(2 * MIB)
#define MAX_CHUNKS	512
#define STEPS		96

struct chunk {
	char *p;
	size_t bytes;
};

static struct chunk chunks[MAX_CHUNKS];
static unsigned int nr_chunks;
static size_t in_use;
static unsigned int seed = 1;

static unsigned int random_below(unsigned int n)
{
	return rand_r(&seed) % n;
}

static void touch(char *p, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i += PAGE)
		p[i] = 1;
}

/* Huge pages, if they are aligned for it, or small ones. */
static bool add_chunk(size_t bytes, bool huge)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return false;
	madvise(p, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	touch(p, bytes);
	chunks[nr_chunks].p = p;
	chunks[nr_chunks++].bytes = bytes;
	in_use += bytes;
	return true;
}

static void drop_chunk(unsigned int i)
{
	munmap(chunks[i].p, chunks[i].bytes);
	in_use -= chunks[i].bytes;
	chunks[i] = chunks[--nr_chunks];
}

static bool step(void)
{
	bool huge = !random_below(3);
	size_t bytes = huge ? HUGE_BYTES * (1 + random_below(4)) :
			      PAGE << random_below(9);

	if (nr_chunks && (random_below(5) < 2 || nr_chunks == MAX_CHUNKS))
		drop_chunk(random_below(nr_chunks));
	while (nr_chunks && in_use + bytes > PEAK)
		drop_chunk(random_below(nr_chunks));
	return add_chunk(bytes, huge);
}

/* What the kernel allocates for itself: a file system, tasks, pipes. */
static void kernel_memory(void)
{
	int fds[2], i;
	char buf[PAGE];
	pid_t child;
	FILE *f;

	memset(buf, 1, sizeof(buf));
	f = tmpfile();
	for (i = 0; f && i < 64; i++)
		fwrite(buf, sizeof(buf), 1, f);
	if (f)
		fclose(f);
	if (!pipe(fds)) {
		for (i = 0; i < 8; i++)
			if (write(fds[1], buf, sizeof(buf)) < 0)
				break;
		close(fds[0]);
		close(fds[1]);
	}
	child = fork();
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
}

static bool one_round(void)
{
	int i;

	for (i = 0; i < STEPS; i++) {
		if (!step())
			return false;
		if (!(i % 16))
			kernel_memory();
	}
	while (nr_chunks)
		drop_chunk(0);
	return true;
}

static __u64 remaining(void)
{
	__u64 kb = meminfo("Unaccepted");

	return kb == ABSENT ? 0 : kb * 1024;
}

/* DMA32 and Normal have one each, but for what they have anyway. */
static __u64 reserve(void)
{
	__u64 kbytes = number_in(SYSFS "reserve_kbytes", 10);

	return kbytes == ABSENT ? 0 : 2 * 1024 * kbytes;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? atoi(argv[1]) : 200, i;
	__u64 before, accepted = 0, allowed;

	ksft_print_header();
	if (remaining() < 8 * PEAK)
		ksft_exit_skip("too little memory is left to accept\n");
	if (geteuid())
		ksft_exit_skip("needs root\n");
	write_string("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	ksft_set_plan(1);

	allowed = PEAK + PEAK / 4 + reserve() +
		  HUGE_BYTES * sysconf(_SC_NPROCESSORS_ONLN);
	before = remaining();
	for (i = 0; i < rounds; i++) {
		if (!one_round())
			ksft_exit_fail_msg("no memory in round %u\n", i);
		if (before - remaining() == accepted)
			continue;
		accepted = before - remaining();
		ksft_print_msg("round %u: %llu MiB accepted\n", i,
			       accepted / MIB);
	}
	ksft_print_msg("%llu MiB accepted in %u rounds, %llu allowed\n",
		       accepted / MIB, rounds, allowed / MIB);
	if (access(SYSFS "mode", F_OK))
		ksft_test_result_skip("the list keeps what the watermarks say\n");
	else
		ksft_test_result(accepted <= allowed,
				 "accepted memory is used again\n");
	ksft_finished();
}
