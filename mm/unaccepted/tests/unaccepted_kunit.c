// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for accepting memory unit by unit.
 *
 * They bring a table of their own and stand in for the platform, which notes
 * what it was asked for, so they run on any machine. Arithmetic alone is
 * tested in user space, see tools/testing/unaccepted; the marks in the buddy
 * with the simulated platform, see tools/testing/selftests/mm, and here for
 * what user space cannot provoke.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>

#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/efi.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../../internal.h"
#include "../buddy.h"
#include "../unaccepted.h"

#define NR_UNITS	256
#define UNIT		SZ_2M
#define BASE		(64ULL * SZ_1G)	/* never touched */
#define NR_TASKS	4

struct fixture {
	struct unaccepted_state state;
	DECLARE_BITMAP(bitmap, NR_UNITS);
	DECLARE_BITMAP(busy, NR_UNITS);
	DECLARE_BITMAP(ours, NR_UNITS);
	atomic_t accepted[NR_UNITS];
	atomic_t wrong;
	unsigned int slow_us;
	struct hrtimer holder;
};

/* The test's own allocations, or an interrupt's, have to do with a real table */
static void really_accept(struct kunit *test,
			  const struct unaccepted_state *state,
			  unsigned long unit, enum accept_cause cause,
			  bool guard)
{
	current->kunit_test = NULL;
	unaccepted_platform_accept(state, unit, cause, guard);
	current->kunit_test = test;
}

/* The platform: what it must see, and nothing else. */
static void note_accept(const struct unaccepted_state *state,
			unsigned long unit, enum accept_cause cause, bool guard)
{
	struct kunit *test = kunit_get_current_test();
	struct fixture *f = test->priv;

	if (state->bitmap != f->bitmap) {
		really_accept(test, state, unit, cause, guard);
		return;
	}
	atomic_inc(&f->accepted[unit]);
	if (!irqs_disabled() || !test_bit(unit, f->bitmap) ||
	    (state->busy && !test_bit(unit, f->busy)))
		atomic_inc(&f->wrong);
	if (f->slow_us)
		udelay(f->slow_us);
}

static int setup(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->state.map.base = BASE;
	f->state.map.shift = __ffs(UNIT);
	f->state.map.nr = NR_UNITS;
	f->state.bitmap = f->bitmap;
	f->state.busy = f->busy;
	f->state.ours = f->ours;
	bitmap_fill(f->ours, NR_UNITS);
	test->priv = f;
	kunit_activate_static_stub(test, unaccepted_platform_accept,
				   note_accept);
	return 0;
}

static struct unaccepted_span span(unsigned long first, unsigned long end)
{
	return (struct unaccepted_span) {
		.first = first, .end = end, .guard = end,
	};
}

/* Each unit that was not accepted once, the others not at all. */
static void expect_accepted(struct kunit *test, unsigned long first,
			    unsigned long end, const unsigned long *before)
{
	struct fixture *f = test->priv;
	unsigned long i;

	for (i = 0; i < NR_UNITS; i++) {
		bool in = i >= first && i < end && test_bit(i, before);

		KUNIT_EXPECT_EQ(test, atomic_read(&f->accepted[i]), in);
		KUNIT_EXPECT_EQ(test, test_bit(i, f->bitmap),
				test_bit(i, before) && !in);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&f->wrong), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(f->busy, NR_UNITS));
}

static void test_all(struct kunit *test)
{
	struct fixture *f = test->priv;
	DECLARE_BITMAP(before, NR_UNITS);
	unsigned int nr;

	bitmap_fill(f->bitmap, NR_UNITS);
	bitmap_fill(before, NR_UNITS);
	nr = unaccepted_accept_span(&f->state, span(0, NR_UNITS), ACCEPT_RANGE);
	KUNIT_EXPECT_EQ(test, nr, NR_UNITS);
	KUNIT_EXPECT_FALSE(test, irqs_disabled());
	expect_accepted(test, 0, NR_UNITS, before);
}

