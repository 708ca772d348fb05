// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for pages of protected guests, on the fake Ultravisor.
 *
 * The pages are those of a process and of a file. Each holds a pattern of its
 * own, is made secure by the code that serves guests, and is then reached in
 * the ways that the kernel has. What must hold is that the contents are right
 * where they can be had, that an error is seen where they cannot, and that
 * the hook is called when the contents are reached and no sooner, by a caller
 * that keeps the page from being made secure again.
 *
 * A page that is secure is not in the direct map: touched without the hook,
 * it makes the kernel oops.
 */

#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/page_access.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/set_memory.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/writeback.h>

#include <asm/uv.h>

#include "../../../mm/swap.h"

/* Half of the pages are in one page table, half in the next. */
#define NR_PAGES	8
#define MAP_SIZE	(3 * PMD_SIZE)

/* How often the page is made secure while others pin it. */
#define RACE_ROUNDS	2000

struct uv_test {
	/* Of the first page, and all of them */
	unsigned long addr;
	struct folio *folios[NR_PAGES];
	struct file *file;
};

/*
 * Pages, and what is in them.
 */

static u8 pattern(unsigned int nr, size_t i)
{
	return (i * 13 + nr * 101) % 251 + 1;
}

static void make_pattern(u8 *buf, unsigned int nr)
{
	size_t i;

	for (i = 0; i < PAGE_SIZE; i++)
		buf[i] = pattern(nr, i);
}

static bool has_pattern(const u8 *buf, unsigned int nr)
{
	size_t i = 0;

	while (i < PAGE_SIZE && buf[i] == pattern(nr, i))
		i++;
	return i == PAGE_SIZE;
}

static u8 *page_buffer(struct kunit *test)
{
	u8 *buf = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	return buf;
}

static unsigned long user_addr(struct kunit *test, unsigned int nr)
{
	struct uv_test *uv = test->priv;

	return uv->addr + nr * PAGE_SIZE;
}

/* The reference is dropped at once: only the process has the page. */
static struct folio *find_user_folio(struct kunit *test, unsigned int nr)
{
	struct page *page;

	KUNIT_ASSERT_EQ(test, 1, get_user_pages_fast(user_addr(test, nr), 1,
						     FOLL_WRITE, &page));
	KUNIT_ASSERT_FALSE(test, PageCompound(page));
	put_page(page);
	return page_folio(page);
}

static void want_no_huge_pages(unsigned long start)
{
	mmap_write_lock(current->mm);
	vm_flags_set(vma_lookup(current->mm, start), VM_NOHUGEPAGE);
	mmap_write_unlock(current->mm);
}

static void make_user_pages(struct kunit *test)
{
	struct uv_test *uv = test->priv;
	u8 *buf = page_buffer(test);
	unsigned long start;
	unsigned int nr;

	start = kunit_vm_mmap(test, NULL, 0, MAP_SIZE, PROT_READ | PROT_WRITE,
			      MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, start, 0);
	want_no_huge_pages(start);
	uv->addr = round_up(start + PMD_SIZE, PMD_SIZE) -
		   NR_PAGES / 2 * PAGE_SIZE;
	for (nr = 0; nr < NR_PAGES; nr++) {
		make_pattern(buf, nr);
		KUNIT_ASSERT_EQ(test, 0,
				copy_to_user((void __user *)user_addr(test, nr),
					     buf, PAGE_SIZE));
		uv->folios[nr] = find_user_folio(test, nr);
		KUNIT_ASSERT_EQ(test, 0, uv_fake_prepare(uv->folios[nr]));
	}
}

/* Makes it secure, and nothing of the test is counted yet. */
static struct folio *secure(struct kunit *test, struct folio *folio)
{
	KUNIT_ASSERT_EQ(test, 0, uv_fake_import(folio));
	KUNIT_ASSERT_TRUE(test, uv_fake_secure(folio));
	KUNIT_ASSERT_FALSE(test, kernel_page_present(&folio->page));
	return folio;
}

