// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for keys and their pages.
 *
 * They run on planes of memory that stand for keys, see keyid_emul= in
 * Documentation/mm/page_keyid.rst, and are skipped without. A page is looked
 * at in each plane: what was stored under its key has to be in that key's plane
 * and in no other. That a page was not written back before it changed its key
 * the platform reports by itself.
 *
 * Nothing else has keys while the kernel boots.
 */

#include <kunit/device.h>
#include <kunit/test.h>

#include <linux/bio.h>
#include <linux/delay.h>
#include <linux/dma-direct.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/page_access_dma.h>
#include <linux/scatterlist.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include "../../internal.h"
#include "../../unmapped/unmapped.h"
#include "../keyid.h"

#define GFP_ZEROED	(GFP_HIGHUSER | __GFP_ZERO)
#define PATTERN		0xa5

/* Two keys, and what a case allocates: all goes with it. */
#define MAX_HELD	16

struct keyid_test {
	struct page_key *key[2];
	struct folio *held[MAX_HELD];
	unsigned int nr_held;
};

static u16 id_of(struct kunit *test, int i)
{
	struct keyid_test *t = test->priv;

	return page_key_id(t->key[i]);
}

static void hold(struct kunit *test, struct folio *folio)
{
	struct keyid_test *t = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_ASSERT_LT(test, t->nr_held, MAX_HELD);
	t->held[t->nr_held++] = folio;
}

static void put_all(struct kunit *test)
{
	struct keyid_test *t = test->priv;

	while (t->nr_held)
		folio_put(t->held[--t->nr_held]);
}

static struct folio *get_folio(struct kunit *test, u16 keyid, gfp_t gfp,
			       unsigned int order)
{
	struct keyid_alloc_args args = {
		.gfp = gfp,
		.order = order,
		.nid = NUMA_NO_NODE,
		.keyid = keyid,
	};
	struct folio *folio = folio_alloc_keyid(&args);

	hold(test, folio);
	return folio;
}

static bool all_bytes(const u8 *addr, u8 byte)
{
	return !memchr_inv(addr, byte, PAGE_SIZE);
}

/* Does all of the page read so, as the kernel maps it? */
static bool page_is(struct page *page, u8 byte)
{
	void *addr = kmap_local_page(page);
	bool same = all_bytes(addr, byte);

	kunmap_local(addr);
	return same;
}

/* Does all of the page read so with this key? */
static bool plane_is(struct page *page, u16 keyid, u8 byte)
{
	pgprot_t prot = arch_keyid_prot(PAGE_KERNEL, keyid);
	void *addr = page_access_map_prot(page, prot);
	bool same = addr && all_bytes(addr, byte);

	if (addr)
		kunmap_local(addr);
	return same;
}

static void fill(struct page *page, u8 byte)
{
	void *addr = kmap_local_page(page);

	memset(addr, byte, PAGE_SIZE);
	kunmap_local(addr);
}

static unsigned long flushes(void)
{
	unsigned long *events = kcalloc(NR_VM_EVENT_ITEMS, sizeof(*events),
					GFP_KERNEL | __GFP_NOFAIL);
	unsigned long nr;

	all_vm_events(events);
	nr = events[UNMAPPED_KEY_FLUSH];
	kfree(events);
	return nr;
}

/* Waits for what the end of a key takes: RCU, and a work or two. */
static bool wait_for_id(struct kunit *test, u16 keyid)
{
	struct page_key *key;
	int tries = 100;
	u16 got;

	while (tries--) {
		key = page_key_create();
		if (!IS_ERR(key)) {
			got = page_key_id(key);
			page_key_put(key);
			if (got == keyid)
				return true;
		}
		msleep(20);
	}
	return false;
}

/*
 * Pages.
 */