static void test_some(struct kunit *test)
{
	struct fixture *f = test->priv;
	DECLARE_BITMAP(before, NR_UNITS);
	unsigned long i;
	unsigned int nr;

	for (i = 0; i < NR_UNITS; i += 3)
		set_bit(i, f->bitmap);
	bitmap_copy(before, f->bitmap, NR_UNITS);
	nr = unaccepted_accept_span(&f->state, span(31, 97), ACCEPT_RANGE);
	KUNIT_EXPECT_EQ(test, nr, 22);
	expect_accepted(test, 31, 97, before);
}

static void test_never_twice(struct kunit *test)
{
	struct fixture *f = test->priv;
	DECLARE_BITMAP(before, NR_UNITS);

	bitmap_fill(f->bitmap, NR_UNITS);
	bitmap_fill(before, NR_UNITS);
	unaccepted_accept_span(&f->state, span(10, 20), ACCEPT_RANGE);
	KUNIT_EXPECT_EQ(test, unaccepted_accept_span(&f->state, span(10, 20),
						     ACCEPT_RANGE), 0);
	expect_accepted(test, 10, 20, before);
}

/* Before there is a second bitmap there is one CPU. */
static void test_boot(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long i;

	f->state.busy = NULL;
	bitmap_fill(f->bitmap, NR_UNITS);
	unaccepted_accept_span(&f->state, span(0, 4), ACCEPT_BOOT);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, atomic_read(&f->accepted[i]), i < 4);
}

static void test_pending(struct kunit *test)
{
	struct fixture *f = test->priv;

	set_bit(7, f->bitmap);
	KUNIT_EXPECT_FALSE(test, unaccepted_span_pending(&f->state,
							 span(0, 7)));
	KUNIT_EXPECT_TRUE(test, unaccepted_span_pending(&f->state, span(0, 8)));
	KUNIT_EXPECT_TRUE(test, unaccepted_span_pending(&f->state, span(7, 8)));
	KUNIT_EXPECT_FALSE(test, unaccepted_span_pending(&f->state,
							 span(8, NR_UNITS)));
	KUNIT_EXPECT_FALSE(test, unaccepted_span_pending(&f->state,
							 span(7, 7)));
}

/*
 * Several tasks want the same units at the same time. Who returns may use
 * all of them, so none may be left to anybody.
 */

struct racer {
	struct kunit *test;
	struct completion *go;
	struct completion done;
	unsigned int nr;
	bool left;
};

static int race(void *data)
{
	struct racer *racer = data;
	struct fixture *f = racer->test->priv;

	current->kunit_test = racer->test;
	wait_for_completion(racer->go);
	racer->nr = unaccepted_accept_span(&f->state, span(0, NR_UNITS),
					   ACCEPT_RANGE);
	racer->left = unaccepted_span_pending(&f->state, span(0, NR_UNITS));
	current->kunit_test = NULL;
	complete(&racer->done);
	return 0;
}

static void run_race(struct kunit *test, unsigned int slow_us)
{
	struct racer racers[NR_TASKS] = { };
	struct fixture *f = test->priv;
	DECLARE_BITMAP(before, NR_UNITS);
	DECLARE_COMPLETION_ONSTACK(go);
	struct task_struct *task;
	unsigned int i, sum = 0;

	f->slow_us = slow_us;
	memset(f->accepted, 0, sizeof(f->accepted));
	bitmap_fill(f->bitmap, NR_UNITS);
	bitmap_fill(before, NR_UNITS);
	for (i = 0; i < NR_TASKS; i++) {
		racers[i].test = test;
		racers[i].go = &go;
		init_completion(&racers[i].done);
		task = kthread_run(race, &racers[i], "unaccepted_race");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	}
	complete_all(&go);
	for (i = 0; i < NR_TASKS; i++) {
		wait_for_completion(&racers[i].done);
		KUNIT_EXPECT_FALSE(test, racers[i].left);
		sum += racers[i].nr;
	}
	KUNIT_EXPECT_EQ(test, sum, NR_UNITS);
	expect_accepted(test, 0, NR_UNITS, before);
}

/* Slow, so that they find units claimed, and fast, just not claimed any more */
static void test_race(struct kunit *test)
{
	unsigned int i;

	run_race(test, 20);
	for (i = 0; i < 100; i++)
		run_race(test, 0);
}

