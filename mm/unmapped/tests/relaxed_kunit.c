// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for page_access=relaxed, which mm/access/ and the cache do
 * together.
 *
 * Each test turns the mode on for its own time and works on a block of pages
 * that left the direct map meanwhile, leaf by leaf. Reports are counted and
 * not printed, as a warning on the console would be a failure.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>

#include <linux/highmem.h>
#include <linux/page_access.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <linux/unmapped_alloc.h>

#include "../../access/access.h"
#include "../../access/tests/pages.h"
#include "../unmapped.h"

#define BLOCK_ORDER	UNMAPPED_BLOCK_ORDER
#define BLOCK_PAGES	UNMAPPED_BLOCK_PAGES
/* The page of a block that is used at its direct-map address */
#define STRAY		5
/* The front of a CPU hands out first what came last, but the CPU may change */
#define MANY_PAGES	256

static struct unmapped_owner *buffer_owner, *secret_owner;

/* What was reported */
static unsigned int reports;
static unsigned long reported_ip;
static struct page *reported_page;

static void note_report(unsigned long ip, struct page *page)
{
	reports++;
	reported_ip = ip;
	reported_page = page;
}

static int leaf_level(struct page *page)
{
	unsigned int level;

	lookup_address((unsigned long)page_address(page), &level);
	return level;
}

/* But for what the test has freed itself */
static void free_block(void *data)
{
	struct page *page = data;
	unsigned int i;

	for (i = 0; i < BLOCK_PAGES; i++)
		if (!PageOffline(page + i))
			unmapped_pages_free(page + i, 0);
}

/* All pages of a block, which the test may free one by one. */
static struct page *new_block(struct kunit *test, struct unmapped_owner *owner)
{
	struct page *page;

	/* One that was made in the other mode goes */
	unmapped_drain();
	page = unmapped_pages_alloc(GFP_KERNEL | __GFP_ZERO, BLOCK_ORDER,
				    owner);
	KUNIT_ASSERT_NOT_NULL(test, page);
	split_page(page, BLOCK_ORDER);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_block, page));
	return page;
}

static struct page *split_block(struct kunit *test,
				struct unmapped_owner *owner)
{
	struct page *page = new_block(test, owner);

	KUNIT_ASSERT_EQ(test, leaf_level(page), PG_LEVEL_4K);
	return page;
}

/* The bug that the mode is for */
static noinline void write_stray(struct page *page, u8 byte)
{
	WRITE_ONCE(*(u8 *)page_address(page), byte);
}

static u8 first_byte(struct page *page)
{
	u8 *addr = kmap_local_page(page);
	u8 byte = *addr;

	kunmap_local(addr);
	return byte;
}

static unsigned int pages_present(struct page *page)
{
	unsigned int i, nr = 0;

	for (i = 0; i < BLOCK_PAGES; i++)
		nr += kernel_page_present(page + i);
	return nr;
}

static bool repair(struct page *page)
{
	return page_access_repair(1, (unsigned long)page_address(page));
}

static void test_repair(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner);

	KUNIT_EXPECT_EQ(test, pages_present(page), 0);
	write_stray(page + STRAY, 0x5a);
	KUNIT_EXPECT_EQ(test, first_byte(page + STRAY), 0x5a);
	KUNIT_EXPECT_TRUE(test, kernel_page_present(page + STRAY));
	KUNIT_EXPECT_EQ(test, pages_present(page), 1);
	KUNIT_EXPECT_TRUE(test, page_inaccessible(page + STRAY));
}

static void test_report(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner);
	unsigned long start = (unsigned long)write_stray;

	write_stray(page + STRAY, 1);
	KUNIT_EXPECT_EQ(test, reports, 1);
	KUNIT_EXPECT_PTR_EQ(test, reported_page, page + STRAY);
	KUNIT_EXPECT_GE(test, reported_ip, start);
	KUNIT_EXPECT_LT(test, reported_ip, start + 128);
	/* It is mapped now */
	write_stray(page + STRAY, 2);
	KUNIT_EXPECT_EQ(test, reports, 1);
}

static void test_callers(struct kunit *test)
{
	unsigned long ip = (unsigned long)test_callers;

	page_access_new_caller(ip);
	KUNIT_EXPECT_FALSE(test, page_access_new_caller(ip));
}

/* In interrupts, with interrupts off: nothing is locked or flushed. */
static void test_repair_atomic(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner);

	local_irq_disable();
	write_stray(page + STRAY, 0x77);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, first_byte(page + STRAY), 0x77);
}

static void test_refused(struct kunit *test)
{
	struct page *page = split_block(test, secret_owner);

	KUNIT_EXPECT_FALSE(test, repair(page));
	KUNIT_EXPECT_EQ(test, pages_present(page), 0);
	KUNIT_EXPECT_EQ(test, reports, 0);
}

static void test_poison(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner);

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		kunit_skip(test, "no page is poisoned here");
	SetPageHWPoison(page);
	KUNIT_EXPECT_FALSE(test, repair(page));
	ClearPageHWPoison(page);
	KUNIT_EXPECT_EQ(test, pages_present(page), 0);
}

