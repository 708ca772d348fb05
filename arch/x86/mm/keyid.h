/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _X86_MM_KEYID_H
#define _X86_MM_KEYID_H

#include <linux/types.h>

struct page;

/**
 * struct x86_keyid_ops - what the platform does with keys
 * @program: Make a key that nobody knows. Returns 0 or a negative errno. May
 *	sleep.
 * @clear: Forget a key. May sleep.
 * @flushed: No cache has a line of the page. May be NULL.
 * @changed: The page, not yet used under the key, has it. May be NULL.
 */
struct x86_keyid_ops {
	int (*program)(u16 keyid);
	void (*clear)(u16 keyid);
	void (*flushed)(struct page *page);
	void (*changed)(struct page *page, u16 keyid);
};

bool x86_keyid_reserve(const struct x86_keyid_ops *ops, unsigned int shift,
		       unsigned int bits, unsigned int max);

#endif /* _X86_MM_KEYID_H */
