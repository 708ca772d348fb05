// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for the cache of pages outside the direct map.
 *
 * The bookkeeping of a block is compared with a naive model, step by step.
 * All else is tested on the real cache and the real direct map, through the
 * public interface and, where a state has to be made or seen, the private
 * header. So nothing else should use the cache meanwhile; that is so while
 * the kernel boots, when KUnit runs.
 *
 * Each test begins and ends with an empty cache. What it allocates goes to a
 * list that the exit hook frees, so that a test that is given up leaves
 * nothing behind. The hook also compares the counters with their start.
 *
 * Pages are read and written through page_access_map(), as by their owner.
 * Some pages are in the wrong hands here on purpose: free ones are looked at
 * to see that nothing is left in them.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/memblock.h>	/* for max_pfn */
#include <linux/memcontrol.h>
#include <linux/memory.h>
#include <linux/nodemask.h>
#include <linux/page_access.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/set_memory.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/suspend.h>
#include <linux/swap.h>
#include <linux/uaccess.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "../../internal.h"
#include "../unmapped.h"

#define BLOCK_PAGES	BIT(UNMAPPED_BLOCK_ORDER)
#define MAX_HELD	(2 * BLOCK_PAGES + 64)

/* What a former user left. */
#define OLD		0xa5

struct held {
	struct page *page;
	unsigned int order;
};

/* What a replaced function was asked for. */
struct call {
	struct page *page;
	gfp_t gfp;
	unsigned int order;
};

#define MAX_CALLS	32

/* What the kernel may map, and what it may not. Made for each test. */
static struct unmapped_owner *buffer_owner, *secret_owner;

struct fixture {
	unsigned long pages;
	unsigned long used;
	unsigned long events[NR_VM_EVENT_ITEMS];
	unsigned int nr_held;
	struct held held[MAX_HELD];
	unsigned int nr_calls;
	struct call calls[MAX_CALLS];
};

/*
 * A block's bookkeeping, beside an array that does the same by looking at
 * every page. Any range that is taken must be the lowest that is free.
 */

struct model {
	struct unmapped_block *block;
	unsigned int nr;
	u16 owner[BLOCK_PAGES];
	u8 order[BLOCK_PAGES];	/* of the range that starts here, or NONE */
	bool bad[BLOCK_PAGES];
};

#define NONE	0xff

static struct model *new_model(struct kunit *test)
{
	struct model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, model);
	model->block = kunit_kzalloc(test, sizeof(*model->block), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model->block);
	model->nr = BLOCK_PAGES;
	memset(model->order, NONE, sizeof(model->order));
	unmapped_block_init(model->block, 0x1000, 0, false);
	return model;
}

static bool model_in_use(const struct model *model, unsigned int i)
{
	return model->bad[i] || model->owner[i] != UNMAPPED_NO_OWNER;
}

static int model_find(const struct model *model, unsigned int order)
{
	unsigned int nr = 1U << order;
	unsigned int idx, i;

	for (idx = 0; idx + nr <= model->nr; idx += nr) {
		for (i = 0; i < nr; i++)
			if (model_in_use(model, idx + i))
				break;
		if (i == nr)
			return idx;
	}
	return -1;
}

static void model_take(struct kunit *test, struct model *model,
		       unsigned int order, u16 owner)
{
	int want = model_find(model, order);
	int idx = unmapped_block_take(model->block, order);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, idx, want);
	if (idx < 0)
		return;
	unmapped_block_set_owner(model->block, idx, order, owner);
	for (i = 0; i < 1U << order; i++)
		model->owner[idx + i] = owner;
	model->order[idx] = order;
}

static void model_put(struct model *model, unsigned int idx)
{
	unsigned int order = model->order[idx];

	unmapped_block_set_owner(model->block, idx, order, UNMAPPED_NO_OWNER);
	unmapped_block_put(model->block, idx, order);
	memset(model->owner + idx, 0, sizeof(u16) << order);
	model->order[idx] = NONE;
}

static void model_mark_bad(struct model *model, unsigned int idx)
{
	unmapped_block_set_owner(model->block, idx, 0, UNMAPPED_NO_OWNER);
	unmapped_block_mark_bad(model->block, idx);
	model->owner[idx] = UNMAPPED_NO_OWNER;
	model->order[idx] = NONE;
	model->bad[idx] = true;
}

static unsigned int model_differences(const struct model *model)
{
	const struct unmapped_block *block = model->block;
	unsigned int i, nr_free = 0, nr_bad = 0, diff = 0;

	for (i = 0; i < model->nr; i++) {
		nr_free += !model_in_use(model, i);
		nr_bad += model->bad[i];
		diff += test_bit(i, block->used) != model_in_use(model, i);
		diff += block->owner[i] != model->owner[i];
	}
	diff += block->nr_free != nr_free;
	diff += block->nr_bad != nr_bad;
	diff += block_is_empty(block) != (nr_free == model->nr);
	diff += block_bucket(block) != fls(nr_free);
	return diff;
}

/* Used pages and free ones go bad; those in a larger range do not here. */
static bool model_may_go_bad(const struct model *model, unsigned int idx)
{
	return !model->order[idx] || !model_in_use(model, idx);
}

static void model_step(struct kunit *test, struct model *model, u32 rnd)
{
	unsigned int idx = (rnd >> 8) % model->nr;
	unsigned int order = rnd & 1 ? 0 : (rnd >> 4) % 10;

	if (rnd & 2)
		model_take(test, model, order, 1 + ((rnd >> 3) & 1));
	else if (!((rnd >> 24) % 32) && model_may_go_bad(model, idx))
		model_mark_bad(model, idx);
	else if (model->order[idx] != NONE)
		model_put(model, idx);
	KUNIT_ASSERT_EQ(test, model_differences(model), 0);
}

static void test_block_model(struct kunit *test)
{
	struct model *model = new_model(test);
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 6129);
	for (i = 0; i < 2000; i++)
		model_step(test, model, prandom_u32_state(&rnd));
	for (i = 0; i < model->nr; i++)
		if (model->order[i] != NONE)
			model_put(model, i);
	KUNIT_EXPECT_EQ(test, model_differences(model), 0);
}

static void test_block_init(struct kunit *test)
{
	struct unmapped_block *block = new_model(test)->block;

	KUNIT_EXPECT_EQ(test, block->pfn, 0x1000);
	KUNIT_EXPECT_EQ(test, block->nr_pages, BLOCK_PAGES);
	KUNIT_EXPECT_EQ(test, block->nr_free, BLOCK_PAGES);
	KUNIT_EXPECT_TRUE(test, block_is_empty(block));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(block->used, BLOCK_PAGES));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(block->dirty, BLOCK_PAGES));
	KUNIT_EXPECT_EQ(test, block_bucket(block), UNMAPPED_NR_BUCKETS - 1);
}

/* Each order fills the block to the last page, and not a page more. */
static void test_block_orders(struct kunit *test)
{
	struct model *model = new_model(test);
	unsigned int order, i;

	for (order = 0; order <= UNMAPPED_BLOCK_ORDER; order++) {
		for (i = 0; i < BLOCK_PAGES >> order; i++)
			model_take(test, model, order, 7);
		KUNIT_EXPECT_EQ(test, block_bucket(model->block), 0);
		KUNIT_EXPECT_EQ(test, unmapped_block_take(model->block, order), -1);
		KUNIT_EXPECT_EQ(test, unmapped_block_take(model->block, 0), -1);
		for (i = 0; i < BLOCK_PAGES; i += 1U << order)
			model_put(model, i);
		KUNIT_ASSERT_EQ(test, model_differences(model), 0);
	}
}

/* Half of the block is free, but never two pages side by side. */
static void test_block_fragmented(struct kunit *test)
{
	struct model *model = new_model(test);
	unsigned int i;

	for (i = 0; i < BLOCK_PAGES; i++)
		model_take(test, model, 0, 7);
	for (i = 1; i < BLOCK_PAGES; i += 2)
		model_put(model, i);
	for (i = 1; i <= UNMAPPED_BLOCK_ORDER; i++)
		KUNIT_EXPECT_EQ(test, unmapped_block_take(model->block, i), -1);
	model_take(test, model, 0, 7);
	KUNIT_EXPECT_EQ(test, model_differences(model), 0);
}

static void test_block_bad(struct kunit *test)
{
	struct model *model = new_model(test);
	unsigned int i;

	for (i = 0; i < 3; i++)
		model_take(test, model, 0, 7);
	model_mark_bad(model, 1);
	model_put(model, 0);
	model_put(model, 2);
	KUNIT_EXPECT_FALSE(test, block_is_empty(model->block));
	KUNIT_EXPECT_EQ(test, unmapped_block_take(model->block, 9), -1);
	for (i = 0; i < BLOCK_PAGES - 1; i++)
		model_take(test, model, 0, 7);
	KUNIT_EXPECT_EQ(test, unmapped_block_take(model->block, 0), -1);
	KUNIT_EXPECT_EQ(test, model_differences(model), 0);
}

/*
 * The cache as a whole.
 */

/* No event is on its way after this, and no empty block is held. */
static unsigned long settle(void)
{
	struct unmapped_node *node;
	int nid;

	for_each_node(nid) {
		node = unmapped_nodes[nid];
		flush_delayed_work(&node->return_work);
		mutex_lock(&node->refill_lock);
		node->miss_wait = 0;
		mutex_unlock(&node->refill_lock);
	}
	return unmapped_drain();
}

static void mark_events(struct kunit *test)
{
	struct fixture *fix = test->priv;

	if (IS_ENABLED(CONFIG_VM_EVENT_COUNTERS))
		all_vm_events(fix->events);
}

static void expect_events(struct kunit *test, enum vm_event_item item,
			  unsigned long want)
{
	struct fixture *fix = test->priv;
	unsigned long *now;

	if (!IS_ENABLED(CONFIG_VM_EVENT_COUNTERS))
		return;
	now = kunit_kcalloc(test, NR_VM_EVENT_ITEMS, sizeof(*now), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, now);
	all_vm_events(now);
	KUNIT_EXPECT_EQ_MSG(test, now[item] - fix->events[item], want, "%s",
			    vm_event_name(item));
}

static unsigned long more_pages(struct kunit *test)
{
	struct fixture *fix = test->priv;

	return unmapped_total_pages() - fix->pages;
}

static long more_used(struct kunit *test, struct unmapped_owner *owner)
{
	return unmapped_owner_pages(owner);
}

static struct unmapped_node *node_of(struct page *page)
{
	return unmapped_nodes[page_to_nid(page)];
}

static unsigned int index_of(struct page *page)
{
	return page_to_pfn(page) - unmapped_block_of(page)->pfn;
}

struct leaf {
	unsigned int level;
	pteval_t flags;
	bool present;
};

static struct leaf leaf_of(void *addr)
{
	struct leaf leaf = { };
	pte_t *pte = lookup_address((unsigned long)addr, &leaf.level);

	if (pte) {
		leaf.flags = pte_flags(*pte);
		leaf.present = leaf.flags & _PAGE_PRESENT;
	}
	return leaf;
}

/*
 * Pages that the test has.
 */

static struct page *hold(struct kunit *test, struct page *page,
			 unsigned int order)
{
	struct fixture *fix = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, page);
	if (fix->nr_held == MAX_HELD) {
		unmapped_pages_free(page, order);
		KUNIT_FAIL_AND_ABORT(test, "the test allocates too much");
	}
	fix->held[fix->nr_held++] = (struct held){ page, order };
	return page;
}

/* The page is somebody else's to free from here on. */
static void unhold(struct kunit *test, struct page *page)
{
	struct fixture *fix = test->priv;
	unsigned int i = 0;

	while (i < fix->nr_held && fix->held[i].page != page)
		i++;
	KUNIT_ASSERT_LT(test, i, fix->nr_held);
	fix->held[i] = fix->held[--fix->nr_held];
}

