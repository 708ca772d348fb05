// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a key.
 *
 * A key is used by files and VMAs, which can get pages of it, and by pages.
 * The first are counted here. When none is left there will be no new page, and
 * the owner object, which counts the pages, is let go. When its last page is
 * back in the cache, free pages that remember the key forget it. Only then can
 * the KeyID stand for another key.
 *
 *   users	last one gone	 pages	last one back	   free pages
 *   create ------------------> retire_users ------------> retire_id --> reuse
 */

#define pr_fmt(fmt) "keyid: " fmt

#include <linux/export.h>
#include <linux/idr.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "keyid.h"

DEFINE_STATIC_KEY_FALSE(page_keyid_key);
EXPORT_SYMBOL(page_keyid_key);

/* Serialises the start */
static DEFINE_MUTEX(page_key_lock);

/* KeyIDs that are not free; the last step of retirement takes them out. */
static DEFINE_IDA(page_key_ids);

/* By KeyID. Set while the key has a user or a page. */
static struct page_key **page_keys __read_mostly;

/* How long pages that are on their way somewhere are waited for. */
#define RETIRE_RETRY	max(HZ / 50, 1)

/**
 * page_key_by_id() - Find a key
 * @keyid: KeyID of which the caller has a user or a page.
 *
 * Return: The key.
 */
struct page_key *page_key_by_id(u16 keyid)
{
	return READ_ONCE(page_keys[keyid]);
}

/*
 * KeyIDs, of which there are few.
 */

/**
 * page_key_limited() - Ask whether somebody has limited the keys of this task
 *
 * Return: true if its misc cgroup, or one above that, has a limit.
 */
bool page_key_limited(void)
{
	struct misc_cg *cg = get_current_misc_cg();
	bool limited = page_key_has_limit(cg);

	put_misc_cg(cg);
	return limited;
}

/* No KeyID is not the same as none for this cgroup: so the KeyID comes first. */
static int take_id(struct page_key *key)
{
	int id = ida_alloc_range(&page_key_ids, 1, arch_keyid_max(),
				 GFP_KERNEL);

	if (id < 0)
		return id;
	key->id = id;
	key->cg = get_current_misc_cg();
	if (misc_cg_try_charge(MISC_CG_RES_MEMKEY, key->cg, 1)) {
		put_misc_cg(key->cg);
		ida_free(&page_key_ids, id);
		return -EDQUOT;
	}
	return 0;
}

static void give_id_back(struct page_key *key)
{
	misc_cg_uncharge(MISC_CG_RES_MEMKEY, key->cg, 1);
	put_misc_cg(key->cg);
	ida_free(&page_key_ids, key->id);
}

/*
 * The end.
 */

static void retire_id(struct work_struct *work)
{
	struct page_key *key = container_of(to_delayed_work(work),
					    struct page_key, retire_id);

	if (unmapped_key_forget(key->id)) {
		schedule_delayed_work(&key->retire_id, RETIRE_RETRY);
		return;
	}
	arch_keyid_clear(key->id);
	give_id_back(key);
	kfree(key);
}

/* The last page is back. From an RCU callback. */
static void owner_released(struct unmapped_owner *owner)
{
	struct page_key *key = page_key_by_id(owner->keyid);

	WRITE_ONCE(page_keys[owner->keyid], NULL);
	schedule_delayed_work(&key->retire_id, 0);
}

static void retire_users(struct work_struct *work)
{
	struct page_key *key = container_of(work, struct page_key,
					    retire_users);

	percpu_ref_exit(&key->users);
	/* The key may be gone with this */
	unmapped_owner_destroy(key->owner);
}

static void users_released(struct percpu_ref *ref)
{
	struct page_key *key = container_of(ref, struct page_key, users);

	schedule_work(&key->retire_users);
}

/**
 * page_key_put() - Let go of a key
 * @key: The key, from page_key_create().
 *
 * VMAs and pages of it stay as they are.
 */
void page_key_put(struct page_key *key)
{
	percpu_ref_kill(&key->users);
}

/*
 * The beginning.
 */

