// SPDX-License-Identifier: GPL-2.0
/*
 * memfd_secret() on the cache of unmapped pages.
 *
 * What memfd_secret promises is tested on every kernel, so that the same
 * program tells what the base does: contents stay, fresh pages are zero, the
 * kernel's own reads are refused with the same errno, the limit on locked
 * memory holds, physical memory shows nothing. What only the cache can do
 * (the direct map keeps its leaves, SIGBUS in place of the OOM killer) is
 * skipped without the cache, and with unmapped_alloc=off.
 *
 * Each test runs in a process of its own, with a time limit: one that dies
 * is a failed test and not the end of the program. Needs root.
 */
#define _GNU_SOURCE
#include <linux/falloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "../kselftest.h"
#include "unmapped_util.h"

#define SEED		0x5ec2e7UL
#define BIG		(64 * MIB)

#define need_cache()							\
	do {								\
		if (!cache_is_on())					\
			skip("needs the cache of unmapped pages");	\
	} while (0)

/* --- contents ------------------------------------------------------------ */

#define SLOTS		32
#define CHURN_STEPS	400
#define CHURNERS	4

struct slot {
	struct secret secret;
	__u64 seed;
	bool used;
};

static bool slot_fill(struct slot *slot, __u64 random)
{
	size_t pages = 1 + random % 32;

	if (!secret_open(&slot->secret, pages * PAGE))
		return false;
	if (nonzero_words(slot->secret.base, slot->secret.bytes))
		return false;
	slot->seed = random;
	slot->used = true;
	pattern_fill(slot->secret.base, slot->secret.bytes, random);
	return true;
}

static bool slot_empty(struct slot *slot)
{
	size_t errors;

	errors = pattern_errors(slot->secret.base, slot->secret.bytes,
				slot->seed);
	secret_close(&slot->secret);
	slot->used = false;
	return !errors;
}

static int churn(__u64 seed)
{
	struct slot slots[SLOTS] = { };
	struct slot *slot;
	int i;

	for (i = 0; i < CHURN_STEPS; i++) {
		__u64 random = mix(seed + i);

		slot = &slots[(random >> 32) % SLOTS];
		if (slot->used ? !slot_empty(slot) : !slot_fill(slot, random))
			return 1;
	}
	for (slot = slots; slot < slots + SLOTS; slot++)
		if (slot->used && !slot_empty(slot))
			return 1;
	return 0;
}

static int test_churn(void)
{
	pid_t pids[CHURNERS];
	int i, bad = 0;

	for (i = 0; i < CHURNERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(churn(SEED * (i + 1)));
	}
	for (i = 0; i < CHURNERS; i++)
		bad += exit_status(pids[i]) != 0;
	expect(!bad, "%d of %d processes found wrong bytes", bad, CHURNERS);
	return KSFT_PASS;
}

static int test_fresh_zero(void)
{
	struct secret s;
	size_t dirty;
	int i;

	for (i = 0; i < 4; i++) {
		expect(secret_open(&s, BIG), "open: %s", strerror(errno));
		dirty = nonzero_words(s.base, s.bytes);
		pattern_fill(s.base, s.bytes, SEED + i);
		secret_close(&s);
		expect(!dirty, "round %d: %zu words are not zero", i, dirty);
	}
	return KSFT_PASS;
}

/* Pages of one file, freed one at a time, beside a neighbour that stays. */
static int test_neighbour_stays(void)
{
	struct secret kept, gone;
	int i;

	expect(secret_open(&kept, 64 * PAGE), "open: %s", strerror(errno));
	for (i = 0; i < 64; i++) {
		expect(secret_open(&gone, PAGE), "open: %s", strerror(errno));
		pattern_fill(gone.base, PAGE, SEED);
		pattern_fill(kept.base + i * PAGE, PAGE, SEED + i);
		secret_close(&gone);
	}
	for (i = 0; i < 64; i++)
		expect(!pattern_errors(kept.base + i * PAGE, PAGE, SEED + i),
		       "page %d changed", i);
	secret_close(&kept);
	return KSFT_PASS;
}

static int fork_child(struct secret *s, int go)
{
	char byte;

	if (pattern_errors(s->base, PAGE, SEED))
		return 1;
	pattern_fill(s->base + PAGE, PAGE, SEED + 1);
	if (read(go, &byte, 1) != 1)
		return 2;
	if (pattern_errors(s->base + 2 * PAGE, PAGE, SEED + 2))
		return 3;
	return pattern_errors(s->base, PAGE, SEED) ? 4 : 0;
}

/* The child goes on with the pages after the parent's mapping is gone. */
static int test_fork(void)
{
	struct secret s;
	int go[2], status;
	pid_t pid;

	expect(secret_open(&s, 3 * PAGE), "open: %s", strerror(errno));
	expect(!pipe(go), "pipe: %s", strerror(errno));
	pattern_fill(s.base, PAGE, SEED);
	pid = fork();
	if (!pid)
		_exit(fork_child(&s, go[0]));
	pattern_fill(s.base + 2 * PAGE, PAGE, SEED + 2);
	munmap(s.base, s.bytes);
	expect(write(go[1], "x", 1) == 1, "pipe: %s", strerror(errno));
	status = exit_status(pid);
	expect(!status, "the child saw other bytes (%d)", status);
	s.base = mmap(NULL, s.bytes, PROT_READ, MAP_SHARED, s.fd, 0);
	expect(s.base != MAP_FAILED, "mmap: %s", strerror(errno));
	expect(!pattern_errors(s.base + PAGE, PAGE, SEED + 1),
	       "the child's write is not seen");
	secret_close(&s);
	return KSFT_PASS;
}

