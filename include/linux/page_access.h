/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_PAGE_ACCESS_H
#define _LINUX_PAGE_ACCESS_H

/*
 * Pages whose contents cannot be reached at their direct-map address.
 *
 * There are two kinds. With PAGE_ACCESS_SLOTS the owner of such a page marks
 * it PG_inaccessible. kmap_local_page() and its relatives then map it in a
 * slot of the CPU, if the owner lets them, and the last put gives it back to
 * the owner instead of the buddy. Without slots it is the architecture that
 * knows its pages, and makes them accessible where they are.
 * Documentation/mm/page_access.rst tells the whole story.
 */

#include <linux/bits.h>
#include <linux/dma-direction.h>
#include <linux/err.h>
#include <linux/jump_label.h>
#include <linux/mm_types.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>

#ifdef CONFIG_PAGE_ACCESS

/**
 * struct page_access_ops - what the owner of inaccessible pages decides
 * @kmap_prot: Whether the kernel may map @page, a page that the caller holds
 *	a reference to, and how: *@prot is what the caller would map it with,
 *	mostly PAGE_KERNEL, and may be changed, twice with the same result.
 *	Returns false to refuse. Any context but NMI.
 * @prepare_dma: Lets a device reach @page, to which the caller holds a
 *	reference until the device is done; @plain: by its physical address,
 *	to which nothing is added. Returns 0 or a negative errno, -EACCES to
 *	refuse. A page that may be reached may also be bounced, by
 *	the CPU: @kmap_prot has to agree. Any context but NMI.
 * @free: Takes back 1 << @order pages that nobody refers to any more. They
 *	are no longer compound, mapping is clear, PG_inaccessible is set.
 *	Any context but NMI. With slots only.
 */
struct page_access_ops {
	bool (*kmap_prot)(struct page *page, pgprot_t *prot);
	int (*prepare_dma)(struct page *page, enum dma_data_direction dir,
			   bool plain);
	void (*free)(struct page *page, unsigned int order);
};

DECLARE_STATIC_KEY_FALSE(page_access_key);

/**
 * page_access_active() - Ask whether inaccessible pages can exist
 *
 * Return: true from the first page_access_start() on, and then for ever, so
 * that what was mapped through a slot is also unmapped through it.
 */
static __always_inline bool page_access_active(void)
{
	return static_branch_unlikely(&page_access_key);
}

/**
 * page_access_register() - Name the owner of all inaccessible pages
 * @ops: The owner's decisions.
 *
 * Context: Called once, while booting.
 */
void page_access_register(const struct page_access_ops *ops);

/**
 * page_access_start() - Prepare for the first inaccessible page
 *
 * Reserves the slots and turns the hooks on. To be called before the first
 * page is marked; later calls do nothing.
 *
 * Context: Process context, may sleep; takes the CPU hotplug lock, so no
 * mmap_lock may be held.
 * Return: 0, or -ENOMEM when the slots cannot be reserved.
 */
int page_access_start(void);

void *page_access_kmap(struct page *page);
void *page_access_kmap_try(struct page *page);
bool page_access_refused(struct page *page);
void __cold page_access_clear(struct page *page);
void page_access_zero_segments(struct page *page, unsigned int start1,
			       unsigned int end1, unsigned int start2,
			       unsigned int end2);

int __page_access_prepare_dma(struct page *page, size_t offset, size_t len,
			      enum dma_data_direction dir, bool plain);
int __folio_prepare_dma(struct folio *folio, enum dma_data_direction dir);

/**
 * page_access_prepare_dma() - Ask before a device reaches pages
 * @page: The first page, or one before the range.
 * @offset: Bytes from the start of @page to the range; may exceed a page.
 * @len: Bytes in the range.
 * @dir: What the device will do.
 * @plain: The device is given the physical address, or one that an IOMMU
 *	translates into it. Else dma-direct makes the address, which adds what
 *	belongs to the page, or it is not known yet who does, and that one asks
 *	again.
 *
 * Each page of the range that is marked is shown to its owner, up to the
 * first that may not be reached. What was done to those before it need not be
 * undone: they can be used as before.
 *
 * Context: Any but NMI. The caller holds references to the pages until the
 * device is done with them.
 * Return: 0, also for memory without a struct page; -EACCES if the owner
 * refuses, or another negative errno of the owner's.
 */
static __always_inline int
page_access_prepare_dma(struct page *page, size_t offset, size_t len,
			enum dma_data_direction dir, bool plain)
{
	if (!page_access_active())
		return 0;
	return __page_access_prepare_dma(page, offset, len, dir, plain);
}

