/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_ACCESS_ACCESS_H
#define _MM_ACCESS_ACCESS_H

#include <linux/kmap_area.h>
#include <linux/page_access.h>
#include <linux/preempt.h>

extern const struct page_access_ops *page_access_ops;

#ifdef CONFIG_PAGE_ACCESS_SLOTS
static inline int page_access_reserve(void)
{
	return kmap_area_init();
}
#else
static inline int page_access_reserve(void)
{
	return 0;
}
#endif

#ifdef CONFIG_FAIL_PAGE_ACCESS
extern struct fault_attr fail_page_access;

bool page_access_should_fail(void);
#else
static inline bool page_access_should_fail(void)
{
	return false;
}
#endif

#ifdef CONFIG_PAGE_ACCESS_SLOTS
/* NMIs could find the slots in the middle of a change. */
static inline bool page_access_allowed(struct page *page, pgprot_t *prot)
{
	return !in_nmi() && page_access_ops->kmap_prot(page, prot);
}
#endif

#if IS_ENABLED(CONFIG_KUNIT)
/* Static, but for the tests that replace or call them */
void *page_access_vmap_page(struct page *page, pgprot_t prot);
bool page_access_new_caller(unsigned long ip);
void page_access_report(unsigned long ip, struct page *page);
#endif

#endif /* _MM_ACCESS_ACCESS_H */
