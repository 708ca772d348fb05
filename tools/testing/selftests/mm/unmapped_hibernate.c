// SPDX-License-Identifier: GPL-2.0
/*
 * Secret memory and hibernation.
 *
 * To open /dev/snapshot is to announce hibernation, and it stays announced
 * until the file is closed. Meanwhile no task may be killed for touching
 * secret memory. One that touches it from user space waits, and can be
 * signalled, frozen and killed; for one whose page the kernel touches an image
 * is refused. Images are made and thrown away, nothing is written to a disk.
 *
 *	unmapped_hibernate [images]
 */
#define _GNU_SOURCE
#include <linux/suspend_ioctls.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "../kselftest.h"
#include "unmapped_util.h"

#define TASKS		4
#define FILE_PAGES	64
#define WAIT_US		300000
#define OPEN_TRIES	2000
/* A debug kernel takes half a minute for an image */
#define IMAGE_SECONDS	90
#define MAX_SECONDS	450

/* Open while hibernation is announced. */
static int snapshot = -1;

/* Refused while somebody has a secret file. */
static bool announce(void)
{
	int i;

	for (i = 0; i < OPEN_TRIES; i++) {
		snapshot = open("/dev/snapshot", O_RDONLY);
		if (snapshot >= 0)
			return true;
		if (errno != EPERM && errno != EBUSY)
			break;
		usleep(1000);
	}
	return false;
}

static void over(void)
{
	close(snapshot);
	snapshot = -1;
}

/* 0, or an errno; there is no image afterwards. */
static int make_image(void)
{
	int err = 0, in_suspend;

	if (ioctl(snapshot, SNAPSHOT_FREEZE))
		return errno;
	if (ioctl(snapshot, SNAPSHOT_CREATE_IMAGE, &in_suspend))
		err = errno;
	ioctl(snapshot, SNAPSHOT_FREE);
	ioctl(snapshot, SNAPSHOT_UNFREEZE);
	return err;
}

/* --- a task that waits ---------------------------------------------------- */

struct shared {
	volatile int touching;
	volatile int touched;
	volatile int signalled;
	volatile int changed;
	volatile int stop;
	__u64 files;
};

static struct shared *shared;

/* The signal's handler runs while the task waits for its page. */
static void tell_parent(int sig)
{
	shared->signalled = 1;
}

/* Needs the VMA that the other thread's fault is in. */
static void *change_vma(void *base)
{
	usleep(WAIT_US / 10);
	shared->changed = !madvise(base, PAGE, MADV_DONTFORK);
	return NULL;
}

static int toucher(void)
{
	struct sigaction sa = { .sa_handler = tell_parent };
	struct secret s;
	pthread_t thread;

	sigaction(SIGUSR1, &sa, NULL);
	if (!secret_open(&s, PAGE) ||
	    pthread_create(&thread, NULL, change_vma, s.base))
		return 1;
	shared->touching = 1;
	*(volatile char *)s.base = 1;
	shared->touched = 1;
	return 0;
}

static pid_t start(int (*fn)(void))
{
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* Or it would be over when this task ends, and not before */
		over();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn());
	}
	return pid;
}

static bool becomes_true(volatile int *what)
{
	int i;

	for (i = 0; !*what && i < 5000; i++)
		usleep(1000);
	return *what;
}