/* Who finds a unit in somebody's hands waits until it can be used. */
static enum hrtimer_restart finish(struct hrtimer *timer)
{
	struct fixture *f = container_of(timer, struct fixture, holder);

	clear_bit(3, f->bitmap);
	clear_bit_unlock(3, f->busy);
	return HRTIMER_NORESTART;
}

/*
 * Unit 3 is in the hands of an interrupt, for @ms. A task is no stand-in:
 * the kernel's own holder cannot be preempted, and who waits relies on that.
 */
static void hold(struct fixture *f, unsigned int ms)
{
	set_bit(3, f->bitmap);
	set_bit(3, f->busy);
	hrtimer_init(&f->holder, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	f->holder.function = finish;
	hrtimer_start(&f->holder, ms_to_ktime(ms), HRTIMER_MODE_REL_HARD);
}

static void test_wait(struct kunit *test)
{
	struct fixture *f = test->priv;

	hold(f, 50);
	KUNIT_EXPECT_EQ(test, unaccepted_accept_span(&f->state, span(0, 8),
						     ACCEPT_RANGE), 0);
	KUNIT_EXPECT_FALSE(test, unaccepted_span_pending(&f->state,
							 span(0, 8)));
	KUNIT_EXPECT_EQ(test, atomic_read(&f->accepted[3]), 0);
	hrtimer_cancel(&f->holder);
}

/* Several that accept ahead of need do not wait for each other's units. */
static void test_some_busy(struct kunit *test)
{
	struct fixture *f = test->priv;
	DECLARE_BITMAP(before, NR_UNITS);

	bitmap_fill(f->bitmap, NR_UNITS);
	hold(f, 5000);
	KUNIT_EXPECT_TRUE(test, unaccepted_accept_some(&f->state, span(0, 8),
						       4));
	/* Who waits all the same is let go by the timer */
	KUNIT_EXPECT_TRUE(test, hrtimer_cancel(&f->holder));
	finish(&f->holder);

	bitmap_fill(before, NR_UNITS);
	clear_bit(3, before);
	expect_accepted(test, 0, 5, before);
	KUNIT_EXPECT_FALSE(test, unaccepted_accept_some(&f->state, span(0, 8),
							4));
	expect_accepted(test, 0, 8, before);
}

/* What the table names beyond this kernel's memory is not for it to accept. */
static void test_some_ours(struct kunit *test)
{
	struct fixture *f = test->priv;
	DECLARE_BITMAP(before, NR_UNITS);

	bitmap_fill(f->bitmap, NR_UNITS);
	bitmap_clear(f->ours, 4, 8);
	bitmap_fill(before, NR_UNITS);
	KUNIT_EXPECT_FALSE(test, unaccepted_accept_some(&f->state, span(2, 14),
							NR_UNITS));
	KUNIT_EXPECT_EQ(test, find_next_zero_bit(f->bitmap, 12, 4), 12);
	bitmap_clear(before, 4, 8);
	bitmap_clear(f->bitmap, 4, 8);
	expect_accepted(test, 2, 14, before);
}

static struct kunit_case unaccepted_cases[] = {
	KUNIT_CASE(test_all),
	KUNIT_CASE(test_some),
	KUNIT_CASE(test_never_twice),
	KUNIT_CASE(test_boot),
	KUNIT_CASE(test_pending),
	KUNIT_CASE(test_race),
	KUNIT_CASE(test_wait),
	KUNIT_CASE(test_some_busy),
	KUNIT_CASE(test_some_ours),
	{ }
};

static struct kunit_suite unaccepted_suite = {
	.name = "unaccepted",
	.init = setup,
	.test_cases = unaccepted_cases,
};

kunit_test_suite(unaccepted_suite);

/*
 * The buddy of a machine that has unaccepted memory.
 */

static int need_buddy(struct kunit *test)
{
	if (!unaccepted_in_buddy())
		kunit_skip(test, "no unaccepted memory");
	return 0;
}

/* Is this a free block of the highest order that is not accepted? */
static bool is_whole(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && buddy_unaccepted(page) &&
	       buddy_order(page) == MAX_PAGE_ORDER;
}

/* Such blocks, next to each other and aligned to their number. */
static struct page *find_blocks(struct kunit *test, unsigned int nr)
{
	struct unaccepted_state state;
	unsigned long unit, pfn;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, unaccepted_get_state(&state));
	for_each_and_bit(unit, state.bitmap, state.ours, state.map.nr) {
		pfn = PHYS_PFN(unaccepted_unit_start(&state, unit));
		if (!IS_ALIGNED(pfn, nr * MAX_ORDER_NR_PAGES))
			continue;
		for (i = 0; i < nr; i++)
			if (!is_whole(pfn + i * MAX_ORDER_NR_PAGES))
				break;
		if (i == nr)
			return pfn_to_page(pfn);
	}
	kunit_skip(test, "no free blocks of the highest order are left");
}

