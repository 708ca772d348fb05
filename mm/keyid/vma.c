// SPDX-License-Identifier: GPL-2.0
/*
 * VMAs as users of keys.
 *
 * The key is in vm_flags, so that VMAs with different ones do not merge, and
 * parts and copies have the same. Each of them is a user: one that has no page
 * yet must not find the KeyID standing for another key when it wants one.
 */

#include "keyid.h"

void __vma_keyid_get(struct vm_area_struct *vma)
{
	percpu_ref_get(&page_key_by_id(vma_keyid(vma))->users);
}

void __vma_keyid_put(struct vm_area_struct *vma)
{
	keyid_drop(vma_keyid(vma));
}

u16 mm_keyid_hold(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	if (!vma || !vma_keyid(vma))
		return 0;
	__vma_keyid_get(vma);
	return vma_keyid(vma);
}

void keyid_drop(u16 keyid)
{
	if (keyid)
		percpu_ref_put(&page_key_by_id(keyid)->users);
}
