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
 * unmapped_block_init() - Describe a block
 * @block: The block.
 * @pfn: First page, aligned.
 * @nid: Node of the pages.
 * @split: None of its pages is the block's yet. Otherwise all are, and they
 *	are free and clean.
 */
void unmapped_block_init(struct unmapped_block *block, unsigned long pfn,
			 int nid, bool split)
{
	memset(block, 0, sizeof(*block));
	INIT_LIST_HEAD(&block->list);
	block->pfn = pfn;
	block->nid = nid;
	block->split = split;
	if (split) {
		bitmap_fill(block->used, UNMAPPED_BLOCK_PAGES);
		block->hint = UNMAPPED_BLOCK_PAGES;
	} else {
		block->nr_pages = UNMAPPED_BLOCK_PAGES;
		block->nr_free = UNMAPPED_BLOCK_PAGES;
	}
}

/**
 * unmapped_block_add() - Add pages to a split block
 * @block: The block.
 * @order: Their order. They are in use, and put back like others.
 */
void unmapped_block_add(struct unmapped_block *block, unsigned int order)
{
	block->nr_pages += 1U << order;
}

static int take_one(struct unmapped_block *block)
{
	unsigned long idx = find_next_zero_bit(block->used,
					       UNMAPPED_BLOCK_PAGES,
					       block->hint);

	if (idx >= UNMAPPED_BLOCK_PAGES)
		return -1;

	__set_bit(idx, block->used);
	block->nr_free--;
	block->hint = idx + 1;
	return idx;
}

/**
 * unmapped_block_take() - Take a free, aligned range
 * @block: The block.
 * @order: Order of the range.
 *
 * Return: Index of the first page, or -1 if there is no such range.
 */
int unmapped_block_take(struct unmapped_block *block, unsigned int order)
{
	unsigned int nr = 1U << order;
	unsigned long idx;

	if (!order)
		return take_one(block);
	if (block->nr_free < nr)
		return -1;

	idx = bitmap_find_next_zero_area(block->used, UNMAPPED_BLOCK_PAGES,
					 block->hint, nr, nr - 1);
	if (idx >= UNMAPPED_BLOCK_PAGES)
		return -1;

	bitmap_set(block->used, idx, nr);
	block->nr_free -= nr;
	return idx;
}

/**
 * unmapped_block_take_some() - Take free pages
 * @block: The block.
 * @pages: Filled in, in the order of addresses.
 * @nr: How many at most.
 *
 * Return: How many.
 */
unsigned int unmapped_block_take_some(struct unmapped_block *block,
				      struct unmapped_page *pages,
				      unsigned int nr)
{
	unsigned int idx = block->hint, taken = 0;
	unsigned long word;

	while (taken < nr && idx < UNMAPPED_BLOCK_PAGES) {
		word = ~block->used[BIT_WORD(idx)] >> (idx % BITS_PER_LONG);
		if (!word) {
			idx = ALIGN(idx + 1, BITS_PER_LONG);
			continue;
		}
		idx += __ffs(word);
		__set_bit(idx, block->used);
		pages[taken++] = (struct unmapped_page){ block, idx++ };
	}
	block->nr_free -= taken;
	block->hint = idx;
	return taken;
}

/**
 * unmapped_block_mark_bad() - Keep a page from use
 * @block: The block.
 * @idx: The page, free, or in use and not to be put.
 */
void unmapped_block_mark_bad(struct unmapped_block *block, unsigned int idx)
{
	if (!test_bit(idx, block->used)) {
		__set_bit(idx, block->used);
		block->nr_free--;
	}
	block->nr_bad++;
}

/**
 * unmapped_block_withdraw() - Take all free pages
 * @block: The block.
 * @pages: Filled in: a bit a page, %UNMAPPED_BLOCK_PAGES of them.
 *
 * Return: How many.
 */
unsigned int unmapped_block_withdraw(struct unmapped_block *block,
				     unsigned long *pages)
{
	unsigned int nr = block->nr_free;

	bitmap_complement(pages, block->used, UNMAPPED_BLOCK_PAGES);
	bitmap_fill(block->used, UNMAPPED_BLOCK_PAGES);
	block->nr_free = 0;
	block->hint = UNMAPPED_BLOCK_PAGES;
	return nr;
}
