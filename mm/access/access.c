// SPDX-License-Identifier: GPL-2.0
/*
 * kmap for pages without a usable direct-map address.
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
#include <linux/mutex.h>

#include "access.h"

DEFINE_STATIC_KEY_FALSE(page_access_key);
EXPORT_SYMBOL(page_access_key);

const struct page_access_ops *page_access_ops __ro_after_init;

/* Serialises page_access_start() */
static DEFINE_MUTEX(page_access_lock);
/* Set when all CPUs see the key; while it is turned on only some do. */
static bool page_access_started;

/* The debug build leaves a guard slot free beside each that it uses. */
static bool kmap_slot_left(void)
{
	int incr = IS_ENABLED(CONFIG_DEBUG_KMAP_LOCAL) ? 2 : 1;

	return current->kmap_ctrl.idx + incr < KM_MAX_IDX;
}

/* NMIs could find the slots in the middle of a change. */
static bool page_access_allowed(struct page *page, pgprot_t *prot)
{
	return !in_nmi() && page_access_ops->kmap_prot(page, prot);
}

void *page_access_map(struct page *page)
{
	if (!kmap_slot_left() || in_nmi())
		return NULL;
	return __kmap_local_pfn_prot(page_to_pfn(page), PAGE_KERNEL);
}

void *page_access_kmap(struct page *page)
{
	pgprot_t prot = PAGE_KERNEL;

	if (!page_access_allowed(page, &prot))
		return page_address(page);
	return __kmap_local_pfn_prot(page_to_pfn(page), prot);
}
EXPORT_SYMBOL(page_access_kmap);

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

struct page *page_access_kmap_to_page(const void *vaddr)
{
	return pte_page(ptep_get(kmap_slot_pte((unsigned long)vaddr)));
}
EXPORT_SYMBOL(page_access_kmap_to_page);

void page_access_clear(struct page *page)
{
	void *addr = page_access_kmap(page);

	clear_page(addr);
	kunmap_local(addr);
}
EXPORT_SYMBOL(page_access_clear);

static void zero_range(struct page *page, unsigned int start, unsigned int end)
{
	while (start < end) {
		unsigned int offset = offset_in_page(start);
		unsigned int len = min(end - start, PAGE_SIZE - offset);

		memzero_page(nth_page(page, start >> PAGE_SHIFT), offset, len);
		start += len;
	}
}

void page_access_zero_segments(struct page *page, unsigned int start1,
			       unsigned int end1, unsigned int start2,
			       unsigned int end2)
{
	if (WARN_ON_ONCE(max(end1, end2) > page_size(page)))
		return;
	zero_range(page, start1, end1);
	zero_range(page, start2, end2);
}
EXPORT_SYMBOL(page_access_zero_segments);

void __init page_access_register(const struct page_access_ops *ops)
{
	page_access_ops = ops;
}

int page_access_start(void)
{
	int err = 0;

	/* Pairs with the release below: all code sees the key */
	if (smp_load_acquire(&page_access_started))
		return 0;

	mutex_lock(&page_access_lock);
	if (!page_access_started)
		err = kmap_area_init();
	if (!err) {
		static_branch_enable(&page_access_key);
		/* Pairs with the acquire above */
		smp_store_release(&page_access_started, true);
	}
	mutex_unlock(&page_access_lock);

	return err;
}
