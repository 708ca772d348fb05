// SPDX-License-Identifier: GPL-2.0
/*
 * A few free pages for each CPU.
 *
 * Allocations and frees of one page are served from a stack of the CPU's own,
 * with interrupts off and without a lock. It is filled from the CPU's node, and
 * emptied into it, half a stack at a time under one lock. A page in it is free
 * to all who ask, and in use to its block, which cannot be returned meanwhile.
 * So what has lain here unused for a second goes to the node, and everything
 * does before memory is taken offline, before hibernation, when memory is
 * short, and when the CPU is gone.
 *
 * Another CPU's stack is emptied by an interrupt to that CPU. It merely copies:
 * the node's lock is taken by those who asked.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <kunit/visibility.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "unmapped.h"

#define FRONT_PAGES	64
#define FRONT_BATCH	(FRONT_PAGES / 2)
/* How many of them are asked for the key that they had. */
#define FRONT_SEARCH	16U

/**
 * struct front - free pages of a CPU
 * @nr: How many.
 * @low: How few there were since the front was last trimmed.
 * @pages: The pages, the one used last at the end.
 *
 * Belongs to the CPU, with interrupts off. Others read @nr.
 */
struct front {
	unsigned int nr;
	unsigned int low;
	struct unmapped_page pages[FRONT_PAGES];
};

static DEFINE_PER_CPU_ALIGNED(struct front, fronts);

/* What is taken from a front at once, by those who empty it. */
struct batch {
	unsigned int nr;
	struct unmapped_page pages[FRONT_BATCH];
};

static void trim_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(unmapped_trim_work, trim_work);

static struct front *local_front(const struct unmapped_node *node)
{
	lockdep_assert_irqs_disabled();

	if (numa_mem_id() != node->nid)
		return NULL;
	return this_cpu_ptr(&fronts);
}

/* The pages that have been here longest go first. */
static unsigned int take_oldest(struct front *front, unsigned int nr,
				struct unmapped_page *pages)
{
	nr = min(nr, front->nr);
	memcpy(pages, front->pages, nr * sizeof(*pages));
	front->nr -= nr;
	front->low -= min(front->low, nr);
	memmove(front->pages, front->pages + nr,
		front->nr * sizeof(*pages));
	return nr;
}

static unsigned int add(struct front *front, const struct unmapped_page *pages,
			unsigned int nr)
{
	if (!front)
		return 0;
	nr = min(nr, FRONT_PAGES - front->nr);
	memcpy(front->pages + front->nr, pages, nr * sizeof(*pages));
	front->nr += nr;
	return nr;
}

static void start_trimming(void)
{
	if (!delayed_work_pending(&unmapped_trim_work))
		queue_delayed_work(system_unbound_wq, &unmapped_trim_work, HZ);
}

/* The page that comes first is to be the last one added. */
static void reverse(struct unmapped_page *pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr / 2; i++)
		swap(pages[i], pages[nr - 1 - i]);
}

/*
 * For those after the caller, too. Not inline: kernels that zero what is on the
 * stack would do so in each call.
 */
static noinline bool fill(struct unmapped_node *node)
{
	struct unmapped_page pages[FRONT_BATCH];
	unsigned int nr, added;
	unsigned long flags;

	nr = unmapped_node_take_some(node, pages, FRONT_BATCH);
	if (!nr)
		return false;

	reverse(pages, nr);
	local_irq_save(flags);
	added = add(local_front(node), pages, nr);
	local_irq_restore(flags);
	if (unlikely(added < nr))
		unmapped_node_put_some(node, pages + added, nr - added);
	start_trimming();
	return true;
}

/*
 * A page that had the same key last needs no flush. It is looked for among the
 * youngest: further down they are the other CPUs', or the node's, as likely.
 */
static void prefer_key(struct front *front, u16 keyid)
{
	unsigned int last = front->nr - 1;
	unsigned int end = last - min(last, FRONT_SEARCH);
	unsigned int i;

	for (i = last; i > end; i--)
		if (unmapped_key_of(&front->pages[i]) == keyid)
			break;
	swap(front->pages[i], front->pages[last]);
}

static bool pop(struct unmapped_node *node, u16 keyid, struct unmapped_page *p,
		bool *local)
{
	struct front *front;
	unsigned long flags;
	bool popped = false;

	local_irq_save(flags);
	front = local_front(node);
	if (front && front->nr) {
		if (page_keyid_active())
			prefer_key(front, keyid);
		*p = front->pages[--front->nr];
		front->low = min(front->low, front->nr);
		popped = true;
	}
	local_irq_restore(flags);

	*local = front;
	return popped;
}

