/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_UNMAPPED_UNMAPPED_H
#define _MM_UNMAPPED_UNMAPPED_H

/*
 * What the files of the cache know of each other. Each calls only those above
 * it here; they meet in the node.
 */

#include <linux/atomic.h>
#include <linux/cpuset.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/page_owner.h>
#include <linux/page_keyid.h>
#include <linux/percpu_counter.h>
#include <linux/spinlock.h>
#include <linux/unmapped_alloc.h>
#include <linux/workqueue.h>

#include "block.h"

/**
 * struct unmapped_node - the blocks of a node
 * @lock: Protects the blocks, the lists and the counters. Taken with
 *	interrupts off: pages are freed in any context. Nothing is allocated,
 *	mapped, cleared or flushed under it; the lock of the index nests inside.
 * @buckets: Whole blocks by number of free pages, see UNMAPPED_NR_BUCKETS.
 * @nr_blocks: Blocks in each bucket.
 * @filled: A bit for each bucket that is not empty.
 * @leaving: Split blocks with free pages, which are on their way back.
 * @last: The split block that pages were added to last.
 * @nr_pages: Pages outside the direct map.
 * @nr_free: Of these, pages that nobody uses and that are in no front.
 * @nr_leaving: Free pages of the blocks in @leaving.
 * @refill_lock: One task at a time refills, so that all who found the node
 *	empty share its block. Protects @miss_wait. Callers that must not enter
 *	a file system, or start I/O, wait for it too: so what its holder
 *	allocates never reclaims, not for the block, its descriptor nor a page
 *	table. @lock nests inside.
 * @miss_wait: Refills that do without a PMD-sized page before the next attempt
 *	at one.
 * @return_work: Returns memory where the free itself may not.
 * @nid: The node.
 */
struct unmapped_node {
	spinlock_t lock;	/* counters, buckets, blocks */
	struct list_head buckets[UNMAPPED_NR_BUCKETS];
	unsigned long nr_blocks[UNMAPPED_NR_BUCKETS];
	unsigned long filled;
	struct list_head leaving;
	struct unmapped_block *last;
	unsigned long nr_pages;
	unsigned long nr_free;
	unsigned long nr_leaving;

	struct mutex refill_lock;	/* one refill at a time */
	unsigned int miss_wait;

	struct delayed_work return_work;
	int nid;
};

/**
 * struct unmapped_request - an allocation on its way
 * @gfp: The caller's flags.
 * @order: The caller's order.
 * @owner: Who asks.
 * @nid: Where to look first.
 * @policy: The task's memory policy rules, @nid was taken from it.
 */
struct unmapped_request {
	gfp_t gfp;
	unsigned int order;
	struct unmapped_owner *owner;
	int nid;
	bool policy;
};

#ifdef CONFIG_NUMA
/* Where the task's memory policy wants its next page */
static inline int unmapped_policy_node(void)
{
	return mempolicy_slab_node();
}

static inline bool unmapped_has_policy(void)
{
	return current->mempolicy;
}
#else
static inline int unmapped_policy_node(void)
{
	return numa_mem_id();
}

static inline bool unmapped_has_policy(void)
{
	return false;
}
#endif

/* Pages that a CPU counts before it takes the lock of an owner's counter. */
#define UNMAPPED_COUNT_BATCH	128

#ifdef CONFIG_SMP
static inline bool unmapped_count_below(struct percpu_counter *count, s64 nr,
					s64 limit)
{
	return __percpu_counter_limited_add(count, limit, nr,
					    UNMAPPED_COUNT_BATCH);
}

/* percpu_counter_add_batch(), but for the call that it nearly always is */
static __always_inline void unmapped_count(struct percpu_counter *count,
					   s32 nr)
{
	s32 here = this_cpu_read(*count->counters);

	if (likely(abs(here + nr) < UNMAPPED_COUNT_BATCH &&
		   this_cpu_try_cmpxchg(*count->counters, &here, here + nr)))
		return;
	percpu_counter_add_batch(count, nr, UNMAPPED_COUNT_BATCH);
}
#else
static inline bool unmapped_count_below(struct percpu_counter *count, s64 nr,
					s64 limit)
{
	return percpu_counter_limited_add(count, limit, nr);
}

static inline void unmapped_count(struct percpu_counter *count, s32 nr)
{
	percpu_counter_add(count, nr);
}
#endif

extern struct unmapped_node *unmapped_nodes[MAX_NUMNODES];
extern unsigned long unmapped_max_kbytes;

static inline struct page *unmapped_page(const struct unmapped_page *p)
{
	return pfn_to_page(p->block->pfn + p->idx);
}

static inline bool unmapped_poisoned(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (unlikely(PageHWPoison(page + i)))
			return true;
	return false;
}

/* Asked without the lock by those who have none to wait for. */
static inline bool unmapped_node_has_pages(const struct unmapped_node *node)
{
	return READ_ONCE(node->filled) & ~BIT(0);
}

/* May the task's cpuset take memory of this node? Any zone stands for it. */
static inline bool unmapped_node_allowed(int nid, gfp_t gfp)
{
	return cpuset_zone_allowed(NODE_DATA(nid)->node_zones, gfp);
}