static struct folio *secure_user(struct kunit *test, unsigned int nr)
{
	struct uv_test *uv = test->priv;

	return secure(test, uv->folios[nr]);
}

static struct folio *refused_user(struct kunit *test, unsigned int nr)
{
	struct folio *folio = secure_user(test, nr);

	uv_fake_refuse(folio, true);
	return folio;
}

/* A page of a file, with pattern 0, that the page cache alone refers to. */
static struct folio *file_folio(struct kunit *test)
{
	struct uv_test *uv = test->priv;
	struct folio *folio;
	u8 *addr;

	uv->file = shmem_file_setup("uv_fake", PAGE_SIZE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(uv->file));
	folio = shmem_read_folio(uv->file->f_mapping, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	addr = kmap_local_folio(folio, 0);
	make_pattern(addr, 0);
	kunmap_local(addr);
	folio_put(folio);
	KUNIT_ASSERT_EQ(test, 0, uv_fake_prepare(folio));
	return folio;
}

static bool folio_intact(struct folio *folio, unsigned int nr)
{
	u8 *addr = kmap_local_folio(folio, 0);
	bool intact = has_pattern(addr, nr);

	kunmap_local(addr);
	return intact;
}

static long probe(const void *addr)
{
	u8 byte;

	return copy_from_kernel_nofault(&byte, addr, sizeof(byte));
}

/*
 * What the Ultravisor was asked for, in all of the test.
 */

static void expect_stats(struct kunit *test, unsigned long exports,
			 unsigned long refused)
{
	struct uv_fake_stats stats;

	uv_fake_get_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.exports, exports);
	KUNIT_EXPECT_EQ(test, stats.refused, refused);
	KUNIT_EXPECT_EQ(test, stats.useless, 0);
	KUNIT_EXPECT_EQ(test, stats.unguarded, 0);
}

static void expect_untouched(struct kunit *test, struct folio *folio)
{
	KUNIT_EXPECT_TRUE(test, uv_fake_secure(folio));
	KUNIT_EXPECT_TRUE(test, folio_inaccessible(folio));
	expect_stats(test, 0, 0);
}

/*
 * kmap
 */

static void test_kmap(struct kunit *test)
{
	struct folio *folio = secure_user(test, 3);
	u8 *addr;

	folio_get(folio);
	KUNIT_EXPECT_TRUE(test, page_needs_kmap(&folio->page));
	addr = kmap_local_folio(folio, 0);
	KUNIT_EXPECT_PTR_EQ(test, addr, (u8 *)folio_address(folio));
	KUNIT_EXPECT_FALSE(test, uv_fake_secure(folio));
	KUNIT_EXPECT_FALSE(test, folio_inaccessible(folio));
	KUNIT_EXPECT_TRUE(test, has_pattern(addr, 3));
	kunmap_local(addr);
	/* It is accessible: nobody is asked again */
	KUNIT_EXPECT_TRUE(test, folio_intact(folio, 3));
	folio_put(folio);
	expect_stats(test, 1, 0);
}

static void test_kmap_all_ways(struct kunit *test)
{
	struct folio *folio = secure_user(test, 0);
	struct page *page = &folio->page;
	unsigned int way;

	for (way = 0; way < 4; way++) {
		folio_get(folio);
		if (way == 0)
			kunmap_local(kmap_local_page(page));
		else if (way == 1)
			kunmap_atomic(kmap_atomic(page));
		else if (way == 2)
			kunmap_local(kmap_local_page_try(page));
		else
			kunmap_local(kmap_local_folio_try(folio, 0));
		KUNIT_EXPECT_TRUE(test, kernel_page_present(page));
		expect_stats(test, way + 1, 0);
		folio_put(folio);
		secure(test, folio);
	}
}

