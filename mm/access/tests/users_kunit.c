// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for code that copies from and to pages and can fail: with a page
 * that its owner does not let the kernel see it has to return an error, or to
 * copy less than it was asked for. Without its hook it faults, which ends the
 * test as well.
 */

#include <kunit/test.h>

#include <linux/bvec.h>
#include <linux/highmem.h>
#include <linux/mman.h>
#include <linux/page_access.h>
#include <linux/uio.h>
#include <linux/unmapped_alloc.h>
#include <linux/uprobes.h>

#include "pages.h"

#define LEN	200

static void expect_no_slots(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

/*
 * iov_iter
 */

static void test_to_iter(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, secret_owner);
	u8 buf[LEN];
	struct kvec kvec = { .iov_base = buf, .iov_len = LEN };
	struct iov_iter iter;

	memset(buf, 0x5a, LEN);
	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, LEN);
	KUNIT_EXPECT_EQ(test, copy_page_to_iter(page, 10, LEN, &iter), 0);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), LEN);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf, 0x5a, LEN));
	expect_no_slots(test);
}

static void test_to_iter_nofault(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, secret_owner);
	u8 buf[LEN];
	struct kvec kvec = { .iov_base = buf, .iov_len = LEN };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, LEN);
	KUNIT_EXPECT_EQ(test, 0,
			copy_page_to_iter_nofault(page, 10, LEN, &iter));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), LEN);
	expect_no_slots(test);
}

static void test_from_iter(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, secret_owner);
	u8 buf[LEN];
	struct kvec kvec = { .iov_base = buf, .iov_len = LEN };
	struct iov_iter iter;
	void *addr;

	memset(buf, 0x5a, LEN);
	iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, LEN);
	KUNIT_EXPECT_EQ(test, copy_page_from_iter(page, 10, LEN, &iter), 0);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), LEN);

	addr = page_access_map(page);
	KUNIT_EXPECT_NOT_NULL(test, addr);
	if (addr) {
		KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0));
		kunmap_local(addr);
	}
	expect_no_slots(test);
}

/* No slot is left: that is no reason for the BUG that kmap_local_page() has. */
static void test_no_slot(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	void *addrs[KM_MAX_IDX], *addr;
	u8 buf[LEN];
	struct kvec kvec = { .iov_base = buf, .iov_len = LEN };
	struct iov_iter iter;
	unsigned int nr = 0;
	size_t copied;

	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, LEN);
	for (addr = kmap_local_page_try(page); !IS_ERR(addr);
	     addr = kmap_local_page_try(page))
		addrs[nr++] = addr;
	KUNIT_EXPECT_TRUE(test, kmap_local_failed(addr));
	copied = copy_page_to_iter(page, 0, LEN, &iter);
	while (nr)
		kunmap_local(addrs[--nr]);
	KUNIT_EXPECT_EQ(test, copied, 0);

	KUNIT_EXPECT_EQ(test, copy_page_to_iter(page, 0, LEN, &iter), LEN);
	expect_no_slots(test);
}

static void test_failed(struct kunit *test)
{
	struct page *secret = kunit_owned_page(test, secret_owner);
	struct page *page = kunit_owned_page(test, buffer_owner);
	struct page *plain = kunit_ordinary_page(test);
	void *addr = kmap_local_page_try(page);

	KUNIT_EXPECT_FALSE(test, kmap_local_failed(addr));
	kunmap_local(addr);
	KUNIT_EXPECT_FALSE(test, kmap_local_failed(page_address(plain)));
	KUNIT_EXPECT_TRUE(test, kmap_local_failed(kmap_local_page_try(secret)));
	KUNIT_EXPECT_TRUE(test, page_kmap_refused(secret));
	KUNIT_EXPECT_FALSE(test, page_kmap_refused(page));
	KUNIT_EXPECT_FALSE(test, page_kmap_refused(plain));
}

/*
 * copy_from_folio_safe()
 */

static void test_copy_safe(struct kunit *test)
{
	struct folio *folio;
	u8 buf[LEN];

	folio = unmapped_folio_alloc(GFP_KERNEL | __GFP_ZERO, 1, buffer_owner);
	kunit_keep_folio(test, folio);
	memset_page(folio_page(folio, 0), 0, 0x11, PAGE_SIZE);
	memset_page(folio_page(folio, 1), 0, 0x22, PAGE_SIZE);
	memset(buf, 0, LEN);
	KUNIT_EXPECT_EQ(test, 0, copy_from_folio_safe(buf, folio,
						      PAGE_SIZE - 50, 150));
	KUNIT_EXPECT_NULL(test, memchr_inv(buf, 0x11, 50));
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + 50, 0x22, 100));
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + 150, 0, LEN - 150));
	expect_no_slots(test);
}

