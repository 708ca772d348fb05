/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_KEYID_KEYID_H
#define _MM_KEYID_KEYID_H

#include <linux/misc_cgroup.h>
#include <linux/page_keyid.h>
#include <linux/percpu-refcount.h>
#include <linux/unmapped_alloc.h>
#include <linux/workqueue.h>

/**
 * struct page_key - a key that somebody has
 * @id: Its KeyID.
 * @cg: Whose limit it counts against, until the KeyID is free.
 * @users: Files and VMAs. Those who can allocate.
 * @owner: Who has the pages, for the cache.
 * @retire_users: To do when no user is left.
 * @retire_id: To do when no page is left.
 */
struct page_key {
	u16 id;
	struct misc_cg *cg;
	struct percpu_ref users;
	struct unmapped_owner *owner;
	struct work_struct retire_users;
	struct delayed_work retire_id;
};

struct page_key *page_key_by_id(u16 keyid);
bool page_key_limited(void);

#ifdef CONFIG_CGROUP_MISC
static inline bool page_key_has_limit(struct misc_cg *cg)
{
	for (; cg; cg = css_misc(cg->css.parent))
		if (READ_ONCE(cg->res[MISC_CG_RES_MEMKEY].max) != U64_MAX)
			return true;
	return false;
}
#else
static inline bool page_key_has_limit(struct misc_cg *cg)
{
	return false;
}
#endif

#endif /* _MM_KEYID_KEYID_H */
