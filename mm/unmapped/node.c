// SPDX-License-Identifier: GPL-2.0
/*
 * The blocks of a node.
 *
 * Whole blocks are sorted by the number of free pages. Pages are taken from the
 * fullest block that has room, so that others run empty and can be returned.
 * Split blocks hand out nothing: a page that comes back to one puts it on the
 * list of those that leave.
 *
 * Poison strikes free pages, too. It is found where pages are taken and where
 * they are put, and what it hit is kept from use.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/slab.h>

#include "unmapped.h"

/* How many blocks of a bucket to search for an aligned range. */
#define UNMAPPED_SEARCH_BLOCKS	16

/* All possible nodes have one, once the cache is up. */
struct unmapped_node *unmapped_nodes[MAX_NUMNODES] __ro_after_init;

static struct unmapped_node *node_of(const struct unmapped_block *block)
{
	return unmapped_nodes[block->nid];
}

/*
 * Lists and counters. A whole block may change bucket with each of its pages.
 */

static void bucket_add(struct unmapped_node *node, struct unmapped_block *block)
{
	unsigned int i = block_bucket(block);

	lockdep_assert_held(&node->lock);

	list_add(&block->list, &node->buckets[i]);
	node->filled |= BIT(i);
	node->nr_blocks[i]++;
}

static void bucket_del(struct unmapped_node *node, struct unmapped_block *block,
		       unsigned int i)
{
	lockdep_assert_held(&node->lock);

	list_del_init(&block->list);
	if (!--node->nr_blocks[i])
		node->filled &= ~BIT(i);
}

static void rebucket(struct unmapped_node *node, struct unmapped_block *block,
		     unsigned int old)
{
	if (block_bucket(block) == old)
		return;
	bucket_del(node, block, old);
	bucket_add(node, block);
}

/* The block is on no list. */
static void leave(struct unmapped_node *node, struct unmapped_block *block)
{
	lockdep_assert_held(&node->lock);

	block->split = true;
	node->nr_leaving += block->nr_free;
	if (block->nr_free)
		list_add_tail(&block->list, &node->leaving);
}

static void split(struct unmapped_node *node, struct unmapped_block *block,
		  unsigned int bucket)
{
	bucket_del(node, block, bucket);
	leave(node, block);
	/* Its pages are freed one by one from now on */
	pgalloc_tag_split(page_folio(pfn_to_page(block->pfn)),
			  UNMAPPED_BLOCK_ORDER, 0);
}

/* To its place among the others, from @bucket, after pages have come back. */
static void settle(struct unmapped_node *node, struct unmapped_block *block,
		   unsigned int bucket)
{
	if (block_is_poisoned(block))
		split(node, block, bucket);
	else
		rebucket(node, block, bucket);
}

static bool take_range(struct unmapped_node *node, struct unmapped_block *block,
		       unsigned int order, struct unmapped_page *p)
{
	unsigned int bucket = block_bucket(block);
	int idx = unmapped_block_take(block, order);

	if (idx < 0)
		return false;
	node->nr_free -= 1UL << order;
	rebucket(node, block, bucket);
	*p = (struct unmapped_page){ block, idx };
	return true;
}

static void put_free(struct unmapped_node *node, struct unmapped_block *block,
		     unsigned int idx, unsigned int order)
{
	unsigned int bucket = block_bucket(block);

	unmapped_block_put(block, idx, order);
	node->nr_free += 1UL << order;
	if (!block->split) {
		settle(node, block, bucket);
		return;
	}
	node->nr_leaving += 1UL << order;
	if (list_empty(&block->list))
		list_add_tail(&block->list, &node->leaving);
}

static void keep_poisoned(struct unmapped_node *node,
			  struct unmapped_block *block, unsigned int idx)
{
	unsigned int bucket = block_bucket(block);

	__ClearPageOffline(pfn_to_page(block->pfn + idx));
	unmapped_key_lost(block, idx);
	unmapped_block_mark_bad(block, idx);
	if (!block->split)
		settle(node, block, bucket);
}

