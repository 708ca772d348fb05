// SPDX-License-Identifier: GPL-2.0
/*
 * Accepting memory before anyone asks for it.
 *
 * In the background: one work item a node, on its CPUs, accepts unit by unit,
 * as fast as the rate allows, and ends when the node has none left. It takes
 * nothing off the free lists and holds no lock, so the memory is free all the
 * time and may be allocated under its hands.
 *
 * Eagerly: every CPU takes units of its own node first, then of the others,
 * until there are none, each another one. That is when all CPUs are up, before
 * any driver asks for memory, and before hibernation or a resume: an image is
 * read and written page by page, wherever the pages are.
 */

#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/init.h>
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

/* MiB a second and node, 0 for as fast as can be. */
unsigned long unaccepted_rate_mbps;
bool unaccepted_background;

struct unaccepted_worker {
	struct delayed_work work;
	int nid;
};

static struct workqueue_struct *unaccepted_wq __ro_after_init;
static struct unaccepted_worker *workers[MAX_NUMNODES] __ro_after_init;

/* The units that a node's memory touches. */
static struct unaccepted_span node_units(const struct unaccepted_state *state,
					 int nid)
{
	unsigned long start = node_start_pfn(nid);

	return unaccepted_span(&state->map, PFN_PHYS(start),
			       PFN_PHYS(node_end_pfn(nid) - start));
}

/* The next that is this kernel's, and that nobody else is at. */
static unsigned long next_unit(const struct unaccepted_state *state,
			       struct unaccepted_span span)
{
	unsigned long unit = span.first;

	for (;; unit++) {
		unit = find_next_andnot_bit(state->bitmap, state->busy,
					    span.guard, unit);
		if (unit >= span.guard || test_bit(unit, state->ours))
			return unit;
	}
}

/**
 * unaccepted_accept_some() - Accept units that nobody has asked for
 * @state: From unaccepted_get_state().
 * @span: Where.
 * @nr: How many at most.
 *
 * Context: Process context, may sleep.
 * Return: false if there are no more, but for those in somebody's hands.
 */
VISIBLE_IF_KUNIT bool
unaccepted_accept_some(const struct unaccepted_state *state,
		       struct unaccepted_span span, unsigned long nr)
{
	while (nr--) {
		span.first = next_unit(state, span);
		if (span.first >= span.guard)
			return false;
		unaccepted_accept_span(state, (struct unaccepted_span) {
			.first = span.first,
			.guard = span.first + 1,
			.end = span.first + 1,
		}, ACCEPT_BACKGROUND);
		span.first++;
		cond_resched();
	}
	return true;
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
		container_of(dwork, struct unaccepted_worker, work);
	struct unaccepted_state state;

	if (!READ_ONCE(unaccepted_background) || !unaccepted_get_state(&state))
		return;
	if (unaccepted_accept_some(&state, node_units(&state, worker->nid),
				   max(1UL, BATCH_BYTES >> state.map.shift))) {
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
					    unaccepted_wq, &workers[nid]->work,
					    0);
}

/*
 * Eagerly.
 */

static void eager_work(struct work_struct *work)
{
	int nid, own = numa_node_id();
	struct unaccepted_state state;

	if (!unaccepted_get_state(&state))
		return;
	unaccepted_accept_some(&state, node_units(&state, own), ULONG_MAX);
	for_each_online_node(nid)
		if (nid != own)
			unaccepted_accept_some(&state, node_units(&state, nid),
					       ULONG_MAX);
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
		INIT_DELAYED_WORK(&worker->work, background_work);
		worker->nid = nid;
		workers[nid] = worker;
	}
	unaccepted_background = unaccepted_mode == UNACCEPTED_BACKGROUND;
	return 0;
}
core_initcall(unaccepted_workers_init);
