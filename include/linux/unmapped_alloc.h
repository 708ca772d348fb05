/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_UNMAPPED_ALLOC_H
#define _LINUX_UNMAPPED_ALLOC_H

/*
 * Pages outside the kernel's direct map, from a cache of 2M blocks.
 *
 * Removing a page from the direct map costs a TLB flush on every CPU and
 * often a split of a large leaf. This cache removes 2M at a time, as one
 * leaf with one flush, and hands out the pages one by one.
 * Documentation/mm/unmapped_alloc.rst tells how it works.
 */

#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/percpu_counter.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct address_space;
struct folio;
struct mempolicy;
struct page;
struct seq_file;

/* The kernel may map the pages with kmap_local_page(), devices reach them. */
#define UNMAPPED_OWNER_KMAP	BIT(0)
/* Pages are handed out zeroed, asked for with __GFP_ZERO or not. */
#define UNMAPPED_OWNER_ZERO	BIT(1)
/* The cap is /proc/sys/vm/unmapped_NAME_max_kbytes. Never destroyed. */
#define UNMAPPED_OWNER_SYSCTL	BIT(2)
/* The pages get a key, from unmapped_pages_set_key(), before they are used. */
#define UNMAPPED_OWNER_KEYED	BIT(3)
/* Hibernation may write the pages to its image, where others prevent it. */
#define UNMAPPED_OWNER_IMAGE	BIT(4)

/**
 * struct unmapped_owner - who uses pages of the cache
 * @name: For statistics.
 * @flags: UNMAPPED_OWNER_*.
 * @max_kbytes: Cap on the owner's pages, 0 for none. May be changed any time.
 * @keyid: With %UNMAPPED_OWNER_KEYED the key of all its pages. Set before the
 *	first allocation, as is @release.
 * @release: Called when the owner is destroyed and its last page is back, from
 *	an RCU callback; may be NULL.
 *
 * A subsystem has one, or one for each of its objects: a virtual machine, a
 * file, a key. Owners are cheap, and share blocks. Pages of one are never seen
 * by another with contents.
 */
struct unmapped_owner {
	const char *name;
	unsigned int flags;
	unsigned long max_kbytes;
	u16 keyid;
	void (*release)(struct unmapped_owner *owner);
	/* private: */
	u16 id;
	bool dying;
	bool abandoned;
	struct rcu_head rcu;
	/* Written with each page; all above is read with each page */
	struct percpu_counter used ____cacheline_aligned_in_smp;
};

#ifdef CONFIG_UNMAPPED_ALLOC

/**
 * unmapped_alloc_possible() - Ask whether the cache can be used
 *
 * For who tells user space what there is, before anybody wants it. Nothing is
 * started: the hooks stay off.
 *
 * Return: false if the cache is switched off, or this machine's direct map
 * cannot be changed.
 */
bool unmapped_alloc_possible(void);

/**
 * unmapped_alloc_start() - Ask whether the cache can be used, and start it
 *
 * A user calls this before its first allocation, for instance when a file is
 * created.
 *
 * Context: Process context, may sleep; no mmap_lock may be held.
 * Return: true if allocations may follow. false if the cache is switched off,
 * this machine's direct map cannot be changed, which the log explains, or
 * there is no memory for the slots.
 */
bool unmapped_alloc_start(void);

/**
 * unmapped_owner_create() - Make an owner
 * @name: For statistics; copied.
 * @flags: UNMAPPED_OWNER_*.
 *
 * Context: Process context, may sleep.
 * Return: The owner; NULL without memory, or when there are 65535.
 */
struct unmapped_owner *unmapped_owner_create(const char *name,
					     unsigned int flags);

/**
 * unmapped_owner_destroy() - Let an owner go
 * @owner: The owner, for which nobody allocates any more; or NULL.
 *
 * Pages that are still used keep what the cache has to know of it until the
 * last of them has come back.
 *
 * Context: Process context, may sleep.
 */
void unmapped_owner_destroy(struct unmapped_owner *owner);

/**
 * unmapped_owner_pages() - Count the pages of an owner
 * @owner: The owner.
 *
 * Return: How many it has.
 */
unsigned long unmapped_owner_pages(struct unmapped_owner *owner);

