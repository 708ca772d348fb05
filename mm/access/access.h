/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_ACCESS_ACCESS_H
#define _MM_ACCESS_ACCESS_H

#include <linux/page_access.h>

extern const struct page_access_ops *page_access_ops;

#endif /* _MM_ACCESS_ACCESS_H */
