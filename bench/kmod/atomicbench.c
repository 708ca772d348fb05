// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates in softirq context, as a network card's receive path does: a
 * hundred pages each millisecond, half of them one by one at orders 0 to 3,
 * half in bulk, and frees them a few milliseconds later. That is 100 000
 * allocations a second. The count of those that failed is a log line, written
 * when the time is over; what the kernel did for the others is in /proc/vmstat.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>

#define SINGLES	50
#define BULK	50
#define HELD	4	/* milliseconds */

static unsigned int seconds = 10;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "how long, 10 if not given");

/* What one millisecond allocated. */
struct burst {
	struct page *single[SINGLES];
	struct page *bulk[BULK];
};

static struct burst bursts[HELD];
static unsigned int now, left;
static unsigned long allocated, failed;
static struct hrtimer timer;
static DECLARE_COMPLETION(done);

static void free_burst(struct burst *burst)
{
	unsigned int i;

	for (i = 0; i < SINGLES; i++)
		if (burst->single[i])
			__free_pages(burst->single[i], i % 4);
	for (i = 0; i < BULK; i++)
		if (burst->bulk[i])
			__free_page(burst->bulk[i]);
	memset(burst, 0, sizeof(*burst));
}

static void allocate_burst(struct burst *burst)
{
	unsigned int i, nr;

	for (i = 0; i < SINGLES; i++) {
		burst->single[i] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN,
					       i % 4);
		failed += !burst->single[i];
	}
	nr = alloc_pages_bulk_array(GFP_ATOMIC | __GFP_NOWARN, BULK,
				    burst->bulk);
	failed += BULK - nr;
	allocated += SINGLES + BULK;
}

static enum hrtimer_restart tick(struct hrtimer *t)
{
	struct burst *burst = &bursts[now++ % HELD];

	free_burst(burst);
	if (!left--) {
		complete(&done);
		return HRTIMER_NORESTART;
	}
	allocate_burst(burst);
	hrtimer_forward_now(t, ms_to_ktime(1));
	return HRTIMER_RESTART;
}

static int __init atomicbench_init(void)
{
	unsigned int i;

	left = seconds * MSEC_PER_SEC;
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	timer.function = tick;
	hrtimer_start(&timer, ms_to_ktime(1), HRTIMER_MODE_REL_SOFT);
	wait_for_completion(&done);
	hrtimer_cancel(&timer);
	for (i = 0; i < HELD; i++)
		free_burst(&bursts[i]);
	pr_info("allocated=%lu failed=%lu\n", allocated, failed);
	return 0;
}
module_init(atomicbench_init);

static void __exit atomicbench_exit(void)
{
}
module_exit(atomicbench_exit);

MODULE_DESCRIPTION("Allocations that cannot wait");
MODULE_LICENSE("GPL");
