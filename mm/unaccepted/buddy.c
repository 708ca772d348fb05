// SPDX-License-Identifier: GPL-2.0
/*
 * Unaccepted memory in the buddy, see buddy.h for the rules.
 *
 * Free counts, watermarks, reclaim and the OOM killer see all free memory,
 * accepted or not. NR_UNACCEPTED says how much of it is not: it follows the
 * bits of the bitmap, not the blocks.
 */

#define pr_fmt(fmt) "unaccepted memory: " fmt

#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/psi.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/vmstat.h>

#include <trace/events/unaccepted.h>

#include "../internal.h"
#include "buddy.h"
#include "unaccepted.h"

DEFINE_STATIC_KEY_FALSE(unaccepted_buddy_key);

enum unaccepted_mode unaccepted_mode __ro_after_init = UNACCEPTED_ON_DEMAND;

const char * const unaccepted_modes[] = {
	[UNACCEPTED_ON_DEMAND] = "buddy",
	[UNACCEPTED_BACKGROUND] = "background",
	[UNACCEPTED_EAGER] = "eager",
	[UNACCEPTED_LIST] = "lazy-list",
};

/*
 * How much of a zone is not accepted.
 */

/*
 * By span, not by struct page: a guard unit may have none yet when the
 * others are still being initialised. Where nodes interleave a unit may count
 * for the wrong one, but always for the same, until memory that goes offline,
 * or online, changes the spans.
 */
static struct zone *unit_zone(const struct unaccepted_state *state,
			      unsigned long unit)
{
	phys_addr_t addr = unaccepted_unit_start(state, unit);
	struct zone *zone;

	for_each_populated_zone(zone)
		if (zone_spans_pfn(zone, PHYS_PFN(addr)))
			return zone;
	return NULL;
}

static void account_unit(const struct unaccepted_state *state,
			 unsigned long unit, int sign)
{
	struct zone *zone = unit_zone(state, unit);

	if (zone)
		mod_zone_page_state(zone, NR_UNACCEPTED,
				    sign << (state->map.shift - PAGE_SHIFT));
}

/* What free_pages_prepare() would have done, had the unit been there. */
static void prepare_pages(struct page *page, unsigned int nr)
{
	unsigned int i;

	if (want_init_on_free())
		for (i = 0; i < nr; i++)
			clear_page(page_address(page + i));
	kernel_poison_pages(page, nr);
}

/**
 * unaccepted_unit_ready() - Bring a unit to the state of free memory
 * @state: From unaccepted_get_state().
 * @unit: A unit just accepted, for which nobody can know yet.
 *
 * All of it, as the rest of the unit is free accepted memory from now on,
 * and nobody will look at it before it is allocated.
 *
 * Context: Any, interrupts off.
 */
void unaccepted_unit_ready(const struct unaccepted_state *state,
			   unsigned long unit)
{
	phys_addr_t addr = unaccepted_unit_start(state, unit);

	/* Somebody else's guard may not even be mapped here */
	if (!unaccepted_in_buddy() || !test_bit(unit, state->ours))
		return;
	prepare_pages(pfn_to_page(PHYS_PFN(addr)),
		      1U << (state->map.shift - PAGE_SHIFT));
	account_unit(state, unit, -1);
}

/**
 * unaccepted_prepare_block() - Prepare a block that is new to the buddy
 * @page: The first page of a pageblock that is pending.
 * @kasan: Tell KASAN that it is free.
 *
 * Where memory is accepted already this does what free_pages_prepare() would
 * have done. The rest has no contents, and gets them when it is accepted.
 *
 * Context: Boot.
 */
void __meminit unaccepted_prepare_block(struct page *page, bool kasan)
{
	unsigned long pfn = page_to_pfn(page), end = pfn + pageblock_nr_pages;
	struct unaccepted_state state;
	unsigned long next;

	if (kasan)
		kasan_poison_pages(page, pageblock_order, false);
	if (!unaccepted_get_state(&state))
		return;
	for (; pfn < end; pfn = next) {
		next = min(end, ALIGN(pfn + 1, 1UL << (state.map.shift -
						       PAGE_SHIFT)));
		if (!unaccepted_pfn_pending(&state, pfn))
			prepare_pages(pfn_to_page(pfn), next - pfn);
	}
}

