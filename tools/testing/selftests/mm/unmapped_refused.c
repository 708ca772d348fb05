// SPDX-License-Identifier: GPL-2.0
/*
 * Pages outside the direct map that the kernel or a device may not reach.
 *
 * Each test takes bytes in or out by one road, of a file outside the direct map
 * with fail_page_access set to refuse every page, or of secret memory, whose
 * pages the kernel never reaches. The road ends with its error, and then both
 * ends are what they were; or it can do without the slot that it did not get,
 * and then the bytes are the right ones. Nothing in between.
 *
 * Each test runs in a process of its own, with a time limit. Needs root.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "unmapped_file.h"
#include "unmapped_io.h"

#define INJECT	"/sys/kernel/debug/fail_page_access/"
#define OTHER	(SEED + 1)

static bool injecting;

static void refuse(bool on)
{
	if (injecting)
		write_string(INJECT "probability", on ? "100" : "0");
}

/* Refused for good, and with nothing on the console. */
static bool inject_start(void)
{
	injecting = write_string(INJECT "times", "-1") &&
		    write_string(INJECT "verbose", "0") &&
		    write_string(INJECT "interval", "1");
	return injecting;
}

/* A call whose pages are refused: what it returned, or -errno. */
#define attempt(call)							\
	({								\
		long __result;						\
									\
		refuse(true);						\
		__result = (call);					\
		if (__result == -1)					\
			__result = -errno;				\
		refuse(false);						\
		__result;						\
	})

/* --- roads ---------------------------------------------------------------- */

/* The file or the secret, and the contents of the other end. */
struct ends {
	struct secret m;
	char *other;
	int disk, pipe[2];
};

/* A disk with the other contents, which are read again when all is done. */
static bool disk_start(struct ends *e)
{
	e->disk = dma_disk();
	if (e->disk < 0)
		e->disk = loop_over(memfd_create("disk", 0), SOME);
	return pwrite(e->disk, e->other, SOME, 0) == (ssize_t)SOME;
}

static void disk_end(struct ends *e)
{
	memset(e->other, 0, SOME);
	if (pread(e->disk, e->other, SOME, 0) != (ssize_t)SOME)
		memset(e->other, 0, SOME);
	loop_end(e->disk);
}

static long out_read(struct ends *e)
{
	return attempt(pread(e->m.fd, e->other, SOME, 0));
}

static long in_write(struct ends *e)
{
	return attempt(pwrite(e->m.fd, e->other, SOME, 0));
}

/* The pages are in a pipe; reading them from there is refused. */
static long pipe_read(struct ends *e)
{
	long got = attempt(read(e->pipe[0], e->other, SOME));

	return got < 0 || drain(e->pipe[0], e->other + got, SOME - got) ?
	       (got < 0 ? got : (long)SOME) : -EPIPE;
}

static long out_splice(struct ends *e)
{
	loff_t at = 0;

	if (pipe(e->pipe))
		return -errno;
	while (at < (loff_t)SOME)
		if (splice(e->m.fd, &at, e->pipe[1], NULL, SOME - at, 0) <= 0)
			return -errno;
	return pipe_read(e);
}

static long out_vmsplice(struct ends *e)
{
	struct iovec iov = { e->m.base, SOME };

	if (pipe(e->pipe) || vmsplice(e->pipe[1], &iov, 1, 0) != (ssize_t)SOME)
		return -errno;
	return pipe_read(e);
}

static long out_process(struct ends *e)
{
	struct iovec here = { e->other, SOME }, there = { e->m.base, SOME };

	return attempt(process_vm_readv(getpid(), &here, 1, &there, 1, 0));
}

static long in_process(struct ends *e)
{
	struct iovec here = { e->other, SOME }, there = { e->m.base, SOME };

	return attempt(process_vm_writev(getpid(), &here, 1, &there, 1, 0));
}

/* As ptrace does it. */
static long out_mem(struct ends *e)
{
	int fd = open("/proc/self/mem", O_RDWR);

	return attempt(pread(fd, e->other, SOME, (uintptr_t)e->m.base));
}

static long in_mem(struct ends *e)
{
	int fd = open("/proc/self/mem", O_RDWR);

	return attempt(pwrite(fd, e->other, SOME, (uintptr_t)e->m.base));
}

static long out_direct(struct ends *e)
{
	long got;

	if (!disk_start(e))
		return -ENODEV;
	got = attempt(pwrite(e->disk, e->m.base, SOME, 0));
	disk_end(e);
	return got;
}

static long in_direct(struct ends *e)
{
	long got;

	if (!disk_start(e))
		return -ENODEV;
	got = attempt(pread(e->disk, e->m.base, SOME, 0));
	disk_end(e);
	return got;
}