/* One of two pageblocks. */
static struct page *find_pair(struct kunit *test)
{
	if (pageblock_order != MAX_PAGE_ORDER - 1)
		kunit_skip(test, "a block is no pair of pageblocks");
	return find_blocks(test, 1);
}

/* Of a block that is taken in part the rest has a mark where it needs one. */
static void test_taken_in_part(struct kunit *test)
{
	struct page *page = find_pair(test);
	struct page *rest = page + pageblock_nr_pages;
	unsigned long pfn = page_to_pfn(page);

	KUNIT_ASSERT_EQ(test, alloc_contig_range(pfn, pfn + pageblock_nr_pages,
						 MIGRATE_MOVABLE, GFP_KERNEL),
			0);
	KUNIT_EXPECT_FALSE(test, __unaccepted_pending(page, pageblock_order));
	KUNIT_EXPECT_TRUE(test, PageBuddy(rest));
	KUNIT_EXPECT_EQ(test, buddy_unaccepted(rest),
			__unaccepted_pending(rest, pageblock_order));
	free_contig_range(pfn, pageblock_nr_pages);
}

/* What is accepted, and freed beside what is not, becomes a marked block. */
static void test_merged(struct kunit *test)
{
	struct page *page = find_pair(test);
	unsigned long half = page_to_pfn(page) + pageblock_nr_pages;

	if (!__unaccepted_pending(page, 0))
		kunit_skip(test, "accepted as the guard of another block");
	KUNIT_ASSERT_EQ(test, alloc_contig_range(half, half + pageblock_nr_pages,
						 MIGRATE_MOVABLE, GFP_KERNEL),
			0);
	KUNIT_EXPECT_TRUE(test, buddy_unaccepted(page));
	free_contig_range(half, pageblock_nr_pages);
	drain_all_pages(NULL);
	if (buddy_order(page) != MAX_PAGE_ORDER)
		kunit_skip(test, "somebody else took a part of it");
	KUNIT_EXPECT_TRUE(test, buddy_unaccepted(page));
}

/* One large folio of several blocks: the first has no mark, another one has. */
static void test_contiguous(struct kunit *test)
{
	struct page *page = find_blocks(test, 2);
	unsigned long pfn = page_to_pfn(page), nr = MAX_ORDER_NR_PAGES;

	KUNIT_ASSERT_EQ(test, alloc_contig_range(pfn, pfn + nr, MIGRATE_MOVABLE,
						 GFP_KERNEL), 0);
	free_contig_range(pfn, nr);
	KUNIT_ASSERT_EQ(test, alloc_contig_range(pfn, pfn + 2 * nr,
						 MIGRATE_MOVABLE,
						 GFP_KERNEL | __GFP_COMP), 0);
	/* A broken kernel keeps it: it would not do to be used by anybody */
	KUNIT_ASSERT_FALSE(test, __unaccepted_pending(page,
						      MAX_PAGE_ORDER + 1));
	folio_put(page_folio(page));
}

static unsigned long units_left(struct kunit *test)
{
	struct unaccepted_state state;

	KUNIT_ASSERT_TRUE(test, unaccepted_get_state(&state));
	return bitmap_weight(state.bitmap, state.map.nr);
}

static void put_folios(struct list_head *folios)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, folios, lru)
		folio_put(folio);
	INIT_LIST_HEAD(folios);
}

/*
 * Pages by the list: accepted ones come first, so it takes all of these and
 * more. Nobody else asks in this way for what is not charged.
 */