/**
 * unmapped_owner_drain() - Get back what nobody uses, and count the rest
 * @owner: The owner.
 *
 * The lists of the CPUs for the LRU keep pages after the last user's put. For
 * those who must know that no page is left, or who has one.
 *
 * Context: Process context, may sleep.
 * Return: Number of pages that somebody has.
 */
unsigned long unmapped_owner_drain(struct unmapped_owner *owner);

/**
 * unmapped_pages_alloc() - Allocate pages outside the direct map
 * @gfp: Allocation flags. Zone modifiers are not for the caller to choose and
 *	ignored, but for %__GFP_DMA and %__GFP_DMA32, which fail.
 *	%__GFP_ACCOUNT charges the pages to the current memcg. Without
 *	%__GFP_DIRECT_RECLAIM only pages that are in the cache can be had.
 *	%__GFP_NOFAIL is not supported.
 * @order: Allocate 1 << @order pages, %PMD_ORDER at most.
 * @owner: Who will use them.
 *
 * The task's memory policy and cpuset choose the node.
 *
 * Context: Any but NMI, as @gfp says.
 * Return: The first page, or NULL.
 */
struct page *unmapped_pages_alloc(gfp_t gfp, unsigned int order,
				  struct unmapped_owner *owner);

/**
 * unmapped_pages_alloc_node() - Allocate pages outside the direct map of a node
 * @gfp: As for unmapped_pages_alloc(). With %__GFP_THISNODE the pages come
 *	from @nid or not at all.
 * @order: As for unmapped_pages_alloc().
 * @owner: Who will use them.
 * @nid: The node to prefer, or %NUMA_NO_NODE for the nearest.
 *
 * Context: Any but NMI, as @gfp says.
 * Return: The first page, or NULL.
 */
struct page *unmapped_pages_alloc_node(gfp_t gfp, unsigned int order,
				       struct unmapped_owner *owner, int nid);

/**
 * unmapped_pages_alloc_below() - Allocate pages for those who reach only some
 * @gfp: As for unmapped_pages_alloc_node(), with %__GFP_DIRECT_RECLAIM.
 * @order: As for unmapped_pages_alloc().
 * @owner: Who will use them.
 * @nid: As for unmapped_pages_alloc_node().
 * @last_pfn: The last page that will do.
 *
 * For devices that do not reach all memory. The pages leave the direct map by
 * themselves, as without the cache: that splits a leaf of it, unless @order is
 * %PMD_ORDER, and flushes the TLBs.
 *
 * Context: Process context, may sleep.
 * Return: The first page; NULL if the zones that begin below the limit gave
 * none that ends there, or none could be taken out.
 */
struct page *unmapped_pages_alloc_below(gfp_t gfp, unsigned int order,
					struct unmapped_owner *owner, int nid,
					unsigned long last_pfn);

/**
 * unmapped_folio_alloc() - Allocate a folio outside the direct map
 * @gfp: As for unmapped_pages_alloc().
 * @order: As for unmapped_pages_alloc().
 * @owner: Who will use it.
 *
 * folio_put() frees it.
 *
 * Context: Any but NMI, as @gfp says.
 * Return: The folio, or NULL.
 */
struct folio *unmapped_folio_alloc(gfp_t gfp, unsigned int order,
				   struct unmapped_owner *owner);

/**
 * unmapped_mapping_start() - Keep the folios of a mapping outside the direct map
 * @mapping: The mapping, which has no folio yet. Its file system allocates with
 *	unmapped_mapping_alloc() from now on, and reaches contents through kmap.
 *
 * Context: Process context, may sleep; no mmap_lock held.
 * Return: 0, or -EOPNOTSUPP if this machine cannot, or was told not to.
 */
int unmapped_mapping_start(struct address_space *mapping);

/**
 * unmapped_mapping_alloc() - Allocate a folio for a mapping
 * @gfp: As for unmapped_pages_alloc().
 * @order: As for unmapped_pages_alloc().
 * @mpol: Memory policy of the mapping at this place.
 * @ilx: Index for interleaving.
 *
 * The mapping is one that unmapped_mapping_start() has marked.
 *
 * Context: As @gfp says.
 * Return: The folio, or NULL.
 */
struct folio *unmapped_mapping_alloc(gfp_t gfp, unsigned int order,
				     struct mempolicy *mpol, pgoff_t ilx);