static void test_kmap_helpers(struct kunit *test)
{
	struct folio *folio = secure_user(test, 1);
	u8 *buf = page_buffer(test);

	folio_get(folio);
	memcpy_from_folio((char *)buf, folio, 0, PAGE_SIZE);
	folio_put(folio);
	KUNIT_EXPECT_TRUE(test, has_pattern(buf, 1));

	secure(test, folio);
	folio_get(folio);
	clear_highpage(&folio->page);
	folio_put(folio);
	KUNIT_EXPECT_NULL(test, memchr_inv(folio_address(folio), 0, PAGE_SIZE));

	secure(test, folio);
	folio_get(folio);
	zero_user_segments(&folio->page, 0, 8, 16, 24);
	folio_put(folio);
	KUNIT_EXPECT_TRUE(test, kernel_page_present(&folio->page));
	expect_stats(test, 3, 0);
}

static void test_kmap_refused(struct kunit *test)
{
	struct folio *folio = refused_user(test, 2);
	u8 *addr;

	folio_get(folio);
	addr = kmap_local_folio(folio, 0);
	KUNIT_EXPECT_PTR_EQ(test, addr, (u8 *)folio_address(folio));
	KUNIT_EXPECT_EQ(test, probe(addr), -EFAULT);
	kunmap_local(addr);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmap_local_page_try(&folio->page)),
			-EACCES);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmap_local_folio_try(folio, 7)),
			-EACCES);
	KUNIT_EXPECT_TRUE(test, uv_fake_secure(folio));
	expect_stats(test, 0, 3);

	uv_fake_refuse(folio, false);
	KUNIT_EXPECT_TRUE(test, folio_intact(folio, 2));
	folio_put(folio);
	expect_stats(test, 1, 3);
}

/* The mark is set before the page is secure, and may stay if it never is. */
static void test_mark_only(struct kunit *test)
{
	struct uv_test *uv = test->priv;
	struct folio *folio = uv->folios[0];
	struct uv_fake_stats stats;

	set_bit(PG_arch_1, &folio->flags);
	folio_get(folio);
	KUNIT_EXPECT_TRUE(test, folio_intact(folio, 0));
	KUNIT_EXPECT_FALSE(test, folio_inaccessible(folio));
	KUNIT_EXPECT_TRUE(test, folio_intact(folio, 0));
	folio_put(folio);
	uv_fake_get_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.useless, 1);
	KUNIT_EXPECT_EQ(test, stats.exports, 0);
}

/* There PG_arch_1 is for storage keys. */
static void test_large(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL | __GFP_ZERO, 2);
	struct uv_fake_stats stats;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	set_bit(PG_arch_1, &folio->flags);
	KUNIT_EXPECT_FALSE(test, folio_inaccessible(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_partial_kmap(folio));
	kunmap_local(kmap_local_folio(folio, PAGE_SIZE));
	clear_bit(PG_arch_1, &folio->flags);
	folio_put(folio);
	uv_fake_get_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.useless, 0);
}

/* Else the folio would not be migrated, and not go back to the buddy. */
static void test_not_detached(struct kunit *test)
{
	struct folio *folio = secure_user(test, 0);

	KUNIT_EXPECT_TRUE(test, folio_inaccessible(folio));
	KUNIT_EXPECT_FALSE(test, folio_detached(folio));
	expect_untouched(test, folio);
}

/*
 * Pins
 */

static void unpin(struct page **pages, long nr)
{
	if (nr > 0)
		unpin_user_pages(pages, nr);
}

static long pin_slowly(unsigned long addr, unsigned int flags,
		       struct page **pages)
{
	long nr;

	mmap_read_lock(current->mm);
	nr = pin_user_pages(addr, NR_PAGES, flags, pages);
	mmap_read_unlock(current->mm);
	return nr;
}

