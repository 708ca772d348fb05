/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_PAGE_ACCESS_H
#define _ASM_X86_PAGE_ACCESS_H

/*
 * What mm/access/relaxed.c needs to know of the direct map's leaves.
 *
 * The change is one cmpxchg of a 4K leaf. No TLB holds a translation for a
 * leaf that is not present, so that making it present needs no flush. A large
 * leaf is left alone: other pages are in it.
 *
 * set_direct_map_valid_noflush() may change the same leaf under a lock of its
 * own. It does so for pages without an owner, whose repair is refused, or if
 * they lost their owner meanwhile, undone.
 */

#include <linux/mm.h>
#include <linux/pgtable.h>

#include <asm/tlbflush.h>

/* What set_direct_map_valid_noflush() takes away and gives back */
static inline pteval_t arch_page_access_flags(void)
{
	return _PAGE_PRESENT | _PAGE_RW | _PAGE_DIRTY |
	       (_PAGE_GLOBAL & __default_kernel_pte_mask);
}

static inline pte_t *arch_page_access_leaf(struct page *page)
{
	unsigned int level;
	pte_t *ptep;

	ptep = lookup_address((unsigned long)page_address(page), &level);
	return level == PG_LEVEL_4K ? ptep : NULL;
}

static inline bool arch_page_access_change(pte_t *ptep, struct page *page,
					   pte_t old, pteval_t flags)
{
	pte_t new = pfn_pte(page_to_pfn(page), __pgprot(flags));

	return try_cmpxchg(&ptep->pte, &old.pte, new.pte);
}

/**
 * arch_page_access_repair() - Put one page back into the direct map
 * @page: An inaccessible page.
 *
 * Context: Any.
 * Return: true if the page is there, thanks to this CPU or another.
 */
static inline bool arch_page_access_repair(struct page *page)
{
	pte_t *ptep = arch_page_access_leaf(page);
	pte_t old;

	if (!ptep)
		return false;
	old = ptep_get(ptep);
	if (pte_none(old))
		return false;
	return (pte_flags(old) & _PAGE_PRESENT) ||
	       arch_page_access_change(ptep, page, old, pte_flags(old) |
				       arch_page_access_flags()) ||
	       (pte_flags(ptep_get(ptep)) & _PAGE_PRESENT);
}

/**
 * arch_page_access_undo_repair() - Take the page out again
 * @page: The page, just repaired by this CPU.
 *
 * Context: Any. Flushes the TLB of this CPU alone.
 */
static inline void arch_page_access_undo_repair(struct page *page)
{
	pte_t *ptep = arch_page_access_leaf(page);
	pte_t old;

	if (!ptep)
		return;
	old = ptep_get(ptep);
	arch_page_access_change(ptep, page, old, pte_flags(old) &
				~arch_page_access_flags());
	flush_tlb_one_kernel((unsigned long)page_address(page));
}

#endif /* _ASM_X86_PAGE_ACCESS_H */