/**
 * unmapped_mapping_error() - Say why a mapping got no folio
 * @mapping: Any mapping.
 *
 * Where the allocator could have called the OOM killer it has. So what stands in
 * the way is a cap, or a memory policy: to try again would be in vain.
 *
 * Return: -ENOSPC for a mapping outside the direct map, else -ENOMEM.
 */
#define unmapped_mapping_error(mapping) \
	(mapping_no_direct_map(mapping) ? -ENOSPC : -ENOMEM)

/**
 * unmapped_folio_alloc_like() - Allocate the folio that another one moves to
 * @src: A folio that is outside the direct map. The new one has its owner,
 *	and its key.
 * @gfp: As for unmapped_pages_alloc_node().
 * @nid: As for unmapped_pages_alloc_node().
 *
 * Context: As @gfp says.
 * Return: A folio of the same order, or NULL.
 */
struct folio *unmapped_folio_alloc_like(const struct folio *src, gfp_t gfp,
					int nid);

/**
 * unmapped_folio_alloc_policy() - unmapped_folio_alloc_like(), where a policy says
 * @src: A folio that is outside the direct map.
 * @gfp: As for unmapped_pages_alloc().
 * @mpol: The policy.
 * @ilx: Index for interleaving.
 *
 * Context: As @gfp says.
 * Return: As from unmapped_folio_alloc_like().
 */
struct folio *unmapped_folio_alloc_policy(const struct folio *src, gfp_t gfp,
					  struct mempolicy *mpol, pgoff_t ilx);

/**
 * unmapped_folio_may_move() - Ask whether contents may be copied
 * @dst: Where to.
 * @src: Where from, a folio outside the direct map.
 *
 * Return: true if both are of mappings that unmapped_mapping_start() has
 * marked, or both have the same key: the contents of other owners stay where
 * they are.
 */
bool unmapped_folio_may_move(struct folio *dst, struct folio *src);

/**
 * unmapped_folio_misplaced() - Ask whether a folio is in the wrong mapping
 * @mapping: The mapping that it is about to be added to.
 * @folio: The folio.
 *
 * A folio that swap has read ahead is in the direct map, whosever it is.
 *
 * Return: true if the mapping is outside the direct map and the folio is not.
 */
#define unmapped_folio_misplaced(mapping, folio) \
	(mapping_no_direct_map(mapping) && !folio_detached(folio))

/**
 * unmapped_folio_forget() - Clear a folio that has been replaced
 * @mapping: The mapping that it was misplaced in, if it was.
 * @folio: The folio, locked, which the kernel can reach.
 */
void unmapped_folio_forget(struct address_space *mapping, struct folio *folio);

/**
 * unmapped_mapping_split() - Split a folio where a part of it ends
 * @mapping: A mapping of folios of the cache.
 * @index: Where a page is to begin a folio.
 *
 * If @index is in a large folio, and not its first page, each page of that
 * becomes a folio of its own.
 *
 * Context: Process context, may sleep.
 * Return: 0, or -EAGAIN if somebody else has a reference to it.
 */
int unmapped_mapping_split(struct address_space *mapping, pgoff_t index);

/**
 * unmapped_folio_clear() - Clear a folio before its last reference is gone
 * @folio: The folio, which nobody uses any more.
 *
 * For who must not leave contents to those who hold a reference for a reason
 * of their own, as the lists of the CPUs for the LRU do. It is cleared again
 * with the last reference.
 *
 * Context: Process context.
 */
void unmapped_folio_clear(struct folio *folio);

/**
 * unmapped_folio_zero() - Write zeroes to a part of a folio
 * @folio: The folio, the caller's or of a file of the caller's.
 * @offset: Where, in bytes.
 * @len: How many bytes.
 *
 * For an owner that does not let the kernel map its pages, who cannot use
 * folio_zero_range().
 *
 * Context: Any but NMI.
 * Return: false if all slots of this context are taken; some of the range may
 * be zero then.
 */
bool unmapped_folio_zero(struct folio *folio, size_t offset, size_t len);

/**
 * unmapped_pages_set_key() - Give new pages their owner's key
 * @page: The first of 1 << @order pages just allocated for an owner with
 *	%UNMAPPED_OWNER_KEYED, without %__GFP_ZERO.
 * @order: Their order.
 * @keyid: The owner's key.
 * @zero: Zero them through that key.
 *
 * Pages that had another key are written back through that first. A page that
 * the cache has cleared under the same key is not cleared again.
 *
 * Context: Any but NMI.
 * Return: false if there was no slot to reach one; to free them is all that can
 * be done then.
 */
