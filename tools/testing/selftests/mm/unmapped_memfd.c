// SPDX-License-Identifier: GPL-2.0
/*
 * Files outside the direct map: memfd_create(MFD_NO_DIRECT_MAP).
 *
 * They do what an ordinary memfd does: each test takes bytes in or out by
 * another road through the kernel, and compares both ends. All that time
 * /proc/kcore shows nothing at the direct-map address of any page of the file:
 * what the kernel reads or writes it reaches through kmap. unmapped_roads.c
 * has the roads that need more devices, unmapped_refused.c what happens when
 * the kernel may not reach a page.
 *
 * Each test runs in a process of its own, with a time limit. Needs root.
 */
#define _GNU_SOURCE
#include <time.h>
#include <linux/errqueue.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "unmapped_file.h"
#include "unmapped_io.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif

/* --- the file ------------------------------------------------------------- */

/* Without an ordinary page to be seen, seeing no other says nothing. */
static int test_control(void)
{
	struct secret m;

	expect(file_open(&m, SOME, 0), "open: %s", strerror(errno));
	pattern_fill(m.base, m.bytes, SEED);
	expect(pages_shown(&m) == SOME / PAGE, "%zu of %zu pages are shown",
	       pages_shown(&m), SOME / PAGE);
	return KSFT_PASS;
}

static int test_flags(void)
{
	struct secret m;

	expect(memfd_create("x", MFD_NO_DIRECT_MAP | MFD_HUGETLB) < 0 &&
	       errno == EINVAL, "with MFD_HUGETLB: %s", strerror(errno));
	expect(file_open(&m, SOME, MFD_NO_DIRECT_MAP | MFD_CLOEXEC |
					   MFD_ALLOW_SEALING),
	       "with other flags: %s", strerror(errno));
	expect(!nonzero_words(m.base, m.bytes), "fresh pages are not zero");
	munmap(m.base, m.bytes);
	expect(!fcntl(m.fd, F_ADD_SEALS, F_SEAL_WRITE), "seal: %s",
	       strerror(errno));
	expect(write(m.fd, "x", 1) < 0 && errno == EPERM, "a seal is ignored");
	return KSFT_PASS;
}

/* --- files and pipes ------------------------------------------------------ */

static int test_read_write(void)
{
	char *out = plain_pages(SIZE, 0), *in = plain_pages(SIZE, SEED + 1);
	struct secret m;

	expect(hidden_open(&m, SIZE), "open: %s", strerror(errno));
	expect(copy_out(m.fd, out, SIZE), "read: %s", strerror(errno));
	expect(!pattern_errors(out, SIZE, SEED), "read other bytes");
	expect(copy_in(m.fd, in, SIZE), "write: %s", strerror(errno));
	expect(sound(&m, SEED + 1), "after write");
	return KSFT_PASS;
}

static int test_sendfile(void)
{
	char *out = plain_pages(SOME, 0);
	struct secret m;
	off_t at = 0;
	int fds[2];

	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	expect(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds), "socketpair: %s",
	       strerror(errno));
	expect(sendfile(fds[0], m.fd, &at, SOME) == (ssize_t)SOME,
	       "sendfile: %s", strerror(errno));
	expect(drain(fds[1], out, SOME), "read: %s", strerror(errno));
	expect(!pattern_errors(out, SOME, SEED), "other bytes came");
	expect(sound(&m, SEED), "after sendfile");
	return KSFT_PASS;
}

/* The pages themselves go into the pipe, and from there into the other. */
static int test_splice(void)
{
	struct secret m, n;
	loff_t from = 0, to = 0;
	int fds[2];

	expect(hidden_open(&m, SOME) &&
	       file_open(&n, SOME, MFD_NO_DIRECT_MAP), "open: %s",
	       strerror(errno));
	expect(!pipe(fds), "pipe: %s", strerror(errno));
	while (from < (loff_t)SOME) {
		ssize_t got = splice(m.fd, &from, fds[1], NULL, SOME - from,
				     0);

		expect(got > 0, "splice: %s", strerror(errno));
		expect(splice(fds[0], NULL, n.fd, &to, got, SPLICE_F_MOVE) ==
		       got, "splice: %s", strerror(errno));
	}
	expect(sound(&n, SEED) && sound(&m, SEED), "after splice");
	return KSFT_PASS;
}

