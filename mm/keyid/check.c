// SPDX-License-Identifier: GPL-2.0
/*
 * Is every page mapped with its own key, where its own key belongs?
 *
 * A path of the kernel that does not know of keys may map a page without one,
 * or with that of another page, or put it where another is expected. Programs
 * would then read garbage, now and then. This looks at each entry of a user's
 * page table that is set, and where the VMA is known, at that too.
 */

#define pr_fmt(fmt) "keyid: " fmt

#include <linux/mm.h>
#include <linux/page_keyid.h>

void __page_keyid_check_entry(unsigned long pfn, u64 entry)
{
	u16 keyid = arch_keyid_of(entry), want;

	if (!pfn_valid(pfn))
		return;
	want = page_keyid(pfn_to_page(pfn));
	WARN_ONCE(keyid != want, "page %#lx of key %u is mapped with key %u\n",
		  pfn, want, keyid);
}

void __page_keyid_check_vma(const struct folio *folio,
			    const struct vm_area_struct *vma)
{
	WARN_ONCE(folio_keyid(folio) != vma_keyid(vma),
		  "page %#lx of key %u is in a VMA of key %u\n",
		  page_to_pfn(&folio->page), folio_keyid(folio),
		  vma_keyid(vma));
}
