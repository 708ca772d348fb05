// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for code outside the direct map.
 *
 * Modules that are loaded, and what users see of them, are tested from user
 * space: selftests/mm/unmapped_execmem.c.
 */

#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/execmem.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/page_access.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "../unmapped.h"

#define ODD_PAGES	3

/* endbr64; mov $0x2a,%eax; ret; int3. Returns 42. */
static const u8 code[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xb8, 0x2a, 0x00, 0x00,
			   0x00, 0xc3, 0xcc };

/* Everything that the suite allocates; the exit hook frees what is left. */
struct fixture {
	void *addr;
	struct unmapped_owner *owner;
	unsigned long before;
};

static void *alloc(struct kunit *test, enum execmem_type type, size_t size)
{
	struct fixture *f = test->priv;

	f->addr = execmem_alloc(type, size);
	KUNIT_ASSERT_NOT_NULL(test, f->addr);
	memset(f->addr, 0xcc, size);
	return f->addr;
}

static void release(struct kunit *test)
{
	struct fixture *f = test->priv;

	execmem_free(f->addr);
	f->addr = NULL;
}

static bool goes_down_to(struct unmapped_owner *owner, unsigned long pages)
{
	int i;

	for (i = 0; unmapped_owner_pages(owner) > pages && i < 2000; i++)
		usleep_range(1000, 2000);
	return unmapped_owner_pages(owner) == pages;
}

static int execmem_init_test(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct page *page;

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	page = vmalloc_to_page(alloc(test, EXECMEM_MODULE_TEXT, PAGE_SIZE));
	if (!page_access_active())
		kunit_skip(test, "the cache is off");
	f->owner = unmapped_owner_of(page);
	KUNIT_ASSERT_NOT_NULL(test, f->owner);
	KUNIT_EXPECT_STREQ(test, f->owner->name, "execmem");
	f->before = unmapped_owner_pages(f->owner) - 1;
	release(test);
	KUNIT_ASSERT_TRUE(test, goes_down_to(f->owner, f->before));
	return 0;
}

static void execmem_exit_test(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	if (f->owner)
		f->owner->max_kbytes = 0;
	execmem_free(f->addr);
	/* Others expect an empty cache */
	if (f->owner)
		KUNIT_EXPECT_TRUE(test, goes_down_to(f->owner, f->before));
}

static unsigned int nr_detached(void *addr, unsigned int nr)
{
	unsigned int i, detached = 0;

	for (i = 0; i < nr; i++) {
		struct page *page = vmalloc_to_page(addr + i * PAGE_SIZE);

		detached += page_detached(page) && !kernel_page_present(page);
	}
	return detached;
}

static unsigned int level_of(const void *addr)
{
	unsigned int level = 0;

	lookup_address((unsigned long)addr, &level);
	return level;
}

/* Others read the code by its pages. */
static void test_alloc(struct kunit *test)
{
	u8 *addr = alloc(test, EXECMEM_MODULE_TEXT, ODD_PAGES * PAGE_SIZE);
	struct page *page = vmalloc_to_page(addr + PAGE_SIZE);
	u8 *slot;

	KUNIT_EXPECT_EQ(test, nr_detached(addr, ODD_PAGES), ODD_PAGES);
	addr[PAGE_SIZE + 7] = 7;
	slot = kmap_local_page(page);
	KUNIT_EXPECT_EQ(test, slot[7], 7);
	KUNIT_EXPECT_EQ(test, slot[8], 0xcc);
	kunmap_local(slot);
}

/* No change of permissions brings a page back, or splits what is around it. */
static void test_permissions(struct kunit *test)
{
	u8 *addr = alloc(test, EXECMEM_MODULE_TEXT, ODD_PAGES * PAGE_SIZE);
	int (*fn)(void) = (void *)addr;
	struct page *page = vmalloc_to_page(addr);
	unsigned int level = level_of(page_address(page));
	unsigned long at = (unsigned long)addr;

	memcpy(addr, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, set_memory_rox(at, ODD_PAGES), 0);
	KUNIT_EXPECT_EQ(test, fn(), 42);
	KUNIT_EXPECT_NE(test, copy_to_kernel_nofault(addr, code, 1), 0);
	KUNIT_EXPECT_EQ(test, set_memory_nx(at, ODD_PAGES), 0);
	KUNIT_EXPECT_EQ(test, set_memory_rw(at, ODD_PAGES), 0);
	KUNIT_EXPECT_EQ(test, copy_to_kernel_nofault(addr, code, 1), 0);

	KUNIT_EXPECT_EQ(test, nr_detached(addr, ODD_PAGES), ODD_PAGES);
	KUNIT_EXPECT_EQ(test, level_of(page_address(page)), level);
}

/* As a pack of BPF programs: one entry maps it, also when it may be executed. */
static void test_huge(struct kunit *test)
{
	u8 *addr = alloc(test, EXECMEM_BPF, PMD_SIZE);
	int (*fn)(void);

	fn = (void *)addr + PMD_SIZE - sizeof(code);
	memcpy(fn, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, level_of(addr), PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, set_memory_rox((unsigned long)addr, PTRS_PER_PMD),
			0);
	KUNIT_EXPECT_EQ(test, level_of(addr), PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, fn(), 42);
	KUNIT_EXPECT_EQ(test, nr_detached(addr, PTRS_PER_PMD), PTRS_PER_PMD);
}

struct remote_probe {
	const void *addr;
	atomic_t readable;
};

static void probe(void *data)
{
	struct remote_probe *remote = data;
	u8 byte;

	if (!copy_from_kernel_nofault(&byte, remote->addr, 1))
		atomic_inc(&remote->readable);
}

/* When a page may be used again no CPU's TLB leads to it. */
static void test_free(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct remote_probe remote = {
		.addr = alloc(test, EXECMEM_MODULE_TEXT, ODD_PAGES * PAGE_SIZE),
	};

	KUNIT_EXPECT_GE(test, unmapped_owner_pages(f->owner), ODD_PAGES);
	/* As users of such memory do; it must not bring a page back */
	set_vm_flush_reset_perms(f->addr);
	on_each_cpu(probe, &remote, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&remote.readable), num_online_cpus());

	release(test);
	KUNIT_EXPECT_TRUE(test, goes_down_to(f->owner, f->before));
	atomic_set(&remote.readable, 0);
	on_each_cpu(probe, &remote, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&remote.readable), 0);
}

/* Above a cap there is ordinary memory, which is freed as ever. */
static void test_cap(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct page *page;

	f->owner->max_kbytes = unmapped_owner_pages(f->owner) *
			       (PAGE_SIZE / 1024) + 8;
	page = vmalloc_to_page(alloc(test, EXECMEM_MODULE_DATA,
				     ODD_PAGES * PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, page_detached(page));
	KUNIT_EXPECT_TRUE(test, kernel_page_present(page));
	release(test);
}

static struct kunit_case execmem_cases[] = {
	KUNIT_CASE(test_alloc),
	KUNIT_CASE(test_permissions),
	KUNIT_CASE(test_huge),
	KUNIT_CASE(test_free),
	KUNIT_CASE(test_cap),
	{ }
};

static struct kunit_suite execmem_suite = {
	.name = "unmapped_execmem",
	.init = execmem_init_test,
	.exit = execmem_exit_test,
	.test_cases = execmem_cases,
};

kunit_test_suite(execmem_suite);

MODULE_DESCRIPTION("KUnit tests for code outside the direct map");
MODULE_LICENSE("GPL");