static struct page *alloc(struct kunit *test, gfp_t gfp, unsigned int order,
			  struct unmapped_owner *owner)
{
	return hold(test, unmapped_pages_alloc(gfp, order, owner), order);
}

static struct page *alloc_buffer(struct kunit *test)
{
	return alloc(test, GFP_KERNEL, 0, buffer_owner);
}

/* From the cache, with nothing in it left that the test has not looked at. */
static struct page *alloc_hit(struct kunit *test, unsigned int order)
{
	return alloc(test, GFP_NOWAIT, order, buffer_owner);
}

static void give_back(struct kunit *test, struct page *page,
		      unsigned int order)
{
	unhold(test, page);
	unmapped_pages_free(page, order);
}

static void free_all(struct kunit *test)
{
	struct fixture *fix = test->priv;

	while (fix->nr_held) {
		struct held *held = &fix->held[--fix->nr_held];

		unmapped_pages_free(held->page, held->order);
	}
}

static void fill(struct kunit *test, struct page *page, u8 byte)
{
	void *addr = page_access_map(page);

	KUNIT_ASSERT_NOT_NULL(test, addr);
	memset(addr, byte, PAGE_SIZE);
	kunmap_local(addr);
}

static bool filled_with(struct page *page, u8 byte)
{
	void *addr = page_access_map(page);
	bool same;

	if (!addr)
		return false;
	same = !memchr_inv(addr, byte, PAGE_SIZE);
	kunmap_local(addr);
	return same;
}

static long probe(const void *addr)
{
	u8 byte;

	return copy_from_kernel_nofault(&byte, addr, sizeof(byte));
}

/* A used page: as the allocator would hand it out, but out of reach. */
static unsigned int used_page_faults(struct page *page, bool head)
{
	return !page_inaccessible(page) + PageOffline(page) +
	       (page_ref_count(page) != head) + kernel_page_present(page) +
	       (atomic_read(&page->_mapcount) != -1);
}

/* A free page: out of everybody's reach, the cache has the reference. */
static unsigned int free_page_faults(struct page *page)
{
	return !page_inaccessible(page) + !PageOffline(page) +
	       (page_ref_count(page) != 1) + PageCompound(page) +
	       kernel_page_present(page) + !!page->mapping +
	       !!page_private(page);
}

static void expect_free(struct kunit *test, struct page *page, unsigned int nr)
{
	unsigned int i, bad = 0;

	for (i = 0; i < nr; i++)
		bad += !!free_page_faults(page + i);
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/*
 * Allocation and free.
 */

static void check_order(struct kunit *test, unsigned int order)
{
	struct page *page = alloc(test, GFP_KERNEL, order, buffer_owner);
	unsigned int i, bad = 0;

	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(page_to_pfn(page), 1UL << order));
	for (i = 0; i < 1U << order; i++) {
		bad += !!used_page_faults(page + i, !i);
		bad += unmapped_owner_of(page + i) != buffer_owner;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 1L << order);

	give_back(test, page, order);
	expect_free(test, page, 1U << order);
	KUNIT_EXPECT_NULL(test, unmapped_owner_of(page));
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 0);
}

static void test_orders(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= UNMAPPED_BLOCK_ORDER; order++) {
		check_order(test, order);
		/* A page there would keep the whole block from the last */
		unmapped_front_drain(numa_mem_id());
	}
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
}

static void test_counters(struct kunit *test)
{
	struct page *page;

	mark_events(test);
	page = alloc(test, GFP_KERNEL, 2, secret_owner);
	alloc_buffer(test);
	KUNIT_EXPECT_EQ(test, more_used(test, secret_owner), 4);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 1);
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), BLOCK_PAGES - 5);
	expect_events(test, UNMAPPED_ALLOC, 5);
	give_back(test, page, 2);
	KUNIT_EXPECT_EQ(test, more_used(test, secret_owner), 0);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), BLOCK_PAGES - 1);
	expect_events(test, UNMAPPED_FREE, 4);
}

/* A zone is not the caller's choice: flags that name one are no obstacle. */
static void test_zone_flags(struct kunit *test)
{
	struct page *page = alloc(test, GFP_HIGHUSER_MOVABLE, 0,
				  secret_owner);

	KUNIT_EXPECT_EQ(test, used_page_faults(page, true), 0);
	KUNIT_EXPECT_TRUE(test, filled_with(page, 0));
}

static void test_folio(struct kunit *test)
{
	struct folio *folio = unmapped_folio_alloc(GFP_KERNEL | __GFP_ZERO, 0,
						   buffer_owner);
	struct page *page;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	page = folio_page(folio, 0);
	KUNIT_EXPECT_FALSE(test, folio_test_large(folio));
	KUNIT_EXPECT_EQ(test, used_page_faults(page, true), 0);
	folio_put(folio);
	expect_free(test, page, 1);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 0);
}

/* The last put undoes all that made four pages one folio. */
static void test_folio_large(struct kunit *test)
{
	struct folio *folio = unmapped_folio_alloc(GFP_KERNEL, 2,
						   buffer_owner);
	struct page *page;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	page = folio_page(folio, 0);
	KUNIT_EXPECT_EQ(test, folio_order(folio), 2);
	KUNIT_EXPECT_TRUE(test, folio_test_large_rmappable(folio));
	folio_get(folio);
	folio_put(folio);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	folio_put(folio);

	expect_free(test, page, 4);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, 0, page[i].flags &
				(PAGE_FLAGS_CHECK_AT_PREP & ~__PG_INACCESSIBLE &
				 ~__PG_HWPOISON));
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 0);
}

static void test_folio_again(struct kunit *test)
{
	struct folio *folio;
	unsigned int order;

	for (order = 4; order--; ) {
		folio = unmapped_folio_alloc(GFP_KERNEL, order, buffer_owner);
		KUNIT_ASSERT_NOT_NULL(test, folio);
		KUNIT_EXPECT_EQ(test, folio_order(folio), order);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
		KUNIT_EXPECT_EQ(test, folio_mapcount(folio), 0);
		folio_put(folio);
	}
}

static void test_extra_reference(struct kunit *test)
{
	struct page *page = alloc_buffer(test);

	get_page(page);
	give_back(test, page, 0);
	KUNIT_EXPECT_EQ(test, used_page_faults(page, true), 0);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 1);
	put_page(page);
	expect_free(test, page, 1);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 0);
}

/* With the head still looked at, the tails of an order-2 free go alone. */
static void test_extra_reference_head(struct kunit *test)
{
	struct page *page = alloc(test, GFP_KERNEL, 2, buffer_owner);

	get_page(page);
	give_back(test, page, 2);
	KUNIT_EXPECT_EQ(test, used_page_faults(page, true), 0);
	expect_free(test, page + 1, 3);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 1);
	put_page(page);
	expect_free(test, page, 4);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 0);
}

/* Others may look at a free page. It is no tail for somebody new then. */
static void test_looked_at_tail(struct kunit *test)
{
	struct page *page = alloc(test, GFP_KERNEL, 2, buffer_owner);

	give_back(test, page, 2);
	get_page(page + 3);
	KUNIT_EXPECT_NULL(test, unmapped_pages_alloc(GFP_NOWAIT, 2,
						     buffer_owner));
	KUNIT_EXPECT_EQ(test, page_ref_count(page + 1), 1);
	KUNIT_EXPECT_EQ(test, page_ref_count(page + 3), 2);
	KUNIT_EXPECT_EQ(test, unmapped_drain(), BLOCK_PAGES);
	put_page(page + 3);
	expect_free(test, page, 4);
	alloc_hit(test, 2);
}

static void test_owner_of(struct kunit *test)
{
	struct page *secret = alloc(test, GFP_KERNEL, 0, secret_owner);
	struct page *buffer = alloc_buffer(test);

	KUNIT_EXPECT_PTR_EQ(test, unmapped_owner_of(secret), secret_owner);
	KUNIT_EXPECT_PTR_EQ(test, unmapped_owner_of(buffer), buffer_owner);
	KUNIT_EXPECT_NULL(test, unmapped_owner_of(virt_to_page(test)));
	give_back(test, buffer, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmap_local_page_try(buffer)), -EACCES);
}

/*
 * Contents: no page is handed out with what another had in it.
 */

static void check_cleared(struct kunit *test, struct unmapped_owner *from,
			  gfp_t gfp, struct unmapped_owner *to)
{
	struct page *page = alloc(test, GFP_KERNEL, 1, from);
	struct page *again;

	fill(test, page, OLD);
	fill(test, page + 1, OLD);
	give_back(test, page, 1);
	again = alloc(test, gfp, 1, to);
	KUNIT_ASSERT_PTR_EQ(test, again, page);
	KUNIT_EXPECT_TRUE(test, filled_with(page, 0));
	KUNIT_EXPECT_TRUE(test, filled_with(page + 1, 0));
	give_back(test, again, 1);
}

static void test_cleared(struct kunit *test)
{
	check_cleared(test, buffer_owner, GFP_KERNEL | __GFP_ZERO,
		      buffer_owner);
	check_cleared(test, buffer_owner, GFP_KERNEL, secret_owner);
	check_cleared(test, secret_owner, GFP_KERNEL, buffer_owner);
	check_cleared(test, secret_owner, GFP_NOWAIT, buffer_owner);
}

/* The free itself clears, and does not leave it to the next user. */
static void test_cleared_at_free(struct kunit *test)
{
	struct page *page = alloc_buffer(test);

	fill(test, page, OLD);
	give_back(test, page, 0);
	KUNIT_EXPECT_TRUE(test, filled_with(page, 0));
	KUNIT_EXPECT_FALSE(test, test_bit(index_of(page),
					  unmapped_block_of(page)->dirty));
}

/* All of a block go through one slot. */
static void test_huge_cleared_at_free(struct kunit *test)
{
	struct page *page = alloc(test, GFP_KERNEL, UNMAPPED_BLOCK_ORDER,
				  buffer_owner);
	unsigned int i, bad = 0;

	for (i = 0; i < BLOCK_PAGES; i++)
		fill(test, page + i, OLD);
	give_back(test, page, UNMAPPED_BLOCK_ORDER);
	for (i = 0; i < BLOCK_PAGES; i++)
		bad += !filled_with(page + i, 0);
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(unmapped_block_of(page)->dirty,
					     BLOCK_PAGES));
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

/* Runs of dirty pages, and none beside them. */
static void test_dirty_runs(struct kunit *test)
{
	struct page *page = alloc(test, GFP_KERNEL, 4, buffer_owner);
	struct unmapped_block *block = unmapped_block_of(page);
	struct unmapped_page p = { block, index_of(page) };
	static const u16 dirty = 0xb36d;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		fill(test, page + i, OLD);
		if (dirty & BIT(i))
			set_bit(p.idx + i, block->dirty);
	}
	KUNIT_EXPECT_TRUE(test, unmapped_clear_dirty(&p, 15));
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_TRUE(test, filled_with(page + i,
						    i < 15 && dirty & BIT(i) ?
						    0 : OLD));
	KUNIT_EXPECT_EQ(test, find_next_bit(block->dirty, p.idx + 16, p.idx),
			p.idx + 15);
	clear_bit(p.idx + 15, block->dirty);
}

