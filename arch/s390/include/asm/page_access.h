/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_S390_PAGE_ACCESS_H
#define _ASM_S390_PAGE_ACCESS_H

#include <linux/bits.h>
#include <linux/page-flags.h>

/*
 * A page of a protected guest is a folio of one page with PG_arch_1. The mark
 * is set before the page becomes secure and cleared after it is exported, so
 * it may be there for a page that is accessible. On the head of a large folio
 * PG_arch_1 has another meaning; see arch_make_folio_accessible().
 */
static __always_inline bool page_inaccessible(const struct page *page)
{
	return (page->flags & (BIT(PG_arch_1) | BIT(PG_head))) ==
	       BIT(PG_arch_1);
}

#endif /* _ASM_S390_PAGE_ACCESS_H */
