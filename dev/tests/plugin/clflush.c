// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's emulator that counts the CLFLUSHes and CLFLUSHOPTs which
 * the guest executes, on all of its CPUs together, between the marks of
 * clflush.h. Each second mark adds a line to FILE: the number since the first.
 *
 * usage: qemu-system-x86_64 -plugin clflush.so,out=FILE ...
 *
 * No package of Debian has the header of QEMU's interface. What is used of it
 * is declared here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "clflush.h"

#define MAX_INSN	15

/*
 * QEMU's.
 */

struct qemu_plugin_tb;
struct qemu_plugin_insn;

/* There is more behind it */
struct qemu_info {
	const char *target;
	int version_min;
	int version;
};

#define CB_NO_REGS	0

void qemu_plugin_register_vcpu_tb_trans_cb(
	uint64_t id, void (*cb)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_cb(
	struct qemu_plugin_insn *insn,
	void (*cb)(unsigned int cpu, void *data), int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
/* Until version 3 it took the instruction alone, and returned its bytes. */
uintptr_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to,
				size_t size);
/* There is none before version 2. */
int qemu_plugin_num_vcpus(void) __attribute__((weak));

int qemu_plugin_version;

/* Each QEMU takes some versions; of these the lowest will do. */
static void __attribute__((constructor)) choose_version(void)
{
	qemu_plugin_version = qemu_plugin_num_vcpus ? 2 : 1;
}

/*
 * Instructions.
 */

enum kind { OTHER, FLUSH, BEGIN, END };

/* Segments, sizes, LOCK and REP; REX. */
static bool is_prefix(uint8_t byte)
{
	static const uint8_t legacy[] = {
		0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
	};

	return memchr(legacy, byte, sizeof(legacy)) || (byte & 0xf0) == 0x40;
}

static enum kind kind_of_mark(const uint8_t *insn, size_t size)
{
	static const uint8_t nopl[] = { 0x0f, 0x1f, 0x80 };
	uint32_t which;

	if (size != sizeof(nopl) + sizeof(which) ||
	    memcmp(insn, nopl, sizeof(nopl)))
		return OTHER;
	memcpy(&which, insn + sizeof(nopl), sizeof(which));
	return which == CLFLUSH_BEGIN ? BEGIN :
	       which == CLFLUSH_END ? END : OTHER;
}

/* 0F AE /7 of memory, with 66 the optimised one; REP would make it another. */
static bool is_flush(const uint8_t *insn, size_t size)
{
	bool rep = false;

	for (; size && is_prefix(*insn); insn++, size--)
		rep |= *insn == 0xf2 || *insn == 0xf3;
	return size >= 3 && insn[0] == 0x0f && insn[1] == 0xae &&
	       insn[2] < 0xc0 && (insn[2] & 0x38) == 0x38 && !rep;
}

static enum kind kind_of(const uint8_t *insn, size_t size)
{
	return is_flush(insn, size) ? FLUSH : kind_of_mark(insn, size);
}

/*
 * What is done when one of them is executed.
 */

static uint64_t executed;
static FILE *out;

static void flush(unsigned int cpu, void *data)
{
	__atomic_fetch_add(&executed, 1, __ATOMIC_SEQ_CST);
}

static void begin(unsigned int cpu, void *data)
{
	__atomic_store_n(&executed, 0, __ATOMIC_SEQ_CST);
}

static void end(unsigned int cpu, void *data)
{
	uint64_t now = __atomic_load_n(&executed, __ATOMIC_SEQ_CST);

	fprintf(out, "%llu\n", (unsigned long long)now);
	fflush(out);
}

static void (*const on[])(unsigned int cpu, void *data) = {
	[FLUSH] = flush,
	[BEGIN] = begin,
	[END] = end,
};

static bool copies;

static void look_at(struct qemu_plugin_insn *insn)
{
	size_t size = qemu_plugin_insn_size(insn);
	uint8_t bytes[MAX_INSN];
	uintptr_t there;
	enum kind kind;

	if (size > sizeof(bytes))
		return;
	there = qemu_plugin_insn_data(insn, bytes, size);
	kind = kind_of(copies ? bytes : (const uint8_t *)there, size);
	if (kind != OTHER)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on[kind],
						       CB_NO_REGS, NULL);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i;

	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		look_at(qemu_plugin_tb_get_insn(tb, i));
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc,
			char **argv)
{
	copies = info->version >= 3;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("usage: -plugin clflush.so,out=FILE\n", stderr);
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
