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
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/panic.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/stringhash.h>

#include <asm/unaccepted_sim.h>

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
	atomic_t counted;
	atomic_t wrong;
	unsigned int slow_us;
	struct hrtimer holder;
};

/* The test's own allocations, or an interrupt's, have to do with a real table */
static void really_accept(struct kunit *test,
			  const struct unaccepted_state *state,
			  unsigned long unit)
{
	current->kunit_test = NULL;
	unaccepted_platform_accept(state, unit);
	current->kunit_test = test;
}

static void really_count(struct kunit *test,
			 const struct unaccepted_state *state,
			 unsigned long unit, enum accept_cause cause,
			 bool guard, u64 ns)
{
	current->kunit_test = NULL;
	unaccepted_count_unit(state, unit, cause, guard, ns);
	current->kunit_test = test;
}

/*
 * Who counts may be somebody's tracepoint, which takes memory: nothing may be
 * claimed then, and interrupts are as the caller had them.
 */
static void note_count(const struct unaccepted_state *state, unsigned long unit,
		       enum accept_cause cause, bool guard, u64 ns)
{
	struct kunit *test = kunit_get_current_test();
	struct fixture *f = test->priv;

	if (state->bitmap != f->bitmap) {
		really_count(test, state, unit, cause, guard, ns);
		return;
	}
	atomic_inc(&f->counted);
	if (irqs_disabled() || test_bit(unit, f->bitmap))
		atomic_inc(&f->wrong);
}

/* The platform: what it must see, and nothing else. */
static void note_accept(const struct unaccepted_state *state,
			unsigned long unit)
{
	struct kunit *test = kunit_get_current_test();
	struct fixture *f = test->priv;

	if (state->bitmap != f->bitmap) {
		really_accept(test, state, unit);
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
	kunit_activate_static_stub(test, unaccepted_count_unit, note_count);
	return 0;
}

static struct unaccepted_span span(unsigned long first, unsigned long end)
{
	return (struct unaccepted_span) {
		.first = first, .end = end, .guard = end,
	};
}

static int accepted_units(const struct fixture *f)
{
	unsigned int i;
	int sum = 0;

	for (i = 0; i < NR_UNITS; i++)
		sum += atomic_read(&f->accepted[i]);
	return sum;
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
	KUNIT_EXPECT_EQ(test, atomic_read(&f->counted),
			accepted_units(f));
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
	atomic_set(&f->counted, 0);
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

/* As a CPU that panics, for which all others have stopped. */
static unsigned int accept_in_panic(struct fixture *f)
{
	unsigned int units;

	preempt_disable();
	atomic_set(&panic_cpu, raw_smp_processor_id());
	units = unaccepted_accept_span(&f->state, span(0, 8), ACCEPT_RANGE);
	atomic_set(&panic_cpu, PANIC_CPU_INVALID);
	preempt_enable();
	return units;
}

/* The CPU that has claimed a unit never comes back. */
static void test_panic(struct kunit *test)
{
	struct fixture *f = test->priv;

	bitmap_fill(f->bitmap, 8);
	set_bit(3, f->busy);
	KUNIT_EXPECT_EQ(test, accept_in_panic(f), 7);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->accepted[3]), 0);
	KUNIT_EXPECT_TRUE(test, unaccepted_span_pending(&f->state,
							span(0, 8)));
	clear_bit(3, f->busy);
}

static struct kunit_case unaccepted_cases[] = {
	KUNIT_CASE(test_all),
	KUNIT_CASE(test_some),
	KUNIT_CASE(test_never_twice),
	KUNIT_CASE(test_boot),
	KUNIT_CASE(test_pending),
	KUNIT_CASE(test_race),
	KUNIT_CASE(test_wait),
	KUNIT_CASE(test_panic),
	{ }
};

static struct kunit_suite unaccepted_suite = {
	.name = "unaccepted",
	.init = setup,
	.test_cases = unaccepted_cases,
};

kunit_test_suite(unaccepted_suite);

/*
 * The buddy of a machine that has unaccepted memory. There is no reserve until
 * init starts, so that no test depends on it but those that set one.
 */

