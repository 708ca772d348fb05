// SPDX-License-Identifier: GPL-2.0
/*
 * Who uses pages of the cache.
 *
 * A page has the identifier of its owner in the block's descriptor; this table
 * leads from there to the object. Pages may outlive the interest of those who
 * made the owner: the object stays until the last page has come back, and
 * nobody has to wait for that.
 *
 * Pages are counted on each CPU, and all CPUs are asked only near a cap.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/sysctl.h>
#include <linux/vmstat.h>
#include <linux/xarray.h>

#include "unmapped.h"

static DEFINE_XARRAY_FLAGS(unmapped_owners,
			   XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_IRQ);

/* Serialises those who find that an owner's last page is back */
static DEFINE_SPINLOCK(unmapped_reap_lock);

/* Pages of all owners */
static struct percpu_counter unmapped_used;

/* Cap on the pages of all owners together, 0 for none. */
unsigned long unmapped_max_kbytes;

/*
 * Counting.
 */

static bool charge(struct percpu_counter *used, unsigned long max_kbytes,
		   unsigned int nr)
{
	if (unlikely(max_kbytes))
		return unmapped_count_below(used, nr,
					    max_kbytes >> (PAGE_SHIFT - 10));
	percpu_counter_add_batch(used, nr, UNMAPPED_COUNT_BATCH);
	return true;
}

static void uncharge(struct percpu_counter *used, unsigned int nr)
{
	percpu_counter_add_batch(used, -(s64)nr, UNMAPPED_COUNT_BATCH);
}

/**
 * unmapped_owner_charge() - Count pages that an owner is about to get
 * @owner: The owner.
 * @nr: How many.
 *
 * Return: false if a cap forbids it.
 */
bool unmapped_owner_charge(struct unmapped_owner *owner, unsigned int nr)
{
	if (!charge(&owner->used, READ_ONCE(owner->max_kbytes), nr))
		goto capped;
	if (likely(charge(&unmapped_used, READ_ONCE(unmapped_max_kbytes), nr)))
		return true;
	uncharge(&owner->used, nr);
capped:
	count_vm_event(UNMAPPED_CAPPED);
	return false;
}

static void free_owner(struct rcu_head *rcu)
{
	struct unmapped_owner *owner = container_of(rcu, typeof(*owner), rcu);

	percpu_counter_destroy(&owner->used);
	kfree(owner->name);
	kfree(owner);
}

/* Whoever finds that no page is left, under the lock, is the only one. */
static void reap_owner(struct unmapped_owner *owner)
{
	unsigned long flags;

	spin_lock_irqsave(&unmapped_reap_lock, flags);
	if (owner->abandoned && owner->id &&
	    !percpu_counter_sum(&owner->used)) {
		xa_erase(&unmapped_owners, owner->id);
		owner->id = UNMAPPED_NO_OWNER;
		call_rcu(&owner->rcu, free_owner);
	}
	spin_unlock_irqrestore(&unmapped_reap_lock, flags);
}

/**
 * unmapped_owner_uncharge() - Count pages that have come back
 * @owner: The owner, which may be gone after this.
 * @nr: How many.
 *
 * Context: Any but NMI.
 */
void unmapped_owner_uncharge(struct unmapped_owner *owner, unsigned int nr)
{
	/* Pairs with synchronize_rcu() in unmapped_owner_destroy() */
	rcu_read_lock();
	uncharge(&unmapped_used, nr);
	uncharge(&owner->used, nr);
	if (unlikely(READ_ONCE(owner->dying)))
		reap_owner(owner);
	rcu_read_unlock();
}

unsigned long unmapped_total_used(void)
{
	return percpu_counter_sum_positive(&unmapped_used);
}

/**
 * unmapped_owner_by_id() - Find an owner
 * @id: Identifier, as in the descriptor of a block.
 *
 * Context: Under RCU, or while the owner has a page.
 * Return: The owner, or NULL.
 */
struct unmapped_owner *unmapped_owner_by_id(u16 id)
{
	return xa_load(&unmapped_owners, id);
}

/**
 * unmapped_owner_next() - Walk over all owners
 * @id: Where to begin, 0 for all; set for the next call.
 *
 * Context: Under RCU.
 * Return: An owner, or NULL after the last.
 */
struct unmapped_owner *unmapped_owner_next(unsigned long *id)
{
	struct unmapped_owner *owner;

	owner = xa_find(&unmapped_owners, id, ULONG_MAX, XA_PRESENT);
	++*id;
	return owner;
}

/*
 * Owners come and go: linux/unmapped_alloc.h describes it.
 */

static void register_cap(struct unmapped_owner *owner)
{
	struct ctl_table *table = kzalloc(sizeof(*table), GFP_KERNEL);

	if (!table)
		return;
	table->procname = kasprintf(GFP_KERNEL, "unmapped_%s_max_kbytes",
				    owner->name);
	table->data = &owner->max_kbytes;
	table->maxlen = sizeof(owner->max_kbytes);
	table->mode = 0644;
	table->proc_handler = proc_doulongvec_minmax;
	if (table->procname && register_sysctl_sz("vm", table, 1))
		return;	/* for as long as the kernel runs */
	kfree(table->procname);
	kfree(table);
}

struct unmapped_owner *unmapped_owner_create(const char *name,
					     unsigned int flags)
{
	struct unmapped_owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL);
	u32 id;

	if (!owner)
		return NULL;
	owner->flags = flags;
	owner->name = kstrdup(name, GFP_KERNEL);
	if (!owner->name || percpu_counter_init(&owner->used, 0, GFP_KERNEL))
		goto free_name;
	if (xa_alloc_irq(&unmapped_owners, &id, owner, XA_LIMIT(1, U16_MAX),
			 GFP_KERNEL))
		goto destroy_counter;
	owner->id = id;
	if (flags & UNMAPPED_OWNER_SYSCTL)
		register_cap(owner);
	return owner;

destroy_counter:
	percpu_counter_destroy(&owner->used);
free_name:
	kfree(owner->name);
	kfree(owner);
	return NULL;
}

void unmapped_owner_destroy(struct unmapped_owner *owner)
{
	if (!owner || WARN_ON_ONCE(owner->flags & UNMAPPED_OWNER_SYSCTL))
		return;
	WRITE_ONCE(owner->dying, true);
	/* A free has been counted, or it will see that the owner is dying */
	synchronize_rcu();
	rcu_read_lock();
	WRITE_ONCE(owner->abandoned, true);
	reap_owner(owner);
	rcu_read_unlock();
}

unsigned long unmapped_owner_pages(struct unmapped_owner *owner)
{
	return percpu_counter_sum_positive(&owner->used);
}

unsigned long unmapped_owner_drain(struct unmapped_owner *owner)
{
	/* Pages that nobody uses any more wait there to be freed */
	if (unmapped_owner_pages(owner))
		lru_add_drain_all();
	return unmapped_owner_pages(owner);
}

int __init unmapped_owner_init(void)
{
	return percpu_counter_init(&unmapped_used, 0, GFP_KERNEL);
}
