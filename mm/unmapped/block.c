// SPDX-License-Identifier: GPL-2.0
/*
 * Which pages of a block are in use, see block.h.
 *
 * One bitmap serves all orders: an order-n range is 1 << n aligned bits that
 * are all clear. Nearly all requests are for one page. They have a way of
 * their own, and find it in the word of the hint.
 */

#include <linux/kernel.h>
#include <linux/string.h>

#include "block.h"

/**
 * unmapped_block_size() - Tell how much memory the descriptor of a block takes
 * @order: Order of the block.
 *
 * Return: Bytes, the two bitmaps and the owners included.
 */
size_t unmapped_block_size(unsigned int order)
{
	size_t nr = 1UL << order;

	return sizeof(struct unmapped_block) +
	       2 * BITS_TO_LONGS(nr) * sizeof(long) + nr;
}

/**
 * unmapped_block_init() - Describe a block whose pages are all free and clean
 * @block: unmapped_block_size(@order) bytes.
 * @pfn: First page.
 * @order: Order of the block.
 * @nid: Node of the pages.
 */
void unmapped_block_init(struct unmapped_block *block, unsigned long pfn,
			 unsigned int order, int nid)
{
	unsigned int nr = 1U << order;

	memset(block, 0, unmapped_block_size(order));
	INIT_LIST_HEAD(&block->list);
	block->pfn = pfn;
	block->nid = nid;
	block->order = order;
	block->nr_free = nr;
	block->used = (unsigned long *)(block + 1);
	block->dirty = block->used + BITS_TO_LONGS(nr);
	block->owner = (u8 *)(block->dirty + BITS_TO_LONGS(nr));
	memset(block->owner, UNMAPPED_NO_OWNER, nr);
}

static int take_one(struct unmapped_block *block, u8 owner)
{
	unsigned long nr = block_nr_pages(block);
	unsigned long idx = find_next_zero_bit(block->used, nr, block->hint);

	if (idx >= nr)
		return -1;

	__set_bit(idx, block->used);
	block->owner[idx] = owner;
	block->nr_free--;
	block->hint = idx + 1;
	return idx;
}

/**
 * unmapped_block_take() - Take a free, aligned range
 * @block: The block.
 * @order: Order of the range.
 * @owner: Who gets it.
 *
 * Return: Index of the first page, or -1 if there is no such range.
 */
int unmapped_block_take(struct unmapped_block *block, unsigned int order,
			u8 owner)
{
	unsigned int nr = 1U << order;
	unsigned long idx;

	if (!order)
		return take_one(block, owner);
	if (block->nr_free < nr)
		return -1;

	idx = bitmap_find_next_zero_area(block->used, block_nr_pages(block),
					 block->hint, nr, nr - 1);
	if (idx >= block_nr_pages(block))
		return -1;

	bitmap_set(block->used, idx, nr);
	memset(block->owner + idx, owner, nr);
	block->nr_free -= nr;
	return idx;
}

/**
 * unmapped_block_put() - Put a range back
 * @block: The block.
 * @idx: First page.
 * @order: Order of the range.
 */
void unmapped_block_put(struct unmapped_block *block, unsigned int idx,
			unsigned int order)
{
	unsigned int nr = 1U << order;

	if (!order) {
		block->owner[idx] = UNMAPPED_NO_OWNER;
		__clear_bit(idx, block->used);
	} else {
		memset(block->owner + idx, UNMAPPED_NO_OWNER, nr);
		bitmap_clear(block->used, idx, nr);
	}
	block->nr_free += nr;
	if (idx < block->hint)
		block->hint = idx;
}

/**
 * unmapped_block_mark_bad() - Keep a page from use for ever
 * @block: The block.
 * @idx: The page, free, or in use and not to be put.
 */
void unmapped_block_mark_bad(struct unmapped_block *block, unsigned int idx)
{
	if (!test_bit(idx, block->used)) {
		__set_bit(idx, block->used);
		block->nr_free--;
	}
	block->owner[idx] = UNMAPPED_NO_OWNER;
	block->nr_bad++;
}