static int start(void)
{
	unsigned int max = arch_keyid_max();
	int err = -ENOMEM;

	if (!max || !unmapped_alloc_start())
		return -EOPNOTSUPP;

	mutex_lock(&page_key_lock);
	if (!page_keys)
		page_keys = kvcalloc(max + 1, sizeof(*page_keys), GFP_KERNEL);
	if (page_keys && unmapped_key_start(max) &&
	    !misc_cg_set_capacity(MISC_CG_RES_MEMKEY, max)) {
		static_branch_enable(&page_keyid_key);
		err = 0;
	}
	mutex_unlock(&page_key_lock);

	return err;
}

static int make_owner(struct page_key *key)
{
	char name[16];

	snprintf(name, sizeof(name), "key-%u", key->id);
	key->owner = unmapped_owner_create(name, UNMAPPED_OWNER_KMAP |
						 UNMAPPED_OWNER_KEYED);
	if (!key->owner)
		return -ENOMEM;
	key->owner->keyid = key->id;
	key->owner->release = owner_released;
	return 0;
}

/* Program first: what fails after that leaves a key that nobody has. */
static int make_key(struct page_key *key)
{
	int err = arch_keyid_program(key->id);

	if (err)
		return err;
	err = percpu_ref_init(&key->users, users_released, 0, GFP_KERNEL);
	if (err)
		goto clear;
	err = make_owner(key);
	if (err)
		goto exit_ref;
	return 0;

exit_ref:
	percpu_ref_exit(&key->users);
clear:
	arch_keyid_clear(key->id);
	return err;
}

/**
 * page_key_create() - Get a key that nobody has
 *
 * Context: Process context, may sleep; no mmap_lock held.
 * Return: The key, with a reference for page_key_put(); -EOPNOTSUPP if the
 * machine has none, -ENOSPC if all are in use, -EDQUOT if the limit of the misc
 * cgroup is reached, -ENOMEM, or what the machine says.
 */
struct page_key *page_key_create(void)
{
	struct page_key *key;
	int err = start();

	if (err)
		return ERR_PTR(err);
	key = kzalloc(sizeof(*key), GFP_KERNEL);
	if (!key)
		return ERR_PTR(-ENOMEM);
	err = take_id(key);
	if (err)
		goto free_key;

	INIT_WORK(&key->retire_users, retire_users);
	INIT_DELAYED_WORK(&key->retire_id, retire_id);
	err = make_key(key);
	if (err)
		goto free_id;
	WRITE_ONCE(page_keys[key->id], key);
	return key;

free_id:
	give_id_back(key);
free_key:
	kfree(key);
	return ERR_PTR(err);
}

/* The last page of an owner is back that had a name of its own. */
static void user_released(struct unmapped_owner *owner)
{
	keyid_drop(owner->keyid);
}

/**
 * page_key_owner_create() - Make an owner of pages of a key
 * @key: The key, of which the caller is a user.
 * @name: For statistics; copied.
 *
 * For pages that the kernel is not to map. The owner is a user of the key until
 * its last page is back; unmapped_owner_destroy() lets it go.
 *
 * Context: Process context, may sleep.
 * Return: The owner, or NULL without memory.
 */
struct unmapped_owner *page_key_owner_create(struct page_key *key,
					     const char *name)
{
	struct unmapped_owner *owner;

	owner = unmapped_owner_create(name, UNMAPPED_OWNER_KEYED);
	if (!owner)
		return NULL;
	percpu_ref_get(&key->users);
	owner->keyid = key->id;
	owner->release = user_released;
	return owner;
}

/**
 * page_key_pages() - Count the pages of a key
 * @key: The key.
 *
 * Return: How many are in use by mappings. Owners of page_key_owner_create()
 * count their own.
 */
unsigned long page_key_pages(struct page_key *key)
{
	return unmapped_owner_pages(key->owner);
}

/**
 * page_key_id() - Name a key
 * @key: The key.
 *
 * Return: Its KeyID.
 */
u16 page_key_id(const struct page_key *key)
{
	return key->id;
}
