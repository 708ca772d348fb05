// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for DMA memory without an address in the kernel.
 */

#include <kunit/device.h>
#include <kunit/test.h>

#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/memblock.h>	/* for max_pfn */
#include <linux/page_access.h>
#include <linux/scatterlist.h>
#include <linux/set_memory.h>
#include <linux/unmapped_alloc.h>

#define NO_ADDRESS	DMA_ATTR_NO_KERNEL_MAPPING

struct buffer {
	struct page *page;
	dma_addr_t addr;
	size_t size;
};

static struct device *dma_device(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "unmapped");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_EQ(test, 0,
			dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
	return dev;
}

static struct buffer alloc_buffer(struct kunit *test, struct device *dev,
				  size_t size, gfp_t gfp)
{
	struct buffer b = { .size = size };

	b.page = dma_alloc_attrs(dev, size, &b.addr, gfp, NO_ADDRESS);
	KUNIT_ASSERT_NOT_NULL(test, b.page);
	KUNIT_EXPECT_EQ(test, b.addr, phys_to_dma(dev, page_to_phys(b.page)));
	KUNIT_EXPECT_LE(test, b.addr + size - 1, dev->coherent_dma_mask);
	return b;
}

static void free_buffer(struct device *dev, struct buffer *b)
{
	dma_free_attrs(dev, b->size, b->page, b->addr, NO_ADDRESS);
}

static unsigned int nr_detached(struct buffer *b)
{
	unsigned int i, nr = 0;

	for (i = 0; i < b->size >> PAGE_SHIFT; i++)
		nr += page_detached(b->page + i) &&
		      !kernel_page_present(b->page + i);
	return nr;
}

static bool is_zero(struct page *page)
{
	void *addr = kmap_local_page(page);
	bool zero = !memchr_inv(addr, 0, PAGE_SIZE);

	kunmap_local(addr);
	return zero;
}

/* Out of the direct map, zeroed, and back when it is freed. */
static void test_alloc(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct buffer b = alloc_buffer(test, dev, 5 * PAGE_SIZE, GFP_KERNEL);
	struct page *page = b.page;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, nr_detached(&b), 5);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_TRUE(test, is_zero(page + i));
	memset_page(page + 2, 0, 0x5a, PAGE_SIZE);
	free_buffer(dev, &b);
	KUNIT_EXPECT_TRUE(test, PageOffline(page) || !page_detached(page));
}

/* The 2M that a block has can be had; more comes from the buddy. */
static void test_large(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct buffer b = alloc_buffer(test, dev, PMD_SIZE, GFP_KERNEL);

	KUNIT_EXPECT_EQ(test, nr_detached(&b), PMD_SIZE >> PAGE_SHIFT);
	free_buffer(dev, &b);
	b = alloc_buffer(test, dev, PMD_SIZE + PAGE_SIZE, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, nr_detached(&b), 0);
	free_buffer(dev, &b);
}

/* A device that does not reach what the cache has gets what it reaches. */
static void test_limit(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct buffer first = alloc_buffer(test, dev, PAGE_SIZE, GFP_KERNEL);
	struct buffer b = { .size = PAGE_SIZE };

	dev->bus_dma_limit = first.addr - 1;
	b.page = dma_alloc_attrs(dev, PAGE_SIZE, &b.addr, GFP_KERNEL,
				 NO_ADDRESS | DMA_ATTR_NO_WARN);
	if (b.page) {
		KUNIT_EXPECT_LT(test, b.addr, first.addr);
		free_buffer(dev, &b);
	}
	free_buffer(dev, &first);
}

/* A device that misses the end of memory gets pages, and a block, below it. */
static void test_below(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct buffer b;

	dev->bus_dma_limit = phys_to_dma(dev, PFN_PHYS(max_pfn - 1)) - 1;
	b = alloc_buffer(test, dev, 3 * PAGE_SIZE, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, nr_detached(&b), 3);
	KUNIT_EXPECT_TRUE(test, is_zero(b.page + 2));
	KUNIT_EXPECT_LE(test, b.addr + b.size - 1, dev->bus_dma_limit);
	free_buffer(dev, &b);
	KUNIT_EXPECT_TRUE(test, PageOffline(b.page) || !page_detached(b.page));

	b = alloc_buffer(test, dev, PMD_SIZE, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, nr_detached(&b), PMD_SIZE >> PAGE_SHIFT);
	KUNIT_EXPECT_LE(test, b.addr + b.size - 1, dev->bus_dma_limit);
	free_buffer(dev, &b);
}

