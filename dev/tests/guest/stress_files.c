// SPDX-License-Identifier: GPL-2.0
/*
 * Workers that use secret memory and files outside the direct map, and one that
 * makes each allocation of such an operation fail.
 */
#define _GNU_SOURCE
#include <sys/sendfile.h>

#include "unmapped_file.h"
#include "stress.h"

#define SLOTS		8
#define SLOT_PAGES	256	/* at most: too few for a folio of 2M */

/* A file that lives for some rounds. Without a seed there is none. */
struct slot {
	struct secret file;
	__u64 seed;
};

static struct slot slots[SLOTS];

static struct slot *slot_of(__u64 seed)
{
	return &slots[(seed >> 32) % SLOTS];
}

static bool hidden(struct secret *s, size_t bytes)
{
	if (file_open(s, bytes, MFD_NO_DIRECT_MAP))
		return true;
	if (s->fd >= 0)
		close(s->fd);
	return false;
}

/* A file filled with a pattern. False if there is no memory for it. */
static bool take_file(struct secret *s, size_t pages, __u64 seed,
		      bool (*open)(struct secret *s, size_t bytes))
{
	if (!open(s, pages * PAGE)) {
		refused(errno);
		return false;
	}
	if (!take_pages(s->base, pages)) {
		secret_close(s);
		return false;
	}
	fill_pages(s->base, pages, seed);
	return true;
}

static void check_file(const struct secret *s, __u64 seed)
{
	check_pages(s->base, s->bytes / PAGE, seed);
}

static void slot_fill(struct slot *slot, __u64 seed,
		      bool (*open)(struct secret *s, size_t bytes))
{
	if (take_file(&slot->file, 1 + seed % SLOT_PAGES, seed, open))
		slot->seed = seed;
}

static void slot_empty(struct slot *slot)
{
	check_file(&slot->file, slot->seed);
	secret_close(&slot->file);
	slot->seed = 0;
}

/* --- secret memory ------------------------------------------------------- */

const char *secret_lacks(void)
{
	int fd = memfd_secret(0);

	if (fd < 0)
		return "no memfd_secret";
	close(fd);
	return NULL;
}

void secret_round(__u64 seed)
{
	struct slot *slot = slot_of(seed);

	if (slot->seed)
		slot_empty(slot);
	else
		slot_fill(slot, seed, secret_open);
}

/* Punches a hole. When that fails the contents must still be there. */
static void punch(const struct secret *s, __u64 seed)
{
	size_t pages = s->bytes / PAGE, at = (seed >> 8) % pages;
	size_t nr = 1 + (seed >> 24) % (pages - at);
	bool done = !fallocate(s->fd, PUNCH, at * PAGE, nr * PAGE);

	if (!done)
		refused(errno);
	check_pages(s->base, at, seed);
	if (!done)
		check_pages(s->base + at * PAGE, nr, seed + at);
	else
		take_pages(s->base + at * PAGE, nr);
	at += nr;
	check_pages(s->base + at * PAGE, pages - at, seed + at);
}

void huge_round(__u64 seed)
{
	struct secret s;

	if (!secret_open(&s, (2 + seed % 2) * 2 * MIB))
		return refused(errno);
	if (fallocate(s.fd, FALLOC_FL_KEEP_SIZE, 0, s.bytes)) {
		refused(errno);
	} else {
		check_zeroes(s.base, s.bytes / PAGE);
		fill_pages(s.base, s.bytes / PAGE, seed);
		punch(&s, seed);
	}
	secret_close(&s);
}

/* --- files outside the direct map ---------------------------------------- */

const char *hidden_lacks(void)
{
	int fd = memfd_create("stress", MFD_NO_DIRECT_MAP);

	if (fd < 0)
		return "no MFD_NO_DIRECT_MAP";
	close(fd);
	return NULL;
}

static bool by_sendfile(int fd, char *to, size_t bytes)
{
	int copy = memfd_create("copy", 0);
	ssize_t sent = 1;
	off_t at = 0;
	bool ok;

	if (copy < 0)
		return false;
	while ((size_t)at < bytes && sent > 0)
		sent = sendfile(copy, fd, &at, bytes - at);
	ok = (size_t)at == bytes && copy_out(copy, to, bytes);
	close(copy);
	return ok;
}

