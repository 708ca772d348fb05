// SPDX-License-Identifier: GPL-2.0
/*
 * From a page to its block.
 *
 * A table with an entry for each 2M of the machine's address space leads to
 * the descriptors. It is read under RCU by those who hold a page, and by kmap
 * each time that it maps one, so it is not a tree that grows: two loads find
 * the block anywhere. The table is made with the first block, its leaves with
 * the first block of theirs, and neither goes away.
 *
 * Descriptors are of one size, 1.2 KiB, and have a slab cache of their own.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/slab.h>

#include "../internal.h"
#include "unmapped.h"

struct unmapped_block ***unmapped_index __read_mostly;

static struct kmem_cache *unmapped_block_cache __ro_after_init;

static unsigned long index_of(const struct page *page)
{
	return page_to_pfn(page) >> UNMAPPED_BLOCK_ORDER;
}

/* Finds the table that @slot leads to. Whoever is first makes it. */
static void *get_table(void **slot, unsigned long entries, gfp_t gfp)
{
	void *old = READ_ONCE(*slot), *new;

	if (old)
		return old;
	new = kvcalloc(entries, sizeof(void *), gfp);
	/* Pairs with the dependency in unmapped_block_of() */
	if (new && !try_cmpxchg(slot, &old, new)) {
		kvfree(new);
		new = old;
	}
	return new;
}

static struct unmapped_block **get_entry(unsigned long nr, gfp_t gfp)
{
	struct unmapped_block ***root, **leaf;

	root = get_table((void **)&unmapped_index, UNMAPPED_LEAVES, gfp);
	if (!root)
		return NULL;
	leaf = get_table((void **)&root[nr >> UNMAPPED_LEAF_SHIFT],
			 UNMAPPED_LEAF_BLOCKS, gfp);
	return leaf ? &leaf[nr % UNMAPPED_LEAF_BLOCKS] : NULL;
}

/**
 * unmapped_index_add() - Make a block known
 * @page: Any page of it.
 * @split: As for unmapped_block_init().
 * @gfp: For the descriptor.
 *
 * Context: Process context, interrupts on, may sleep.
 * Return: The block; -EBUSY if there is one already, -ENOMEM.
 */
struct unmapped_block *unmapped_index_add(struct page *page, bool split,
					  gfp_t gfp)
{
	struct unmapped_block **entry, *block, *old = NULL;

	gfp = (gfp & GFP_RECLAIM_MASK) | __GFP_NOWARN;
	entry = get_entry(index_of(page), gfp);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	block = kmem_cache_alloc_node(unmapped_block_cache, gfp,
				      page_to_nid(page));
	if (!block)
		return ERR_PTR(-ENOMEM);

	unmapped_block_init(block, index_of(page) << UNMAPPED_BLOCK_ORDER,
			    page_to_nid(page), split);
	/* Pairs with the dependency in unmapped_block_of() */
	if (!try_cmpxchg(entry, &old, block)) {
		kmem_cache_free(unmapped_block_cache, block);
		return ERR_PTR(-EBUSY);
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
	unsigned long nr = block->pfn >> UNMAPPED_BLOCK_ORDER;
	struct unmapped_block **leaf = unmapped_index[nr >> UNMAPPED_LEAF_SHIFT];

	WRITE_ONCE(leaf[nr % UNMAPPED_LEAF_BLOCKS], NULL);
	kfree_rcu(block, rcu);
}

/**
 * unmapped_index_for_each() - Call a function for each block
 * @fn: The function.
 *
 * Context: Nobody else adds or removes blocks.
 */
void unmapped_index_for_each(void (*fn)(struct unmapped_block *block))
{
	unsigned long i, j;

	for (i = 0; unmapped_index && i < UNMAPPED_LEAVES; i++)
		for (j = 0; unmapped_index[i] && j < UNMAPPED_LEAF_BLOCKS; j++)
			if (unmapped_index[i][j])
				fn(unmapped_index[i][j]);
}

int __init unmapped_index_init(void)
{
	unmapped_block_cache = KMEM_CACHE(unmapped_block, 0);
	return unmapped_block_cache ? 0 : -ENOMEM;
}
