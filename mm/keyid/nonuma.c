// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of kernels without NUMA. Those with it allocate in mm/mempolicy.c, where
 * the VMA is known for the sake of its policy.
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/page_keyid.h>

struct folio *vma_alloc_folio_noprof(gfp_t gfp, int order,
				     struct vm_area_struct *vma,
				     unsigned long addr, bool hugepage)
{
	if (vma_keyid(vma))
		return vma_alloc_folio_keyid(gfp, order, vma, addr);
	return folio_alloc_noprof(gfp, order);
}
EXPORT_SYMBOL(vma_alloc_folio_noprof);