static void contents_are_under_the_key(struct kunit *test)
{
	struct folio *folio = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	struct page *page = &folio->page;

	KUNIT_EXPECT_EQ(test, page_keyid(page), id_of(test, 0));
	fill(page, PATTERN);
	KUNIT_EXPECT_TRUE(test, page_is(page, PATTERN));
	KUNIT_EXPECT_TRUE(test, plane_is(page, id_of(test, 0), PATTERN));
	KUNIT_EXPECT_FALSE(test, plane_is(page, 0, PATTERN));
	KUNIT_EXPECT_FALSE(test, plane_is(page, id_of(test, 1), PATTERN));
}

static void zero_comes_after_the_key(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 2, PMD_ORDER };
	struct folio *folio;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		folio = get_folio(test, id_of(test, 0), GFP_ZEROED, orders[i]);
		KUNIT_EXPECT_EQ(test, folio_order(folio), orders[i]);
		for (j = 0; j < folio_nr_pages(folio); j++) {
			struct page *page = folio_page(folio, j);

			KUNIT_ASSERT_EQ(test, page_keyid(page),
					id_of(test, 0));
			KUNIT_ASSERT_TRUE_MSG(test, page_is(page, 0),
					      "order %u, page %u", orders[i],
					      j);
		}
	}
}

