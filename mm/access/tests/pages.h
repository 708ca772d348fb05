/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_ACCESS_TESTS_PAGES_H
#define _MM_ACCESS_TESTS_PAGES_H

/*
 * Pages for KUnit tests, their two owners, and looks at their addresses.
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

/* What the kernel may map, and what it may not. Made for each test. */
static struct unmapped_owner *buffer_owner, *secret_owner;

static inline int kunit_make_owners(struct kunit *test)
{
	if (!unmapped_alloc_start())
		kunit_skip(test, "unmapped_alloc is off, there are no pages");
	buffer_owner = unmapped_owner_create("test buffer",
					     UNMAPPED_OWNER_KMAP);
	secret_owner = unmapped_owner_create("test secret",
					     UNMAPPED_OWNER_ZERO);
	return buffer_owner && secret_owner ? 0 : -ENOMEM;
}

/* Pages of a test may outlive it for a moment, and so may their owners. */
static inline void kunit_drop_owners(struct kunit *test)
{
	unmapped_owner_destroy(buffer_owner);
	unmapped_owner_destroy(secret_owner);
	buffer_owner = NULL;
	secret_owner = NULL;
}

static inline struct folio *kunit_owned_folio(struct kunit *test,
					      unsigned int order,
					      struct unmapped_owner *owner)
{
	return kunit_keep_folio(test, unmapped_folio_alloc(GFP_KERNEL |
							   __GFP_ZERO,
							   order, owner));
}

static inline struct page *kunit_owned_page(struct kunit *test,
					    struct unmapped_owner *owner)
{
	return folio_page(kunit_owned_folio(test, 0, owner), 0);
}

static inline struct folio *kunit_ordinary_folio(struct kunit *test,
						 unsigned int order)
{
	return kunit_keep_folio(test, folio_alloc(GFP_KERNEL | __GFP_ZERO,
						  order));
}

static inline struct page *kunit_ordinary_page(struct kunit *test)
{
	return folio_page(kunit_ordinary_folio(test, 0), 0);
}

/* Large folios here have four pages. */
#define LARGE_ORDER	2
#define LARGE_SIZE	(PAGE_SIZE << LARGE_ORDER)

static inline u8 *kunit_plain_buffer(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, LARGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	return buf;
}

/* Differs from page to page, and within a page. Never 0. */
static inline void make_pattern(u8 *buf, size_t len, unsigned int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = (i * 13 + (i >> PAGE_SHIFT) * 101 + seed) % 251 + 1;
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
