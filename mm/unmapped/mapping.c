// SPDX-License-Identifier: GPL-2.0
/*
 * Page cache outside the direct map.
 *
 * A mapping with AS_NO_DIRECT_MAP takes all its folios from the cache, and its
 * file system reads and writes them through kmap as it does on machines with
 * HIGHMEM. The mark is the mapping's, set before its first folio, so that a
 * folio is outside the direct map for as long as it is in the mapping. Where a
 * folio takes the place of another, by migration or when it comes back from
 * swap, the one that replaces it is asked for here, too.
 *
 * What leaves the mapping is no longer protected: a swap device has the
 * contents, and the compressed pages of zswap are in the direct map.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/mempolicy.h>
#include <linux/page_access.h>
#include <linux/pagemap.h>

#include "../internal.h"
#include "unmapped.h"

/* Of all mappings: their folios are swapped, migrated and charged alike. */
static struct unmapped_owner *mapping_owner __ro_after_init;

int unmapped_mapping_start(struct address_space *mapping)
{
	if (!mapping_owner || !unmapped_alloc_start())
		return -EOPNOTSUPP;
	mapping_set_no_direct_map(mapping);
	return 0;
}

static struct folio *alloc_on_node(gfp_t gfp, unsigned int order, int nid)
{
	struct page *page;

	page = unmapped_pages_alloc_node(gfp | __GFP_COMP, order,
					 mapping_owner, nid);
	return page_rmappable_folio(page);
}

/* The nodes of a policy, each for itself: there is no list of zones here. */
static struct folio *alloc_on_nodes(gfp_t gfp, unsigned int order, int nid,
				    const nodemask_t *nodes)
{
	struct folio *folio = NULL;
	int i;

	for (i = 0; i < nodes_weight(*nodes) && !folio; i++) {
		folio = alloc_on_node(gfp | __GFP_THISNODE, order, nid);
		nid = next_node_in(nid, *nodes);
	}
	return folio;
}

struct folio *unmapped_mapping_alloc(gfp_t gfp, unsigned int order,
				     struct mempolicy *mpol, pgoff_t ilx)
{
	int nid = numa_node_id();
	nodemask_t *nodes = mpol_allowed_nodes(gfp, mpol, ilx, &nid);

	if (nodes)
		return alloc_on_nodes(gfp, order, nid, nodes);
	return alloc_on_node(gfp, order, nid);
}

struct folio *unmapped_folio_alloc_like(const struct folio *src, gfp_t gfp,
					int nid)
{
	return alloc_on_node(gfp, folio_order(src), nid);
}

/* Of the same owner, and one that lets the kernel copy contents. */
bool unmapped_folio_may_move(struct folio *dst, struct folio *src)
{
	return folio_detached(dst) &&
	       unmapped_owner_of(&src->page) == mapping_owner &&
	       unmapped_owner_of(&dst->page) == mapping_owner;
}

void unmapped_folio_forget(struct address_space *mapping, struct folio *folio)
{
	if (unmapped_folio_misplaced(mapping, folio))
		folio_zero_segment(folio, 0, folio_size(folio));
}

static int __init unmapped_mapping_init(void)
{
	mapping_owner = unmapped_owner_create("file", UNMAPPED_OWNER_KMAP |
						      UNMAPPED_OWNER_SYSCTL);
	return 0;
}
fs_initcall(unmapped_mapping_init);