/* --- two threads, one page ------------------------------------------------ */

#define RACE_PAGES	1024UL

struct race {
	struct secret secret;
	pthread_barrier_t barrier;
};

struct racer {
	struct race *race;
	int nr;
	size_t lost;
};

static void *racer_run(void *data)
{
	struct racer *r = data;
	size_t i;

	for (i = 0; i < RACE_PAGES; i++) {
		volatile char *page = r->race->secret.base + i * PAGE;

		pthread_barrier_wait(&r->race->barrier);
		page[r->nr * PAGE / 2] = 1 + r->nr;
		pthread_barrier_wait(&r->race->barrier);
		r->lost += page[!r->nr * PAGE / 2] != 1 + !r->nr;
	}
	return NULL;
}

static int test_race(void)
{
	struct racer racers[2] = { };
	struct race race;
	pthread_t thread;

	expect(secret_open(&race.secret, RACE_PAGES * PAGE), "open: %s",
	       strerror(errno));
	pthread_barrier_init(&race.barrier, NULL, 2);
	racers[0] = (struct racer){ &race, 0, 0 };
	racers[1] = (struct racer){ &race, 1, 0 };
	expect(!pthread_create(&thread, NULL, racer_run, &racers[1]),
	       "no second thread");
	racer_run(&racers[0]);
	pthread_join(thread, NULL);
	secret_close(&race.secret);
	expect(!racers[0].lost && !racers[1].lost,
	       "%zu and %zu of the other's writes are missing",
	       racers[0].lost, racers[1].lost);
	return KSFT_PASS;
}

static int test_race_leaks_nothing(void)
{
	__u64 before, after;

	need_cache();
	run_shrinkers();
	before = unmapped_used();
	expect(test_race() == KSFT_PASS, "the race itself failed");
	run_shrinkers();
	after = unmapped_used();
	expect(after == before, "in use before %llu kB, after %llu kB",
	       before, after);
	return KSFT_PASS;
}

/* --- the kernel's own reads ----------------------------------------------- */

static const char marker[16] = "plain text here";

static int open_marked(struct secret *s)
{
	expect(secret_open(s, 2 * PAGE), "open: %s", strerror(errno));
	memcpy(s->base, marker, sizeof(marker));
	return KSFT_PASS;
}

static int test_file_io(void)
{
	struct secret s;
	char buf[16];

	expect(!open_marked(&s), "no secret page");
	expect(read(s.fd, buf, 16) < 0 && errno == EINVAL, "read");
	expect(write(s.fd, buf, 16) < 0 && errno == EINVAL, "write");
	expect(pread(s.fd, buf, 16, 0) < 0 && errno == ESPIPE, "pread: %s",
	       strerror(errno));
	expect(pwrite(s.fd, buf, 16, 0) < 0 && errno == ESPIPE, "pwrite: %s",
	       strerror(errno));
	secret_close(&s);
	return KSFT_PASS;
}

static int test_process_vm(void)
{
	char buf[16] = "";
	struct iovec local = { buf, sizeof(buf) }, remote;
	struct secret s;

	expect(!open_marked(&s), "no secret page");
	remote = (struct iovec){ s.base, sizeof(buf) };
	expect(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0,
	       "process_vm_readv read a secret page");
	if (errno == ENOSYS)
		skip("no process_vm_readv");
	expect(errno == EFAULT, "readv: %s", strerror(errno));
	expect(process_vm_writev(getpid(), &local, 1, &remote, 1, 0) < 0 &&
	       errno == EFAULT, "writev: %s", strerror(errno));
	expect(!memcmp(s.base, marker, sizeof(marker)), "written to");
	secret_close(&s);
	return KSFT_PASS;
}

static int test_proc_mem(void)
{
	struct secret s;
	char buf[16];
	int fd;

	expect(!open_marked(&s), "no secret page");
	fd = open("/proc/self/mem", O_RDWR);
	expect(fd >= 0, "/proc/self/mem: %s", strerror(errno));
	expect(pread(fd, buf, 16, (off_t)s.base) < 0 && errno == EIO,
	       "pread: %s", strerror(errno));
	expect(pwrite(fd, "overwritten", 11, (off_t)s.base) < 0 &&
	       errno == EIO, "pwrite: %s", strerror(errno));
	expect(!memcmp(s.base, marker, sizeof(marker)), "written to");
	close(fd);
	secret_close(&s);
	return KSFT_PASS;
}

static int test_vmsplice(void)
{
	struct secret s;
	struct iovec iov;
	int fds[2], i;

	expect(!open_marked(&s), "no secret page");
	expect(!pipe(fds), "pipe: %s", strerror(errno));
	for (i = 0; i < 2; i++) {
		iov = (struct iovec){ s.base + i * PAGE, PAGE };
		expect(vmsplice(fds[1], &iov, 1, 0) < 0 && errno == EFAULT,
		       "vmsplice of %s page: %s", i ? "a fresh" : "a present",
		       strerror(errno));
	}
	close(fds[0]);
	close(fds[1]);
	secret_close(&s);
	return KSFT_PASS;
}