/**
 * unmapped_front_pop() - Take a free page
 * @node: The node that it is to be of.
 * @keyid: The key that it had last, if there is such a page.
 * @p: Filled in.
 *
 * Context: Any but NMI.
 * Return: Whether there was one, in the front or in the node.
 */
bool unmapped_front_pop(struct unmapped_node *node, u16 keyid,
			struct unmapped_page *p)
{
	bool local;

	do {
		while (pop(node, keyid, p, &local)) {
			if (likely(!PageHWPoison(unmapped_page(p))))
				return true;
			unmapped_node_put(p, 0);
		}
		if (!unmapped_node_has_pages(node))
			return false;
		if (!local)
			return unmapped_node_take(node, 0, p);
	} while (fill(node));
	return false;
}

static bool push(struct unmapped_node *node, const struct unmapped_page *p,
		 bool *local)
{
	struct front *front;
	unsigned long flags;
	bool pushed = false;

	local_irq_save(flags);
	front = local_front(node);
	if (front && front->nr < FRONT_PAGES) {
		front->pages[front->nr++] = *p;
		pushed = true;
	}
	local_irq_restore(flags);

	*local = front;
	return pushed;
}

static noinline void make_room(struct unmapped_node *node)
{
	struct unmapped_page old[FRONT_BATCH];
	struct front *front;
	unsigned long flags;
	unsigned int nr = 0;

	local_irq_save(flags);
	front = local_front(node);
	if (front)
		nr = take_oldest(front, FRONT_BATCH, old);
	local_irq_restore(flags);

	if (nr)
		unmapped_node_put_some(node, old, nr);
}

/**
 * unmapped_front_push() - Put a free page
 * @p: The page.
 *
 * Context: Any but NMI.
 * Return: false if it belongs into the node: it is another CPU's, or poisoned.
 */
bool unmapped_front_push(const struct unmapped_page *p)
{
	struct unmapped_node *node = unmapped_nodes[p->block->nid];
	bool local;

	if (PageHWPoison(unmapped_page(p)))
		return false;
	while (!push(node, p, &local)) {
		if (!local)
			return false;
		make_room(node);
	}
	start_trimming();
	return true;
}

/*
 * Emptying.
 */

static void take_all_here(void *data)
{
	struct batch *batch = data;

	batch->nr = take_oldest(this_cpu_ptr(&fronts), FRONT_BATCH,
				batch->pages);
}

/* What was not needed since the last time. */
static void take_unused_here(void *data)
{
	struct front *front = this_cpu_ptr(&fronts);
	struct batch *batch = data;

	batch->nr = take_oldest(front, min(front->low, FRONT_BATCH),
				batch->pages);
	if (batch->nr < FRONT_BATCH)
		front->low = front->nr;
}

static void empty_cpu(int cpu, smp_call_func_t take)
{
	struct unmapped_node *node = unmapped_nodes[cpu_to_mem(cpu)];
	struct batch batch;

	while (READ_ONCE(per_cpu(fronts, cpu).nr)) {
		batch.nr = 0;
		if (smp_call_function_single(cpu, take, &batch, 1))
			break;	/* offline: see front_cpu_dead() */
		unmapped_node_put_some(node, batch.pages, batch.nr);
		if (batch.nr < FRONT_BATCH)
			break;
	}
}

/**
 * unmapped_front_pages() - Count the free pages in the fronts
 * @nid: Of the CPUs of this node.
 *
 * Return: How many.
 */
unsigned long unmapped_front_pages(int nid)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		if (cpu_to_mem(cpu) == nid)
			sum += READ_ONCE(per_cpu(fronts, cpu).nr);
	return sum;
}

/**
 * unmapped_front_drain() - Empty the fronts into the node
 * @nid: The node.
 *
 * Context: Process context, interrupts on; may be called from reclaim.
 */
void unmapped_front_drain(int nid)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (cpu_to_mem(cpu) == nid)
			empty_cpu(cpu, take_all_here);
}

VISIBLE_IF_KUNIT void unmapped_front_trim(struct work_struct *work)
{
	bool more = false;
	int cpu;

	for_each_online_cpu(cpu) {
		empty_cpu(cpu, take_unused_here);
		more |= READ_ONCE(per_cpu(fronts, cpu).nr);
	}
	if (more)
		start_trimming();
}

static void trim_work(struct work_struct *work)
{
	unmapped_front_trim(work);
}

static int front_cpu_dead(unsigned int cpu)
{
	struct unmapped_node *node = unmapped_nodes[cpu_to_mem(cpu)];
	struct front *front = &per_cpu(fronts, cpu);

	unmapped_node_put_some(node, front->pages, front->nr);
	front->nr = 0;
	front->low = 0;
	return 0;
}

int __init unmapped_front_init(void)
{
	int err = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN,
					    "mm/unmapped:dead", NULL,
					    front_cpu_dead);

	return min(err, 0);
}