static long by_aio(struct ends *e, int op)
{
	aio_context_t ctx = 0;
	long got;

	if (!disk_start(e) || syscall(__NR_io_setup, 4, &ctx))
		return -ENODEV;
	got = attempt(aio_one(ctx, e->disk, op, e->m.base, SOME));
	disk_end(e);
	return got;
}

static long out_aio(struct ends *e)
{
	return by_aio(e, IOCB_CMD_PWRITE);
}

static long in_aio(struct ends *e)
{
	return by_aio(e, IOCB_CMD_PREAD);
}

static long by_ring(struct ends *e, int op)
{
	struct iovec iov = { e->m.base, SOME };
	struct ring r;
	long got;

	if (!ring_open(&r) || !disk_start(e))
		return -ENODEV;
	got = syscall(__NR_io_uring_register, r.fd, IORING_REGISTER_BUFFERS,
		      &iov, 1);
	if (got)
		got = -errno;
	else
		got = attempt(ring_one(&r, op, e->disk, e->m.base, SOME));
	disk_end(e);
	return got;
}

static long out_ring(struct ends *e)
{
	return by_ring(e, IORING_OP_WRITE_FIXED);
}

static long in_ring(struct ends *e)
{
	return by_ring(e, IORING_OP_READ_FIXED);
}

static long by_scsi(struct ends *e, bool write)
{
	long got;

	e->disk = scsi_disk();
	if (e->disk < 0 || scsi_one(e->disk, true, e->other, SOME))
		return -ENODEV;
	got = attempt(scsi_one(e->disk, write, e->m.base, SOME));
	memset(e->other, 0, SOME);
	scsi_one(e->disk, false, e->other, SOME);
	close(e->disk);
	return got ?: (long)SOME;
}

static long out_scsi(struct ends *e)
{
	return by_scsi(e, true);
}

static long in_scsi(struct ends *e)
{
	return by_scsi(e, false);
}

/* The file is the disk. */
static long out_loop(struct ends *e)
{
	long got;

	e->disk = loop_over(dup(e->m.fd), SOME);
	if (e->disk < 0)
		return -ENODEV;
	got = attempt(pread(e->disk, e->other, SOME, 0));
	loop_end(e->disk);
	return got;
}

static long in_loop(struct ends *e)
{
	long got;

	e->disk = loop_over(dup(e->m.fd), SOME);
	if (e->disk < 0)
		return -ENODEV;
	got = attempt(pwrite(e->disk, e->other, SOME, 0));
	loop_end(e->disk);
	return got;
}

/* A road that takes no error for a refusal can do without. */
#define NO_ERROR	0
/* There is no such road: secret memory has no read(). */
#define NO_ROAD		(-1)

static const struct road {
	const char *name;
	long (*fn)(struct ends *e);
	bool in;
	int error, secret_error;
} roads[] = {
	{ "read", out_read, false, EFAULT, NO_ROAD },
	{ "write", in_write, true, NO_ERROR, NO_ROAD },
	{ "splice", out_splice, false, EFAULT, NO_ROAD },
	{ "vmsplice", out_vmsplice, false, EFAULT, EFAULT },
	{ "process_vm_readv", out_process, false, EFAULT, EFAULT },
	{ "process_vm_writev", in_process, true, EFAULT, EFAULT },
	{ "read of /proc/self/mem", out_mem, false, EIO, EIO },
	{ "write of /proc/self/mem", in_mem, true, EIO, EIO },
	{ "write with O_DIRECT", out_direct, false, EIO, EFAULT },
	{ "read with O_DIRECT", in_direct, true, EIO, EFAULT },
	{ "write by AIO", out_aio, false, EIO, EFAULT },
	{ "read by AIO", in_aio, true, EIO, EFAULT },
	{ "write by io_uring", out_ring, false, EIO, EFAULT },
	{ "read by io_uring", in_ring, true, EIO, EFAULT },
	{ "write by SCSI command", out_scsi, false, EIO, EFAULT },
	{ "read by SCSI command", in_scsi, true, EIO, EFAULT },
	{ "read of a loop device", out_loop, false, EIO, NO_ROAD },
	{ "write of a loop device", in_loop, true, NO_ERROR, NO_ROAD },
};

/* The road in question, and whether it leads to secret memory. */
static const struct road *road;
static bool secret;