/* A page without a user may be anybody's next. */
static void test_free_page(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner);

	unmapped_pages_free(page + STRAY, 0);
	KUNIT_EXPECT_FALSE(test, repair(page + STRAY));
	KUNIT_EXPECT_EQ(test, pages_present(page), 0);
}

static void test_ordinary(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, repair(kunit_ordinary_page(test)));
	KUNIT_EXPECT_FALSE(test, page_access_repair(1, 0));
	KUNIT_EXPECT_FALSE(test, page_access_repair(1, VMALLOC_START));
}

/* Code with an exception handler gets its fault. */
static void test_probe(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner);

	KUNIT_EXPECT_EQ(test, probe_read(page_address(page)), -EFAULT);
	KUNIT_EXPECT_EQ(test, pages_present(page), 0);
}

static void test_strict(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner);

	static_branch_disable(&page_access_relaxed_key);
	KUNIT_EXPECT_FALSE(test, repair(page));
	KUNIT_EXPECT_EQ(test, pages_present(page), 0);
}

/* A whole leaf would bring the pages of others with it. */
static void test_large_leaf(struct kunit *test)
{
	struct page *page;

	static_branch_disable(&page_access_relaxed_key);
	page = new_block(test, buffer_owner);
	static_branch_enable(&page_access_relaxed_key);
	if (leaf_level(page) != PG_LEVEL_2M)
		kunit_skip(test, "no memory with whole leaves");
	KUNIT_EXPECT_FALSE(test, repair(page));
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
}

/* Somebody else gets the page: it must be out of the direct map again. */
static void test_next_user(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner), *next;
	unsigned int i;

	write_stray(page + STRAY, 0x5a);
	unmapped_pages_free(page + STRAY, 0);
	for (i = 0; i < MANY_PAGES; i++) {
		next = kunit_owned_page(test, secret_owner);
		if (next == page + STRAY)
			break;
	}
	KUNIT_EXPECT_PTR_EQ(test, next, page + STRAY);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(next));
	KUNIT_EXPECT_EQ(test, probe_read(page_address(next)), -EFAULT);
}

/* Where no flush is possible there is no page. */
static void test_next_user_atomic(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner);
	bool removed;

	write_stray(page + STRAY, 0x5a);
	local_irq_disable();
	removed = unmapped_remove_repaired(page + STRAY, 1);
	local_irq_enable();
	KUNIT_EXPECT_FALSE(test, removed);
	KUNIT_EXPECT_TRUE(test, unmapped_remove_repaired(page, BLOCK_PAGES));
	KUNIT_EXPECT_EQ(test, pages_present(page), 0);
}

/* A block that has such a page goes back as any other. */
static void test_return(struct kunit *test)
{
	struct page *page = split_block(test, buffer_owner);

	write_stray(page + STRAY, 0x5a);
	kunit_release_action(test, free_block, page);
	unmapped_drain();
	KUNIT_EXPECT_EQ(test, pages_present(page), BLOCK_PAGES);
	KUNIT_EXPECT_FALSE(test, page_inaccessible(page + STRAY));
}

static int relaxed_init(struct kunit *test)
{
	if (!unmapped_alloc_start())
		kunit_skip(test, "unmapped_alloc is off, there are no pages");
	buffer_owner = unmapped_owner_create("relaxed buffer",
					     UNMAPPED_OWNER_KMAP);
	secret_owner = unmapped_owner_create("relaxed secret",
					     UNMAPPED_OWNER_ZERO);
	if (!buffer_owner || !secret_owner)
		return -ENOMEM;
	reports = 0;
	kunit_activate_static_stub(test, page_access_report, note_report);
	static_branch_enable(&page_access_relaxed_key);
	return 0;
}

static void relaxed_exit(struct kunit *test)
{
	static_branch_disable(&page_access_relaxed_key);
	/* Without repaired pages, and of whole leaves where that can be */
	unmapped_drain();
	unmapped_owner_destroy(buffer_owner);
	unmapped_owner_destroy(secret_owner);
	buffer_owner = NULL;
	secret_owner = NULL;
}

static struct kunit_case relaxed_cases[] = {
	/* First, as the others split the leaves of the memory that they get */
	KUNIT_CASE(test_large_leaf),
	KUNIT_CASE(test_repair),
	KUNIT_CASE(test_report),
	KUNIT_CASE(test_callers),
	KUNIT_CASE(test_repair_atomic),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_poison),
	KUNIT_CASE(test_free_page),
	KUNIT_CASE(test_ordinary),
	KUNIT_CASE(test_probe),
	KUNIT_CASE(test_strict),
	KUNIT_CASE(test_next_user),
	KUNIT_CASE(test_next_user_atomic),
	KUNIT_CASE(test_return),
	{}
};

static struct kunit_suite relaxed_suite = {
	.name = "page_access_relaxed",
	.init = relaxed_init,
	.exit = relaxed_exit,
	.test_cases = relaxed_cases,
};

kunit_test_suite(relaxed_suite);