static bool by_splice(int fd, char *to, size_t bytes)
{
	bool ok = true;
	loff_t at = 0;
	ssize_t got;
	int fds[2];

	if (pipe(fds))
		return false;
	while (ok && (size_t)at < bytes) {
		got = splice(fd, &at, fds[1], NULL, bytes - at, 0);
		ok = got > 0 && drain(fds[0], to + at - got, got);
	}
	close(fds[0]);
	close(fds[1]);
	return ok;
}

static bool (*const roads[])(int fd, char *to, size_t bytes) = {
	copy_out, by_sendfile, by_splice,
};

/* The kernel copies the whole file out, and other contents to it. */
static void hidden_copy(struct slot *slot, __u64 seed)
{
	static char copy[SLOT_PAGES * PAGE];
	size_t pages = slot->file.bytes / PAGE;

	errno = ENOMEM;
	if (!roads[seed % 3](slot->file.fd, copy, pages * PAGE))
		return refused(errno);
	check_pages(copy, pages, slot->seed);
	fill_pages(copy, pages, seed);
	if (copy_in(slot->file.fd, copy, pages * PAGE)) {
		slot->seed = seed;
		return;
	}
	/* It copied an unknown part */
	refused(errno);
	secret_close(&slot->file);
	slot->seed = 0;
}

void hidden_round(__u64 seed)
{
	struct slot *slot = slot_of(seed);

	if (!slot->seed)
		slot_fill(slot, seed, hidden);
	else if (seed >> 62)
		hidden_copy(slot, seed);
	else
		slot_empty(slot);
}

/* --- other processes, other nodes ---------------------------------------- */

#define FORK_PAGES	16

static void fork_child(const struct secret *files, char *anon, __u64 seed)
{
	check_file(&files[0], seed);
	check_file(&files[1], seed);
	check_pages(anon, FORK_PAGES, seed);
	fill_pages(anon, FORK_PAGES, seed + 1);
	check_pages(anon, FORK_PAGES, seed + 1);
	execl("/bin/busybox", "true", NULL);
	_exit(EXIT_SIGBUS);
}

static void fork_once(const struct secret *files, char *anon, __u64 seed)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		fork_child(files, anon, seed);
	if (pid < 0)
		return refused(errno);
	status = exit_status(pid);
	must(!status || status == EXIT_SIGBUS, "a child ended with %d", status);
	check_file(&files[0], seed);
	check_file(&files[1], seed);
	check_pages(anon, FORK_PAGES, seed);
}

void fork_round(__u64 seed)
{
	char *anon = anonymous(FORK_PAGES);
	struct secret files[2];

	if (!anon)
		return refused(errno);
	fill_pages(anon, FORK_PAGES, seed);
	if (take_file(&files[0], FORK_PAGES, seed, secret_open)) {
		if (take_file(&files[1], FORK_PAGES, seed, hidden)) {
			fork_once(files, anon, seed);
			secret_close(&files[1]);
		}
		secret_close(&files[0]);
	}
	munmap(anon, FORK_PAGES * PAGE);
}

#define MOVE_PAGES	64

const char *migrate_lacks(void)
{
	return access("/sys/devices/system/node/node1", F_OK) ?
	       "one node" : hidden_lacks();
}

/* Which pages do move does not matter. */
static void move_to_node(char *p, int node)
{
	int nodes[MOVE_PAGES], status[MOVE_PAGES], i;
	void *pages[MOVE_PAGES];

	for (i = 0; i < MOVE_PAGES; i++) {
		pages[i] = p + i * PAGE;
		nodes[i] = node;
	}
	if (syscall(__NR_move_pages, 0, MOVE_PAGES, pages, nodes, status,
		    2 /* MPOL_MF_MOVE */) < 0)
		refused(errno);
}

