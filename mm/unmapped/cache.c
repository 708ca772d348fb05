// SPDX-License-Identifier: GPL-2.0
/*
 * A cache of pages outside the direct map.
 *
 * A node's memory leaves the direct map in blocks, of 2M when such can be
 * had. An allocation takes pages from the fullest block that has room, so
 * that others run empty and can be returned; only when there is none it makes
 * a new block (refill.c). Contents are cleared when pages are freed, or where
 * the context is wrong for that, before they are handed out or returned.
 *
 * What the core knows of this: pages are marked PG_inaccessible, kmap asks
 * unmapped_kmap_prot(), and the last put ends in unmapped_free().
 *
 * Lock order: refill_lock, then the node's lock. See struct unmapped_node.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/page_access.h>
#include <linux/set_memory.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "../internal.h"
#include "unmapped.h"

/* How many blocks of a bucket to search for an aligned range. */
#define UNMAPPED_SEARCH_BLOCKS	16

struct unmapped_owner_info unmapped_owners[NR_UNMAPPED_OWNERS] = {
	[UNMAPPED_SECRETMEM] = { .name = "secretmem", .zero = true },
	[UNMAPPED_BUFFER] = { .name = "buffer", .kmap = true },
};

/* All possible nodes have one, once the cache is up. */
struct unmapped_node *unmapped_nodes[MAX_NUMNODES] __ro_after_init;

static bool unmapped_enabled __ro_after_init = true;

/*
 * Buckets and counters. The block may change bucket with each of its pages.
 */

static void bucket_add(struct unmapped_node *node, struct unmapped_block *block)
{
	unsigned int i = block_bucket(block);

	lockdep_assert_held(&node->lock);

	list_add(&block->list, &node->buckets[i]);
	node->filled |= BIT(i);
	node->nr_empty += i == UNMAPPED_NR_BUCKETS - 1;
}

static void bucket_del(struct unmapped_node *node, struct unmapped_block *block,
		       unsigned int i)
{
	lockdep_assert_held(&node->lock);

	list_del(&block->list);
	if (list_empty(&node->buckets[i]))
		node->filled &= ~BIT(i);
	node->nr_empty -= i == UNMAPPED_NR_BUCKETS - 1;
}

static void rebucket(struct unmapped_node *node, struct unmapped_block *block,
		     unsigned int old)
{
	if (block_bucket(block) == old)
		return;
	bucket_del(node, block, old);
	bucket_add(node, block);
}

static int take_range(struct unmapped_node *node, struct unmapped_block *block,
		      const struct unmapped_request *req)
{
	unsigned int old = block_bucket(block);
	int idx = unmapped_block_take(block, req->order, req->owner);

	if (idx >= 0) {
		node->nr_free -= 1UL << req->order;
		rebucket(node, block, old);
	}
	return idx;
}

/* Only blocks of PMD size wait for another user when they are empty. */
static void detach_small(struct unmapped_node *node,
			 struct unmapped_block *block)
{
	if (!block_is_empty(block) || block->order == UNMAPPED_BLOCK_ORDER)
		return;
	bucket_del(node, block, block_bucket(block));
	list_add_tail(&block->list, &node->detached);
	node->nr_detached += block_nr_pages(block);
}

static void put_range(struct unmapped_node *node, struct unmapped_block *block,
		      unsigned int idx, unsigned int order)
{
	unsigned int old = block_bucket(block);

	unmapped_block_put(block, idx, order);
	node->nr_free += 1UL << order;
	rebucket(node, block, old);
	detach_small(node, block);
}

/* Poison strikes free pages too. What it hit is kept, for ever. */
static void put_unpoisoned(struct unmapped_node *node,
			   struct unmapped_block *block, unsigned int idx,
			   unsigned int order)
{
	struct page *page = pfn_to_page(block->pfn + idx);
	unsigned int i;

	for (i = 0; i < 1U << order; i++) {
		if (PageHWPoison(page + i))
			unmapped_block_mark_bad(block, idx + i);
		else
			put_range(node, block, idx + i, 0);
	}
}

static bool drop_poisoned(struct unmapped_node *node,
			  struct unmapped_block *block, unsigned int idx,
			  unsigned int order)
{
	if (likely(!unmapped_poisoned(pfn_to_page(block->pfn + idx),
				      1U << order)))
		return false;

	put_unpoisoned(node, block, idx, order);
	return true;
}

