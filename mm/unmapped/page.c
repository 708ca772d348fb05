// SPDX-License-Identifier: GPL-2.0
/*
 * From a free page to one that somebody owns, and the other way.
 *
 * A free page of the cache is PageOffline and has a reference, the cache's.
 * Memory hotplug, hibernation, kcore and dump tools thereby know to leave it
 * alone. A page in use looks as the allocator hands it out, but for
 * PG_inaccessible, and the last put ends here, in unmapped_free().
 *
 * Contents are cleared when a page is freed, or where the context is wrong for
 * that, before it is handed out or returned.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/highmem.h>
#include <linux/page_access.h>
#include <linux/vmstat.h>

#include "../internal.h"
#include "unmapped.h"

/**
 * unmapped_forget_dirty() - Say that the contents of pages may be seen
 * @p: The first; all are the caller's alone. Others use other bits of the words.
 * @nr: How many.
 *
 * Those who want it so see what the allocator left in new pages.
 */
void unmapped_forget_dirty(const struct unmapped_page *p, unsigned int nr)
{
	unsigned int i;

	for (i = p->idx; i < p->idx + nr; i++)
		clear_bit(i, p->block->dirty);
}

/**
 * unmapped_clear_dirty() - Clear those of some pages that are dirty
 * @p: The first; all are the caller's alone, and have the same key.
 * @nr: How many.
 *
 * Context: Any but NMI.
 * Return: false if all slots of this context are taken. Pages that are cleared
 * by then are not dirty any more.
 */
bool unmapped_clear_dirty(const struct unmapped_page *p, unsigned int nr)
{
	const unsigned long *dirty = p->block->dirty;
	unsigned int end = p->idx + nr, next;
	struct unmapped_page run = *p;

	for (;; run.idx = next) {
		run.idx = find_next_bit(dirty, end, run.idx);
		if (run.idx >= end)
			return true;
		next = find_next_zero_bit(dirty, end, run.idx);
		if (!unmapped_clear_pages(unmapped_page(&run), next - run.idx))
			return false;
		unmapped_forget_dirty(&run, next - run.idx);
	}
}

/* Nearly always it is one page, which was cleared when it was freed. */
static __always_inline bool clear_dirty(const struct unmapped_page *p,
					unsigned int nr)
{
	if (nr == 1 && likely(!test_bit(p->idx, p->block->dirty)))
		return true;
	return unmapped_clear_dirty(p, nr);
}

/* A free page has a reference, a tail of a higher order has none. */
static __always_inline bool claim_pages(struct page *page, unsigned int order)
{
	unsigned int nr = 1U << order;
	unsigned int i;

	if (order && !unmapped_freeze_tails(page, nr))
		return false;
	for (i = 0; i < nr; i++)
		__ClearPageOffline(page + i);
	return true;
}

/* Pages that nobody else can find become the owner's. */
static __always_inline struct page *
own_pages(const struct unmapped_page *p, const struct unmapped_request *req,
	  unsigned int order)
{
	struct page *page = unmapped_page(p);

	unmapped_block_set_owner(p->block, p->idx, order, req->owner->id);
	if (order && (req->gfp & __GFP_COMP))
		prep_compound_page(page, order);
	count_vm_events(UNMAPPED_ALLOC, 1UL << order);
	return page;
}

/* Those with a key set it when they know that the allocation has succeeded. */
static __always_inline bool keyed(const struct unmapped_request *req)
{
	return page_keyid_active() &&
	       (req->owner->flags & UNMAPPED_OWNER_KEYED);
}

static __always_inline struct page *
hand_out_order(const struct unmapped_page *p,
	       const struct unmapped_request *req, unsigned int order,
	       bool raw)
{
	bool clear = !raw && !keyed(req);
	struct page *page = unmapped_page(p);

	if (page_access_relaxed() &&
	    !unmapped_remove_repaired(page, 1U << order))
		goto put_pages;
	if (!keyed(req) && !unmapped_key_drop(p, 1U << order))
		goto put_pages;
	if (clear && !clear_dirty(p, 1U << order))
		goto put_pages;
	if (!claim_pages(page, order))
		goto put_pages;
	if (raw && !keyed(req))
		unmapped_forget_dirty(p, 1U << order);

	unmapped_change_page_owner(page, order, req->gfp);
	return own_pages(p, req, order);

put_pages:
	unmapped_node_put(p, order);
	return NULL;
}