static void key_0_is_the_page_allocator(struct kunit *test)
{
	struct folio *folio = get_folio(test, 0, GFP_ZEROED, 0);
	struct page *page;

	KUNIT_EXPECT_FALSE(test, folio_inaccessible(folio));
	KUNIT_EXPECT_EQ(test, folio_keyid(folio), 0);
	page = alloc_pages_node_keyid(NUMA_NO_NODE, GFP_KERNEL, 0, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_FALSE(test, page_inaccessible(page));
	__free_page(page);
}

static void pages_of_a_node(struct kunit *test)
{
	struct page *page;

	page = alloc_pages_node_keyid(first_online_node, GFP_ZEROED, 0,
				      id_of(test, 1));
	KUNIT_ASSERT_NOT_NULL(test, page);
	hold(test, page_folio(page));
	KUNIT_EXPECT_EQ(test, page_to_nid(page), first_online_node);
	KUNIT_EXPECT_EQ(test, page_keyid(page), id_of(test, 1));
}

static void zeroing_is_put_off_with_a_key_only(struct kunit *test)
{
	gfp_t gfp = GFP_ZEROED;

	KUNIT_EXPECT_FALSE(test, deferred_page_zero(0, &gfp));
	KUNIT_EXPECT_TRUE(test, gfp & __GFP_ZERO);
	KUNIT_EXPECT_TRUE(test, deferred_page_zero(1, &gfp));
	KUNIT_EXPECT_FALSE(test, gfp & __GFP_ZERO);
	KUNIT_EXPECT_FALSE(test, deferred_page_zero(1, &gfp));
}

/*
 * From one user to the next.
 */

static struct page *reuse(struct kunit *test, struct page *old, u16 keyid)
{
	struct folio *folio;

	fill(old, PATTERN);
	put_all(test);
	folio = get_folio(test, keyid, GFP_ZEROED, 0);
	/* The last page in is the first out: else nothing is tested */
	KUNIT_ASSERT_PTR_EQ(test, &folio->page, old);
	return &folio->page;
}

static void same_key_needs_no_flush(struct kunit *test)
{
	u16 keyid = id_of(test, 0);
	struct folio *folio = get_folio(test, keyid, GFP_ZEROED, 0);
	unsigned long before = flushes();
	struct page *page;

	page = reuse(test, &folio->page, keyid);
	KUNIT_EXPECT_EQ(test, flushes() - before, 0);
	KUNIT_EXPECT_TRUE(test, page_is(page, 0));
}

static void change_of_key_flushes_once(struct kunit *test)
{
	struct folio *folio = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	unsigned long before = flushes();
	struct page *page;

	page = reuse(test, &folio->page, id_of(test, 1));
	KUNIT_EXPECT_EQ(test, flushes() - before, 1);
	KUNIT_EXPECT_EQ(test, page_keyid(page), id_of(test, 1));
	KUNIT_EXPECT_TRUE(test, page_is(page, 0));
	KUNIT_EXPECT_TRUE(test, plane_is(page, id_of(test, 0), 0));
}

/* Of two free pages the one that had the key is taken, though it is older. */
static void own_key_is_preferred(struct kunit *test)
{
	struct folio *mine = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	struct folio *other = get_folio(test, id_of(test, 1), GFP_ZEROED, 0);
	struct keyid_test *t = test->priv;
	unsigned long before = flushes();
	struct folio *folio;

	t->nr_held -= 2;
	folio_put(mine);
	folio_put(other);
	folio = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	KUNIT_EXPECT_PTR_EQ(test, folio, mine);
	KUNIT_EXPECT_EQ(test, flushes() - before, 0);
}

/* A whole block: a single page would be one that has no key already. */
static void others_get_pages_without_a_key(struct kunit *test)
{
	struct folio *folio = get_folio(test, id_of(test, 0), GFP_ZEROED,
					PMD_ORDER);
	struct unmapped_owner *owner = unmapped_owner_create("test",
							     UNMAPPED_OWNER_KMAP);
	struct page *page;

	KUNIT_ASSERT_NOT_NULL(test, owner);
	fill(&folio->page, PATTERN);
	put_all(test);
	page = unmapped_pages_alloc(GFP_HIGHUSER | __GFP_COMP, PMD_ORDER,
				    owner);
	KUNIT_EXPECT_PTR_EQ(test, page, &folio->page);
	if (page) {
		KUNIT_EXPECT_EQ(test, page_keyid(page), 0);
		KUNIT_EXPECT_TRUE(test, plane_is(page, 0, 0));
		KUNIT_EXPECT_TRUE(test, page_is(page, 0));
		unmapped_pages_free(page, PMD_ORDER);
	}
	unmapped_owner_destroy(owner);
}

/* A page without __GFP_ZERO shows nothing of the user before with that key. */
static void free_clears_through_the_key(struct kunit *test)
{
	u16 keyid = id_of(test, 0);
	struct folio *folio = get_folio(test, keyid, GFP_ZEROED, 0);

	fill(&folio->page, PATTERN);
	put_all(test);
	KUNIT_EXPECT_TRUE(test, plane_is(&folio->page, keyid, 0));
	folio = get_folio(test, keyid, GFP_HIGHUSER, 0);
	KUNIT_EXPECT_TRUE(test, page_is(&folio->page, 0));
}

/* Freed where it cannot be cleared: before its next use then. */
static void free_with_interrupts_off(struct kunit *test)
{
	u16 keyid = id_of(test, 0);
	struct folio *folio = get_folio(test, keyid, GFP_ZEROED, 0);
	struct folio *again;

	fill(&folio->page, PATTERN);
	local_irq_disable();
	put_all(test);
	local_irq_enable();
	KUNIT_EXPECT_TRUE(test, plane_is(&folio->page, keyid, PATTERN));
	again = get_folio(test, keyid, GFP_ZEROED, 0);
	KUNIT_EXPECT_PTR_EQ(test, again, folio);
	KUNIT_EXPECT_TRUE(test, page_is(&again->page, 0));
}

/* The system gets pages that are what their direct-map address says. */
static void returned_pages_have_no_key(struct kunit *test)
{
	struct folio *folio = get_folio(test, id_of(test, 0), GFP_ZEROED,
					PMD_ORDER);
	struct page *page = &folio->page;
	unsigned int i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		fill(folio_page(folio, i), PATTERN);
	put_all(test);
	unmapped_drain_patiently();
	KUNIT_ASSERT_FALSE(test, page_inaccessible(page));
	KUNIT_EXPECT_EQ(test, page_keyid(page), 0);
	KUNIT_EXPECT_FALSE(test, plane_is(page, 0, PATTERN));
}

static struct unmapped_node *free_blocks(struct kunit *test, unsigned int nr)
{
	struct unmapped_node *node;
	struct folio *folio;
	int nid = NUMA_NO_NODE;

	unmapped_drain_patiently();
	while (nr--) {
		folio = get_folio(test, id_of(test, 0), GFP_ZEROED, PMD_ORDER);
		if (nid != NUMA_NO_NODE && nid != folio_nid(folio))
			kunit_skip(test, "no node has the memory");
		nid = folio_nid(folio);
	}
	node = unmapped_nodes[nid];
	put_all(test);
	cancel_delayed_work_sync(&node->return_work);
	return node;
}

/* Processes that come and go find pages of their key; not for ever. */
static void blocks_of_a_key_go_back_slowly(struct kunit *test)
{
	struct unmapped_node *node = free_blocks(test, 4);
	unsigned long *empty = &node->nr_blocks[UNMAPPED_EMPTY];
	unsigned long before;

	KUNIT_ASSERT_EQ(test, *empty, 4);
	unmapped_return_work(&node->return_work.work);
	KUNIT_EXPECT_EQ(test, *empty, 2);

	before = flushes();
	get_folio(test, id_of(test, 0), GFP_ZEROED, PMD_ORDER);
	get_folio(test, id_of(test, 0), GFP_ZEROED, PMD_ORDER);
	KUNIT_EXPECT_EQ(test, flushes() - before, 0);
	put_all(test);

	unmapped_return_work(&node->return_work.work);
	KUNIT_EXPECT_EQ(test, *empty, 1);
}

/*
 * Page tables.
 */

static void entries_have_the_key(struct kunit *test)
{
	struct folio *folio = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	pteval_t key = (pteval_t)id_of(test, 0) << x86_keyid_shift;
	pte_t pte = mk_pte(&folio->page, PAGE_SHARED);
	pmd_t pmd = mk_pmd(&folio->page, PAGE_SHARED);

	KUNIT_EXPECT_EQ(test, pte_val(pte) & x86_keyid_mask, key);
	KUNIT_EXPECT_EQ(test, pmd_val(pmd) & x86_keyid_mask, key);
	KUNIT_EXPECT_EQ(test, pte_pfn(pte), folio_pfn(folio));
	KUNIT_EXPECT_EQ(test, pmd_pfn(pmd), folio_pfn(folio));
	KUNIT_EXPECT_PTR_EQ(test, pte_page(pte), &folio->page);
}

static void changes_keep_the_key(struct kunit *test)
{
	struct folio *folio = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	pteval_t key = (pteval_t)id_of(test, 0) << x86_keyid_shift;
	pte_t pte = mk_pte(&folio->page, PAGE_SHARED);
	pmd_t pmd = mk_pmd(&folio->page, PAGE_SHARED);

	pte = pte_modify(pte, PAGE_READONLY);
	pmd = pmd_modify(pmd, PAGE_READONLY);
	KUNIT_EXPECT_EQ(test, pte_val(pte) & x86_keyid_mask, key);
	KUNIT_EXPECT_EQ(test, pmd_val(pmd) & x86_keyid_mask, key);
	KUNIT_EXPECT_FALSE(test, pte_write(pte));

	/* As for NUMA balancing, and back */
	pte = pte_modify(pte, PAGE_NONE);
	KUNIT_EXPECT_EQ(test, pte_pfn(pte), folio_pfn(folio));
	pte = pte_modify(pte, PAGE_SHARED);
	KUNIT_EXPECT_EQ(test, pte_val(pte) & x86_keyid_mask, key);
	KUNIT_EXPECT_EQ(test, pte_pfn(pte), folio_pfn(folio));
}

static void zero_page_has_none(struct kunit *test)
{
	pgprot_t prot = PAGE_READONLY;
	pte_t pte = mk_pte(ZERO_PAGE(0), prot);

	KUNIT_EXPECT_EQ(test, pte_val(pte) & x86_keyid_mask, 0);
	KUNIT_EXPECT_EQ(test, pgprot_val(prot), pgprot_val(PAGE_READONLY));
}

/*
 * The kernel and devices.
 */

static void kmap_for_all_cpus(struct kunit *test)
{
	struct folio *folio = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	u8 *addr = kmap(&folio->page);

	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(addr));
	memset(addr, PATTERN, PAGE_SIZE);
	kunmap(&folio->page);
	KUNIT_EXPECT_TRUE(test, plane_is(&folio->page, id_of(test, 0),
					 PATTERN));
}

