// SPDX-License-Identifier: GPL-2.0
/*
 * Files outside the direct map, on roads that need devices: encrypted and
 * compressing disks, disks that use DMA, a network between two namespaces,
 * probes in user space. As in unmapped_memfd.c both ends are compared, and
 * /proc/kcore shows nothing of the file.
 *
 * And what the roads cost: slots are used for all that is copied, while the
 * direct map does not change and no TLB is flushed on another CPU.
 *
 * Each test runs in a process of its own, with a time limit. Needs root.
 */
#define _GNU_SOURCE
#include <linux/dm-ioctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stddef.h>
#include <sys/sendfile.h>

#include "unmapped_file.h"
#include "unmapped_io.h"

/*
 * What can be compressed: words that come again in each page, and the number
 * of the page.
 */
static __u64 texture_word(size_t i)
{
	return pattern_word(SEED, i % 64) + i / (PAGE / sizeof(__u64));
}

static void texture_fill(void *p, size_t bytes)
{
	__u64 *word = p;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		word[i] = texture_word(i);
}

static bool texture_sound(const struct secret *m)
{
	const __u64 *word = (const __u64 *)m->base;
	size_t i, wrong = 0, shown = pages_shown(m);

	for (i = 0; i < m->bytes / sizeof(*word); i++)
		wrong += word[i] != texture_word(i);
	if (wrong || shown)
		ksft_print_msg("%zu words are wrong, %zu pages are shown\n",
			       wrong, shown);
	return !wrong && !shown;
}

/* --- compressed swap ------------------------------------------------------ */

/* How many pages of such contents are on a disk. */
static size_t texture_found(const char *disk, size_t bytes)
{
	char *wanted = plain_pages(SIZE, 0), *there = plain_pages(bytes, 0);
	int fd = open(disk, O_RDONLY | O_DIRECT);
	size_t at, page, found = 0;

	texture_fill(wanted, SIZE);
	if (fd < 0 || pread(fd, there, bytes, 0) != (ssize_t)bytes)
		return 0;
	close(fd);
	for (page = 0; page < SIZE; page += PAGE) {
		for (at = 0; at < bytes; at += PAGE)
			if (!memcmp(wanted + page, there + at, PAGE))
				break;
		found += at < bytes;
	}
	return found;
}

#define ZRAM	"/sys/block/zram0/"

static bool zram_start(size_t bytes)
{
	char value[32];
	bool ok;
	int fd;

	sprintf(value, "%zu", bytes);
	if (!write_string(ZRAM "disksize", value))
		return false;
	fd = open("/dev/zram0", O_RDWR | O_DIRECT);
	ok = fd >= 0 && swap_head(fd, bytes);
	close(fd);
	return ok && !swapon("/dev/zram0", 0);
}

static void zram_end(void)
{
	swapoff("/dev/zram0");
	write_string(ZRAM "reset", "1");
}

static int zram_round(const struct secret *m)
{
	__u64 out = page_out("pswpout"), in, stored, compressed;
	char stat[128] = "", *next;
	int fd;

	expect(out >= SIZE / PAGE / 2, "%llu pages went out", out);
	fd = open(ZRAM "mm_stat", O_RDONLY);
	expect(read(fd, stat, sizeof(stat) - 1) > 0, "mm_stat: %s",
	       strerror(errno));
	close(fd);
	stored = strtoull(stat, &next, 10);
	compressed = strtoull(next, NULL, 10);
	expect(stored >= SIZE / 2 && compressed && compressed < stored / 2,
	       "%llu bytes of %llu", compressed, stored);
	out = texture_found("/dev/zram0", 4 * MIB);
	expect(out >= SIZE / PAGE / 2, "%llu pages are on the disk", out);
	in = vmstat("pswpin");
	expect(texture_sound(m), "after swap");
	in = vmstat("pswpin") - in;
	expect(in >= SIZE / PAGE / 2, "%llu pages came in", in);
	page_out("pswpout");
	expect(!swapoff("/dev/zram0"), "swapoff: %s", strerror(errno));
	expect(texture_sound(m), "after swapoff");
	return KSFT_PASS;
}

