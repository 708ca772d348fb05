/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_UNMAPPED_BLOCK_H
#define _MM_UNMAPPED_BLOCK_H

/*
 * Which pages of a block are in use. Pure bookkeeping, no struct page: it
 * also builds in user space, see tools/testing/unmapped.
 *
 * A block describes 2M of memory, aligned. It is whole while all of it is
 * outside the direct map, as one leaf of the page table, and split when only
 * some pages are: because no page of 2M could be had and pages left the direct
 * map on their own, or because the free pages of a whole block went back.
 *
 * Each page has an owner of its own. Blocks of one owner would need no such
 * array, but an owner of a few pages would hold 2M: 200 owners of five pages
 * each take 400 MiB that way and 4 MiB this way, which costs 1 KiB a block.
 */

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

#define UNMAPPED_BLOCK_ORDER	9	/* PMD_ORDER, also in user space */
#define UNMAPPED_BLOCK_PAGES	BIT(UNMAPPED_BLOCK_ORDER)

/*
 * Whole blocks are in the bucket fls(number of free pages): full ones in
 * bucket 0, the fullest with a free page in bucket 1, those at least half free
 * in the last but one, blocks without a used page alone in the last.
 */
#define UNMAPPED_NR_BUCKETS	(UNMAPPED_BLOCK_ORDER + 2)
#define UNMAPPED_EMPTY		(UNMAPPED_NR_BUCKETS - 1)
#define UNMAPPED_SPARSE		(UNMAPPED_NR_BUCKETS - 2)

/* No owner: the page is free, or kept from use because it is poisoned. */
#define UNMAPPED_NO_OWNER	0

/**
 * struct unmapped_block - 2M of memory that is outside the direct map
 * @list: Entry in a list of the node; a split block without a free page is on
 *	none.
 * @rcu: For the end, when the block is on no list.
 * @pfn: First page.
 * @nid: Node of the pages.
 * @nr_pages: Pages outside the direct map. The others are not the block's.
 * @nr_free: Of these, pages that nobody uses: to be handed out if the block is
 *	whole, on their way back to the system if it is split.
 * @nr_bad: Of these, poisoned pages. They stay used.
 * @hint: No page below it is free.
 * @split: Some pages may be in the direct map, and none will be handed out.
 * @used: A bit a page: handed out, bad, or not the block's.
 * @dirty: A bit a page: free, with contents that nobody may see.
 * @owner: Identifier of the owner of each page that is handed out.
 * @key: KeyID under which each page was used last, and is clean if it is.
 *
 * All but @dirty, @owner, @key, @pfn and @nid is under the node's lock. The
 * owner and the key of a page are written by those who hand the page out and
 * take it back.
 */
struct unmapped_block {
	union {
		struct list_head list;
		struct rcu_head rcu;
	};
	unsigned long pfn;
	int nid;
	unsigned short nr_pages;
	unsigned short nr_free;
	unsigned short nr_bad;
	unsigned short hint;
	bool split;
	DECLARE_BITMAP(used, UNMAPPED_BLOCK_PAGES);
	DECLARE_BITMAP(dirty, UNMAPPED_BLOCK_PAGES);
	u16 owner[UNMAPPED_BLOCK_PAGES];
#ifdef CONFIG_PAGE_KEYID
	u16 key[UNMAPPED_BLOCK_PAGES];
#endif
};

/**
 * struct unmapped_page - a page, or the first of several, in its block
 * @block: The block.
 * @idx: Index in it.
 */
struct unmapped_page {
	struct unmapped_block *block;
	unsigned int idx;
};

static inline bool block_is_empty(const struct unmapped_block *block)
{
	return block->nr_free == UNMAPPED_BLOCK_PAGES;
}

/* Nobody uses a page, but poison keeps it from being returned whole. */
static inline bool block_is_poisoned(const struct unmapped_block *block)
{
	return block->nr_bad && block->nr_free + block->nr_bad ==
				block->nr_pages;
}

static inline unsigned int block_bucket(const struct unmapped_block *block)
{
	return fls(block->nr_free);
}

void unmapped_block_init(struct unmapped_block *block, unsigned long pfn,
			 int nid, bool split);
void unmapped_block_add(struct unmapped_block *block, unsigned int order);
int unmapped_block_take(struct unmapped_block *block, unsigned int order);
unsigned int unmapped_block_take_some(struct unmapped_block *block,
				      struct unmapped_page *pages,
				      unsigned int nr);
void unmapped_block_mark_bad(struct unmapped_block *block, unsigned int idx);
unsigned int unmapped_block_withdraw(struct unmapped_block *block,
				     unsigned long *pages);

/**
 * unmapped_block_put() - Put a range back
 * @block: The block.
 * @idx: First page.
 * @order: Order of the range.
 */
static inline void unmapped_block_put(struct unmapped_block *block,
				      unsigned int idx, unsigned int order)
{
	unsigned int nr = 1U << order;

	if (!order)
		__clear_bit(idx, block->used);
	else
		bitmap_clear(block->used, idx, nr);
	block->nr_free += nr;
	if (idx < block->hint)
		block->hint = idx;
}

/**
 * unmapped_block_set_owner() - Note who has pages
 * @block: The block.
 * @idx: First page, which the caller has taken or is about to put.
 * @order: Order of the range.
 * @owner: Identifier of the owner, or %UNMAPPED_NO_OWNER.
 */
static inline void unmapped_block_set_owner(struct unmapped_block *block,
					    unsigned int idx,
					    unsigned int order, u16 owner)
{
	unsigned int i = idx;

	do {
		block->owner[i] = owner;
	} while (++i < idx + (1U << order));
}

#endif /* _MM_UNMAPPED_BLOCK_H */