/**
 * folio_prepare_dma() - Ask before a device reaches a folio
 * @folio: The folio, all of it. Another one may get what a device keeps of it,
 *	so it is as if the address were plain.
 * @dir: What the device will do.
 *
 * Context: As for page_access_prepare_dma().
 * Return: As from page_access_prepare_dma().
 */
static __always_inline int folio_prepare_dma(struct folio *folio,
					     enum dma_data_direction dir)
{
	if (!page_access_active())
		return 0;
	return __folio_prepare_dma(folio, dir);
}

/*
 * kmap() by those who keep the address longer than their reference to the page.
 */
void *kmap_hold(struct page *page);
void kunmap_drop(struct page *page, const void *addr);
bool kmap_stale(unsigned long pfn, const void *addr);

#else /* !CONFIG_PAGE_ACCESS */

/* A macro: what depends on it is gone before the compiler numbers things. */
#define page_access_active()	(false)

#define kmap_hold(page)			kmap(page)
#define kunmap_drop(page, addr)		kunmap(page)
#define kmap_stale(pfn, addr)		(false)

static inline void *page_access_kmap(struct page *page)
{
	return NULL;
}

static inline void *page_access_kmap_try(struct page *page)
{
	return ERR_PTR(-EACCES);
}

static inline bool page_access_refused(struct page *page)
{
	return false;
}

static inline void page_access_clear(struct page *page)
{
}

static inline void
page_access_zero_segments(struct page *page, unsigned int start1,
			  unsigned int end1, unsigned int start2,
			  unsigned int end2)
{
}

static __always_inline int
page_access_prepare_dma(struct page *page, size_t offset, size_t len,
			enum dma_data_direction dir, bool plain)
{
	return 0;
}

static __always_inline int folio_prepare_dma(struct folio *folio,
					     enum dma_data_direction dir)
{
	return 0;
}

#endif /* CONFIG_PAGE_ACCESS */

#ifdef CONFIG_PAGE_ACCESS_SLOTS

#define __PG_INACCESSIBLE	BIT(PG_inaccessible)

/**
 * page_inaccessible() - Ask whether the direct-map address may not be used
 * @page: Any page; of a folio each page has the mark.
 *
 * An architecture without slots may also say so of a page that is accessible
 * again. Only if page_access_active() is the answer of any use there.
 *
 * Return: true if the page is marked.
 */
static __always_inline bool page_inaccessible(const struct page *page)
{
	return page->flags & __PG_INACCESSIBLE;
}

/**
 * page_detached() - Ask whether a page is out of the direct map
 * @page: Any page; of a folio each page has the mark.
 *
 * Return: true if the page has an owner, to whom it goes back.
 */
static __always_inline bool page_detached(const struct page *page)
{
	return page_inaccessible(page);
}

/**
 * page_set_inaccessible() - Mark a page that leaves the direct map
 * @page: The page, which nobody else can have.
 */
static inline void page_set_inaccessible(struct page *page)
{
	page->flags |= __PG_INACCESSIBLE;
}

/**
 * page_clear_inaccessible() - Unmark a page that is in the direct map again
 * @page: The page, which nobody else can have.
 */
static inline void page_clear_inaccessible(struct page *page)
{
	page->flags &= ~__PG_INACCESSIBLE;
}

void *page_access_kmap_prot(struct page *page, pgprot_t prot);
void *page_access_kmap_shared(struct page *page);
void page_access_kunmap_shared(struct page *page);
struct page *page_access_kmap_to_page(const void *vaddr);
bool page_access_is_kmap(const void *vaddr);
bool page_access_vmap_allowed(struct page **pages, unsigned int count,
			      pgprot_t prot);
bool page_access_free(struct page *page, unsigned int order);

DECLARE_STATIC_KEY_FALSE(page_access_relaxed_key);

/**
 * page_access_relaxed() - Ask whether stray accesses are repaired
 *
 * Repair reaches a page only if it has a leaf of the direct map for itself,
 * which is for the owner to see to. The owner also takes a page that was
 * repaired out of the direct map before it hands it out again.
 *
 * Return: true if the kernel was booted with page_access=relaxed.
 */
static __always_inline bool page_access_relaxed(void)
{
	return static_branch_unlikely(&page_access_relaxed_key);
}

bool page_access_repair_fault(unsigned long ip, unsigned long addr);

/**
 * page_access_repair() - Go on after a fault at a direct-map address
 * @ip: Where the access is.
 * @addr: The address, which is not mapped.
 *
 * Context: The page fault of an access that nothing else handles.
 * Return: true if the access will succeed now.
 */
static inline bool page_access_repair(unsigned long ip, unsigned long addr)
{
	return page_access_relaxed() && page_access_repair_fault(ip, addr);
}

/**
 * page_access_may_vmap() - Ask whether pages may be mapped together
 * @pages: The pages.
 * @count: How many.
 * @prot: The protection of the mapping.
 *
 * Return: false if an owner refuses, or wants another protection.
 */