static void put_each(struct unmapped_node *node, const struct unmapped_page *p,
		     unsigned int order)
{
	struct page *page = unmapped_page(p);
	unsigned int i;

	for (i = 0; i < 1U << order; i++) {
		if (PageHWPoison(page + i))
			keep_poisoned(node, p->block, p->idx + i);
		else
			put_free(node, p->block, p->idx + i, 0);
	}
}

static void put_range(struct unmapped_node *node, const struct unmapped_page *p,
		      unsigned int order)
{
	lockdep_assert_held(&node->lock);

	if (unlikely(unmapped_poisoned(unmapped_page(p), 1U << order)))
		put_each(node, p, order);
	else
		put_free(node, p->block, p->idx, order);
}

/*
 * Taking pages, and putting them back.
 */

/* -EAGAIN if there was poison in what could be had. */
static int take_from_bucket(struct unmapped_node *node, unsigned int bucket,
			    unsigned int order, struct unmapped_page *p)
{
	struct unmapped_block *block;
	unsigned int searched = 0;

	list_for_each_entry(block, &node->buckets[bucket], list) {
		if (take_range(node, block, order, p)) {
			if (likely(!unmapped_poisoned(unmapped_page(p),
						      1U << order)))
				return 0;
			put_each(node, p, order);
			return -EAGAIN;
		}
		if (++searched == UNMAPPED_SEARCH_BLOCKS)
			break;
	}
	return -ENOENT;
}

static bool take_from_node(struct unmapped_node *node, unsigned int order,
			   struct unmapped_page *p)
{
	unsigned long enough = ~(BIT(order + 1) - 1);
	unsigned long buckets = node->filled & enough;
	int err;

	lockdep_assert_held(&node->lock);

	while (buckets) {
		err = take_from_bucket(node, __ffs(buckets), order, p);
		if (!err)
			return true;
		if (err == -EAGAIN)
			buckets = node->filled & enough;
		else
			buckets &= buckets - 1;
	}
	return false;
}

static bool excess(struct unmapped_node *node)
{
	return node->nr_blocks[UNMAPPED_EMPTY] > 1 || node->nr_leaving;
}

/*
 * A tick later there is more to return at once, and a second later pages that
 * remember a key may have found their next user. No news while the work waits
 * to try again what could not be returned.
 */
static void return_excess(struct unmapped_node *node, bool any)
{
	if (any && !delayed_work_pending(&node->return_work))
		queue_delayed_work(system_unbound_wq, &node->return_work,
				   page_keyid_active() ? HZ : 1);
}

/**
 * unmapped_node_take() - Take free pages
 * @node: The node.
 * @order: How many, as an order.
 * @p: Filled in.
 *
 * Context: Any but NMI.
 * Return: Whether there were any.
 */
bool unmapped_node_take(struct unmapped_node *node, unsigned int order,
			struct unmapped_page *p)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&node->lock, flags);
	taken = take_from_node(node, order, p);
	spin_unlock_irqrestore(&node->lock, flags);

	return taken;
}

static unsigned int take_from_fullest(struct unmapped_node *node,
				      struct unmapped_page *pages,
				      unsigned int nr)
{
	unsigned long buckets = node->filled & ~BIT(0);
	struct unmapped_block *block;
	unsigned int bucket;

	if (!buckets)
		return 0;
	bucket = __ffs(buckets);
	block = list_first_entry(&node->buckets[bucket], typeof(*block), list);
	nr = unmapped_block_take_some(block, pages, nr);
	node->nr_free -= nr;
	rebucket(node, block, bucket);
	return nr;
}

/**
 * unmapped_node_take_some() - Take free pages of order 0
 * @node: The node.
 * @pages: Filled in. The pages may be poisoned.
 * @nr: How many at most.
 *
 * Context: Any but NMI.
 * Return: How many.
 */
unsigned int unmapped_node_take_some(struct unmapped_node *node,
				     struct unmapped_page *pages,
				     unsigned int nr)
{
	unsigned int got, taken = 0;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	do {
		got = take_from_fullest(node, pages + taken, nr - taken);
		taken += got;
	} while (got && taken < nr);
	spin_unlock_irqrestore(&node->lock, flags);

	return taken;
}

/**
 * unmapped_node_put() - Put free pages back
 * @p: The first.
 * @order: How many, as an order.
 *
 * Context: Any but NMI.
 */