static int peek_child(void *addr)
{
	pid_t parent = getppid();
	int status;

	if (ptrace(PTRACE_ATTACH, parent, 0, 0))
		return 1;
	if (waitpid(parent, &status, 0) != parent)
		return 2;
	errno = 0;
	ptrace(PTRACE_PEEKDATA, parent, addr, 0);
	status = errno == EIO ? 0 : 3;
	errno = 0;
	ptrace(PTRACE_POKEDATA, parent, addr, 0L);
	if (errno != EIO)
		status = 4;
	ptrace(PTRACE_DETACH, parent, 0, 0);
	return status;
}

static int test_ptrace(void)
{
	struct secret s;
	int status;
	pid_t pid;

	expect(!open_marked(&s), "no secret page");
	pid = fork();
	if (!pid)
		_exit(peek_child(s.base));
	status = exit_status(pid);
	expect(!status, "not refused with EIO (%d)", status);
	expect(!memcmp(s.base, marker, sizeof(marker)), "written to");
	secret_close(&s);
	return KSFT_PASS;
}

static int direct_io(int disk, struct secret *s)
{
	ssize_t done;

	done = pwrite(disk, s->base, PAGE, 0);
	expect(done < 0 && errno == EFAULT, "write gave %zd: %s", done,
	       strerror(errno));
	done = pread(disk, s->base, PAGE, 0);
	expect(done < 0 && errno == EFAULT, "read gave %zd: %s", done,
	       strerror(errno));
	done = pwrite(disk, s->base + PAGE, PAGE, 0);
	expect(done < 0 && errno == EFAULT, "a fresh page: %zd: %s", done,
	       strerror(errno));
	expect(!memcmp(s->base, marker, sizeof(marker)), "written to");
	return KSFT_PASS;
}

/*
 * A block device does O_DIRECT through get_user_pages(); tmpfs, which has
 * O_DIRECT as well, copies through the user's mapping and so may.
 */
static int test_direct_io(void)
{
	void *plain = aligned_alloc(PAGE, PAGE);
	int disk = loop_over(memfd_create("disk", 0), MIB), ret;
	struct secret s;

	if (disk < 0)
		skip("no loop device");
	expect(!open_marked(&s), "no secret page");
	memset(plain, 1, PAGE);
	expect(pwrite(disk, plain, PAGE, 0) == (ssize_t)PAGE,
	       "an ordinary page is not written: %s", strerror(errno));
	ret = direct_io(disk, &s);
	loop_end(disk);
	secret_close(&s);
	return ret;
}

/* The user's own copies go on working: they use the user's mapping. */
static int test_user_copy(void)
{
	char buf[sizeof(marker)];
	struct secret s;
	int fds[2];

	expect(!open_marked(&s), "no secret page");
	expect(!pipe(fds), "pipe: %s", strerror(errno));
	expect(write(fds[1], s.base, sizeof(buf)) == sizeof(buf),
	       "write from a secret page: %s", strerror(errno));
	expect(read(fds[0], s.base + PAGE, sizeof(buf)) == sizeof(buf),
	       "read to a secret page: %s", strerror(errno));
	expect(!memcmp(s.base + PAGE, marker, sizeof(buf)), "other bytes");
	secret_close(&s);
	return KSFT_PASS;
}

/* --- physical memory ------------------------------------------------------ */

struct window {
	const char *path;
	int fd;
};

/* Reads a page of physical memory; what cannot be read reads as zeros. */
static void peek_phys(const struct window *w, __u64 phys, char *page)
{
	off_t at = phys;

	memset(page, 0, PAGE);
	if (strstr(w->path, "kcore"))
		at = kcore_offset(w->fd, phys);
	if (!at || pread(w->fd, page, PAGE, at) != (ssize_t)PAGE)
		memset(page, 0, PAGE);
}

/* Without an ordinary page to be seen, seeing no secret page says nothing. */
static bool window_works(const struct window *w)
{
	static _Alignas(PAGE) char plain[PAGE];
	char page[PAGE];

	pattern_fill(plain, PAGE, SEED);
	if (!phys_of(plain))
		return false;
	peek_phys(w, phys_of(plain), page);
	return !pattern_errors(page, PAGE, SEED);
}

static int invisible_through(const struct window *w)
{
	char page[PAGE];
	struct secret s;
	size_t i;

	if (!window_works(w))
		skip("%s does not show ordinary pages", w->path);
	expect(secret_open(&s, 4 * MIB), "open: %s", strerror(errno));
	pattern_fill(s.base, s.bytes, SEED);
	for (i = 0; i < s.bytes; i += PAGE) {
		peek_phys(w, phys_of(s.base + i), page);
		expect(!nonzero_words(page, PAGE), "%s shows page %zu",
		       w->path, i / PAGE);
	}
	secret_close(&s);
	return KSFT_PASS;
}

/*
 * Each word of the pattern differs, so old contents are known by themselves:
 * a frame that somebody else has by now is not mistaken for them.
 */
static int gone_through(const struct window *w)
{
	__u64 frames[256];
	char page[PAGE];
	struct secret s;
	size_t i, seen = 0;

	if (!window_works(w))
		skip("%s does not show ordinary pages", w->path);
	expect(secret_open(&s, sizeof(frames) / 8 * PAGE), "open: %s",
	       strerror(errno));
	for (i = 0; i < 256; i++) {
		pattern_fill(s.base + i * PAGE, PAGE, SEED + i);
		frames[i] = phys_of(s.base + i * PAGE);
	}
	secret_close(&s);
	run_shrinkers();
	for (i = 0; i < 256; i++) {
		peek_phys(w, frames[i], page);
		seen += pattern_errors(page, PAGE, SEED + i) < PAGE / 8;
	}
	expect(!seen, "%zu freed frames hold old contents", seen);
	return KSFT_PASS;
}