/* A device that reaches a part of a page does not get it. */
static void test_limit_in_page(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct buffer b = { .size = PAGE_SIZE };
	struct page *page;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		/* The next allocation is likely to get the same page */
		page = alloc_page(GFP_KERNEL | GFP_DMA32);
		KUNIT_ASSERT_NOT_NULL(test, page);
		dev->bus_dma_limit = phys_to_dma(dev, page_to_phys(page)) +
				     PAGE_SIZE - 2;
		__free_page(page);
		b.page = dma_alloc_attrs(dev, PAGE_SIZE, &b.addr, GFP_KERNEL,
					 NO_ADDRESS | DMA_ATTR_NO_WARN);
		if (!b.page)
			continue;
		KUNIT_EXPECT_LE(test, b.addr + b.size - 1, dev->bus_dma_limit);
		free_buffer(dev, &b);
	}
}

/* Page 0 is nobody's. There is a line in the log, and no report. */
static void test_no_reach(struct kunit *test)
{
	struct device *dev = dma_device(test);
	dma_addr_t addr;

	dev->bus_dma_limit = PAGE_SIZE - 1;
	KUNIT_EXPECT_NULL(test, dma_alloc_attrs(dev, PAGE_SIZE, &addr,
						GFP_KERNEL, NO_ADDRESS));
}

/* Who cannot sleep takes nothing out of the direct map. */
static void test_atomic(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct buffer b = alloc_buffer(test, dev, PAGE_SIZE, GFP_ATOMIC);

	KUNIT_EXPECT_EQ(test, nr_detached(&b), 0);
	free_buffer(dev, &b);
}

/* A second device may have the buffer, as an importer of it has. */
static void test_sgtable(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct buffer b = alloc_buffer(test, dev, 3 * PAGE_SIZE, GFP_KERNEL);
	struct sg_table sgt;

	KUNIT_ASSERT_EQ(test, 0, dma_get_sgtable_attrs(dev, &sgt, b.page,
						       b.addr, b.size,
						       NO_ADDRESS));
	KUNIT_EXPECT_PTR_EQ(test, sg_page(sgt.sgl), b.page);
	KUNIT_EXPECT_EQ(test, 0, dma_map_sgtable(dev, &sgt, DMA_BIDIRECTIONAL,
						 0));
	KUNIT_EXPECT_EQ(test, sg_dma_address(sgt.sgl), b.addr);
	dma_unmap_sgtable(dev, &sgt, DMA_BIDIRECTIONAL, 0);
	sg_free_table(&sgt);
	free_buffer(dev, &b);
}

/* Without the attribute nothing changes. */
static void test_with_address(struct kunit *test)
{
	struct device *dev = dma_device(test);
	dma_addr_t addr;
	void *buf = dma_alloc_coherent(dev, PAGE_SIZE, &addr, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_FALSE(test, page_detached(virt_to_page(buf)));
	dma_free_coherent(dev, PAGE_SIZE, buf, addr);
}

static int dma_init(struct kunit *test)
{
	if (!unmapped_alloc_start())
		kunit_skip(test, "unmapped_alloc is off, there are no pages");
	return 0;
}

static struct kunit_case dma_cases[] = {
	KUNIT_CASE(test_alloc),
	KUNIT_CASE(test_large),
	KUNIT_CASE(test_limit),
	KUNIT_CASE(test_below),
	KUNIT_CASE(test_limit_in_page),
	KUNIT_CASE(test_no_reach),
	KUNIT_CASE(test_atomic),
	KUNIT_CASE(test_sgtable),
	KUNIT_CASE(test_with_address),
	{}
};

static struct kunit_suite dma_suite = {
	.name = "unmapped_dma",
	.init = dma_init,
	.test_cases = dma_cases,
};

kunit_test_suite(dma_suite);