void unmapped_node_put(const struct unmapped_page *p, unsigned int order)
{
	struct unmapped_node *node = node_of(p->block);
	unsigned long flags;
	bool any;

	spin_lock_irqsave(&node->lock, flags);
	put_range(node, p, order);
	any = excess(node);
	spin_unlock_irqrestore(&node->lock, flags);

	return_excess(node, any);
}

/* Those of one block. If poison has struck one of them that is found later. */
static unsigned int put_run(struct unmapped_node *node,
			    const struct unmapped_page *pages, unsigned int nr)
{
	struct unmapped_block *block = pages->block;
	unsigned int bucket = block_bucket(block);
	unsigned int i = 0;

	if (unlikely(block->split)) {
		put_range(node, pages, 0);
		return 1;
	}
	do {
		unmapped_block_put(block, pages[i].idx, 0);
	} while (++i < nr && pages[i].block == block);
	node->nr_free += i;
	settle(node, block, bucket);
	return i;
}

/**
 * unmapped_node_put_some() - Put free pages of order 0 back
 * @node: Their node.
 * @pages: The pages.
 * @nr: How many.
 *
 * Context: Any but NMI.
 */
void unmapped_node_put_some(struct unmapped_node *node,
			    const struct unmapped_page *pages, unsigned int nr)
{
	unsigned int done = 0;
	unsigned long flags;
	bool any;

	spin_lock_irqsave(&node->lock, flags);
	while (done < nr)
		done += put_run(node, pages + done, nr - done);
	any = excess(node);
	spin_unlock_irqrestore(&node->lock, flags);

	return_excess(node, any);
}

static unsigned int take_keyed(struct unmapped_node *node,
			       struct unmapped_block *block, u16 keyid,
			       struct unmapped_page *pages, unsigned int nr)
{
	unsigned int bucket = block_bucket(block), taken = 0;
	struct unmapped_page p = { block };

	for (; p.idx < UNMAPPED_BLOCK_PAGES && taken < nr; p.idx++) {
		if (test_bit(p.idx, block->used) ||
		    unmapped_key_of(&p) != keyid)
			continue;
		__set_bit(p.idx, block->used);
		block->nr_free--;
		pages[taken++] = p;
	}
	node->nr_free -= taken;
	rebucket(node, block, bucket);
	return taken;
}

static unsigned int take_keyed_from(struct unmapped_node *node,
				    unsigned int bucket, u16 keyid,
				    struct unmapped_page *pages,
				    unsigned int nr)
{
	struct unmapped_block *block, *next;
	unsigned int taken = 0;

	list_for_each_entry_safe(block, next, &node->buckets[bucket], list)
		taken += take_keyed(node, block, keyid, pages + taken,
				    nr - taken);
	return taken;
}

/**
 * unmapped_node_take_keyed() - Take free pages that were last used with a key
 * @node: The node.
 * @keyid: The key.
 * @pages: Filled in. The pages may be poisoned.
 * @nr: How many at most.
 *
 * Context: Process context, interrupts on. Looks at all blocks.
 * Return: How many.
 */
unsigned int unmapped_node_take_keyed(struct unmapped_node *node, u16 keyid,
				      struct unmapped_page *pages,
				      unsigned int nr)
{
	unsigned int bucket, taken = 0;

	/* A block that gives pages falls into a bucket that was searched */
	spin_lock_irq(&node->lock);
	for (bucket = 1; bucket < UNMAPPED_NR_BUCKETS; bucket++)
		taken += take_keyed_from(node, bucket, keyid, pages + taken,
					 nr - taken);
	spin_unlock_irq(&node->lock);

	return taken;
}

/**
 * unmapped_node_heal() - Note that a page is no longer poisoned
 * @p: The page, which was kept from use and will be put.
 *
 * Context: Any but NMI.
 */
void unmapped_node_heal(const struct unmapped_page *p)
{
	struct unmapped_node *node = node_of(p->block);
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	p->block->nr_bad--;
	spin_unlock_irqrestore(&node->lock, flags);
}

/*
 * New pages.
 */

