/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_KEYID_KEYID_H
#define _MM_KEYID_KEYID_H

#include <linux/page_keyid.h>
#include <linux/percpu-refcount.h>
#include <linux/unmapped_alloc.h>
#include <linux/workqueue.h>

/**
 * struct page_key - a key that somebody has
 * @id: Its KeyID.
 * @users: Files and VMAs. Those who can allocate.
 * @owner: Who has the pages, for the cache.
 * @retire_users: To do when no user is left.
 * @retire_id: To do when no page is left.
 */
struct page_key {
	u16 id;
	struct percpu_ref users;
	struct unmapped_owner *owner;
	struct work_struct retire_users;
	struct delayed_work retire_id;
};

struct page_key *page_key_by_id(u16 keyid);

#endif /* _MM_KEYID_KEYID_H */