static inline bool unmapped_wants_zero(const struct unmapped_request *req)
{
	return (req->gfp & __GFP_ZERO) ||
	       (req->owner->flags & UNMAPPED_OWNER_ZERO);
}

/* owner.c */
bool unmapped_owner_charge(struct unmapped_owner *owner, unsigned int nr);
void unmapped_owner_uncharge(struct unmapped_owner *owner, unsigned int nr);
struct unmapped_owner *unmapped_owner_next(unsigned int *id);

#define UNMAPPED_OWNER_LEAF	256	/* of 65536 in the table */

/*
 * Identifiers of owners that share their pages with the kernel have this bit:
 * kmap asks of each page that it maps, and need not look for the owner.
 */
#define UNMAPPED_ID_KMAP	BIT(15)

extern struct unmapped_owner **unmapped_owners[UNMAPPED_OWNER_LEAF];

/**
 * unmapped_owner_by_id() - Find an owner
 * @id: Identifier, as in the descriptor of a block.
 *
 * Context: Under RCU, or while the owner has a page.
 * Return: The owner, or NULL.
 */
static inline struct unmapped_owner *unmapped_owner_by_id(u16 id)
{
	struct unmapped_owner **leaf;

	leaf = READ_ONCE(unmapped_owners[id / UNMAPPED_OWNER_LEAF]);
	return leaf ? READ_ONCE(leaf[id % UNMAPPED_OWNER_LEAF]) : NULL;
}

/* index.c */
#define UNMAPPED_LEAF_SHIFT	14	/* 128 KiB of pointers for 32 GiB */
#define UNMAPPED_LEAF_BLOCKS	BIT(UNMAPPED_LEAF_SHIFT)
#define UNMAPPED_LEAVES		BIT(MAX_PHYSMEM_BITS - PAGE_SHIFT - \
				    UNMAPPED_BLOCK_ORDER - UNMAPPED_LEAF_SHIFT)
extern struct unmapped_block ***unmapped_index;

/**
 * unmapped_block_of() - Find the block of a page
 * @page: A page that the caller has a reference to, or that is being freed;
 *	any other under RCU or the node's lock.
 *
 * Return: The block, or NULL if there is none.
 */
static inline struct unmapped_block *unmapped_block_of(const struct page *page)
{
	unsigned long nr = page_to_pfn(page) >> UNMAPPED_BLOCK_ORDER;
	struct unmapped_block ***root, **leaf;

	root = READ_ONCE(unmapped_index);
	if (unlikely(!root))
		return NULL;
	leaf = READ_ONCE(root[nr >> UNMAPPED_LEAF_SHIFT]);
	return leaf ? READ_ONCE(leaf[nr % UNMAPPED_LEAF_BLOCKS]) : NULL;
}

struct unmapped_block *unmapped_index_add(struct page *page, bool split,
					  gfp_t gfp);
void unmapped_index_remove(struct unmapped_block *block);
void unmapped_index_for_each(void (*fn)(struct unmapped_block *block));
int unmapped_index_init(void);

/* node.c */
int unmapped_node_init(int nid, work_func_t return_fn);
bool unmapped_node_take(struct unmapped_node *node, unsigned int order,
			struct unmapped_page *p);
unsigned int unmapped_node_take_some(struct unmapped_node *node,
				     struct unmapped_page *pages,
				     unsigned int nr);
unsigned int unmapped_node_take_keyed(struct unmapped_node *node, u16 keyid,
				      struct unmapped_page *pages,
				      unsigned int nr);
void unmapped_node_put(const struct unmapped_page *p, unsigned int order);
void unmapped_node_put_some(struct unmapped_node *node,
			    const struct unmapped_page *pages,
			    unsigned int nr);
bool unmapped_node_add(struct unmapped_block *block, unsigned int order,
		       struct unmapped_page *p);
struct unmapped_block *unmapped_node_add_pages(struct page *page,
					       unsigned int order, gfp_t gfp);
void unmapped_node_drop_pages(struct unmapped_block *block, unsigned int nr);
struct unmapped_block *unmapped_node_pop_empty(struct unmapped_node *node,
					       unsigned long keep);
void unmapped_node_push(struct unmapped_block *block);
struct unmapped_block *unmapped_node_pop_leaving(struct unmapped_node *node,
						 unsigned long *pages);
void unmapped_node_push_leaving(struct unmapped_block *block,
				const unsigned long *left, unsigned int back);
bool unmapped_node_split_sparse(struct unmapped_node *node);
bool unmapped_node_pick_sparse(struct unmapped_node *node, unsigned int failed,
			       unsigned long *pfn, unsigned long *used);
void unmapped_node_split_poisoned(struct page *page);
void unmapped_node_forget(struct page *page);
void unmapped_node_heal(const struct unmapped_page *p);
bool unmapped_node_excess(struct unmapped_node *node);

/* front.c */
bool unmapped_front_pop(struct unmapped_node *node, u16 keyid,
			struct unmapped_page *p);
