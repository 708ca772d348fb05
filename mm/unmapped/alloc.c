// SPDX-License-Identifier: GPL-2.0
/*
 * A cache of pages outside the direct map: its interface, and its start.
 *
 * A node's memory leaves the direct map in blocks of 2M when such can be had.
 * An allocation takes pages from the CPU's front (front.c) or from the fullest
 * block that has room (node.c, block.c); only when there is none it makes a new
 * block (refill.c). What the core knows of this: pages are marked
 * PG_inaccessible, kmap asks for their owner (owner.c), and the last put gives
 * them back (page.c). reclaim.c returns memory to the system.
 *
 * Lock order: refill_lock, the node's lock, the lock of the index. The front
 * has none, and the table of owners is read under RCU.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/memcontrol.h>
#include <linux/page_access.h>
#include <linux/set_memory.h>
#include <linux/vmstat.h>

#include "../internal.h"
#include "unmapped.h"

static bool unmapped_enabled __ro_after_init = true;

static struct page *alloc_or_refill(const struct unmapped_request *req)
{
	struct page *page = NULL;

	if (unmapped_node_allowed(req->nid, req->gfp))
		page = unmapped_take(unmapped_nodes[req->nid], req);
	if (page)
		return page;
	if (!gfpflags_allow_blocking(req->gfp))
		return unmapped_take_elsewhere(req);
	return unmapped_refill(req);
}

/* Inlined, and end_alloc() as well: every allocation goes through both. */
static __always_inline bool begin_alloc(const struct unmapped_request *req)
{
	if (WARN_ON_ONCE(!page_access_active() ||
			 req->order > UNMAPPED_BLOCK_ORDER ||
			 (req->gfp & (__GFP_DMA | __GFP_DMA32 | __GFP_NOFAIL))))
		return false;
	might_alloc(req->gfp);
	return unmapped_owner_charge(req->owner, 1U << req->order);
}

static __always_inline struct page *
end_alloc(const struct unmapped_request *req, struct page *page)
{
	if (!page) {
		unmapped_owner_uncharge(req->owner, 1U << req->order);
		return NULL;
	}

	if (memcg_kmem_online() && (req->gfp & __GFP_ACCOUNT) &&
	    __memcg_kmem_charge_page(page, req->gfp, req->order)) {
		unmapped_pages_free(page, req->order);
		return NULL;
	}
	return page;
}

static struct page *unmapped_alloc(const struct unmapped_request *req)
{
	if (!begin_alloc(req))
		return NULL;
	return end_alloc(req, alloc_or_refill(req));
}

struct page *unmapped_pages_alloc(gfp_t gfp, unsigned int order,
				  struct unmapped_owner *owner)
{
	struct unmapped_request req = {
		.gfp = gfp,
		.order = order,
		.owner = owner,
		.nid = unmapped_policy_node(),
		.policy = true,
	};

	return unmapped_alloc(&req);
}

struct page *unmapped_pages_alloc_node(gfp_t gfp, unsigned int order,
				       struct unmapped_owner *owner, int nid)
{
	struct unmapped_request req = {
		.gfp = gfp,
		.order = order,
		.owner = owner,
		.nid = nid == NUMA_NO_NODE ? numa_mem_id() : nid,
	};

	return unmapped_alloc(&req);
}

struct page *unmapped_pages_alloc_below(gfp_t gfp, unsigned int order,
					struct unmapped_owner *owner, int nid,
					unsigned long last_pfn)
{
	struct unmapped_request req = {
		.gfp = gfp,
		.order = order,
		.owner = owner,
		.nid = nid == NUMA_NO_NODE ? numa_mem_id() : nid,
	};

	if (!begin_alloc(&req))
		return NULL;
	return end_alloc(&req, unmapped_refill_below(&req, last_pfn));
}

struct folio *unmapped_folio_alloc(gfp_t gfp, unsigned int order,
				   struct unmapped_owner *owner)
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
			unmapped_clear_pages(folio_page(folio, i), 1);
}

/* An address for the owner alone, whom kmap would refuse. Not of poison. */
static bool zero_part(struct page *page, size_t offset, size_t len)
{
	void *addr;

	if (unlikely(PageHWPoison(page)))
		return true;
	addr = page_access_map_prot(page, unmapped_prot(page));
	if (!addr)
		return false;
	memset(addr + offset, 0, len);
	kunmap_local(addr);
	return true;
}

bool unmapped_folio_zero(struct folio *folio, size_t offset, size_t len)
{
	if (WARN_ON_ONCE(offset + len > folio_size(folio)))
		return false;
	while (len) {
		size_t in_page = offset_in_page(offset);
		size_t part = min(len, PAGE_SIZE - in_page);

		if (!zero_part(folio_page(folio, offset / PAGE_SIZE), in_page,
			       part))
			return false;
		offset += part;
		len -= part;
	}
	return true;
}

void unmapped_pages_free(struct page *page, unsigned int order)
{
	__free_pages(page, order);
}

bool unmapped_alloc_possible(void)
{
	return unmapped_enabled;
}
EXPORT_SYMBOL_GPL(unmapped_alloc_possible);

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

static int __init init_parts(void)
{
	int err, nid;

	err = unmapped_index_init();
	for_each_node(nid)
		if (!err)
			err = unmapped_node_init(nid, unmapped_return_work);
	if (!err)
		err = unmapped_front_init();
	if (!err)
		err = unmapped_reclaim_init();
	return err;
}

static int __init unmapped_alloc_init(void)
{
	const char *obstacle = unmapped_obstacle();

	BUILD_BUG_ON(UNMAPPED_BLOCK_ORDER != PMD_ORDER);

	if (!unmapped_enabled)
		return 0;

	if (!obstacle && init_parts())
		obstacle = "no memory";
	if (obstacle) {
		pr_info("off: %s\n", obstacle);
		unmapped_enabled = false;
		return 0;
	}

	unmapped_page_init();
	return 0;
}
core_initcall(unmapped_alloc_init);