static void test_copy_safe_fails(struct kunit *test)
{
	struct page *secret = kunit_owned_page(test, secret_owner);
	u8 buf[LEN];

	memset(buf, 0x5a, LEN);
	KUNIT_EXPECT_EQ(test, -EACCES,
			copy_from_folio_safe(buf, page_folio(secret), 10, LEN));
	KUNIT_EXPECT_NULL(test, memchr_inv(buf, 0x5a, LEN));
	expect_no_slots(test);
}

/*
 * Memory of another process
 */

/* Maps the page at an address of the test's own mm. */
static unsigned long map_in_user(struct kunit *test, struct page *page)
{
	struct vm_area_struct *vma;
	unsigned long addr;
	int err = -EFAULT;

	addr = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_NE_MSG(test, addr, 0, "no user memory");
	mmap_write_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma)
		err = vm_insert_page(vma, addr, page);
	mmap_write_unlock(current->mm);
	KUNIT_ASSERT_EQ(test, err, 0);
	return addr;
}

static int access_mm(unsigned long addr, void *buf, unsigned int flags)
{
	return access_remote_vm(current->mm, addr, buf, LEN,
				flags | FOLL_FORCE);
}

static void test_remote_vm(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	unsigned long addr = map_in_user(test, page);
	u8 buf[LEN];

	memset(buf, 0x5a, LEN);
	KUNIT_EXPECT_EQ(test, access_mm(addr + 1, buf, FOLL_WRITE), LEN);
	memset(buf, 0, LEN);
	KUNIT_EXPECT_EQ(test, access_mm(addr, buf, 0), LEN);
	KUNIT_EXPECT_EQ(test, buf[0], 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + 1, 0x5a, LEN - 1));
	expect_no_slots(test);
}

static void test_remote_vm_refused(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, secret_owner);
	unsigned long addr = map_in_user(test, page);
	int refs = page_count(page);
	u8 buf[LEN];

	memset(buf, 0x5a, LEN);
	KUNIT_EXPECT_EQ(test, access_mm(addr, buf, 0), 0);
	KUNIT_EXPECT_EQ(test, access_mm(addr, buf, FOLL_WRITE), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf, 0x5a, LEN));
	KUNIT_EXPECT_EQ(test, page_count(page), refs);
	expect_no_slots(test);
}

/* It looks at the instruction first, for which it has to see the page. */
static void test_uprobe_refused(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, secret_owner);
	unsigned long addr = map_in_user(test, page);
	struct arch_uprobe *auprobe;
	int err;

	auprobe = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, auprobe);
	mmap_write_lock(current->mm);
	err = uprobe_write_opcode(auprobe, current->mm, addr,
				  UPROBE_SWBP_INSN);
	mmap_write_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, err, -EACCES);
	expect_no_slots(test);
}

/* Pages of the kernel in an iterator: it ends before one that is refused. */
static void test_bvec_refused(struct kunit *test)
{
	struct page *secret = kunit_owned_page(test, secret_owner);
	struct page *page = kunit_owned_page(test, buffer_owner);
	u8 *buf = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	const size_t both = 2 * PAGE_SIZE;
	struct bio_vec bv[2];
	struct iov_iter iter;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	memset_page(page, 0, 0x5a, PAGE_SIZE);
	bvec_set_page(&bv[0], page, PAGE_SIZE, 0);
	bvec_set_page(&bv[1], secret, PAGE_SIZE, 0);

	iov_iter_bvec(&iter, ITER_SOURCE, bv, 2, both);
	KUNIT_EXPECT_EQ(test, fault_in_iov_iter_readable(&iter, both), 0);
	KUNIT_EXPECT_EQ(test, copy_from_iter(buf, both, &iter), PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, page_filled_with(buf, 0x5a));
	KUNIT_EXPECT_TRUE(test, page_filled_with(buf + PAGE_SIZE, 0));
	/* Nobody tries that again and again */
	KUNIT_EXPECT_EQ(test, fault_in_iov_iter_readable(&iter, PAGE_SIZE),
			PAGE_SIZE);

	memset(buf, 0x33, both);
	iov_iter_bvec(&iter, ITER_DEST, bv, 2, both);
	KUNIT_EXPECT_EQ(test, copy_to_iter(buf, both, &iter), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), PAGE_SIZE);
	expect_no_slots(test);
}

static struct kunit_case users_cases[] = {
	KUNIT_CASE(test_to_iter),
	KUNIT_CASE(test_to_iter_nofault),
	KUNIT_CASE(test_from_iter),
	KUNIT_CASE(test_no_slot),
	KUNIT_CASE(test_failed),
	KUNIT_CASE(test_bvec_refused),
	KUNIT_CASE(test_copy_safe),
	KUNIT_CASE(test_copy_safe_fails),
	KUNIT_CASE(test_remote_vm),
	KUNIT_CASE(test_remote_vm_refused),
	KUNIT_CASE(test_uprobe_refused),
	{}
};

static struct kunit_suite users_suite = {
	.name = "page_access_users",
	.init = kunit_make_owners,
	.exit = kunit_drop_owners,
	.test_cases = users_cases,
};

kunit_test_suite(users_suite);