/* The block and, in @idx, the range; -EAGAIN if there was poison in it. */
static struct unmapped_block *
take_from_bucket(struct unmapped_node *node, struct list_head *bucket,
		 const struct unmapped_request *req, int *idx)
{
	struct unmapped_block *block;
	unsigned int searched = 0;

	list_for_each_entry(block, bucket, list) {
		*idx = take_range(node, block, req);
		if (*idx >= 0)
			return drop_poisoned(node, block, *idx, req->order) ?
			       ERR_PTR(-EAGAIN) : block;
		if (++searched == UNMAPPED_SEARCH_BLOCKS)
			break;
	}
	return NULL;
}

static struct unmapped_block *take_from_node(struct unmapped_node *node,
					     const struct unmapped_request *req,
					     int *idx)
{
	unsigned long enough = ~(BIT(req->order + 1) - 1);
	unsigned long buckets = node->filled & enough;
	struct unmapped_block *block = NULL;
	unsigned int i;

	lockdep_assert_held(&node->lock);

	while (!block && buckets) {
		i = __ffs(buckets);
		block = take_from_bucket(node, &node->buckets[i], req, idx);
		if (IS_ERR(block)) {
			buckets = node->filled & enough;
			block = NULL;
		} else {
			buckets &= ~BIT(i);
		}
	}
	return block;
}

/*
 * From a free range to pages that somebody owns, and the other way.
 */

/* The range is the caller's alone; others use other bits of the words. */
static bool clear_dirty(struct unmapped_block *block, struct page *page,
			unsigned int nr)
{
	unsigned long idx = page_to_pfn(page) - block->pfn;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!test_bit(idx + i, block->dirty))
			continue;
		if (!unmapped_clear_page(page + i))
			return false;
		clear_bit(idx + i, block->dirty);
	}
	return true;
}

/* What the allocator left in new pages may be seen by who wants it so. */
static void forget_dirty(struct unmapped_block *block, struct page *page,
			 unsigned int nr)
{
	unsigned long idx = page_to_pfn(page) - block->pfn;
	unsigned int i;

	for (i = 0; i < nr; i++)
		clear_bit(idx + i, block->dirty);
}

/* A free page has a reference, a tail of a higher order has none. */
static bool claim_pages(struct page *page, unsigned int order)
{
	unsigned int nr = 1U << order;
	unsigned int i;

	if (order && !unmapped_freeze_tails(page, nr))
		return false;
	for (i = 0; i < nr; i++)
		__ClearPageOffline(page + i);
	return true;
}

static void put_pages(struct unmapped_block *block, unsigned int idx,
		      unsigned int order)
{
	struct unmapped_node *node = unmapped_nodes[block->nid];
	unsigned long flags;
	bool excess;

	spin_lock_irqsave(&node->lock, flags);
	if (!drop_poisoned(node, block, idx, order))
		put_range(node, block, idx, order);
	excess = node->nr_empty > 1 || node->nr_detached;
	spin_unlock_irqrestore(&node->lock, flags);

	if (excess)
		queue_work(system_unbound_wq, &node->return_work);
}

static struct page *hand_out(struct unmapped_block *block, struct page *page,
			     const struct unmapped_request *req, bool fresh)
{
	unsigned int order = req->order;
	bool raw = fresh && !unmapped_wants_zero(req);

	if (!raw && !clear_dirty(block, page, 1U << order))
		goto put_pages;
	if (!claim_pages(page, order))
		goto put_pages;
	if (raw)
		forget_dirty(block, page, 1U << order);

	unmapped_change_page_owner(page, order, req->gfp);
	if (order && (req->gfp & __GFP_COMP))
		prep_compound_page(page, order);
	count_vm_events(UNMAPPED_ALLOC, 1UL << order);
	return page;

put_pages:
	put_pages(block, page_to_pfn(page) - block->pfn, order);
	return NULL;
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
	struct unmapped_block *block;
	unsigned long flags;
	int idx;

	spin_lock_irqsave(&node->lock, flags);
	block = take_from_node(node, req, &idx);
	spin_unlock_irqrestore(&node->lock, flags);

	if (!block)
		return NULL;
	return hand_out(block, pfn_to_page(block->pfn + idx), req, false);
}

static void account_block(struct unmapped_node *node,
			  struct unmapped_block *block)
{
	lockdep_assert_held(&node->lock);

