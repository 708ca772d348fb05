/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the tests of memfd_secret on the cache of unmapped pages: secret
 * files, patterns whose every byte can be checked, the kernel's counters.
 */
#ifndef UNMAPPED_UTIL_H
#define UNMAPPED_UTIL_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/types.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest.h"

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

#define PAGE		4096UL
#define MIB		(1UL << 20)
#define BLOCK_KB	2048UL
#define ABSENT		(~0ULL)
#define TEST_SECONDS	300

#define expect(cond, fmt, ...)						\
	do {								\
		if (!(cond)) {						\
			ksft_print_msg("line %d: " fmt "\n", __LINE__,	\
				       ##__VA_ARGS__);			\
			return KSFT_FAIL;				\
		}							\
	} while (0)

#define skip(fmt, ...)							\
	do {								\
		ksft_print_msg(fmt "\n", ##__VA_ARGS__);		\
		return KSFT_SKIP;					\
	} while (0)

/* A secret file, mapped whole. */
struct secret {
	int fd;
	char *base;
	size_t bytes;
};

static inline int memfd_secret(unsigned int flags)
{
	return syscall(__NR_memfd_secret, flags);
}

static inline bool secret_open(struct secret *s, size_t bytes)
{
	s->bytes = bytes;
	s->fd = memfd_secret(0);
	if (s->fd < 0)
		return false;
	if (ftruncate(s->fd, bytes))
		goto close_fd;
	s->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd,
		       0);
	if (s->base != MAP_FAILED)
		return true;
close_fd:
	close(s->fd);
	return false;
}

static inline void secret_close(struct secret *s)
{
	munmap(s->base, s->bytes);
	close(s->fd);
}

static inline __u64 mix(__u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* The word at index i of a pattern; never zero. */
static inline __u64 pattern_word(__u64 seed, size_t i)
{
	return mix(seed + i * 0x9e3779b97f4a7c15ULL) | 1;
}

static inline void pattern_fill(void *p, size_t bytes, __u64 seed)
{
	__u64 *word = p;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		word[i] = pattern_word(seed, i);
}

/* The number of words that are not what was written. */
static inline size_t pattern_errors(const void *p, size_t bytes, __u64 seed)
{
	const __u64 *word = p;
	size_t i, errors = 0;

	for (i = 0; i < bytes / sizeof(*word); i++)
		errors += word[i] != pattern_word(seed, i);
	return errors;
}

static inline size_t nonzero_words(const void *p, size_t bytes)
{
	const __u64 *word = p;
	size_t i, found = 0;

	for (i = 0; i < bytes / sizeof(*word); i++)
		found += word[i] != 0;
	return found;
}

/* A line "name value" or "name: value kB"; ABSENT if there is none. */
static inline __u64 proc_value(const char *path, const char *name)
{
	size_t len = strlen(name);
	__u64 value = ABSENT;
	char line[512];
	FILE *f;

	f = fopen(path, "r");
	if (!f)
		return ABSENT;
	while (value == ABSENT && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, len) && strchr(": ", line[len]))
			value = strtoull(line + len + 1, NULL, 10);
	}
	fclose(f);
	return value;
}

static inline __u64 meminfo(const char *name)
{
	return proc_value("/proc/meminfo", name);
}

static inline __u64 vmstat(const char *name)
{
	return proc_value("/proc/vmstat", name);
}

/* A line of smaps for the mapping of @p, or ABSENT. */
static inline __u64 smaps_value(const void *p, const char *name)
{
	unsigned long start, end;
	__u64 value = ABSENT;
	bool inside = false;
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "r");

	while (f && value == ABSENT && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start <= (uintptr_t)p && (uintptr_t)p < end;
		else if (inside && !strncmp(line, name, strlen(name)))
			value = strtoull(line + strlen(name) + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return value;
}

/* Both numbers of the cache from one look at them, or ABSENT. */
static inline __u64 unmapped_used_now(void)
{
	unsigned long long all = ABSENT, free = ABSENT;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "NoDirectMap: %llu", &all) != 1)
			sscanf(line, "NoDirectMapFree: %llu", &free);
	if (f)
		fclose(f);
	return all == ABSENT || free == ABSENT ? ABSENT : all - free;
}

/*
 * What users hold of the cache, kB. Free pages that move between a CPU and its
 * node are counted as used meanwhile: so it is asked a few times. Without a
 * sleep: on another CPU the caller's pages would be on the former one's list for
 * the LRU.
 */