static int test_zram(void)
{
	struct secret m;
	int result;

	if (access(ZRAM, F_OK))
		skip("no zram");
	if (!group_enter())
		skip("no memory cgroup");
	expect(zram_start(4 * MIB), "zram: %s", strerror(errno));
	expect(file_open(&m, SIZE, MFD_NO_DIRECT_MAP), "open: %s",
	       strerror(errno));
	texture_fill(m.base, m.bytes);
	result = zram_round(&m);
	zram_end();
	secret_close(&m);
	group_leave();
	return result;
}

#define ZSWAP	"/sys/module/zswap/parameters/"

static int zswap_round(const struct secret *m, const char *name)
{
	__u64 out = page_out("zswpout"), in = vmstat("zswpin");

	expect(out >= SIZE / PAGE / 2, "%llu pages were compressed", out);
	expect(texture_sound(m), "after swap");
	in = vmstat("zswpin") - in;
	expect(in >= SIZE / PAGE / 2, "%llu pages were decompressed", in);
	page_out("zswpout");
	expect(!swapoff(name), "swapoff: %s", strerror(errno));
	expect(texture_sound(m), "after swapoff");
	return KSFT_PASS;
}

static int test_zswap(void)
{
	struct secret m;
	int disk, result;
	char name[32];

	if (!group_enter())
		skip("no memory cgroup");
	if (!write_string(ZSWAP "enabled", "Y"))
		skip("no zswap");
	disk = swap_start(name, 4 * MIB);
	expect(disk >= 0, "swap: %s", strerror(errno));
	expect(file_open(&m, SIZE, MFD_NO_DIRECT_MAP), "open: %s",
	       strerror(errno));
	texture_fill(m.base, m.bytes);
	result = zswap_round(&m, name);
	swapoff(name);
	loop_end(disk);
	write_string(ZSWAP "enabled", "N");
	secret_close(&m);
	group_leave();
	return result;
}

/* --- encrypted disks ------------------------------------------------------ */

#define CRYPT	"unmapped-test"
#define KEY	"000102030405060708090a0b0c0d0e0f" \
		"101112131415161718191a1b1c1d1e1f"

struct dm_request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char params[256];
};

static bool dm_do(unsigned int op, struct dm_request *r)
{
	int fd = open("/dev/mapper/control", O_RDWR);
	bool ok;

	r->head.version[0] = DM_VERSION_MAJOR;
	r->head.data_size = sizeof(*r);
	r->head.data_start = offsetof(struct dm_request, target);
	snprintf(r->head.name, sizeof(r->head.name), CRYPT);
	ok = !ioctl(fd, op, r);
	close(fd);
	return ok;
}

/* dm-crypt over a disk, for O_DIRECT; -1 if it cannot be. */
static int crypt_start(const char *disk, size_t bytes)
{
	struct dm_request make = {}, load = { .head.target_count = 1 };
	struct dm_request resume = {};
	char name[32];

	load.target.length = bytes / 512;
	snprintf(load.target.target_type, sizeof(load.target.target_type),
		 "crypt");
	snprintf(load.params, sizeof(load.params),
		 "aes-xts-plain64 " KEY " 0 %s 0", disk);
	if (!dm_do(DM_DEV_CREATE, &make) || !dm_do(DM_TABLE_LOAD, &load) ||
	    !dm_do(DM_DEV_SUSPEND, &resume))
		return -1;
	sprintf(name, "/dev/dm-%u", (unsigned int)make.head.dev & 0xff);
	return open(name, O_RDWR | O_DIRECT);
}

static void crypt_end(int fd)
{
	struct dm_request r = {};

	close(fd);
	dm_do(DM_DEV_REMOVE, &r);
}

static int crypt_rounds(int fd)
{
	char *plain = plain_pages(SIZE, 0);
	struct secret m;

	expect(hidden_open(&m, SIZE), "open: %s", strerror(errno));
	expect(pwrite(fd, m.base, SIZE, 0) == (ssize_t)SIZE, "write: %s",
	       strerror(errno));
	expect(pread(fd, plain, SIZE, 0) == (ssize_t)SIZE, "read: %s",
	       strerror(errno));
	expect(!pattern_errors(plain, SIZE, SEED), "other bytes were written");
	expect(sound(&m, SEED), "after write");
	memset(m.base, 1, SIZE);
	expect(pread(fd, m.base, SIZE, 0) == (ssize_t)SIZE, "read: %s",
	       strerror(errno));
	expect(sound(&m, SEED), "after read");
	return KSFT_PASS;
}

