// SPDX-License-Identifier: GPL-2.0
/*
 * guest_memfd outside the direct map of the host.
 *
 * Each file has an owner object of the cache of unmapped pages. It does not
 * share its pages with the kernel: kmap and the hooks for devices refuse them.
 * KVM has the page tables of the guest point to them and needs no address. They
 * are handed out zeroed, so that KVM need not clear them either. They may have
 * a key, that of a file of /dev/memkey; then so have the entries of the guest's
 * page tables.
 *
 * A type of VM whose contents KVM, or firmware on its behalf, writes or checks
 * at an address of the host cannot have this; the architecture says which.
 */

#include <linux/delay.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pagemap.h>

#include "gmem_detached.h"

u64 kvm_gmem_flags(struct kvm *kvm)
{
	if (kvm && !kvm_arch_gmem_no_direct_map(kvm))
		return 0;
	if (!unmapped_alloc_possible())
		return 0;
	return GUEST_MEMFD_FLAG_NO_DIRECT_MAP |
	       (memkey_possible() ? GUEST_MEMFD_FLAG_MEMKEY : 0);
}

struct unmapped_owner *kvm_gmem_make_owner(const struct kvm_create_guest_memfd *args)
{
	struct unmapped_owner *owner;

	if (!(args->flags & KVM_GMEM_DETACHED))
		return NULL;
	if (!unmapped_alloc_start())
		return ERR_PTR(-ENOMEM);
	if (args->flags & GUEST_MEMFD_FLAG_MEMKEY)
		return memkey_owner_create(args->memkey_fd, "kvm");
	owner = unmapped_owner_create("kvm", UNMAPPED_OWNER_ZERO);
	return owner ?: ERR_PTR(-ENOMEM);
}

/* Zeroed under its key, if it has one; else it came zeroed. */
static struct folio *alloc_folio(gfp_t gfp, unsigned int order,
				 struct unmapped_owner *owner)
{
	struct folio *folio = unmapped_folio_alloc(gfp, order, owner);

	if (folio && !deferred_page_prep(folio, owner->keyid, true)) {
		folio_put(folio);
		return NULL;
	}
	return folio;
}

static struct folio *add_folio(struct address_space *mapping, pgoff_t index,
			       unsigned int order, gfp_t gfp)
{
	struct folio *folio = alloc_folio(gfp, order, mapping->i_private_data);
	int r;

	if (!folio)
		return ERR_PTR(-ENOMEM);
	r = filemap_add_folio(mapping, folio, index, gfp);
	if (!r)
		return folio;
	folio_put(folio);
	return ERR_PTR(r);
}

/*
 * Huge folios.
 */

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
static bool gmem_huge __read_mostly = true;
module_param(gmem_huge, bool, 0644);
MODULE_PARM_DESC(gmem_huge, "Use 2M folios for guest_memfd outside the direct map");

static bool has_room(struct inode *inode, loff_t start)
{
	return start + PMD_SIZE <= i_size_read(inode) &&
	       !filemap_range_has_page(inode->i_mapping, start,
				       start + PMD_SIZE - 1);
}

/*
 * The aligned 2M around @index become one folio, if the file has room for that
 * and no page is there. Small pages do as well, so nothing is tried hard. While
 * a hole is made there will be no huge folio that it could part.
 */
static struct folio *add_huge(struct inode *inode, pgoff_t index)
{
	struct address_space *mapping = inode->i_mapping;
	gfp_t gfp = mapping_gfp_mask(mapping) | __GFP_NORETRY | __GFP_NOWARN;
	loff_t start = round_down((loff_t)index << PAGE_SHIFT, PMD_SIZE);
	struct folio *folio = ERR_PTR(-ENOSPC);

	if (!READ_ONCE(gmem_huge) ||
	    !filemap_invalidate_trylock_shared(mapping))
		return folio;
	if (has_room(inode, start))
		folio = add_folio(mapping, start >> PAGE_SHIFT, PMD_ORDER, gfp);
	filemap_invalidate_unlock_shared(mapping);
	return folio;
}
#else
static struct folio *add_huge(struct inode *inode, pgoff_t index)
{
	return ERR_PTR(-ENOSPC);
}
#endif

/* How often, and how long, faults are waited for that have begun already. */
#define SPLIT_TRIES	20
#define SPLIT_WAIT_MS	1

/*
 * A hole takes all of a folio that could not be split, so this comes first. And
 * it comes before entries of the guest are zapped. A fault has a reference to
 * the folio until it has made its entry: when the split succeeds none can be
 * under way that would map 2M.
 */
int kvm_gmem_split(struct inode *inode, pgoff_t start, pgoff_t end)
{
	int tries = SPLIT_TRIES, r;

	if (!kvm_gmem_is_detached(inode))
		return 0;
	do {
		r = unmapped_mapping_split(inode->i_mapping, start) ?:
		    unmapped_mapping_split(inode->i_mapping, end);
		if (!r)
			return 0;
		msleep(SPLIT_WAIT_MS);
	} while (--tries);
	return r;
}

int kvm_gmem_max_order(const struct kvm_memory_slot *slot, struct folio *folio)
{
	unsigned long pages = folio_nr_pages(folio);

	/* Its parts are as far from an aligned address in the guest */
	return IS_ALIGNED(slot->base_gfn - slot->gmem.pgoff, pages) &&
	       !folio_test_has_hwpoisoned(folio) ? folio_order(folio) : 0;
}

struct folio *kvm_gmem_grab_detached(struct inode *inode, pgoff_t index)
{
	struct address_space *mapping = inode->i_mapping;
	struct folio *folio;

	do {
		folio = filemap_lock_folio(mapping, index);
		if (IS_ERR(folio))
			folio = add_huge(inode, index);
		if (IS_ERR(folio))
			folio = add_folio(mapping, index, 0,
					  mapping_gfp_mask(mapping));
	} while (folio == ERR_PTR(-EEXIST));

	return folio;
}
