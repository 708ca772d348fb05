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
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "measure.h"
#include "rounds.h"

/* return 0; */
static const struct bpf_insn program[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static void load_and_free(void *unused)
{
	union bpf_attr attr;
	int fd;

	(void)unused;
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

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1000;

	errno = 0;
	if (argc > 2 || rounds < 1)
		die("usage: bench-bpf [ROUNDS]");
	if (!proc_write("/proc/sys/net/core/bpf_jit_enable", "1"))
		die("no compiler for BPF");
	measure_rounds("bpf", rounds, load_and_free, NULL);
	return 0;
}
