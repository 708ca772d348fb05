/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the files of the stress program.
 *
 * A worker is a process that repeats a round until it is told to stop or is
 * killed. A round may fail for lack of memory: it says refused() then, cleans
 * up and returns. Contents that are wrong, and all other errors, end the run.
 */
#ifndef STRESS_H
#define STRESS_H

#include <linux/falloc.h>

#include "unmapped_util.h"

#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

#define MAX_WORKERS	24
#define MAX_POISON	6

/* Exit status of a worker that got SIGBUS, which the kernel may send it */
#define EXIT_SIGBUS	3

struct tally {
	__u64 rounds;
	__u64 checked;	/* pages, or other things that were as they should be */
	__u64 refused;	/* for lack of memory */
};

/* Shared by all processes. */
struct board {
	struct tally tally[MAX_WORKERS];
	bool stop;
	bool failed;
	bool swap;		/* the machine has some */
	bool offlining;		/* the hog leaves a block of memory alone */
	/*
	 * The PID of the process that poisons a page or takes memory offline.
	 * The kernel does not online memory that has a poisoned page.
	 */
	pid_t poison_lock;
	unsigned int nr_poison;
	__u64 poison[MAX_POISON];	/* physical addresses */
	/* Which allocation of which operation fails next, see fail_round() */
	unsigned int operation, nth;
};

extern struct board *board;
extern struct tally *mine;	/* in the processes of a worker */

/* Prints a failed test. The run ends soon after that. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Ends the worker with a failed test unless the condition holds. */
#define must(cond, fmt, ...)						\
	do {								\
		if (!(cond)) {						\
			complain("%s, line %d: " fmt, __FILE__,		\
				 __LINE__, ##__VA_ARGS__);		\
			_exit(1);					\
		}							\
	} while (0)

/* Counts a failure that the lack of memory excuses; others end the worker. */
void refused(int err);

/* Writes the first byte of a page; false when SIGBUS is the answer. */
bool touch(char *p);

/* Touches fresh pages, which must be zeroes; false when one is SIGBUS. */
bool take_pages(char *p, size_t pages);

/* Each page has a pattern of its own: @seed is that of the first one. */
void fill_pages(char *p, size_t pages, __u64 seed);
void check_pages(const char *p, size_t pages, __u64 seed);
void check_zeroes(const char *p, size_t pages);

static inline bool stopping(void)
{
	return __atomic_load_n(&board->stop, __ATOMIC_RELAXED);
}

/* Also called for a process that died with the lock. */
static inline void poison_unlock(pid_t pid)
{
	__atomic_compare_exchange_n(&board->poison_lock, &pid, 0, false,
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/* False when the run is over. */
static inline bool poison_lock(void)
{
	pid_t nobody = 0;

	while (!__atomic_compare_exchange_n(&board->poison_lock, &nobody,
					    getpid(), false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (stopping())
			return false;
		nobody = 0;
		usleep(10000);
	}
	return true;
}

/* Threads of a worker may count at the same time. */
static inline void count(__u64 *counter, __u64 nr)
{
	__atomic_fetch_add(counter, nr, __ATOMIC_RELAXED);
}

static inline char *anonymous(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/*
 * For each worker what the machine lacks for it, or NULL, and a round.
 *
 * stress_files.c: secret memory, files, failing allocations
 */
const char *secret_lacks(void);
void secret_round(__u64 seed);
void huge_round(__u64 seed);
const char *hidden_lacks(void);
void hidden_round(__u64 seed);
void fork_round(__u64 seed);
const char *migrate_lacks(void);
void migrate_round(__u64 seed);
const char *fail_lacks(void);
void fail_round(__u64 seed);

/* stress_kernel.c: modules, BPF programs, memory of keys */
const char *module_lacks(void);
void module_round(__u64 seed);
void module_end(void);
const char *bpf_lacks(void);
void bpf_round(__u64 seed);
const char *keyed_lacks(void);
void keyed_round(__u64 seed);
void fail_keyed(__u64 seed);
int count_keys(void);

/* stress_guest.c: private memory of guests */
const char *guest_lacks(void);
void guestmem_round(__u64 seed);
void guest_round(__u64 seed);

/* stress_machine.c: the machine around them */
void hog_round(__u64 seed);
const char *compact_lacks(void);
void compact_round(__u64 seed);
void shrink_round(__u64 seed);
const char *cpu_lacks(void);
void cpu_round(__u64 seed);
const char *memory_lacks(void);
void memory_round(__u64 seed);
const char *poison_lacks(void);
void poison_round(__u64 seed);
bool machine_restore(void);

#endif
