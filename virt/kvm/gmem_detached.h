/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_GMEM_DETACHED_H__
#define __KVM_GMEM_DETACHED_H__

/*
 * guest_memfd outside the direct map of the host.
 */

#include <linux/kvm_host.h>
#include <linux/unmapped_alloc.h>

#if defined(CONFIG_KVM_PRIVATE_MEM) && defined(CONFIG_UNMAPPED_ALLOC)

/**
 * kvm_gmem_flags() - Tell what flags a guest_memfd may have
 * @kvm: The VM that it will belong to, or NULL for any.
 *
 * Return: GUEST_MEMFD_FLAG_*.
 */
u64 kvm_gmem_flags(struct kvm *kvm);

/**
 * kvm_gmem_start() - Prepare a VM for a guest_memfd
 * @kvm: The VM.
 * @flags: Those of the file, of kvm_gmem_flags().
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int kvm_gmem_start(struct kvm *kvm, u64 flags);

/**
 * kvm_gmem_set_owner() - Say whose the pages of a file are
 * @inode: The file's inode, with its flags in i_private.
 * @kvm: The VM, which has been prepared for them.
 */
void kvm_gmem_set_owner(struct inode *inode, struct kvm *kvm);

/**
 * kvm_gmem_is_detached() - Ask whether pages are outside the direct map
 * @inode: The inode of a guest_memfd.
 *
 * Return: true if all pages of it are.
 */
static inline bool kvm_gmem_is_detached(struct inode *inode)
{
	return (unsigned long)inode->i_private & GUEST_MEMFD_FLAG_NO_DIRECT_MAP;
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
 * kvm_gmem_destroy_vm() - Let the owner object of a VM go
 * @kvm: The VM, all files of which are closed. Pages may be left, whose inode
 *	is about to go away.
 */
void kvm_gmem_destroy_vm(struct kvm *kvm);

#else

#define kvm_gmem_flags(kvm)			0
#define kvm_gmem_start(kvm, flags)		0
#define kvm_gmem_set_owner(inode, kvm)		do { } while (0)
#define kvm_gmem_is_detached(inode)		false
#define kvm_gmem_grab_detached(inode, index)	NULL
#define kvm_gmem_destroy_vm(kvm)		do { } while (0)

#endif

#endif /* __KVM_GMEM_DETACHED_H__ */