static int test_vmsplice(void)
{
	char *out = plain_pages(SOME, 0);
	struct secret m;
	struct iovec iov;
	int fds[2];

	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	expect(!pipe(fds), "pipe: %s", strerror(errno));
	iov = (struct iovec){ m.base, SOME };
	expect(vmsplice(fds[1], &iov, 1, 0) == (ssize_t)SOME, "vmsplice: %s",
	       strerror(errno));
	expect(drain(fds[0], out, SOME), "read: %s", strerror(errno));
	expect(!pattern_errors(out, SOME, SEED), "other bytes came");
	expect(sound(&m, SEED), "after vmsplice");
	return KSFT_PASS;
}

static int test_hole(void)
{
	char *out = plain_pages(PAGE, SEED);
	struct secret m;

	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	expect(!fallocate(m.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  PAGE + 100, 2 * PAGE), "hole: %s", strerror(errno));
	expect(pread(m.fd, out, PAGE, PAGE) == (ssize_t)PAGE, "read: %s",
	       strerror(errno));
	expect(!nonzero_words(out + 104, PAGE - 104), "the hole is not empty");
	expect(!memcmp(out, m.base + PAGE, PAGE) &&
	       !nonzero_words(m.base + 2 * PAGE, PAGE), "not so mapped");
	expect(!fallocate(m.fd, 0, SOME, SOME), "fallocate: %s",
	       strerror(errno));
	expect(!pages_shown(&m), "pages are shown");
	return KSFT_PASS;
}

/* --- disks ---------------------------------------------------------------- */

static int test_direct_io(void)
{
	int disk = loop_over(memfd_create("disk", 0), MIB);
	struct secret m;

	if (disk < 0)
		skip("no loop device");
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	expect(pwrite(disk, m.base, SOME, 0) == (ssize_t)SOME, "write: %s",
	       strerror(errno));
	memset(m.base, 1, SOME);
	expect(pread(disk, m.base, SOME, 0) == (ssize_t)SOME, "read: %s",
	       strerror(errno));
	loop_end(disk);
	expect(sound(&m, SEED), "after a round over the disk");
	return KSFT_PASS;
}

/* The file is the disk. */
static int test_loop(void)
{
	char *in = plain_pages(SIZE, SEED + 1), *out = plain_pages(SIZE, 0);
	struct secret m;
	int disk;

	expect(hidden_open(&m, SIZE), "open: %s", strerror(errno));
	disk = loop_over(dup(m.fd), SIZE);
	if (disk < 0)
		skip("no loop device");
	expect(pread(disk, out, SIZE, 0) == (ssize_t)SIZE, "read: %s",
	       strerror(errno));
	expect(!pattern_errors(out, SIZE, SEED), "read other bytes");
	expect(pwrite(disk, in, SIZE, 0) == (ssize_t)SIZE, "write: %s",
	       strerror(errno));
	expect(!fsync(disk), "fsync: %s", strerror(errno));
	loop_end(disk);
	expect(sound(&m, SEED + 1), "after write");
	return KSFT_PASS;
}

static int test_aio(void)
{
	int disk = loop_over(memfd_create("disk", 0), MIB);
	aio_context_t ctx = 0;
	struct secret m;

	if (disk < 0 || syscall(__NR_io_setup, 4, &ctx))
		skip("no loop device or no AIO");
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	expect(aio_one(ctx, disk, IOCB_CMD_PWRITE, m.base, SOME) == SOME,
	       "write");
	memset(m.base, 1, SOME);
	expect(aio_one(ctx, disk, IOCB_CMD_PREAD, m.base, SOME) == SOME,
	       "read");
	loop_end(disk);
	expect(sound(&m, SEED), "after a round over the disk");
	return KSFT_PASS;
}

