/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_UNACCEPTED_BUDDY_H
#define _MM_UNACCEPTED_BUDDY_H

/*
 * Unaccepted memory in the buddy: what the page allocator asks and is told.
 *
 * A free block that may hold unaccepted memory is marked, with a bit beside
 * its type PGTY_buddy. When the block leaves the free lists its first page
 * gets the type PGTY_unaccepted, and keeps it until post_alloc_hook()
 * accepts the memory: on the lists of the CPUs, too. If it comes back without
 * having been allocated, the block it becomes part of is marked again.
 *
 * So a free block is marked for one of three reasons:
 *
 *   - the page that is freed has the type,
 *   - a buddy that it merges with is marked,
 *   - it is new to the allocator, or comes from where no type can tell
 *     (FPI_UNACCEPTED_SLOWPATH),
 *
 * and if the bitmap has a unit of it, or the guard after it, as unaccepted.
 * The bitmap decides, the marks only say where to look: the ordinary page
 * never causes a look at the bitmap. A mark that is there without need costs
 * one look; one that is missing would be an access to unaccepted memory.
 */

#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/unaccepted_memory.h>
#include <linux/vmstat.h>

#ifdef CONFIG_UNACCEPTED_BUDDY

DECLARE_STATIC_KEY_FALSE(unaccepted_buddy_key);

/* In the low bits of page_type, which are free for the owner of the type. */
#define BUDDY_UNACCEPTED	1U

bool __unaccepted_pending(const struct page *page, unsigned int order);
void __unaccepted_clear_buddy(struct page *page, unsigned int order);
void __unaccepted_accept_page(struct page *page, unsigned int order,
			      gfp_t gfp);
void unaccepted_free_new(struct page *page, unsigned int order, bool kasan);
void __unaccepted_accept_range(unsigned long start, unsigned long end);
int unaccepted_mode_setup(const char *mode);

/* Does unaccepted memory live in the buddy of this machine? */
static __always_inline bool unaccepted_in_buddy(void)
{
	return static_branch_unlikely(&unaccepted_buddy_key);
}

/* Is this free block marked? Stable under the zone's lock. */
static __always_inline bool buddy_unaccepted(const struct page *page)
{
	/* Compaction asks without the lock first, and again with it */
	return unaccepted_in_buddy() &&
	       data_race(page->page_type) ==
	       ((unsigned int)PGTY_buddy << 24 | BUDDY_UNACCEPTED);
}

/* Between its removal from the buddy and post_alloc_hook()? */
static __always_inline bool page_awaits_accept(const struct page *page)
{
	return unaccepted_in_buddy() && PageUnaccepted(page);
}

/* A type is the mapcount, too. A new page may have one, until it is accepted */
static __always_inline bool page_type_unexpected(const struct page *page)
{
	return atomic_read(&page->_mapcount) != -1 && !page_awaits_accept(page);
}

/* On its way back: the block that it becomes part of has the mark. */
static __always_inline bool unaccepted_take_mark(struct page *page)
{
	if (!page_awaits_accept(page))
		return false;
	__ClearPageUnaccepted(page);
	return true;
}

/* Before it merges: may it have unaccepted memory, or is it @new? */
static __always_inline bool unaccepted_maybe(struct page *page, bool new)
{
	return unaccepted_in_buddy() && (unaccepted_take_mark(page) || new);
}

/* Is a block that @maybe has unaccepted memory to be marked? */
static __always_inline bool
unaccepted_pending(const struct page *page, unsigned int order, bool maybe)
{
	return unaccepted_in_buddy() && maybe &&
	       __unaccepted_pending(page, order);
}

/* Would this free block have to be accepted? Under the zone's lock. */
static __always_inline bool buddy_pending(const struct page *page,
					  unsigned int order)
{
	return unaccepted_pending(page, order, buddy_unaccepted(page));
}

/* After set_buddy_order(). */
static __always_inline void set_buddy_unaccepted(struct page *page,
						 bool unaccepted)
{
	if (unaccepted_in_buddy() && unaccepted)
		page->page_type |= BUDDY_UNACCEPTED;
}

/* The end of PageBuddy. What was accepted since the mark was set needs none. */
static __always_inline void clear_buddy(struct page *page, unsigned int order)
{
	if (unaccepted_in_buddy())
		__unaccepted_clear_buddy(page, order);
	else
		__ClearPageBuddy(page);
}

/*
 * A block that is accepted, if there is one at either end of the free list.
 * Marked blocks are added to the tail, but others may be, too.
 */
static inline struct page *free_list_accepted(struct list_head *list,
					      unsigned int order)
{
	struct page *page;

	page = list_first_entry_or_null(list, struct page, buddy_list);
	if (!page || !buddy_pending(page, order))
		return page;
	page = list_last_entry(list, struct page, buddy_list);
	return buddy_pending(page, order) ? NULL : page;
}

/* On the list of a zone, for accept_page()? There it is the head of a block. */
static __always_inline bool page_on_unaccepted_list(const struct page *page)
{
	return PageUnaccepted(page) && !unaccepted_in_buddy();
}

/* First in post_alloc_hook(): nothing there may touch the page before. */
static __always_inline void unaccepted_accept_page(struct page *page,
						   unsigned int order,
						   gfp_t gfp)
{
	if (page_awaits_accept(page))
		__unaccepted_accept_page(page, order, gfp);
}

static inline bool zone_has_unaccepted(struct zone *zone)
{
	return zone_page_state(zone, NR_UNACCEPTED);
}

/* A range that is isolated and taken whole has blocks of any kind in it. */
static inline void unaccepted_accept_range(unsigned long start_pfn,
					   unsigned long end_pfn)
{
	if (unaccepted_in_buddy())
		__unaccepted_accept_range(start_pfn, end_pfn);
}

#else

static __always_inline bool unaccepted_in_buddy(void)
{
	return false;
}

static __always_inline bool buddy_unaccepted(const struct page *page)
{
	return false;
}

static __always_inline bool page_awaits_accept(const struct page *page)
{
	return false;
}

static __always_inline bool unaccepted_take_mark(struct page *page)
{
	return false;
}

static __always_inline bool unaccepted_maybe(struct page *page, bool new)
{
	return false;
}

static __always_inline bool
unaccepted_pending(const struct page *page, unsigned int order, bool maybe)
{
	return false;
}

static __always_inline void set_buddy_unaccepted(struct page *page,
						 bool unaccepted)
{
}

static __always_inline void clear_buddy(struct page *page, unsigned int order)
{
	__ClearPageBuddy(page);
}

static __always_inline bool buddy_pending(const struct page *page,
					  unsigned int order)
{
	return false;
}

static inline struct page *free_list_accepted(struct list_head *list,
					      unsigned int order)
{
	return NULL;
}

/* The base's own code, to the instruction */
#define page_type_unexpected(page)	(atomic_read(&(page)->_mapcount) != -1)
#define page_on_unaccepted_list(page)	PageUnaccepted(page)

static __always_inline void unaccepted_accept_page(struct page *page,
						   unsigned int order,
						   gfp_t gfp)
{
}

static inline bool zone_has_unaccepted(struct zone *zone)
{
	return false;
}

static inline void unaccepted_accept_range(unsigned long start_pfn,
					   unsigned long end_pfn)
{
}

static inline void unaccepted_free_new(struct page *page, unsigned int order,
				       bool kasan)
{
}

static inline int unaccepted_mode_setup(const char *mode)
{
	return -EINVAL;
}

#endif /* CONFIG_UNACCEPTED_BUDDY */

#endif /* _MM_UNACCEPTED_BUDDY_H */
