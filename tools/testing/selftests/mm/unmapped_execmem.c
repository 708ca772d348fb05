// SPDX-License-Identifier: GPL-2.0
/*
 * Code of modules and of BPF programs outside the direct map.
 *
 * They are loaded and unloaded as users do it. The direct map must look the
 * same afterwards, and meanwhile; /proc/kcore must show the code; and what
 * is unloaded, or could not be loaded, must leave no page.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/suspend_ioctls.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "unmapped_util.h"

#define CAP	"/proc/sys/vm/unmapped_execmem_max_kbytes"
#define MODULE	"test_static_keys"
#define BASE	"test_static_key_base"
#define ROUNDS	20
#define FILTERS	1000

/* Quiet: what a failure means is said by who sees it. */
static bool run(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "%s >/dev/null 2>&1", command);
	return !system(line);
}

static bool load(const char *module)
{
	char line[256];

	snprintf(line, sizeof(line), "modprobe %s", module);
	return run(line);
}

static bool unload(void)
{
	return run("modprobe -r " MODULE) && !access("/sys/module", F_OK) &&
	       access("/sys/module/" MODULE, F_OK);
}

/* kB that are used for code. */
static __u64 code_kb(void)
{
	__u64 pages = proc_value("/sys/kernel/debug/unmapped_alloc",
				 "Owner execmem, pages");

	return pages == ABSENT ? ABSENT : pages * PAGE / 1024;
}

/* The same, when what was unloaded before has been taken down. */
static __u64 settled_kb(void)
{
	usleep(100000);
	return code_kb();
}

static __u64 splits(void)
{
	return vmstat("direct_map_level2_splits") +
	       vmstat("direct_map_level3_splits");
}

/* With CPA_DEBUG leaves are split for a test, every half minute. */
static bool others_split(void)
{
	return run("grep -sx pageattr-test /proc/[0-9]*/comm");
}

static bool splits_are(__u64 before)
{
	__u64 now = splits();

	if (now == before || others_split())
		return true;
	ksft_print_msg("%llu leaves were split\n", now - before);
	return false;
}

/* What is unloaded is taken down by a worker. */
static bool code_is(__u64 kb)
{
	int i;

	for (i = 0; code_kb() != kb && i < 2000; i++)
		usleep(1000);
	if (code_kb() != kb)
		ksft_print_msg("%llu kB of code, expected %llu\n", code_kb(),
			       kb);
	return code_kb() == kb;
}

/* --- modules -------------------------------------------------------------- */

static int test_outside(void)
{
	__u64 before = settled_kb(), size;

	expect(load(MODULE), MODULE " does not load");
	size = proc_value("/proc/modules", MODULE);
	expect(code_kb() >= before + size / 1024, "%llu kB, %llu before",
	       code_kb(), before);
	expect(unload(), MODULE " does not unload");
	expect(code_is(before), "something is left");
	return KSFT_PASS;
}

static int test_splits(void)
{
	__u64 before, small, code;
	int i;

	/* The first may need a block, for which 1G may be split */
	expect(load(MODULE) && unload(), "it does not load");
	before = splits();
	small = meminfo("DirectMap4k");
	code = settled_kb();
	for (i = 0; i < ROUNDS; i++)
		expect(load(MODULE) && unload(), "round %d", i);
	expect(code_is(code), "something is left");
	expect(splits_are(before), "by modules");
	expect(meminfo("DirectMap4k") == small || others_split(),
	       "DirectMap4k: %llu, %llu before", meminfo("DirectMap4k"), small);
	return KSFT_PASS;
}

/* The address of a function of the module; 0 if the kernel does not tell. */
static __u64 address_of_code(void)
{
	char line[256], module[128], type;
	__u64 addr, found = 0;
	FILE *f = fopen("/proc/kallsyms", "r");

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %*s [%127[^]]", &addr, &type,
			   module) == 3 &&
		    (type == 't' || type == 'T') && !strcmp(module, MODULE))
			found = addr;
	}
	if (f)
		fclose(f);
	return found;
}

static off_t kcore_virtual(int fd, __u64 addr)
{
	struct kcore_map map;
	const Elf64_Phdr *ph;

	kcore_load(fd, &map);
	for (ph = map.range; ph < map.range + map.count; ph++)
		if (ph->p_type == PT_LOAD && addr >= ph->p_vaddr &&
		    addr - ph->p_vaddr < ph->p_memsz)
			return ph->p_offset + (addr - ph->p_vaddr);
	return 0;
}

static int test_kcore(void)
{
	unsigned char code[16] = "";
	ssize_t got = -1;
	off_t where = 0;
	__u64 addr;
	int fd;

	fd = open("/proc/kcore", O_RDONLY);
	if (fd < 0)
		skip("no /proc/kcore");
	expect(load(MODULE), MODULE " does not load");
	addr = address_of_code();
	if (addr)
		where = kcore_virtual(fd, addr);
	if (where)
		got = pread(fd, code, sizeof(code), where);
	close(fd);
	unload();
	if (!addr)
		skip("no address of a function in /proc/kallsyms");
	expect(where, "no range of it has 0x%llx", addr);
	expect(got == sizeof(code), "it reads %zd bytes", got);
	expect(nonzero_words(code, sizeof(code)), "it shows zeroes");
	return KSFT_PASS;
}

