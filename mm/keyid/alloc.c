// SPDX-License-Identifier: GPL-2.0
/*
 * Folios of a key.
 *
 * All ways to one end in __folio_alloc_keyid(): take __GFP_ZERO off, allocate
 * from the cache, set the key, and zero through it. The page allocator is not
 * asked to know keys, and callers not to know that order.
 */

#define pr_fmt(fmt) "keyid: " fmt

#include <linux/mempolicy.h>
#include <linux/nodemask.h>

#include "../internal.h"
#include "keyid.h"

bool __deferred_page_prep(struct folio *folio, u16 keyid, bool zero)
{
	return unmapped_pages_set_key(&folio->page, folio_order(folio), keyid,
				      zero);
}
EXPORT_SYMBOL_GPL(__deferred_page_prep);

/* The nodes of a mask, each for itself: there is no list of zones here. */
static struct page *alloc_on_nodes(gfp_t gfp, struct unmapped_owner *owner,
				   const struct keyid_alloc_args *args)
{
	struct page *page = NULL;
	int nid = args->nid;
	int i;

	if (nid == NUMA_NO_NODE)
		nid = numa_mem_id();
	if (!node_isset(nid, *args->nodemask))
		nid = next_node_in(nid, *args->nodemask);
	for (i = 0; i < nodes_weight(*args->nodemask) && !page; i++) {
		page = unmapped_pages_alloc_node(gfp | __GFP_THISNODE,
						 args->order, owner, nid);
		nid = next_node_in(nid, *args->nodemask);
	}
	return page;
}

struct folio *__folio_alloc_keyid(const struct keyid_alloc_args *args)
{
	struct page_key *key = page_key_by_id(args->keyid);
	gfp_t gfp = args->gfp | __GFP_COMP;
	struct folio *folio;
	struct page *page;
	bool zero;

	if (WARN_ON_ONCE(!key))
		return NULL;
	zero = deferred_page_zero(args->keyid, &gfp);
	/* Without NUMA nobody looks at a mask: it may be empty */
	if (IS_ENABLED(CONFIG_NUMA) && args->nodemask)
		page = alloc_on_nodes(gfp, key->owner, args);
	else
		page = unmapped_pages_alloc_node(gfp, args->order, key->owner,
						 args->nid);
	folio = page_rmappable_folio(page);
	if (folio && !deferred_page_prep(folio, args->keyid, zero)) {
		folio_put(folio);
		return NULL;
	}
	return folio;
}
EXPORT_SYMBOL_GPL(__folio_alloc_keyid);

/**
 * vma_alloc_folio_keyid() - Allocate a folio of a VMA's key
 * @gfp: Allocation flags.
 * @order: Order of the folio.
 * @vma: The VMA, which has a key.
 * @addr: Where the folio will be, for the VMA's policy.
 *
 * Context: As for vma_alloc_folio().
 * Return: The folio, or NULL.
 */
struct folio *vma_alloc_folio_keyid(gfp_t gfp, unsigned int order,
				    struct vm_area_struct *vma,
				    unsigned long addr)
{
	struct keyid_alloc_args args = {
		.gfp = gfp,
		.order = order,
		.nid = numa_node_id(),
		.keyid = vma_keyid(vma),
	};
	struct mempolicy *mpol;
	struct folio *folio;
	pgoff_t ilx;

	mpol = get_vma_policy(vma, addr, order, &ilx);
	args.nodemask = mpol_allowed_nodes(gfp, mpol, ilx, &args.nid);
	folio = folio_alloc_keyid(&args);
	mpol_cond_put(mpol);
	return folio;
}