static int wait_status(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static void test_waits(void)
{
	bool waits, changes, handles;
	int status;
	pid_t pid;

	announce();
	pid = start(toucher);
	becomes_true(&shared->touching);
	usleep(WAIT_US);
	waits = shared->touching && !shared->touched;
	changes = becomes_true(&shared->changed) && !shared->touched;
	kill(pid, SIGUSR1);
	handles = becomes_true(&shared->signalled) && !shared->touched;
	over();
	status = wait_status(pid);
	ksft_test_result(waits, "a fault waits until hibernation is over\n");
	ksft_test_result(changes, "a task that waits does not hold its VMA\n");
	ksft_test_result(handles, "a task that waits handles a signal\n");
	ksft_test_result(!status && shared->touched,
			 "it has its page then: status %#x\n", status);
}

static void test_killed(void)
{
	int status;
	pid_t pid;

	announce();
	pid = start(toucher);
	becomes_true(&shared->touching);
	usleep(WAIT_US / 10);
	kill(pid, SIGKILL);
	status = wait_status(pid);
	over();
	ksft_test_result(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
			 "a task that waits can be killed: status %#x\n",
			 status);
}

/* The waiting task is frozen, and is not in the way of an image. */
static void test_image(void)
{
	int err, status;
	pid_t pid;

	announce();
	pid = start(toucher);
	becomes_true(&shared->touching);
	usleep(WAIT_US / 10);
	err = make_image();
	over();
	status = wait_status(pid);
	ksft_test_result(!err && !status,
			 "an image is made while a task waits: %s, status %#x\n",
			 strerror(err), status);
}

/* --- a task that is served ------------------------------------------------ */

static void test_served(void)
{
	int zero, err;
	struct secret s;
	ssize_t got;

	announce();
	zero = open("/dev/zero", O_RDONLY);
	if (!secret_open(&s, PAGE))
		ksft_exit_fail_msg("no secret file\n");
	got = read(zero, s.base, 1);
	err = make_image();
	secret_close(&s);
	over();
	close(zero);
	ksft_test_result(got == 1, "a page that the kernel touches is served\n");
	ksft_test_result(err == EBUSY, "no image is made then: %s\n",
			 strerror(err));
}

/* --- who is in the way ---------------------------------------------------- */

#define LOG_BYTES	(1 << 20)
#define READ_ALL	3	/* SYSLOG_ACTION_READ_ALL */

static bool in_log(const char *line)
{
	char *log = calloc(1, LOG_BYTES);
	bool found;

	found = log && klogctl(READ_ALL, log, LOG_BYTES - 1) > 0 &&
		strstr(log, line);
	free(log);
	return found;
}

/* Not each refusal is logged, so that nobody can fill the log. */
static void test_named(void)
{
	char line[128];
	struct secret s;
	bool named;
	int i;

	if (!secret_open(&s, PAGE))
		ksft_exit_fail_msg("no secret file\n");
	snprintf(line, sizeof(line),
		 "memfd_secret(2) is used by unmapped_hibern, PID %d\n",
		 getpid());
	named = in_log(line);
	for (i = 0; !named && i < 20; i++) {
		snapshot = open("/dev/snapshot", O_RDONLY);
		if (snapshot >= 0 || errno != EPERM)
			break;
		usleep(500000);
		named = in_log(line);
	}
	secret_close(&s);
	ksft_test_result(named && snapshot < 0,
			 "the log says who has secret memory\n");
}

/* --- both at once --------------------------------------------------------- */

static int churn(void)
{
	struct secret s;
	size_t dirty;

	while (!shared->stop) {
		if (!secret_open(&s, FILE_PAGES * PAGE))
			return 1;
		dirty = nonzero_words(s.base, s.bytes);
		pattern_fill(s.base, s.bytes, 1);
		dirty += pattern_errors(s.base, s.bytes, 1);
		secret_close(&s);
		if (dirty)
			return 2;
		__atomic_fetch_add(&shared->files, 1, __ATOMIC_RELAXED);
		usleep(5000);
	}
	return 0;
}

/* Fewer if each takes long; how many. */
static int make_images(int images, int *made, int *failed)
{
	time_t end = time(NULL) + IMAGE_SECONDS;
	int err, i;

	for (i = 0; i < images && time(NULL) < end; i++) {
		err = announce() ? make_image() : errno;
		over();
		*made += !err;
		/* Somebody always had a file, or a page of one */
		if (err && err != EPERM && err != EBUSY) {
			ksft_print_msg("image %d: %s\n", i, strerror(err));
			++*failed;
		}
	}
	return i;
}

static void test_churn(int images)
{
	int i, bad = 0, made = 0, failed = 0;
	pid_t pids[TASKS];

	pids[0] = start(churn);
	for (i = 1; i < TASKS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(churn());
		}
	}
	images = make_images(images, &made, &failed);
	shared->stop = 1;
	for (i = 0; i < TASKS; i++)
		bad += wait_status(pids[i]) != 0;
	ksft_print_msg("%llu secret files\n", shared->files);
	ksft_test_result(!bad && shared->files,
			 "nobody is killed and no byte is lost: %d tasks\n",
			 bad);
	ksft_test_result(made && !failed, "%d of %d images made\n", made,
			 images);
}

int main(int argc, char **argv)
{
	int images = argc > 1 ? atoi(argv[1]) : 5;

	ksft_print_header();
	alarm(MAX_SECONDS);
	need_secretmem();
	if (!cache_is_on())
		ksft_exit_skip("needs the cache of unmapped pages\n");
	if (!announce())
		ksft_exit_skip("/dev/snapshot: %s\n", strerror(errno));
	over();
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		ksft_exit_fail_msg("no shared page\n");
	ksft_set_plan(11);
	test_waits();
	test_killed();
	test_image();
	test_served();
	test_named();
	test_churn(images);
	ksft_finished();
}
