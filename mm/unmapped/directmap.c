// SPDX-License-Identifier: GPL-2.0
/*
 * The way of pages out of the direct map and back.
 *
 * Out: one call clears the range. An aligned 2M is one entry of a page table;
 * a smaller range needs a table of its own, to which the 2M around it is split
 * for good. Then one flush: until it is over another CPU may still reach the
 * pages, so they are not given to anybody before.
 *
 * Back: in the same shape, so that the change neither splits nor allocates.
 * No flush: no TLB holds an entry for a page that is not there. Only when a
 * block goes back in pieces is its leaf split here, and can that fail.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/highmem.h>
#include <linux/page_access.h>
#include <linux/set_memory.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include <asm/tlbflush.h>

#include "../internal.h"
#include "unmapped.h"

#define CREATE_TRACE_POINTS
#include <trace/events/unmapped.h>

VISIBLE_IF_KUNIT int unmapped_set_valid(struct page *page, unsigned int nr,
					bool valid, gfp_t gfp)
{
	KUNIT_STATIC_STUB_REDIRECT(unmapped_set_valid, page, nr, valid, gfp);
	return set_direct_map_valid_noflush(page, nr, valid, gfp);
}

/*
 * A stray access is repaired for one page, whose neighbours may be somebody's
 * secrets: then no leaf stays whole. Half a block is enough to split it.
 */
static int invalidate(struct page *page, unsigned int nr, gfp_t gfp)
{
	unsigned int half = nr / 2;
	int err;

	if (!page_access_relaxed() || nr != UNMAPPED_BLOCK_PAGES)
		return unmapped_set_valid(page, nr, false, gfp);

	err = unmapped_set_valid(page, half, false, gfp);
	return err ?: unmapped_set_valid(page + half, half, false, gfp);
}

/*
 * INVLPG with any address of a leaf takes all that a TLB has of it, also what
 * it keeps in pieces (Intel SDM volume 3, 4.10.4.1): the kernel flushes user
 * memory that was mapped by a PMD in this way, too. So one page is enough for a
 * block that was a leaf. As a range of 512 pages it is above the limit from
 * which on each CPU flushes all that it has.
 */
static void flush(unsigned long addr, unsigned int nr)
{
	unsigned int level = PG_LEVEL_4K;

	if (nr == UNMAPPED_BLOCK_PAGES)
		lookup_address(addr, &level);
	if (level == PG_LEVEL_2M)
		nr = 1;
	flush_tlb_kernel_range(addr, addr + nr * PAGE_SIZE);
	count_vm_event(UNMAPPED_FLUSH);
}

/**
 * unmapped_remove() - Take pages out of the direct map
 * @page: Ordinary pages that the caller has allocated.
 * @nr: How many.
 * @gfp: For the page table that a split leaf needs.
 *
 * Context: Process context, may sleep, interrupts on.
 * Return: 0; or an error, and the pages are as they were.
 */
int unmapped_remove(struct page *page, unsigned int nr, gfp_t gfp)
{
	unsigned long addr = (unsigned long)page_address(page);
	unsigned int i;
	int err;

	/*
	 * A lazily freed vmalloc mapping may still reach the pages. To purge
	 * them costs as much as all the rest for a few pages, which then are
	 * no better off than without a cache, and no worse.
	 */
	if (nr == UNMAPPED_BLOCK_PAGES)
		vm_unmap_aliases();

	gfp = (gfp & GFP_RECLAIM_MASK) | __GFP_NOWARN;
	err = invalidate(page, nr, gfp);
	if (err) {
		/* What was cleared before the failure is restored as it was */
		unmapped_set_valid(page, nr, true, GFP_NOWAIT);
		return err;
	}

	flush(addr, nr);
	trace_unmapped_refill(page_to_nid(page), page_to_pfn(page), nr);
	for (i = 0; i < nr; i++)
		page_set_inaccessible(page + i);
	return 0;
}

static bool remove_repaired(struct page *page)
{
	unsigned long addr = (unsigned long)page_address(page);

	if (likely(!kernel_page_present(page)))
		return true;
	/* The flush waits for all CPUs */
	if (!in_task() || irqs_disabled())
		return false;
	/* The leaf is the page's own, so that nothing is allocated */
	if (unmapped_set_valid(page, 1, false, GFP_NOWAIT))
		return false;
	flush_tlb_kernel_range(addr, addr + PAGE_SIZE);
	return true;
}

/**
 * unmapped_remove_repaired() - Undo the repair of stray accesses
 * @page: Pages of the cache that nobody uses.
 * @nr: How many.
 *
 * Context: Any but NMI.
 * Return: false if a page is in the direct map and cannot be removed here.
 */
bool unmapped_remove_repaired(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!remove_repaired(page + i))
			return false;
	return true;
}

/**
 * unmapped_restore() - Put pages back into the direct map
 * @page: Free pages of the cache, cleared, which nobody can take now.
 * @nr: How many.
 *
 * Context: Process context. For a whole block it does not sleep, allocate or
 * flush; for less it may have to split a leaf.
 * Return: 0; or an error, and the pages stay with the cache.
 */
int unmapped_restore(struct page *page, unsigned int nr)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN;
	int err = unmapped_set_valid(page, nr, true, gfp);
	unsigned int i;

	if (err)
		return err;

	trace_unmapped_return(page_to_nid(page), page_to_pfn(page), nr);
	for (i = 0; i < nr; i++) {
		page_clear_inaccessible(page + i);
		__ClearPageOffline(page + i);
	}
	return 0;
}

/**
 * unmapped_unfreeze_tails() - Undo unmapped_freeze_tails()
 * @page: The first page.
 * @nr: How many pages, the first included.
 */
void unmapped_unfreeze_tails(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++)
		page_ref_unfreeze(page + i, 1);
}

/**
 * unmapped_freeze_tails() - Take the references of all pages but the first
 * @page: Free pages of the cache, each with a reference.
 * @nr: How many.
 *
 * Return: false, with nothing changed, if somebody else looks at one of them.
 */
bool unmapped_freeze_tails(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++)
		if (!page_ref_freeze(page + i, 1))
			goto unfreeze;
	return true;

unfreeze:
	unmapped_unfreeze_tails(page, i);
	return false;
}

/**
 * unmapped_clear_pages() - Clear pages that are not in the direct map
 * @page: The first; all are the caller's alone, and have the same key.
 * @nr: How many.
 *
 * Context: Any but NMI.
 * Return: false if all slots of this context are taken.
 */
bool unmapped_clear_pages(struct page *page, unsigned int nr)
{
	return page_access_clear_pages(page, nr, unmapped_prot(page));
}