static int test_io_uring(void)
{
	int disk = loop_over(memfd_create("disk", 0), MIB);
	struct secret m;
	struct iovec iov;
	struct ring r;

	if (disk < 0 || !ring_open(&r))
		skip("no loop device or no io_uring");
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	iov = (struct iovec){ m.base, SOME };
	expect(!syscall(__NR_io_uring_register, r.fd, IORING_REGISTER_BUFFERS,
			&iov, 1), "register: %s", strerror(errno));
	expect(ring_one(&r, IORING_OP_WRITE_FIXED, disk, m.base, SOME) == SOME,
	       "write");
	memset(m.base, 1, SOME);
	expect(ring_one(&r, IORING_OP_READ_FIXED, disk, m.base, SOME) == SOME,
	       "read");
	loop_end(disk);
	expect(sound(&m, SEED), "after a round over the disk");
	return KSFT_PASS;
}

/* --- network -------------------------------------------------------------- */

static int test_zerocopy(void)
{
	char *out = plain_pages(SOME, 0), control[128];
	struct msghdr msg = {
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct pollfd poll_error;
	int fds[2], one = 1;
	struct secret m;

	if (!connect_tcp(fds))
		skip("no TCP on the loopback device: %s", strerror(errno));
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	expect(!setsockopt(fds[0], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)),
	       "SO_ZEROCOPY: %s", strerror(errno));
	expect(send(fds[0], m.base, SOME, MSG_ZEROCOPY) == (ssize_t)SOME,
	       "send: %s", strerror(errno));
	expect(drain(fds[1], out, SOME), "read: %s", strerror(errno));
	expect(!pattern_errors(out, SOME, SEED), "other bytes came");
	poll_error = (struct pollfd){ fds[0], 0, 0 };
	expect(poll(&poll_error, 1, 10000) == 1 &&
	       recvmsg(fds[0], &msg, MSG_ERRQUEUE) >= 0, "not completed");
	expect(sound(&m, SEED), "after send");
	return KSFT_PASS;
}

static int test_sendfile_tcp(void)
{
	char *out = plain_pages(SOME, 0);
	struct secret m;
	off_t at = 0;
	int fds[2];

	if (!connect_tcp(fds))
		skip("no TCP on the loopback device: %s", strerror(errno));
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	expect(sendfile(fds[0], m.fd, &at, SOME) == (ssize_t)SOME,
	       "sendfile: %s", strerror(errno));
	expect(drain(fds[1], out, SOME), "read: %s", strerror(errno));
	expect(!pattern_errors(out, SOME, SEED), "other bytes came");
	expect(sound(&m, SEED), "after sendfile");
	return KSFT_PASS;
}

/* --- other processes ------------------------------------------------------ */

static int test_process_vm(void)
{
	char *buf = plain_pages(SOME, 0);
	struct iovec here = { buf, SOME }, there;
	struct secret m;

	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	there = (struct iovec){ m.base, SOME };
	expect(process_vm_readv(getpid(), &here, 1, &there, 1, 0) ==
	       (ssize_t)SOME, "readv: %s", strerror(errno));
	expect(!pattern_errors(buf, SOME, SEED), "other bytes came");
	pattern_fill(buf, SOME, SEED + 1);
	expect(process_vm_writev(getpid(), &here, 1, &there, 1, 0) ==
	       (ssize_t)SOME, "writev: %s", strerror(errno));
	expect(sound(&m, SEED + 1), "after writev");
	return KSFT_PASS;
}

static int peek_child(long *addr)
{
	pid_t parent = getppid();
	int status;
	long word;

	if (ptrace(PTRACE_ATTACH, parent, 0, 0) ||
	    waitpid(parent, &status, 0) != parent)
		return 1;
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, parent, addr, 0);
	status = errno || (__u64)word != pattern_word(SEED, 0) ? 2 : 0;
	if (ptrace(PTRACE_POKEDATA, parent, addr, 42L))
		status = 3;
	ptrace(PTRACE_DETACH, parent, 0, 0);
	return status;
}

static int test_ptrace(void)
{
	struct secret m;
	int status;
	pid_t pid;

	expect(hidden_open(&m, PAGE), "open: %s", strerror(errno));
	pid = fork();
	if (!pid)
		_exit(peek_child((long *)m.base));
	status = exit_status(pid);
	expect(!status && *(long *)m.base == 42, "failed (%d)", status);
	expect(!pages_shown(&m), "pages are shown");
	return KSFT_PASS;
}

