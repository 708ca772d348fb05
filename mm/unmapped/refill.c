// SPDX-License-Identifier: GPL-2.0
/*
 * New memory for the cache.
 *
 * Wanted is a page of PMD size from the node. When the allocator has none at
 * hand the request gets exactly its own pages, which leave the direct map
 * alone, at the cost that they would have without a cache. Only for those does
 * the allocator reclaim and compact: the last attempt has the caller's own
 * flags. A node that had no page of PMD size is not asked again with each
 * refill, see UNMAPPED_MISS_WAIT.
 *
 * A request with a limit, for a device that does not reach all memory, is served
 * in the second way only: see the end of this file.
 *
 * A block is more than the request. So a refill happens only while the node
 * has no room for the request at all, and under a lock: tasks that find the
 * node empty at the same time share one new block.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "unmapped.h"

/* After PMD size could not be had this many refills do not ask for it. */
#define UNMAPPED_MISS_WAIT	256

/* Flags of new pages, of which the caller's are all or a part. */
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

/* The page is the caller's again if this fails. */
static struct unmapped_block *make_block(struct page *page, gfp_t gfp)
{
	struct unmapped_block *block = unmapped_index_add(page, false, gfp);

	if (IS_ERR(block))
		return NULL;
	if (unmapped_remove(page, UNMAPPED_BLOCK_PAGES, gfp)) {
		unmapped_index_remove(block);
		return NULL;
	}
	return block;
}

static struct page *use_block(const struct unmapped_request *req,
			      struct page *page, gfp_t gfp)
{
	struct unmapped_block *block = make_block(page, gfp);

	if (!block) {
		__free_pages(page, UNMAPPED_BLOCK_ORDER);
		return NULL;
	}
	count_vm_event(UNMAPPED_REFILL);
	return unmapped_publish(block, req);
}

static struct page *try_block(const struct unmapped_request *req, gfp_t gfp)
{
	struct page *page = unmapped_alloc_pages(req, gfp,
						 UNMAPPED_BLOCK_ORDER);

	return page ? use_block(req, page, gfp) : NULL;
}

/* Just what is asked for. */
static struct page *use_pages(const struct unmapped_request *req,
			      struct page *page, gfp_t gfp)
{
	struct unmapped_block *block;

	block = unmapped_node_add_pages(page, req->order, gfp);
	if (!block)
		goto free_pages;
	if (unmapped_remove(page, 1U << req->order, gfp))
		goto drop_pages;
	count_vm_event(UNMAPPED_REFILL_SMALL);
	return unmapped_publish_pages(block, page, req);

drop_pages:
	unmapped_node_drop_pages(block, 1U << req->order);
free_pages:
	__free_pages(page, req->order);
	return NULL;
}

static struct page *try_pages(const struct unmapped_request *req, gfp_t gfp)
{
	struct page *page = unmapped_alloc_pages(req, gfp, req->order);

	return page ? use_pages(req, page, gfp) : NULL;
}

static struct page *try_exact(const struct unmapped_request *req, gfp_t gfp)
{
	if (req->order == UNMAPPED_BLOCK_ORDER)
		return try_block(req, gfp);
	return try_pages(req, gfp);
}

/*
 * Has the node a page of PMD size? The allocator is not asked in vain: it takes
 * the failure for a shortage, and keeps fewer pages on the lists of the CPUs.
 */
static bool block_at_hand(int nid)
{
	struct zone *zone = NODE_DATA(nid)->node_zones;
	struct zone *end = zone + MAX_NR_ZONES;
	unsigned int order;

	for (; zone < end; zone++)
		for (order = UNMAPPED_BLOCK_ORDER; order < NR_PAGE_ORDERS;
		     order++)
			/* A guess, without the zone's lock */
			if (data_race(zone->free_area[order].nr_free))
				return true;
	return false;
}

static struct page *try_block_on_node(const struct unmapped_request *req)
{
	if (!block_at_hand(req->nid))
		return NULL;
	return try_block(req, cheap_gfp(req, UNMAPPED_BLOCK_ORDER) |
			      __GFP_THISNODE);
}

/* A block unless the node had none a while ago. */
static struct page *try_node(struct unmapped_node *node,
			     const struct unmapped_request *req)
{
	struct page *page;

	lockdep_assert_held(&node->refill_lock);

	if (node->miss_wait && req->order < UNMAPPED_BLOCK_ORDER) {
		node->miss_wait--;
	} else {
		page = try_block_on_node(req);
		if (page)
			return page;
		node->miss_wait = UNMAPPED_MISS_WAIT;
		count_vm_event(UNMAPPED_REFILL_MISS);
	}
	if (req->order == UNMAPPED_BLOCK_ORDER)
		return NULL;
	return try_pages(req, cheap_gfp(req, req->order) | __GFP_THISNODE);
}

