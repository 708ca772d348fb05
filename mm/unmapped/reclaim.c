// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks go back to the system.
 *
 * Frees happen in contexts that must not change the direct map, so a work
 * item returns what a free leaves over: a node keeps one empty block, for the
 * next user. Under memory pressure the shrinker takes that one as well. Used
 * blocks stay, whatever the pressure: their pages cannot move.
 *
 * Before memory is taken offline, and before hibernation, all empty blocks
 * are returned. Pages in use make both fail with -EBUSY: neither an offline
 * page nor an image can do without the direct map.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <kunit/visibility.h>
#include <linux/delay.h>
#include <linux/memory.h>
#include <linux/nodemask.h>
#include <linux/shrinker.h>
#include <linux/suspend.h>
#include <linux/swap.h>

#include "unmapped.h"

static unsigned long return_singles(struct unmapped_node *node,
				    unsigned long nr)
{
	unsigned long done = 0;
	struct page *page;

	while (done < nr) {
		page = unmapped_pop_single(node);
		if (!page || !unmapped_single_release(page))
			break;
		done++;
	}
	return done;
}

/**
 * unmapped_return_blocks() - Return empty blocks of a node to the system
 * @node: The node.
 * @keep: Leave this many empty PMD-sized blocks.
 * @nr: Stop after this many pages.
 *
 * Context: Process context; may be called from reclaim.
 * Return: Number of pages returned.
 */
unsigned long unmapped_return_blocks(struct unmapped_node *node,
				     unsigned long keep, unsigned long nr)
{
	struct unmapped_block *block;
	unsigned long pages;
	unsigned long done = return_singles(node, nr);

	while (done < nr) {
		block = unmapped_pop_empty(node, keep);
		if (!block)
			break;
		pages = block_nr_pages(block);
		if (!unmapped_block_release(block))
			break;
		done += pages;
	}
	return done;
}

void unmapped_return_work(struct work_struct *work)
{
	struct unmapped_node *node = container_of(work, struct unmapped_node,
						  return_work);

	while (unmapped_return_blocks(node, 1, 1UL << UNMAPPED_BLOCK_ORDER))
		cond_resched();
}

/**
 * unmapped_drain() - Return all empty blocks to the system
 *
 * Context: Process context, may sleep.
 * Return: Number of pages that stay outside the direct map.
 */
unsigned long unmapped_drain(void)
{
	int nid;

	for_each_node(nid) {
		unmapped_return_blocks(unmapped_nodes[nid], 0, ULONG_MAX);
		/* It may have a block in its hands */
		flush_work(&unmapped_nodes[nid]->return_work);
	}
	return unmapped_total_pages();
}

#define DRAIN_TRIES	5
#define DRAIN_WAIT_MS	10

/*
 * Who looks at a page in passing has a reference, and reclaim may have a block
 * in its hands. Neither is a reason to refuse what was asked for.
 */
static unsigned long drain_patiently(void)
{
	unsigned long left = unmapped_drain();
	int i;

	for (i = 1; left && i < DRAIN_TRIES; i++) {
		msleep(DRAIN_WAIT_MS);
		left = unmapped_drain();
	}
	return left;
}

static unsigned long returnable(struct unmapped_node *node)
{
	return READ_ONCE(node->nr_detached) +
	       READ_ONCE(node->nr_empty) * (1UL << UNMAPPED_BLOCK_ORDER);
}

static unsigned long unmapped_shrink_count(struct shrinker *shrinker,
					   struct shrink_control *sc)
{
	return returnable(unmapped_nodes[sc->nid]) ?: SHRINK_EMPTY;
}

static unsigned long unmapped_shrink_scan(struct shrinker *shrinker,
					  struct shrink_control *sc)
{
	unsigned long done;

	done = unmapped_return_blocks(unmapped_nodes[sc->nid], 0,
				      sc->nr_to_scan);
	sc->nr_scanned = done;
	return done ?: SHRINK_STOP;
}

/* Such pages do not move: without this, offlining tries until a signal. */
static bool range_in_use(const struct memory_notify *range)
{
	unsigned long pfn = range->start_pfn;
	unsigned long end = pfn + range->nr_pages;
	struct page *page;

	for (; pfn < end; pfn++) {
		page = pfn_to_online_page(pfn);
		if (page && page_inaccessible(page))
			return true;
	}
	return false;
}

static int unmapped_memory_notify(struct notifier_block *nb,
				  unsigned long action, void *arg)
{
	struct memory_notify *range = arg;

	if (action == MEM_GOING_OFFLINE && unmapped_drain() &&
	    range_in_use(range) && drain_patiently() && range_in_use(range))
		return notifier_from_errno(-EBUSY);
	return NOTIFY_OK;
}

VISIBLE_IF_KUNIT int unmapped_pm_notify(struct notifier_block *nb,
					unsigned long action, void *arg)
{
	unsigned long left;

	switch (action) {
	case PM_HIBERNATION_PREPARE:
		unmapped_set_frozen(true);
		/* Pages that nobody uses any more wait there to be freed */
		lru_add_drain_all();
		left = drain_patiently();
		if (!left)
			break;
		unmapped_set_frozen(false);
		pr_warn("hibernation refused, %lu kB are not in the direct map\n",
			left << (PAGE_SHIFT - 10));
		return notifier_from_errno(-EBUSY);
	case PM_POST_HIBERNATION:
		unmapped_set_frozen(false);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block unmapped_pm_nb = {
	.notifier_call = unmapped_pm_notify,
};

int __init unmapped_reclaim_init(void)
{
	struct shrinker *shrinker;

	shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "unmapped_alloc");
	if (!shrinker)
		return -ENOMEM;

	shrinker->count_objects = unmapped_shrink_count;
	shrinker->scan_objects = unmapped_shrink_scan;
	/* A scan of less than a block would free a block all the same. */
	shrinker->batch = 1UL << UNMAPPED_BLOCK_ORDER;
	shrinker_register(shrinker);

	hotplug_memory_notifier(unmapped_memory_notify,
				DEFAULT_CALLBACK_PRI);
	register_pm_notifier(&unmapped_pm_nb);
	return 0;
}
