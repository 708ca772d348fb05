// SPDX-License-Identifier: GPL-2.0
/*
 * Used pages that can move make room.
 *
 * System compaction passes over the cache: to move a page of it out of a range
 * frees nothing, as the block stays. But pages of keys and of files, which are
 * moved like any page on the LRU, may move from a block that is half free or
 * more to fuller ones. Then the block goes back whole, and no leaf of the direct
 * map is split for a part of it.
 *
 * Only what has room in other blocks of the node moves: nothing is refilled.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/swap.h>

#include "../internal.h"
#include "unmapped.h"

/* So many blocks that could not be emptied end the search. */
#define COMPACT_FAILURES	8

static struct folio *alloc_target(struct folio *src, unsigned long nid)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC |
		    __GFP_THISNODE | __GFP_HIGHMEM | __GFP_MOVABLE;
	struct folio *dst = unmapped_folio_alloc_like(src, gfp, nid);

	/* What moved before has left room in the block that is to be empty */
	if (dst && unmapped_block_of(&dst->page) ==
		   unmapped_block_of(&src->page)) {
		folio_put(dst);
		return NULL;
	}
	return dst;
}

static void free_target(struct folio *dst, unsigned long nid)
{
	folio_put(dst);
}

/*
 * Not what a real-time task has locked, nor what somebody has a reference to for
 * a reason of its own: all others would have moved in vain. Nor a large folio,
 * which is split where no room of its size is left.
 */
static bool can_move(struct folio *folio)
{
	int expected = 1 + folio_mapcount(folio);

	if (!folio_test_lru(folio) || folio_test_large(folio) ||
	    folio_test_mlocked(folio) || !unmapped_folio_movable(folio))
		return false;
	if (!folio_test_anon(folio))
		expected += 1 + folio_test_private(folio);
	return folio_ref_count(folio) <= expected;
}

static bool isolate(unsigned long pfn, struct list_head *list)
{
	/* The block may be gone, and its memory with it */
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;
	bool isolated;

	if (!page)
		return false;
	folio = page_folio(page);
	if (!folio_try_get(folio))
		return false;
	/* It may have been freed, and be another's, between the two */
	isolated = page_folio(page) == folio && can_move(folio) &&
		   isolate_folio_to_list(folio, list);
	folio_put(folio);
	return isolated;
}

/* One that cannot move keeps the block, so the others need not. */
static bool isolate_all(unsigned long pfn, const unsigned long *used,
			struct list_head *list)
{
	unsigned int i;

	for_each_set_bit(i, used, UNMAPPED_BLOCK_PAGES)
		if (!isolate(pfn + i, list))
			return false;
	return true;
}

static bool move_all(int nid, unsigned long pfn, const unsigned long *used)
{
	LIST_HEAD(list);
	int left = 1;

	if (isolate_all(pfn, used, &list))
		left = migrate_pages(&list, alloc_target, free_target, nid,
				     MIGRATE_ASYNC, MR_COMPACTION, NULL);
	putback_movable_pages(&list);
	return !left;
}

/**
 * unmapped_compact() - Empty blocks that are half free or more
 * @node: The node.
 * @nr: Stop after as many pages' worth of blocks.
 *
 * The fronts have been drained. Blocks that become empty are returned by
 * unmapped_return().
 *
 * Context: Process context; may be called from reclaim that may enter file
 * systems.
 * Return: Number of pages in blocks that were emptied.
 */
unsigned long unmapped_compact(struct unmapped_node *node, unsigned long nr)
{
	DECLARE_BITMAP(used, UNMAPPED_BLOCK_PAGES);
	unsigned long pfn, done = 0;
	unsigned int failed = 0;

	/* Pages that wait there for the LRU cannot be isolated */
	lru_add_drain();
	while (done < nr && failed < COMPACT_FAILURES &&
	       unmapped_node_pick_sparse(node, failed, &pfn, used)) {
		if (move_all(node->nid, pfn, used))
			done += UNMAPPED_BLOCK_PAGES;
		else
			failed++;
		unmapped_front_drain(node->nid);
		cond_resched();
	}
	return done;
}