/* Nor is it left to those who have a reference for reasons of their own. */
static void test_cleared_early(struct kunit *test)
{
	struct page *page = alloc(test, GFP_KERNEL, 1, secret_owner);
	struct folio *folio;

	folio = unmapped_folio_alloc(GFP_KERNEL, 1, secret_owner);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	fill(test, page, OLD);
	fill(test, folio_page(folio, 0), OLD);
	fill(test, folio_page(folio, 1), OLD);
	unmapped_folio_clear(folio);
	KUNIT_EXPECT_TRUE(test, filled_with(folio_page(folio, 0), 0));
	KUNIT_EXPECT_TRUE(test, filled_with(folio_page(folio, 1), 0));
	KUNIT_EXPECT_TRUE(test, filled_with(page, OLD));
	folio_put(folio);
}

struct irq_free {
	struct irq_work work;
	struct page *page;
	unsigned int order;
};

static void irq_free_work(struct irq_work *work)
{
	struct irq_free *args = container_of(work, struct irq_free, work);

	unmapped_pages_free(args->page, args->order);
}

static void free_in_irq(struct kunit *test, struct page *page,
			unsigned int order)
{
	struct irq_free args = {
		.work = IRQ_WORK_INIT_HARD(irq_free_work),
		.page = page,
		.order = order,
	};

	unhold(test, page);
	irq_work_queue(&args.work);
	irq_work_sync(&args.work);
}

/* An interrupt has no time to clear: it marks, and the next user gets zeroes. */
static void check_irq_free(struct kunit *test, gfp_t gfp,
			   struct unmapped_owner *owner)
{
	struct page *page = alloc(test, GFP_KERNEL, 1, secret_owner);
	unsigned int idx = index_of(page);
	struct page *again;

	fill(test, page, OLD);
	fill(test, page + 1, OLD);
	free_in_irq(test, page, 1);
	expect_free(test, page, 2);
	KUNIT_EXPECT_TRUE(test, test_bit(idx, unmapped_block_of(page)->dirty));

	again = alloc(test, gfp, 1, owner);
	KUNIT_ASSERT_PTR_EQ(test, again, page);
	KUNIT_EXPECT_TRUE(test, filled_with(page, 0));
	KUNIT_EXPECT_TRUE(test, filled_with(page + 1, 0));
	KUNIT_EXPECT_FALSE(test, test_bit(idx, unmapped_block_of(page)->dirty));
	give_back(test, again, 1);
}

static void test_irq_free(struct kunit *test)
{
	check_irq_free(test, GFP_KERNEL | __GFP_ZERO, buffer_owner);
	check_irq_free(test, GFP_KERNEL, buffer_owner);
	check_irq_free(test, GFP_NOWAIT, secret_owner);
}

static void test_irqs_off_free(struct kunit *test)
{
	struct page *page = alloc_buffer(test);
	unsigned int idx = index_of(page);

	fill(test, page, OLD);
	unhold(test, page);
	local_irq_disable();
	unmapped_pages_free(page, 0);
	local_irq_enable();
	KUNIT_EXPECT_TRUE(test, test_bit(idx, unmapped_block_of(page)->dirty));
	KUNIT_EXPECT_PTR_EQ(test, alloc_hit(test, 0), page);
	KUNIT_EXPECT_TRUE(test, filled_with(page, 0));
}

/* A free with all slots taken cannot clear. The page is clean when reused. */
static void test_free_without_slots(struct kunit *test)
{
	struct page *page = alloc_buffer(test);
	void *addrs[KM_MAX_IDX];
	unsigned int nr = 0;

	fill(test, page, OLD);
	unhold(test, page);
	while (nr < KM_MAX_IDX) {
		addrs[nr] = page_access_map(page);
		if (!addrs[nr])
			break;
		nr++;
	}
	unmapped_pages_free(page, 0);
	while (nr--)
		kunmap_local(addrs[nr]);

	KUNIT_EXPECT_TRUE(test, filled_with(page, OLD));
	KUNIT_EXPECT_PTR_EQ(test, alloc_hit(test, 0), page);
	KUNIT_EXPECT_TRUE(test, filled_with(page, 0));
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

/* As the allocator may hand out pages: with what their last user left. */
static struct page *old_pages(struct kunit *test, unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NORETRY, order);

	if (!page)
		kunit_skip(test, "no free page of order %u", order);
	memset(page_address(page), OLD, PAGE_SIZE << order);
	return page;
}

/*
 * A block made of @page. The test pays the counter that unmapped_pages_alloc()
 * would have.
 */
static struct page *make_block(struct kunit *test, struct page *page,
			       const struct unmapped_request *req)
{
	struct unmapped_block *block = unmapped_index_add(page, false,
							  GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(block));
	KUNIT_ASSERT_EQ(test, 0,
			unmapped_remove(page, BLOCK_PAGES, GFP_KERNEL));
	unmapped_owner_charge(req->owner, 1U << req->order);
	page = unmapped_publish(block, req);
	if (!page)
		unmapped_owner_uncharge(req->owner, 1U << req->order);
	return hold(test, page, req->order);
}

/* The table ends where memory can end: no page is beyond it. */
static void test_index_bounds(struct kunit *test)
{
	unsigned long end = BIT(MAX_PHYSMEM_BITS - PAGE_SHIFT);

	alloc_buffer(test);
	KUNIT_EXPECT_NULL(test, unmapped_block_of(pfn_to_page(0)));
	KUNIT_EXPECT_NULL(test, unmapped_block_of(pfn_to_page(end - 1)));
}

/* For one who wants no zeroes the block is made without: all else is dirty. */
static void test_raw_block(struct kunit *test)
{
	struct unmapped_request req = { .gfp = GFP_KERNEL, .order = 1,
					.owner = buffer_owner };
	struct page *page = old_pages(test, UNMAPPED_BLOCK_ORDER);
	struct unmapped_block *block;
	unsigned int i, bad = 0;

	KUNIT_EXPECT_PTR_EQ(test, make_block(test, page, &req), page);
	block = unmapped_block_of(page);
	KUNIT_EXPECT_EQ(test, bitmap_weight(block->dirty, BLOCK_PAGES),
			BLOCK_PAGES - 2);
	for (i = 2; i < BLOCK_PAGES; i++) {
		page = alloc(test, GFP_NOWAIT, 0,
			     i & 1 ? buffer_owner : secret_owner);
		bad += !filled_with(page, 0);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(block->dirty, BLOCK_PAGES));
}

/*
 * Refill.
 */

static void test_one_refill(struct kunit *test)
{
	struct page *first;
	unsigned int i, elsewhere = 0;

	mark_events(test);
	first = alloc_buffer(test);
	for (i = 1; i < BLOCK_PAGES; i++)
		elsewhere += unmapped_block_of(alloc_buffer(test)) !=
			     unmapped_block_of(first);
	KUNIT_EXPECT_EQ(test, elsewhere, 0);
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
	expect_events(test, UNMAPPED_REFILL, 1);
	expect_events(test, UNMAPPED_REFILL_SMALL, 0);
	expect_events(test, UNMAPPED_FLUSH, 1);
	expect_events(test, DIRECT_MAP_LEVEL2_SPLIT, 0);

	alloc_buffer(test);
	expect_events(test, UNMAPPED_REFILL, 2);
	expect_events(test, UNMAPPED_FLUSH, 2);
}

struct remote_probe {
	const void *addr;
	long err;
};

static void probe_remotely(void *data)
{
	struct remote_probe *remote = data;

	remote->err = probe(remote->addr);
}

/* Every CPU has read the page before, so that its TLB knows the way. */
static void check_flush(struct kunit *test, struct page *page, size_t offset)
{
	struct unmapped_request req = { .gfp = GFP_KERNEL | __GFP_ZERO,
					.owner = buffer_owner };
	struct remote_probe remote = { .addr = page_address(page) + offset };
	int cpu;

	memset(page_address(page), 0, PMD_SIZE);
	on_each_cpu(probe_remotely, &remote, 1);
	KUNIT_EXPECT_EQ(test, remote.err, 0);
	make_block(test, page, &req);

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, probe_remotely, &remote, 1);
		KUNIT_EXPECT_EQ(test, remote.err, -EFAULT);
	}
	cpus_read_unlock();
}

static void test_flush(struct kunit *test)
{
	check_flush(test, old_pages(test, UNMAPPED_BLOCK_ORDER), 77);
}

/* Of what was no leaf each CPU may have 512 entries. */
static void test_flush_pieces(struct kunit *test)
{
	struct page *page = old_pages(test, UNMAPPED_BLOCK_ORDER);

	KUNIT_EXPECT_EQ(test, unmapped_set_valid(page, 1, false, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, unmapped_set_valid(page, 1, true, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, leaf_of(page_address(page)).level, PG_LEVEL_4K);
	check_flush(test, page, PMD_SIZE - 77);
}

/* A caller who cannot wait gets what is there, or nothing. */
static void test_atomic(struct kunit *test)
{
	static DEFINE_SPINLOCK(lock);
	struct page *miss, *hit;
	unsigned long flags;

	mark_events(test);
	spin_lock_irqsave(&lock, flags);
	miss = unmapped_pages_alloc(GFP_ATOMIC, 0, buffer_owner);
	spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_NULL(test, miss);
	KUNIT_EXPECT_NULL(test, unmapped_pages_alloc(GFP_NOWAIT, 3,
						     secret_owner));
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	expect_events(test, UNMAPPED_FLUSH, 0);
	alloc_buffer(test);

	spin_lock_irqsave(&lock, flags);
	hit = unmapped_pages_alloc(GFP_ATOMIC | __GFP_ZERO, 0, buffer_owner);
	spin_unlock_irqrestore(&lock, flags);
	hold(test, hit, 0);
	KUNIT_EXPECT_EQ(test, used_page_faults(hit, true), 0);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 2);
	expect_events(test, UNMAPPED_REFILL, 1);
}

static void test_nodes(struct kunit *test)
{
	struct page *page;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		page = unmapped_pages_alloc_node(GFP_KERNEL | __GFP_THISNODE, 0,
						 buffer_owner, nid);
		hold(test, page, 0);
		KUNIT_EXPECT_EQ(test, page_to_nid(page), nid);
		page = unmapped_pages_alloc_node(GFP_KERNEL, 0,
						 secret_owner, nid);
		hold(test, page, 0);
		KUNIT_EXPECT_EQ(test, page_to_nid(page), nid);
		KUNIT_EXPECT_EQ(test, unmapped_nodes[nid]->nr_pages,
				BLOCK_PAGES);
	}
}

/* Who cannot wait takes what another node has, unless it must not. */
static void test_nodes_atomic(struct kunit *test)
{
	int nid = first_node(node_states[N_MEMORY]);
	int other = next_node(nid, node_states[N_MEMORY]);
	struct page *page;

	if (other >= MAX_NUMNODES)
		kunit_skip(test, "one node");
	page = unmapped_pages_alloc_node(GFP_KERNEL | __GFP_THISNODE, 0,
					 buffer_owner, other);
	hold(test, page, 0);
	KUNIT_EXPECT_NULL(test,
			  unmapped_pages_alloc_node(GFP_NOWAIT | __GFP_THISNODE,
						    0, buffer_owner, nid));
	page = unmapped_pages_alloc_node(GFP_NOWAIT, 0, buffer_owner, nid);
	hold(test, page, 0);
	KUNIT_EXPECT_EQ(test, page_to_nid(page), other);
}

static void announce_hibernation(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, unmapped_pm_notify(NULL, PM_HIBERNATION_PREPARE,
						 NULL), NOTIFY_OK);
}

/* A page that nobody has but a CPU's list for the LRU. */
static void leave_on_lru_list(struct kunit *test)
{
	struct folio *folio;

	/* With one more a CPU's list could be full, and would be emptied */
	lru_add_drain_all();
	folio = unmapped_folio_alloc(GFP_KERNEL, 0, buffer_owner);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, mem_cgroup_charge(folio, NULL, GFP_KERNEL), 0);
	folio_add_lru(folio);
	folio_put(folio);
}

