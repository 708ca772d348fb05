/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_PAGE_ACCESS_DMA_H
#define _LINUX_PAGE_ACCESS_DMA_H

/*
 * Before a device reaches pages: page_access_prepare_dma() for what holds
 * more than one range.
 *
 * The names say what is given. All of them cost a no-op until the first
 * inaccessible page exists, and none changes what it is given.
 */

#include <linux/page_access.h>

struct bio;
struct scatterlist;
struct sk_buff;

#ifdef CONFIG_PAGE_ACCESS

int __page_access_prepare_buf(const void *buf, size_t len,
			      enum dma_data_direction dir);
int __page_access_prepare_sg(struct scatterlist *sg, int nents,
			     enum dma_data_direction dir, bool plain);
int __page_access_prepare_bio(struct bio *bio);
struct sk_buff *__page_access_validate_skb(struct sk_buff *skb);
bool __page_access_needs_kmap(struct page *page, size_t offset, size_t len);

/**
 * page_access_prepare_buf() - Ask before a device reaches a kernel buffer
 * @buf: Direct-map address; all others are let pass.
 * @len: Bytes in the buffer.
 * @dir: What the device will do.
 *
 * Context: As for page_access_prepare_dma().
 * Return: As from page_access_prepare_dma().
 */
static __always_inline int page_access_prepare_buf(const void *buf, size_t len,
						   enum dma_data_direction dir)
{
	if (!page_access_active())
		return 0;
	return __page_access_prepare_buf(buf, len, dir);
}

/**
 * page_access_prepare_sg() - Ask before a device reaches a scatterlist
 * @sg: The list.
 * @nents: Number of entries.
 * @dir: What the device will do.
 * @plain: As for page_access_prepare_dma().
 *
 * Context: As for page_access_prepare_dma().
 * Return: As from page_access_prepare_dma(), for all entries.
 */
static __always_inline int page_access_prepare_sg(struct scatterlist *sg,
						  int nents,
						  enum dma_data_direction dir,
						  bool plain)
{
	if (!page_access_active())
		return 0;
	return __page_access_prepare_sg(sg, nents, dir, plain);
}

/**
 * page_access_prepare_bio() - Ask before a device reaches the pages of a bio
 * @bio: The bio; what it does says in which direction.
 *
 * For drivers that never map their pages for DMA. A stacked device asks
 * again with each layer.
 *
 * Context: As for page_access_prepare_dma().
 * Return: As from page_access_prepare_dma(), for all segments.
 */
static __always_inline int page_access_prepare_bio(struct bio *bio)
{
	if (!page_access_active())
		return 0;
	return __page_access_prepare_bio(bio);
}

/**
 * page_access_validate_skb() - Drop a packet that a device may not reach
 * @skb: One packet that is about to be sent, with all of its fragments, or
 *	NULL.
 *
 * Context: As for page_access_prepare_dma(), and where kfree_skb() may be
 * called.
 * Return: @skb; NULL if it was, or is gone as SKB_DROP_REASON_INACCESSIBLE.
 */
static __always_inline struct sk_buff *
page_access_validate_skb(struct sk_buff *skb)
{
	if (!page_access_active())
		return skb;
	return __page_access_validate_skb(skb);
}

/**
 * page_access_needs_kmap() - page_needs_kmap() for a range
 * @page: The first page, or one before the range.
 * @offset: Bytes from the start of @page to the range; may exceed a page.
 * @len: Bytes in the range.
 *
 * A device's buffer may have pages of several kinds: those that follow one
 * another in memory are given to it in one piece.
 *
 * Return: true if the range must be copied page by page, through kmap.
 */
static __always_inline bool page_access_needs_kmap(struct page *page,
						   size_t offset, size_t len)
{
	if (!page_access_active())
		return PageHighMem(page);
	return __page_access_needs_kmap(page, offset, len);
}

#else /* !CONFIG_PAGE_ACCESS */

static __always_inline int page_access_prepare_buf(const void *buf, size_t len,
						   enum dma_data_direction dir)
{
	return 0;
}

static __always_inline int page_access_prepare_sg(struct scatterlist *sg,
						  int nents,
						  enum dma_data_direction dir,
						  bool plain)
{
	return 0;
}

static __always_inline int page_access_prepare_bio(struct bio *bio)
{
	return 0;
}

static __always_inline struct sk_buff *
page_access_validate_skb(struct sk_buff *skb)
{
	return skb;
}

static __always_inline bool page_access_needs_kmap(struct page *page,
						   size_t offset, size_t len)
{
	return PageHighMem(page);
}

#endif /* CONFIG_PAGE_ACCESS */

#endif /* _LINUX_PAGE_ACCESS_DMA_H */
