/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_UNMAPPED_UNMAPPED_H
#define _MM_UNMAPPED_UNMAPPED_H

#include <linux/atomic.h>
#include <linux/cpuset.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/page_owner.h>
#include <linux/spinlock.h>
#include <linux/unmapped_alloc.h>
#include <linux/workqueue.h>

#include "block.h"

/**
 * struct unmapped_node - the blocks of a node
 * @lock: Protects the blocks, the lists and the counters. Taken with
 *	interrupts off: pages are freed in any context. Nothing is allocated,
 *	mapped, cleared or flushed under it.
 * @buckets: Blocks by number of free pages, see UNMAPPED_NR_BUCKETS.
 * @filled: A bit for each bucket that is not empty.
 * @detached: Empty blocks smaller than a PMD, on their way to the system.
 * @singles: Free pages without a block, on their way to the system.
 * @nr_pages: Pages outside the direct map.
 * @nr_free: Of these, pages that nobody uses.
 * @nr_detached: Pages in @detached and @singles.
 * @nr_empty: PMD-sized blocks without a used page.
 * @refill_lock: One task at a time refills, so that all who found the node
 *	empty share its block. Protects @miss_order and @miss_wait. No reclaim
 *	for the block or its descriptor under it, and @lock nests inside.
 * @miss_order: What could be had when a PMD-sized page could not.
 * @miss_wait: Refills that start from @miss_order before the next attempt at
 *	a PMD-sized page.
 * @return_work: Returns blocks where the free itself may not.
 * @nid: The node.
 */
struct unmapped_node {
	spinlock_t lock;	/* counters, buckets, blocks */
	struct list_head buckets[UNMAPPED_NR_BUCKETS];
	unsigned long filled;
	struct list_head detached;
	struct list_head singles;
	unsigned long nr_pages;
	unsigned long nr_free;
	unsigned long nr_detached;
	unsigned long nr_empty;

	struct mutex refill_lock;	/* one refill at a time */
	unsigned int miss_order;
	unsigned int miss_wait;

	struct work_struct return_work;
	int nid;
};

/**
 * struct unmapped_request - an allocation on its way
 * @gfp: The caller's flags.
 * @order: The caller's order.
 * @owner: Who asks.
 * @nid: Where to look first.
 * @policy: The task's memory policy rules, @nid was taken from it.
 */
struct unmapped_request {
	gfp_t gfp;
	unsigned int order;
	enum unmapped_owner owner;
	int nid;
	bool policy;
};

/**
 * struct unmapped_owner_info - the rules for an owner
 * @name: For debugfs and sysctl.
 * @kmap: The kernel may map the pages. If not, page->private is the cache's
 *	while they are in use: a single page has its owner there.
 * @zero: Pages are handed out zeroed, asked for or not.
 * @used: Pages that the owner has.
 * @max_kbytes: Cap on these, 0 for none.
 */
struct unmapped_owner_info {
	const char *name;
	bool kmap;
	bool zero;
	atomic_long_t used;
	unsigned long max_kbytes;
};

extern struct unmapped_owner_info unmapped_owners[NR_UNMAPPED_OWNERS];
extern struct unmapped_node *unmapped_nodes[MAX_NUMNODES];
extern unsigned long unmapped_max_kbytes;

/* cache.c */
struct page *unmapped_take(struct unmapped_node *node,
			   const struct unmapped_request *req);
struct page *unmapped_publish(struct unmapped_block *block,
			      const struct unmapped_request *req);
void unmapped_push_empty(struct unmapped_block *block);
struct unmapped_block *unmapped_pop_empty(struct unmapped_node *node,
					  unsigned long keep);
void unmapped_account_returned(int nid, unsigned long nr);

static inline bool unmapped_poisoned(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (unlikely(PageHWPoison(page + i)))
			return true;
	return false;
}

void unmapped_publish_single(struct page *page);
struct page *unmapped_pop_single(struct unmapped_node *node);
void unmapped_push_single(struct page *page);

/* May the task's cpuset take memory of this node? Any zone stands for it. */
static inline bool unmapped_node_allowed(int nid, gfp_t gfp)
{
	return cpuset_zone_allowed(NODE_DATA(nid)->node_zones, gfp);
}

static inline bool unmapped_wants_zero(const struct unmapped_request *req)
{
	return (req->gfp & __GFP_ZERO) || unmapped_owners[req->owner].zero;
}

/* directmap.c */
struct unmapped_block *unmapped_block_of(const struct page *page);
u8 unmapped_owner_of(const struct page *page);
bool unmapped_clear_page(struct page *page);
bool unmapped_freeze_tails(struct page *page, unsigned int nr);
struct unmapped_block *unmapped_block_create(struct page *page,
					     unsigned int order, gfp_t gfp);
bool unmapped_block_release(struct unmapped_block *block);
struct page *unmapped_single_create(struct page *page,
				    enum unmapped_owner owner);
bool unmapped_single_release(struct page *page);

/* refill.c */
struct page *unmapped_refill(const struct unmapped_request *req);
void unmapped_set_frozen(bool frozen);

/* reclaim.c */
unsigned long unmapped_return_blocks(struct unmapped_node *node,
				     unsigned long keep, unsigned long nr);
void unmapped_return_work(struct work_struct *work);
unsigned long unmapped_drain(void);
int unmapped_reclaim_init(void);

/* stats.c */
unsigned long unmapped_total_pages(void);
unsigned long unmapped_total_free(void);
unsigned long unmapped_total_used(void);

/*
 * Tell page_owner that pages change hands. The new owner has them as one; those
 * before came and went page by page, and page_owner counts the pages of each.
 */
static inline void unmapped_change_page_owner(struct page *page,
					      unsigned int order, gfp_t gfp)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		reset_page_owner(page + i, 0);
	set_page_owner(page, order, gfp);
}

#if IS_ENABLED(CONFIG_KUNIT)
/* Static, but for the tests that replace or call them */
int unmapped_pm_notify(struct notifier_block *nb, unsigned long action,
		       void *arg);
int unmapped_set_valid(struct page *page, unsigned int nr, bool valid);
struct page *unmapped_alloc_pages(const struct unmapped_request *req, gfp_t gfp,
				  unsigned int order);
#endif

#endif /* _MM_UNMAPPED_UNMAPPED_H */
