// SPDX-License-Identifier: GPL-2.0
/*
 * The way of a block out of the direct map and back.
 *
 * Out: its pages are still ordinary allocated pages here. The descriptor is
 * made and the index filled first, since both can fail and neither can after
 * the map has changed. Then one call clears the whole range: an aligned 2M is
 * one entry of a page table. Last, one flush: until it is over another CPU
 * may still reach the pages, so they are not given to anybody before.
 *
 * Back: in the same shape, so that the change neither splits nor allocates
 * and cannot fail. No flush: no TLB holds an entry for a page that is not
 * there.
 *
 * Between the two each page is marked PG_inaccessible, and while it is free
 * also PageOffline, with a reference that is the cache's. Memory hotplug,
 * hibernation, kcore and dump tools thereby know to leave it alone.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/highmem.h>
#include <linux/page_access.h>
#include <linux/set_memory.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include <asm/tlbflush.h>

#include "../internal.h"
#include "unmapped.h"

#define CREATE_TRACE_POINTS
#include <trace/events/unmapped.h>

/* Every page of a block leads to it. Read under RCU, by holders of a page. */
static DEFINE_XARRAY(unmapped_blocks);

static int index_block(struct unmapped_block *block, gfp_t gfp)
{
	XA_STATE_ORDER(xas, &unmapped_blocks, block->pfn, block->order);

	do {
		xas_lock(&xas);
		xas_store(&xas, block);
		xas_unlock(&xas);
	} while (xas_nomem(&xas, gfp));

	return xas_error(&xas);
}

VISIBLE_IF_KUNIT int unmapped_set_valid(struct page *page, unsigned int nr,
					bool valid)
{
	KUNIT_STATIC_STUB_REDIRECT(unmapped_set_valid, page, nr, valid);
	return set_direct_map_valid_noflush(page, nr, valid);
}

static int remove_from_direct_map(struct page *page, unsigned int nr)
{
	unsigned long addr = (unsigned long)page_address(page);
	int err;

	/*
	 * A lazily freed vmalloc mapping may still reach the pages. To purge
	 * them costs as much as all the rest for a small block, which then is
	 * no better than without a cache, and no worse.
	 */
	if (nr == 1U << UNMAPPED_BLOCK_ORDER)
		vm_unmap_aliases();

	err = unmapped_set_valid(page, nr, false);
	if (err) {
		/* What was cleared before the failure is restored as it was */
		unmapped_set_valid(page, nr, true);
		return err;
	}

	flush_tlb_kernel_range(addr, addr + nr * PAGE_SIZE);
	count_vm_event(UNMAPPED_FLUSH);
	return 0;
}

/* The first has a reference, and others may hold speculative ones on it. */
static void mark_pages(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		page_set_inaccessible(page + i);
		__SetPageOffline(page + i);
		if (i)
			set_page_count(page + i, 1);
	}
}

/* As alloc_pages() had left them. */
static void unmark_pages(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		page_clear_inaccessible(page + i);
		__ClearPageOffline(page + i);
	}
}

static void unfreeze_tails(struct page *page, unsigned int nr)
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
	unfreeze_tails(page, i);
	return false;
}

/**
 * unmapped_clear_page() - Clear a page that is not in the direct map
 * @page: A page of the cache, the caller's alone.
 *
 * Context: Any but NMI.
 * Return: false if all slots of this context are taken.
 */
bool unmapped_clear_page(struct page *page)
{
	void *addr = page_access_map(page);

	if (!addr)
		return false;
	clear_page(addr);
	kunmap_local(addr);
	return true;
}

/**
 * unmapped_block_of() - Find the block of a page
 * @page: A page that the caller has a reference to, or that is being freed.
 *
 * Return: The block; NULL for a single page.
 */
struct unmapped_block *unmapped_block_of(const struct page *page)
{
	return xa_load(&unmapped_blocks, page_to_pfn(page));
}

/**
 * unmapped_owner_of() - Find who uses a page
 * @page: Any page.
 *
 * Return: An enum unmapped_owner, or UNMAPPED_NO_OWNER.
 */
u8 unmapped_owner_of(const struct page *page)
{
	u8 owner = UNMAPPED_NO_OWNER;
	struct unmapped_block *block;

	rcu_read_lock();
	block = unmapped_block_of(page);
	if (block)
		owner = READ_ONCE(block->owner[page_to_pfn(page) - block->pfn]);
	rcu_read_unlock();
	return owner;
}