static void pin_longterm(struct kunit *test, bool fast)
{
	unsigned int flags = FOLL_WRITE | FOLL_LONGTERM, nr;
	struct page *pages[NR_PAGES] = { };
	struct uv_test *uv = test->priv;
	long pinned;

	for (nr = 0; nr < NR_PAGES; nr++)
		secure_user(test, nr);
	if (fast)
		pinned = pin_user_pages_fast(uv->addr, NR_PAGES, flags, pages);
	else
		pinned = pin_slowly(uv->addr, flags, pages);
	KUNIT_EXPECT_EQ(test, pinned, NR_PAGES);
	for (nr = 0; nr < NR_PAGES; nr++) {
		KUNIT_EXPECT_PTR_EQ(test, pages[nr], &uv->folios[nr]->page);
		KUNIT_EXPECT_TRUE(test, kernel_page_present(pages[nr]));
		/* And so it stays until the pin ends */
		KUNIT_EXPECT_EQ(test, uv_fake_import(uv->folios[nr]), -EBUSY);
	}
	unpin(pages, pinned);
	expect_stats(test, NR_PAGES, 0);
}

static void test_longterm_fast(struct kunit *test)
{
	pin_longterm(test, true);
}

static void test_longterm_slow(struct kunit *test)
{
	pin_longterm(test, false);
}

/* As many as come before the refused page, each in its own place. */
static void expect_pinned_before(struct kunit *test, unsigned int refused,
				 struct page **pages, long pinned)
{
	struct uv_test *uv = test->priv;
	long nr;

	KUNIT_EXPECT_EQ(test, pinned, refused ? (long)refused : -EINVAL);
	for (nr = 0; nr < pinned; nr++)
		KUNIT_EXPECT_PTR_EQ(test, pages[nr], &uv->folios[nr]->page);
	unpin(pages, pinned);
	KUNIT_EXPECT_TRUE(test, uv_fake_secure(uv->folios[refused]));
	uv_fake_refuse(uv->folios[refused], false);
	KUNIT_EXPECT_EQ(test, 0,
			arch_make_folio_accessible(uv->folios[refused]));
}

/*
 * The fast walk goes from one page table to the next as long as it is told of
 * success: with an error taken for one it files the pages of the second half
 * in the place of the refused one and those after it.
 */
static void test_longterm_refused(struct kunit *test)
{
	unsigned int flags = FOLL_WRITE | FOLL_LONGTERM, refused;
	struct uv_test *uv = test->priv;

	for (refused = 0; refused < NR_PAGES; refused++) {
		struct page *pages[NR_PAGES] = { };
		long pinned;

		refused_user(test, refused);
		pinned = pin_user_pages_fast(uv->addr, NR_PAGES, flags, pages);
		expect_pinned_before(test, refused, pages, pinned);
		refused_user(test, refused);
		pinned = pin_slowly(uv->addr, flags, pages);
		expect_pinned_before(test, refused, pages, pinned);
	}
}

/* Who only has a page does not reach its contents. */
static void test_pin(struct kunit *test)
{
	struct uv_test *uv = test->priv;
	struct page *pages[NR_PAGES];
	struct folio *folio = secure_user(test, 4);
	long pinned;

	pinned = pin_user_pages_fast(uv->addr, NR_PAGES, FOLL_WRITE, pages);
	KUNIT_EXPECT_EQ(test, pinned, NR_PAGES);
	unpin(pages, pinned);
	expect_untouched(test, folio);
	pinned = pin_slowly(uv->addr, FOLL_WRITE, pages);
	KUNIT_EXPECT_EQ(test, pinned, NR_PAGES);
	expect_untouched(test, folio);
	/* Whoever reaches them can rely on the pin */
	KUNIT_EXPECT_TRUE(test, folio_intact(folio, 4));
	KUNIT_EXPECT_EQ(test, uv_fake_import(folio), -EBUSY);
	unpin(pages, pinned);
	expect_stats(test, 1, 0);
	KUNIT_EXPECT_EQ(test, uv_fake_import(folio), 0);
}