void migrate_round(__u64 seed)
{
	struct secret s;
	int i;

	if (!take_file(&s, MOVE_PAGES, seed, hidden))
		return;
	for (i = 0; i < 8; i++) {
		move_to_node(s.base, (seed + i) % 2);
		check_file(&s, seed);
	}
	secret_close(&s);
}

/* --- every allocation fails ---------------------------------------------- */

static void fail_secret(__u64 seed)
{
	struct secret s;

	if (!take_file(&s, 4, seed, secret_open))
		return;
	check_file(&s, seed);
	secret_close(&s);
}

static void fail_hidden(__u64 seed)
{
	char copy[4 * PAGE];
	struct secret s;

	if (!take_file(&s, 4, seed, hidden))
		return;
	if (by_splice(s.fd, copy, sizeof(copy)))
		check_pages(copy, 4, seed);
	check_file(&s, seed);
	secret_close(&s);
}

/* A hole in a folio of 2M, few of whose pages are filled: that is quicker. */
static void fail_huge(__u64 seed)
{
	struct secret s;

	if (!secret_open(&s, 2 * MIB))
		return refused(errno);
	if (take_pages(s.base, 16)) {
		fill_pages(s.base, 16, seed);
		if (!fallocate(s.fd, PUNCH, 4 * PAGE, 4 * PAGE))
			take_pages(s.base + 4 * PAGE, 4);
		else
			check_pages(s.base + 4 * PAGE, 4, seed + 4);
		check_pages(s.base, 4, seed);
		check_pages(s.base + 8 * PAGE, 8, seed + 8);
	}
	secret_close(&s);
}

static void fail_fallocate(__u64 seed)
{
	struct secret s;

	if (!secret_open(&s, 64 * PAGE))
		return refused(errno);
	if (fallocate(s.fd, FALLOC_FL_KEEP_SIZE, 0, s.bytes))
		refused(errno);
	else
		check_zeroes(s.base, 64);
	secret_close(&s);
}

static void (*const operations[])(__u64 seed) = {
	fail_secret, fail_hidden, fail_fallocate, fail_huge, fork_round,
	fail_keyed,
};

static bool fault_attribute(const char *of, const char *name, const char *value)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", of, name);
	return write_string(path, value);
}

/* What fault injection prints would look like a report of the kernel. */
const char *fail_lacks(void)
{
	if (access("/proc/self/fail-nth", W_OK) ||
	    !fault_attribute("failslab", "verbose", "0") ||
	    !fault_attribute("failslab", "ignore-gfp-wait", "N") ||
	    !fault_attribute("fail_page_alloc", "verbose", "0") ||
	    !fault_attribute("fail_page_alloc", "ignore-gfp-wait", "N") ||
	    !fault_attribute("fail_page_alloc", "ignore-gfp-highmem", "N") ||
	    !fault_attribute("fail_page_alloc", "min-order", "0"))
		return "no failslab and fail_page_alloc";
	/* fail-nth counts this one, too, where the kernel has it */
	fault_attribute("fail_page_access", "verbose", "0");
	return secret_lacks() ?: hidden_lacks();
}

/*
 * Does an operation while its nth allocation fails, for n = 1, 2 and so on.
 * When it ends before its nth allocation, the next operation follows. fail-nth
 * stays open, since open() allocates itself.
 *
 * Modules are not among the operations: the kernel warns when it has no memory
 * for the static keys of one.
 */
void fail_round(__u64 seed)
{
	static int fd = -1;
	char text[16] = "";

	if (fd < 0)
		fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	board->nth++;
	sprintf(text, "%u", board->nth);
	must(pwrite(fd, text, strlen(text), 0) > 0, "fail-nth: %s",
	     strerror(errno));
	operations[board->operation % ARRAY_SIZE(operations)](seed);
	memset(text, 0, sizeof(text));
	must(pread(fd, text, sizeof(text) - 1, 0) > 0, "fail-nth: %s",
	     strerror(errno));
	if (atoi(text)) {
		must(pwrite(fd, "0", 1, 0) > 0, "fail-nth: %s",
		     strerror(errno));
		board->operation++;
		board->nth = 0;
	}
}