static int need_buddy(struct kunit *test)
{
	if (!unaccepted_in_buddy())
		kunit_skip(test, "no unaccepted memory");
	return 0;
}

static bool pending(const struct page *page, unsigned long nr)
{
	return range_contains_unaccepted_memory(page_to_phys(page),
						nr * PAGE_SIZE);
}

/* Marked blocks next to each other and aligned to their number. */
static struct page *find_blocks(struct kunit *test, unsigned int nr)
{
	struct unaccepted_state state;
	unsigned long unit, pfn;
	struct page *page;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, unaccepted_get_state(&state));
	for_each_and_bit(unit, state.bitmap, state.ours, state.map.nr) {
		pfn = PHYS_PFN(unaccepted_unit_start(&state, unit));
		if (!IS_ALIGNED(pfn, nr * pageblock_nr_pages))
			continue;
		for (i = 0; i < nr; i++) {
			page = pfn_to_online_page(pfn + i * pageblock_nr_pages);
			if (!page || !page_unaccepted(page) || !pending(page, 1))
				break;
		}
		if (i == nr)
			return pfn_to_page(pfn);
	}
	kunit_skip(test, "too few free blocks are left to accept");
}

static int take_range(struct page *page, unsigned long nr, gfp_t gfp)
{
	unsigned long pfn = page_to_pfn(page);

	return alloc_contig_range(pfn, pfn + nr, MIGRATE_MOVABLE,
				  GFP_KERNEL | gfp);
}

/*
 * Who takes a block by its address gets it accepted, and no other: it does not
 * merge with a marked one beside it when it is freed.
 */
static void test_taken_by_address(struct kunit *test)
{
	struct page *page = find_blocks(test, 2);
	struct page *second = page + pageblock_nr_pages;

	KUNIT_ASSERT_EQ(test, take_range(second, pageblock_nr_pages, 0), 0);
	KUNIT_EXPECT_FALSE(test, pending(second, pageblock_nr_pages));
	KUNIT_EXPECT_FALSE(test, page_unaccepted(second));
	free_contig_range(page_to_pfn(second), pageblock_nr_pages);
	drain_all_pages(NULL);
	KUNIT_EXPECT_TRUE(test, page_unaccepted(page));
	KUNIT_EXPECT_TRUE(test, pending(page, 1));
	KUNIT_EXPECT_EQ(test, buddy_order(page), pageblock_order);
}

/* One large folio of several blocks: the first is accepted, others are not. */
static void test_contiguous(struct kunit *test)
{
	unsigned long nr = pageblock_nr_pages;
	struct page *page = find_blocks(test, 4);

	KUNIT_ASSERT_EQ(test, take_range(page, nr, 0), 0);
	free_contig_range(page_to_pfn(page), nr);
	KUNIT_ASSERT_EQ(test, take_range(page, 4 * nr, __GFP_COMP), 0);
	/* A broken kernel keeps it: it would not do to be used by anybody */
	KUNIT_ASSERT_FALSE(test, pending(page, 4 * nr));
	folio_put(page_folio(page));
}

/*
 * A name at the end of accepted memory is read a word at a time, and the word
 * goes on in the next unit. Here it does, although nobody would put a name
 * there: the page is free. The platform reports what a guard has to prevent.
 */
static void test_read_ahead(struct kunit *test)
{
	struct page *page = find_blocks(test, 2);
	const char *end = page_address(page + pageblock_nr_pages);
	long before = unaccepted_sim_zeropads();
	unsigned int hash;

	__unaccepted_accept_pageblock(page);
	KUNIT_EXPECT_FALSE(test, pending(page, pageblock_nr_pages));
	hash = full_name_hash(NULL, end - 3, 3);
	OPTIMIZER_HIDE_VAR(hash);
	KUNIT_EXPECT_EQ(test, unaccepted_sim_zeropads(), before);
}

static unsigned long units_left(struct kunit *test)
{
	struct unaccepted_state state;

	KUNIT_ASSERT_TRUE(test, unaccepted_get_state(&state));
	return unaccepted_units_left(&state);
}

