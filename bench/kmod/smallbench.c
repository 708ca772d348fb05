// SPDX-License-Identifier: GPL-2.0
/*
 * A module as most are: some pages of code and data. It does nothing; what it
 * costs to load and to unload it is measured from user space.
 */
#include <linux/init.h>
#include <linux/module.h>

static int __init smallbench_init(void)
{
	return 0;
}

static void __exit smallbench_exit(void)
{
}

module_init(smallbench_init);
module_exit(smallbench_exit);
MODULE_DESCRIPTION("A small module to load and unload");
MODULE_LICENSE("GPL");