static void pages_of_keys_are_not_vmapped_together(struct kunit *test)
{
	struct page *pages[2];
	int i;

	for (i = 0; i < 2; i++)
		pages[i] = &get_folio(test, id_of(test, i), GFP_ZEROED,
				      0)->page;
	KUNIT_EXPECT_NULL(test, vmap(pages, 2, VM_MAP, PAGE_KERNEL));
}

/* An address without the key would lead it to something else. */
static void devices_get_the_key_or_nothing(struct kunit *test)
{
	struct folio *folio = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	struct page *page = &folio->page;

	KUNIT_EXPECT_EQ(test, page_access_prepare_dma(page, 0, 1, DMA_TO_DEVICE,
						      false), 0);
	KUNIT_EXPECT_EQ(test, page_access_prepare_dma(page, 0, 1, DMA_TO_DEVICE,
						      true), -EACCES);
	/* For swap: another page would come back */
	KUNIT_EXPECT_EQ(test, folio_prepare_dma(folio, DMA_TO_DEVICE), -EACCES);
}

static void dma_addresses_have_the_key(struct kunit *test)
{
	struct page *page = &get_folio(test, id_of(test, 0), GFP_ZEROED,
				       0)->page;
	struct device *dev = kunit_device_register(test, "dma");
	dma_addr_t addr;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_EQ(test, 0,
			dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
	addr = dma_map_page(dev, page, 64, 128, DMA_TO_DEVICE);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, addr));
	KUNIT_EXPECT_EQ(test, addr, arch_keyid_set(page_to_phys(page) + 64,
						   id_of(test, 0)));
	KUNIT_EXPECT_EQ(test, dma_to_phys(dev, addr), page_to_phys(page) + 64);
	dma_unmap_page(dev, addr, 128, DMA_TO_DEVICE);
}

