// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for what the cache allocates on the way to a page.
 *
 * A page that leaves the direct map alone needs a page table if it is the
 * first of its 2M leaf to do so. Each allocation of the task is seen through
 * the page allocator's tracepoint, so it does not matter who makes it: none
 * may have rights that the caller does not have, call the OOM killer for a
 * caller that does not want it, or reclaim under the lock that others wait
 * for. Each case splits a leaf of the direct map for good.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/set_memory.h>
#include <linux/tracepoint.h>

#include <trace/events/kmem.h>

#include "../../internal.h"
#include "../unmapped.h"

#define BLOCK_PAGES	BIT(UNMAPPED_BLOCK_ORDER)
#define MAX_TRIES	16

/*
 * Of the task's allocations: the flags of those that may reclaim, taken
 * together, and what is wrong with one of them.
 */
struct seen {
	struct task_struct *task;
	unsigned int nr;
	gfp_t flags;
	bool may_kill;
	bool locked;
};

static bool refill_locked(void)
{
	int nid;

	for_each_node(nid)
		if (mutex_is_locked(&unmapped_nodes[nid]->refill_lock))
			return true;
	return false;
}

static void note_alloc(void *data, struct page *page, unsigned int order,
		       gfp_t gfp, int migratetype)
{
	struct seen *seen = data;

	if (current != seen->task || !in_task())
		return;
	seen->nr++;
	if (!(gfp & __GFP_DIRECT_RECLAIM))
		return;
	seen->flags |= gfp;
	seen->may_kill |= !(gfp & (__GFP_NORETRY | __GFP_RETRY_MAYFAIL));
	seen->locked |= refill_locked();
}

/* The one page that can be had, and whether only by reclaim. */
static struct page *lone_page;
static bool lone_by_reclaim;

static struct page *alloc_lone(const struct unmapped_request *req, gfp_t gfp,
			       unsigned int order)
{
	struct page *page = NULL;

	if (!order && (!lone_by_reclaim || (gfp & __GFP_DIRECT_RECLAIM)))
		swap(page, lone_page);
	return page;
}

static unsigned int leaf_level(struct page *page)
{
	unsigned int level = PG_LEVEL_NONE;

	lookup_address((unsigned long)page_address(page), &level);
	return level;
}

/* Pages of a leaf that is whole: to take one out splits it. */
static struct page *whole_leaf(struct kunit *test)
{
	struct page *tried[MAX_TRIES], *page = NULL;
	int i, nr = 0;

	while (nr < MAX_TRIES && !page) {
		page = alloc_pages(GFP_KERNEL | __GFP_ZERO,
				   UNMAPPED_BLOCK_ORDER);
		if (!page)
			break;
		if (leaf_level(page) >= PG_LEVEL_2M)
			continue;
		tried[nr++] = page;
		page = NULL;
	}
	for (i = 0; i < nr; i++)
		__free_pages(tried[i], UNMAPPED_BLOCK_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, page);
	split_page(page, UNMAPPED_BLOCK_ORDER);
	return page;
}

static struct folio *watched_alloc(struct kunit *test, gfp_t gfp,
				   struct seen *seen)
{
	struct folio *folio;

	kunit_activate_static_stub(test, unmapped_alloc_pages, alloc_lone);
	KUNIT_EXPECT_EQ(test, 0, register_trace_mm_page_alloc(note_alloc, seen));
	folio = unmapped_folio_alloc(gfp, 0, test->priv);
	unregister_trace_mm_page_alloc(note_alloc, seen);
	tracepoint_synchronize_unregister();
	kunit_deactivate_static_stub(test, unmapped_alloc_pages);
	return folio;
}

static struct seen alloc_from_leaf(struct kunit *test, gfp_t gfp, bool reclaim)
{
	struct seen seen = { .task = current };
	struct page *leaf = whole_leaf(test);
	struct folio *folio;
	unsigned int i;

	lone_page = leaf;
	lone_by_reclaim = reclaim;
	unmapped_drain();
	folio = watched_alloc(test, gfp, &seen);
	KUNIT_EXPECT_PTR_EQ(test, folio, page_folio(leaf));
	KUNIT_EXPECT_EQ(test, leaf_level(leaf), PG_LEVEL_4K);
	KUNIT_EXPECT_GE(test, seen.nr, 1);
	if (folio)
		folio_put(folio);
	for (i = 1; i < BLOCK_PAGES; i++)
		__free_page(leaf + i);
	unmapped_drain();
	return seen;
}

static const gfp_t callers[] = { GFP_KERNEL, GFP_NOFS, GFP_NOIO };

/* With a page at hand nothing reclaims, and others wait for the lock. */
static void test_locked(struct kunit *test)
{
	struct seen seen;

	seen = alloc_from_leaf(test, GFP_KERNEL | __GFP_RETRY_MAYFAIL, false);
	KUNIT_EXPECT_FALSE(test, seen.locked);
	KUNIT_EXPECT_FALSE(test, seen.may_kill);
}

/* The last attempt is the caller's own, with all that it needs. */
static void test_rights(struct kunit *test)
{
	struct seen seen;
	int i;

	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		seen = alloc_from_leaf(test, callers[i] | __GFP_RETRY_MAYFAIL,
				       true);
		KUNIT_EXPECT_TRUE(test, seen.flags & __GFP_DIRECT_RECLAIM);
		KUNIT_EXPECT_EQ(test, 0, seen.flags & (__GFP_IO | __GFP_FS) &
				~callers[i]);
		KUNIT_EXPECT_FALSE(test, seen.may_kill);
		KUNIT_EXPECT_FALSE(test, seen.locked);
	}
}

/* Nothing is needed to put it back, so that reclaim may do so. */
static void test_return(struct kunit *test)
{
	struct seen seen = { .task = current };
	struct page *page;

	page = unmapped_pages_alloc(GFP_KERNEL, 0, test->priv);
	KUNIT_ASSERT_NOT_NULL(test, page);
	unmapped_pages_free(page, 0);
	KUNIT_EXPECT_EQ(test, 0,
			register_trace_mm_page_alloc(note_alloc, &seen));
	unmapped_drain();
	unregister_trace_mm_page_alloc(note_alloc, &seen);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_TRUE(test, kernel_page_present(page));
	KUNIT_EXPECT_EQ(test, seen.nr, 0);
}

static int gfp_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "allocations are seen through a tracepoint");
	if (!unmapped_alloc_start())
		kunit_skip(test, "unmapped_alloc is off");
	test->priv = unmapped_owner_create("kunit_gfp", UNMAPPED_OWNER_ZERO);
	return test->priv ? 0 : -ENOMEM;
}

static void gfp_exit(struct kunit *test)
{
	unmapped_owner_destroy(test->priv);
}

static struct kunit_case gfp_cases[] = {
	KUNIT_CASE(test_locked),
	KUNIT_CASE(test_rights),
	KUNIT_CASE(test_return),
	{}
};

static struct kunit_suite gfp_suite = {
	.name = "unmapped_gfp",
	.init = gfp_init,
	.exit = gfp_exit,
	.test_cases = gfp_cases,
};

kunit_test_suite(gfp_suite);