static void put_folios(struct list_head *folios)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, folios, lru)
		folio_put(folio);
	INIT_LIST_HEAD(folios);
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

#define NR_HUGE	16

/*
 * Blocks are accepted from the highest address on, so that none needs a guard:
 * as much is accepted as is used. Some more is for others meanwhile.
 */
static void test_no_guards(struct kunit *test)
{
	unsigned long units, nr = 0;
	struct folio *folio;
	LIST_HEAD(used);

	find_blocks(test, 1);
	use_up(test, GFP_HIGHUSER_MOVABLE, pageblock_order, &used);
	units = units_left(test);
	if (units < 4 * NR_HUGE)
		kunit_skip(test, "too little is left to accept");
	while (nr < NR_HUGE) {
		folio = alloc_some(GFP_HIGHUSER_MOVABLE, pageblock_order);
		if (!folio)
			break;
		KUNIT_EXPECT_FALSE(test, pending(&folio->page,
						 pageblock_nr_pages));
		list_add(&folio->lru, &used);
		nr++;
	}
	KUNIT_EXPECT_EQ(test, nr, NR_HUGE);
	KUNIT_EXPECT_LE(test, units - units_left(test),
			NR_HUGE + NR_HUGE / 4);
	put_folios(&used);
}

/* What needs two marked blocks gets two that are next to each other. */
static void test_highest_order(struct kunit *test)
{
	unsigned long nr = MAX_ORDER_NR_PAGES;
	struct folio *folio;
	LIST_HEAD(used);

	find_blocks(test, nr / pageblock_nr_pages);
	use_up(test, GFP_KERNEL, MAX_PAGE_ORDER, &used);
	folio = list_first_entry(&used, struct folio, lru);
	KUNIT_EXPECT_EQ(test, folio_order(folio), MAX_PAGE_ORDER);
	KUNIT_EXPECT_FALSE(test, pending(&folio->page, nr));
	put_folios(&used);
}

/*
 * Pages by the list: accepted ones come first, so it takes all of these and
 * more. Nobody else asks in this way for what is not charged.
 */
static void test_bulk(struct kunit *test)
{
	unsigned long units = units_left(test), wrong = 0;
	struct page *page;
	LIST_HEAD(pages);

	while (units_left(test) + 4 > units) {
		LIST_HEAD(some);

		if (!alloc_pages_bulk_list(GFP_NOWAIT, 256, &some))
			break;
		list_for_each_entry(page, &some, lru)
			wrong += pending(page, 1);
		list_splice(&some, &pages);
		if (wrong)
			break;
		cond_resched();
	}
	/* A broken kernel keeps them: they would not do to be used by anybody */
	KUNIT_ASSERT_EQ(test, wrong, 0);
	put_folios(&pages);
	if (units_left(test) == units)
		kunit_skip(test, "all free memory is accepted");
}

/*
 * All of what is accepted is in use, but for small pieces of movable
 * pageblocks: more is accepted rather than to break up these.
 */
static void test_types_kept(struct kunit *test)
{
	unsigned int i, nr, foreign = 0;
	struct folio *folio, *next;
	LIST_HEAD(movable);
	LIST_HEAD(used);

	find_blocks(test, 8);
	use_up(test, GFP_HIGHUSER_MOVABLE, pageblock_order - 1, &movable);
	use_up(test, GFP_HIGHUSER_MOVABLE, pageblock_order - 1, &movable);
	i = 0;
	list_for_each_entry_safe(folio, next, &movable, lru)
		if (i++ % 2)
			list_move(&folio->lru, &used);
	put_folios(&movable);
	drain_all_pages(NULL);

	for (nr = 0; nr < SZ_8M >> (PAGE_SHIFT + 4); nr++) {
		folio = alloc_some(GFP_KERNEL, 4);
		if (!folio)
			break;
		foreign += get_pageblock_migratetype(&folio->page) !=
			   MIGRATE_UNMOVABLE;
		list_add(&folio->lru, &used);
	}
	put_folios(&used);
	KUNIT_EXPECT_GT(test, nr, 0);
	KUNIT_EXPECT_EQ(test, foreign, 0);
}

