/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _UNMAPPED_LINUX_TYPES_H
#define _UNMAPPED_LINUX_TYPES_H

#include_next <linux/types.h>

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

#endif /* _UNMAPPED_LINUX_TYPES_H */