static int with_window(const char *path, int (*fn)(const struct window *))
{
	struct window w = { path, open(path, O_RDONLY) };
	int ret;

	if (w.fd < 0)
		skip("%s: %s", path, strerror(errno));
	ret = fn(&w);
	close(w.fd);
	return ret;
}

static int test_devmem(void)
{
	return with_window("/dev/mem", invisible_through);
}

static int test_kcore(void)
{
	return with_window("/proc/kcore", invisible_through);
}

static int test_devmem_after_free(void)
{
	return with_window("/dev/mem", gone_through);
}

static int test_kcore_after_free(void)
{
	return with_window("/proc/kcore", gone_through);
}

/* Not even where the process asks for it. */
static int test_coredump(void)
{
	struct secret s;
	char *plain;
	int copies;

	if (!write_string(CORE_PATTERN, CORE))
		skip("no core dumps");
	expect(secret_open(&s, 16 * PAGE), "open: %s", strerror(errno));
	plain = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(plain != MAP_FAILED, "mmap: %s", strerror(errno));
	pattern_fill(s.base, s.bytes, SEED);
	pattern_fill(plain, PAGE, SEED + 1);
	madvise(s.base, s.bytes, MADV_DODUMP);
	copies = copies_in_core(plain);
	expect(copies == 1, "%d copies of ordinary memory in the core", copies);
	copies = copies_in_core(s.base);
	expect(!copies, "%d copies of secret memory in the core", copies);
	return KSFT_PASS;
}

/* --- limits and errors ---------------------------------------------------- */

static int test_memlock(void)
{
	const size_t limit = 16;
	struct secret s;
	size_t got, i;

	sigbus_prepare();
	expect(memlock_limit(limit * PAGE), "setrlimit: %s", strerror(errno));
	for (i = 0; i < 3; i++) {
		expect(secret_open(&s, 4 * limit * PAGE), "open: %s",
		       strerror(errno));
		got = touch_pages(s.base, 4 * limit);
		secret_close(&s);
		expect(got == limit, "round %zu: %zu pages, the limit is %zu",
		       i, got, limit);
	}
	return KSFT_PASS;
}

static int test_size(void)
{
	struct secret s;

	sigbus_prepare();
	expect(secret_open(&s, 2 * PAGE), "open: %s", strerror(errno));
	expect(ftruncate(s.fd, PAGE) < 0 && errno == EINVAL, "shrinks");
	expect(ftruncate(s.fd, 4 * PAGE) < 0 && errno == EINVAL, "grows");
	munmap(s.base, s.bytes);
	s.bytes = 4 * PAGE;
	s.base = mmap(NULL, s.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd,
		      0);
	expect(s.base != MAP_FAILED, "mmap: %s", strerror(errno));
	expect(touch_pages(s.base, 4) == 2, "no SIGBUS behind the end");
	secret_close(&s);
	return KSFT_PASS;
}

static int test_private_refused(void)
{
	void *p;
	int fd;

	fd = memfd_secret(0);
	expect(fd >= 0, "memfd_secret: %s", strerror(errno));
	expect(memfd_secret(~0U) < 0 && errno == EINVAL, "unknown flags");
	expect(!ftruncate(fd, PAGE), "ftruncate: %s", strerror(errno));
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	expect(p == MAP_FAILED && errno == EINVAL, "a private mapping");
	p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	expect(p == MAP_FAILED && errno == EPERM, "an executable mapping");
	close(fd);
	return KSFT_PASS;
}

#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* Files of the cache have it. */
static bool no_fallocate(const struct secret *s)
{
	return fallocate(s->fd, PUNCH, 0, PAGE) && errno == EOPNOTSUPP &&
	       !cache_is_on();
}

static int test_fallocate(void)
{
	struct secret s;
	__u64 before;

	expect(secret_open(&s, 64 * PAGE), "open: %s", strerror(errno));
	if (no_fallocate(&s))
		skip("no fallocate for secret files without the cache");
	before = unmapped_used();
	expect(!fallocate(s.fd, 0, 0, s.bytes), "fallocate: %s",
	       strerror(errno));
	expect(unmapped_used() >= before + s.bytes / 1024,
	       "fallocate allocated nothing");
	expect(!nonzero_words(s.base, s.bytes), "not zero");
	expect(unmapped_used() < before + s.bytes / 1024 + 16,
	       "the faults allocated");
	pattern_fill(s.base, s.bytes, SEED);
	expect(!fallocate(s.fd, 0, 0, s.bytes), "again: %s", strerror(errno));
	expect(!pattern_errors(s.base, s.bytes, SEED), "contents changed");
	secret_close(&s);
	return KSFT_PASS;
}

