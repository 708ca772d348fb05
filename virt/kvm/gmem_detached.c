// SPDX-License-Identifier: GPL-2.0
/*
 * guest_memfd outside the direct map of the host.
 *
 * A VM has one owner object of the cache of unmapped pages. It does not share
 * its pages with the kernel: kmap and the hooks for devices refuse them. KVM
 * has the page tables of the guest point to them and needs no address. They
 * are handed out zeroed, so that KVM need not clear them either.
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
	return unmapped_alloc_possible() ? GUEST_MEMFD_FLAG_NO_DIRECT_MAP : 0;
}

/* With the first file that needs it */
static int make_owner(struct kvm *kvm)
{
	int r = 0;

	mutex_lock(&kvm->lock);
	if (!kvm->gmem_owner) {
		kvm->gmem_owner = unmapped_owner_create("kvm",
							UNMAPPED_OWNER_ZERO);
		r = kvm->gmem_owner ? 0 : -ENOMEM;
	}
	mutex_unlock(&kvm->lock);
	return r;
}

int kvm_gmem_start(struct kvm *kvm, u64 flags)
{
	if (!(flags & GUEST_MEMFD_FLAG_NO_DIRECT_MAP))
		return 0;
	return unmapped_alloc_start() ? make_owner(kvm) : -ENOMEM;
}

void kvm_gmem_set_owner(struct inode *inode, struct kvm *kvm)
{
	inode->i_mapping->i_private_data = kvm->gmem_owner;
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

		folio = unmapped_folio_alloc(gfp, 0, mapping->i_private_data);
		if (!folio)
			return ERR_PTR(-ENOMEM);

		r = filemap_add_folio(mapping, folio, index, gfp);
		if (!r)
			return folio;
		folio_put(folio);
	} while (r == -EEXIST);

	return ERR_PTR(r);
}

void kvm_gmem_destroy_vm(struct kvm *kvm)
{
	unmapped_owner_destroy(kvm->gmem_owner);
}