/* A request that passes through has no disk: who will map it is not known. */
static void no_disk_no_dma(struct kunit *test)
{
	struct page *page = &get_folio(test, id_of(test, 0), GFP_ZEROED,
				       0)->page;
	struct bio_vec vec;
	struct bio bio;

	bio_init(&bio, NULL, &vec, 1, REQ_OP_DRV_OUT);
	__bio_add_page(&bio, page, PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, page_access_prepare_bio(&bio), -EACCES);
	bio_uninit(&bio);
}

/* Two pages of different keys, where one ends and the other begins. */
static bool find_neighbours(struct kunit *test, struct page *pages[2])
{
	struct keyid_test *t = test->priv;
	unsigned int i, j;

	for (i = 0; i < MAX_HELD; i++)
		get_folio(test, id_of(test, i % 2), GFP_ZEROED, 0);
	for (i = 0; i < t->nr_held; i++) {
		for (j = 0; j < t->nr_held; j++) {
			pages[0] = &t->held[i]->page;
			pages[1] = &t->held[j]->page;
			if (page_to_pfn(pages[0]) + 1 == page_to_pfn(pages[1]) &&
			    page_keyid(pages[0]) != page_keyid(pages[1]))
				return true;
		}
	}
	return false;
}

static void keys_are_not_merged(struct kunit *test)
{
	struct page *pages[2];
	struct bio_vec vecs[2];
	struct sg_table sgt;
	struct bio bio;

	if (!find_neighbours(test, pages))
		kunit_skip(test, "no two pages are neighbours in memory");
	KUNIT_ASSERT_EQ(test, 0,
			sg_alloc_table_from_pages(&sgt, pages, 2, 0,
						  2 * PAGE_SIZE, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, sgt.orig_nents, 2);
	sg_free_table(&sgt);

	bio_init(&bio, NULL, vecs, 2, REQ_OP_WRITE);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE,
			bio_add_page(&bio, pages[0], PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE,
			bio_add_page(&bio, pages[1], PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, bio.bi_vcnt, 2);
	bio_uninit(&bio);
}

static void it_cannot_be_evicted(struct kunit *test)
{
	struct folio *folio = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);

	KUNIT_EXPECT_FALSE(test, folio_evictable(folio));
	folio = get_folio(test, 0, GFP_ZEROED, 0);
	KUNIT_EXPECT_TRUE(test, folio_evictable(folio));
}

/*
 * Migration: the target has the key of the source.
 */

static void migration_keeps_the_key(struct kunit *test)
{
	struct folio *src = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	struct folio *dst;

	dst = unmapped_folio_alloc_like(src, GFP_HIGHUSER, NUMA_NO_NODE);
	hold(test, dst);
	KUNIT_EXPECT_EQ(test, folio_keyid(dst), id_of(test, 0));
	KUNIT_EXPECT_TRUE(test, unmapped_folio_may_move(dst, src));

	fill(&src->page, PATTERN);
	folio_copy(dst, src);
	KUNIT_EXPECT_TRUE(test, plane_is(&dst->page, id_of(test, 0), PATTERN));
}

static void migration_across_keys_is_refused(struct kunit *test)
{
	struct folio *src = get_folio(test, id_of(test, 0), GFP_ZEROED, 0);
	struct folio *other = get_folio(test, id_of(test, 1), GFP_ZEROED, 0);
	struct folio *plain = get_folio(test, 0, GFP_ZEROED, 0);

	KUNIT_EXPECT_FALSE(test, unmapped_folio_may_move(other, src));
	KUNIT_EXPECT_FALSE(test, unmapped_folio_may_move(plain, src));
}

/*
 * Keys.
 */

static void a_key_lives_as_long_as_its_pages(struct kunit *test)
{
	struct page_key *key = page_key_create();
	struct keyid_alloc_args args = {
		.gfp = GFP_ZEROED,
		.nid = NUMA_NO_NODE,
	};
	struct folio *folio;

	KUNIT_ASSERT_FALSE(test, IS_ERR(key));
	args.keyid = page_key_id(key);
	folio = folio_alloc_keyid(&args);
	KUNIT_EXPECT_EQ(test, page_key_pages(key), 1);
	page_key_put(key);
	KUNIT_ASSERT_NOT_NULL(test, folio);

	msleep(100);
	key = page_key_create();
	if (!IS_ERR(key)) {
		KUNIT_EXPECT_NE(test, page_key_id(key), args.keyid);
		page_key_put(key);
	}
	fill(&folio->page, PATTERN);
	KUNIT_EXPECT_TRUE(test, page_is(&folio->page, PATTERN));
	folio_put(folio);
	KUNIT_EXPECT_TRUE(test, wait_for_id(test, args.keyid));
}

/* The page is clean under the key that was: the next one is another. */
static void free_pages_forget_a_key_that_is_gone(struct kunit *test)
{
	struct page_key *key = page_key_create();
	struct keyid_alloc_args args = {
		.gfp = GFP_ZEROED,
		.nid = NUMA_NO_NODE,
	};
	struct folio *folio;

	KUNIT_ASSERT_FALSE(test, IS_ERR(key));
	args.keyid = page_key_id(key);
	folio = folio_alloc_keyid(&args);
	page_key_put(key);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	folio_put(folio);
	KUNIT_EXPECT_TRUE(test, wait_for_id(test, args.keyid));
	KUNIT_EXPECT_NE(test, unmapped_page_keyid(&folio->page), args.keyid);
}

static void keys_run_out(struct kunit *test)
{
	unsigned int max = arch_keyid_max();
	struct page_key **keys;
	unsigned int nr = 0;

	keys = kunit_kcalloc(test, max + 1, sizeof(*keys), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, keys);
	while (nr <= max) {
		keys[nr] = page_key_create();
		if (IS_ERR(keys[nr]))
			break;
		nr++;
	}
	KUNIT_EXPECT_LE(test, nr, max - 2);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(keys[nr]), -ENOSPC);
	while (nr)
		page_key_put(keys[--nr]);
}

