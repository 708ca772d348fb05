// SPDX-License-Identifier: GPL-2.0
/*
 * Hibernation.
 *
 * An image is written to a disk, where most who keep pages outside the direct
 * map do not want to see them: while they have any the refusal is -EBUSY. Code
 * (UNMAPPED_OWNER_IMAGE) is copied through kmap. Free pages are PageOffline and
 * not copied, so what they hold after the image has been loaded is anybody's.
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
		unmapped_key_forget_all();
		break;
	case PM_POST_HIBERNATION:
		WRITE_ONCE(hibernating, false);
		wake_up_all(&hibernation_over);
		break;
	}
	return NOTIFY_OK;
}

static void report_owners(void)
{
	struct unmapped_owner *owner;
	unsigned int id = 0;

	rcu_read_lock();
	while ((owner = unmapped_owner_next(&id)))
		if (!(owner->flags & UNMAPPED_OWNER_IMAGE) &&
		    unmapped_owner_pages(owner))
			pr_warn("  of %s: %lu kB\n", owner->name,
				unmapped_owner_pages(owner) <<
				(PAGE_SHIFT - 10));
	rcu_read_unlock();
}

static unsigned long image_pages(void)
{
	struct unmapped_owner *owner;
	unsigned long pages = 0;
	unsigned int id = 0;

	rcu_read_lock();
	while ((owner = unmapped_owner_next(&id)))
		if (owner->flags & UNMAPPED_OWNER_IMAGE)
			pages += unmapped_owner_pages(owner);
	rcu_read_unlock();
	return pages;
}

/* Keys do not outlive the power, so no page may have one when it is back. */
static unsigned long pages_in_the_way(void)
{
	unsigned long pages = unmapped_total_used();

	pages -= min(pages, image_pages());
	return max(pages, unmapped_key_total());
}

static void forget_contents(struct unmapped_block *block)
{
	bitmap_fill(block->dirty, UNMAPPED_BLOCK_PAGES);
}

/* Suspend to RAM comes here too, and leaves memory as it is. */
VISIBLE_IF_KUNIT int unmapped_syscore_suspend(void *data)
{
	unsigned long left;

	if (!unmapped_hibernating())
		return 0;

	left = pages_in_the_way();
	if (left) {
		pr_warn("hibernation refused, %lu kB are not in the direct map\n",
			left << (PAGE_SHIFT - 10));
		report_owners();
		return -EBUSY;
	}
	unmapped_index_for_each(forget_contents);
	return 0;
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
