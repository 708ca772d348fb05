/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_GMEM_DETACHED_H__
#define __KVM_GMEM_DETACHED_H__

/*
 * guest_memfd outside the direct map of the host.
 */

#include <linux/kvm_host.h>
#include <linux/page_keyid.h>
#include <linux/pagemap.h>
#include <linux/unmapped_alloc.h>

#if defined(CONFIG_KVM_PRIVATE_MEM) && defined(CONFIG_UNMAPPED_ALLOC)

/* Files with one of these have no page in the direct map */
#define KVM_GMEM_DETACHED \
	(GUEST_MEMFD_FLAG_NO_DIRECT_MAP | GUEST_MEMFD_FLAG_MEMKEY)

/**
 * kvm_gmem_flags() - Tell what flags a guest_memfd may have
 * @kvm: The VM that it will belong to, or NULL for any.
 *
 * Return: GUEST_MEMFD_FLAG_*.
 */
u64 kvm_gmem_flags(struct kvm *kvm);

/**
 * kvm_gmem_make_owner() - Prepare for a guest_memfd
 * @args: What user space wants; flags are of kvm_gmem_flags().
 *
 * Context: Process context, may sleep.
 * Return: Whose the file's pages will be, for kvm_gmem_drop_owner(); NULL for an
 * ordinary file. -ENOMEM, or -EBADF without a file of /dev/memkey.
 */
struct unmapped_owner *kvm_gmem_make_owner(const struct kvm_create_guest_memfd *args);

/**
 * kvm_gmem_drop_owner() - Let an owner go
 * @owner: The owner, or NULL. Pages of it may be left.
 *
 * Context: Process context, may sleep.
 */
static inline void kvm_gmem_drop_owner(struct unmapped_owner *owner)
{
	unmapped_owner_destroy(owner);
}

/**
 * kvm_gmem_is_detached() - Ask whether pages are outside the direct map
 * @inode: The inode of a guest_memfd.
 *
 * Return: true if all pages of it are.
 */
static inline bool kvm_gmem_is_detached(struct inode *inode)
{
	return (unsigned long)inode->i_private & KVM_GMEM_DETACHED;
}

/**
 * kvm_gmem_grab_detached() - Find a folio, or allocate it
 * @inode: The inode, for which kvm_gmem_is_detached() is true.
 * @index: Where in the file.
 *
 * Context: Process context, may sleep.
 * Return: The folio, locked, or an ERR_PTR().
 */
struct folio *kvm_gmem_grab_detached(struct inode *inode, pgoff_t index);

/**
 * kvm_gmem_split() - Let no folio be in a range with a part of it
 * @inode: The inode of any guest_memfd, with its invalidate lock held for
 *	writing: until that is dropped no huge folio is added.
 * @start: First page of the range.
 * @end: The page after its last.
 *
 * Entries of the guest that map such a folio are to be invalidated after this.
 * A fault that was about to make one has been waited for.
 *
 * Context: Process context, may sleep.
 * Return: 0, or -EAGAIN if somebody has a reference to such a folio.
 */
int kvm_gmem_split(struct inode *inode, pgoff_t start, pgoff_t end);

/**
 * kvm_gmem_poisoned() - Ask whether a page is poisoned
 * @folio: The folio, of any guest_memfd.
 * @index: Where in the file.
 *
 * Return: true if that page of a folio is.
 */
static inline bool kvm_gmem_poisoned(struct folio *folio, pgoff_t index)
{
	return folio_test_hwpoison(folio) ||
	       PageHWPoison(folio_file_page(folio, index));
}

/**
 * kvm_gmem_max_order() - Tell how large an entry of the guest may be
 * @slot: The slot that the folio is bound to.
 * @folio: The folio, of any guest_memfd.
 *
 * Return: The order of the folio, or 0 if it is aligned in another way in the
 * guest, or a page of it is poisoned.
 */
int kvm_gmem_max_order(const struct kvm_memory_slot *slot, struct folio *folio);

#else

#define kvm_gmem_flags(kvm)			0
#define kvm_gmem_make_owner(args)		NULL
#define kvm_gmem_drop_owner(owner)		do { } while (0)
#define kvm_gmem_is_detached(inode)		false
#define kvm_gmem_grab_detached(inode, index)	NULL
#define kvm_gmem_split(inode, start, end)	0
#define kvm_gmem_poisoned(folio, index)		folio_test_hwpoison(folio)
#define kvm_gmem_max_order(slot, folio)		0

#endif

#endif /* __KVM_GMEM_DETACHED_H__ */
