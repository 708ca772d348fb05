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

#include <linux/kvm_host.h>
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
static struct folio *alloc_folio(gfp_t gfp, struct unmapped_owner *owner)
{
	struct folio *folio = unmapped_folio_alloc(gfp, 0, owner);

	if (folio && !deferred_page_prep(folio, owner->keyid, true)) {
		folio_put(folio);
		return NULL;
	}
	return folio;
}

struct folio *kvm_gmem_grab_detached(struct inode *inode, pgoff_t index)
{
	struct address_space *mapping = inode->i_mapping;
	gfp_t gfp = mapping_gfp_mask(mapping);
	struct folio *folio;
	int r;

	do {
		folio = filemap_lock_folio(mapping, index);
		if (!IS_ERR(folio))
			return folio;

		folio = alloc_folio(gfp, mapping->i_private_data);
		if (!folio)
			return ERR_PTR(-ENOMEM);

		r = filemap_add_folio(mapping, folio, index, gfp);
		if (!r)
			return folio;
		folio_put(folio);
	} while (r == -EEXIST);

	return ERR_PTR(r);
}