/* A private mapping: what is written is the process's own, and ordinary. */
static int test_private(void)
{
	struct secret m;
	char *own;
	pid_t pid;

	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	own = mmap(NULL, SOME, PROT_READ | PROT_WRITE, MAP_PRIVATE, m.fd, 0);
	expect(own != MAP_FAILED, "mmap: %s", strerror(errno));
	expect(!pattern_errors(own, SOME, SEED), "reads other bytes");
	pid = fork();
	if (!pid) {
		own[0]++;
		own[PAGE]++;
		_exit(memcmp(own + 1, m.base + 1, PAGE - 1) ||
		      own[PAGE] == m.base[PAGE]);
	}
	expect(!exit_status(pid), "the child's copy is wrong");
	own[0]++;
	expect(!memcmp(own + 1, m.base + 1, SOME - 1), "the copy is wrong");
	expect(sound(&m, SEED), "after writes to copies");
	return KSFT_PASS;
}

/* The core of a process that maps the file has its contents. */
static int test_coredump(void)
{
	struct secret m;
	int copies;

	if (!write_string(CORE_PATTERN, CORE))
		skip("no core dumps");
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	copies = copies_in_core(m.base);
	expect(copies > 0, "%d copies in the core", copies);
	expect(sound(&m, SEED), "after the dump");
	return KSFT_PASS;
}

static void *uffd_serve(void *data)
{
	char *page = plain_pages(PAGE, SEED);
	int uffd = *(int *)data;
	struct uffd_msg msg;
	struct uffdio_copy copy;

	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		return NULL;
	copy = (struct uffdio_copy){
		.dst = msg.arg.pagefault.address & ~(PAGE - 1),
		.src = (uintptr_t)page,
		.len = PAGE,
	};
	ioctl(uffd, UFFDIO_COPY, &copy);
	return NULL;
}