static void test_bulk(struct kunit *test)
{
	unsigned long units = units_left(test), pending = 0;
	struct page *page;
	LIST_HEAD(pages);

	while (units_left(test) + 4 > units) {
		LIST_HEAD(some);

		if (!alloc_pages_bulk_list(GFP_NOWAIT, 256, &some))
			break;
		list_for_each_entry(page, &some, lru)
			if (page_awaits_accept(page) ||
			    __unaccepted_pending(page, 0))
				pending++;
		list_splice(&some, &pages);
		if (pending)
			break;
		cond_resched();
	}
	/* A broken kernel keeps them: they would not do to be used by anybody */
	KUNIT_ASSERT_EQ(test, pending, 0);
	put_folios(&pages);
	if (units_left(test) == units)
		kunit_skip(test, "all free memory is accepted");
}

static unsigned long atomic_units(struct kunit *test)
{
	unsigned long *events = kunit_kcalloc(test, NR_VM_EVENT_ITEMS,
					      sizeof(*events), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, events);
	all_vm_events(events);
	return events[ACCEPT_UNITS_ATOMIC];
}

/* But for others who cannot wait, and may have asked for more than a page */
static void expect_none_atomic(struct kunit *test, unsigned long before)
{
	KUNIT_EXPECT_LE(test, atomic_units(test), before + 2);
}

/* Where little is left to accept, all else may be used up before that */
static struct folio *alloc_some(gfp_t gfp, unsigned int order)
{
	return folio_alloc(gfp | __GFP_NORETRY | __GFP_NOWARN, order);
}

/* Allocates until it gets what has to be accepted. */
static void use_up(struct kunit *test, gfp_t gfp, unsigned int order,
		   struct list_head *folios)
{
	unsigned long units = units_left(test);
	struct folio *folio;

	while (units_left(test) == units) {
		folio = alloc_some(gfp, order);
		if (!folio)
			break;
		list_add(&folio->lru, folios);
		cond_resched();
	}
}

#define NR_BLOCKS	64

/*
 * All that is accepted is in use, but for movable blocks of @order whose
 * buddies are. Who cannot wait gets these, though there are larger ones.
 * Returns of how many pages in a hundred the pageblock kept its type.
 */
static unsigned int allocate_atomic(struct kunit *test, unsigned int order)
{
	unsigned int movable, i, nr, free = 0, foreign = 0;
	unsigned long before;
	struct folio *folio;
	LIST_HEAD(freed);
	LIST_HEAD(used);

	find_blocks(test, 1);
	/* The lists of the CPUs may have some of either kind. */
	drain_all_pages(NULL);
	use_up(test, GFP_KERNEL, 0, &used);
	for (movable = MAX_PAGE_ORDER; movable > order; movable--)
		use_up(test, GFP_KERNEL | __GFP_MOVABLE, movable, &used);
	for (i = 0; i < NR_BLOCKS; i++) {
		folio = alloc_some(GFP_KERNEL | __GFP_MOVABLE, order);
		if (!folio)
			break;
		if (folio_pfn(folio) & (1UL << order)) {
			list_add(&folio->lru, &freed);
			free += 1U << order;
		} else {
			list_add(&folio->lru, &used);
		}
	}
	put_folios(&freed);
	drain_all_pages(NULL);

	before = atomic_units(test);
	for (nr = 0; nr < free / 2; nr++) {
		folio = folio_alloc(GFP_ATOMIC, 0);
		if (!folio)
			break;
		foreign += get_pageblock_migratetype(&folio->page) !=
			   MIGRATE_UNMOVABLE;
		list_add(&folio->lru, &used);
	}
	KUNIT_EXPECT_GT(test, nr, 0);
	expect_none_atomic(test, before);

	put_folios(&used);
	return nr ? foreign * 100 / nr : 0;
}

/* Whole pageblocks change their type: what is freed comes back there. */
static void test_atomic_claims(struct kunit *test)
{
	KUNIT_EXPECT_LT(test, allocate_atomic(test, pageblock_order), 10);
}

/* With less than that to be had types are mixed rather than memory accepted. */
static void test_atomic_steals(struct kunit *test)
{
	allocate_atomic(test, pageblock_order - 1);
}