	node->nr_free += block->nr_free;
	bucket_add(node, block);
}

/**
 * unmapped_publish() - Make a new block known, its maker served first
 * @block: From unmapped_block_create().
 * @req: What the maker wants.
 *
 * Context: Process context.
 * Return: The maker's pages; NULL if poison struck them meanwhile, somebody
 * looks at a tail page, or no slot is left to clear a dirty one.
 */
struct page *unmapped_publish(struct unmapped_block *block,
			      const struct unmapped_request *req)
{
	struct unmapped_node *node = unmapped_nodes[block->nid];
	struct page *page = pfn_to_page(block->pfn);
	int idx;

	if (!unmapped_wants_zero(req))
		bitmap_fill(block->dirty, block_nr_pages(block));

	spin_lock_irq(&node->lock);
	node->nr_pages += block_nr_pages(block);
	account_block(node, block);
	idx = take_range(node, block, req);
	if (drop_poisoned(node, block, idx, req->order))
		page = NULL;
	spin_unlock_irq(&node->lock);

	return page ? hand_out(block, page, req, true) : NULL;
}

/**
 * unmapped_push_empty() - Take a block back that could not be returned
 * @block: From unmapped_pop_empty().
 *
 * Pages that poison struck are kept from use, and the block is not empty any
 * more then.
 *
 * Context: Process context.
 */
void unmapped_push_empty(struct unmapped_block *block)
{
	struct unmapped_node *node = unmapped_nodes[block->nid];
	struct page *page = pfn_to_page(block->pfn);
	unsigned int i;

	for (i = 0; i < block_nr_pages(block); i++)
		if (PageHWPoison(page + i))
			unmapped_block_mark_bad(block, i);

	spin_lock_irq(&node->lock);
	account_block(node, block);
	detach_small(node, block);
	spin_unlock_irq(&node->lock);
}

/**
 * unmapped_pop_empty() - Detach a block that can be returned
 * @node: The node.
 * @keep: Leave this many empty PMD-sized blocks.
 *
 * Context: Process context.
 * Return: A block that nobody else knows any more, or NULL.
 */
struct unmapped_block *unmapped_pop_empty(struct unmapped_node *node,
					  unsigned long keep)
{
	struct unmapped_block *block = NULL;

	spin_lock_irq(&node->lock);
	if (!list_empty(&node->detached)) {
		block = list_first_entry(&node->detached, typeof(*block), list);
		list_del(&block->list);
		node->nr_detached -= block_nr_pages(block);
	} else if (node->nr_empty > keep) {
		block = list_last_entry(&node->buckets[UNMAPPED_NR_BUCKETS - 1],
					typeof(*block), list);
		bucket_del(node, block, UNMAPPED_NR_BUCKETS - 1);
	}
	if (block)
		node->nr_free -= block_nr_pages(block);
	spin_unlock_irq(&node->lock);

	return block;
}

/**
 * unmapped_account_returned() - Note that pages are in the direct map again
 * @nid: Their node.
 * @nr: How many.
 *
 * Pages that are merely on their way count: they may come back.
 *
 * Context: Process context.
 */
void unmapped_account_returned(int nid, unsigned long nr)
{
	struct unmapped_node *node = unmapped_nodes[nid];

	spin_lock_irq(&node->lock);
	node->nr_pages -= nr;
	spin_unlock_irq(&node->lock);
}

/*
 * Single pages have no block, see unmapped_single_create().
 */

/**
 * unmapped_publish_single() - Account for a single page
 * @page: From unmapped_single_create().
 *
 * Context: Process context.
 */
void unmapped_publish_single(struct page *page)
{
	struct unmapped_node *node = unmapped_nodes[page_to_nid(page)];

	spin_lock_irq(&node->lock);
	node->nr_pages++;
	spin_unlock_irq(&node->lock);
	count_vm_event(UNMAPPED_ALLOC);
}

/**
 * unmapped_pop_single() - Take a single page that nobody uses any more
 * @node: The node.
 *
 * Context: Process context.
 * Return: The page, or NULL.
 */
struct page *unmapped_pop_single(struct unmapped_node *node)
{
	struct page *page;

	spin_lock_irq(&node->lock);
	page = list_first_entry_or_null(&node->singles, struct page, lru);
	if (page) {
		list_del(&page->lru);
		node->nr_detached--;
		node->nr_free--;
	}
	spin_unlock_irq(&node->lock);