bool unmapped_pages_set_key(struct page *page, unsigned int order, u16 keyid,
			    bool zero);

/**
 * unmapped_page_keyid() - Find the key of a page
 * @page: A page of the cache, to which the caller has a reference, or any other.
 *
 * Return: The KeyID that its contents are, or were last, encrypted with.
 */
u16 unmapped_page_keyid(const struct page *page);

/**
 * unmapped_key_start() - Prepare for the first key
 * @max: The highest KeyID.
 *
 * Context: Process context, one at a time.
 * Return: false without memory.
 */
bool unmapped_key_start(unsigned int max);

/**
 * unmapped_key_forget() - Let no free page remember a key
 * @keyid: A key whose owner is gone.
 *
 * They are written back, and cleared before they are used again, by which time
 * the key may be another.
 *
 * Context: Process context, may sleep.
 * Return: Number of pages that are on their way somewhere and still do.
 */
unsigned long unmapped_key_forget(u16 keyid);

/**
 * unmapped_pages_free() - Drop the reference that an allocation came with
 * @page: What unmapped_pages_alloc() returned.
 * @order: With what order.
 *
 * When it was the last reference the contents are cleared, at once or before
 * anybody gets the pages.
 *
 * Context: Any but NMI.
 */
void unmapped_pages_free(struct page *page, unsigned int order);

/**
 * unmapped_hibernating() - Ask whether hibernation is under way
 *
 * Return: true if allocations should be put off, as they would prevent it.
 */
bool unmapped_hibernating(void);

/**
 * unmapped_wait_hibernation() - Wait until hibernation is over, or a signal
 *
 * The freezer's signal ends the wait, too: the caller goes back to user space,
 * where it is frozen, and tries again.
 *
 * Context: A user task without locks: it will be frozen before others are that
 * might need them.
 */
void unmapped_wait_hibernation(void);

/**
 * unmapped_report_meminfo() - Add the cache's lines to /proc/meminfo
 * @m: The file.
 */
void unmapped_report_meminfo(struct seq_file *m);

#else /* !CONFIG_UNMAPPED_ALLOC */

static inline bool unmapped_alloc_possible(void)
{
	return false;
}

static inline bool unmapped_alloc_start(void)
{
	return false;
}

static inline struct unmapped_owner *unmapped_owner_create(const char *name,
							   unsigned int flags)
{
	return NULL;
}

static inline void unmapped_owner_destroy(struct unmapped_owner *owner)
{
}

static inline struct folio *unmapped_folio_alloc(gfp_t gfp, unsigned int order,
						 struct unmapped_owner *owner)
{
	return NULL;
}

static inline int unmapped_mapping_start(struct address_space *mapping)
{
	return -EOPNOTSUPP;
}

static inline struct folio *unmapped_mapping_alloc(gfp_t gfp,
						   unsigned int order,
						   struct mempolicy *mpol,
						   pgoff_t ilx)
{
	return NULL;
}

static inline struct folio *unmapped_folio_alloc_like(const struct folio *src,
						      gfp_t gfp, int nid)
{
	return NULL;
}

#define unmapped_folio_alloc_policy(src, gfp, mpol, ilx)	NULL
#define unmapped_mapping_error(mapping)			(-ENOMEM)
#define unmapped_folio_may_move(dst, src)		false
#define unmapped_folio_misplaced(mapping, folio)	false
#define unmapped_folio_forget(mapping, folio)		do { } while (0)
#define unmapped_mapping_split(mapping, index)		0

static inline bool unmapped_folio_zero(struct folio *folio, size_t offset,
				       size_t len)
{
	return false;
}

static inline void unmapped_folio_clear(struct folio *folio)
{
}

static inline bool unmapped_hibernating(void)
{
	return false;
}

static inline void unmapped_wait_hibernation(void)
{
}

static inline void unmapped_report_meminfo(struct seq_file *m)
{
}

#endif /* CONFIG_UNMAPPED_ALLOC */

#endif /* _LINUX_UNMAPPED_ALLOC_H */
