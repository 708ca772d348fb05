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

/* The caller writes all of the folio: nothing is zeroed under a new key. */
static struct folio *alloc_on_node(struct unmapped_owner *owner, gfp_t gfp,
				   unsigned int order, int nid)
{
	struct page *page;

	page = unmapped_pages_alloc_node(gfp | __GFP_COMP, order, owner, nid);
	if (page && owner->keyid &&
	    !unmapped_pages_set_key(page, order, owner->keyid, false)) {
		unmapped_pages_free(page, order);
		return NULL;
	}
	return page_rmappable_folio(page);
}

/* The nodes of a policy, each for itself: there is no list of zones here. */
static struct folio *alloc_on_nodes(struct unmapped_owner *owner, gfp_t gfp,
				    unsigned int order, int nid,
				    const nodemask_t *nodes)
{
	struct folio *folio = NULL;
	int i;

	for (i = 0; i < nodes_weight(*nodes) && !folio; i++) {
		folio = alloc_on_node(owner, gfp | __GFP_THISNODE, order, nid);
		nid = next_node_in(nid, *nodes);
	}
	return folio;
}

static struct folio *alloc_by_policy(struct unmapped_owner *owner, gfp_t gfp,
				     unsigned int order,
				     struct mempolicy *mpol, pgoff_t ilx)
{
	int nid = numa_node_id();
	nodemask_t *nodes = mpol_allowed_nodes(gfp, mpol, ilx, &nid);

	if (nodes)
		return alloc_on_nodes(owner, gfp, order, nid, nodes);
	return alloc_on_node(owner, gfp, order, nid);
}

struct folio *unmapped_mapping_alloc(gfp_t gfp, unsigned int order,
				     struct mempolicy *mpol, pgoff_t ilx)
{
	return alloc_by_policy(mapping_owner, gfp, order, mpol, ilx);
}

/* The owner of a folio whose contents may be copied, or NULL. */
static struct unmapped_owner *movable_owner(const struct folio *folio)
{
	struct unmapped_owner *owner = unmapped_owner_of(&folio->page);

	if (!owner || !(owner->flags & UNMAPPED_OWNER_KMAP) ||
	    READ_ONCE(owner->dying))
		return NULL;
	return owner == mapping_owner || (owner->flags & UNMAPPED_OWNER_KEYED) ?
	       owner : NULL;
}

/**
 * unmapped_folio_movable() - Ask whether a folio could be migrated
 * @folio: Any folio, to which the caller has a reference.
 *
 * Return: true if it is of the cache, and its contents may be copied.
 */
bool unmapped_folio_movable(const struct folio *folio)
{
	return folio_detached(folio) && movable_owner(folio);
}

/* What stays where it is says so later, and stops no others. */
static struct unmapped_owner *owner_like(const struct folio *src)
{
	return movable_owner(src) ?: mapping_owner;
}

struct folio *unmapped_folio_alloc_like(const struct folio *src, gfp_t gfp,
					int nid)
{
	return alloc_on_node(owner_like(src), gfp, folio_order(src), nid);
}

struct folio *unmapped_folio_alloc_policy(const struct folio *src, gfp_t gfp,
					  struct mempolicy *mpol, pgoff_t ilx)
{
	return alloc_by_policy(owner_like(src), gfp, folio_order(src), mpol,
			       ilx);
}

/* The owner is the key, too: what moves keeps it. */
bool unmapped_folio_may_move(struct folio *dst, struct folio *src)
{
	struct unmapped_owner *owner = movable_owner(src);

	return owner && folio_detached(dst) &&
	       unmapped_owner_of(&dst->page) == owner;
}

void unmapped_folio_forget(struct address_space *mapping, struct folio *folio)
{
	if (unmapped_folio_misplaced(mapping, folio))
		folio_zero_segment(folio, 0, folio_size(folio));
}

int unmapped_mapping_split(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_lock_folio(mapping, index);
	int err = 0;

	if (IS_ERR(folio))
		return 0;
	if (folio->index != index)
		err = split_folio(folio);
	folio_unlock(folio);
	folio_put(folio);
	return err ? -EAGAIN : 0;
}
EXPORT_SYMBOL_GPL(unmapped_mapping_split);

static int __init unmapped_mapping_init(void)
{
	mapping_owner = unmapped_owner_create("file", UNMAPPED_OWNER_KMAP |
						      UNMAPPED_OWNER_SYSCTL);
	return 0;
}
fs_initcall(unmapped_mapping_init);