/* Pages that only the CPUs' lists for the LRU still have do not prevent it. */
static void test_hibernation(struct kunit *test)
{
	leave_on_lru_list(test);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 1);
	announce_hibernation(test);
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	KUNIT_EXPECT_EQ(test, unmapped_syscore_suspend(NULL), 0);
	unmapped_pm_notify(NULL, PM_POST_HIBERNATION, NULL);
	lru_add_drain_all();
}

/* A page in use prevents an image, and not that it is quiet for a while. */
static void test_hibernation_refused(struct kunit *test)
{
	alloc_buffer(test);
	announce_hibernation(test);
	KUNIT_EXPECT_TRUE(test, unmapped_hibernating());
	KUNIT_EXPECT_EQ(test, unmapped_syscore_suspend(NULL), -EBUSY);
	unmapped_pm_notify(NULL, PM_POST_HIBERNATION, NULL);

	/* Suspend to RAM */
	KUNIT_EXPECT_FALSE(test, unmapped_hibernating());
	KUNIT_EXPECT_EQ(test, unmapped_syscore_suspend(NULL), 0);
}

/* Who cannot wait until it is over gets a page, and no image is made. */
static void test_hibernation_served(struct kunit *test)
{
	announce_hibernation(test);
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	KUNIT_EXPECT_EQ(test, unmapped_syscore_suspend(NULL), 0);
	alloc_buffer(test);
	KUNIT_EXPECT_EQ(test, unmapped_syscore_suspend(NULL), -EBUSY);
	unmapped_pm_notify(NULL, PM_POST_HIBERNATION, NULL);
}

/* Code is in the image, and what is free has other contents after it. */
static void test_hibernation_image(struct kunit *test)
{
	struct unmapped_owner *image_owner;
	struct page *page;

	image_owner = unmapped_owner_create("kunit-image", UNMAPPED_OWNER_KMAP |
					    UNMAPPED_OWNER_IMAGE);
	KUNIT_ASSERT_NOT_NULL(test, image_owner);
	alloc(test, GFP_KERNEL, 0, image_owner);
	page = alloc_hit(test, 0);
	announce_hibernation(test);
	KUNIT_EXPECT_EQ(test, unmapped_syscore_suspend(NULL), -EBUSY);
	give_back(test, page, 0);
	KUNIT_EXPECT_EQ(test, unmapped_syscore_suspend(NULL), 0);
	fill(test, page, OLD);
	unmapped_pm_notify(NULL, PM_POST_HIBERNATION, NULL);

	KUNIT_EXPECT_PTR_EQ(test, alloc(test, GFP_NOWAIT | __GFP_ZERO, 0,
					buffer_owner), page);
	KUNIT_EXPECT_TRUE(test, filled_with(page, 0));
	free_all(test);
	unmapped_owner_destroy(image_owner);
}

struct look {
	struct delayed_work work;
	struct page *page;
};

static void look_away(struct work_struct *work)
{
	put_page(container_of(work, struct look, work.work)->page);
}

/* Nor do those that somebody looks at in passing. */
static void test_hibernation_waits(struct kunit *test)
{
	struct look *look = kunit_kzalloc(test, sizeof(*look), GFP_KERNEL);
	struct page *page = alloc(test, GFP_KERNEL, 1, buffer_owner);

	KUNIT_ASSERT_NOT_NULL(test, look);
	give_back(test, page, 1);
	/* The first page of a block may go back all the same */
	look->page = page + 1;
	get_page(look->page);
	INIT_DELAYED_WORK(&look->work, look_away);
	schedule_delayed_work(&look->work, msecs_to_jiffies(15));
	announce_hibernation(test);
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	flush_delayed_work(&look->work);
	unmapped_pm_notify(NULL, PM_POST_HIBERNATION, NULL);
}

/* The fullest block serves first, so that the other runs empty. */
static void test_fullest_first(struct kunit *test)
{
	struct page *a = alloc(test, GFP_KERNEL, 8, buffer_owner);
	struct page *b = alloc(test, GFP_KERNEL, 9, buffer_owner);
	struct page *page;

	give_back(test, b, 9);
	page = alloc_buffer(test);
	KUNIT_EXPECT_PTR_EQ(test, unmapped_block_of(page), unmapped_block_of(a));
	page = alloc(test, GFP_KERNEL, 9, buffer_owner);
	KUNIT_EXPECT_PTR_EQ(test, page, b);
}

/*
 * Caps.
 */

static unsigned long pages_to_kbytes(long pages)
{
	return pages << (PAGE_SHIFT - 10);
}

static void check_cap(struct kunit *test, unsigned long *cap,
		      unsigned long used)
{
	struct page *two, *more, *one;

	mark_events(test);
	*cap = pages_to_kbytes(used + 3);
	two = unmapped_pages_alloc(GFP_KERNEL, 1, buffer_owner);
	more = unmapped_pages_alloc(GFP_KERNEL, 1, buffer_owner);
	one = unmapped_pages_alloc(GFP_KERNEL, 0, buffer_owner);
	*cap = 0;
	hold(test, two, 1);
	hold(test, one, 0);
	KUNIT_EXPECT_NULL(test, more);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 3);
	expect_events(test, UNMAPPED_CAPPED, 1);
	alloc(test, GFP_KERNEL, 1, buffer_owner);
	free_all(test);
}

static void test_caps(struct kunit *test)
{
	if (unmapped_max_kbytes)
		kunit_skip(test, "a cap is set");
	check_cap(test, &buffer_owner->max_kbytes, 0);
	check_cap(test, &unmapped_max_kbytes, unmapped_total_used());
}

/* One owner's cap is not another's, and that for all counts every owner. */
static void test_caps_apart(struct kunit *test)
{
	struct page *other, *none;

	if (unmapped_max_kbytes)
		kunit_skip(test, "a cap is set");
	alloc_buffer(test);
	buffer_owner->max_kbytes = pages_to_kbytes(1);
	other = unmapped_pages_alloc(GFP_KERNEL, 0, secret_owner);
	buffer_owner->max_kbytes = 0;
	hold(test, other, 0);

	unmapped_max_kbytes = pages_to_kbytes(unmapped_total_used());
	none = unmapped_pages_alloc(GFP_KERNEL, 0, secret_owner);
	unmapped_max_kbytes = 0;
	KUNIT_EXPECT_NULL(test, none);
}

/*
 * Return.
 */

/* Some 2M of the direct map that nothing has changed since boot. */
static struct leaf untouched_leaf(void *addr)
{
	struct leaf leaf = { };
	long i;

	for (i = -32; i <= 32; i++) {
		if (!i || !pfn_valid(PHYS_PFN(__pa(addr) + i * PMD_SIZE)))
			continue;
		leaf = leaf_of(addr + i * PMD_SIZE);
		if (leaf.level == PG_LEVEL_2M && leaf.present &&
		    (leaf.flags & _PAGE_RW))
			return leaf;
	}
	return (struct leaf){ };
}

/*
 * The leaf goes as one and comes as one, the same as before and the same as
 * its neighbours. (1G leaves are split by the first block in them.)
 */
static void test_leaf(struct kunit *test)
{
	struct unmapped_request req = { .gfp = GFP_KERNEL,
					.owner = buffer_owner };
	struct page *page = old_pages(test, UNMAPPED_BLOCK_ORDER);
	void *addr = page_address(page);
	struct leaf before = leaf_of(addr), during, after, other;

	make_block(test, page, &req);
	during = leaf_of(addr);
	free_all(test);
	unmapped_drain();
	after = leaf_of(addr);

	before.level = min_t(unsigned int, before.level, PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, during.level, before.level);
	KUNIT_EXPECT_FALSE(test, during.present);
	KUNIT_EXPECT_EQ(test, after.level, before.level);
	KUNIT_EXPECT_EQ(test, after.flags, before.flags);
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	other = untouched_leaf(addr);
	if (other.present && after.level == PG_LEVEL_2M)
		KUNIT_EXPECT_EQ(test, after.flags, other.flags);
}

static void test_return(struct kunit *test)
{
	struct page *page = alloc(test, GFP_KERNEL, 9, buffer_owner);
	unsigned int i, bad = 0;

	mark_events(test);
	give_back(test, page, 9);
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
	unmapped_drain();
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), 0);
	for (i = 0; i < BLOCK_PAGES; i++)
		bad += page_inaccessible(page + i) || PageOffline(page + i) ||
		       !kernel_page_present(page + i);
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_NULL(test, unmapped_block_of(page));
	KUNIT_EXPECT_NULL(test, unmapped_block_of(page + BLOCK_PAGES - 1));
	expect_events(test, UNMAPPED_RETURN, 1);
	expect_events(test, DIRECT_MAP_LEVEL2_SPLIT, 0);
}

/* What is free memory now may be used by others while it is searched. */
static unsigned int words_in(struct page *page, unsigned int nr, u64 word)
{
	const u64 *addr = page_address(page), *end = addr + nr * PAGE_SIZE / 8;
	unsigned int found = 0;
	u64 got;

	for (; addr < end; addr++)
		if (!copy_from_kernel_nofault(&got, addr, sizeof(got)))
			found += got == word;
	return found;
}

#define SECRET	0x7365637265746d65ULL

static void write_secret(struct kunit *test, struct page *page)
{
	u64 *addr = page_access_map(page);

	KUNIT_ASSERT_NOT_NULL(test, addr);
	memset64(addr, SECRET, PAGE_SIZE / sizeof(*addr));
	kunmap_local(addr);
}

/* Also pages that were freed where nobody could clear them. */
static void test_return_clean(struct kunit *test)
{
	struct page *page = alloc(test, GFP_KERNEL, 2, secret_owner);
	struct page *more = alloc(test, GFP_KERNEL, 2, secret_owner);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		write_secret(test, page + i);
		write_secret(test, more + i);
	}
	free_in_irq(test, page, 2);
	give_back(test, more, 2);
	unmapped_drain();
	KUNIT_ASSERT_EQ(test, more_pages(test), 0);
	KUNIT_EXPECT_EQ(test, words_in(page, 4, SECRET), 0);
	KUNIT_EXPECT_EQ(test, words_in(more, 4, SECRET), 0);
}

static void test_partial_stays(struct kunit *test)
{
	struct page *page = alloc_buffer(test);
	struct page *gone = alloc(test, GFP_KERNEL, 3, buffer_owner);

	fill(test, page, 0x42);
	give_back(test, gone, 3);
	unmapped_drain();
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
	KUNIT_EXPECT_EQ(test, used_page_faults(page, true), 0);
	KUNIT_EXPECT_TRUE(test, filled_with(page, 0x42));
	expect_free(test, gone, 8);
}

/* Of three blocks that run empty together one is kept. */
static void test_slack(struct kunit *test)
{
	struct unmapped_node *node;
	struct page *page = NULL;
	int i, nid = numa_mem_id();

	for (i = 0; i < 3; i++) {
		page = unmapped_pages_alloc_node(GFP_KERNEL | __GFP_THISNODE,
						 9, buffer_owner, nid);
		hold(test, page, 9);
	}
	KUNIT_EXPECT_EQ(test, more_pages(test), 3 * BLOCK_PAGES);
	node = node_of(page);
	free_all(test);
	flush_delayed_work(&node->return_work);
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
	KUNIT_EXPECT_EQ(test, node->nr_blocks[UNMAPPED_EMPTY], 1);
	KUNIT_EXPECT_EQ(test, node->nr_free, BLOCK_PAGES);
}