static int test_fallocate_size(void)
{
	struct secret s = { .fd = memfd_secret(0) };
	int mode;

	expect(s.fd >= 0, "memfd_secret: %s", strerror(errno));
	if (no_fallocate(&s))
		skip("no fallocate for secret files without the cache");
	expect(fallocate(s.fd, FALLOC_FL_KEEP_SIZE, 0, PAGE) < 0 &&
	       errno == EINVAL, "a page behind the end");
	expect(!fallocate(s.fd, 0, 0, 3 * PAGE + 1), "fallocate: %s",
	       strerror(errno));
	expect(lseek(s.fd, 0, SEEK_END) == 3 * (off_t)PAGE + 1 ||
	       errno == ESPIPE, "the size");
	s.bytes = 8 * PAGE;
	s.base = mmap(NULL, s.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd,
		      0);
	expect(s.base != MAP_FAILED, "mmap: %s", strerror(errno));
	sigbus_prepare();
	expect(touch_pages(s.base, 8) == 4, "the size is not that of the call");
	expect(fallocate(s.fd, 0, 0, 8 * PAGE) < 0 && errno == EINVAL, "grows");
	expect(!fallocate(s.fd, FALLOC_FL_KEEP_SIZE, PAGE, PAGE), "inside: %s",
	       strerror(errno));
	expect(fallocate(s.fd, 0, 0, 0) < 0 && errno == EINVAL, "no length");
	expect(fallocate(s.fd, 0, -1, PAGE) < 0 && errno == EINVAL, "below 0");
	for (mode = 4; mode < 0x100; mode <<= 1)
		expect(fallocate(s.fd, mode, 0, PAGE) < 0 &&
		       errno == EOPNOTSUPP, "mode %#x: %s", mode,
		       strerror(errno));
	secret_close(&s);
	return KSFT_PASS;
}

/* Whole pages go, and of those at the edges the part that was asked for. */
static int test_punch_hole(void)
{
	size_t from = PAGE + 100, to = 5 * PAGE + 7;
	struct secret s;
	__u64 before;

	expect(secret_open(&s, 8 * PAGE), "open: %s", strerror(errno));
	if (no_fallocate(&s))
		skip("no fallocate for secret files without the cache");
	memset(s.base, 'x', s.bytes);
	before = unmapped_used();
	expect(!fallocate(s.fd, PUNCH, from, to - from), "punch: %s",
	       strerror(errno));
	expect(before - unmapped_used() == 3 * PAGE / 1024,
	       "%llu kB came back", before - unmapped_used());
	for (size_t i = 0; i < s.bytes; i++)
		expect(s.base[i] == (i >= from && i < to ? 0 : 'x'),
		       "byte %zu is %d", i, s.base[i]);
	memset(s.base, 'y', s.bytes);
	expect(!fallocate(s.fd, PUNCH, 100, 50), "punch: %s", strerror(errno));
	for (size_t i = 0; i < s.bytes; i++)
		expect(s.base[i] == (i >= 100 && i < 150 ? 0 : 'y'),
		       "byte %zu is %d", i, s.base[i]);
	secret_close(&s);
	return KSFT_PASS;
}

static int test_fallocate_limit(void)
{
	const size_t limit = 16;
	struct secret s;
	int i;

	for (i = 0; i < 3; i++) {
		expect(memlock_limit(limit * PAGE), "setrlimit: %s",
		       strerror(errno));
		expect(secret_open(&s, 64 * PAGE), "open: %s", strerror(errno));
		if (no_fallocate(&s))
			skip("no fallocate without the cache");
		expect(fallocate(s.fd, 0, 0, 17 * PAGE) < 0 && errno == EAGAIN,
		       "17 pages of 16");
		expect(!fallocate(s.fd, PUNCH, 3 * PAGE, 4 * PAGE), "punch: %s",
		       strerror(errno));
		expect(!fallocate(s.fd, 0, 32 * PAGE, 4 * PAGE), "4 pages: %s",
		       strerror(errno));
		expect(fallocate(s.fd, 0, 48 * PAGE, PAGE) < 0 &&
		       errno == EAGAIN, "one more");
		secret_close(&s);
	}
	return KSFT_PASS;
}

struct toucher {
	struct secret *s;
	size_t pages;
	bool stop;
};

static void *touch_over_and_over(void *arg)
{
	struct toucher *t = arg;
	size_t i = 0;

	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED))
		((volatile char *)t->s->base)[i++ % t->pages * PAGE] = 1;
	return NULL;
}

/* What faults and holes make of a file is accounted to the page. */
static int test_punch_race(void)
{
	const size_t limit = 256;
	struct toucher t = { .pages = 128 };
	pthread_t thread;
	struct secret s;
	int i, failed = 0;

	sigbus_prepare();
	expect(memlock_limit(limit * PAGE), "setrlimit: %s", strerror(errno));
	expect(secret_open(&s, t.pages * PAGE), "open: %s", strerror(errno));
	if (no_fallocate(&s))
		skip("no fallocate for secret files without the cache");
	t.s = &s;
	expect(!pthread_create(&thread, NULL, touch_over_and_over, &t),
	       "no thread");
	for (i = 0; i < 2000; i++)
		failed += fallocate(s.fd, PUNCH, i * 7 % t.pages * PAGE,
				    (i % 40 + 1) * PAGE) ||
			  fallocate(s.fd, FALLOC_FL_KEEP_SIZE,
				    i * 5 % (t.pages - 8) * PAGE, 8 * PAGE);
	__atomic_store_n(&t.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	expect(!failed, "%d of %d rounds failed", failed, i);
	expect(!fallocate(s.fd, PUNCH, 0, s.bytes), "punch: %s",
	       strerror(errno));
	expect(!nonzero_words(s.base, s.bytes), "not zero");
	expect(!fallocate(s.fd, PUNCH, 0, s.bytes), "punch: %s",
	       strerror(errno));
	munmap(s.base, s.bytes);

	/* The file has no page, so another may have all */
	t.s = &s;
	i = s.fd;
	expect(secret_open(&s, 2 * limit * PAGE), "open: %s", strerror(errno));
	expect(touch_pages(s.base, 2 * limit) == limit,
	       "not all of the limit is free");
	secret_close(&s);
	close(i);
	return KSFT_PASS;
}

/* --- memory cgroup -------------------------------------------------------- */

#define GROUP_MAX	(8 * MIB)

struct group {
	char dir[256];
};

static bool group_write(const struct group *g, const char *file,
			const char *value)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", g->dir, file);
	return write_string(path, value);
}