	return page;
}

/**
 * unmapped_push_single() - Keep a single page until it can be returned
 * @page: The page, which nobody uses.
 *
 * Context: Any but NMI.
 */
void unmapped_push_single(struct page *page)
{
	struct unmapped_node *node = unmapped_nodes[page_to_nid(page)];
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	list_add(&page->lru, &node->singles);
	node->nr_detached++;
	node->nr_free++;
	spin_unlock_irqrestore(&node->lock, flags);

	queue_work(system_unbound_wq, &node->return_work);
}

/* unmapped_single_release() keeps poison, whenever that struck. */
static void free_single(struct page *page)
{
	atomic_long_dec(&unmapped_owners[page_private(page)].used);
	count_vm_event(UNMAPPED_FREE);
	unmapped_push_single(page);
}

/*
 * What the access layer asks: linux/page_access.h has the rules.
 */

static bool unmapped_kmap_prot(struct page *page, pgprot_t *prot)
{
	u8 owner = unmapped_owner_of(page);

	return owner < NR_UNMAPPED_OWNERS && unmapped_owners[owner].kmap;
}

/*
 * Clearing takes time and a slot: not in interrupts, not with them off. And
 * poison is left alone: to write to it may be fatal. It stays dirty, should
 * somebody take the mark away.
 */
static void retire_pages(struct unmapped_block *block, unsigned long idx,
			 struct page *page, unsigned int nr)
{
	bool now = in_task() && !irqs_disabled();
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (unlikely(PageHWPoison(page + i)) || !now ||
		    !unmapped_clear_page(page + i))
			set_bit(idx + i, block->dirty);
		set_page_private(page + i, 0);
		__SetPageOffline(page + i);
		set_page_count(page + i, 1);
	}
}

static void unmapped_free(struct page *page, unsigned int order)
{
	struct unmapped_block *block = unmapped_block_of(page);
	unsigned int nr = 1U << order;
	unsigned long idx;

	if (!block) {
		free_single(page);
		return;
	}

	idx = page_to_pfn(page) - block->pfn;
	atomic_long_sub(nr, &unmapped_owners[block->owner[idx]].used);
	count_vm_events(UNMAPPED_FREE, nr);
	unmapped_change_page_owner(page, order, GFP_NOWAIT);
	retire_pages(block, idx, page, nr);

	put_pages(block, idx, order);
}

static const struct page_access_ops unmapped_access_ops = {
	.kmap_prot	= unmapped_kmap_prot,
	.free		= unmapped_free,
};

/*
 * The interface: linux/unmapped_alloc.h describes it.
 */

static bool under_cap(unsigned long pages, unsigned long max_kbytes)
{
	return !max_kbytes || pages <= max_kbytes >> (PAGE_SHIFT - 10);
}

static bool charge_owner(const struct unmapped_request *req)
{
	struct unmapped_owner_info *owner = &unmapped_owners[req->owner];
	long nr = 1L << req->order;
	long used = atomic_long_add_return(nr, &owner->used);

	if (likely(under_cap(used, owner->max_kbytes) &&
		   (!unmapped_max_kbytes ||
		    under_cap(unmapped_total_used(), unmapped_max_kbytes))))
		return true;

	atomic_long_sub(nr, &owner->used);
	count_vm_event(UNMAPPED_CAPPED);
	return false;
}

static struct page *alloc_or_refill(const struct unmapped_request *req)
{
	struct page *page = NULL;

	if (unmapped_node_allowed(req->nid, req->gfp))
		page = unmapped_take(unmapped_nodes[req->nid], req);
	if (!page && gfpflags_allow_blocking(req->gfp))
		page = unmapped_refill(req);
	return page;
}

static struct page *unmapped_alloc(const struct unmapped_request *req)
{
	struct page *page;

	if (WARN_ON_ONCE(!page_access_active() ||
			 req->order > UNMAPPED_BLOCK_ORDER ||
			 (req->gfp & (__GFP_DMA | __GFP_DMA32 | __GFP_NOFAIL))))
		return NULL;
	might_alloc(req->gfp);
	if (!charge_owner(req))
		return NULL;

	page = alloc_or_refill(req);
	if (!page) {
		atomic_long_sub(1L << req->order,
				&unmapped_owners[req->owner].used);
		return NULL;
	}

