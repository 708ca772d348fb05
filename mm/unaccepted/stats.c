// SPDX-License-Identifier: GPL-2.0
/*
 * What acceptance costs, and whom. Events by cause are in /proc/vmstat; how
 * long allocations stood still, and the longest stretch with interrupts off,
 * are in debugfs.
 *
 * Memory is accepted long before there are per-CPU areas: events of early boot
 * wait here until they can be added.
 */

#include <kunit/static_stub.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/sched/clock.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#define CREATE_TRACE_POINTS
#include <trace/events/unaccepted.h>

#include "unaccepted.h"

/* Stalls of less than 1 << i microseconds, the last for all others. */
#define STALL_BUCKETS	24

static struct {
	atomic_long_t units[NR_ACCEPT_CAUSES];
	atomic_long_t guards;
	atomic64_t ns;
	atomic64_t longest_ns;		/* one unit, interrupts off */
	atomic64_t longest_stall_ns;	/* one allocation */
	atomic_long_t most_units;	/* one allocation */
	atomic_long_t stalls[STALL_BUCKETS];
} stats;

static struct {
	unsigned long units[NR_ACCEPT_CAUSES];
	u64 ns;
} at_init;

/* The boot CPU is alone then. */
static unsigned long early_events[ACCEPT_WAIT - ACCEPT_UNITS_BOOT];

static void count_event(enum vm_event_item item)
{
	if (slab_is_available())
		count_vm_event(item);
	else
		early_events[item - ACCEPT_UNITS_BOOT]++;
}

static void raise64(atomic64_t *highest, u64 value)
{
	s64 old = atomic64_read(highest);

	while (old < (s64)value &&
	       !atomic64_try_cmpxchg(highest, &old, value))
		;
}

static void raise(atomic_long_t *highest, long value)
{
	long old = atomic_long_read(highest);

	while (old < value && !atomic_long_try_cmpxchg(highest, &old, value))
		;
}

/**
 * unaccepted_count_unit() - A unit was accepted
 * @state: From unaccepted_get_state().
 * @unit: The unit.
 * @cause: What for.
 * @guard: It was none of the range's own.
 * @ns: How long that took, with interrupts off.
 *
 * Context: Any.
 */
void unaccepted_count_unit(const struct unaccepted_state *state,
			   unsigned long unit, enum accept_cause cause,
			   bool guard, u64 ns)
{
	KUNIT_STATIC_STUB_REDIRECT(unaccepted_count_unit, state, unit, cause,
				   guard, ns);
	trace_accept_unit(unaccepted_unit_start(state, unit), cause, guard, ns);
	atomic_long_inc(&stats.units[cause]);
	atomic64_add(ns, &stats.ns);
	raise64(&stats.longest_ns, ns);
	count_event(ACCEPT_UNITS_BOOT + cause);
	if (!guard)
		return;
	atomic_long_inc(&stats.guards);
	count_event(ACCEPT_GUARD);
}

/**
 * unaccepted_count_wait() - Somebody waits for a unit that another accepts
 *
 * Context: Any.
 */
void unaccepted_count_wait(void)
{
	if (slab_is_available())
		count_vm_event(ACCEPT_WAIT);
}

/**
 * unaccepted_count_stall() - An allocation had to accept, or to wait
 * @units: How many units it accepted itself.
 * @ns: How long it took.
 *
 * Context: Any.
 */
void unaccepted_count_stall(unsigned int units, u64 ns)
{
	unsigned int i = min(fls64(div_u64(ns, NSEC_PER_USEC)),
			     STALL_BUCKETS - 1);

	atomic_long_inc(&stats.stalls[i]);
	raise64(&stats.longest_stall_ns, ns);
	raise(&stats.most_units, units);
}

/**
 * unaccepted_count_blocks() - An allocation refilled the list's reserve
 * @blocks: How many blocks of the list it accepted.
 * @begin: When it began to, local_clock().
 *
 * Context: Any.
 */
void unaccepted_count_blocks(unsigned int blocks, u64 begin)
{
	struct unaccepted_state state;

	if (blocks && unaccepted_get_state(&state))
		unaccepted_count_stall(blocks << (MAX_PAGE_ORDER + PAGE_SHIFT -
						  state.map.shift),
				       local_clock() - begin);
}

static const char * const causes[NR_ACCEPT_CAUSES] = {
	[ACCEPT_BOOT] = "boot",
	[ACCEPT_ALLOC] = "alloc",
	[ACCEPT_ATOMIC] = "atomic",
	[ACCEPT_BACKGROUND] = "background",
	[ACCEPT_RANGE] = "range",
};

static int unaccepted_memory_show(struct seq_file *m, void *private)
{
	unsigned int i;

	for (i = 0; i < NR_ACCEPT_CAUSES; i++)
		seq_printf(m, "units_%s %ld %lu at init\n", causes[i],
			   atomic_long_read(&stats.units[i]),
			   at_init.units[i]);
	seq_printf(m, "units_guard %ld\n", atomic_long_read(&stats.guards));
	seq_printf(m, "ns %lld %llu at init\n",
		   (s64)atomic64_read(&stats.ns), at_init.ns);
	seq_printf(m, "longest_irqs_off_ns %lld\n",
		   (s64)atomic64_read(&stats.longest_ns));
	seq_printf(m, "longest_stall_ns %lld\n",
		   (s64)atomic64_read(&stats.longest_stall_ns));
	seq_printf(m, "most_units_a_stall %ld\n",
		   atomic_long_read(&stats.most_units));
	for (i = 0; i < STALL_BUCKETS; i++)
		seq_printf(m, "stalls_below_us %lu %ld\n", 1UL << i,
			   atomic_long_read(&stats.stalls[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(unaccepted_memory);

void unaccepted_memory_booted(void)
{
	struct unaccepted_state state;
	unsigned long sum = 0;
	unsigned int i;

	if (!unaccepted_get_state(&state))
		return;

	for (i = 0; i < NR_ACCEPT_CAUSES; i++) {
		at_init.units[i] = atomic_long_read(&stats.units[i]);
		sum += at_init.units[i];
	}
	at_init.ns = atomic64_read(&stats.ns);
	pr_info("unaccepted memory: %lu MiB accepted before init, %lu MiB not\n",
		(sum << state.map.shift) / SZ_1M,
		(unaccepted_units_left(&state) << state.map.shift) / SZ_1M);
	unaccepted_set_reserve(UNACCEPTED_RESERVE_KBYTES);
	unaccepted_start_background();
}

static int __init unaccepted_stats_init(void)
{
	struct unaccepted_state state;
	unsigned int i;

	if (!unaccepted_get_state(&state))
		return 0;

	for (i = 0; i < ARRAY_SIZE(early_events); i++)
		count_vm_events(ACCEPT_UNITS_BOOT + i, early_events[i]);
	debugfs_create_file("unaccepted_memory", 0400, NULL, NULL,
			    &unaccepted_memory_fops);
	return 0;
}
late_initcall(unaccepted_stats_init);
