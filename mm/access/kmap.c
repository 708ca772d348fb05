// SPDX-License-Identifier: GPL-2.0
/*
 * kmap() and vmap() for pages without a usable direct-map address.
 *
 * The address that kmap() returns is valid on all CPUs until kunmap(), so a
 * slot of one CPU will not do: the page is mapped with vmap(). kunmap() is told
 * the page and not the address. So all who kmap() a page share one mapping,
 * which counts its users. One hash finds it by page, another by address.
 *
 * A page whose owner refuses has no mapping: kmap() returns the direct-map
 * address, which faults, and kunmap() finds nothing to undo. If vmap() fails
 * for another reason the mapping exists without an address, and its users get
 * the direct-map address as well. Without it the kunmap() of the one who
 * failed would end the mapping of the next one, who did not.
 */

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/hashtable.h>
#include <linux/highmem.h>
#include <linux/kmap_area.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include <asm/tlbflush.h>

#include "access.h"

#define KMAP_HASH_BITS	6

/**
 * struct kmap_shared - a page that somebody has mapped with kmap()
 * @page: The page.
 * @addr: Where vmap() put it; NULL if it could not.
 * @users: How many calls of kunmap() are to come.
 * @by_page: In kmap_pages.
 * @by_addr: In kmap_addrs, if there is an address.
 * @rcu: For readers of kmap_addrs.
 */
struct kmap_shared {
	struct page *page;
	void *addr;
	unsigned int users;
	struct hlist_node by_page;
	struct hlist_node by_addr;
	struct rcu_head rcu;
};

/* Protects both hashes and the number of users. Process context only. */
static DEFINE_SPINLOCK(kmap_shared_lock);
static DEFINE_HASHTABLE(kmap_pages, KMAP_HASH_BITS);
/* Read under RCU in any context: linux/uaccess.h asks about addresses. */
static DEFINE_HASHTABLE(kmap_addrs, KMAP_HASH_BITS);

static struct kmap_shared *find_shared(struct page *page)
{
	struct kmap_shared *map;

	lockdep_assert_held(&kmap_shared_lock);

	hash_for_each_possible(kmap_pages, map, by_page, (unsigned long)page)
		if (map->page == page)
			return map;
	return NULL;
}

VISIBLE_IF_KUNIT void *page_access_vmap_page(struct page *page, pgprot_t prot)
{
	KUNIT_STATIC_STUB_REDIRECT(page_access_vmap_page, page, prot);
	return vmap(&page, 1, VM_MAP, prot);
}

/* HIGHMEM's kmap() allocates nothing, so it is called in the middle of I/O. */
static struct kmap_shared *make_shared(struct page *page, pgprot_t prot)
{
	unsigned int noio = memalloc_noio_save();
	struct kmap_shared *map;

	map = kzalloc(sizeof(*map), GFP_NOIO | __GFP_NOFAIL);
	map->page = page;
	map->addr = page_access_vmap_page(page, prot);
	memalloc_noio_restore(noio);
	return map;
}

/*
 * vunmap() puts the flush off. But until then other CPUs could still reach the
 * page, which may get another owner.
 */
static void free_shared(struct kmap_shared *map)
{
	unsigned long addr = (unsigned long)map->addr;

	if (map->addr) {
		vunmap(map->addr);
		flush_tlb_kernel_range(addr, addr + PAGE_SIZE);
	}
	kfree_rcu(map, rcu);
}

static struct kmap_shared *get_shared(struct page *page)
{
	struct kmap_shared *map;

	spin_lock(&kmap_shared_lock);
	map = find_shared(page);
	if (map)
		map->users++;
	spin_unlock(&kmap_shared_lock);
	return map;
}

/* Returns the mapping to use: @new, or that of one who was faster. */
static struct kmap_shared *add_shared(struct kmap_shared *new)
{
	struct kmap_shared *map;

	spin_lock(&kmap_shared_lock);
	map = find_shared(new->page);
	if (!map) {
		map = new;
		hash_add(kmap_pages, &map->by_page, (unsigned long)map->page);
		if (map->addr)
			hash_add_rcu(kmap_addrs, &map->by_addr,
				     (unsigned long)map->addr);
	}
	map->users++;
	spin_unlock(&kmap_shared_lock);
	return map;
}

