// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for the mappings of inaccessible pages that are not slots of a
 * CPU: kmap() and vmap(). And for the protection that a caller asks for, be it
 * in a slot.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/highmem.h>
#include <linux/kthread.h>
#include <linux/page_access.h>
#include <linux/set_memory.h>
#include <linux/smp.h>
#include <linux/unmapped_alloc.h>
#include <linux/vmalloc.h>

#include "../access.h"
#include "pages.h"

static u8 first_byte(struct page *page)
{
	u8 *addr = kmap_local_page(page);
	u8 byte = *addr;

	kunmap_local(addr);
	return byte;
}

/*
 * kmap()
 */

static void test_kmap(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	void *addr = kmap(page);

	KUNIT_EXPECT_PTR_NE(test, addr, page_address(page));
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0));
	memset(addr, 0x5a, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, first_byte(page), 0x5a);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
	kunmap(page);
	KUNIT_EXPECT_EQ(test, probe_read(addr), -EFAULT);
}

/* kunmap() knows the page alone: the mapping is there until the last of them */
static void test_kmap_users(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	u8 *one = kmap(page), *two = kmap(page);

	KUNIT_EXPECT_PTR_EQ(test, one, two);
	WRITE_ONCE(*two, 1);
	kunmap(page);
	KUNIT_EXPECT_EQ(test, probe_read(one), 0);
	KUNIT_EXPECT_EQ(test, *one, 1);
	kunmap(page);
	KUNIT_EXPECT_EQ(test, probe_read(one), -EFAULT);
}

static void test_kmap_pages(struct kunit *test)
{
	struct page *page[2] = { kunit_owned_page(test, buffer_owner),
				 kunit_owned_page(test, buffer_owner) };
	u8 *one = kmap(page[0]), *two = kmap(page[1]);

	memset(one, 0x11, PAGE_SIZE);
	memset(two, 0x22, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, page_filled_with(one, 0x11));
	kunmap(page[0]);
	KUNIT_EXPECT_EQ(test, probe_read(one), -EFAULT);
	KUNIT_EXPECT_TRUE(test, page_filled_with(two, 0x22));
	kunmap(page[1]);
}

struct elsewhere {
	u8 *addr;
	long err;
};

static void read_elsewhere(void *data)
{
	struct elsewhere *there = data;

	there->err = probe_read(there->addr);
}

static long probe_elsewhere(u8 *addr)
{
	struct elsewhere there = { .addr = addr };
	int cpu;

	cpus_read_lock();
	cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	smp_call_function_single(cpu, read_elsewhere, &there, 1);
	cpus_read_unlock();
	return there.err;
}

/* The other CPU's TLB has the address, until kunmap() flushes it. */
static void test_kmap_elsewhere(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	u8 *addr;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
	migrate_disable();
	addr = kmap(page);
	KUNIT_EXPECT_EQ(test, probe_read(addr), 0);
	KUNIT_EXPECT_EQ(test, probe_elsewhere(addr), 0);
	kunmap(page);
	KUNIT_EXPECT_EQ(test, probe_elsewhere(addr), -EFAULT);
	KUNIT_EXPECT_EQ(test, probe_read(addr), -EFAULT);
	migrate_enable();
}

static void test_kmap_refused(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, secret_owner);
	void *addr = kmap(page);

	KUNIT_EXPECT_PTR_EQ(test, addr, page_address(page));
	KUNIT_EXPECT_EQ(test, probe_read(addr), -EFAULT);
	kunmap(page);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
}

static void test_kmap_ordinary(struct kunit *test)
{
	struct page *page = kunit_ordinary_page(test);

	KUNIT_EXPECT_PTR_EQ(test, kmap(page), page_address(page));
	kunmap(page);
}

static void *no_memory(struct page *page, pgprot_t prot)
{
	return NULL;
}

/* Without memory it is the address that faults, to the end of its users. */
static void test_kmap_fails(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	void *one, *two;

	kunit_activate_static_stub(test, page_access_vmap_page, no_memory);
	one = kmap(page);
	kunit_deactivate_static_stub(test, page_access_vmap_page);
	KUNIT_EXPECT_PTR_EQ(test, one, page_address(page));
	KUNIT_EXPECT_EQ(test, probe_read(one), -EFAULT);

	two = kmap(page);
	kunmap(page);
	KUNIT_EXPECT_PTR_EQ(test, two, one);
	kunmap(page);

	one = kmap(page);
	KUNIT_EXPECT_EQ(test, probe_read(one), 0);
	kunmap(page);
}