	if (memcg_kmem_online() && (req->gfp & __GFP_ACCOUNT) &&
	    __memcg_kmem_charge_page(page, req->gfp, req->order)) {
		unmapped_pages_free(page, req->order);
		return NULL;
	}
	return page;
}

struct page *unmapped_pages_alloc(gfp_t gfp, unsigned int order,
				  enum unmapped_owner owner)
{
	struct unmapped_request req = {
		.gfp = gfp,
		.order = order,
		.owner = owner,
		.nid = mempolicy_slab_node(),
		.policy = true,
	};

	return unmapped_alloc(&req);
}
EXPORT_SYMBOL_GPL(unmapped_pages_alloc);

struct page *unmapped_pages_alloc_node(gfp_t gfp, unsigned int order,
				       enum unmapped_owner owner, int nid)
{
	struct unmapped_request req = {
		.gfp = gfp,
		.order = order,
		.owner = owner,
		.nid = nid == NUMA_NO_NODE ? numa_mem_id() : nid,
	};

	return unmapped_alloc(&req);
}
EXPORT_SYMBOL_GPL(unmapped_pages_alloc_node);

struct folio *unmapped_folio_alloc(gfp_t gfp, unsigned int order,
				   enum unmapped_owner owner)
{
	struct page *page;

	if (order)
		gfp |= __GFP_COMP;
	else
		gfp &= ~__GFP_COMP;
	page = unmapped_pages_alloc(gfp, order, owner);
	return page_rmappable_folio(page);
}
EXPORT_SYMBOL_GPL(unmapped_folio_alloc);

/* Without a slot, or with poison: the last put sees to it. */
void unmapped_folio_clear(struct folio *folio)
{
	unsigned long i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		if (likely(!PageHWPoison(folio_page(folio, i))))
			unmapped_clear_page(folio_page(folio, i));
}

void unmapped_pages_free(struct page *page, unsigned int order)
{
	__free_pages(page, order);
}
EXPORT_SYMBOL_GPL(unmapped_pages_free);

bool unmapped_alloc_start(void)
{
	return unmapped_enabled && !page_access_start();
}
EXPORT_SYMBOL_GPL(unmapped_alloc_start);

/*
 * Boot.
 */

static int __init unmapped_alloc_setup(char *str)
{
	if (kstrtobool(str, &unmapped_enabled))
		pr_warn("unmapped_alloc=%s is neither on nor off, ignored\n",
			str);
	return 0;
}
early_param("unmapped_alloc", unmapped_alloc_setup);

/* Why blocks cannot leave the direct map as whole leaves, if so. */
static const char * __init unmapped_obstacle(void)
{
	if (debug_pagealloc_enabled())
		return "debug_pagealloc changes the direct map page by page";
	if (!can_set_direct_map())
		return "the direct map cannot be changed";
	if (!direct_map_has_large_leaves())
		return "the CPU does not map 2M at once";
	return NULL;
}

static void __init init_node(struct unmapped_node *node, int nid)
{
	unsigned int i;

	spin_lock_init(&node->lock);
	mutex_init(&node->refill_lock);
	INIT_LIST_HEAD(&node->detached);
	INIT_LIST_HEAD(&node->singles);
	for (i = 0; i < UNMAPPED_NR_BUCKETS; i++)
		INIT_LIST_HEAD(&node->buckets[i]);
	INIT_WORK(&node->return_work, unmapped_return_work);
	node->nid = nid;
}

static int __init init_nodes(void)
{
	int nid;

	for_each_node(nid) {
		int on = node_online(nid) ? nid : NUMA_NO_NODE;
		struct unmapped_node *node = kzalloc_node(sizeof(*node),
							  GFP_KERNEL, on);

		if (!node)
			return -ENOMEM;
		init_node(node, nid);
		unmapped_nodes[nid] = node;
	}
	return 0;
}

static int __init unmapped_alloc_init(void)
{
	const char *obstacle = unmapped_obstacle();
	int err;

	BUILD_BUG_ON(UNMAPPED_BLOCK_ORDER != PMD_ORDER);

	if (!unmapped_enabled)
		return 0;

	err = init_nodes();
	if (!err)
		err = unmapped_reclaim_init();
	if (err)
		obstacle = "no memory";
	if (obstacle) {
		pr_info("off: %s\n", obstacle);
		unmapped_enabled = false;
		return 0;
	}

	page_access_register(&unmapped_access_ops);
	return 0;
}
core_initcall(unmapped_alloc_init);