/*
 * Accepting blocks.
 */

/* Pages in whole blocks that are accepted, and not for CMA alone. */
static unsigned long ready_pages(struct zone *zone)
{
	unsigned long left = zone_page_state(zone, NR_UNACCEPTED) +
			     zone_page_state(zone, NR_FREE_CMA_PAGES);
	unsigned long nr = 0;
	int order;

	for (order = pageblock_order; order < NR_PAGE_ORDERS; order++)
		/* A block more or less makes no difference */
		nr += data_race(zone->free_area[order].nr_free) << order;
	return nr - min(nr, left);
}

/**
 * unaccepted_reserve_short() - Ask whether a zone's reserve is to be filled
 * @zone: The zone.
 *
 * The reserve is for those who cannot wait. They claim whole pageblocks of it,
 * whatever their migratetype, so only whole ones count.
 *
 * Context: Any.
 * Return: true if the zone has marked blocks, and less accepted memory than it
 * should have at hand.
 */
bool unaccepted_reserve_short(struct zone *zone)
{
	unsigned long reserve = READ_ONCE(unaccepted_reserve_kbytes) >>
				(PAGE_SHIFT - 10);

	if (!zone_has_unaccepted(zone) || zone_idx(zone) == ZONE_MOVABLE)
		return false;
	return ready_pages(zone) < min(reserve, zone_managed_pages(zone) / 64);
}

/* Less than that on the lists of the CPUs is not worth to look after. */
#define PCP_PAGES	(pageblock_nr_pages / 8)

static unsigned long pcp_pages(struct zone *zone)
{
	unsigned long nr = 0;
	int cpu;

	for_each_online_cpu(cpu)
		nr += READ_ONCE(per_cpu_ptr(zone->per_cpu_pageset, cpu)->count);
	return nr;
}

/**
 * unaccepted_gather_pages() - Look for accepted memory on the lists of the CPUs
 * @zone: The zone.
 *
 * They may have tens of MiB there, of which each page keeps a block from being
 * whole. To give these back costs less than to accept a unit.
 *
 * Context: Process context, does not sleep.
 * Return: true if more blocks are whole now.
 */
bool unaccepted_gather_pages(struct zone *zone)
{
	unsigned long before = ready_pages(zone);

	if (pcp_pages(zone) < PCP_PAGES)
		return false;
	drain_all_pages(zone);
	return ready_pages(zone) > before;
}

static bool all_marked(struct page *page, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < 1UL << order; i += pageblock_nr_pages)
		if (!page_unaccepted(page + i))
			return false;
	return true;
}

/* How many blocks to look at for one that others are next to. */
#define SEARCH_BLOCKS	64

/* The block with the highest address, as it is at the end of the list. */
static struct page *last_block(struct zone *zone, unsigned int order)
{
	unsigned int tries = SEARCH_BLOCKS;
	struct page *page, *first;

	lockdep_assert_held(&zone->lock);

	list_for_each_entry_reverse(page, &zone->unaccepted_pages, buddy_list) {
		first = pfn_to_page(ALIGN_DOWN(page_to_pfn(page),
					       1UL << order));
		if (all_marked(first, order))
			return first;
		if (!--tries)
			break;
	}
	return NULL;
}

/*
 * What comes after the last block is accepted, so that it needs no guard. It
 * goes to the head for others to take another one.
 */
static struct page *next_block(struct zone *zone, unsigned int order)
{
	struct page *page;
	unsigned long i, flags;

	spin_lock_irqsave(&zone->lock, flags);
	page = last_block(zone, order);
	for (i = 0; page && i < 1UL << order; i += pageblock_nr_pages)
		list_move(&page[i].buddy_list, &zone->unaccepted_pages);
	spin_unlock_irqrestore(&zone->lock, flags);

