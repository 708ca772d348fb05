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
#include "../page_reporting.h"
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
 * unaccepted_free_new() - Prepare pages that are new to the page allocator
 * @page: The first.
 * @order: Their order. Some of their units, or the guard, are not accepted.
 * @kasan: Tell KASAN that they are free.
 *
 * Where memory is accepted already this does what free_pages_prepare() would
 * have done. The rest has no contents, and gets them when it is accepted.
 *
 * Context: As for __free_pages_core().
 */
void __meminit unaccepted_free_new(struct page *page, unsigned int order,
				   bool kasan)
{
	unsigned long pfn = page_to_pfn(page), end = pfn + (1UL << order);
	struct unaccepted_state state;
	unsigned long next;

	if (kasan)
		kasan_poison_pages(page, order, false);
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
 * What the page allocator asks.
 */

bool __unaccepted_pending(const struct page *page, unsigned int order)
{
	return range_contains_unaccepted_memory(page_to_phys(page),
						PAGE_SIZE << order);
}

void __unaccepted_clear_buddy(struct page *page, unsigned int order)
{
	bool unaccepted = buddy_pending(page, order);

	__ClearPageBuddy(page);
	if (unaccepted)
		__SetPageUnaccepted(page);
}

static unsigned int accept_and_wait(const struct unaccepted_state *state,
				    struct unaccepted_span span, gfp_t gfp)
{
	unsigned long pflags;
	unsigned int units;

	if (!gfpflags_allow_blocking(gfp) || irqs_disabled())
		return unaccepted_accept_span(state, span, ACCEPT_ATOMIC);

	psi_memstall_enter(&pflags);
	units = unaccepted_accept_span(state, span, ACCEPT_ALLOC);
	psi_memstall_leave(&pflags);
	return units;
}

void __unaccepted_accept_page(struct page *page, unsigned int order,
			      gfp_t gfp)
{
	struct unaccepted_state state;
	struct unaccepted_span span;
	unsigned int units;
	u64 begin, ns;

	__ClearPageUnaccepted(page);
	if (!unaccepted_get_state(&state))
		return;
	span = unaccepted_span(&state.map, page_to_phys(page),
			       PAGE_SIZE << order);
	if (!unaccepted_span_pending(&state, span))
		return;

	begin = local_clock();
	units = accept_and_wait(&state, span, gfp);
	ns = local_clock() - begin;
	unaccepted_count_stall(units, ns);
	trace_accept_stall(page_to_pfn(page), order, gfp, units, ns);
}

/**
 * __unaccepted_accept_range() - Accept free pages that are taken as one range
 * @start: First page frame.
 * @end: The one after the last.
 *
 * Context: Process context, may sleep.
 */
void __unaccepted_accept_range(unsigned long start, unsigned long end)
{
	struct unaccepted_span span, one;
	struct unaccepted_state state;

	if (!unaccepted_get_state(&state))
		return;
	span = unaccepted_span(&state.map, PFN_PHYS(start),
			       PFN_PHYS(end - start));
	one.guard = span.guard;
	for (one.first = span.first; one.first < span.end; one.first++) {
		one.end = one.first + 1;
		unaccepted_accept_span(&state, one, ACCEPT_RANGE);
		cond_resched();
	}
}

/*
 * The marks against the bitmap.
 */

struct unaccepted_check {
	unsigned long blocks;
	unsigned long marked;
	unsigned long stale;
	unsigned long missing;
	unsigned long reported;		/* to the host, which never gave it */
	unsigned long largest_pfn;	/* of a block that begins unaccepted */
	unsigned int largest_order;
};

static void check_block(struct page *page, unsigned int order,
			struct unaccepted_check *check)
{
	bool marked = buddy_unaccepted(page);
	bool pending = __unaccepted_pending(page, order);

	check->blocks++;
	check->marked += marked;
	check->stale += marked && !pending;
	check->missing += pending && !marked;
	check->reported += pending && page_reported(page);
	if (marked && order >= check->largest_order &&
	    __unaccepted_pending(page, 0)) {
		check->largest_order = order;
		check->largest_pfn = page_to_pfn(page);
	}
}

static void check_zone(struct zone *zone, struct unaccepted_check *check)
{
	unsigned int order, mt;
	unsigned long flags;
	struct page *page;

	spin_lock_irqsave(&zone->lock, flags);
	for (order = 0; order < NR_PAGE_ORDERS; order++)
		for (mt = 0; mt < MIGRATE_TYPES; mt++)
			list_for_each_entry(page,
					    &zone->free_area[order].free_list[mt],
					    buddy_list)
				check_block(page, order, check);
	spin_unlock_irqrestore(&zone->lock, flags);
}

static int unaccepted_check_show(struct seq_file *m, void *private)
{
	struct unaccepted_check check = { };
	struct zone *zone;

	for_each_populated_zone(zone)
		check_zone(zone, &check);
	seq_printf(m, "blocks %lu\nmarked %lu\nstale %lu\nmissing %lu\nreported %lu\n",
		   check.blocks, check.marked, check.stale, check.missing,
		   check.reported);
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