/* Nearly all requests are for one page: for them the compiler needs no loop. */
static struct page *hand_out(const struct unmapped_page *p,
			     const struct unmapped_request *req, bool fresh)
{
	bool raw = fresh && !unmapped_wants_zero(req);

	if (likely(!req->order))
		return hand_out_order(p, req, 0, raw);
	return hand_out_order(p, req, req->order, raw);
}

/**
 * unmapped_take() - Allocate from the blocks of a node
 * @node: The node.
 * @req: What is wanted.
 *
 * Context: Any but NMI.
 * Return: The pages, or NULL.
 */
struct page *unmapped_take(struct unmapped_node *node,
			   const struct unmapped_request *req)
{
	struct unmapped_page p;
	bool taken;

	if (likely(!req->order))
		taken = unmapped_front_pop(node, req->owner->keyid, &p);
	else
		taken = unmapped_node_take(node, req->order, &p);
	return taken ? hand_out(&p, req, false) : NULL;
}

/**
 * unmapped_publish() - Make a new block known, its maker served first
 * @block: A whole block, out of the direct map; its first page has a
 *	reference, and others may hold speculative ones on it.
 * @req: What the maker wants.
 *
 * Context: Process context.
 * Return: The maker's pages; NULL if poison struck them meanwhile, somebody
 * looks at a tail page, or no slot is left to clear a dirty one.
 */
struct page *unmapped_publish(struct unmapped_block *block,
			      const struct unmapped_request *req)
{
	struct page *page = pfn_to_page(block->pfn);
	struct unmapped_page p;
	unsigned int i;

	for (i = 0; i < UNMAPPED_BLOCK_PAGES; i++) {
		__SetPageOffline(page + i);
		if (i)
			set_page_count(page + i, 1);
	}
	if (!unmapped_wants_zero(req))
		bitmap_fill(block->dirty, UNMAPPED_BLOCK_PAGES);

	if (!unmapped_node_add(block, req->order, &p))
		return NULL;
	return hand_out(&p, req, true);
}

/**
 * unmapped_publish_pages() - Hand out pages that left the direct map alone
 * @block: The split block around them.
 * @page: The pages, as the allocator gave them.
 * @req: What the maker wants.
 *
 * Context: Process context.
 * Return: The pages.
 */
struct page *unmapped_publish_pages(struct unmapped_block *block,
				    struct page *page,
				    const struct unmapped_request *req)
{
	struct unmapped_page p = { block, page_to_pfn(page) - block->pfn };

	/* They are freed one by one */
	pgalloc_tag_split(page_folio(page), req->order, 0);
	return own_pages(&p, req, req->order);
}

/*
 * Coming back.
 */

static __always_inline bool clear_sound(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (unlikely(PageHWPoison(page + i)))
			return false;
	return unmapped_clear_pages(page, nr);
}

/*
 * Poison is left alone: to write to it may be fatal. It stays dirty, should
 * somebody take the mark away.
 */
static noinline void clear_or_note(struct unmapped_block *block,
				   unsigned int idx, bool now)
{
	struct page *page = pfn_to_page(block->pfn + idx);

	if (!now || !clear_sound(page, 1))
		set_bit(idx, block->dirty);
}

static __always_inline void retire_page(struct page *page)
{
	set_page_private(page, 0);
	__SetPageOffline(page);
	set_page_count(page, 1);
}

