/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_UNACCEPTED_BUDDY_H
#define _MM_UNACCEPTED_BUDDY_H

/*
 * Unaccepted memory in the buddy: what the page allocator asks and is told.
 *
 * Three words:
 *
 *   pending	A range is pending if the bitmap says that a unit of it, or its
 *		guard, the unit after it, is not accepted.
 *   marked	A free pageblock that was pending when it came to the buddy. It
 *		is a buddy page of pageblock_order like any other, counted in
 *		nr_free and NR_FREE_PAGES, but it merges with nothing, has
 *		PG_unaccepted set on its first page, and waits on
 *		zone->unaccepted_pages instead of a free list.
 *   accepted	All other free memory.
 *
 * So the free lists have accepted memory alone, and whatever takes pages from
 * them needs to know nothing. An allocation that finds no page there accepts
 * the marked block that comes next, moves it to the free lists, and tries
 * again: see unaccepted_cond_accept(). The block stays in the buddy while that
 * lasts, so no free memory vanishes from the counters.
 *
 * The review of 2022 had a page type for pages on their way from the buddy to
 * post_alloc_hook(), which accepted them. There are no such pages here: none
 * leaves the buddy before it is accepted. A type would also be in the way of
 * dump tools: they skip a block of the highest order behind a page of the type
 * that vmcoreinfo names, and only the blocks of accept_memory=lazy-list are
 * that.
 *
 * A mark is exact in one direction: what is not marked is not pending. A
 * marked block may have been accepted, unit by unit, as the guard of others.
 */

#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/unaccepted_memory.h>

/**
 * enum accept_when - why the page allocator asks for accepted memory
 * @ACCEPT_AHEAD: It has not looked for a page yet.
 * @ACCEPT_FOR_WATERMARK: The zone is below the watermark.
 * @ACCEPT_FOR_PAGE: There is no page of that order.
 */
enum accept_when {
	ACCEPT_AHEAD,
	ACCEPT_FOR_WATERMARK,
	ACCEPT_FOR_PAGE,
};

#ifdef CONFIG_UNACCEPTED_BUDDY

DECLARE_STATIC_KEY_FALSE(unaccepted_buddy_key);

/* Does unaccepted memory live in the buddy of this machine? */
static __always_inline bool unaccepted_in_buddy(void)
{
	return static_branch_unlikely(&unaccepted_buddy_key);
}

/* Is this the first page of a marked block? Stable under the zone's lock. */
static __always_inline bool page_unaccepted(const struct page *page)
{
	return unaccepted_in_buddy() && PageBuddy(page) &&
	       PageBuddyUnaccepted(page);
}

/* Does the zone have marked blocks? Each serves any order up to its own. */
static __always_inline bool zone_has_unaccepted(const struct zone *zone)
{
	return unaccepted_in_buddy() && !list_empty(&zone->unaccepted_pages);
}

bool unaccepted_cond_accept(struct zone *zone, unsigned int order, gfp_t gfp,
			    enum accept_when when);
void unaccepted_prepare_block(struct page *page, bool kasan);
void __unaccepted_accept_pageblock(struct page *page);
int unaccepted_mode_setup(const char *mode);

/* The pageblock of @page is about to be taken as it is, whoever has it. */
static inline void unaccepted_accept_pageblock(struct page *page)
{
	if (unaccepted_in_buddy())
		__unaccepted_accept_pageblock(page);
}

/* page_alloc.c */
void unaccepted_release_block(struct page *page);

#else

static __always_inline bool unaccepted_in_buddy(void)
{
	return false;
}

static __always_inline bool page_unaccepted(const struct page *page)
{
	return false;
}

static __always_inline bool zone_has_unaccepted(const struct zone *zone)
{
	return false;
}

static inline bool unaccepted_cond_accept(struct zone *zone,
					  unsigned int order, gfp_t gfp,
					  enum accept_when when)
{
	return false;
}

static inline void unaccepted_prepare_block(struct page *page, bool kasan)
{
}

/* A macro, for the compiler to see what it always saw. */
#define unaccepted_accept_pageblock(page)	((void)(page))

static inline int unaccepted_mode_setup(const char *mode)
{
	return -EINVAL;
}

#endif /* CONFIG_UNACCEPTED_BUDDY */

#endif /* _MM_UNACCEPTED_BUDDY_H */