/**
 * unmapped_node_add() - Add a whole block, its maker served first
 * @block: The block, from unmapped_index_add(), out of the direct map.
 * @order: What the maker wants.
 * @p: Filled in.
 *
 * Context: Process context, interrupts on.
 * Return: false if poison struck the maker's pages meanwhile.
 */
bool unmapped_node_add(struct unmapped_block *block, unsigned int order,
		       struct unmapped_page *p)
{
	struct unmapped_node *node = node_of(block);
	bool good;

	spin_lock_irq(&node->lock);
	node->nr_pages += block->nr_pages;
	node->nr_free += block->nr_free;
	bucket_add(node, block);
	take_range(node, block, order, p);
	good = !unmapped_poisoned(unmapped_page(p), 1U << order);
	if (!good)
		put_each(node, p, order);
	spin_unlock_irq(&node->lock);

	return good;
}

static struct unmapped_block *add_to_known(struct page *page,
					   unsigned int order)
{
	struct unmapped_node *node = unmapped_nodes[page_to_nid(page)];
	struct unmapped_block *block;

	spin_lock_irq(&node->lock);
	block = node->last;
	if (!block || block->pfn != ALIGN_DOWN(page_to_pfn(page),
					       UNMAPPED_BLOCK_PAGES))
		block = unmapped_block_of(page);
	node->last = block;
	if (block) {
		unmapped_block_add(block, order);
		node->nr_pages += 1UL << order;
	}
	spin_unlock_irq(&node->lock);

	return block;
}

/**
 * unmapped_node_add_pages() - Add pages to the split block around them
 * @page: Pages fresh from the allocator, about to leave the direct map.
 * @order: Their order.
 * @gfp: For a descriptor, should they be the first of the block.
 *
 * Context: Process context, interrupts on.
 * Return: The block, or NULL.
 */
struct unmapped_block *unmapped_node_add_pages(struct page *page,
					       unsigned int order, gfp_t gfp)
{
	struct unmapped_block *block, *new;

	/* Somebody else may make the block, or remove it again */
	while (!(block = add_to_known(page, order))) {
		new = unmapped_index_add(page, true, gfp);
		if (PTR_ERR_OR_ZERO(new) == -ENOMEM)
			break;
	}
	return block;
}

static void drop_pages(struct unmapped_node *node, struct unmapped_block *block,
		       unsigned int nr)
{
	lockdep_assert_held(&node->lock);

	node->nr_pages -= nr;
	block->nr_pages -= nr;
	if (block->nr_pages)
		return;
	if (node->last == block)
		node->last = NULL;
	unmapped_index_remove(block);
}

/**
 * unmapped_node_drop_pages() - Note that pages are in the direct map again
 * @block: Their block, which is gone with its last page.
 * @nr: How many.
 *
 * Pages that are merely on their way count: they may come back.
 *
 * Context: Process context, interrupts on.
 */
void unmapped_node_drop_pages(struct unmapped_block *block, unsigned int nr)
{
	struct unmapped_node *node = node_of(block);

	spin_lock_irq(&node->lock);
	drop_pages(node, block, nr);
	spin_unlock_irq(&node->lock);
}

/*
 * Memory that goes back to the system.
 */

/**
 * unmapped_node_pop_empty() - Detach a whole block that can be returned
 * @node: The node.
 * @keep: Leave this many.
 *
 * Context: Process context, interrupts on.
 * Return: A block that nobody else has any more, or NULL.
 */
struct unmapped_block *unmapped_node_pop_empty(struct unmapped_node *node,
					       unsigned long keep)
{
	struct unmapped_block *block = NULL;

	spin_lock_irq(&node->lock);
	if (node->nr_blocks[UNMAPPED_EMPTY] > keep) {
		block = list_last_entry(&node->buckets[UNMAPPED_EMPTY],
					typeof(*block), list);
		bucket_del(node, block, UNMAPPED_EMPTY);
		node->nr_free -= UNMAPPED_BLOCK_PAGES;
	}
	spin_unlock_irq(&node->lock);

	return block;
}

/* The block is the caller's alone. */
static void mark_poisoned(struct unmapped_block *block)
{
	struct page *page = pfn_to_page(block->pfn);
	unsigned int i;

	for (i = 0; i < UNMAPPED_BLOCK_PAGES; i++) {
		if (likely(!PageHWPoison(page + i)))
			continue;
		__ClearPageOffline(page + i);
		unmapped_block_mark_bad(block, i);
	}
}