/* A page without an owner was kept from use, and is no longer poisoned. */
static __always_inline void disown_pages(const struct unmapped_page *p,
					 unsigned int order)
{
	u16 id = p->block->owner[p->idx];

	if (unlikely(id == UNMAPPED_NO_OWNER)) {
		unmapped_node_heal(p);
		return;
	}
	unmapped_block_set_owner(p->block, p->idx, order, UNMAPPED_NO_OWNER);
	unmapped_owner_uncharge(unmapped_owner_by_id(id), 1U << order);
	count_vm_events(UNMAPPED_FREE, 1UL << order);
}

/* Not if there was no slot, in the middle of giving them another key. */
static __always_inline bool same_key(const struct unmapped_page *p,
				     unsigned int order)
{
	struct unmapped_page last = *p;

	if (!order || !page_keyid_active())
		return true;
	while (++last.idx < p->idx + (1U << order))
		if (unlikely(unmapped_key_of(&last) != unmapped_key_of(p)))
			return false;
	return true;
}

/* Clearing takes time and a slot: not in interrupts, not with them off. */
static __always_inline void retire_pages(const struct unmapped_page *p,
					 struct page *page, unsigned int order)
{
	bool now = in_task() && !irqs_disabled();
	bool cleared = now && same_key(p, order) &&
		       clear_sound(page, 1U << order);
	unsigned int i;

	disown_pages(p, order);
	unmapped_change_page_owner(page, order, GFP_NOWAIT);
	for (i = 0; i < 1U << order; i++) {
		if (unlikely(!cleared))
			clear_or_note(p->block, p->idx + i, now);
		retire_page(page + i);
	}
}

static void unmapped_free(struct page *page, unsigned int order)
{
	struct unmapped_block *block = unmapped_block_of(page);
	struct unmapped_page p = { block };

	if (WARN_ON_ONCE(!block))
		return;	/* lost, but never in the buddy unmapped */

	p.idx = page_to_pfn(page) - block->pfn;
	if (likely(!order)) {
		retire_pages(&p, page, 0);
		if (likely(!READ_ONCE(block->split)) &&
		    unmapped_front_push(&p))
			return;
	} else {
		retire_pages(&p, page, order);
	}
	unmapped_node_put(&p, order);
}

/*
 * What the access layer asks: linux/page_access.h has the rules.
 */

/* The block may go away, but not while its page is somebody's. */
static inline u16 owner_id(const struct page *page)
{
	struct unmapped_block *block = unmapped_block_of(page);

	if (!block)
		return UNMAPPED_NO_OWNER;
	return READ_ONCE(block->owner[page_to_pfn(page) %
				      UNMAPPED_BLOCK_PAGES]);
}

/**
 * unmapped_owner_of() - Find who uses a page
 * @page: Any page.
 *
 * Context: Under RCU, or with a reference to the page.
 * Return: The owner, or NULL.
 */
struct unmapped_owner *unmapped_owner_of(const struct page *page)
{
	struct unmapped_owner *owner;

	rcu_read_lock();
	owner = unmapped_owner_by_id(owner_id(page));
	rcu_read_unlock();
	return owner;
}

static bool unmapped_shared_with_kernel(const struct page *page)
{
	u16 id;

	rcu_read_lock();
	id = owner_id(page);
	rcu_read_unlock();
	return id & UNMAPPED_ID_KMAP;
}

static bool unmapped_kmap_prot(struct page *page, pgprot_t *prot)
{
	*prot = page_keyid_prot(page, *prot);
	return unmapped_shared_with_kernel(page);
}

/*
 * A device is no more trusted than the kernel, which programs it. But with no
 * more than the physical address it would reach a page without its key.
 */
static int unmapped_prepare_dma(struct page *page, enum dma_data_direction dir,
				bool plain)
{
	if (plain && page_keyid(page))
		return -EACCES;
	return unmapped_shared_with_kernel(page) ? 0 : -EACCES;
}

static const struct page_access_ops unmapped_access_ops = {
	.kmap_prot	= unmapped_kmap_prot,
	.prepare_dma	= unmapped_prepare_dma,
	.free		= unmapped_free,
};

void __init unmapped_page_init(void)
{
	page_access_register(&unmapped_access_ops);
}