/* A partly used block beside an empty one: the first is not to be had. */
static void test_return_blocks(struct kunit *test)
{
	struct page *stays = alloc(test, GFP_KERNEL, 8, buffer_owner);
	struct page *goes = alloc(test, GFP_KERNEL, 9, buffer_owner);
	struct unmapped_node *node = node_of(goes);

	give_back(test, goes, 9);
	KUNIT_EXPECT_EQ(test, unmapped_return(node, 1, ULONG_MAX), 0);
	KUNIT_EXPECT_EQ(test, unmapped_return(node, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, unmapped_return(node, 0, 1), BLOCK_PAGES);
	KUNIT_EXPECT_EQ(test, unmapped_return(node, 0, ULONG_MAX), 0);
	KUNIT_EXPECT_TRUE(test, kernel_page_present(goes));
	KUNIT_EXPECT_FALSE(test, kernel_page_present(stays));
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
}

/* A block on its way is not back yet, and who asks for that is told. */
static void test_return_counted(struct kunit *test)
{
	struct page *page = alloc_buffer(test);
	struct unmapped_block *block;

	give_back(test, page, 0);
	unmapped_front_drain(page_to_nid(page));
	block = unmapped_node_pop_empty(node_of(page), 0);
	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
	unmapped_node_push(block);
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
	KUNIT_EXPECT_EQ(test, unmapped_drain(), 0);
}

/* As reclaim would: through the list of shrinkers. */
static void test_shrinker(struct kunit *test)
{
	struct page *stays = alloc(test, GFP_KERNEL, 8, buffer_owner);
	struct page *goes = alloc(test, GFP_KERNEL, 9, buffer_owner);
	struct mem_cgroup *memcg;

	alloc_hit(test, 0);	/* less than half of the block is free */
	give_back(test, goes, 9);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(goes));
	memcg = mem_cgroup_iter(NULL, NULL, NULL);
	shrink_slab(GFP_KERNEL, page_to_nid(goes), memcg, 0);
	mem_cgroup_iter_break(NULL, memcg);
	KUNIT_EXPECT_TRUE(test, kernel_page_present(goes));
	KUNIT_EXPECT_FALSE(test, kernel_page_present(stays));
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
}

/*
 * Poison. The mark alone is set here: nobody else knows of it, and heal()
 * makes a page good again, so that the test leaves no page behind.
 */

static void need_poison(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		kunit_skip(test, "needs MEMORY_FAILURE");
}

/* As unpoison does: the last put gives the page back. */
static void heal(struct page *page)
{
	ClearPageHWPoison(page);
	if (!unmapped_owner_of(page) && !PageOffline(page))
		put_page(page);
}

/* Takes all that can be had from a block, and counts who is not @page. */
static unsigned int exhaust(struct kunit *test, struct page *page)
{
	struct page *got;
	unsigned int nr = 0;

	while ((got = unmapped_pages_alloc(GFP_NOWAIT, 0, buffer_owner))) {
		KUNIT_EXPECT_PTR_NE(test, got, page);
		hold(test, got, 0);
		nr++;
	}
	return nr;
}

/*
 * The rest of the block has gone back in pieces. The page is as others that
 * are poisoned: in no free list, and no obstacle to those who look for pages
 * that cannot move. It stays out of the direct map.
 */
static void expect_poison_left(struct kunit *test, struct page *page)
{
	struct page *first = page - index_of(page);
	unsigned int i, bad = 0;

	unmapped_drain();
	KUNIT_EXPECT_EQ(test, more_pages(test), 1);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
	KUNIT_EXPECT_TRUE(test, PageHWPoison(page));
	KUNIT_EXPECT_FALSE(test, PageOffline(page) || PageBuddy(page));
	for (i = 0; i < BLOCK_PAGES; i++)
		bad += first + i != page &&
		       (page_inaccessible(first + i) ||
			PageOffline(first + i) ||
			!kernel_page_present(first + i));
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Poison strikes a page that is used. Its free keeps it. */
static void test_poison_used(struct kunit *test)
{
	struct page *page = alloc_buffer(test);

	need_poison(test);
	alloc_buffer(test);
	fill(test, page, OLD);
	SetPageHWPoison(page);
	give_back(test, page, 0);
	KUNIT_EXPECT_EQ(test, unmapped_block_of(page)->nr_bad, 1);
	KUNIT_EXPECT_TRUE(test, filled_with(page, OLD)); /* not touched */
	KUNIT_EXPECT_TRUE(test, test_bit(index_of(page),
					 unmapped_block_of(page)->dirty));
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 1);
	KUNIT_EXPECT_EQ(test, exhaust(test, page), BLOCK_PAGES - 2);
	free_all(test);
	expect_poison_left(test, page);
	heal(page);
}

/* Of four pages that are freed together the other three are good. */
static void test_poison_one_of_four(struct kunit *test)
{
	struct page *page = alloc(test, GFP_KERNEL, 2, buffer_owner);
	unsigned int i;

	need_poison(test);
	alloc_buffer(test);
	for (i = 0; i < 4; i++)
		fill(test, page + i, OLD);
	SetPageHWPoison(page + 2);
	give_back(test, page, 2);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_TRUE(test, filled_with(page + i,
						    i == 2 ? OLD : 0));
	KUNIT_EXPECT_EQ(test, unmapped_block_of(page)->nr_bad, 1);
	KUNIT_EXPECT_EQ(test, exhaust(test, page + 2), BLOCK_PAGES - 2);
	free_all(test);
	expect_poison_left(test, page + 2);
	heal(page + 2);
}

/* It strikes a page that is free. The next user gets another one. */
static void test_poison_free(struct kunit *test)
{
	struct page *page = alloc_buffer(test);
	struct page *keep = alloc_buffer(test);

	need_poison(test);
	give_back(test, page, 0);
	SetPageHWPoison(page);
	KUNIT_EXPECT_EQ(test, exhaust(test, page), BLOCK_PAGES - 2);
	KUNIT_EXPECT_EQ(test, unmapped_block_of(keep)->nr_bad, 1);
	KUNIT_EXPECT_EQ(test, node_of(page)->nr_free, 0);
	free_all(test);
	expect_poison_left(test, page);
	heal(page);
}

/* And a range that contains it is not to be had, but what is around it is. */
static void test_poison_free_range(struct kunit *test)
{
	struct page *page = alloc(test, GFP_KERNEL, 2, buffer_owner);
	struct page *keep = alloc_buffer(test);
	struct page *other;

	need_poison(test);
	give_back(test, page, 2);
	SetPageHWPoison(page + 1);
	unmapped_front_drain(page_to_nid(page));
	other = alloc_hit(test, 2);
	KUNIT_EXPECT_PTR_EQ(test, unmapped_block_of(other),
			    unmapped_block_of(keep));
	KUNIT_EXPECT_PTR_NE(test, other, page);
	KUNIT_EXPECT_PTR_EQ(test, alloc_hit(test, 0), page);
	unmapped_front_drain(page_to_nid(page));
	KUNIT_EXPECT_PTR_EQ(test, alloc_hit(test, 1), page + 2);
	free_all(test);
	heal(page + 1);
}

/* Nothing of the block is used: it would go, with the page in it. */
static void test_poison_return(struct kunit *test)
{
	struct page *page = alloc_buffer(test);

	need_poison(test);
	give_back(test, page, 0);
	unmapped_front_drain(page_to_nid(page));
	SetPageHWPoison(page);
	expect_poison_left(test, page);
	heal(page);
}

/*
 * Memory goes offline. What is poisoned does not prevent it, even when those
 * who handle the failure keep the page as it was, in use.
 */
static void test_poison_offline(struct kunit *test)
{
	struct page *page = alloc_buffer(test);
	struct page *first = page - index_of(page);
	struct memory_notify range = { .start_pfn = page_to_pfn(first),
				       .nr_pages = BLOCK_PAGES };

	need_poison(test);
	KUNIT_EXPECT_EQ(test, unmapped_memory_notify(NULL, MEM_GOING_OFFLINE,
						     &range),
			notifier_from_errno(-EBUSY));
	SetPageHWPoison(page);
	KUNIT_EXPECT_EQ(test, unmapped_memory_notify(NULL, MEM_GOING_OFFLINE,
						     &range), NOTIFY_OK);
	KUNIT_EXPECT_EQ(test, more_pages(test), 1);
	KUNIT_EXPECT_TRUE(test, kernel_page_present(page + 1));

	/* Unpoisoned, it is an ordinary user's page again */
	heal(page);
	KUNIT_EXPECT_EQ(test, used_page_faults(page, true), 0);
}

/* With the memory all that was known of the page is gone. */
static void test_poison_forget(struct kunit *test)
{
	struct page *page = alloc_buffer(test);
	struct page *first = page - index_of(page);
	struct memory_notify range = { .start_pfn = page_to_pfn(first),
				       .nr_pages = BLOCK_PAGES };

	need_poison(test);
	SetPageHWPoison(page);
	unmapped_memory_notify(NULL, MEM_GOING_OFFLINE, &range);
	unmapped_memory_notify(NULL, MEM_OFFLINE, &range);
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 0);
	KUNIT_EXPECT_NULL(test, unmapped_block_of(page));

	/* It is not offline really */
	unhold(test, page);
	ClearPageHWPoison(page);
	KUNIT_EXPECT_EQ(test, unmapped_restore(page, 1), 0);
	__free_page(page);
}

/*
 * Without a page of 2M at hand a request gets its own pages, alone. That
 * splits a leaf of the direct map for good, as secretmem does without the
 * cache.
 */

static void pretend_miss(struct unmapped_node *node, unsigned int times)
{
	mutex_lock(&node->refill_lock);
	node->miss_wait = times;
	mutex_unlock(&node->refill_lock);
}

static struct page *alloc_on(struct kunit *test, struct unmapped_node *node,
			     gfp_t gfp, unsigned int order,
			     struct unmapped_owner *owner)
{
	struct page *page;

	page = unmapped_pages_alloc_node(gfp | __GFP_THISNODE, order, owner,
					 node->nid);
	return hold(test, page, order);
}

static struct page *alloc_alone(struct kunit *test, struct unmapped_node *node,
				unsigned int order,
				struct unmapped_owner *owner)
{
	pretend_miss(node, 1);
	return alloc_on(test, node, GFP_KERNEL, order, owner);
}

/* Exactly what was asked for; the next allocation may have a block again. */
static void test_alone(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	unsigned int order, i, bad = 0;
	struct page *page;

	for (order = 0; order < UNMAPPED_BLOCK_ORDER; order++) {
		mark_events(test);
		page = alloc_alone(test, node, order, secret_owner);
		KUNIT_EXPECT_EQ(test, more_pages(test), 1 << order);
		KUNIT_EXPECT_EQ(test, unmapped_total_free(), 0);
		for (i = 0; i < 1U << order; i++) {
			bad += !!used_page_faults(page + i, !i);
			bad += unmapped_owner_of(page + i) != secret_owner;
			bad += !filled_with(page + i, 0);
		}
		KUNIT_EXPECT_EQ(test, probe(page_address(page)), -EFAULT);
		expect_events(test, UNMAPPED_REFILL, 0);
		expect_events(test, UNMAPPED_REFILL_SMALL, 1);
		expect_events(test, UNMAPPED_FLUSH, 1);
		give_back(test, page, order);
		settle();
		expect_events(test, UNMAPPED_RETURN, 1 << order);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	alloc_on(test, node, GFP_KERNEL, 0, buffer_owner);
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
}

static void expect_back(struct kunit *test, struct unmapped_node *node,
			struct page *page, unsigned int nr)
{
	unsigned int i, bad = 0;

	flush_delayed_work(&node->return_work);
	for (i = 0; i < nr; i++)
		bad += page_inaccessible(page + i) || PageOffline(page + i) ||
		       !kernel_page_present(page + i);
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, words_in(page, nr, SECRET), 0);
	KUNIT_EXPECT_EQ(test, node->nr_leaving, 0);
}

