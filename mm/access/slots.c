// SPDX-License-Identifier: GPL-2.0
/*
 * kmap of pages that are not in the direct map.
 *
 * The inlines of linux/highmem-internal.h come here when a page is marked
 * PG_inaccessible. Its owner decides: a page that the kernel may see is
 * mapped in a slot of the current CPU by the code in mm/highmem.c that does
 * so for HIGHMEM. For one that it may not see the answer is the direct-map
 * address, where the access faults: kmap_local_page() cannot fail, and zeroes
 * instead of a fault would end up in files and in user space. Callers that
 * can handle a refusal use the _try forms.
 *
 * The direct map is not touched, and no other CPU hears of a mapping.
 */

#define pr_fmt(fmt) "page_access: " fmt

#include <linux/highmem.h>
#include <linux/kmap_area.h>

#include "access.h"

/* The debug build leaves a guard slot free beside each that it uses. */
static bool kmap_slot_left(void)
{
	int incr = IS_ENABLED(CONFIG_DEBUG_KMAP_LOCAL) ? 2 : 1;

	return current->kmap_ctrl.idx + incr < KM_MAX_IDX &&
	       !page_access_should_fail();
}

void *page_access_map_prot(struct page *page, pgprot_t prot)
{
	if (!kmap_slot_left() || in_nmi())
		return NULL;
	return __kmap_local_pfn_prot(page_to_pfn(page), prot);
}

/*
 * Nobody else uses the slot, and whoever runs here meanwhile leaves it as it
 * was, or with the page that it was made for. Both are the caller's.
 */
static void clear_next(void *addr, pte_t pteval)
{
	unsigned long slot = (unsigned long)addr;

	preempt_disable();
	set_pte_at(&init_mm, slot, kmap_slot_pte(slot), pteval);
	arch_kmap_local_post_unmap(slot);
	clear_page(addr);
	preempt_enable();
}

bool page_access_clear_pages(struct page *page, unsigned int nr, pgprot_t prot)
{
	void *addr = page_access_map_prot(page, prot);
	unsigned int i;

	if (!addr)
		return false;
	clear_page(addr);
	for (i = 1; i < nr; i++)
		clear_next(addr, pfn_pte(page_to_pfn(page) + i, prot));
	kunmap_local(addr);
	return true;
}

void *page_access_kmap(struct page *page)
{
	pgprot_t prot = PAGE_KERNEL;

	if (!page_access_allowed(page, &prot))
		return page_address(page);
	return __kmap_local_pfn_prot(page_to_pfn(page), prot);
}
EXPORT_SYMBOL(page_access_kmap);

void *page_access_kmap_prot(struct page *page, pgprot_t prot)
{
	if (!page_access_allowed(page, &prot))
		return page_address(page);
	return __kmap_local_pfn_prot(page_to_pfn(page), prot);
}
EXPORT_SYMBOL(page_access_kmap_prot);

void *page_access_kmap_try(struct page *page)
{
	pgprot_t prot = PAGE_KERNEL;

	if (!page_access_allowed(page, &prot))
		return ERR_PTR(-EACCES);
	if (!kmap_slot_left())
		return ERR_PTR(-EBUSY);
	return __kmap_local_pfn_prot(page_to_pfn(page), prot);
}
EXPORT_SYMBOL(page_access_kmap_try);

bool page_access_refused(struct page *page)
{
	pgprot_t prot = PAGE_KERNEL;

	return !page_access_allowed(page, &prot);
}
EXPORT_SYMBOL(page_access_refused);
