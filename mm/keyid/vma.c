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
	percpu_ref_put(&page_key_by_id(vma_keyid(vma))->users);
}
