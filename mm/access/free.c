// SPDX-License-Identifier: GPL-2.0
/*
 * The last put of an inaccessible page.
 *
 * free_pages_prepare() turns an inaccessible page over to this file before
 * it does anything that touches contents, or that takes the page for one the
 * buddy will have. What the allocator would undo is undone here, without the
 * contents: compound state, mapping, flags, page-table checks.
 * The memcg charge and the mlocked count are gone already. The page's owner
 * takes it from there.
 */

#define pr_fmt(fmt) "page_access: " fmt

#include <linux/mm.h>
#include <linux/page_table_check.h>

#include "access.h"

/* The marks that outlive a free. The allocator's rule, and ours on top. */
#define PAGE_FLAGS_KEPT		(~PAGE_FLAGS_CHECK_AT_PREP | __PG_INACCESSIBLE)

static void undo_compound(struct page *page, unsigned int nr)
{
	unsigned int i;

	page[1].flags &= ~PAGE_FLAGS_SECOND;
	for (i = 1; i < nr; i++) {
		clear_compound_head(page + i);
		atomic_set(&page[i]._mapcount, -1);
		page[i].private = 0;
	}
}

/* A page that is mapped or referenced must never see another user. */
static bool page_still_used(struct page *page)
{
	return atomic_read(&page->_mapcount) != -1 || page_ref_count(page);
}

static noinline void report_used(struct page *page)
{
	pr_err_ratelimited("page %#lx freed while in use, not reused\n",
			   page_to_pfn(page));
}

static __always_inline bool pages_unused(struct page *page, unsigned int nr)
{
	bool unused = true;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (likely(!page_still_used(page + i)))
			continue;
		report_used(page + i);
		unused = false;
	}
	return unused;
}

static __always_inline void reset_pages(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		page[i].mapping = NULL;
		page[i].flags &= PAGE_FLAGS_KEPT;
	}
}

/* Nearly always it is one page: for that the compiler needs no loop. */
static __always_inline void give_back(struct page *page, unsigned int order)
{
	unsigned int nr = 1 << order;

	if (!pages_unused(page, nr))
		return;

	if (order && PageCompound(page))
		undo_compound(page, nr);
	page_table_check_free(page, order);
	reset_pages(page, nr);
	page_access_ops->free(page, order);
}

/**
 * page_access_free() - Give an inaccessible page back to its owner
 * @page: First of the pages, no longer referenced.
 * @order: Order of the free.
 *
 * Context: Any but NMI, no locks assumed.
 * Return: true if the page was inaccessible and is gone; false for one that
 * is only poisoned.
 */
bool page_access_free(struct page *page, unsigned int order)
{
	if (!page_inaccessible(page))
		return false;
	if (likely(!order))
		give_back(page, 0);
	else
		give_back(page, order);
	return true;
}