/**
 * unmapped_node_push() - Take a block back that could not be returned
 * @block: From unmapped_node_pop_empty(), which will return others first.
 *
 * If poison has struck a page of it the block leaves in pieces.
 *
 * Context: Process context, interrupts on.
 */
void unmapped_node_push(struct unmapped_block *block)
{
	struct unmapped_node *node = node_of(block);

	mark_poisoned(block);
	spin_lock_irq(&node->lock);
	node->nr_free += block->nr_free;
	bucket_add(node, block);
	settle(node, block, block_bucket(block));
	spin_unlock_irq(&node->lock);
}

/**
 * unmapped_node_pop_leaving() - Detach the free pages of a split block
 * @node: The node.
 * @pages: Filled in: a bit a page.
 *
 * Context: Process context, interrupts on.
 * Return: The block, or NULL.
 */
struct unmapped_block *unmapped_node_pop_leaving(struct unmapped_node *node,
						 unsigned long *pages)
{
	struct unmapped_block *block;
	unsigned int nr;

	spin_lock_irq(&node->lock);
	block = list_first_entry_or_null(&node->leaving, typeof(*block), list);
	if (block) {
		list_del_init(&block->list);
		nr = unmapped_block_withdraw(block, pages);
		node->nr_free -= nr;
		node->nr_leaving -= nr;
	}
	spin_unlock_irq(&node->lock);

	return block;
}

/**
 * unmapped_node_push_leaving() - Note which pages of a block have gone
 * @block: From unmapped_node_pop_leaving(), gone with its last page.
 * @left: Those that have not.
 * @back: Number of those that are in the direct map again.
 *
 * Context: Process context, interrupts on.
 */
void unmapped_node_push_leaving(struct unmapped_block *block,
				const unsigned long *left, unsigned int back)
{
	struct unmapped_node *node = node_of(block);
	unsigned int i;

	spin_lock_irq(&node->lock);
	for_each_set_bit(i, left, UNMAPPED_BLOCK_PAGES)
		put_range(node, &(struct unmapped_page){ block, i }, 0);
	drop_pages(node, block, back);
	spin_unlock_irq(&node->lock);
}

/**
 * unmapped_node_split_sparse() - Let the free pages of a used block go
 * @node: The node.
 *
 * Context: Process context, interrupts on.
 * Return: Whether there was a block at least half of which is free.
 */
bool unmapped_node_split_sparse(struct unmapped_node *node)
{
	struct list_head *blocks = &node->buckets[UNMAPPED_SPARSE];
	struct unmapped_block *block = NULL;

	spin_lock_irq(&node->lock);
	/* At the end are those that unmapped_compact() could not empty */
	if (!list_empty(blocks)) {
		block = list_last_entry(blocks, typeof(*block), list);
		split(node, block, UNMAPPED_SPARSE);
	}
	spin_unlock_irq(&node->lock);

	return block;
}

/* Free pages of blocks with used ones, but for those of one block. */
static unsigned long room_beside(const struct unmapped_node *node,
				 const struct unmapped_block *block)
{
	return node->nr_free - node->nr_leaving - block->nr_free -
	       node->nr_blocks[UNMAPPED_EMPTY] * UNMAPPED_BLOCK_PAGES;
}

/**
 * unmapped_node_pick_sparse() - Find a used block whose pages fit elsewhere
 * @node: The node.
 * @failed: How many were found before that could not be emptied.
 * @pfn: Filled in: the block's first page. The block may be gone after this.
 * @used: Filled in: a bit a page.
 *
 * It is the one with most free pages of some, and moves to the end of the list,
 * where those are that were found before.
 *
 * Context: Process context, interrupts on.
 * Return: Whether there was a block at least half of which is free.
 */