static inline __u64 unmapped_used(void)
{
	__u64 least = unmapped_used_now(), now;
	int i;

	for (i = 0; i < 3; i++) {
		now = unmapped_used_now();
		if (now < least)
			least = now;
	}
	return least;
}

static inline bool write_string(const char *path, const char *value)
{
	ssize_t len = strlen(value), done;
	int fd;

	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	done = write(fd, value, len);
	close(fd);
	return done == len;
}

/* The number that a file begins with, or ABSENT. */
static inline __u64 number_in(const char *path, int base)
{
	char line[64] = "";
	FILE *f = fopen(path, "r");

	if (!f)
		return ABSENT;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return line[0] ? strtoull(line, NULL, base) : ABSENT;
}

/* Of the kernel's image, which has its addresses besides the direct map's. */
#define IMAGE_START	0xffffffff80000000UL

/* The ranges of memory that /proc/kcore shows. */
struct kcore_map {
	Elf64_Phdr range[64];
	int count;
};

static inline void kcore_load(int fd, struct kcore_map *map)
{
	Elf64_Ehdr eh;
	ssize_t got;

	map->count = 0;
	if (pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		return;
	got = pread(fd, map->range, sizeof(map->range), eh.e_phoff);
	if (got > 0)
		map->count = got / sizeof(*map->range);
	if (map->count > eh.e_phnum)
		map->count = eh.e_phnum;
}

/* Where it shows the direct map of an address; 0 if nowhere. */
static inline off_t kcore_find(const struct kcore_map *map, __u64 phys)
{
	const Elf64_Phdr *ph;

	for (ph = map->range; ph < map->range + map->count; ph++) {
		if (ph->p_type == PT_LOAD && ph->p_paddr != ~0ULL &&
		    ph->p_vaddr < IMAGE_START && phys >= ph->p_paddr &&
		    phys - ph->p_paddr < ph->p_memsz)
			return ph->p_offset + (phys - ph->p_paddr);
	}
	return 0;
}

static inline off_t kcore_offset(int fd, __u64 phys)
{
	struct kcore_map map;

	kcore_load(fd, &map);
	return kcore_find(&map, phys);
}

/* Where the page of an address is; 0 when it cannot be told. */
static inline __u64 phys_of(const void *p)
{
	__u64 entry = 0;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY);
	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry),
		  (uintptr_t)p / PAGE * sizeof(entry)) != sizeof(entry))
		entry = 0;
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

/*
 * A loop device, opened for O_DIRECT, over a file that is made this large; -1 if
 * there are none. It has the file: the caller's descriptor is closed.
 */
static inline int loop_over(int file, size_t bytes)
{
	char name[32];
	int control, nr, loop;

	control = open("/dev/loop-control", O_RDWR);
	nr = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	snprintf(name, sizeof(name), "/dev/loop%d", nr);
	loop = open(name, O_RDWR | O_DIRECT);
	if (loop >= 0 &&
	    (ftruncate(file, bytes) || ioctl(loop, LOOP_SET_FD, file))) {
		close(loop);
		loop = -1;
	}
	close(file);
	return loop;
}

static inline void loop_end(int loop)
{
	ioctl(loop, LOOP_CLR_FD);
	close(loop);
}

static inline void give_up(int signal)
{
}

/*
 * Takes a block of memory offline, by its file in sysfs. The kernel may try
 * for ever to empty it, until a signal comes. Returns 0, or an errno.
 */
static inline int take_offline(const char *online, unsigned int seconds)
{
	struct sigaction action = { .sa_handler = give_up };
	int err;

	sigaction(SIGALRM, &action, NULL);
	alarm(seconds);
	err = write_string(online, "0") ? 0 : errno;
	alarm(0);
	return err;
}

/*
 * The 2 in it runs the shrinkers. The 1 empties the batches of pages that each
 * CPU has on their way to the LRU: pages of closed files are still there.
 */
static inline bool run_shrinkers(void)
{
	return write_string("/proc/sys/vm/drop_caches", "3");
}

/*
 * Blocks that cannot be emptied: of each a page of secret memory is left by
 * leave_secrets(). They are the emptiest that there are.
 */
#define SECRET_BLOCKS	2
#define BLOCK		(2 * MIB)

static inline bool fill_secrets(struct secret *s)
{
	return secret_open(s, SECRET_BLOCKS * BLOCK) &&
	       !fallocate(s->fd, 0, 0, s->bytes);
}

static inline bool leave_secrets(struct secret *s)
{
	size_t at;

	for (at = 0; at < s->bytes; at += BLOCK)
		if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      at + PAGE, BLOCK - PAGE))
			return false;
	return true;
}