/* The buffers of an encrypted disk are in the file. */
static int test_crypt(void)
{
	int disk = loop_over(memfd_create("disk", 0), SIZE), fd, result;
	char name[32];

	if (access("/dev/mapper/control", F_OK) || disk < 0)
		skip("no device mapper or no loop device");
	loop_name(disk, name);
	fd = crypt_start(name, SIZE);
	if (fd < 0) {
		loop_end(disk);
		skip("no dm-crypt: %s", strerror(errno));
	}
	result = crypt_rounds(fd);
	crypt_end(fd);
	loop_end(disk);
	return result;
}

/* What an encrypted disk has on a file, read through another copy of it. */
static bool decrypted(int file, char *out)
{
	int copy = memfd_create("copy", 0), disk, fd;
	char name[32], *raw = plain_pages(SIZE, 0);
	bool ok;

	if (pread(file, raw, SIZE, 0) != (ssize_t)SIZE ||
	    pwrite(copy, raw, SIZE, 0) != (ssize_t)SIZE)
		return false;
	disk = loop_over(copy, SIZE);
	loop_name(disk, name);
	fd = crypt_start(name, SIZE);
	ok = fd >= 0 && pread(fd, out, SIZE, 0) == (ssize_t)SIZE;
	crypt_end(fd);
	loop_end(disk);
	return ok;
}

/* The encrypted disk is the file. */
static int test_crypt_below(void)
{
	char *in = plain_pages(SIZE, SEED + 1), *out = plain_pages(SIZE, 0);
	struct secret m;
	char name[32];
	int disk, fd;
	bool ok;

	expect(hidden_open(&m, SIZE), "open: %s", strerror(errno));
	disk = loop_over(dup(m.fd), SIZE);
	if (access("/dev/mapper/control", F_OK) || disk < 0)
		skip("no device mapper or no loop device");
	loop_name(disk, name);
	fd = crypt_start(name, SIZE);
	if (fd < 0) {
		loop_end(disk);
		skip("no dm-crypt: %s", strerror(errno));
	}
	ok = pwrite(fd, in, SIZE, 0) == (ssize_t)SIZE && !fsync(fd) &&
	     pread(fd, out, SIZE, 0) == (ssize_t)SIZE;
	crypt_end(fd);
	loop_end(disk);
	expect(ok, "write or read: %s", strerror(errno));
	expect(!pattern_errors(out, SIZE, SEED + 1), "read other bytes");
	expect(memcmp(m.base, in, PAGE), "the file is not encrypted");
	expect(!pages_shown(&m), "pages are shown");
	memset(out, 0, SIZE);
	expect(decrypted(m.fd, out), "the copy: %s", strerror(errno));
	expect(!pattern_errors(out, SIZE, SEED + 1), "the file has other bytes");
	return KSFT_PASS;
}

/* --- disks that use DMA --------------------------------------------------- */

static int test_dma(void)
{
	char *plain = plain_pages(SIZE, 0);
	int disk = dma_disk();
	struct secret m;

	if (disk < 0)
		skip("no " DMA_DISK);
	expect(hidden_open(&m, SIZE), "open: %s", strerror(errno));
	expect(pwrite(disk, m.base, SIZE, 0) == (ssize_t)SIZE, "write: %s",
	       strerror(errno));
	expect(pread(disk, plain, SIZE, 0) == (ssize_t)SIZE, "read: %s",
	       strerror(errno));
	expect(!pattern_errors(plain, SIZE, SEED), "other bytes were written");
	memset(m.base, 1, SIZE);
	expect(pread(disk, m.base, SIZE, 0) == (ssize_t)SIZE, "read: %s",
	       strerror(errno));
	expect(sound(&m, SEED), "after a round over the disk");
	close(disk);
	return KSFT_PASS;
}