/* The page does not go before its address does. */
static void test_kmap_hold(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	unsigned long pfn = page_to_pfn(page);
	int refs = page_count(page);
	void *addr = kmap_hold(page);

	KUNIT_EXPECT_EQ(test, page_count(page), refs + 1);
	KUNIT_EXPECT_EQ(test, probe_read(addr), 0);
	KUNIT_EXPECT_FALSE(test, kmap_stale(pfn, addr));
	KUNIT_EXPECT_TRUE(test, kmap_stale(pfn, page_address(page)));

	/* Somebody had the page when it was in the direct map */
	kunmap_drop(page, page_address(page));
	KUNIT_EXPECT_EQ(test, probe_read(addr), 0);

	kunmap_drop(page, addr);
	KUNIT_EXPECT_EQ(test, page_count(page), refs);
	KUNIT_EXPECT_EQ(test, probe_read(addr), -EFAULT);

	kunit_activate_static_stub(test, page_access_vmap_page, no_memory);
	KUNIT_EXPECT_NULL(test, kmap_hold(page));
	kunit_deactivate_static_stub(test, page_access_vmap_page);
	KUNIT_EXPECT_EQ(test, page_count(page), refs);
	addr = kmap_hold(page);
	KUNIT_EXPECT_EQ(test, probe_read(addr), 0);
	kunmap_drop(page, addr);

	page = kunit_ordinary_page(test);
	refs = page_count(page);
	addr = kmap_hold(page);
	KUNIT_EXPECT_PTR_EQ(test, addr, page_address(page));
	kunmap_drop(page, addr);
	KUNIT_EXPECT_EQ(test, page_count(page), refs);
}

static void test_kmap_to_page(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	void *vmalloced = vmalloc(PAGE_SIZE);
	void *addr = kmap(page);

	KUNIT_EXPECT_PTR_EQ(test, kmap_to_page(addr), page);
	KUNIT_EXPECT_PTR_EQ(test, kmap_to_page(addr + 99), page);
	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr));
	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr + PAGE_SIZE - 1));
	KUNIT_EXPECT_FALSE(test, is_kmap_addr(addr + PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, is_kmap_addr(addr - 1));
	KUNIT_EXPECT_FALSE(test, is_kmap_addr(vmalloced));
	kunmap(page);
	KUNIT_EXPECT_FALSE(test, is_kmap_addr(addr));
	vfree(vmalloced);
}

#define STRESS_TURNS	300

struct mapper {
	struct page *page;
	unsigned int offset;
	unsigned int bad;
	struct completion done;
};

/* Writes where nobody else does, and must find it there. */
static int map_often(void *data)
{
	struct mapper *mapper = data;
	unsigned int i;
	u8 *addr;

	for (i = 0; i < STRESS_TURNS; i++) {
		addr = kmap(mapper->page) + mapper->offset;
		mapper->bad += probe_write(addr, i) || READ_ONCE(*addr) != (u8)i;
		if (i % 8 == 0)
			schedule_timeout_uninterruptible(1);
		kunmap(mapper->page);
	}
	complete(&mapper->done);
	return 0;
}

/* Two tasks come and go: nobody may lose a mapping that he still uses. */
static void test_kmap_race(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	struct mapper mappers[2];
	struct task_struct *task;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mappers); i++) {
		mappers[i] = (struct mapper){ .page = page, .offset = i };
		init_completion(&mappers[i].done);
		task = kthread_run(map_often, &mappers[i], "kmap/%u", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(task));
		if (IS_ERR(task))
			complete(&mappers[i].done);
	}
	for (i = 0; i < ARRAY_SIZE(mappers); i++) {
		wait_for_completion(&mappers[i].done);
		KUNIT_EXPECT_EQ(test, mappers[i].bad, 0);
	}
}

/*
 * vmap()
 */