/* Its memory has been allocated when it turns out that symbols are missing. */
static int test_failure(void)
{
	__u64 before = settled_kb();
	struct utsname un;
	char line[512];

	uname(&un);
	snprintf(line, sizeof(line),
		 "insmod $(find /lib/modules/%s -name " MODULE ".ko)",
		 un.release);
	expect(!run(line), "it has loaded");
	expect(code_is(before), "something is left");
	snprintf(line, sizeof(line),
		 "head -c 4096 $(find /lib/modules/%s -name " BASE
		 ".ko) >/tmp/cut.ko; insmod /tmp/cut.ko", un.release);
	expect(!run(line), "half a module has loaded");
	expect(code_is(before), "something is left of half a module");
	return KSFT_PASS;
}

static int test_cap(void)
{
	__u64 before, during;
	bool loaded;

	if (access(CAP, W_OK))
		skip("no " CAP);
	before = settled_kb();
	expect(write_string(CAP, "4"), "no cap");
	loaded = load(MODULE);
	during = code_kb();
	unload();
	expect(write_string(CAP, "0"), "the cap stays");
	expect(loaded, "it does not load");
	expect(during <= before || during <= 4, "%llu kB, %llu before",
	       during, before);
	return KSFT_PASS;
}

/* Without a secret file anywhere, which forbids it. */
static int open_snapshot(void)
{
	int fd, i;

	for (i = 0; i < 2000; i++) {
		fd = open("/dev/snapshot", O_RDONLY);
		if (fd >= 0 || (errno != EPERM && errno != EBUSY))
			return fd;
		usleep(1000);
	}
	return -1;
}

/* An image is made and thrown away, nothing is written to a disk. */
static int test_image(void)
{
	int fd, in_suspend, err = 0;
	__u64 before;

	fd = open_snapshot();
	if (fd < 0)
		skip("/dev/snapshot: %s", strerror(errno));
	expect(load(MODULE), MODULE " does not load");
	before = splits();
	expect(!ioctl(fd, SNAPSHOT_FREEZE), "no freeze: %s", strerror(errno));
	if (ioctl(fd, SNAPSHOT_CREATE_IMAGE, &in_suspend))
		err = errno;
	ioctl(fd, SNAPSHOT_FREE);
	ioctl(fd, SNAPSHOT_UNFREEZE);
	close(fd);
	unload();
	if (err == EBUSY && meminfo("HardwareCorrupted"))
		skip("a page of another test is poisoned");
	expect(!err, "no image: %s", strerror(err));
	expect(splits_are(before), "by the image");
	return KSFT_PASS;
}

/* --- BPF ------------------------------------------------------------------ */

/* Lets all packets through, in so many instructions. */
static bool attach_filter(int fd, unsigned short len)
{
	struct sock_filter insn[64];
	struct sock_fprog prog = { .len = len, .filter = insn };
	int i;

	for (i = 0; i < len - 1; i++)
		insn[i] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K,
						       i);
	insn[len - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ~0U);
	return !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			   sizeof(prog));
}

static bool passes(const int pair[2], char byte)
{
	char got = 0;

	return send(pair[0], &byte, 1, 0) == 1 &&
	       recv(pair[1], &got, 1, MSG_DONTWAIT) == 1 && got == byte;
}

static int test_filters(void)
{
	__u64 before, code;
	int pair[2], i;

	if (number_in("/proc/sys/net/core/bpf_jit_enable", 10) - 1 > 1)
		skip("no code is generated for BPF");
	expect(!socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), "no sockets");
	expect(attach_filter(pair[1], 8), "no filter");
	before = splits();
	code = code_kb();
	expect(code >= BLOCK_KB, "%llu kB of code", code);
	for (i = 0; i < FILTERS; i++) {
		expect(attach_filter(pair[1], 2 + i % 60), "filter %d", i);
		expect(passes(pair, i | 1), "filter %d does not run", i);
	}
	expect(splits_are(before), "by filters");
	close(pair[0]);
	close(pair[1]);
	expect(code_kb() <= code + BLOCK_KB, "%llu kB, %llu with one filter",
	       code_kb(), code);
	return KSFT_PASS;
}

static const struct test tests[] = {
	{ "a module is outside the direct map", test_outside },
	{ "modules come and go, and no leaf is split", test_splits },
	{ "/proc/kcore shows the code of a module", test_kcore },
	{ "a module that does not load leaves nothing", test_failure },
	{ "hibernation copies the code of a module", test_image },
	{ "above its cap code is in ordinary memory", test_cap },
	{ "BPF programs come and go, and no leaf is split", test_filters },
};

int main(void)
{
	ksft_print_header();
	if (geteuid())
		ksft_exit_skip("needs root\n");
	/* The first module starts the cache */
	if (!load(MODULE) || !unload())
		ksft_exit_skip("no module " MODULE "\n");
	if (code_kb() == ABSENT)
		ksft_exit_skip("no CONFIG_UNMAPPED_EXECMEM, or no debugfs\n");
	ksft_set_plan(ARRAY_SIZE(tests));
	run_tests(tests, ARRAY_SIZE(tests));
	ksft_finished();
}
