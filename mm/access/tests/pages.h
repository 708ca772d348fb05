/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_ACCESS_TESTS_PAGES_H
#define _MM_ACCESS_TESTS_PAGES_H

/*
 * Pages for KUnit tests, and looks at their addresses.
 */

#include <kunit/test.h>

#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/unmapped_alloc.h>

static inline void kunit_put_folio(void *folio)
{
	folio_put(folio);
}

/* The folio is put when the test ends. */
static inline struct folio *kunit_keep_folio(struct kunit *test,
					     struct folio *folio)
{
	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, kunit_put_folio,
						  folio));
	return folio;
}

static inline struct page *kunit_owned_page(struct kunit *test,
					    struct unmapped_owner *owner)
{
	struct folio *folio;

	folio = unmapped_folio_alloc(GFP_KERNEL | __GFP_ZERO, 0, owner);
	return folio_page(kunit_keep_folio(test, folio), 0);
}

static inline struct page *kunit_ordinary_page(struct kunit *test)
{
	return folio_page(kunit_keep_folio(test, folio_alloc(GFP_KERNEL, 0)),
			  0);
}

static inline bool page_filled_with(const void *addr, u8 byte)
{
	return !memchr_inv(addr, byte, PAGE_SIZE);
}

/* Reads a byte where that may fault: 0 or -EFAULT. */
static inline long probe_read(const void *addr)
{
	u8 byte;

	return copy_from_kernel_nofault(&byte, addr, sizeof(byte));
}

static inline long probe_write(void *addr, u8 byte)
{
	return copy_to_kernel_nofault(addr, &byte, sizeof(byte));
}

#endif /* _MM_ACCESS_TESTS_PAGES_H */