static inline bool page_access_may_vmap(struct page **pages,
					unsigned int count, pgprot_t prot)
{
	return !page_access_active() ||
	       page_access_vmap_allowed(pages, count, prot);
}

/**
 * page_access_map_prot() - Map an inaccessible page for its owner
 * @page: The page.
 * @prot: How to map it.
 *
 * Unlike kmap_local_page() this asks no policy: only the owner itself, who
 * clears pages with it, may call it. The address is for this context alone
 * and kunmap_local() ends it, last mapped first unmapped.
 *
 * Return: The address of a slot; NULL if all of this context are taken, or in
 * an NMI.
 */
void *page_access_map_prot(struct page *page, pgprot_t prot);

/**
 * page_access_map() - Map an inaccessible page as ordinary memory is
 * @page: The page.
 *
 * As page_access_map_prot() with %PAGE_KERNEL.
 *
 * Return: As there.
 */
static inline void *page_access_map(struct page *page)
{
	return page_access_map_prot(page, PAGE_KERNEL);
}

/**
 * page_access_clear_pages() - Clear inaccessible pages for their owner
 * @page: The first.
 * @nr: How many, one after the other in memory.
 * @prot: How to map them.
 *
 * As with page_access_map_prot() for each page, in one slot for all.
 *
 * Return: false if nothing was cleared: all slots of this context are taken, or
 * it is an NMI.
 */
bool page_access_clear_pages(struct page *page, unsigned int nr, pgprot_t prot);

/*
 * free_pages_prepare() has one test for the two marks that keep a page out
 * of the buddy, so that an ordinary page pays for one.
 */
static __always_inline bool page_kept_from_buddy(const struct page *page,
						 unsigned int order)
{
	if (likely(!(page->flags & (__PG_HWPOISON | __PG_INACCESSIBLE))))
		return false;
	return !order || page_inaccessible(page);
}

#else /* !CONFIG_PAGE_ACCESS_SLOTS */

#ifdef CONFIG_PAGE_ACCESS
#include <asm/page_access.h>
#else
static __always_inline bool page_inaccessible(const struct page *page)
{
	return false;
}
#endif

static __always_inline bool page_detached(const struct page *page)
{
	return false;
}

/* Without slots one address is good for all */
static inline void *page_access_kmap_prot(struct page *page, pgprot_t prot)
{
	return page_access_kmap(page);
}

static inline void *page_access_kmap_shared(struct page *page)
{
	return page_access_kmap(page);
}

static inline void page_access_kunmap_shared(struct page *page)
{
}

static inline struct page *page_access_kmap_to_page(const void *vaddr)
{
	return NULL;
}

static inline bool page_access_is_kmap(const void *vaddr)
{
	return false;
}

static inline bool page_access_may_vmap(struct page **pages,
					unsigned int count, pgprot_t prot)
{
	return true;
}

static inline bool page_access_repair(unsigned long ip, unsigned long addr)
{
	return false;
}

static __always_inline bool page_access_free(struct page *page,
					     unsigned int order)
{
	return false;
}

/* A macro, for the compiler to see the condition where it always was. */
#define page_kept_from_buddy(page, order) \
	(unlikely(PageHWPoison(page)) && !(order))

#endif /* CONFIG_PAGE_ACCESS_SLOTS */

/**
 * folio_inaccessible() - page_inaccessible() for a folio
 * @folio: The folio.
 *
 * Return: true if its pages are marked.
 */
static __always_inline bool folio_inaccessible(const struct folio *folio)
{
	return page_inaccessible(&folio->page);
}

/**
 * folio_detached() - page_detached() for a folio
 * @folio: The folio.
 *
 * Return: true if its pages have an owner, to whom they go back.
 */
static __always_inline bool folio_detached(const struct folio *folio)
{
	return page_detached(&folio->page);
}

/**
 * page_kmap_refused() - Ask whether kmap_local_page() would give no address
 * @page: The page.
 *
 * For code that can fail before it maps pages, but not where it does.
 *
 * Return: true if the page's owner does not let the kernel map it.
 */
static inline bool page_kmap_refused(struct page *page)
{
	return page_access_active() && page_inaccessible(page) &&
	       page_access_refused(page);
}

/**
 * page_needs_kmap() - Ask whether a page has no address of its own
 * @page: The page.
 *
 * For code that tests PageHighMem() to find out if it must kmap, page by
 * page.
 *
 * Return: true if page_address() must not be used for the contents.
 */
static __always_inline bool page_needs_kmap(const struct page *page)
{
	return PageHighMem(page) ||
	       (page_access_active() && page_inaccessible(page));
}

#endif /* _LINUX_PAGE_ACCESS_H */
