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

#include <linux/idr.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/sysctl.h>
#include <linux/vmstat.h>

#include "unmapped.h"

/* By identifier, in leaves that stay. Read under RCU with each free. */
struct unmapped_owner **unmapped_owners[UNMAPPED_OWNER_LEAF];

static DEFINE_IDA(unmapped_owner_ids);

/* Serialises those who fill the table */
static DEFINE_MUTEX(unmapped_owner_lock);

/* Serialises those who find that an owner's last page is back */
static DEFINE_SPINLOCK(unmapped_reap_lock);

/* Cap on the pages of all owners together, 0 for none. */
unsigned long unmapped_max_kbytes;

/*
 * Counting.
 */

static bool charge_owner(struct unmapped_owner *owner, unsigned int nr)
{
	unsigned long max_kbytes = READ_ONCE(owner->max_kbytes);

	if (unlikely(max_kbytes))
		return unmapped_count_below(&owner->used, nr,
					    max_kbytes >> (PAGE_SHIFT - 10));
	unmapped_count(&owner->used, nr);
	return true;
}

static void uncharge_owner(struct unmapped_owner *owner, unsigned int nr)
{
	unmapped_count(&owner->used, -(s32)nr);
}

/* Allocations at the same time may all find room for the last page. */
static bool below_total(unsigned int nr)
{
	unsigned long max_kbytes = READ_ONCE(unmapped_max_kbytes);

	return likely(!max_kbytes) ||
	       unmapped_total_used() + nr <= max_kbytes >> (PAGE_SHIFT - 10);
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
	bool charged;

	/*
	 * The pages of one that dies only get fewer: who adds up what the CPUs
	 * have counted may rely on it. Pairs as in unmapped_owner_uncharge().
	 */
	rcu_read_lock();
	charged = likely(!READ_ONCE(owner->dying) && below_total(nr) &&
			 charge_owner(owner, nr));
	rcu_read_unlock();
	if (unlikely(!charged))
		count_vm_event(UNMAPPED_CAPPED);
	return charged;
}

static struct unmapped_owner **slot_of(u16 id)
{
	return &unmapped_owners[id / UNMAPPED_OWNER_LEAF]
			       [id % UNMAPPED_OWNER_LEAF];
}

static void free_owner(struct rcu_head *rcu)
{
	struct unmapped_owner *owner = container_of(rcu, typeof(*owner), rcu);

	if (owner->release)
		owner->release(owner);
	percpu_counter_destroy(&owner->used);
	kfree(owner->name);
	kfree(owner);
}

/* Several may find that no page is left. The first is the one. */
static void reap_owner(struct unmapped_owner *owner)
{
	unsigned long flags;

	/*
	 * Who comes back at the same time, and who destroys the owner, see this
	 * page, or this sees theirs.
	 */
	smp_mb();
	/* Adds up what the CPUs have counted only where few can be left */
	if (!READ_ONCE(owner->abandoned) ||
	    __percpu_counter_compare(&owner->used, 0, UNMAPPED_COUNT_BATCH) > 0)
		return;
	spin_lock_irqsave(&unmapped_reap_lock, flags);
	if (owner->id) {
		*slot_of(owner->id) = NULL;
		ida_free(&unmapped_owner_ids, owner->id);
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
	uncharge_owner(owner, nr);
	if (unlikely(READ_ONCE(owner->dying)))
		reap_owner(owner);
	rcu_read_unlock();
}

/**
 * unmapped_owner_next() - Walk over all owners
 * @id: Where to begin, 0 for all; set for the next call.
 *
 * Context: Under RCU.
 * Return: An owner, or NULL after the last.
 */
struct unmapped_owner *unmapped_owner_next(unsigned int *id)
{
	struct unmapped_owner *owner = NULL;

	while (!owner && *id <= U16_MAX)
		owner = unmapped_owner_by_id((*id)++);
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

static struct unmapped_owner **get_leaf(u16 id)
{
	struct unmapped_owner ***leaf = &unmapped_owners[id /
							 UNMAPPED_OWNER_LEAF];

	lockdep_assert_held(&unmapped_owner_lock);

	if (!*leaf)
		WRITE_ONCE(*leaf, kcalloc(UNMAPPED_OWNER_LEAF, sizeof(**leaf),
					  GFP_KERNEL));
	return *leaf;
}

/* Gives it an identifier. Nobody has it yet, so nobody looks for it. */
static int enter_owner(struct unmapped_owner *owner)
{
	bool shares = owner->flags & UNMAPPED_OWNER_KMAP;
	int id, err = -ENOMEM;

	id = ida_alloc_range(&unmapped_owner_ids,
			     shares ? UNMAPPED_ID_KMAP : UNMAPPED_NO_OWNER + 1,
			     shares ? U16_MAX : UNMAPPED_ID_KMAP - 1,
			     GFP_KERNEL);
	if (id < 0)
		return id;
	mutex_lock(&unmapped_owner_lock);
	if (get_leaf(id)) {
		owner->id = id;
		/* Pairs with the dependency in unmapped_owner_by_id() */
		smp_store_release(slot_of(id), owner);
		err = 0;
	}
	mutex_unlock(&unmapped_owner_lock);

	if (err)
		ida_free(&unmapped_owner_ids, id);
	return err;
}

struct unmapped_owner *unmapped_owner_create(const char *name,
					     unsigned int flags)
{
	struct unmapped_owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL);

	if (!owner)
		return NULL;
	owner->flags = flags;
	owner->name = kstrdup(name, GFP_KERNEL);
	if (!owner->name || percpu_counter_init(&owner->used, 0, GFP_KERNEL))
		goto free_name;
	if (enter_owner(owner))
		goto destroy_counter;
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
EXPORT_SYMBOL_GPL(unmapped_owner_create);

void unmapped_owner_destroy(struct unmapped_owner *owner)
{
	if (!owner || WARN_ON_ONCE(owner->flags & UNMAPPED_OWNER_SYSCTL))
		return;
	WRITE_ONCE(owner->dying, true);
	/* A free has been counted, or it will see that the owner is dying */
	synchronize_rcu();
	rcu_read_lock();
	WRITE_ONCE(owner->abandoned, true);	/* smp_mb() in reap_owner() */
	reap_owner(owner);
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(unmapped_owner_destroy);

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