static int test_userfaultfd(void)
{
	int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg;
	struct secret m;
	pthread_t server;

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		skip("no userfaultfd");
	expect(file_open(&m, PAGE, MFD_NO_DIRECT_MAP), "open: %s",
	       strerror(errno));
	reg = (struct uffdio_register){
		.range = { (uintptr_t)m.base, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	expect(!ioctl(uffd, UFFDIO_REGISTER, &reg), "register: %s",
	       strerror(errno));
	expect(!pthread_create(&server, NULL, uffd_serve, &uffd), "no thread");
	expect(sound(&m, SEED), "after UFFDIO_COPY");
	pthread_join(server, NULL);
	return KSFT_PASS;
}

/* --- folios that take the place of others --------------------------------- */

static int swap_round(const struct secret *m, const char *name)
{
	__u64 in = vmstat("pswpin"), out = page_out("pswpout");

	expect(out >= SIZE / PAGE / 2, "%llu pages went out", out);
	expect(sound(m, SEED), "after swap");
	in = vmstat("pswpin") - in;
	expect(in >= SIZE / PAGE / 2, "%llu pages came in", in);
	page_out("pswpout");
	expect(!swapoff(name), "swapoff: %s", strerror(errno));
	expect(sound(m, SEED), "after swapoff");
	return KSFT_PASS;
}

static int test_swap(void)
{
	struct secret m;
	int disk, result;
	char name[32];

	if (!group_enter())
		skip("no memory cgroup");
	disk = swap_start(name, 4 * MIB);
	if (disk < 0)
		skip("no swap: %s", strerror(errno));
	expect(hidden_open(&m, SIZE), "open: %s", strerror(errno));
	result = swap_round(&m, name);
	swapoff(name);
	loop_end(disk);
	secret_close(&m);
	group_leave();
	return result;
}

/* No attempt is made to move them: it would fail. */
static int test_compaction(void)
{
	__u64 failed;
	struct secret m;

	expect(hidden_open(&m, 8 * MIB), "open: %s", strerror(errno));
	failed = vmstat("pgmigrate_fail");
	if (!write_string("/proc/sys/vm/compact_memory", "1"))
		skip("no compaction");
	failed = vmstat("pgmigrate_fail") - failed;
	expect(failed < 8 * MIB / PAGE / 2, "%llu pages could not be moved",
	       failed);
	expect(sound(&m, SEED), "after compaction");
	return KSFT_PASS;
}

/* All pages to a node; how many are there then. */
static int move_all(const struct secret *m, int node)
{
	int nodes[SOME / PAGE], status[SOME / PAGE], n = 0;
	void *pages[SOME / PAGE];
	size_t i;

	for (i = 0; i < SOME / PAGE; i++) {
		pages[i] = m->base + i * PAGE;
		nodes[i] = node;
		*(volatile char *)pages[i];
	}
	syscall(__NR_move_pages, 0, SOME / PAGE, pages, nodes, status,
		1 << 2 /* MPOL_MF_MOVE_ALL */);
	syscall(__NR_move_pages, 0, SOME / PAGE, pages, NULL, status, 0);
	for (i = 0; i < SOME / PAGE; i++)
		n += status[i] == node;
	return n;
}

static int test_move_pages(void)
{
	struct secret m;
	int node, n;

	if (access("/sys/devices/system/node/node1", F_OK))
		skip("one node");
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	for (node = 1; node >= 0; node--) {
		n = move_all(&m, node);
		expect(n == SOME / PAGE, "%d pages moved to node %d", n, node);
		expect(sound(&m, SEED), "after move_pages to %d", node);
	}
	return KSFT_PASS;
}

/* The policy of the mapping chooses the node, as it does for others. */
static int test_policy(void)
{
	unsigned long mask = 2;
	int status[1] = { -1 };
	struct secret m;
	void *page;

	if (access("/sys/devices/system/node/node1", F_OK))
		skip("one node");
	expect(file_open(&m, SOME, MFD_NO_DIRECT_MAP), "open: %s",
	       strerror(errno));
	expect(!syscall(__NR_mbind, m.base, SOME, 2 /* MPOL_BIND */, &mask,
			8 * sizeof(mask), 0), "mbind: %s", strerror(errno));
	pattern_fill(m.base, SOME, SEED);
	for (page = m.base; page < (void *)m.base + SOME; page += PAGE) {
		syscall(__NR_move_pages, 0, 1L, &page, NULL, status, 0);
		expect(status[0] == 1, "a page is on node %d", status[0]);
	}
	expect(sound(&m, SEED), "after mbind");
	return KSFT_PASS;
}

/* A huge page would be one of the direct map. */
static int test_collapse(void)
{
	size_t bytes = 4 * MIB;
	struct secret m;

	expect(hidden_open(&m, bytes), "open: %s", strerror(errno));
	expect(madvise(m.base, bytes, MADV_COLLAPSE), "collapsed");
	expect(sound(&m, SEED), "after MADV_COLLAPSE");
	return KSFT_PASS;
}

/* --- limits --------------------------------------------------------------- */

#define CAP	"/proc/sys/vm/unmapped_file_max_kbytes"

/* kB in files, without what other owners have; and files that are closed. */
static __u64 files_used(void)
{
	__u64 pages;

	run_shrinkers();
	pages = proc_value("/sys/kernel/debug/unmapped_alloc",
			   "Owner file, pages");
	return pages == ABSENT ? ABSENT : pages * (PAGE / 1024);
}

/* More than the cap is refused with an error, page by page. */
static int test_cap(void)
{
	char *in = plain_pages(PAGE, SEED), value[32];
	struct secret m;
	size_t got;
	__u64 used;
	int ok;

	expect(file_open(&m, 2 * SIZE, MFD_NO_DIRECT_MAP), "open: %s",
	       strerror(errno));
	used = files_used();
	sprintf(value, "%llu", used + SIZE / 1024);
	if (used == ABSENT || !write_string(CAP, value))
		skip("no debugfs or no " CAP);
	sigbus_prepare();
	got = touch_pages(m.base, 2 * SIZE / PAGE);
	ok = pwrite(m.fd, in, PAGE, 2 * SIZE - PAGE) < 0 && errno == ENOSPC;
	write_string(CAP, "0");
	expect(got >= SIZE / PAGE - 64 && got <= SIZE / PAGE + 64,
	       "%zu pages below a cap of %lu", got, SIZE / PAGE);
	expect(ok, "write: %s", strerror(errno));
	expect(touch_page(m.base + 2 * SIZE - PAGE), "without a cap: SIGBUS");
	return KSFT_PASS;
}

/* --- the direct map ------------------------------------------------------- */

/* Nobody's page comes back with what was in the file. */
static int test_ordinary_zero(void)
{
	struct secret m;
	char *p;

	expect(hidden_open(&m, 8 * MIB), "open: %s", strerror(errno));
	secret_close(&m);
	run_shrinkers();
	p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(!nonzero_words(p, 64 * MIB), "pages are not zero");
	return KSFT_PASS;
}

/* I/O changes nothing there: it has slots of its own. */
static int test_direct_map(void)
{
	__u64 splits, large;
	char *out = plain_pages(SIZE, 0);
	struct secret m;
	int i;

	expect(hidden_open(&m, SIZE), "open: %s", strerror(errno));
	large = meminfo("DirectMap2M");
	splits = vmstat("direct_map_level2_splits");
	for (i = 0; i < 20; i++)
		expect(copy_out(m.fd, out, SIZE) && copy_in(m.fd, out, SIZE),
		       "I/O: %s", strerror(errno));
	expect(vmstat("direct_map_level2_splits") == splits &&
	       meminfo("DirectMap2M") == large, "the direct map changed");
	expect(sound(&m, SEED), "after I/O");
	return KSFT_PASS;
}

/*
 * One page in eight is left in each block: they move together, and no leaf is split
 * but those of blocks that cannot be emptied.
 */
static int test_room(void)
{
	__u64 enough = meminfo("NoDirectMap") + 12 * 1024, splits, now;
	size_t len = 32 * MIB, step = 8 * PAGE, at, errors = 0;
	struct secret m, lone;

	expect(fill_secrets(&lone), "secrets: %s", strerror(errno));
	expect(hidden_open(&m, len), "open: %s", strerror(errno));
	for (at = 0; at < len; at += step) {
		pattern_fill(m.base + at, PAGE, SEED + at);
		expect(!fallocate(m.fd, FALLOC_FL_PUNCH_HOLE |
				  FALLOC_FL_KEEP_SIZE, at + PAGE, step - PAGE),
		       "hole: %s", strerror(errno));
	}
	expect(leave_secrets(&lone), "secrets: %s", strerror(errno));
	splits = vmstat("direct_map_level2_splits");
	now = shrink_to(enough);
	for (at = 0; at < len; at += step)
		errors += pattern_errors(m.base + at, PAGE, SEED + at);
	expect(!errors, "%zu words are wrong", errors);
	expect(now <= enough, "%llu kB, enough were %llu", now, enough);
	expect(vmstat("direct_map_level2_splits") <= splits + SECRET_BLOCKS,
	       "%llu splits", vmstat("direct_map_level2_splits") - splits);
	secret_close(&lone);
	secret_close(&m);
	return KSFT_PASS;
}

/* --- running -------------------------------------------------------------- */

static const struct test tests[] = {
	{ "an ordinary memfd is shown", test_control },
	{ "sparse blocks are emptied", test_room },
	{ "flags", test_flags },
	{ "read and write", test_read_write },
	{ "sendfile", test_sendfile },
	{ "splice", test_splice },
	{ "vmsplice", test_vmsplice },
	{ "fallocate and holes", test_hole },
	{ "O_DIRECT", test_direct_io },
	{ "a loop device over the file", test_loop },
	{ "AIO", test_aio },
	{ "io_uring with registered buffers", test_io_uring },
	{ "MSG_ZEROCOPY", test_zerocopy },
	{ "sendfile over TCP", test_sendfile_tcp },
	{ "process_vm_readv, writev", test_process_vm },
	{ "ptrace", test_ptrace },
	{ "private mappings and fork", test_private },
	{ "core dump", test_coredump },
	{ "userfaultfd", test_userfaultfd },
	{ "swap and swapoff", test_swap },
	{ "compaction", test_compaction },
	{ "move_pages", test_move_pages },
	{ "memory policy", test_policy },
	{ "no huge pages", test_collapse },
	{ "a cap is kept, with an error", test_cap },
	{ "ordinary pages are zero afterwards", test_ordinary_zero },
	{ "I/O leaves the direct map alone", test_direct_map },
};

int main(void)
{
	ksft_print_header();
	need_hidden_files();
	ksft_set_plan(ARRAY_SIZE(tests));
	run_tests(tests, ARRAY_SIZE(tests));
	ksft_finished();
}
