// SPDX-License-Identifier: GPL-2.0
/*
 * New blocks.
 *
 * Wanted is a page of PMD size from the node. When the allocator has none at
 * hand the next best is taken, down to the order of the request; this never
 * reclaims and never compacts, as a cache is not worth it. Only the request
 * itself is: the last attempt has the caller's own flags. A node that had no
 * such page is not asked again with each refill, see UNMAPPED_MISS_WAIT.
 *
 * A block is sized for more than the request. So a refill happens only while
 * the node has no room for the request at all, and one at a time: what is
 * outside the direct map without a use grows by one block a node.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include <trace/events/unmapped.h>

#include "unmapped.h"

/*
 * After PMD size could not be had this many refills begin with what could.
 * A futile search through all orders costs as much as two small blocks do.
 */
#define UNMAPPED_MISS_WAIT	256

/* Set while hibernation decides which pages belong into the image. */
static bool unmapped_frozen;
/* Held by refills: none is half way when unmapped_frozen has changed. */
static DECLARE_RWSEM(frozen_lock);

void unmapped_set_frozen(bool frozen)
{
	down_write(&frozen_lock);
	unmapped_frozen = frozen;
	up_write(&frozen_lock);
}

/* Flags of the pages of a block, of which the caller's are a part. */
static gfp_t block_gfp(const struct unmapped_request *req)
{
	gfp_t gfp = req->gfp & ~(GFP_ZONEMASK | __GFP_COMP | __GFP_ACCOUNT |
				 __GFP_ZERO | __GFP_RECLAIMABLE);

	if (unmapped_wants_zero(req))
		gfp |= __GFP_ZERO;
	return gfp | __GFP_NOWARN;
}

/* Flags for what is worth no effort. Background reclaim may prepare some. */
static gfp_t cheap_gfp(const struct unmapped_request *req, unsigned int order)
{
	gfp_t gfp = block_gfp(req) & ~(__GFP_RECLAIM | __GFP_RETRY_MAYFAIL);

	if (order == UNMAPPED_BLOCK_ORDER)
		gfp |= __GFP_KSWAPD_RECLAIM;
	return gfp | __GFP_NORETRY | __GFP_NOMEMALLOC;
}

/* A node chosen by the task's policy may be left by the policy alone. */
VISIBLE_IF_KUNIT struct page *
unmapped_alloc_pages(const struct unmapped_request *req, gfp_t gfp,
		     unsigned int order)
{
	KUNIT_STATIC_STUB_REDIRECT(unmapped_alloc_pages, req, gfp, order);
	if (req->policy && !(gfp & __GFP_THISNODE))
		return alloc_pages(gfp, order);
	return alloc_pages_node(req->nid, gfp, order);
}

static struct page *make_single(const struct unmapped_request *req,
				struct page *page)
{
	page = unmapped_single_create(page, req->owner);
	if (page) {
		unmapped_publish_single(page);
		count_vm_event(UNMAPPED_REFILL_SMALL);
	}
	return page;
}

static struct page *try_block(const struct unmapped_request *req, gfp_t gfp,
			      unsigned int order)
{
	struct unmapped_block *block;
	struct page *page;

	page = unmapped_alloc_pages(req, gfp, order);
	if (!page)
		return NULL;

	if (!order && !unmapped_owners[req->owner].kmap)
		return make_single(req, page);

	block = unmapped_block_create(page, order, gfp);
	if (!block)
		return NULL;

	trace_unmapped_refill(block->nid, block->pfn, order);
	count_vm_event(order == UNMAPPED_BLOCK_ORDER ? UNMAPPED_REFILL :
		       UNMAPPED_REFILL_SMALL);
	return unmapped_publish(block, req);
}

static unsigned int first_order(struct unmapped_node *node)
{
	lockdep_assert_held(&node->refill_lock);

	if (!node->miss_wait)
		return UNMAPPED_BLOCK_ORDER;
	node->miss_wait--;
	return node->miss_order;
}

static void note_order(struct unmapped_node *node, unsigned int tried,
		       unsigned int order)
{
	lockdep_assert_held(&node->refill_lock);

	if (order < UNMAPPED_BLOCK_ORDER)
		node->miss_order = order;
	if (tried == UNMAPPED_BLOCK_ORDER && order < tried) {
		node->miss_wait = UNMAPPED_MISS_WAIT;
		count_vm_event(UNMAPPED_REFILL_MISS);
	}
}

/* Down the orders, on the node itself. */
static struct page *try_node(struct unmapped_node *node,
			     const struct unmapped_request *req)
{
	unsigned int first = max(first_order(node), req->order);
	struct page *page = NULL;
	int order;

	for (order = first; order >= (int)req->order; order--) {
		page = try_block(req, cheap_gfp(req, order) | __GFP_THISNODE,
				 order);
		if (page)
			break;
	}
	note_order(node, first, max(order, (int)req->order));
	return page;
}

/* Without a policy any node will do: its cache first, then a block of it. */
static struct page *try_other_nodes(const struct unmapped_request *req)
{
	struct page *page;
	int nid;

	if ((req->gfp & __GFP_THISNODE) || nr_online_nodes == 1 ||
	    (req->policy && current->mempolicy))
		return NULL;

	for_each_online_node(nid) {
		if (nid == req->nid || !unmapped_node_allowed(nid, req->gfp))
			continue;
		page = unmapped_take(unmapped_nodes[nid], req);
		if (page)
			return page;
	}
	return try_block(req, cheap_gfp(req, UNMAPPED_BLOCK_ORDER),
			 UNMAPPED_BLOCK_ORDER);
}

static struct page *refill(const struct unmapped_request *req)
{
	struct unmapped_node *node = unmapped_nodes[req->nid];
	struct page *page = NULL;

	/* Who is to be killed frees more than this would allocate */
	if (mutex_lock_killable(&node->refill_lock))
		return NULL;
	if (unmapped_node_allowed(req->nid, req->gfp)) {
		page = unmapped_take(node, req);
		if (!page)
			page = try_node(node, req);
	}
	if (!page)
		page = try_other_nodes(req);
	mutex_unlock(&node->refill_lock);

	return page ?: try_block(req, block_gfp(req), req->order);
}

/**
 * unmapped_refill() - Allocate with a new block
 * @req: What is wanted.
 *
 * Context: Process context, may sleep.
 * Return: The pages, or NULL, as always while hibernation is under way.
 */
struct page *unmapped_refill(const struct unmapped_request *req)
{
	struct page *page = NULL;

	down_read(&frozen_lock);
	if (!unmapped_frozen)
		page = refill(req);
	up_read(&frozen_lock);

	if (!page)
		count_vm_event(UNMAPPED_REFILL_FAIL);
	return page;
}
