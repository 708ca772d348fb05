/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest programs of bench/ measure with: the counters that the kernel
 * shows in /proc, read by name so that a kernel without one of them is no
 * error, and the time stamp counter.
 *
 * Under QEMU's "-icount shift=0" the time stamp counter advances by one per
 * executed guest instruction, all CPUs together, whoever executed it: worker
 * threads of the kernel, interrupts and spinning on another CPU count as well.
 * Anywhere else it is a clock of constant rate.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES	4096UL
#define MIB		(1UL << 20)

/* A counter that this kernel does not have. */
#define ABSENT		UINT64_MAX

struct sample {
	uint64_t cal;		/* function call interrupts, all CPUs */
	uint64_t tlb;		/* TLB shootdowns, all CPUs */
	uint64_t split2;	/* 2M leaves of the direct map split so far */
	uint64_t split3;	/* 1G leaves of the direct map split so far */
	uint64_t dm4k;		/* direct map by leaf size, kB */
	uint64_t dm2m;
	uint64_t dm1g;
	uint64_t unmapped;	/* held by the cache, used and free, kB */
	uint64_t unmapped_free;
	uint64_t key_flush;	/* pages written back to change their key */
	uint64_t mem_free;	/* kB */
	uint64_t mem_avail;
};

/* Ends the program with status 2, errno's text appended when it is set. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

uint64_t tsc(void);
void sample_take(struct sample *s);

/* The value of a line "name value" or "name: value kB"; ABSENT if none. */
uint64_t proc_value(const char *path, const char *name);

/* The sum over all CPUs of one row of /proc/interrupts. */
uint64_t irq_row(const char *name);

/* Writes a string to a file of /proc or /sys; false if that is refused. */
bool proc_write(const char *path, const char *value);

void pin_to_cpu(int cpu);
void lift_memlock_limit(void);
int secret_fd(size_t bytes);

/* A memfd outside the direct map; -1 where the kernel has none. */
int hidden_fd(void);

/*
 * Runs fn(arg, thread) on nr threads, each pinned to the CPU of its number,
 * and returns what the time stamp counter moved between the moment all stood
 * ready and the moment the last was done. With one thread nothing but fn()
 * runs in between.
 */
typedef void (*thread_fn)(void *arg, int thread);
uint64_t run_threads(int nr, thread_fn fn, void *arg);

static inline double per(uint64_t delta, uint64_t count)
{
	return (double)delta / (double)count;
}

#endif