/*
 * The reserve.
 */

/* Claims the block that is accepted next, as a CPU that has stopped since. */
static struct page *claim_next(struct zone *zone, unsigned long *busy_unit)
{
	struct unaccepted_state state;
	struct page *page = NULL;

	if (!unaccepted_get_state(&state))
		return NULL;
	guard(spinlock_irqsave)(&zone->lock);
	if (!list_empty(&zone->unaccepted_pages)) {
		page = list_last_entry(&zone->unaccepted_pages, struct page,
				       buddy_list);
		*busy_unit = (page_to_phys(page) - state.map.base) >>
			     state.map.shift;
		set_bit(*busy_unit, state.busy);
	}
	return page;
}

/* An allocation in a panic: it fails, rather than to wait for ever. */
static void test_panic_alloc(struct kunit *test)
{
	struct page *blocks = find_blocks(test, 1);
	struct zone *zone = page_zone(blocks);
	struct unaccepted_state state;
	unsigned long unit;
	struct page *page;
	bool got;

	KUNIT_ASSERT_TRUE(test, unaccepted_get_state(&state));
	page = claim_next(zone, &unit);
	KUNIT_ASSERT_NOT_NULL(test, page);

	preempt_disable();
	atomic_set(&panic_cpu, raw_smp_processor_id());
	got = unaccepted_cond_accept(zone, 0, GFP_ATOMIC, ACCEPT_FOR_PAGE);
	atomic_set(&panic_cpu, PANIC_CPU_INVALID);
	preempt_enable();

	KUNIT_EXPECT_FALSE(test, got);
	KUNIT_EXPECT_TRUE(test, page_unaccepted(page));
	clear_bit(unit, state.busy);
}

static unsigned long atomic_units(struct kunit *test)
{
	unsigned long *events = kunit_kcalloc(test, NR_VM_EVENT_ITEMS,
					      sizeof(*events), GFP_KERNEL);
	unsigned long units;

	KUNIT_ASSERT_NOT_NULL(test, events);
	all_vm_events(events);
	units = events[ACCEPT_UNITS_ATOMIC];
	kunit_kfree(test, events);
	return units;
}

/* The zone that a kernel allocation looks at first. */
static struct zone *first_zone(void)
{
	struct zonelist *zonelist = node_zonelist(numa_mem_id(), GFP_KERNEL);

	return first_zones_zonelist(zonelist, gfp_zone(GFP_KERNEL),
				    NULL)->zone;
}

static void drop_reserve(void *unused)
{
	unaccepted_set_reserve(0);
}

/* As the kernel has it when init starts; the worker fills it. */
static struct zone *set_reserve(struct kunit *test)
{
	struct zone *zone = first_zone();
	int tries = 500;

	if (!zone_has_unaccepted(zone))
		kunit_skip(test, "the zone has nothing left to accept");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, drop_reserve,
							NULL), 0);
	unaccepted_set_reserve(UNACCEPTED_RESERVE_KBYTES);
	while (unaccepted_reserve_short(zone) && tries--)
		msleep(20);
	KUNIT_ASSERT_FALSE(test, unaccepted_reserve_short(zone));
	return zone;
}

/* Who can wait uses any amount of memory, and leaves the reserve alone. */
static void test_reserve_kept(struct kunit *test)
{
	struct zone *zone = set_reserve(test);
	unsigned int nr, shorter = 0;
	struct folio *folio;
	LIST_HEAD(used);

	for (nr = 0; nr < SZ_32M / PAGE_SIZE && zone_has_unaccepted(zone); nr++) {
		folio = alloc_some(GFP_HIGHUSER_MOVABLE, 0);
		if (!folio)
			break;
		list_add(&folio->lru, &used);
		shorter += unaccepted_reserve_short(zone);
	}
	put_folios(&used);
	/* The next allocation that finds it short fills it up again */
	KUNIT_EXPECT_LE(test, shorter, nr / 128);
}

