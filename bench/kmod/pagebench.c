// SPDX-License-Identifier: GPL-2.0
/*
 * Counts what the kernel's own page primitives cost: allocating and freeing at
 * orders 0, 3 and 9, mapping an ordinary page for the kernel, copying and
 * clearing one.
 *
 * The time stamp counter is read around a batch of operations; under QEMU's
 * "-icount shift=0" it counts executed instructions, so equal code gives equal
 * numbers. Each measure is taken many times: the smallest round met no
 * interrupt, the median tells whether that was the rule. Every measure is one
 * log line, written while the module is loaded. Unload it to run it again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sort.h>
#include <asm/msr.h>

#define BATCH	64
#define ROUNDS	61

/* The pages that one measure works on; all orders up to 3 fit in here. */
static struct page *pages[BATCH];
static u64 rounds[ROUNDS];

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

/* Costs are printed in hundredths of an instruction per operation. */
static void report(const char *name, unsigned int ops)
{
	u64 min, median;

	sort(rounds, ROUNDS, sizeof(rounds[0]), compare_u64, NULL);
	min = rounds[0] * 100 / ops;
	median = rounds[ROUNDS / 2] * 100 / ops;
	pr_info("%s=%llu.%02llu median=%llu.%02llu\n", name, min / 100,
		min % 100, median / 100, median % 100);
}

static u64 pair_round(unsigned int order, unsigned int ops)
{
	u64 begin = rdtsc_ordered();
	unsigned int i;

	for (i = 0; i < ops; i++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		if (!page)
			return U64_MAX / 100;
		__free_pages(page, order);
	}
	return rdtsc_ordered() - begin;
}

static void bench_pair(const char *name, unsigned int order, unsigned int ops)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		rounds[i] = pair_round(order, ops);
	report(name, ops);
}

static u64 alloc_batch(unsigned int order)
{
	u64 begin = rdtsc_ordered();
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		pages[i] = alloc_pages(GFP_KERNEL, order);
	return rdtsc_ordered() - begin;
}

static u64 free_batch(unsigned int order)
{
	u64 begin = rdtsc_ordered();
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		if (pages[i])
			__free_pages(pages[i], order);
	return rdtsc_ordered() - begin;
}

/* Alone, neither half hides behind the other: many pages, then none. */
static void bench_halves(void)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		rounds[i] = alloc_batch(0);
		free_batch(0);
	}
	report("alloc_order0", BATCH);
	for (i = 0; i < ROUNDS; i++) {
		alloc_batch(0);
		rounds[i] = free_batch(0);
	}
	report("free_order0", BATCH);
}

static void op_nothing(void)
{
	barrier();
}

static void op_kmap_local(void)
{
	void *addr = kmap_local_page(READ_ONCE(pages[0]));

	barrier_data(addr);
	kunmap_local(addr);
}

static void op_kmap_atomic(void)
{
	void *addr = kmap_atomic(READ_ONCE(pages[0]));

	barrier_data(addr);
	kunmap_atomic(addr);
}

static void op_clear(void)
{
	clear_highpage(pages[0]);
}

static void op_copy(void)
{
	copy_highpage(pages[1], pages[0]);
}

static void op_memcpy_from(void)
{
	char byte;

	memcpy_from_page(&byte, READ_ONCE(pages[0]), 0, 1);
	barrier_data(&byte);
}

/* Always inlined, so that op() is a direct call that the compiler inlines. */
static __always_inline void bench_op(const char *name, void (*op)(void))
{
	unsigned int i, j;

	for (i = 0; i < ROUNDS; i++) {
		u64 begin;

		preempt_disable();
		begin = rdtsc_ordered();
		for (j = 0; j < BATCH; j++)
			op();
		rounds[i] = rdtsc_ordered() - begin;
		preempt_enable();
	}
	report(name, BATCH);
}

static int bench_map(void)
{
	pages[0] = alloc_page(GFP_KERNEL | __GFP_ZERO);
	pages[1] = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!pages[0] || !pages[1]) {
		free_batch(0);
		return -ENOMEM;
	}
	bench_op("empty_loop", op_nothing);
	bench_op("kmap_local", op_kmap_local);
	bench_op("kmap_atomic", op_kmap_atomic);
	bench_op("memcpy_from_page", op_memcpy_from);
	bench_op("clear_highpage", op_clear);
	bench_op("copy_highpage", op_copy);
	__free_page(pages[0]);
	__free_page(pages[1]);
	return 0;
}

static int __init pagebench_init(void)
{
	bench_pair("pair_order0", 0, BATCH);
	bench_pair("pair_order3", 3, BATCH);
	bench_pair("pair_order9", 9, 8);
	bench_halves();
	memset(pages, 0, sizeof(pages));
	return bench_map();
}
module_init(pagebench_init);

static void __exit pagebench_exit(void)
{
}
module_exit(pagebench_exit);

MODULE_DESCRIPTION("What page primitives cost");
MODULE_LICENSE("GPL");
