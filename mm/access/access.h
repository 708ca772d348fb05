/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_ACCESS_ACCESS_H
#define _MM_ACCESS_ACCESS_H

#include <linux/kmap_area.h>
#include <linux/page_access.h>

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

#endif /* _MM_ACCESS_ACCESS_H */