/* Without a policy any node will do. */
static bool may_leave_node(const struct unmapped_request *req)
{
	return !(req->gfp & __GFP_THISNODE) && nr_online_nodes > 1 &&
	       !(req->policy && unmapped_has_policy());
}

/**
 * unmapped_take_elsewhere() - Allocate from the blocks of other nodes
 * @req: What is wanted, which its own node has not.
 *
 * Context: Any but NMI.
 * Return: The pages, of the nearest node that has some, or NULL.
 */
struct page *unmapped_take_elsewhere(const struct unmapped_request *req)
{
	struct zonelist *zonelist = node_zonelist(req->nid, GFP_KERNEL);
	int last = req->nid, nid;
	struct page *page;
	struct zoneref *z;
	struct zone *zone;

	if (!may_leave_node(req))
		return NULL;

	/* The zones of a node follow each other, the nearest nodes come first */
	for_each_zone_zonelist(zone, z, zonelist, MAX_NR_ZONES - 1) {
		nid = zone_to_nid(zone);
		if (nid == last || !unmapped_node_allowed(nid, req->gfp))
			continue;
		last = nid;
		page = unmapped_take(unmapped_nodes[nid], req);
		if (page)
			return page;
	}
	return NULL;
}

/* What others have in their caches, then a block of theirs. */
static struct page *try_other_nodes(const struct unmapped_request *req)
{
	struct page *page = unmapped_take_elsewhere(req);

	if (page || !may_leave_node(req))
		return page;
	return try_block(req, cheap_gfp(req, UNMAPPED_BLOCK_ORDER));
}

static struct page *refill(const struct unmapped_request *req)
{
	struct unmapped_node *node = unmapped_nodes[req->nid];
	struct page *page = NULL;

	/* Who is to be killed frees more than this would allocate */
	if (mutex_lock_killable(&node->refill_lock))
		return NULL;
	if (unmapped_node_allowed(req->nid, req->gfp)) {
		if (unmapped_node_has_pages(node))
			page = unmapped_take(node, req);
		if (!page)
			page = try_node(node, req);
	}
	if (!page)
		page = try_other_nodes(req);
	mutex_unlock(&node->refill_lock);

	return page ?: try_exact(req, block_gfp(req));
}

/**
 * unmapped_refill() - Allocate with memory that is new to the cache
 * @req: What is wanted.
 *
 * Context: Process context, may sleep.
 * Return: The pages, or NULL.
 */
struct page *unmapped_refill(const struct unmapped_request *req)
{
	struct page *page = refill(req);

	if (!page)
		count_vm_event(UNMAPPED_REFILL_FAIL);
	return page;
}

/*
 * Requests with a limit.
 *
 * They get exactly their own pages, even where a block has some below the limit
 * or could be made there: nothing keeps the rest of such a block for the next
 * one with a limit, and the others would use up the memory below 4G.
 */

/* The lowest pages of a zone may be below the limit where the zone is not. */
static struct page *alloc_below(const struct unmapped_request *req, gfp_t zone,
				unsigned long last_pfn)
{
	struct page *page;

	page = unmapped_alloc_pages(req, block_gfp(req) | zone, req->order);
	if (!page || page_to_pfn(page) + (1UL << req->order) - 1 <= last_pfn)
		return page;
	__free_pages(page, req->order);
	return NULL;
}

static struct page *find_below(const struct unmapped_request *req,
			       unsigned long last_pfn)
{
	struct page *page = NULL;

	if (last_pfn > PHYS_PFN(U32_MAX))
		page = alloc_below(req, 0, last_pfn);
	if (!page)
		page = alloc_below(req, GFP_DMA32, last_pfn);
	if (!page && IS_ENABLED(CONFIG_ZONE_DMA))
		page = alloc_below(req, GFP_DMA, last_pfn);
	return page;
}

/**
 * unmapped_refill_below() - Allocate new memory below a limit
 * @req: What is wanted, without a policy.
 * @last_pfn: The last page that will do.
 *
 * Context: Process context, may sleep.
 * Return: The pages, or NULL.
 */
struct page *unmapped_refill_below(const struct unmapped_request *req,
				   unsigned long last_pfn)
{
	struct page *page = find_below(req, last_pfn);

	if (page && req->order == UNMAPPED_BLOCK_ORDER)
		page = use_block(req, page, block_gfp(req));
	else if (page)
		page = use_pages(req, page, block_gfp(req));
	if (!page)
		count_vm_event(UNMAPPED_REFILL_FAIL);
	return page;
}