/* Pages with their numbers in them; the one in the middle is not the kernel's */
static void some_pages(struct kunit *test, struct page **pages,
		       unsigned int nr, struct unmapped_owner *middle)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (i == nr / 2) {
			pages[i] = kunit_owned_page(test, middle);
			continue;
		}
		pages[i] = i ? kunit_owned_page(test, buffer_owner) :
			       kunit_ordinary_page(test);
		memset_page(pages[i], 0, i + 1, PAGE_SIZE);
	}
}

static void test_vmap(struct kunit *test)
{
	struct page *pages[3];
	void *addr;

	some_pages(test, pages, 3, buffer_owner);
	addr = vmap(pages, 3, VM_MAP, PAGE_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, addr);
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 1));
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr + PAGE_SIZE, 0));
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr + 2 * PAGE_SIZE, 3));
	KUNIT_EXPECT_FALSE(test, is_kmap_addr(addr));
	vunmap(addr);
}

static void test_vmap_refused(struct kunit *test)
{
	struct page *pages[3];
	void *addr;

	some_pages(test, pages, 3, secret_owner);
	addr = vmap(pages, 3, VM_MAP, PAGE_KERNEL);
	KUNIT_EXPECT_NULL(test, addr);
	vunmap(addr);
	addr = vmap(pages, 1, VM_MAP, PAGE_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, addr);
	vunmap(addr);
}

static void test_vm_map_ram(struct kunit *test)
{
	struct page *pages[3];
	void *addr;

	some_pages(test, pages, 3, buffer_owner);
	addr = vm_map_ram(pages, 3, NUMA_NO_NODE);
	KUNIT_ASSERT_NOT_NULL(test, addr);
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr + 2 * PAGE_SIZE, 3));
	vm_unmap_ram(addr, 3);
}

static void test_vm_map_ram_refused(struct kunit *test)
{
	struct page *pages[3];
	void *addr;

	some_pages(test, pages, 3, secret_owner);
	addr = vm_map_ram(pages, 3, NUMA_NO_NODE);
	KUNIT_EXPECT_NULL(test, addr);
	if (addr)
		vm_unmap_ram(addr, 3);
}

/*
 * Protection
 */

static void test_prot(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	u8 *addr = kmap_local_page_prot(page, PAGE_KERNEL_RO);

	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr));
	KUNIT_EXPECT_EQ(test, probe_read(addr), 0);
	KUNIT_EXPECT_EQ(test, probe_write(addr, 1), -EFAULT);
	kunmap_local(addr);

	addr = kmap_local_page_prot(page, PAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, probe_write(addr, 1), 0);
	kunmap_local(addr);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static void test_prot_atomic(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	u8 *addr = kmap_atomic_prot(page, PAGE_KERNEL_RO);

	KUNIT_EXPECT_TRUE(test, pagefault_disabled());
	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr));
	KUNIT_EXPECT_EQ(test, probe_write(addr, 1), -EFAULT);
	kunmap_atomic(addr);
	KUNIT_EXPECT_FALSE(test, pagefault_disabled());
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static void test_prot_refused(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, secret_owner);
	void *addr = kmap_local_page_prot(page, PAGE_KERNEL);

	KUNIT_EXPECT_PTR_EQ(test, addr, page_address(page));
	kunmap_local(addr);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static struct kunit_case kmap_cases[] = {
	KUNIT_CASE(test_kmap),
	KUNIT_CASE(test_kmap_users),
	KUNIT_CASE(test_kmap_pages),
	KUNIT_CASE(test_kmap_elsewhere),
	KUNIT_CASE(test_kmap_refused),
	KUNIT_CASE(test_kmap_ordinary),
	KUNIT_CASE(test_kmap_fails),
	KUNIT_CASE(test_kmap_hold),
	KUNIT_CASE(test_kmap_to_page),
	KUNIT_CASE(test_kmap_race),
	KUNIT_CASE(test_vmap),
	KUNIT_CASE(test_vmap_refused),
	KUNIT_CASE(test_vm_map_ram),
	KUNIT_CASE(test_vm_map_ram_refused),
	KUNIT_CASE(test_prot),
	KUNIT_CASE(test_prot_atomic),
	KUNIT_CASE(test_prot_refused),
	{}
};

static struct kunit_suite kmap_suite = {
	.name = "page_access_kmap",
	.init = kunit_make_owners,
	.exit = kunit_drop_owners,
	.test_cases = kmap_cases,
};

kunit_test_suite(kmap_suite);
