// SPDX-License-Identifier: GPL-2.0
/*
 * Pages without a usable direct-map address: what both kinds share.
 *
 * The key that turns the hooks on, and helpers for whole pages that map them
 * one by one. How a page is mapped is the matter of slots.c, or of the
 * architecture where that makes its pages accessible in place.
 */

#define pr_fmt(fmt) "page_access: " fmt

#include <linux/highmem.h>
#include <linux/mutex.h>

#include "access.h"

DEFINE_STATIC_KEY_FALSE(page_access_key);
EXPORT_SYMBOL(page_access_key);

const struct page_access_ops *page_access_ops __ro_after_init;

/* Serialises page_access_start() */
static DEFINE_MUTEX(page_access_lock);
/* Set when all CPUs see the key; while it is turned on only some do. */
static bool page_access_started;

void page_access_clear(struct page *page)
{
	void *addr = page_access_kmap(page);

	clear_page(addr);
	kunmap_local(addr);
}
EXPORT_SYMBOL(page_access_clear);

static void zero_range(struct page *page, unsigned int start, unsigned int end)
{
	while (start < end) {
		unsigned int offset = offset_in_page(start);
		unsigned int len = min(end - start, PAGE_SIZE - offset);

		memzero_page(nth_page(page, start >> PAGE_SHIFT), offset, len);
		start += len;
	}
}

void page_access_zero_segments(struct page *page, unsigned int start1,
			       unsigned int end1, unsigned int start2,
			       unsigned int end2)
{
	if (WARN_ON_ONCE(max(end1, end2) > page_size(page)))
		return;
	zero_range(page, start1, end1);
	zero_range(page, start2, end2);
}
EXPORT_SYMBOL(page_access_zero_segments);

void __init page_access_register(const struct page_access_ops *ops)
{
	page_access_ops = ops;
}

int page_access_start(void)
{
	int err = 0;

	/* Pairs with the release below: all code sees the key */
	if (smp_load_acquire(&page_access_started))
		return 0;

	mutex_lock(&page_access_lock);
	if (!page_access_started)
		err = page_access_reserve();
	if (!err) {
		static_branch_enable(&page_access_key);
		/* Pairs with the acquire above */
		smp_store_release(&page_access_started, true);
	}
	mutex_unlock(&page_access_lock);

	return err;
}