/* What vmsplice() and zero-copy senders do. */
static void test_iov_get(struct kunit *test)
{
	struct uv_test *uv = test->priv;
	struct folio *folio = secure_user(test, 5);
	struct page *pages[NR_PAGES], **array = pages;
	struct iov_iter iter;
	size_t start;
	ssize_t got;
	long nr;

	iov_iter_ubuf(&iter, ITER_SOURCE, (void __user *)uv->addr,
		      NR_PAGES * PAGE_SIZE);
	got = iov_iter_get_pages2(&iter, array, NR_PAGES * PAGE_SIZE, NR_PAGES,
				  &start);
	KUNIT_EXPECT_EQ(test, got, NR_PAGES * PAGE_SIZE);
	expect_untouched(test, folio);
	for (nr = 0; nr < got / (long)PAGE_SIZE; nr++)
		put_page(pages[nr]);
	expect_untouched(test, folio);
}

/*
 * I/O
 */

/*
 * Mark pending, call, I/O, drop. The start of writeback is the mark, the call
 * comes with the I/O, and no import comes between the mark and its end.
 */
static void test_writeback(struct kunit *test)
{
	struct folio *folio = secure(test, file_folio(test));

	folio_get(folio);
	folio_lock(folio);
	folio_start_writeback(folio);
	folio_unlock(folio);
	folio_put(folio);
	expect_untouched(test, folio);
	KUNIT_EXPECT_EQ(test, uv_fake_import(folio), -EAGAIN);

	KUNIT_EXPECT_TRUE(test, folio_intact(folio, 0));
	expect_stats(test, 1, 0);
	KUNIT_EXPECT_EQ(test, uv_fake_import(folio), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, uv_fake_secure(folio));

	folio_end_writeback(folio);
	KUNIT_EXPECT_EQ(test, uv_fake_import(folio), 0);
	expect_stats(test, 1, 0);
}

/* A page that cannot be written stays: dirty, unlocked, and as it was. */
static void test_swap_refused(struct kunit *test)
{
	struct writeback_control wbc = { .sync_mode = WB_SYNC_NONE };
	struct folio *folio = refused_user(test, 6);

	folio_get(folio);
	folio_lock(folio);
	folio_clear_dirty(folio);
	KUNIT_EXPECT_EQ(test, swap_writepage(&folio->page, &wbc), -EINVAL);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_writeback(folio));
	KUNIT_EXPECT_TRUE(test, uv_fake_secure(folio));
	expect_stats(test, 0, 1);

	uv_fake_refuse(folio, false);
	KUNIT_EXPECT_EQ(test, folio_prepare_dma(folio, DMA_TO_DEVICE), 0);
	KUNIT_EXPECT_TRUE(test, folio_intact(folio, 6));
	expect_stats(test, 1, 1);
	folio_put(folio);
}

/* Sees to it that a test of expect_stats() can fail. */
static void test_unguarded(struct kunit *test)
{
	struct folio *folio = secure_user(test, 7);
	struct uv_fake_stats stats;

	KUNIT_EXPECT_EQ(test, arch_make_folio_accessible(folio), 0);
	uv_fake_get_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.unguarded, 1);
	KUNIT_EXPECT_EQ(test, stats.exports, 1);
}

/* Page tables of a protected process end the page's secret with the entry. */
static void test_unmap(struct kunit *test)
{
	struct folio *folio = secure_user(test, 0);

	folio_get(folio);
	atomic_inc(&current->mm->context.protected_count);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(user_addr(test, 0), PAGE_SIZE));
	atomic_dec(&current->mm->context.protected_count);
	KUNIT_EXPECT_FALSE(test, uv_fake_secure(folio));
	KUNIT_EXPECT_FALSE(test, folio_inaccessible(folio));
	KUNIT_EXPECT_TRUE(test, kernel_page_present(&folio->page));
	folio_put(folio);
}

/*
 * A guest wants its page back, again and again, while it is pinned.
 */

struct guest {
	struct folio *folio;
	/* Of the page table that maps it */
	spinlock_t *ptl;
	unsigned long imports;
	unsigned long failures;
	bool stop;
	struct completion done;
};