	return page;
}

/* Frees memory for others to take: who accepted it may have to come again. */
static void release_blocks(struct page *page, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < 1UL << order; i += pageblock_nr_pages)
		unaccepted_release_block(page + i);
}

static struct unaccepted_span block_span(const struct unaccepted_state *state,
					 const struct page *page,
					 unsigned int order)
{
	return unaccepted_span(&state->map, page_to_phys(page),
			       PAGE_SIZE << order);
}

/* Is this an allocation that may stand still, whatever it may not do then? */
static bool may_wait(gfp_t gfp)
{
	if (irqs_disabled() || !in_task())
		return false;
	return gfpflags_allow_blocking(gfp) || !(gfp & __GFP_HIGH);
}

static unsigned int accept_and_wait(const struct unaccepted_state *state,
				    struct unaccepted_span span, gfp_t gfp)
{
	unsigned long pflags;
	unsigned int units;

	if (!may_wait(gfp))
		return unaccepted_accept_span(state, span, ACCEPT_ATOMIC);

	psi_memstall_enter(&pflags);
	units = unaccepted_accept_span(state, span, ACCEPT_ALLOC);
	psi_memstall_leave(&pflags);
	return units;
}

/* False for what a CPU was about to accept when a panic stopped it. */
static bool accept_stalled(struct page *page, unsigned int order, gfp_t gfp)
{
	struct unaccepted_state state;
	struct unaccepted_span span;
	unsigned int units;
	u64 begin, ns;

	if (!unaccepted_get_state(&state))
		return false;
	begin = local_clock();
	span = block_span(&state, page, order);
	units = accept_and_wait(&state, span, gfp);
	ns = local_clock() - begin;
	unaccepted_count_stall(units, ns);
	trace_accept_stall(page_to_pfn(page), order, gfp, units, ns);
	return !unaccepted_span_pending(&state, span);
}

static bool accept_for_alloc(struct zone *zone, unsigned int order, gfp_t gfp)
{
	struct page *page;

	order = max_t(unsigned int, order, pageblock_order);
	if (may_wait(gfp) && unaccepted_gather_pages(zone))
		return true;
	page = next_block(zone, order);
	if (!page || !accept_stalled(page, order, gfp))
		return false;
	release_blocks(page, order);
	return true;
}

/**
 * unaccepted_cond_accept() - Accept memory for an allocation if it has to be
 * @zone: Where it looks for a page.
 * @order: Of what order.
 * @gfp: Its flags.
 * @when: What it found there.
 *
 * Who can wait fills the reserve rather than to take from it. Who cannot is
 * served from it, wakes the worker, and accepts when nothing else is left.
 *
 * Context: Any but NMI.
 * Return: true if there may be a page now.
 */
bool unaccepted_cond_accept(struct zone *zone, unsigned int order, gfp_t gfp,
			    enum accept_when when)
{
	switch (when) {
	case ACCEPT_AHEAD:
		if (!unaccepted_reserve_short(zone))
			return false;
		if (may_wait(gfp))
			return accept_for_alloc(zone, 0, gfp);
		unaccepted_wake_worker(zone_to_nid(zone));
		return false;
	case ACCEPT_FOR_WATERMARK:
		/* What is not accepted counts as free already */
		return false;
	case ACCEPT_FOR_PAGE:
		return accept_for_alloc(zone, order, gfp);
	}
	return false;
}

static void accept_block(struct page *page, enum accept_cause cause)
{
	struct unaccepted_state state;
	struct unaccepted_span span;

	if (!unaccepted_get_state(&state))
		return;
	span = block_span(&state, page, pageblock_order);
	unaccepted_accept_span(&state, span, cause);
	if (!unaccepted_span_pending(&state, span))
		unaccepted_release_block(page);
}

/**
 * unaccepted_accept_next() - Accept memory of a zone that nobody asked for
 * @zone: The zone.
 *
 * Context: Process context.
 * Return: false if there is none left.
 */