/* Returns the mapping if nobody uses it any more, for the caller to free. */
static struct kmap_shared *put_shared(struct page *page)
{
	struct kmap_shared *map;

	spin_lock(&kmap_shared_lock);
	map = find_shared(page);
	if (map && --map->users) {
		map = NULL;
	} else if (map) {
		hash_del(&map->by_page);
		if (map->addr)
			hash_del_rcu(&map->by_addr);
	}
	spin_unlock(&kmap_shared_lock);
	return map;
}

void *page_access_kmap_shared(struct page *page)
{
	struct kmap_shared *map, *new;
	pgprot_t prot = PAGE_KERNEL;

	if (!page_access_allowed(page, &prot))
		return page_address(page);

	map = get_shared(page);
	if (!map) {
		new = make_shared(page, prot);
		map = add_shared(new);
		if (map != new)
			free_shared(new);
	}
	return map->addr ?: page_address(page);
}
EXPORT_SYMBOL(page_access_kmap_shared);

void page_access_kunmap_shared(struct page *page)
{
	struct kmap_shared *map;

	might_sleep();

	map = put_shared(page);
	if (map)
		free_shared(map);
}
EXPORT_SYMBOL(page_access_kunmap_shared);

/**
 * kmap_hold() - Map a page that its user may lose before the address is
 * @page: The page, to which the caller has a reference.
 *
 * kunmap() finds the mapping by the page. If the page had another user by then,
 * it would find that one's, or none. So the page is held until kunmap_drop().
 *
 * Context: Process context, may sleep.
 * Return: The address, or NULL if the page has none.
 */
void *kmap_hold(struct page *page)
{
	void *addr = kmap(page);

	if (!page_needs_kmap(page))
		return addr;
	if (addr == page_address(page)) {
		kunmap(page);
		return NULL;
	}
	get_page(page);
	return addr;
}
EXPORT_SYMBOL_GPL(kmap_hold);

/**
 * kunmap_drop() - End what kmap_hold() began
 * @page: The page. If @addr is its direct-map address it may be another's now.
 * @addr: What kmap_hold() returned.
 *
 * Context: Process context, may sleep.
 */
void kunmap_drop(struct page *page, const void *addr)
{
	if (addr == page_address(page))
		return;
	kunmap(page);
	put_page(page);
}
EXPORT_SYMBOL_GPL(kunmap_drop);

/**
 * kmap_stale() - Ask whether an address is of the page that was there before
 * @pfn: The page that is there now.
 * @addr: What kmap_hold() returned for a page of that number.
 *
 * Return: true if @addr is in the direct map, and the page is not.
 */
bool kmap_stale(unsigned long pfn, const void *addr)
{
	struct page *page;

	if (!pfn_valid(pfn))
		return false;
	page = pfn_to_page(pfn);
	return page_needs_kmap(page) && addr == page_address(page);
}
EXPORT_SYMBOL_GPL(kmap_stale);

static struct page *shared_addr_to_page(unsigned long addr)
{
	struct kmap_shared *map;
	struct page *page = NULL;

	addr &= PAGE_MASK;
	rcu_read_lock();
	hash_for_each_possible_rcu(kmap_addrs, map, by_addr, addr)
		if ((unsigned long)map->addr == addr)
			page = map->page;
	rcu_read_unlock();
	return page;
}

struct page *page_access_kmap_to_page(const void *vaddr)
{
	unsigned long addr = (unsigned long)vaddr;

	if (is_kmap_slot(addr))
		return pte_page(ptep_get(kmap_slot_pte(addr)));
	return is_vmalloc_addr(vaddr) ? shared_addr_to_page(addr) : NULL;
}
EXPORT_SYMBOL(page_access_kmap_to_page);

bool page_access_is_kmap(const void *vaddr)
{
	return is_kmap_slot((unsigned long)vaddr) ||
	       (is_vmalloc_addr(vaddr) &&
		shared_addr_to_page((unsigned long)vaddr));
}
EXPORT_SYMBOL(page_access_is_kmap);

/* One mapping has one protection, so a page that wants its own is left out. */
bool page_access_vmap_allowed(struct page **pages, unsigned int count,
			      pgprot_t prot)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		pgprot_t want = prot;

		if (!page_inaccessible(pages[i]))
			continue;
		if (!page_access_allowed(pages[i], &want) ||
		    pgprot_val(want) != pgprot_val(prot))
			return false;
	}
	return true;
}
