// SPDX-License-Identifier: GPL-2.0
/*
 * Who has secret memory, for those who wonder why there is no hibernation.
 *
 * A file or a mapping of memfd_secret(2) anywhere forbids it, with or without
 * the cache. The kernel knows how many there are, and not whose: so all tasks
 * are looked at, when somebody has asked in vain.
 */

#define pr_fmt(fmt) "secretmem: " fmt

#include <linux/fdtable.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/secretmem.h>

/* Enough to find the others by. */
#define MAX_REPORTED	8

static int is_secret(const void *unused, struct file *file, unsigned int fd)
{
	return secretmem_mapping(file->f_mapping);
}

/* A lock that somebody has is not worth waiting for. */
static bool maps_secret(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	bool found = false;

	if (!mmap_read_trylock(mm))
		return false;
	for_each_vma(vmi, vma)
		if (vma_is_secretmem(vma)) {
			found = true;
			break;
		}
	mmap_read_unlock(mm);
	return found;
}

static bool has_secret(struct task_struct *task)
{
	bool has;

	/* Keeps files and mm */
	task_lock(task);
	has = (task->files && iterate_fd(task->files, 0, is_secret, NULL)) ||
	      (task->mm && maps_secret(task->mm));
	task_unlock(task);
	return has;
}

static bool report_process(struct task_struct *process)
{
	struct task_struct *task;

	for_each_thread(process, task) {
		if (!has_secret(task))
			continue;
		pr_info("no hibernation: memfd_secret(2) is used by %s, PID %d\n",
			process->comm, task_tgid_nr(process));
		return true;
	}
	return false;
}

void secretmem_report_users(void)
{
	static DEFINE_RATELIMIT_STATE(rs, 5 * HZ, 1);
	struct task_struct *process;
	unsigned int reported = 0;

	if (!secretmem_active() || !__ratelimit(&rs))
		return;

	rcu_read_lock();
	for_each_process(process) {
		reported += report_process(process);
		if (reported == MAX_REPORTED)
			break;
	}
	rcu_read_unlock();

	if (!reported)
		pr_info("no hibernation: memfd_secret(2) is used, its file is on the way through a socket\n");
}
