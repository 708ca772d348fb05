/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_UNMAPPED_BLOCK_H
#define _MM_UNMAPPED_BLOCK_H

/*
 * Which pages of a block are in use. Pure bookkeeping, no struct page: it
 * also builds in user space, see tools/testing/unmapped.
 */

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/types.h>

#define UNMAPPED_BLOCK_ORDER	9	/* PMD_ORDER, also in user space */

/*
 * Blocks with a free page are in the bucket fls(number of free pages): the
 * fullest in bucket 1, a PMD-sized block without a used page alone in the
 * last. Bucket 0 is for full blocks.
 */
#define UNMAPPED_NR_BUCKETS	(UNMAPPED_BLOCK_ORDER + 2)

/* No owner: the page is free, or kept from use because it is poisoned. */
#define UNMAPPED_NO_OWNER	0xff

/**
 * struct unmapped_block - 1 << order pages that are not in the direct map
 * @list: Entry in a bucket of the node, or in a list of detached blocks.
 * @rcu: For the end, when the block is on no list.
 * @pfn: First page.
 * @nid: Node of the pages.
 * @order: %PMD_ORDER if the block left the direct map as one leaf, less if no
 *	such block could be had.
 * @nr_free: Pages that can be handed out.
 * @nr_bad: Poisoned pages. They stay used for ever, and the block with them.
 * @hint: No page below it is free.
 * @used: A bit a page: handed out or bad.
 * @dirty: A bit a page: free, with contents that nobody may see.
 * @owner: enum unmapped_owner of each used page.
 *
 * All but @dirty, @pfn, @nid and @order is under the node's lock.
 */
struct unmapped_block {
	union {
		struct list_head list;
		struct rcu_head rcu;
	};
	unsigned long pfn;
	int nid;
	unsigned short order;
	unsigned short nr_free;
	unsigned short nr_bad;
	unsigned short hint;
	unsigned long *used;
	unsigned long *dirty;
	u8 *owner;
};

static inline unsigned int block_nr_pages(const struct unmapped_block *block)
{
	return 1U << block->order;
}

static inline bool block_is_empty(const struct unmapped_block *block)
{
	return block->nr_free == block_nr_pages(block);
}

static inline unsigned int block_bucket(const struct unmapped_block *block)
{
	return fls(block->nr_free);
}

size_t unmapped_block_size(unsigned int order);
void unmapped_block_init(struct unmapped_block *block, unsigned long pfn,
			 unsigned int order, int nid);
int unmapped_block_take(struct unmapped_block *block, unsigned int order,
			u8 owner);
void unmapped_block_put(struct unmapped_block *block, unsigned int idx,
			unsigned int order);
void unmapped_block_mark_bad(struct unmapped_block *block, unsigned int idx);

#endif /* _MM_UNMAPPED_BLOCK_H */