bool unaccepted_accept_next(struct zone *zone)
{
	struct page *page;

	if (!unaccepted_in_buddy())
		return try_to_accept_memory_one(zone);
	page = next_block(zone, pageblock_order);
	if (page)
		accept_block(page, ACCEPT_BACKGROUND);
	return page;
}

void __unaccepted_accept_pageblock(struct page *page)
{
	page = pfn_to_page(pageblock_start_pfn(page_to_pfn(page)));
	/* Once it is accepted it is not marked again */
	if (data_race(page_unaccepted(page)))
		accept_block(page, ACCEPT_RANGE);
}

/*
 * The marks against the bitmap.
 */

static bool block_pending(const struct page *page, unsigned int order)
{
	return range_contains_unaccepted_memory(page_to_phys(page),
						PAGE_SIZE << order);
}

struct unaccepted_check {
	unsigned long blocks;
	unsigned long marked;
	unsigned long stale;
	unsigned long missing;
	unsigned long largest_pfn;	/* of a block that begins unaccepted */
	unsigned int largest_order;
};

static void check_free_list(struct list_head *list, unsigned int order,
			    struct unaccepted_check *check)
{
	struct page *page;

	list_for_each_entry(page, list, buddy_list) {
		check->blocks++;
		check->missing += page_unaccepted(page) ||
				  block_pending(page, order);
	}
}

static void check_marked(struct list_head *list, struct unaccepted_check *check)
{
	struct page *page;

	list_for_each_entry(page, list, buddy_list) {
		check->blocks++;
		check->marked++;
		check->stale += !block_pending(page, pageblock_order);
		check->missing += !page_unaccepted(page);
		if (block_pending(page, 0)) {
			check->largest_order = pageblock_order;
			check->largest_pfn = page_to_pfn(page);
		}
	}
}

static void check_zone(struct zone *zone, struct unaccepted_check *check)
{
	unsigned int order, mt;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	for (order = 0; order < NR_PAGE_ORDERS; order++)
		for (mt = 0; mt < MIGRATE_TYPES; mt++)
			check_free_list(&zone->free_area[order].free_list[mt],
					order, check);
	check_marked(&zone->unaccepted_pages, check);
	spin_unlock_irqrestore(&zone->lock, flags);
}

static int unaccepted_check_show(struct seq_file *m, void *private)
{
	struct unaccepted_check check = { };
	struct zone *zone;

	for_each_populated_zone(zone)
		check_zone(zone, &check);
	seq_printf(m, "blocks %lu\nmarked %lu\nstale %lu\nmissing %lu\n",
		   check.blocks, check.marked, check.stale, check.missing);
	if (check.largest_pfn)
		seq_printf(m, "largest_pfn %lu\nlargest_order %u\n",
			   check.largest_pfn, check.largest_order);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(unaccepted_check);

/*
 * Boot.
 */

int __init unaccepted_mode_setup(const char *mode)
{
	int i = match_string(unaccepted_modes, ARRAY_SIZE(unaccepted_modes),
			     mode);

	if (!strcmp(mode, "lazy"))
		i = UNACCEPTED_ON_DEMAND;
	if (i < 0) {
		pr_err("accept_memory=%s is unknown: all is accepted at boot\n",
		       mode);
		i = UNACCEPTED_EAGER;
	}
	unaccepted_mode = i;
	return 0;
}

/* false: The memory waits on the lists of the zones. */
bool __init unaccepted_buddy_init(const struct unaccepted_state *state)
{
	unsigned long unit;

	if (unaccepted_mode == UNACCEPTED_LIST)
		return false;

	static_branch_enable(&unaccepted_buddy_key);
	for_each_and_bit(unit, state->bitmap, state->ours, state->map.nr)
		account_unit(state, unit, 1);
	return true;
}

static int __init unaccepted_check_init(void)
{
	if (unaccepted_in_buddy())
		debugfs_create_file("unaccepted_check", 0400, NULL, NULL,
				    &unaccepted_check_fops);
	return 0;
}
late_initcall(unaccepted_check_init);