struct burst {
	struct tasklet_struct tasklet;
	struct completion done;
	unsigned int allocated;
};

#define BURST	64

/* What drivers do when packets come in: pages one by one, and from a pool. */
static void allocate_burst(struct tasklet_struct *tasklet)
{
	struct burst *burst = container_of(tasklet, struct burst, tasklet);
	struct page *pages[BURST];
	LIST_HEAD(bulk);
	struct page *page, *next;
	unsigned int i;

	for (i = 0; i < BURST; i++)
		pages[i] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, i % 4);
	burst->allocated += alloc_pages_bulk_list(GFP_ATOMIC, BURST, &bulk);
	for (i = 0; i < BURST; i++) {
		if (!pages[i])
			continue;
		burst->allocated++;
		__free_pages(pages[i], i % 4);
	}
	list_for_each_entry_safe(page, next, &bulk, lru)
		__free_page(page);
	complete(&burst->done);
}

/* Nothing is accepted with interrupts off while the reserve lasts. */
static void test_reserve_used(struct kunit *test)
{
	struct burst burst = { };
	unsigned long before;
	unsigned int i;

	set_reserve(test);
	drain_all_pages(NULL);
	tasklet_setup(&burst.tasklet, allocate_burst);
	before = atomic_units(test);
	for (i = 0; i < 1000; i++) {
		init_completion(&burst.done);
		tasklet_schedule(&burst.tasklet);
		wait_for_completion(&burst.done);
	}
	tasklet_kill(&burst.tasklet);
	KUNIT_EXPECT_EQ(test, burst.allocated, 1000 * 2 * BURST);
	KUNIT_EXPECT_EQ(test, atomic_units(test), before);
}

/* What is used up of it the worker accepts, well before there is none left. */
static void test_reserve_filled(struct kunit *test)
{
	struct zone *zone = set_reserve(test);
	unsigned long before = atomic_units(test);
	struct folio *folio;
	unsigned int i, j;
	LIST_HEAD(used);

	for (i = 0; i < 16 && zone_has_unaccepted(zone); i++) {
		for (j = 0; j < SZ_2M >> (PAGE_SHIFT + 3); j++) {
			folio = alloc_some(GFP_ATOMIC, 3);
			if (folio)
				list_add(&folio->lru, &used);
		}
		msleep(50);
	}
	put_folios(&used);
	KUNIT_EXPECT_EQ(test, atomic_units(test), before);
}

/* Without a reserve those who cannot wait accept, rather than to fail. */
static void test_no_reserve(struct kunit *test)
{
	struct zone *zone = first_zone();
	unsigned long before = atomic_units(test);
	struct folio *folio;
	LIST_HEAD(used);

	if (!zone_has_unaccepted(zone))
		kunit_skip(test, "the zone has nothing left to accept");
	while (zone_has_unaccepted(zone) && atomic_units(test) == before) {
		folio = alloc_some(GFP_ATOMIC, 3);
		if (!folio)
			break;
		list_add(&folio->lru, &used);
	}
	KUNIT_EXPECT_GT(test, atomic_units(test), before);
	put_folios(&used);
}

static struct kunit_case buddy_cases[] = {
	KUNIT_CASE(test_taken_by_address),
	KUNIT_CASE(test_contiguous),
	KUNIT_CASE(test_read_ahead),
	KUNIT_CASE(test_panic_alloc),
	KUNIT_CASE(test_no_guards),
	KUNIT_CASE(test_highest_order),
	KUNIT_CASE(test_bulk),
	KUNIT_CASE(test_types_kept),
	KUNIT_CASE(test_reserve_kept),
	KUNIT_CASE(test_reserve_used),
	KUNIT_CASE(test_reserve_filled),
	KUNIT_CASE(test_no_reserve),
	{ }
};

static struct kunit_suite unaccepted_buddy_suite = {
	.name = "unaccepted_buddy",
	.init = need_buddy,
	.test_cases = buddy_cases,
};

kunit_test_suite(unaccepted_buddy_suite);

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