bool unmapped_front_push(const struct unmapped_page *p);
unsigned long unmapped_front_pages(int nid);
void unmapped_front_drain(int nid);
int unmapped_front_init(void);

/* key.c */
#ifdef CONFIG_PAGE_KEYID
bool unmapped_key_switch(const struct unmapped_page *p, unsigned int nr,
			 u16 keyid);
void unmapped_key_lost(struct unmapped_block *block, unsigned int idx);
void unmapped_key_forget_all(void);
unsigned long unmapped_key_total(void);

static inline pgprot_t unmapped_prot(const struct page *page)
{
	return page_keyid_prot(page, PAGE_KERNEL);
}

static inline u16 unmapped_key_of(const struct unmapped_page *p)
{
	return READ_ONCE(p->block->key[p->idx]);
}
#else
static inline bool unmapped_key_switch(const struct unmapped_page *p,
				       unsigned int nr, u16 keyid)
{
	return true;
}

static inline void unmapped_key_lost(struct unmapped_block *block,
				     unsigned int idx)
{
}

static inline void unmapped_key_forget_all(void)
{
}

static inline unsigned long unmapped_key_total(void)
{
	return 0;
}

static inline pgprot_t unmapped_prot(const struct page *page)
{
	return PAGE_KERNEL;
}

static inline u16 unmapped_key_of(const struct unmapped_page *p)
{
	return 0;
}
#endif

/* As others do who were never asked which key they want. */
static __always_inline bool unmapped_key_drop(const struct unmapped_page *p,
					      unsigned int nr)
{
	return !page_keyid_active() || unmapped_key_switch(p, nr, 0);
}

/* directmap.c */
int unmapped_remove(struct page *page, unsigned int nr, gfp_t gfp);
int unmapped_restore(struct page *page, unsigned int nr);
bool unmapped_clear_pages(struct page *page, unsigned int nr);
bool unmapped_remove_repaired(struct page *page, unsigned int nr);
bool unmapped_freeze_tails(struct page *page, unsigned int nr);
void unmapped_unfreeze_tails(struct page *page, unsigned int nr);

/* page.c */
void unmapped_forget_dirty(const struct unmapped_page *p, unsigned int nr);
bool unmapped_clear_dirty(const struct unmapped_page *p, unsigned int nr);
struct page *unmapped_take(struct unmapped_node *node,
			   const struct unmapped_request *req);
struct page *unmapped_publish(struct unmapped_block *block,
			      const struct unmapped_request *req);
struct page *unmapped_publish_pages(struct unmapped_block *block,
				    struct page *page,
				    const struct unmapped_request *req);
struct unmapped_owner *unmapped_owner_of(const struct page *page);
void unmapped_page_init(void);

/* refill.c */
struct page *unmapped_take_elsewhere(const struct unmapped_request *req);
struct page *unmapped_refill(const struct unmapped_request *req);
struct page *unmapped_refill_below(const struct unmapped_request *req,
				   unsigned long last_pfn);

/* mapping.c */
bool unmapped_folio_movable(const struct folio *folio);

/* compact.c */
#ifdef CONFIG_MIGRATION
unsigned long unmapped_compact(struct unmapped_node *node, unsigned long nr);
#else
static inline unsigned long unmapped_compact(struct unmapped_node *node,
					     unsigned long nr)
{
	return 0;
}
#endif

/* reclaim.c */
unsigned long unmapped_return(struct unmapped_node *node, unsigned long keep,
			      unsigned long nr);
unsigned long unmapped_return_sparse(struct unmapped_node *node,
				     unsigned long nr);
void unmapped_return_work(struct work_struct *work);
unsigned long unmapped_drain(void);
unsigned long unmapped_drain_patiently(void);
int unmapped_reclaim_init(void);

/* hibernate.c */
void unmapped_hibernate_init(void);

/* stats.c */
unsigned long unmapped_total_pages(void);
unsigned long unmapped_total_free(void);
unsigned long unmapped_total_used(void);

/*
 * Tell page_owner that pages change hands. The new owner has them as one; those
 * before came and went page by page, and page_owner counts the pages of each.
 * It may need memory for a new stack: not by reclaim, for the refill lock may
 * be held.
 */
static inline void unmapped_change_page_owner(struct page *page,
					      unsigned int order, gfp_t gfp)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		reset_page_owner(page + i, 0);
	set_page_owner(page, order, gfp & ~__GFP_DIRECT_RECLAIM);
}

#if IS_ENABLED(CONFIG_KUNIT)
/* Static, but for the tests that replace or call them */
int unmapped_pm_notify(struct notifier_block *nb, unsigned long action,
		       void *arg);
int unmapped_memory_notify(struct notifier_block *nb, unsigned long action,
			   void *arg);
int unmapped_syscore_suspend(void *data);
int unmapped_set_valid(struct page *page, unsigned int nr, bool valid,
		       gfp_t gfp);
struct page *unmapped_alloc_pages(const struct unmapped_request *req, gfp_t gfp,
				  unsigned int order);
void unmapped_front_trim(struct work_struct *work);
#endif

#endif /* _MM_UNMAPPED_UNMAPPED_H */
