// SPDX-License-Identifier: GPL-2.0
/*
 * Accepting memory before anyone asks for it.
 *
 * The reserve: each zone has some accepted blocks at hand for allocations that
 * cannot wait. Those who can accept memory rather than take from it; when it
 * is short all the same, the worker of the node fills it.
 *
 * In the background: a second work item a node, on its CPUs, accepts block by
 * block, as fast as the rate allows, and ends when the node has none left. It
 * holds no lock meanwhile, and the memory is free all the time.
 *
 * Eagerly: every CPU takes blocks of its own node first, then of the others,
 * until there are none, each another one. That is when all CPUs are up, before
 * any driver asks for memory, and before hibernation or a resume: an image is
 * read and written page by page, wherever the pages are.
 */

#include <linux/cleanup.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>

#include "buddy.h"
#include "unaccepted.h"

/* What is accepted between two looks at the clock, and at the switch. */
#define BATCH_BYTES	SZ_16M

/* KiB that a zone has at hand. */
unsigned long unaccepted_reserve_kbytes;

/* MiB a second and node, 0 for as fast as can be. */
unsigned long unaccepted_rate_mbps;
bool unaccepted_background;

/**
 * struct unaccepted_worker - who accepts the memory of a node ahead of need
 * @wake: Queues @reserve from any context.
 * @reserve: Fills the reserve of the zones.
 * @background: Accepts what is left.
 * @nid: The node.
 */
struct unaccepted_worker {
	struct irq_work wake;
	struct work_struct reserve;
	struct delayed_work background;
	int nid;
};

static struct workqueue_struct *unaccepted_wq __ro_after_init;
static struct unaccepted_worker *workers[MAX_NUMNODES] __ro_after_init;

/* Up to @nr blocks of a node. False if there are no more. */
static bool accept_some(int nid, unsigned long nr)
{
	struct zone *zone = NODE_DATA(nid)->node_zones;
	struct zone *end = zone + MAX_NR_ZONES;

	for (; zone < end; zone++) {
		if (!populated_zone(zone))
			continue;
		while (nr && unaccepted_accept_next(zone)) {
			nr--;
			cond_resched();
		}
	}
	return !nr;
}

/*
 * The reserve.
 */

static void reserve_work(struct work_struct *work)
{
	struct unaccepted_worker *worker =
		container_of(work, struct unaccepted_worker, reserve);
	struct zone *zone = NODE_DATA(worker->nid)->node_zones;
	struct zone *end = zone + MAX_NR_ZONES;

	for (; zone < end; zone++)
		while (populated_zone(zone) && unaccepted_reserve_short(zone) &&
		       (unaccepted_gather_pages(zone) ||
			unaccepted_accept_next(zone)))
			cond_resched();
}

static void wake_reserve(struct irq_work *wake)
{
	struct unaccepted_worker *worker =
		container_of(wake, struct unaccepted_worker, wake);

	queue_work(unaccepted_wq, &worker->reserve);
}

/**
 * unaccepted_wake_worker() - Have a node's reserve filled
 * @nid: The node.
 *
 * Context: Any but NMI, with any lock held: to queue work takes locks, so that
 * is left to an interrupt.
 */
void unaccepted_wake_worker(int nid)
{
	if (workers[nid])
		irq_work_queue(&workers[nid]->wake);
}

/**
 * unaccepted_set_reserve() - Set how much memory a zone has at hand
 * @kbytes: So many KiB.
 *
 * There is no reserve before init starts: drivers that are set up are no load
 * that cannot wait, and a boot accepts only what it needs.
 *
 * Context: Process context.
 */
void unaccepted_set_reserve(unsigned long kbytes)
{
	int nid;

	WRITE_ONCE(unaccepted_reserve_kbytes, kbytes);
	for_each_online_node(nid)
		unaccepted_wake_worker(nid);
}

/*
 * In the background.
 */

static int worker_cpu(const struct unaccepted_worker *worker)
{
	const struct cpumask *cpus = cpumask_of_node(worker->nid);
	int cpu = cpumask_any_and(cpus, cpu_online_mask);

	return cpu < nr_cpu_ids ? cpu : WORK_CPU_UNBOUND;
}

/* The rate is a limit: rather a tick too long */
static unsigned long batch_delay(unsigned long rate)
{
	return rate ? DIV_ROUND_UP(HZ * (BATCH_BYTES / SZ_1M), rate) : 0;
}

static void background_work(struct work_struct *work)
{
	struct delayed_work *dwork = to_delayed_work(work);
	struct unaccepted_worker *worker =
		container_of(dwork, struct unaccepted_worker, background);

	if (!READ_ONCE(unaccepted_background))
		return;
	if (accept_some(worker->nid, max(1UL, BATCH_BYTES / PAGE_SIZE >>
					 pageblock_order))) {
		/* A timer on a CPU that is gone by then waits for its return */
		guard(cpus_read_lock)();
		queue_delayed_work_on(worker_cpu(worker), unaccepted_wq, dwork,
				      batch_delay(READ_ONCE(unaccepted_rate_mbps)));
	}
}

/**
 * unaccepted_start_background() - Let the workers run, if they are wanted
 *
 * Those that wait for the rate begin anew.
 *
 * Context: Process context.
 */
void unaccepted_start_background(void)
{
	int nid;

	if (!READ_ONCE(unaccepted_background))
		return;
	guard(cpus_read_lock)();
	for_each_online_node(nid)
		if (workers[nid])
			mod_delayed_work_on(worker_cpu(workers[nid]),
					    unaccepted_wq,
					    &workers[nid]->background, 0);
}

/*
 * Eagerly.
 */

static void eager_work(struct work_struct *work)
{
	int nid, own = numa_node_id();

	accept_some(own, ULONG_MAX);
	for_each_online_node(nid)
		if (nid != own)
			accept_some(nid, ULONG_MAX);
}

static int unaccepted_pm_notify(struct notifier_block *nb,
				unsigned long action, void *arg)
{
	if (action == PM_HIBERNATION_PREPARE || action == PM_RESTORE_PREPARE)
		return notifier_from_errno(schedule_on_each_cpu(eager_work));
	return NOTIFY_OK;
}

static struct notifier_block unaccepted_pm_nb = {
	.notifier_call = unaccepted_pm_notify,
};

/*
 * Boot.
 */

static int __init unaccepted_workers_init(void)
{
	struct unaccepted_worker *worker;
	struct unaccepted_state state;
	int nid;

	if (!unaccepted_get_state(&state))
		return 0;
	register_pm_notifier(&unaccepted_pm_nb);
	if (!unaccepted_in_buddy())
		return 0;
	if (unaccepted_mode == UNACCEPTED_EAGER)
		return schedule_on_each_cpu(eager_work);

	unaccepted_wq = alloc_workqueue("unaccepted", WQ_UNBOUND, 0);
	if (!unaccepted_wq)
		return -ENOMEM;
	for_each_node(nid) {
		worker = kzalloc(sizeof(*worker), GFP_KERNEL);
		if (!worker)
			return -ENOMEM;
		init_irq_work(&worker->wake, wake_reserve);
		INIT_WORK(&worker->reserve, reserve_work);
		INIT_DELAYED_WORK(&worker->background, background_work);
		worker->nid = nid;
		workers[nid] = worker;
	}
	unaccepted_background = unaccepted_mode == UNACCEPTED_BACKGROUND;
	return 0;
}
core_initcall(unaccepted_workers_init);
