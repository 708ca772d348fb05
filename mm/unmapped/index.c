// SPDX-License-Identifier: GPL-2.0
/*
 * From a page to its block.
 *
 * An array of the machine's memory in units of 2M holds the descriptors. It
 * is read under RCU by those who hold a page, and by kmap for any page that
 * is marked inaccessible. Descriptors are of one size, 1.2 KiB, and have a
 * slab cache of their own.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/slab.h>
#include <linux/xarray.h>

#include "../internal.h"
#include "unmapped.h"

/* Written with interrupts off: blocks are removed under the node's lock */
static DEFINE_XARRAY_FLAGS(unmapped_blocks, XA_FLAGS_LOCK_IRQ);

static struct kmem_cache *unmapped_block_cache __ro_after_init;

static unsigned long index_of(const struct page *page)
{
	return page_to_pfn(page) >> UNMAPPED_BLOCK_ORDER;
}

/**
 * unmapped_block_of() - Find the block of a page
 * @page: A page that the caller has a reference to, or that is being freed;
 *	any other under RCU or the node's lock.
 *
 * Return: The block, or NULL if there is none.
 */
struct unmapped_block *unmapped_block_of(const struct page *page)
{
	return xa_load(&unmapped_blocks, index_of(page));
}

/**
 * unmapped_index_add() - Make a block known
 * @page: Any page of it.
 * @split: As for unmapped_block_init().
 * @gfp: For the descriptor.
 *
 * Context: Process context, interrupts on.
 * Return: The block; -EBUSY if there is one already, -ENOMEM.
 */
struct unmapped_block *unmapped_index_add(struct page *page, bool split,
					  gfp_t gfp)
{
	struct unmapped_block *block;
	int err;

	gfp = (gfp & GFP_RECLAIM_MASK) | __GFP_NOWARN;
	block = kmem_cache_alloc(unmapped_block_cache, gfp);
	if (!block)
		return ERR_PTR(-ENOMEM);

	unmapped_block_init(block, index_of(page) << UNMAPPED_BLOCK_ORDER,
			    page_to_nid(page), split);
	err = xa_insert_irq(&unmapped_blocks, index_of(page), block, gfp);
	if (err) {
		kmem_cache_free(unmapped_block_cache, block);
		return ERR_PTR(err);
	}
	return block;
}

/**
 * unmapped_index_remove() - Forget a block
 * @block: The block, which no page refers to any more.
 *
 * Context: Any but NMI.
 */
void unmapped_index_remove(struct unmapped_block *block)
{
	unsigned long flags;

	xa_lock_irqsave(&unmapped_blocks, flags);
	__xa_erase(&unmapped_blocks, block->pfn >> UNMAPPED_BLOCK_ORDER);
	xa_unlock_irqrestore(&unmapped_blocks, flags);
	kfree_rcu(block, rcu);
}

int __init unmapped_index_init(void)
{
	unmapped_block_cache = KMEM_CACHE(unmapped_block, 0);
	return unmapped_block_cache ? 0 : -ENOMEM;
}