/* They are not kept: free, they go at once, clean and mapped. */
static void test_alone_return(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	struct page *page, *stays;
	unsigned int i;

	page = alloc_alone(test, node, 3, secret_owner);
	stays = alloc_alone(test, node, 0, secret_owner);
	for (i = 0; i < 8; i++)
		write_secret(test, page + i);
	free_in_irq(test, page, 3);
	expect_back(test, node, page, 8);
	KUNIT_EXPECT_EQ(test, more_pages(test), 1);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), 0);

	give_back(test, stays, 0);
	expect_back(test, node, stays, 1);
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	KUNIT_EXPECT_NULL(test, unmapped_block_of(page));
}

/* The page's private field is its user's, whoever that is. */
static void test_alone_private(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	struct page *page = alloc_alone(test, node, 0, secret_owner);

	set_page_private(page, 0x1234);
	KUNIT_EXPECT_PTR_EQ(test, unmapped_owner_of(page), secret_owner);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(kmap_local_page_try(page)),
			-EACCES);
	give_back(test, page, 0);
	expect_back(test, node, page, 1);
	KUNIT_EXPECT_EQ(test, more_used(test, secret_owner), 0);
}

static void test_alone_kmap(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	struct page *page = alloc_alone(test, node, 1, buffer_owner);
	void *addr = kmap_local_page_try(page + 1);

	KUNIT_ASSERT_FALSE(test, IS_ERR(addr));
	kunmap_local(addr);
}

static void test_alone_poison(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	struct page *page = alloc_alone(test, node, 1, secret_owner);

	need_poison(test);
	SetPageHWPoison(page);
	give_back(test, page, 1);
	flush_delayed_work(&node->return_work);
	KUNIT_EXPECT_EQ(test, more_pages(test), 1);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
	KUNIT_EXPECT_TRUE(test, kernel_page_present(page + 1));

	/* As if poison had never struck */
	heal(page);
	expect_back(test, node, page, 1);
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
}

/*
 * Memory that cannot go now.
 */

/* As if the work had been at it: nothing is returned but by the test. */
static void hold_work(struct unmapped_node *node)
{
	mod_delayed_work(system_unbound_wq, &node->return_work, 60 * HZ);
}

/* Of three empty blocks the one that is next has a page that is looked at. */
static void test_pinned_block(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	struct page *page[3];
	unsigned int i;

	hold_work(node);
	for (i = 0; i < 3; i++)
		page[i] = alloc_on(test, node, GFP_KERNEL, 9, buffer_owner);
	for (i = 0; i < 3; i++)
		give_back(test, page[i], 9);
	get_page(page[0] + 1);
	KUNIT_EXPECT_EQ(test, unmapped_return(node, 0, ULONG_MAX),
			2 * BLOCK_PAGES);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page[0]));
	KUNIT_EXPECT_TRUE(test, kernel_page_present(page[1]));
	KUNIT_EXPECT_TRUE(test, kernel_page_present(page[2]));
	put_page(page[0] + 1);
	KUNIT_EXPECT_EQ(test, unmapped_return(node, 0, ULONG_MAX),
			BLOCK_PAGES);
}

/* What cannot go is tried again later, and not with each free. */
static void test_pinned_no_storm(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	struct page *page[2], *other;
	unsigned int i, idle = 0;

	hold_work(node);
	for (i = 0; i < 2; i++)
		page[i] = alloc_on(test, node, GFP_KERNEL, 9, buffer_owner);
	for (i = 0; i < 2; i++) {
		give_back(test, page[i], 9);
		get_page(page[i] + BLOCK_PAGES - 1);
	}
	flush_delayed_work(&node->return_work);
	KUNIT_EXPECT_EQ(test, node->nr_blocks[UNMAPPED_EMPTY], 2);
	for (i = 0; i < 100; i++) {
		other = alloc_on(test, node, GFP_NOWAIT, 1, buffer_owner);
		give_back(test, other, 1);
		cond_resched();
		idle += !delayed_work_pending(&node->return_work);
	}
	KUNIT_EXPECT_LE(test, idle, 2);
	for (i = 0; i < 2; i++)
		put_page(page[i] + BLOCK_PAGES - 1);
	flush_delayed_work(&node->return_work);
	KUNIT_EXPECT_EQ(test, node->nr_blocks[UNMAPPED_EMPTY], 1);
}

/*
 * Free pages beside used ones, when memory is short.
 */

static void test_sparse(struct kunit *test)
{
	struct page *stays = alloc(test, GFP_KERNEL, 0, secret_owner);
	struct page *dense = alloc(test, GFP_KERNEL, 9, buffer_owner);
	struct unmapped_node *node = node_of(stays);
	struct page *first = stays - index_of(stays);
	unsigned int i, bad = 0;

	write_secret(test, stays);
	unmapped_front_drain(node->nid);
	mark_events(test);
	KUNIT_EXPECT_EQ(test, unmapped_return_sparse(node, ULONG_MAX),
			BLOCK_PAGES - 1);
	expect_events(test, UNMAPPED_RETURN, BLOCK_PAGES - 1);
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES + 1);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), 0);
	for (i = 0; i < BLOCK_PAGES; i++)
		bad += kernel_page_present(first + i) == (first + i == stays);
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, used_page_faults(stays, true), 0);
	KUNIT_EXPECT_EQ(test, used_page_faults(dense, true), 0);
	KUNIT_EXPECT_PTR_EQ(test, unmapped_owner_of(stays), secret_owner);

	/* It hands out nothing, and the last page takes the descriptor along */
	KUNIT_EXPECT_NULL(test, unmapped_pages_alloc(GFP_NOWAIT, 0,
						     buffer_owner));
	give_back(test, stays, 0);
	expect_back(test, node, stays, 1);
	KUNIT_EXPECT_NULL(test, unmapped_block_of(stays));
}

/* Somebody looks at a free page: it goes, and is ordinary when they see it. */
static void test_sparse_looked_at(struct kunit *test)
{
	struct page *stays = alloc(test, GFP_KERNEL, 0, secret_owner);
	struct page *seen = stays + 40;

	unmapped_front_drain(page_to_nid(stays));
	get_page(seen);
	KUNIT_EXPECT_EQ(test, unmapped_return_sparse(node_of(stays), ULONG_MAX),
			BLOCK_PAGES - 1);
	KUNIT_EXPECT_EQ(test, page_ref_count(seen), 1);
	KUNIT_EXPECT_FALSE(test, page_inaccessible(seen) || PageOffline(seen));
	KUNIT_EXPECT_TRUE(test, kernel_page_present(seen));
	put_page(seen);
}

/* Half of a block is the least that is worth a leaf. */
static void test_sparse_half(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	struct page *page, *half;

	half = alloc_on(test, node, GFP_KERNEL, 8, buffer_owner);
	page = alloc_on(test, node, GFP_NOWAIT, 0, buffer_owner);
	unmapped_front_drain(node->nid);
	KUNIT_EXPECT_EQ(test, unmapped_return_sparse(node, ULONG_MAX), 0);
	give_back(test, page, 0);
	unmapped_front_drain(node->nid);
	KUNIT_EXPECT_EQ(test, unmapped_return_sparse(node, ULONG_MAX),
			BLOCK_PAGES / 2);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(half));
}

/* Through the list of shrinkers, as reclaim does when it is in earnest. */
static void test_sparse_shrinker(struct kunit *test)
{
	struct page *stays = alloc_buffer(test);
	struct mem_cgroup *memcg;
	unsigned int i;

	unmapped_front_drain(page_to_nid(stays));
	memcg = mem_cgroup_iter(NULL, NULL, NULL);
	/* It is reluctant */
	for (i = 0; i < 16 && more_pages(test) > 1; i++)
		shrink_slab(GFP_KERNEL, page_to_nid(stays), memcg, 0);
	mem_cgroup_iter_break(NULL, memcg);
	KUNIT_EXPECT_GT(test, i, 1);
	KUNIT_EXPECT_EQ(test, more_pages(test), 1);
	KUNIT_EXPECT_EQ(test, used_page_faults(stays, true), 0);
}

/* Without a page table for the split all stays as it was, for the next try. */
static int no_page_table(struct page *page, unsigned int nr, bool valid,
			 gfp_t gfp)
{
	return valid && nr < BLOCK_PAGES ? -ENOMEM :
	       set_direct_map_valid_noflush(page, nr, valid, gfp);
}

static void test_sparse_fails(struct kunit *test)
{
	struct page *stays = alloc_buffer(test);
	struct unmapped_node *node = node_of(stays);

	unmapped_front_drain(node->nid);
	kunit_activate_static_stub(test, unmapped_set_valid, no_page_table);
	KUNIT_EXPECT_EQ(test, unmapped_return_sparse(node, ULONG_MAX), 0);
	kunit_deactivate_static_stub(test, unmapped_set_valid);
	KUNIT_EXPECT_EQ(test, more_pages(test), BLOCK_PAGES);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), BLOCK_PAGES - 1);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&node->return_work));

	/* With its last page free it is whole again after all */
	mark_events(test);
	give_back(test, stays, 0);
	unmapped_drain();
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	expect_events(test, DIRECT_MAP_LEVEL2_SPLIT, 0);
}

/*
 * Owners.
 */

/* Many owners of a few pages share blocks, and see nothing of each other. */
static void test_many_owners(struct kunit *test)
{
	struct unmapped_owner **owners;
	unsigned int i, j, wrong = 0;
	struct page *page;

	owners = kunit_kcalloc(test, 200, sizeof(*owners), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, owners);
	for (i = 0; i < 200; i++)
		owners[i] = unmapped_owner_create("test", 0);
	for (i = 0; i < 1000; i++) {
		KUNIT_ASSERT_NOT_NULL(test, owners[i % 200]);
		page = alloc(test, GFP_KERNEL, 0, owners[i % 200]);
		wrong += unmapped_owner_of(page) != owners[i % 200];
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, more_pages(test), 2 * BLOCK_PAGES);
	for (j = 0; j < 200; j++) {
		KUNIT_EXPECT_EQ(test, unmapped_owner_pages(owners[j]), 5);
		unmapped_owner_destroy(owners[j]);
	}
	free_all(test);
}

/* An owner that is let go stays for its pages, and is gone with the last. */
static void test_owner_destroy(struct kunit *test)
{
	struct unmapped_owner *owner = unmapped_owner_create("test", 0);
	struct page *page;
	u16 id;

	KUNIT_ASSERT_NOT_NULL(test, owner);
	id = owner->id;
	page = alloc(test, GFP_KERNEL, 1, owner);
	unmapped_owner_destroy(owner);
	KUNIT_EXPECT_PTR_EQ(test, unmapped_owner_of(page), owner);
	KUNIT_EXPECT_EQ(test, unmapped_total_used(), 2);
	give_back(test, page, 1);
	KUNIT_EXPECT_NULL(test, unmapped_owner_by_id(id));
	KUNIT_EXPECT_EQ(test, unmapped_total_used(), 0);

	owner = unmapped_owner_create("test", 0);
	KUNIT_ASSERT_NOT_NULL(test, owner);
	id = owner->id;
	unmapped_owner_destroy(owner);
	KUNIT_EXPECT_NULL(test, unmapped_owner_by_id(id));
}

/* Pages that only the lists for the LRU have come back; others are counted. */
static void test_owner_drain(struct kunit *test)
{
	leave_on_lru_list(test);
	KUNIT_EXPECT_EQ(test, unmapped_owner_pages(buffer_owner), 1);
	KUNIT_EXPECT_EQ(test, unmapped_owner_drain(buffer_owner), 0);
	alloc_buffer(test);
	KUNIT_EXPECT_EQ(test, unmapped_owner_drain(buffer_owner), 1);
}