static int keyid_test_init(struct kunit *test)
{
	struct keyid_test *t;
	int i;

	if (arch_keyid_max() < 3)
		kunit_skip(test, "no planes: see keyid_emul=");
	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	test->priv = t;
	/* So that no free page remembers a key */
	unmapped_drain_patiently();
	for (i = 0; i < 2; i++) {
		t->key[i] = page_key_create();
		if (IS_ERR(t->key[i]))
			return PTR_ERR(t->key[i]);
	}
	return 0;
}

static void keyid_test_exit(struct kunit *test)
{
	struct keyid_test *t = test->priv;
	int i;

	if (!t)
		return;
	put_all(test);
	for (i = 0; i < 2; i++)
		if (!IS_ERR_OR_NULL(t->key[i])) {
			KUNIT_EXPECT_EQ(test, page_key_pages(t->key[i]), 0);
			page_key_put(t->key[i]);
		}
	/* The next case wants as many */
	rcu_barrier();
	msleep(60);
}

static struct kunit_case keyid_cases[] = {
	KUNIT_CASE(contents_are_under_the_key),
	KUNIT_CASE(zero_comes_after_the_key),
	KUNIT_CASE(key_0_is_the_page_allocator),
	KUNIT_CASE(pages_of_a_node),
	KUNIT_CASE(zeroing_is_put_off_with_a_key_only),
	KUNIT_CASE(same_key_needs_no_flush),
	KUNIT_CASE(change_of_key_flushes_once),
	KUNIT_CASE(own_key_is_preferred),
	KUNIT_CASE(others_get_pages_without_a_key),
	KUNIT_CASE(free_clears_through_the_key),
	KUNIT_CASE(free_with_interrupts_off),
	KUNIT_CASE(returned_pages_have_no_key),
	KUNIT_CASE(blocks_of_a_key_go_back_slowly),
	KUNIT_CASE(entries_have_the_key),
	KUNIT_CASE(changes_keep_the_key),
	KUNIT_CASE(zero_page_has_none),
	KUNIT_CASE(kmap_for_all_cpus),
	KUNIT_CASE(pages_of_keys_are_not_vmapped_together),
	KUNIT_CASE(devices_get_the_key_or_nothing),
	KUNIT_CASE(dma_addresses_have_the_key),
	KUNIT_CASE(no_disk_no_dma),
	KUNIT_CASE(keys_are_not_merged),
	KUNIT_CASE(it_cannot_be_evicted),
	KUNIT_CASE(migration_keeps_the_key),
	KUNIT_CASE(migration_across_keys_is_refused),
	KUNIT_CASE(a_key_lives_as_long_as_its_pages),
	KUNIT_CASE(free_pages_forget_a_key_that_is_gone),
	KUNIT_CASE(keys_run_out),
	{}
};

static struct kunit_suite keyid_suite = {
	.name = "keyid",
	.init = keyid_test_init,
	.exit = keyid_test_exit,
	.test_cases = keyid_cases,
};

kunit_test_suite(keyid_suite);

MODULE_DESCRIPTION("KUnit tests for keys of pages");
MODULE_LICENSE("GPL");
