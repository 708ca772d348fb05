// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for mappings outside the direct map.
 *
 * What a folio needs to take the place of another one there. The roads of files
 * through the kernel are tested from user space: selftests/mm/unmapped_memfd.c.
 */

#include <kunit/test.h>

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/page_access.h>
#include <linux/pagemap.h>
#include <linux/unmapped_alloc.h>

#include "../../internal.h"

struct fixture {
	struct address_space mapping;
	struct folio *plain;
	struct folio *hidden;
	struct folio *foreign;
	struct unmapped_owner *other;
};

static int mapping_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	if (unmapped_mapping_start(&f->mapping))
		kunit_skip(test, "the cache is off");
	f->plain = folio_alloc(GFP_KERNEL, 0);
	KUNIT_ASSERT_NOT_NULL(test, f->plain);
	f->hidden = unmapped_folio_alloc_like(f->plain, GFP_KERNEL,
					      NUMA_NO_NODE);
	KUNIT_ASSERT_NOT_NULL(test, f->hidden);
	f->other = unmapped_owner_create("kunit-other", UNMAPPED_OWNER_KMAP);
	KUNIT_ASSERT_NOT_NULL(test, f->other);
	f->foreign = unmapped_folio_alloc(GFP_KERNEL, 0, f->other);
	KUNIT_ASSERT_NOT_NULL(test, f->foreign);
	return 0;
}

static void put(struct folio *folio)
{
	if (folio)
		folio_put(folio);
}

static void mapping_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	put(f->plain);
	put(f->hidden);
	put(f->foreign);
	unmapped_owner_destroy(f->other);
}

static void test_misplaced(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct address_space *other;

	KUNIT_EXPECT_TRUE(test, mapping_no_direct_map(&f->mapping));
	KUNIT_EXPECT_TRUE(test, folio_inaccessible(f->hidden));
	KUNIT_EXPECT_TRUE(test, unmapped_folio_misplaced(&f->mapping,
							 f->plain));
	KUNIT_EXPECT_FALSE(test, unmapped_folio_misplaced(&f->mapping,
							  f->hidden));
	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_EXPECT_FALSE(test, unmapped_folio_misplaced(other, f->plain));
	KUNIT_EXPECT_EQ(test, unmapped_mapping_error(&f->mapping), -ENOSPC);
	KUNIT_EXPECT_EQ(test, unmapped_mapping_error(other), -ENOMEM);
}

/* What swap had read stays readable for nobody. */
static void test_forget(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct address_space *other;

	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	memset(folio_address(f->plain), 0xa5, PAGE_SIZE);
	unmapped_folio_forget(other, f->plain);
	KUNIT_EXPECT_TRUE(test, memchr_inv(folio_address(f->plain), 0,
					   PAGE_SIZE));
	unmapped_folio_forget(&f->mapping, f->plain);
	KUNIT_EXPECT_FALSE(test, memchr_inv(folio_address(f->plain), 0,
					    PAGE_SIZE));
}

/* Contents neither enter the direct map nor change their owner. */
static void test_may_move(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct folio *target;

	target = unmapped_folio_alloc_like(f->hidden, GFP_KERNEL,
					   NUMA_NO_NODE);
	KUNIT_ASSERT_NOT_NULL(test, target);
	KUNIT_EXPECT_TRUE(test, unmapped_folio_may_move(target, f->hidden));
	KUNIT_EXPECT_FALSE(test, unmapped_folio_may_move(f->plain, f->hidden));
	KUNIT_EXPECT_FALSE(test, unmapped_folio_may_move(target, f->foreign));
	KUNIT_EXPECT_FALSE(test, unmapped_folio_may_move(f->foreign,
							 f->hidden));
	folio_put(target);
}

static struct kunit_case mapping_cases[] = {
	KUNIT_CASE(test_misplaced),
	KUNIT_CASE(test_forget),
	KUNIT_CASE(test_may_move),
	{}
};

static struct kunit_suite mapping_suite = {
	.name = "unmapped_mapping",
	.init = mapping_init,
	.exit = mapping_exit,
	.test_cases = mapping_cases,
};

kunit_test_suite(mapping_suite);