/*
 * Fronts.
 */

static void test_front(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	struct page *first = alloc_buffer(test);
	struct page *page = alloc_buffer(test);
	unsigned long front = unmapped_front_pages(node->nid);

	/* The second found one for itself, and more for those after it */
	KUNIT_EXPECT_PTR_EQ(test, page, first + 1);
	KUNIT_EXPECT_GT(test, front, 0);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), BLOCK_PAGES - 2);
	KUNIT_EXPECT_EQ(test, node->nr_free + front, BLOCK_PAGES - 2);
	KUNIT_EXPECT_PTR_EQ(test, alloc_buffer(test), page + 1);
	KUNIT_EXPECT_EQ(test, unmapped_front_pages(node->nid), front - 1);
	give_back(test, page, 0);
	KUNIT_EXPECT_EQ(test, unmapped_front_pages(node->nid), front);
	expect_free(test, page, 1);
	KUNIT_EXPECT_PTR_EQ(test, alloc_buffer(test), page);
	unmapped_front_drain(node->nid);
	KUNIT_EXPECT_EQ(test, unmapped_front_pages(node->nid), 0);
	KUNIT_EXPECT_EQ(test, node->nr_free, BLOCK_PAGES - 3);
}

/* A front is bounded: what is over goes to the node, which may return it. */
static void test_front_overflow(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	unsigned int i;

	for (i = 0; i < BLOCK_PAGES; i++)
		alloc_buffer(test);
	free_all(test);
	KUNIT_EXPECT_GT(test, unmapped_front_pages(node->nid), 0);
	KUNIT_EXPECT_LE(test, unmapped_front_pages(node->nid), 64);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), BLOCK_PAGES);
}

/* What a front did not need since the last look is not kept from the node. */
static void test_front_trim(struct kunit *test)
{
	struct unmapped_node *node = unmapped_nodes[numa_mem_id()];
	unsigned long left;

	alloc_buffer(test);
	alloc_buffer(test);
	left = unmapped_front_pages(node->nid);
	unmapped_front_trim(NULL);
	KUNIT_EXPECT_EQ(test, unmapped_front_pages(node->nid), left);
	alloc_buffer(test);
	give_back(test, alloc_buffer(test), 0);
	unmapped_front_trim(NULL);
	KUNIT_EXPECT_EQ(test, unmapped_front_pages(node->nid), 1);
	unmapped_front_trim(NULL);
	KUNIT_EXPECT_EQ(test, unmapped_front_pages(node->nid), 0);
	KUNIT_EXPECT_EQ(test, node->nr_free, BLOCK_PAGES - 3);
}

/* And so the direct map is whole again soon after the last free. */
static void test_front_idle(struct kunit *test)
{
	struct page *page = alloc_buffer(test);
	struct unmapped_node *node = node_of(page);
	unsigned int i;

	give_back(test, page, 0);
	for (i = 0; i < 60 && node->nr_blocks[UNMAPPED_EMPTY] != 1; i++)
		msleep(100);
	KUNIT_EXPECT_EQ(test, node->nr_blocks[UNMAPPED_EMPTY], 1);
	KUNIT_EXPECT_EQ(test, unmapped_front_pages(node->nid), 0);
}

static long alloc_remotely(void *arg)
{
	return (long)unmapped_pages_alloc(GFP_KERNEL, 0, arg);
}

static long free_remotely(void *arg)
{
	unmapped_pages_free(arg, 0);
	return 0;
}

static int other_cpu(struct kunit *test)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (cpu != raw_smp_processor_id() &&
		    cpu_to_mem(cpu) == numa_mem_id())
			return cpu;
	kunit_skip(test, "needs another CPU of the node");
}

/* Pages that another CPU has in its front are found by those who drain. */
static void test_front_remote(struct kunit *test)
{
	int cpu = other_cpu(test);
	struct page *page;

	page = (struct page *)work_on_cpu(cpu, alloc_remotely, buffer_owner);
	KUNIT_ASSERT_NOT_NULL(test, page);
	work_on_cpu(cpu, free_remotely, page);
	KUNIT_EXPECT_GT(test, unmapped_front_pages(page_to_nid(page)), 0);
	unmapped_drain();
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	KUNIT_EXPECT_TRUE(test, kernel_page_present(page));
}

/* A CPU that goes offline leaves its pages to the node. */
static void test_front_hotplug(struct kunit *test)
{
	struct page *page;
	int cpu;

	set_cpus_allowed_ptr(current, cpumask_of(0));
	cpu = other_cpu(test);
	page = (struct page *)work_on_cpu(cpu, alloc_remotely, buffer_owner);
	KUNIT_ASSERT_NOT_NULL(test, page);
	work_on_cpu(cpu, free_remotely, page);
	if (remove_cpu(cpu))
		kunit_skip(test, "CPU %d does not go offline", cpu);
	KUNIT_EXPECT_EQ(test, unmapped_front_pages(page_to_nid(page)), 0);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), BLOCK_PAGES);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	unmapped_drain();
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
}

/* No lock and no list of the node is touched by those whom a front serves. */
static void test_front_lockless(struct kunit *test)
{
	struct page *page = alloc_buffer(test), *again;
	struct unmapped_node *node = node_of(page);

	give_back(test, page, 0);
	spin_lock_irq(&node->lock);
	again = unmapped_pages_alloc(GFP_NOWAIT, 0, buffer_owner);
	if (again)
		unmapped_pages_free(again, 0);
	spin_unlock_irq(&node->lock);
	KUNIT_EXPECT_PTR_EQ(test, again, page);
}

/*
 * Failures, made by replacing the calls that can fail.
 */

static struct fixture *note_call(struct page *page, gfp_t gfp,
				 unsigned int order)
{
	struct fixture *fix = kunit_get_current_test()->priv;

	if (fix->nr_calls < MAX_CALLS)
		fix->calls[fix->nr_calls++] = (struct call){ page, gfp, order };
	return fix;
}

static struct page *no_pages(const struct unmapped_request *req, gfp_t gfp,
			     unsigned int order)
{
	note_call(NULL, gfp, order);
	return NULL;
}

static struct page *no_large_pages(const struct unmapped_request *req,
				   gfp_t gfp, unsigned int order)
{
	note_call(NULL, gfp, order);
	if (order > 3)
		return NULL;
	return alloc_pages_node(req->nid, gfp, order);
}

/*
 * The arch call may fail when it has changed a part already. Here all has
 * been changed, since half of it would split a leaf in each attempt.
 */
static int fail_late(struct page *page, unsigned int nr, bool valid, gfp_t gfp)
{
	int err = set_direct_map_valid_noflush(page, nr, valid, gfp);

	if (valid)
		return err;
	note_call(page, 0, ilog2(nr));
	return -ENOMEM;
}

/* Who had a pointer to the page before takes a reference, and drops it. */
static int look_meanwhile(struct page *page, unsigned int nr, bool valid,
			  gfp_t gfp)
{
	if (!valid)
		get_page(page);
	return set_direct_map_valid_noflush(page, nr, valid, gfp);
}

static void test_looked_at_meanwhile(struct kunit *test)
{
	struct page *page;

	kunit_activate_static_stub(test, unmapped_set_valid, look_meanwhile);
	page = alloc_buffer(test);
	kunit_deactivate_static_stub(test, unmapped_set_valid);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 2);
	put_page(page);
}

/* Nothing is left of an allocation that failed. */
static void expect_nothing(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 0);
	KUNIT_EXPECT_EQ(test, more_used(test, secret_owner), 0);
	expect_events(test, UNMAPPED_REFILL_FAIL, 1);
	expect_events(test, UNMAPPED_ALLOC, 0);
	expect_events(test, UNMAPPED_FREE, 0);
}

/*
 * A block, or else what is asked for, without effort and on the node. Only the
 * last attempt, at the order that is needed, is the caller's own.
 */
static void test_no_memory(struct kunit *test)
{
	struct fixture *fix = test->priv;
	unsigned int i, last;

	mark_events(test);
	kunit_activate_static_stub(test, unmapped_alloc_pages, no_pages);
	KUNIT_EXPECT_NULL(test, unmapped_pages_alloc(GFP_KERNEL, 2,
						     secret_owner));
	kunit_deactivate_static_stub(test, unmapped_alloc_pages);
	expect_nothing(test);
	expect_events(test, UNMAPPED_REFILL_MISS, 1);

	KUNIT_ASSERT_GE(test, fix->nr_calls, 3);
	KUNIT_EXPECT_EQ(test, fix->calls[0].order, UNMAPPED_BLOCK_ORDER);
	KUNIT_EXPECT_EQ(test, fix->calls[1].order, 2);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_FALSE(test, fix->calls[i].gfp &
				   __GFP_DIRECT_RECLAIM);
		KUNIT_EXPECT_TRUE(test, fix->calls[i].gfp & __GFP_THISNODE);
	}
	last = fix->nr_calls - 1;
	KUNIT_EXPECT_EQ(test, fix->calls[last].order, 2);
	KUNIT_EXPECT_TRUE(test, fix->calls[last].gfp & __GFP_DIRECT_RECLAIM);
	for (i = 0; i < fix->nr_calls; i++)
		KUNIT_EXPECT_TRUE(test, fix->calls[i].gfp & __GFP_ZERO);
}

/* What is asked for is taken, and the futile search not repeated. */
static void test_no_large_pages(struct kunit *test)
{
	struct fixture *fix = test->priv;

	mark_events(test);
	kunit_activate_static_stub(test, unmapped_alloc_pages, no_large_pages);
	alloc_buffer(test);
	KUNIT_EXPECT_EQ(test, fix->nr_calls, 2);
	alloc(test, GFP_KERNEL, 3, buffer_owner);
	kunit_deactivate_static_stub(test, unmapped_alloc_pages);

	KUNIT_EXPECT_EQ(test, fix->nr_calls, 3);
	expect_events(test, UNMAPPED_REFILL_MISS, 1);
	expect_events(test, UNMAPPED_REFILL_SMALL, 2);
	expect_events(test, UNMAPPED_REFILL_FAIL, 0);
	KUNIT_EXPECT_EQ(test, more_pages(test), 9);
}

static struct page *any_pages(const struct unmapped_request *req, gfp_t gfp,
			      unsigned int order)
{
	struct page *page = alloc_pages_node(req->nid, gfp, order);

	note_call(page, gfp, order);
	return page;
}

static struct page *get_below(unsigned int order, unsigned long last_pfn)
{
	return unmapped_pages_alloc_below(GFP_KERNEL, order, buffer_owner,
					  NUMA_NO_NODE, last_pfn);
}

/* With a limit pages are new ones, whatever the blocks have. */
static void test_below(struct kunit *test)
{
	unsigned long last = max_pfn - 2;
	struct page *page;

	alloc_buffer(test);
	mark_events(test);
	page = hold(test, get_below(3, last), 3);
	KUNIT_EXPECT_LE(test, page_to_pfn(page) + 7, last);
	KUNIT_EXPECT_TRUE(test, page_detached(page + 7));
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page + 7));
	expect_events(test, UNMAPPED_REFILL_SMALL, 1);
	expect_events(test, UNMAPPED_REFILL, 0);

	page = hold(test, get_below(UNMAPPED_BLOCK_ORDER, last),
		    UNMAPPED_BLOCK_ORDER);
	KUNIT_EXPECT_LE(test, page_to_pfn(page) + BLOCK_PAGES - 1, last);
	KUNIT_EXPECT_FALSE(test, unmapped_block_of(page)->split);
	expect_events(test, UNMAPPED_REFILL, 1);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner),
			1 + 8 + BLOCK_PAGES);
}

