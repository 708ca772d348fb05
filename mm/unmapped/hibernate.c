// SPDX-License-Identifier: GPL-2.0
/*
 * Hibernation.
 *
 * An image is copied through the direct map. So none can be made while a page
 * is outside, and the refusal is -EBUSY.
 *
 * When hibernation is announced all empty blocks are returned. The tasks run
 * on for a while then, until they are frozen: those that would need a page
 * wait, see unmapped_wait_hibernation(). Not all of them can. A task that
 * holds a lock while it waits could keep another one from being frozen, so it
 * gets its page, and hibernation fails. That is decided when nothing else
 * runs any more, with one CPU and its interrupts off.
 *
 * hibernate_quiet_exec() announces hibernation as well. It makes no image and
 * is never refused.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <kunit/visibility.h>
#include <linux/suspend.h>
#include <linux/swap.h>
#include <linux/syscore_ops.h>
#include <linux/wait.h>

#include "unmapped.h"

/* From PM_HIBERNATION_PREPARE to PM_POST_HIBERNATION. Set by one task. */
static bool hibernating;
static DECLARE_WAIT_QUEUE_HEAD(hibernation_over);

bool unmapped_hibernating(void)
{
	return READ_ONCE(hibernating);
}

void unmapped_wait_hibernation(void)
{
	wait_event_interruptible(hibernation_over, !unmapped_hibernating());
}

VISIBLE_IF_KUNIT int unmapped_pm_notify(struct notifier_block *nb,
					unsigned long action, void *arg)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
		WRITE_ONCE(hibernating, true);
		/* Pages that nobody uses any more wait there to be freed */
		lru_add_drain_all();
		unmapped_drain_patiently();
		break;
	case PM_POST_HIBERNATION:
		WRITE_ONCE(hibernating, false);
		wake_up_all(&hibernation_over);
		break;
	}
	return NOTIFY_OK;
}

/* Suspend to RAM comes here too, and leaves memory as it is. */
VISIBLE_IF_KUNIT int unmapped_syscore_suspend(void *data)
{
	unsigned long left = unmapped_total_pages();

	if (!unmapped_hibernating() || !left)
		return 0;

	pr_warn("hibernation refused, %lu kB are not in the direct map\n",
		left << (PAGE_SHIFT - 10));
	return -EBUSY;
}

static struct notifier_block unmapped_pm_nb = {
	.notifier_call = unmapped_pm_notify,
};

static const struct syscore_ops unmapped_syscore_ops = {
	.suspend = unmapped_syscore_suspend,
};

static struct syscore unmapped_syscore = {
	.ops = &unmapped_syscore_ops,
};

void __init unmapped_hibernate_init(void)
{
	register_pm_notifier(&unmapped_pm_nb);
	register_syscore(&unmapped_syscore);
}