/* With swiotlb=force all that has just been done went through its buffers. */
static int test_bounced(void)
{
	__u64 most = number_in("/sys/kernel/debug/swiotlb/io_tlb_used_hiwater",
			       10);

	if (!cmdline_has("swiotlb=force") || access(DMA_DISK, F_OK))
		skip("no swiotlb=force, or no " DMA_DISK);
	expect(most != ABSENT && most >= 4, "%llu slots were used", most);
	return KSFT_PASS;
}

static int test_scsi(void)
{
	char *plain = plain_pages(SOME, 0);
	int disk = scsi_disk();
	struct secret m;
	int err;

	if (disk < 0)
		skip("no " SCSI_DISK);
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	err = scsi_one(disk, true, m.base, SOME);
	expect(!err, "write: %s", strerror(-err));
	err = scsi_one(disk, false, plain, SOME);
	expect(!err && !pattern_errors(plain, SOME, SEED),
	       "other bytes were written (%s)", strerror(-err));
	memset(m.base, 1, SOME);
	err = scsi_one(disk, false, m.base, SOME);
	expect(!err, "read: %s", strerror(-err));
	expect(sound(&m, SEED), "after a round over the disk");
	close(disk);
	return KSFT_PASS;
}

/* --- network -------------------------------------------------------------- */

#define PORT	9876

/* The other end: what comes must be the pattern. */
static int receive(int ready, int go)
{
	struct sockaddr_in address = net_address(NET_THERE, PORT);
	int listener, fd;
	char *in, word;

	if (unshare(CLONE_NEWNET) || write(ready, "x", 1) != 1 ||
	    read(go, &word, 1) != 1 || !veth_up(NET_THERE))
		return 1;
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (void *)&address, sizeof(address)) ||
	    listen(listener, 1) || write(ready, "x", 1) != 1)
		return 2;
	fd = accept(listener, NULL, NULL);
	in = plain_pages(SIZE, 0);
	if (fd < 0 || !drain(fd, in, SIZE))
		return 3;
	return pattern_errors(in, SIZE, SEED) ? 4 : 0;
}

/* A connection to a process of ours in another namespace, or -1. */
static int connect_veth(pid_t *pid)
{
	struct sockaddr_in address = net_address(NET_THERE, PORT);
	int ready[2], go[2], fd;
	char word;

	if (unshare(CLONE_NEWNET) || pipe(ready) || pipe(go))
		return -1;
	*pid = fork();
	if (!*pid)
		_exit(receive(ready[1], go[0]));
	if (read(ready[0], &word, 1) != 1 || !veth_make(*pid) ||
	    !veth_up(NET_HERE) || write(go[1], "x", 1) != 1 ||
	    read(ready[0], &word, 1) != 1)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	return connect(fd, (void *)&address, sizeof(address)) ? -1 : fd;
}

static bool send_zerocopy(int fd, const char *p, size_t bytes)
{
	int one = 1;
	ssize_t got;

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		return false;
	for (; bytes; p += got, bytes -= got) {
		got = send(fd, p, bytes, MSG_ZEROCOPY);
		if (got <= 0)
			return false;
	}
	return true;
}

static bool send_file(int fd, int file, size_t bytes)
{
	off_t at = 0;

	while (at < (off_t)bytes)
		if (sendfile(fd, file, &at, bytes - at) <= 0)
			return false;
	return true;
}

static int over_veth(bool zerocopy)
{
	struct secret m;
	pid_t pid = 0;
	int fd, status;
	bool ok;

	expect(hidden_open(&m, SIZE), "open: %s", strerror(errno));
	fd = connect_veth(&pid);
	if (fd < 0) {
		if (pid > 0)
			kill(pid, SIGKILL);
		skip("no veth: %s", strerror(errno));
	}
	ok = zerocopy ? send_zerocopy(fd, m.base, SIZE) :
			send_file(fd, m.fd, SIZE);
	expect(ok, "send: %s", strerror(errno));
	status = exit_status(pid);
	expect(!status, "the other end failed (%d)", status);
	expect(sound(&m, SEED), "after send");
	return KSFT_PASS;
}

static int test_veth_zerocopy(void)
{
	return over_veth(true);
}

static int test_veth_sendfile(void)
{
	return over_veth(false);
}

/* --- counts and probes ---------------------------------------------------- */