static __u64 group_event(const struct group *g, const char *event)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/memory.events", g->dir);
	return proc_value(path, event);
}

static bool group_make(struct group *g)
{
	const char *root = "/sys/fs/cgroup";
	char max[32];

	write_string("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	snprintf(g->dir, sizeof(g->dir), "%s/unmapped.%d", root, getpid());
	snprintf(max, sizeof(max), "%lu", GROUP_MAX);
	if (mkdir(g->dir, 0755))
		return false;
	if (group_write(g, "memory.max", max))
		return true;
	rmdir(g->dir);
	return false;
}

/* Exits with 0 if a SIGBUS came, 1 if all could be had, 2 on other trouble. */
static int group_child(const struct group *g)
{
	size_t pages = 4 * GROUP_MAX / PAGE, got;
	struct secret s;

	sigbus_prepare();
	if (!group_write(g, "cgroup.procs", "0"))
		return 2;
	if (!secret_open(&s, pages * PAGE))
		return 2;
	got = touch_pages(s.base, pages);
	if (nonzero_words(s.base, PAGE) != 1)
		return 2;
	secret_close(&s);
	return got == pages;
}

static int group_check(const struct group *g)
{
	__u64 kills = vmstat("oom_kill");
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(group_child(g));
	status = exit_status(pid);
	expect(status != -1, "the task was killed");
	expect(status != 1, "the limit does not hold");
	expect(!status, "trouble in the group");
	expect(!group_event(g, "oom_kill"), "the group had an OOM kill");
	expect(vmstat("oom_kill") == kills, "the machine had an OOM kill");
	return KSFT_PASS;
}

static int test_memcg(void)
{
	struct group g;
	int ret;

	need_cache();
	if (!group_make(&g))
		skip("no memory cgroup (v2) at /sys/fs/cgroup");
	ret = group_check(&g);
	rmdir(g.dir);
	return ret;
}

/* --- the direct map ------------------------------------------------------- */

struct direct_map {
	__u64 dm4k, dm2m, dm1g, split2, split3;
};

static struct direct_map direct_map_now(void)
{
	return (struct direct_map){
		meminfo("DirectMap4k"), meminfo("DirectMap2M"),
		meminfo("DirectMap1G"), vmstat("direct_map_level2_splits"),
		vmstat("direct_map_level3_splits"),
	};
}

/* The first use may split a 1G leaf, once; nothing may split afterwards. */
static bool warm_up(void)
{
	struct secret s;

	if (!secret_open(&s, PAGE))
		return false;
	s.base[0] = 1;
	secret_close(&s);
	return run_shrinkers();
}

static int test_direct_map(void)
{
	struct direct_map before, during, after;
	struct secret s;

	need_cache();
	expect(warm_up(), "warm-up: %s", strerror(errno));
	before = direct_map_now();
	expect(secret_open(&s, BIG), "open: %s", strerror(errno));
	pattern_fill(s.base, s.bytes, SEED);
	during = direct_map_now();
	secret_close(&s);
	expect(run_shrinkers(), "drop_caches: %s", strerror(errno));
	after = direct_map_now();
	expect(during.split2 == before.split2, "%llu 2M leaves were split",
	       (during.split2 - before.split2));
	expect(after.dm4k == before.dm4k && after.dm2m == before.dm2m &&
	       after.dm1g == before.dm1g,
	       "DirectMap4k, 2M: %llu, %llu kB, before %llu, %llu kB",
	       after.dm4k, after.dm2m,
	       before.dm4k,
	       before.dm2m);
	expect(after.split2 == before.split2, "split on the way back");
	return KSFT_PASS;
}

static int test_counters(void)
{
	__u64 refills, allocs, used;
	struct secret s;

	need_cache();
	run_shrinkers();
	refills = vmstat("unmapped_refill");
	allocs = vmstat("unmapped_alloc");
	used = unmapped_used();
	expect(refills != ABSENT && allocs != ABSENT, "no vmstat events");
	expect(secret_open(&s, BIG), "open: %s", strerror(errno));
	pattern_fill(s.base, s.bytes, SEED);
	expect(unmapped_used() == used + BIG / 1024,
	       "in use: %llu kB, before %llu kB",
	       unmapped_used(), used);
	expect(vmstat("unmapped_refill") > refills, "no refill was counted");
	expect(vmstat("unmapped_alloc") >= allocs + BIG / PAGE,
	       "the allocations were not counted");
	secret_close(&s);
	run_shrinkers();
	expect(unmapped_used() == used, "in use after the end: %llu kB",
	       unmapped_used());
	return KSFT_PASS;
}

#define MEMORY	"/sys/devices/system/memory/"

/*
 * Its pages cannot move, so the kernel must not try for ever. A block with a
 * hole, as the last one, never goes (EINVAL), so more than one has to be used.
 */
static int test_offline(void)
{
	__u64 block_bytes = number_in(MEMORY "block_size_bytes", 16);
	char path[80], *p;
	int err = EINVAL;
	struct secret s;

	need_cache();
	if (!block_bytes || block_bytes > 512 * MIB)
		return KSFT_SKIP;
	expect(secret_open(&s, block_bytes + 2 * BLOCK_KB * 1024), "open: %s",
	       strerror(errno));
	pattern_fill(s.base, s.bytes, SEED);
	for (p = s.base; err == EINVAL && p < s.base + s.bytes;
	     p += BLOCK_KB * 1024) {
		snprintf(path, sizeof(path), MEMORY "memory%llu/online",
			 phys_of(p) / block_bytes);
		err = take_offline(path, 20);
	}
	expect(err == EBUSY, "offline: %s", strerror(err));
	expect(!pattern_errors(s.base, s.bytes, SEED), "lost contents");
	secret_close(&s);
	return KSFT_PASS;
}

#define NODE1	"/sys/devices/system/node/node1/"

static int try_offline(int block)
{
	char path[80];
	int err;

	snprintf(path, sizeof(path), MEMORY "memory%d/online", block);
	err = take_offline(path, 20);
	write_string(path, "1");
	return err;
}

/* The number of a block of node 1 that could go offline, or -1. */
static int offline_candidate(void)
{
	char path[80];
	int block;

	for (block = 0; block < 64; block++) {
		snprintf(path, sizeof(path), NODE1 "memory%d", block);
		if (!access(path, F_OK) && !try_offline(block))
			return block;
	}
	return -1;
}

/* Takes secret pages until one is in that memory, and poisons it. */
static bool poison_in(const struct secret *s, int block)
{
	__u64 bytes = number_in(MEMORY "block_size_bytes", 16);
	__u64 phys;
	char *p;

	for (p = s->base; p < s->base + s->bytes; p += PAGE) {
		if (!touch_page(p))
			return false;
		if ((p - s->base) % MIB)
			continue;
		phys = phys_of(p);
		if (phys / bytes == (__u64)block)
			return inject_poison(phys);
	}
	return false;
}

/*
 * A page that went bad while it was secret is out of use for good, and does
 * not keep the memory around it.
 */
static int test_offline_poison(void)
{
	unsigned long nodes = 2;
	int block, err;
	struct secret s;

	need_cache();
	if (access(INJECT_POISON, W_OK))
		skip("no " INJECT_POISON);
	if (syscall(__NR_set_mempolicy, 2 /* MPOL_BIND */, &nodes,
		    8 * sizeof(nodes)))
		skip("one node");
	block = offline_candidate();
	if (block < 0)
		skip("others use all memory of the node");
	sigbus_prepare();
	expect(secret_open(&s, meminfo("MemTotal") * 1024), "open: %s",
	       strerror(errno));
	expect(poison_in(&s, block), "no page in block %d: %s", block,
	       strerror(errno));
	secret_close(&s);
	err = try_offline(block);
	expect(!err, "offline: %s", strerror(err));
	return KSFT_PASS;
}

static int test_given_back(void)
{
	struct secret s;
	__u64 kept;

	need_cache();
	expect(secret_open(&s, BIG), "open: %s", strerror(errno));
	pattern_fill(s.base, s.bytes, SEED);
	expect(meminfo("NoDirectMap") >= BIG / 1024, "NoDirectMap is %llu kB",
	       meminfo("NoDirectMap"));
	secret_close(&s);
	run_shrinkers();
	kept = meminfo("NoDirectMapFree");
	expect(kept <= 8 * BLOCK_KB, "%llu kB were not given back",
	       kept);
	return KSFT_PASS;
}

/* --- locks ---------------------------------------------------------------- */

#define LOCK_STAT	"/proc/lock_stat"

/* How often a class of locks was taken. */
static __u64 acquisitions(const char *class)
{
	double con, waits, bounces, count, wait[4];
	char line[1024], *at;
	__u64 sum = 0;
	FILE *f = fopen(LOCK_STAT, "r");

	if (!f)
		return ABSENT;
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, class);
		if (at && sscanf(at + strlen(class),
				 ": %lf %lf %lf %lf %lf %lf %lf %lf", &con,
				 &waits, &wait[0], &wait[1], &wait[2], &wait[3],
				 &bounces, &count) == 8)
			sum += count;
	}
	fclose(f);
	return sum;
}

