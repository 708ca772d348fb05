// SPDX-License-Identifier: GPL-2.0
/*
 * Before a device reaches a page.
 *
 * Devices use physical addresses, so a page that is only out of the direct
 * map is like any other to them. But its owner may have to do something
 * first, or may not want it: the contents may belong to a guest, and what a
 * device reads is then garbage, or an error that takes the device down.
 *
 * The hooks are where a transfer is set up and can still fail: where memory
 * is mapped for DMA, and above the drivers that use physical addresses
 * without. They ask for all pages before any is mapped, so an error leaves
 * nothing behind.
 */

#include <linux/mm.h>
#include <linux/page_access_dma.h>
#include <linux/scatterlist.h>

#include "access.h"

static int prepare_page(struct page *page, enum dma_data_direction dir,
			bool plain)
{
	if (likely(!page_inaccessible(page)))
		return 0;
	if (page_access_should_fail())
		return -EIO;
	return page_access_ops->prepare_dma(page, dir, plain);
}

/* Some drivers map device memory with the address of a page that is not. */
static bool page_exists(struct page *page)
{
	return pfn_valid(page_to_pfn(page));
}

int __page_access_prepare_dma(struct page *page, size_t offset, size_t len,
			      enum dma_data_direction dir, bool plain)
{
	unsigned long i = offset >> PAGE_SHIFT;
	unsigned long end = i + PFN_UP(offset_in_page(offset) + len);
	int err;

	if (!len || !page_exists(page))
		return 0;
	for (; i < end; i++) {
		err = prepare_page(nth_page(page, i), dir, plain);
		if (err)
			return err;
	}
	return 0;
}
EXPORT_SYMBOL(__page_access_prepare_dma);

int __folio_prepare_dma(struct folio *folio, enum dma_data_direction dir)
{
	return __page_access_prepare_dma(folio_page(folio, 0), 0,
					 folio_size(folio), dir, true);
}
EXPORT_SYMBOL(__folio_prepare_dma);

int __page_access_prepare_buf(const void *buf, size_t len,
			      enum dma_data_direction dir)
{
	if (!virt_addr_valid(buf))
		return 0;
	return __page_access_prepare_dma(virt_to_page(buf), offset_in_page(buf),
					 len, dir, true);
}
EXPORT_SYMBOL(__page_access_prepare_buf);

int __page_access_prepare_sg(struct scatterlist *sg, int nents,
			     enum dma_data_direction dir, bool plain)
{
	struct scatterlist *s;
	int i, err;

	for_each_sg(sg, s, nents, i) {
		err = __page_access_prepare_dma(sg_page(s), s->offset,
						s->length, dir, plain);
		if (err)
			return err;
	}
	return 0;
}
EXPORT_SYMBOL(__page_access_prepare_sg);

bool __page_access_needs_kmap(struct page *page, size_t offset, size_t len)
{
	unsigned long i = offset >> PAGE_SHIFT;
	unsigned long end = i + PFN_UP(offset_in_page(offset) + len);

	for (; i < end; i++) {
		if (page_needs_kmap(nth_page(page, i)))
			return true;
	}
	return false;
}