/* An event of perf: a probe at a function, or at an offset in a file. */
static int probe_open(const char *kind, const char *where, __u64 offset,
		      pid_t pid, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.config1 = (uintptr_t)where,
		.config2 = offset,
	};
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type",
		 kind);
	attr.type = number_in(path, 10);
	return syscall(__NR_perf_event_open, &attr, pid, cpu, -1, 0L);
}

static __u64 probe_count(int fd)
{
	__u64 value;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

#define CODE_BYTES	6

/*
 * A probe in code that is in the file: the kernel reads the instruction there,
 * and puts a breakpoint into a copy of the page.
 */
static int test_uprobe(void)
{
	static const char code[CODE_BYTES] = "\xb8\x2a\x00\x00\x00\xc3";
	char path[32], *text;
	struct secret m;
	int fd, i, sum = 0;

	if (access("/sys/bus/event_source/devices/uprobe/type", F_OK))
		skip("no uprobes");
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	memcpy(m.base + PAGE, code, sizeof(code));
	text = mmap(NULL, SOME, PROT_READ | PROT_EXEC, MAP_PRIVATE, m.fd, 0);
	expect(text != MAP_FAILED, "mmap: %s", strerror(errno));
	sprintf(path, "/proc/self/fd/%d", m.fd);
	fd = probe_open("uprobe", path, PAGE, 0, -1);
	expect(fd >= 0, "uprobe: %s", strerror(errno));
	expect((unsigned char)text[PAGE] == 0xcc, "no breakpoint (%#x)",
	       text[PAGE]);
	for (i = 0; i < 5; i++)
		sum += ((int (*)(void))(text + PAGE))();
	expect(sum == 5 * 42, "the code returned %d", sum);
	expect(probe_count(fd) == 5, "%llu hits", probe_count(fd));
	close(fd);
	expect(!memcmp(text + PAGE, code, sizeof(code)),
	       "the breakpoint is still there");
	expect(!memcmp(m.base + PAGE, code, sizeof(code)), "the file changed");
	pattern_fill(m.base, SOME, SEED);
	expect(sound(&m, SEED), "after the probe");
	return KSFT_PASS;
}

/* Probes at functions of the kernel, on all CPUs. */
enum count { SLOTS, FLUSHES, CHANGES, COUNTS };

static const struct {
	enum count count;
	const char *function;
} probes[] = {
	{ SLOTS, "page_access_kmap" },
	{ SLOTS, "page_access_kmap_prot" },
	{ SLOTS, "page_access_kmap_try" },
	/* All that flushes TLBs of other CPUs does it by one of these */
	{ FLUSHES, "flush_tlb_all" },
	{ FLUSHES, "flush_tlb_kernel_range" },
	{ FLUSHES, "native_flush_tlb_multi" },
	/* All that changes the direct map by these */
	{ CHANGES, "set_direct_map_valid_noflush" },
	{ CHANGES, "set_direct_map_default_noflush" },
	{ CHANGES, "set_direct_map_invalid_noflush" },
	{ CHANGES, "__change_page_attr_set_clr" },
};

#define CPUS	8

static int probe_fds[ARRAY_SIZE(probes)][CPUS];

static const char *probes_open(void)
{
	int cpu, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		for (cpu = 0; cpu < cpus && cpu < CPUS; cpu++) {
			probe_fds[i][cpu] = probe_open("kprobe",
						       probes[i].function, 0,
						       -1, cpu);
			if (probe_fds[i][cpu] < 0)
				return probes[i].function;
		}
	return NULL;
}

static void probes_read(__u64 counts[COUNTS])
{
	size_t i;
	int cpu;

	memset(counts, 0, COUNTS * sizeof(*counts));
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		for (cpu = 0; cpu < CPUS && probe_fds[i][cpu] > 0; cpu++)
			counts[probes[i].count] +=
				probe_count(probe_fds[i][cpu]);
}

/* Page by page by read, write and sendfile, all at once to and from a disk. */
static bool pass(const struct secret *m, int disk, char *plain)
{
	static int fds[2];
	size_t at;

	if (!fds[1] && socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return false;
	for (at = 0; at < SIZE; at += PAGE) {
		off_t from = at;

		if (pread(m->fd, plain, PAGE, at) != (ssize_t)PAGE ||
		    pwrite(m->fd, plain, PAGE, at) != (ssize_t)PAGE ||
		    sendfile(fds[0], m->fd, &from, PAGE) != (ssize_t)PAGE ||
		    !drain(fds[1], plain, PAGE))
			return false;
	}
	return pwrite(disk, m->base, SIZE, 0) == (ssize_t)SIZE &&
	       pread(disk, m->base, SIZE, 0) == (ssize_t)SIZE;
}

/* By the CPU: what is read, written, and received from the socket. */
#define PASS_COPIES	(3 * SIZE / PAGE)

/* Counters of the kernel that a direct map which changes would move. */
static __u64 map_events(void)
{
	return vmstat("direct_map_level2_splits") +
	       vmstat("direct_map_level3_splits") + vmstat("unmapped_flush") +
	       vmstat("unmapped_refill") + vmstat("unmapped_refill_small") +
	       vmstat("unmapped_return");
}

/*
 * One pass after the other, until there is one in which nobody else had a
 * reason to flush.
 */
static int count_pass(const struct secret *m, int disk, __u64 got[COUNTS])
{
	__u64 before[COUNTS], events;
	char *plain = plain_pages(PAGE, 0);
	int try, i;

	for (try = 0; try < 10; try++) {
		events = map_events();
		probes_read(before);
		expect(pass(m, disk, plain), "I/O: %s", strerror(errno));
		probes_read(got);
		for (i = 0; i < COUNTS; i++)
			got[i] -= before[i];
		got[CHANGES] += map_events() - events;
		if (!got[FLUSHES] && !got[CHANGES])
			break;
	}
	return KSFT_PASS;
}

static int test_counts(void)
{
	int disk = dma_disk(), result;
	__u64 got[COUNTS], more[COUNTS];
	const char *missing;
	struct secret m, n;

	if (disk < 0)
		disk = loop_over(memfd_create("disk", 0), SIZE);
	if (disk < 0 || access("/sys/bus/event_source/devices/kprobe", F_OK))
		skip("no disk or no kprobes");
	missing = probes_open();
	expect(!missing, "no probe at %s: %s", missing, strerror(errno));

	/* The probes see what there is to be seen: more than the cache has */
	run_shrinkers();
	probes_read(got);
	expect(hidden_open(&m, SIZE) &&
	       hidden_open(&n, meminfo("NoDirectMapFree") * 1024 + 8 * MIB),
	       "open: %s", strerror(errno));
	probes_read(more);
	expect(more[FLUSHES] > got[FLUSHES] && more[CHANGES] > got[CHANGES],
	       "pages left the direct map unnoticed");

	result = count_pass(&m, disk, got);
	if (result != KSFT_PASS)
		return result;
	ksft_print_msg("%lu pages copied: %llu slots, %llu flushes, %llu changes\n",
		       PASS_COPIES, got[SLOTS], got[FLUSHES], got[CHANGES]);
	expect(got[SLOTS] >= PASS_COPIES, "not all went through slots");
	expect(!got[FLUSHES], "TLBs were flushed");
	expect(!got[CHANGES], "the direct map changed");
	expect(sound(&m, SEED), "after I/O");
	return KSFT_PASS;
}

/* --- running -------------------------------------------------------------- */

static const struct test tests[] = {
	{ "swap to zram", test_zram },
	{ "swap to zswap", test_zswap },
	{ "buffers of dm-crypt", test_crypt },
	{ "dm-crypt over the file", test_crypt_below },
	{ "a disk that uses DMA", test_dma },
	{ "commands to a SCSI disk", test_scsi },
	{ "bounce buffers were used", test_bounced },
	{ "MSG_ZEROCOPY over veth", test_veth_zerocopy },
	{ "sendfile over veth", test_veth_sendfile },
	{ "uprobes", test_uprobe },
	{ "no flush and no change of the direct map", test_counts },
};

int main(void)
{
	ksft_print_header();
	need_hidden_files();
	ksft_set_plan(ARRAY_SIZE(tests));
	run_tests(tests, ARRAY_SIZE(tests));
	ksft_finished();
}