/* As gmap_make_secure(): the lock keeps GUP off the frozen folio. */
static void guest_faults(struct guest *guest)
{
	int err;

	spin_lock(guest->ptl);
	err = uv_fake_import(guest->folio);
	spin_unlock(guest->ptl);
	if (!err)
		guest->imports++;
	else if (err != -EBUSY && err != -EAGAIN)
		guest->failures++;
}

static int guest_fn(void *data)
{
	struct guest *guest = data;

	while (!READ_ONCE(guest->stop)) {
		guest_faults(guest);
		cond_resched();
	}
	complete(&guest->done);
	return 0;
}

/* Pins, and has the page for itself, whatever the guest does. */
static bool pinned_and_intact(unsigned long addr, bool fast)
{
	unsigned int flags = FOLL_WRITE | FOLL_LONGTERM;
	struct page *page;
	bool intact;
	long nr;

	if (fast) {
		nr = pin_user_pages_fast(addr, 1, flags, &page);
	} else {
		mmap_read_lock(current->mm);
		nr = pin_user_pages(addr, 1, flags, &page);
		mmap_read_unlock(current->mm);
	}
	if (nr != 1)
		return false;
	intact = !uv_fake_secure(page_folio(page)) &&
		 has_pattern(page_address(page), 0);
	unpin_user_page(page);
	return intact;
}

static void test_race(struct kunit *test)
{
	struct uv_test *uv = test->priv;
	struct guest guest = {
		.folio = uv->folios[0],
		.ptl = pte_lockptr(current->mm, pmd_off(current->mm, uv->addr)),
	};
	unsigned int round, bad = 0;
	struct task_struct *task;

	init_completion(&guest.done);
	task = kthread_run(guest_fn, &guest, "uv_fake_guest");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (round = 0; round < RACE_ROUNDS; round++) {
		bad += !pinned_and_intact(uv->addr, round % 2);
		cond_resched();
	}
	WRITE_ONCE(guest.stop, true);
	wait_for_completion(&guest.done);
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, guest.failures, 0);
	KUNIT_EXPECT_GT(test, guest.imports, 0);
}

static int uv_fake_test_init(struct kunit *test)
{
	if (!uv_fake_active())
		kunit_skip(test, "boot with uv_fake");
	test->priv = kunit_kzalloc(test, sizeof(struct uv_test), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, test->priv);
	make_user_pages(test);
	uv_fake_reset();
	return 0;
}

/* Before the pages are freed */
static void uv_fake_test_exit(struct kunit *test)
{
	struct uv_test *uv = test->priv;

	if (!uv)
		return;
	uv_fake_reset();
	if (!IS_ERR_OR_NULL(uv->file))
		fput(uv->file);
}

static struct kunit_case uv_fake_cases[] = {
	KUNIT_CASE(test_kmap),
	KUNIT_CASE(test_kmap_all_ways),
	KUNIT_CASE(test_kmap_helpers),
	KUNIT_CASE(test_kmap_refused),
	KUNIT_CASE(test_mark_only),
	KUNIT_CASE(test_large),
	KUNIT_CASE(test_not_detached),
	KUNIT_CASE(test_longterm_fast),
	KUNIT_CASE(test_longterm_slow),
	KUNIT_CASE(test_longterm_refused),
	KUNIT_CASE(test_pin),
	KUNIT_CASE(test_iov_get),
	KUNIT_CASE(test_writeback),
	KUNIT_CASE(test_swap_refused),
	KUNIT_CASE(test_unguarded),
	KUNIT_CASE(test_unmap),
	KUNIT_CASE_SLOW(test_race),
	{}
};

static struct kunit_suite uv_fake_suite = {
	.name = "uv_fake",
	.init = uv_fake_test_init,
	.exit = uv_fake_test_exit,
	.test_cases = uv_fake_cases,
};

kunit_test_suite(uv_fake_suite);
