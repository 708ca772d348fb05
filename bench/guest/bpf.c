// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to load a small BPF program, compiled to machine code, and to
 * free it, and what that leaves behind of the direct map: all rounds together
 * but for the first, which pays for what happens once.
 *
 *	bench-bpf [ROUNDS]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "measure.h"

/* return 0; */
static const struct bpf_insn program[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static void load_and_free(void)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = sizeof(program) / sizeof(program[0]);
	attr.license = (uintptr_t)"GPL";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		die("BPF_PROG_LOAD");
	close(fd);
}

/* Freed by a worker, after RCU: part of the cost. */
static void settle(void)
{
	usleep(100000);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1000;
	struct sample start, before, after;
	uint64_t begin, cost;
	int i;

	errno = 0;
	if (argc > 2 || rounds < 1)
		die("usage: bench-bpf [ROUNDS]");
	if (!proc_write("/proc/sys/net/core/bpf_jit_enable", "1"))
		die("no compiler for BPF");
	pin_to_cpu(0);
	sample_take(&start);
	load_and_free();
	settle();
	sample_take(&before);
	begin = tsc();
	for (i = 0; i < rounds; i++)
		load_and_free();
	settle();
	cost = tsc() - begin;
	sample_take(&after);
	printf("modules kind=bpf rounds=%d cost=%.0f ipi=%.2f split2=%ld ",
	       rounds, per(cost, rounds), per(after.cal - before.cal, rounds),
	       (long)(after.split2 - start.split2));
	printf("dm4k_more_kb=%ld\n", (long)(after.dm4k - start.dm4k));
	return 0;
}