static struct kunit_case buddy_cases[] = {
	KUNIT_CASE(test_taken_in_part),
	KUNIT_CASE(test_merged),
	KUNIT_CASE(test_contiguous),
	KUNIT_CASE(test_atomic_claims),
	KUNIT_CASE(test_atomic_steals),
	KUNIT_CASE(test_bulk),
	{ }
};

static struct kunit_suite unaccepted_buddy_suite = {
	.name = "unaccepted_buddy",
	.init = need_buddy,
	.test_cases = buddy_cases,
};

kunit_test_suite(unaccepted_buddy_suite);

/*
 * Where some nodes have accepted memory and others have not.
 */

static unsigned long node_pages(int nid, bool accepted)
{
	unsigned long free = sum_zone_node_page_state(nid, NR_FREE_PAGES);
	unsigned long not = sum_zone_node_page_state(nid, NR_UNACCEPTED);

	return accepted ? free - min(free, not) : not;
}

static int node_with(struct kunit *test, bool accepted, int but)
{
	int nid;

	for_each_node_state(nid, N_MEMORY)
		if (nid != but && node_pages(nid, accepted) > SZ_64M / PAGE_SIZE)
			return nid;
	kunit_skip(test, "no node has so much memory that is%s accepted",
		   accepted ? "" : " not");
	return NUMA_NO_NODE;
}

/* Who cannot wait goes to another node rather than accept memory. */
static void test_atomic_elsewhere(struct kunit *test)
{
	int nid = node_with(test, false, NUMA_NO_NODE);
	unsigned long before = atomic_units(test);
	unsigned int nr, there = 0;
	struct folio *folio;
	LIST_HEAD(used);

	node_with(test, true, nid);
	for (nr = 0; nr < SZ_32M / PAGE_SIZE; nr++) {
		folio = __folio_alloc_node(GFP_ATOMIC, 0, nid);
		if (!folio)
			break;
		there += folio_nid(folio) != nid;
		list_add(&folio->lru, &used);
	}
	KUNIT_EXPECT_GT(test, there, 0);
	expect_none_atomic(test, before);
	put_folios(&used);
}

static struct kunit_case nodes_cases[] = {
	KUNIT_CASE(test_atomic_elsewhere),
	{ }
};

static struct kunit_suite unaccepted_nodes_suite = {
	.name = "unaccepted_nodes",
	.init = need_buddy,
	.test_cases = nodes_cases,
};

kunit_test_suite(unaccepted_nodes_suite);

/*
 * What the firmware may bring.
 */

static const struct efi_unaccepted_memory good __initconst = {
	.version = 1, .unit_size = SZ_2M, .phys_base = SZ_1G, .size = 64,
};

static void __init test_table(struct kunit *test)
{
	struct efi_unaccepted_memory table = good;

	KUNIT_EXPECT_TRUE(test, unaccepted_table_usable(&table));
	table.version = 2;
	KUNIT_EXPECT_FALSE(test, unaccepted_table_usable(&table));
	table = good;
	table.unit_size = SZ_2M - 1;
	KUNIT_EXPECT_FALSE(test, unaccepted_table_usable(&table));
	table.unit_size = PAGE_SIZE / 2;
	KUNIT_EXPECT_FALSE(test, unaccepted_table_usable(&table));
	table.unit_size = 0;
	KUNIT_EXPECT_FALSE(test, unaccepted_table_usable(&table));
	table = good;
	table.phys_base += PAGE_SIZE;
	KUNIT_EXPECT_FALSE(test, unaccepted_table_usable(&table));
	table = good;
	table.size = 0;
	KUNIT_EXPECT_FALSE(test, unaccepted_table_usable(&table));
	table.size = U64_MAX / SZ_2M;
	KUNIT_EXPECT_FALSE(test, unaccepted_table_usable(&table));
}

static struct kunit_case __refdata table_cases[] = {
	KUNIT_CASE(test_table),
	{ }
};

static struct kunit_suite unaccepted_table_suite = {
	.name = "unaccepted_table",
	.test_cases = table_cases,
};
kunit_test_init_section_suite(unaccepted_table_suite);

MODULE_DESCRIPTION("KUnit tests for accepting memory");
MODULE_LICENSE("GPL");
