// SPDX-License-Identifier: GPL-2.0
/*
 * Workers that load modules and BPF programs, and that use memory encrypted
 * under a key.
 */
#define _GNU_SOURCE
#include <linux/bpf.h>
#include <sys/utsname.h>

#include "keyid_util.h"
#include "stress.h"

/* --- modules ------------------------------------------------------------- */

/* The second needs the first, and tests its own patched code when loaded. */
static const char *const modules[] = {
	"test_static_key_base", "test_static_keys",
};

static int open_module(int i)
{
	struct utsname name;
	char path[256];

	uname(&name);
	snprintf(path, sizeof(path), "/lib/modules/%s/kernel/lib/%s.ko",
		 name.release, modules[i]);
	return open(path, O_RDONLY | O_CLOEXEC);
}

const char *module_lacks(void)
{
	int i, fd;

	for (i = 0; i < 2; i++) {
		fd = open_module(i);
		if (fd < 0)
			return "no module test_static_keys";
		close(fd);
	}
	return NULL;
}

/* A worker that was killed may have left them loaded. */
void module_end(void)
{
	syscall(__NR_delete_module, modules[1], O_NONBLOCK);
	syscall(__NR_delete_module, modules[0], O_NONBLOCK);
}

static bool load_module(int i)
{
	int fd = open_module(i), err;

	if (fd < 0) {
		refused(errno);
		return false;
	}
	err = syscall(__NR_finit_module, fd, "", 0) ? errno : 0;
	close(fd);
	/* A module of a killed worker may be half loaded or half gone */
	if (err && err != EBUSY && err != EEXIST && err != ENOENT)
		refused(err);
	return !err;
}

void module_round(__u64 seed)
{
	module_end();
	if (load_module(0) && load_module(1))
		count(&mine->checked, 1);
	module_end();
}

/* --- BPF ----------------------------------------------------------------- */

#define MAX_INSNS	1024
#define PROGRAMS	16

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(__NR_bpf, cmd, attr, sizeof(*attr));
}

/* A program that adds one to zero so many times, and returns that. */
static int load_bpf(unsigned int additions)
{
	static struct bpf_insn insns[MAX_INSNS + 2] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)insns,
		.insn_cnt = additions + 2,
		.license = (uintptr_t)"GPL",
	};
	unsigned int i;

	for (i = 1; i <= additions; i++)
		insns[i] = (struct bpf_insn){
			.code = BPF_ALU64 | BPF_ADD | BPF_K, .imm = 1,
		};
	insns[i] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	return bpf(BPF_PROG_LOAD, &attr);
}

static void run_bpf(int fd, unsigned int additions)
{
	char packet[64] = "";
	union bpf_attr attr = {
		.test = {
			.prog_fd = fd,
			.data_in = (uintptr_t)packet,
			.data_size_in = sizeof(packet),
			.repeat = 1,
		},
	};

	if (bpf(BPF_PROG_TEST_RUN, &attr))
		return refused(errno);
	must(attr.test.retval == additions, "a program returned %u, not %u",
	     attr.test.retval, additions);
	count(&mine->checked, 1);
}

const char *bpf_lacks(void)
{
	int fd;

	if (!write_string("/proc/sys/net/core/bpf_jit_enable", "1"))
		return "no compiler for BPF";
	fd = load_bpf(0);
	if (fd < 0)
		return "no BPF";
	close(fd);
	return NULL;
}

/* A program lives for some rounds. */
void bpf_round(__u64 seed)
{
	static struct {
		unsigned int additions;
		int fd;		/* 0 for none */
	} programs[PROGRAMS], *p;

	p = &programs[(seed >> 32) % PROGRAMS];
	if (p->fd) {
		run_bpf(p->fd, p->additions);
		close(p->fd);
		p->fd = 0;
		return;
	}
	p->additions = seed % MAX_INSNS;
	p->fd = load_bpf(p->additions);
	if (p->fd < 0) {
		refused(errno);
		p->fd = 0;
		return;
	}
	run_bpf(p->fd, p->additions);
}

/* --- memory of a key ----------------------------------------------------- */

#define KEYED_PAGES	64
#define HUGE_PAGES	512

const char *keyed_lacks(void)
{
	return access("/dev/memkey", F_OK) ? "no /dev/memkey" : NULL;
}

/* How many keys can be had at once. */
int count_keys(void)
{
	int fds[64], nr = 0, i;

	while (nr < 64 && (fds[nr] = open("/dev/memkey", O_RDWR)) >= 0)
		nr++;
	for (i = 0; i < nr; i++)
		close(fds[i]);
	return nr;
}

/* The child's pages have the key, too. */
static void fork_keyed(char *p, __u64 seed)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		check_pages(p, KEYED_PAGES, seed);
		fill_pages(p, KEYED_PAGES / 2, seed + 1);
		check_pages(p, KEYED_PAGES / 2, seed + 1);
		_exit(0);
	}
	if (pid < 0)
		return refused(errno);
	status = exit_status(pid);
	must(!status, "a child ended with %d", status);
}

/* Fills, shares, drops and fills again. */
static void use_keyed(char *p, size_t pages, __u64 seed)
{
	if (!take_pages(p, pages))
		return;
	fill_pages(p, pages, seed);
	check_pages(p, pages, seed);
	fork_keyed(p, seed);
	check_pages(p, pages, seed);
	if (!madvise(p, pages / 2 * PAGE, MADV_DONTNEED))
		take_pages(p, pages / 2);
	check_pages(p + pages / 2 * PAGE, pages - pages / 2, seed + pages / 2);
}

/* Memory of a key, in small pages or a huge one. */
static void with_key(int key, __u64 seed)
{
	size_t pages = seed % 4 ? KEYED_PAGES : HUGE_PAGES, all = 2 * pages;
	char *map = anonymous(all), *p = map;
	int err;

	if (!map)
		return refused(errno);
	if (pages == HUGE_PAGES) {
		p = (char *)(((uintptr_t)map + HUGE - 1) & ~(HUGE - 1));
		madvise(p, HUGE, MADV_HUGEPAGE);
	}
	err = protect(key, p, pages * PAGE);
	if (err)
		refused(err);
	else
		use_keyed(p, pages, seed);
	munmap(map, all * PAGE);
}

void fail_keyed(__u64 seed)
{
	int key = keyed_lacks() ? -1 : open("/dev/memkey", O_RDWR);

	if (key < 0)
		return;
	/* In small pages: to fill a huge one for each allocation takes long */
	with_key(key, seed | 1);
	close(key);
}

void keyed_round(__u64 seed)
{
	int key = new_key();

	if (key < 0)
		return refused(errno);
	with_key(key, seed);
	close(key);
}