bool unmapped_node_pick_sparse(struct unmapped_node *node, unsigned int failed,
			       unsigned long *pfn, unsigned long *used)
{
	struct list_head *blocks = &node->buckets[UNMAPPED_SPARSE];
	struct unmapped_block *block, *best = NULL;
	unsigned long searched = failed;

	spin_lock_irq(&node->lock);
	list_for_each_entry(block, blocks, list) {
		if (searched++ >= node->nr_blocks[UNMAPPED_SPARSE] ||
		    searched > failed + UNMAPPED_SEARCH_BLOCKS)
			break;
		if (!block->nr_bad && (!best || block->nr_free > best->nr_free))
			best = block;
	}
	if (best && room_beside(node, best) <
		    UNMAPPED_BLOCK_PAGES - best->nr_free)
		best = NULL;
	if (best) {
		*pfn = best->pfn;
		bitmap_copy(used, best->used, UNMAPPED_BLOCK_PAGES);
		list_move_tail(&best->list, blocks);
	}
	spin_unlock_irq(&node->lock);

	return best;
}

/* Are all pages that are not free poisoned? */
static bool only_poison_left(const struct unmapped_block *block)
{
	struct page *page = pfn_to_page(block->pfn);
	unsigned int i;

	for_each_set_bit(i, block->used, UNMAPPED_BLOCK_PAGES)
		if (!PageHWPoison(page + i))
			return false;
	return block->nr_free < UNMAPPED_BLOCK_PAGES;
}

/**
 * unmapped_node_split_poisoned() - Let a block go that only poison keeps
 * @page: A page of it.
 *
 * A page that was poisoned while it was used may never be freed: those who
 * handle the failure keep a reference.
 *
 * Context: Process context, interrupts on.
 */
void unmapped_node_split_poisoned(struct page *page)
{
	struct unmapped_node *node = unmapped_nodes[page_to_nid(page)];
	struct unmapped_block *block;

	spin_lock_irq(&node->lock);
	block = unmapped_block_of(page);
	if (block && !block->split && !list_empty(&block->list) &&
	    only_poison_left(block))
		split(node, block, block_bucket(block));
	spin_unlock_irq(&node->lock);
}

static void uncharge_all(struct unmapped_block *block)
{
	unsigned int i;

	for (i = 0; i < UNMAPPED_BLOCK_PAGES; i++) {
		unmapped_key_lost(block, i);
		if (block->owner[i])
			unmapped_owner_uncharge(unmapped_owner_by_id(block->owner[i]),
						1);
	}
}

/**
 * unmapped_node_forget() - Forget what is poisoned in memory that is gone
 * @page: A page of the block, all of which is offline.
 *
 * Context: Process context, interrupts on.
 */
void unmapped_node_forget(struct page *page)
{
	struct unmapped_node *node = unmapped_nodes[page_to_nid(page)];
	struct unmapped_block *block;

	spin_lock_irq(&node->lock);
	block = unmapped_block_of(page);
	if (block && !WARN_ON_ONCE(!list_empty(&block->list))) {
		uncharge_all(block);
		drop_pages(node, block, block->nr_pages);
	}
	spin_unlock_irq(&node->lock);
}

/**
 * unmapped_node_excess() - Ask whether memory waits to be returned
 * @node: The node.
 *
 * Return: true if there is more than the one empty block that is kept.
 */
bool unmapped_node_excess(struct unmapped_node *node)
{
	bool any;

	spin_lock_irq(&node->lock);
	any = excess(node);
	spin_unlock_irq(&node->lock);

	return any;
}

/**
 * unmapped_node_init() - Make a node
 * @nid: The node.
 * @return_fn: Returns its memory.
 *
 * Return: 0 or -ENOMEM.
 */
int __init unmapped_node_init(int nid, work_func_t return_fn)
{
	int on = node_online(nid) ? nid : NUMA_NO_NODE;
	struct unmapped_node *node = kzalloc_node(sizeof(*node), GFP_KERNEL, on);
	unsigned int i;

	if (!node)
		return -ENOMEM;
	spin_lock_init(&node->lock);
	mutex_init(&node->refill_lock);
	INIT_LIST_HEAD(&node->leaving);
	for (i = 0; i < UNMAPPED_NR_BUCKETS; i++)
		INIT_LIST_HEAD(&node->buckets[i]);
	INIT_DELAYED_WORK(&node->return_work, return_fn);
	node->nid = nid;
	unmapped_nodes[nid] = node;
	return 0;
}