/**
 * unmapped_block_create() - Take pages out of the direct map
 * @page: Pages fresh from the allocator, not compound.
 * @order: Their order.
 * @gfp: For the descriptor.
 *
 * Context: Process context, may sleep, interrupts on.
 * Return: The block, not yet known to its node; NULL if it cannot be made,
 * with the pages freed.
 */
struct unmapped_block *unmapped_block_create(struct page *page,
					     unsigned int order, gfp_t gfp)
{
	struct unmapped_block *block;

	gfp = (gfp & GFP_RECLAIM_MASK) | __GFP_NOWARN;
	block = kmalloc(unmapped_block_size(order), gfp);
	if (!block)
		goto free_pages;

	unmapped_block_init(block, page_to_pfn(page), order, page_to_nid(page));
	if (index_block(block, gfp))
		goto free_block;
	if (remove_from_direct_map(page, 1U << order))
		goto erase_block;

	mark_pages(page, 1U << order);
	return block;

erase_block:
	xa_erase(&unmapped_blocks, block->pfn);
free_block:
	kfree(block);
free_pages:
	__free_pages(page, order);
	return NULL;
}

static bool clear_dirty_pages(struct unmapped_block *block, struct page *page)
{
	unsigned int i;

	for_each_set_bit(i, block->dirty, block_nr_pages(block)) {
		if (!unmapped_clear_page(page + i))
			return false;
		clear_bit(i, block->dirty);
	}
	return true;
}

/**
 * unmapped_block_release() - Give an empty block back to the system
 * @block: From unmapped_pop_empty().
 *
 * Context: Process context. Does not sleep, allocate or flush, so reclaim may
 * call it.
 * Return: false if the block stays: a page is poisoned, somebody looks at one,
 * or the caller holds all slots that could clear one.
 */
bool unmapped_block_release(struct unmapped_block *block)
{
	struct page *page = pfn_to_page(block->pfn);
	unsigned int order = block->order;

	if (unmapped_poisoned(page, 1U << order) ||
	    !unmapped_freeze_tails(page, 1U << order))
		goto push_back;
	if (!clear_dirty_pages(block, page))
		goto unfreeze;
	if (WARN_ON_ONCE(unmapped_set_valid(page, 1U << order, true)))
		return false;	/* lost, but never in the buddy unmapped */

	trace_unmapped_return(block->nid, block->pfn, order);
	count_vm_event(UNMAPPED_RETURN);

	unmark_pages(page, 1U << order);
	xa_erase(&unmapped_blocks, block->pfn);
	unmapped_account_returned(block->nid, 1UL << order);
	kfree_rcu(block, rcu);
	unmapped_change_page_owner(page, order, GFP_NOWAIT);
	__free_pages(page, order);
	return true;

unfreeze:
	unfreeze_tails(page, 1U << order);
push_back:
	unmapped_push_empty(block);
	return false;
}

/**
 * unmapped_single_create() - Take one page out of the direct map, for one user
 * @page: A page fresh from the allocator, zeroed.
 * @owner: Who gets it: an owner that has no kmap.
 *
 * When memory is in pieces of 4K a block for each would cost more than what
 * it describes. A page that the kernel may not map needs none: who owns it is
 * known from page->private, and it goes back where it came from.
 *
 * Context: Process context, may sleep, interrupts on.
 * Return: The page; NULL, with the page freed, if it cannot leave the map.
 */
struct page *unmapped_single_create(struct page *page,
				    enum unmapped_owner owner)
{
	if (remove_from_direct_map(page, 1)) {
		__free_page(page);
		return NULL;
	}
	page_set_inaccessible(page);
	set_page_private(page, owner);
	trace_unmapped_refill(page_to_nid(page), page_to_pfn(page), 0);
	return page;
}

/**
 * unmapped_single_release() - Give a single page back to the system
 * @page: From unmapped_pop_single().
 *
 * Context: As for unmapped_block_release().
 * Return: false if the page stays.
 */
bool unmapped_single_release(struct page *page)
{
	if (PageHWPoison(page))
		return true;	/* out of the map and of use, for ever */
	if (!unmapped_clear_page(page)) {
		unmapped_push_single(page);
		return false;
	}
	if (WARN_ON_ONCE(unmapped_set_valid(page, 1, true)))
		return false;

	trace_unmapped_return(page_to_nid(page), page_to_pfn(page), 0);
	count_vm_event(UNMAPPED_RETURN);

	unmapped_account_returned(page_to_nid(page), 1);
	page_clear_inaccessible(page);
	set_page_private(page, 0);
	set_page_count(page, 1);
	__free_page(page);
	return true;
}
