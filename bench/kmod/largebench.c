// SPDX-License-Identifier: GPL-2.0
/*
 * A module as large as a driver of graphics: a megabyte of code, one of
 * constants and one of data. See smallbench.c.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/types.h>

#define PART	SZ_1M

asm(".pushsection .text\n"
    ".fill 1048576, 1, 0xcc\n"
    ".popsection\n");

static const u8 constants[PART] = { 1 };
static u8 data[PART] = { 1 };

static int __init largebench_init(void)
{
	OPTIMIZER_HIDE_VAR(data[0]);
	return constants[data[0]];
}

static void __exit largebench_exit(void)
{
}

module_init(largebench_init);
module_exit(largebench_exit);
MODULE_DESCRIPTION("A large module to load and unload");
MODULE_LICENSE("GPL");