static int test_road(void)
{
	int error = secret ? road->secret_error : road->error;
	__u64 seed = road->in ? OTHER : SEED;
	struct ends e = { .other = plain_pages(SOME, OTHER) };
	long got;

	if (secret) {
		expect(secret_open(&e.m, SOME), "open: %s", strerror(errno));
		pattern_fill(e.m.base, SOME, SEED);
	} else {
		expect(hidden_open(&e.m, SOME), "open: %s", strerror(errno));
	}
	got = road->fn(&e);
	if (got == -ENODEV)
		skip("no such device");
	if (!error) {
		expect(got == SOME, "%ld in place of all bytes", got);
		expect(!pattern_errors(e.other, SOME, seed) &&
		       sound(&e.m, seed), "other bytes");
		return KSFT_PASS;
	}
	expect(got == -error, "%ld in place of -%d", got, error);
	expect(!pattern_errors(e.other, SOME, OTHER), "the other end changed");
	expect(sound(&e.m, SEED), "after the error");
	return KSFT_PASS;
}

/* --- roads that try again ------------------------------------------------- */

static bool readable(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, ms) == 1;
}

/* Packets are lost until the pages may be sent; then the right bytes come. */
static int over_tcp(bool zerocopy)
{
	char *out = plain_pages(SOME, 0);
	int fds[2], one = 1;
	struct secret m;
	off_t at = 0;
	bool came;
	long got;

	if (!connect_tcp(fds))
		skip("no TCP on the loopback device: %s", strerror(errno));
	expect(hidden_open(&m, SOME), "open: %s", strerror(errno));
	setsockopt(fds[0], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));
	refuse(true);
	got = zerocopy ? send(fds[0], m.base, SOME, MSG_ZEROCOPY) :
			 sendfile(fds[0], m.fd, &at, SOME);
	came = readable(fds[1], 1000);
	refuse(false);
	expect(got == (ssize_t)SOME, "send: %s", strerror(errno));
	expect(!came, "bytes came");
	expect(drain(fds[1], out, SOME), "read: %s", strerror(errno));
	expect(!pattern_errors(out, SOME, SEED), "other bytes came");
	expect(sound(&m, SEED), "after send");
	return KSFT_PASS;
}

static int test_zerocopy(void)
{
	return over_tcp(true);
}

static int test_sendfile(void)
{
	return over_tcp(false);
}

/* Pages of the file that are neither in memory nor in the swap cache. */
static size_t pages_out(const struct secret *m)
{
	static unsigned char resident[SIZE / PAGE];
	size_t i, out = 0;

	if (mincore(m->base, m->bytes, resident))
		return 0;
	for (i = 0; i < m->bytes / PAGE; i++)
		out += !(resident[i] & 1);
	return out;
}

/* No page goes out while it is refused. */
static int test_swap(void)
{
	size_t out, later;
	struct secret m;
	char name[32];
	int disk;

	if (!group_enter())
		skip("no memory cgroup");
	disk = swap_start(name, 4 * MIB);
	if (disk < 0)
		skip("no swap: %s", strerror(errno));
	expect(hidden_open(&m, SIZE), "open: %s", strerror(errno));
	refuse(true);
	page_out("pswpout");
	refuse(false);
	out = pages_out(&m);
	page_out("pswpout");
	later = pages_out(&m);
	swapoff(name);
	loop_end(disk);
	group_leave();
	expect(!out, "%zu pages went out", out);
	expect(later >= SIZE / PAGE / 2, "later %zu pages went out",
	       later);
	expect(sound(&m, SEED), "after that");
	return KSFT_PASS;
}

/* --- running -------------------------------------------------------------- */

static const struct test tests[] = {
	{ "MSG_ZEROCOPY", test_zerocopy },
	{ "sendfile over TCP", test_sendfile },
	{ "swap", test_swap },
};

static void run(const char *what, const char *name, int (*fn)(void))
{
	ksft_test_result_report(run_alone(fn), "%s: %s\n", what, name);
	refuse(false);
}

static unsigned int secret_roads(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(roads); i++)
		n += roads[i].secret_error != NO_ROAD;
	return n;
}

static void run_secret(void)
{
	secret = true;
	for (road = roads; road < roads + ARRAY_SIZE(roads); road++)
		if (road->secret_error != NO_ROAD)
			run("secret memory", road->name, test_road);
}

static void run_injected(void)
{
	size_t i;

	secret = false;
	for (road = roads; road < roads + ARRAY_SIZE(roads); road++)
		run("refused", road->name, test_road);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		run("refused", tests[i].name, tests[i].fn);
}

int main(void)
{
	bool inject;

	ksft_print_header();
	need_secretmem();
	need_hidden_files();
	inject = inject_start();
	injecting = false;
	ksft_set_plan(secret_roads() + (inject ? ARRAY_SIZE(roads) +
						 ARRAY_SIZE(tests) : 1));
	run_secret();
	injecting = inject;
	if (inject)
		run_injected();
	else
		ksft_test_result_skip("no " INJECT "\n");
	ksft_finished();
}