static bool run_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

/* Pages are taken on one CPU and freed on another. */
static bool hand_over(int rounds, size_t pages)
{
	struct secret s;
	bool good = true;
	int i;

	for (i = 0; good && i < rounds; i++) {
		if (!run_on_cpu(0) || !secret_open(&s, pages * PAGE))
			return false;
		good = touch_pages(s.base, pages) == pages && run_on_cpu(1);
		secret_close(&s);
	}
	return good;
}

/* Each CPU has pages of its own: the node's lock serves many at once. */
static int test_locks(void)
{
	const int rounds = 32, pages = 256;
	__u64 before, taken;

	need_cache();
	if (!write_string("/proc/sys/kernel/lock_stat", "1"))
		skip("the kernel does not count locks");
	sigbus_prepare();
	if (!hand_over(4, pages))
		skip("needs two CPUs");
	before = acquisitions("&node->lock");
	expect(hand_over(rounds, pages), "no pages");
	taken = acquisitions("&node->lock") - before;
	ksft_print_msg("%llu locks for %d pages taken and freed\n", taken,
		       rounds * pages);
	expect(taken, "the lock is not in " LOCK_STAT);
	expect(taken * 16 <= 2 * rounds * pages, "a lock for less than 16");
	return KSFT_PASS;
}