/* Pages above the limit go back untouched; zones are asked from the top. */
static void test_below_limit(struct kunit *test)
{
	unsigned int nr = IS_ENABLED(CONFIG_ZONE_DMA) ? 2 : 1;
	struct fixture *fix = test->priv;

	mark_events(test);
	kunit_activate_static_stub(test, unmapped_alloc_pages, any_pages);
	KUNIT_EXPECT_NULL(test, get_below(0, 0));
	KUNIT_ASSERT_EQ(test, fix->nr_calls, nr);
	hold(test, get_below(0, max_pfn + PHYS_PFN(U32_MAX)), 0);
	kunit_deactivate_static_stub(test, unmapped_alloc_pages);

	KUNIT_EXPECT_TRUE(test, fix->calls[0].gfp & __GFP_DMA32);
	if (nr > 1)
		KUNIT_EXPECT_TRUE(test, fix->calls[1].gfp & __GFP_DMA);
	KUNIT_ASSERT_EQ(test, fix->nr_calls, nr + 1);
	KUNIT_EXPECT_FALSE(test, fix->calls[nr].gfp & GFP_ZONEMASK);
	expect_events(test, UNMAPPED_REFILL_FAIL, 1);
	expect_events(test, UNMAPPED_REFILL_SMALL, 1);
	KUNIT_EXPECT_EQ(test, more_used(test, buffer_owner), 1);
}

/* Each page that was tried is an ordinary one again, and mapped. */
static void test_unmap_fails(struct kunit *test)
{
	struct fixture *fix = test->priv;
	unsigned int i, bad = 0;
	struct call *call;

	mark_events(test);
	kunit_activate_static_stub(test, unmapped_set_valid, fail_late);
	KUNIT_EXPECT_NULL(test, unmapped_pages_alloc(GFP_KERNEL, 3,
						     buffer_owner));
	kunit_deactivate_static_stub(test, unmapped_set_valid);
	expect_nothing(test);
	expect_events(test, UNMAPPED_FLUSH, 0);

	KUNIT_EXPECT_GT(test, fix->nr_calls, 0);
	for (call = fix->calls; call < fix->calls + fix->nr_calls; call++)
		for (i = 0; i < 1U << call->order; i++)
			bad += !kernel_page_present(call->page + i) ||
			       page_inaccessible(call->page + i) ||
			       unmapped_block_of(call->page + i);
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/*
 * Two tasks at once, and the shrinker beside them.
 */

#define LIVE	24

struct stress {
	struct held live[LIVE];
	struct rnd_state rnd;
	unsigned long nr_allocs;
	unsigned long nr_bad;
};

static u64 stress_word(const struct stress *stress, struct page *page)
{
	return (page_to_pfn(page) * 0x9e3779b97f4a7c15ULL) ^ (uintptr_t)stress;
}

static bool stress_check(struct stress *stress, struct page *page)
{
	u64 want = stress_word(stress, page);
	u64 *addr = page_access_map(page);
	bool same;

	if (!addr)
		return false;
	same = addr[0] == want && addr[PAGE_SIZE / 8 - 1] == want &&
	       addr[PAGE_SIZE / 16] == want;
	kunmap_local(addr);
	return same;
}

static void stress_write(struct stress *stress, struct page *page)
{
	u64 *addr = page_access_map(page);

	if (!addr)
		return;
	memset64(addr, stress_word(stress, page), PAGE_SIZE / 8);
	kunmap_local(addr);
}

static void stress_free(struct stress *stress, struct held *held)
{
	unsigned int i;

	for (i = 0; i < 1U << held->order; i++)
		stress->nr_bad += !stress_check(stress, held->page + i);
	unmapped_pages_free(held->page, held->order);
	held->page = NULL;
}

static void stress_alloc(struct stress *stress, struct held *held, u32 rnd)
{
	gfp_t gfp = rnd & 1 ? GFP_NOWAIT : GFP_KERNEL | __GFP_NORETRY;
	unsigned int i;

	held->order = (rnd >> 4) % 5;
	held->page = unmapped_pages_alloc(gfp | __GFP_ZERO | __GFP_NOWARN,
					  held->order,
					  rnd & 2 ? buffer_owner :
						    secret_owner);
	if (!held->page)
		return;
	for (i = 0; i < 1U << held->order; i++) {
		stress->nr_bad += !filled_with(held->page + i, 0);
		stress_write(stress, held->page + i);
	}
	stress->nr_allocs++;
}

static int stress_fn(void *data)
{
	struct stress *stress = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		u32 rnd = prandom_u32_state(&stress->rnd);
		struct held *held = &stress->live[(rnd >> 8) % LIVE];

		if (held->page)
			stress_free(stress, held);
		else
			stress_alloc(stress, held, rnd);
		cond_resched();
	}
	for (i = 0; i < LIVE; i++)
		if (stress->live[i].page)
			stress_free(stress, &stress->live[i]);
	return 0;
}

static void test_stress(struct kunit *test)
{
	struct stress *stress = kunit_kcalloc(test, 2, sizeof(*stress),
					      GFP_KERNEL);
	struct task_struct *tasks[2];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, stress);
	for (i = 0; i < 2; i++) {
		prandom_seed_state(&stress[i].rnd, 612 + i);
		tasks[i] = kthread_run(stress_fn, &stress[i], "unmapped/%u", i);
	}
	for (i = 0; i < 10; i++) {
		msleep(20);
		unmapped_drain();
	}
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_FALSE(test, IS_ERR(tasks[i]));
		if (!IS_ERR(tasks[i]))
			kthread_stop(tasks[i]);
		KUNIT_EXPECT_GT(test, stress[i].nr_allocs, 0);
		KUNIT_EXPECT_EQ(test, stress[i].nr_bad, 0);
	}
}

/*
 * The suite.
 */

static int unmapped_init(struct kunit *test)
{
	struct fixture *fix;

	if (!unmapped_alloc_start())
		kunit_skip(test, "unmapped_alloc is off");
	/* On one node, whose cache the test then knows */
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fix);
	fix->pages = settle();
	if (fix->pages && system_state == SYSTEM_RUNNING)
		kunit_skip(test, "the cache is in use");
	KUNIT_ASSERT_EQ_MSG(test, fix->pages, 0, "left by an earlier test");
	fix->used = unmapped_total_used();
	buffer_owner = unmapped_owner_create("test buffer",
					     UNMAPPED_OWNER_KMAP);
	secret_owner = unmapped_owner_create("test secret",
					     UNMAPPED_OWNER_ZERO);
	KUNIT_ASSERT_TRUE(test, buffer_owner && secret_owner);
	test->priv = fix;
	return 0;
}

static void unmapped_exit(struct kunit *test)
{
	struct fixture *fix = test->priv;

	if (!fix)
		return;
	free_all(test);
	settle();
	KUNIT_EXPECT_EQ(test, more_pages(test), 0);
	KUNIT_EXPECT_EQ(test, unmapped_total_free(), 0);
	KUNIT_EXPECT_EQ(test, unmapped_owner_pages(buffer_owner), 0);
	KUNIT_EXPECT_EQ(test, unmapped_owner_pages(secret_owner), 0);
	KUNIT_EXPECT_EQ(test, unmapped_total_used(), fix->used);
	unmapped_owner_destroy(buffer_owner);
	unmapped_owner_destroy(secret_owner);
}

static struct kunit_case unmapped_cases[] = {
	KUNIT_CASE(test_block_init),
	KUNIT_CASE(test_block_orders),
	KUNIT_CASE(test_block_fragmented),
	KUNIT_CASE(test_block_bad),
	KUNIT_CASE(test_block_model),
	KUNIT_CASE(test_orders),
	KUNIT_CASE(test_counters),
	KUNIT_CASE(test_zone_flags),
	KUNIT_CASE(test_folio),
	KUNIT_CASE(test_folio_large),
	KUNIT_CASE(test_folio_again),
	KUNIT_CASE(test_extra_reference),
	KUNIT_CASE(test_extra_reference_head),
	KUNIT_CASE(test_looked_at_tail),
	KUNIT_CASE(test_owner_of),
	KUNIT_CASE(test_cleared),
	KUNIT_CASE(test_cleared_at_free),
	KUNIT_CASE(test_huge_cleared_at_free),
	KUNIT_CASE(test_dirty_runs),
	KUNIT_CASE(test_cleared_early),
	KUNIT_CASE(test_irq_free),
	KUNIT_CASE(test_irqs_off_free),
	KUNIT_CASE(test_free_without_slots),
	KUNIT_CASE(test_index_bounds),
	KUNIT_CASE(test_raw_block),
	KUNIT_CASE(test_one_refill),
	KUNIT_CASE(test_flush),
	KUNIT_CASE(test_flush_pieces),
	KUNIT_CASE(test_atomic),
	KUNIT_CASE(test_nodes),
	KUNIT_CASE(test_nodes_atomic),
	KUNIT_CASE(test_hibernation),
	KUNIT_CASE(test_hibernation_waits),
	KUNIT_CASE(test_hibernation_refused),
	KUNIT_CASE(test_hibernation_served),
	KUNIT_CASE(test_hibernation_image),
	KUNIT_CASE(test_fullest_first),
	KUNIT_CASE(test_caps),
	KUNIT_CASE(test_caps_apart),
	KUNIT_CASE(test_leaf),
	KUNIT_CASE(test_return),
	KUNIT_CASE(test_return_clean),
	KUNIT_CASE(test_partial_stays),
	KUNIT_CASE(test_slack),
	KUNIT_CASE(test_return_blocks),
	KUNIT_CASE(test_return_counted),
	KUNIT_CASE(test_shrinker),
	KUNIT_CASE(test_poison_used),
	KUNIT_CASE(test_poison_one_of_four),
	KUNIT_CASE(test_poison_free),
	KUNIT_CASE(test_poison_free_range),
	KUNIT_CASE(test_poison_return),
	KUNIT_CASE(test_poison_offline),
	KUNIT_CASE(test_poison_forget),
	KUNIT_CASE(test_stress),
	KUNIT_CASE(test_no_memory),
	KUNIT_CASE(test_unmap_fails),
	KUNIT_CASE(test_looked_at_meanwhile),
	KUNIT_CASE(test_no_large_pages),
	KUNIT_CASE(test_below),
	KUNIT_CASE(test_below_limit),
	KUNIT_CASE(test_alone),
	KUNIT_CASE(test_alone_return),
	KUNIT_CASE(test_alone_private),
	KUNIT_CASE(test_alone_kmap),
	KUNIT_CASE(test_alone_poison),
	KUNIT_CASE(test_pinned_block),
	KUNIT_CASE(test_pinned_no_storm),
	KUNIT_CASE(test_sparse),
	KUNIT_CASE(test_sparse_looked_at),
	KUNIT_CASE(test_sparse_half),
	KUNIT_CASE(test_sparse_shrinker),
	KUNIT_CASE(test_sparse_fails),
	KUNIT_CASE(test_many_owners),
	KUNIT_CASE(test_owner_destroy),
	KUNIT_CASE(test_owner_drain),
	KUNIT_CASE(test_front),
	KUNIT_CASE(test_front_overflow),
	KUNIT_CASE(test_front_trim),
	KUNIT_CASE(test_front_idle),
	KUNIT_CASE(test_front_remote),
	KUNIT_CASE(test_front_hotplug),
	KUNIT_CASE(test_front_lockless),
	{}
};

static struct kunit_suite unmapped_suite = {
	.name = "unmapped_alloc",
	.init = unmapped_init,
	.exit = unmapped_exit,
	.test_cases = unmapped_cases,
};

kunit_test_suite(unmapped_suite);