/* Until so many kB are left outside the direct map, or for so long. */
static inline __u64 shrink_to(__u64 kbytes)
{
	int tries = 20;
	__u64 now;

	do {
		run_shrinkers();
		now = meminfo("NoDirectMap");
	} while (now > kbytes && --tries);
	return now;
}

#define INJECT_POISON "/sys/kernel/debug/hwpoison/corrupt-pfn"

/* The kernel may say that it could not take the page from its user. */
static inline bool inject_poison(__u64 phys)
{
	__u64 before = meminfo("HardwareCorrupted");
	char pfn[32];

	snprintf(pfn, sizeof(pfn), "%llu", phys / PAGE);
	write_string(INJECT_POISON, pfn);
	return meminfo("HardwareCorrupted") > before;
}

static inline bool cmdline_has(const char *word)
{
	char line[4096] = "";
	ssize_t got;
	int fd;

	fd = open("/proc/cmdline", O_RDONLY);
	if (fd < 0)
		return false;
	got = read(fd, line, sizeof(line) - 1);
	close(fd);
	return got > 0 && strstr(line, word);
}

/*
 * Whether the cache is to be used. It is asked of the command line and not of
 * what the cache did: a cache that does nothing fails its tests.
 */
static inline bool cache_is_on(void)
{
	return meminfo("NoDirectMap") != ABSENT &&
	       !cmdline_has("unmapped_alloc=off");
}

static inline bool memlock_limit(rlim_t bytes)
{
	struct rlimit rl = { bytes, bytes };

	return !setrlimit(RLIMIT_MEMLOCK, &rl);
}

/* Writing a byte to memory that may answer with SIGBUS. */
static sigjmp_buf sigbus_jump;

static inline void sigbus_catch(int sig)
{
	siglongjmp(sigbus_jump, sig);
}

static inline void sigbus_prepare(void)
{
	struct sigaction sa = { .sa_handler = sigbus_catch };

	sigaction(SIGBUS, &sa, NULL);
}

static inline bool touch_page(volatile char *p)
{
	if (sigsetjmp(sigbus_jump, 1))
		return false;
	*p = 1;
	return true;
}

/* Touches pages in order; the number that came before a SIGBUS. */
static inline size_t touch_pages(char *p, size_t pages)
{
	volatile size_t i;

	for (i = 0; i < pages; i++)
		if (!touch_page(p + i * PAGE))
			break;
	return i;
}

static inline int exit_status(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/*
 * A test that dies is a failed one, and not the end of the program. Its children
 * go with it: what they hold would be missing from the next one.
 */
static inline int run_alone(int (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		alarm(TEST_SECONDS);
		exit(fn());
	}
	if (waitpid(pid, &status, 0) != pid)
		return KSFT_FAIL;
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status))
		ksft_print_msg("ended by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : KSFT_FAIL;
}

#define CORE		"/tmp/core"
#define CORE_PATTERN	"/proc/sys/kernel/core_pattern"

/* A child with the caller's memory dumps core. How often @page is in it. */
static inline int copies_in_core(const void *page)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };
	int status, fd, copies = 0;
	char got[PAGE];
	pid_t pid;

	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &rl);
		write_string("/proc/self/coredump_filter", "0x1ff");
		abort();
	}
	if (waitpid(pid, &status, 0) != pid || !WCOREDUMP(status))
		return -1;
	fd = open(CORE, O_RDONLY);
	while (read(fd, got, PAGE) == PAGE)
		copies += !memcmp(got, page, PAGE);
	close(fd);
	unlink(CORE);
	return copies;
}

struct test {
	const char *name;
	int (*fn)(void);
};

/*
 * Compaction begins with the lists of the CPUs for the LRU, which hold pages of
 * what ran before: nobody could count while these come back. And it makes 2M.
 */
static inline void settle(void)
{
	write_string("/proc/sys/vm/compact_memory", "1");
}

/* Each in a process of its own; the plan is the caller's. */
static inline void run_tests(const struct test *tests, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		settle();
		ksft_test_result_report(run_alone(tests[i].fn), "%s\n",
					tests[i].name);
	}
}

/* Or the program ends, skipped. */
static inline void need_secretmem(void)
{
	int fd = memfd_secret(0);

	if (fd < 0 && errno == ENOSYS)
		ksft_exit_skip("no memfd_secret\n");
	close(fd);
	if (geteuid() || !memlock_limit(RLIM_INFINITY))
		ksft_exit_skip("needs root\n");
}

#endif