/* --- memory that nobody pays for ------------------------------------------- */

#define MAX_HOLDERS	2048

static struct secret kept_page[MAX_HOLDERS];

/*
 * Pages are handed out block by block: of every 512 one is in a file of its
 * own, and that stays. Returns how many there are.
 */
static int keep_one_page_of_each_block(int blocks)
{
	static struct secret gone[MAX_HOLDERS];
	int i, n;

	for (n = 0; n < blocks; n++) {
		if (!secret_open(&gone[n], 511 * PAGE) ||
		    !secret_open(&kept_page[n], PAGE))
			break;
		if (touch_pages(gone[n].base, 511) < 511 ||
		    !touch_page(kept_page[n].base))
			break;
		pattern_fill(kept_page[n].base, PAGE, SEED + n);
	}
	for (i = 0; i < n; i++)
		secret_close(&gone[i]);
	return n;
}

static int hog_memory(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t i;

	if (p == MAP_FAILED)
		return 1;
	madvise(p, bytes, MADV_NOHUGEPAGE);
	for (i = 0; i < bytes; i += PAGE)
		p[i] = 1;
	return 0;
}

/*
 * One used page in each block holds 511 times what its user is charged for.
 * Others who need the memory get it, and nobody is killed.
 */
static int test_slack(void)
{
	int blocks = meminfo("MemTotal") / BLOCK_KB / 2, held, i;
	__u64 kills = vmstat("oom_kill"), slack, bytes;
	int status;
	pid_t pid;

	need_cache();
	sigbus_prepare();
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 8192, 8192 });
	held = keep_one_page_of_each_block(blocks < MAX_HOLDERS ? blocks :
								  MAX_HOLDERS);
	slack = meminfo("NoDirectMapFree");
	if (slack < meminfo("MemTotal") / 8)
		skip("memory is in pieces: %llu kB are slack", slack);
	bytes = (meminfo("MemAvailable") + slack / 8 * 7) * 1024;
	pid = fork();
	if (!pid)
		_exit(hog_memory(bytes));
	status = exit_status(pid);
	expect(!status && vmstat("oom_kill") == kills,
	       "with %llu kB of slack nobody got %llu kB (%d)", slack,
	       bytes / 1024, status);
	expect(meminfo("NoDirectMapFree") < slack / 4, "%llu of %llu kB are left",
	       meminfo("NoDirectMapFree"), slack);
	for (i = 0; i < held; i++)
		expect(!pattern_errors(kept_page[i].base, PAGE, SEED + i),
		       "page %d changed", i);
	return KSFT_PASS;
}

/* --- running -------------------------------------------------------------- */

static const struct test tests[] = {
	{ "contents stay under churn", test_churn },
	{ "fresh secret pages are zero", test_fresh_zero },
	{ "a neighbour's pages stay", test_neighbour_stays },
	{ "shared over fork", test_fork },
	{ "two threads fault one page", test_race },
	{ "racing faults leak nothing", test_race_leaks_nothing },
	{ "no file I/O", test_file_io },
	{ "process_vm_readv, writev refused", test_process_vm },
	{ "/proc/self/mem refused", test_proc_mem },
	{ "vmsplice refused", test_vmsplice },
	{ "ptrace refused", test_ptrace },
	{ "O_DIRECT refused", test_direct_io },
	{ "copies through the user's mapping", test_user_copy },
	{ "/dev/mem does not show secret pages", test_devmem },
	{ "/proc/kcore does not show secret pages", test_kcore },
	{ "/dev/mem shows no old contents", test_devmem_after_free },
	{ "/proc/kcore shows no old contents", test_kcore_after_free },
	{ "a core file has no secret page", test_coredump },
	{ "RLIMIT_MEMLOCK holds", test_memlock },
	{ "the size holds", test_size },
	{ "flags, private and executable refused", test_private_refused },
	{ "fallocate allocates", test_fallocate },
	{ "fallocate and the size", test_fallocate_size },
	{ "a hole has no contents, its edges have theirs", test_punch_hole },
	{ "fallocate and RLIMIT_MEMLOCK", test_fallocate_limit },
	{ "holes and faults at the same time", test_punch_race },
	{ "memory cgroup: SIGBUS, no OOM kill", test_memcg },
	{ "the direct map keeps its leaves", test_direct_map },
	{ "counters count", test_counters },
	{ "memory in use stays online", test_offline },
	{ "a poisoned page does not keep memory online", test_offline_poison },
	{ "free blocks are given back", test_given_back },
	{ "few locks for each page", test_locks },
	{ "free pages beside used ones are given back", test_slack },
};

int main(void)
{
	ksft_print_header();
	need_secretmem();
	ksft_set_plan(ARRAY_SIZE(tests));
	ksft_print_msg("cache of unmapped pages: %s\n",
		       cache_is_on() ? "on" : "off or absent");
	run_tests(tests, ARRAY_SIZE(tests));
	ksft_finished();
}
