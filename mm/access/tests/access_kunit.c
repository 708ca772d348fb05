// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for pages without a usable direct-map address.
 *
 * What is tested is what a user of such a page sees: kmap_local_page() and
 * all that is built on it. The pages come from the cache of mm/unmapped/,
 * whose owner BUFFER may be mapped and whose owner SECRETMEM may not.
 *
 * A folio's contents are compared with a copy in ordinary memory that the
 * test changes in the plain way. The copy is read out page by page, and no
 * two pages of a folio hold the same bytes at the same offset.
 *
 * Slots belong to a context. So nothing may abort a test while it holds one,
 * and each test ends with expect_no_slots() in the thread that used them;
 * the exit hook runs in another.
 */

#include <kunit/test.h>

#include <linux/bvec.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/kmap_area.h>
#include <linux/kthread.h>
#include <linux/page_access.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/set_memory.h>
#include <linux/smp.h>
#include <linux/swap.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/unmapped_alloc.h>

#include "pages.h"

/* The debug build leaves a guard slot between two that it uses. */
#define SLOT_STEP	(IS_ENABLED(CONFIG_DEBUG_KMAP_LOCAL) ? 2 : 1)
#define MAX_SLOTS	((KM_MAX_IDX - 1) / SLOT_STEP)

/*
 * Folios, and what is in them.
 */

static struct folio *buffer_folio(struct kunit *test, unsigned int order)
{
	return kunit_owned_folio(test, order, buffer_owner);
}

static struct page *buffer_page(struct kunit *test)
{
	return kunit_owned_page(test, buffer_owner);
}

static void write_folio(struct folio *folio, const u8 *buf)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		void *addr = kmap_local_page(folio_page(folio, i));

		memcpy(addr, buf + i * PAGE_SIZE, PAGE_SIZE);
		kunmap_local(addr);
	}
}

static void read_folio(struct folio *folio, u8 *buf)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		void *addr = kmap_local_page(folio_page(folio, i));

		memcpy(buf + i * PAGE_SIZE, addr, PAGE_SIZE);
		kunmap_local(addr);
	}
}

/* A large folio with a pattern, and the same pattern in @want. */
static struct folio *patterned_folio(struct kunit *test, u8 **want,
				     unsigned int seed)
{
	struct folio *folio = buffer_folio(test, LARGE_ORDER);

	*want = kunit_plain_buffer(test);
	make_pattern(*want, LARGE_SIZE, seed);
	write_folio(folio, *want);
	return folio;
}

static void expect_contents(struct kunit *test, struct folio *folio,
			    const u8 *want)
{
	u8 *got = kunit_plain_buffer(test);
	size_t i = 0;

	read_folio(folio, got);
	while (i < folio_size(folio) && got[i] == want[i])
		i++;
	KUNIT_EXPECT_EQ_MSG(test, i, folio_size(folio),
			    "first difference at byte %zu", i);
}

static void expect_no_slots(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static void need_two_cpus(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
}

/* The caller cannot be migrated. */
static int other_cpu(void)
{
	return cpumask_any_but(cpu_online_mask, smp_processor_id());
}

/*
 * One page, one slot.
 */

static void test_map(struct kunit *test)
{
	struct page *page = buffer_page(test);
	void *addr = kmap_local_page(page);

	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr));
	KUNIT_EXPECT_PTR_NE(test, addr, page_address(page));
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0));
	memset(addr, 0x5a, PAGE_SIZE);
	kunmap_local(addr);

	addr = kmap_local_page(page);
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0x5a));
	kunmap_local(addr);
	expect_no_slots(test);
}

/* No mapping may bring the direct map back, not even for its own time. */
static void test_direct_map_untouched(struct kunit *test)
{
	struct page *page = buffer_page(test);
	void *addr;

	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
	addr = kmap_local_page(page);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
	KUNIT_EXPECT_EQ(test, probe_read(page_address(page)), -EFAULT);
	kunmap_local(addr);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
	KUNIT_EXPECT_EQ(test, probe_read(page_address(page)), -EFAULT);
	expect_no_slots(test);
}

/* Two slots for one page: what is written to one is read from the other. */
static void test_alias(struct kunit *test)
{
	struct page *page = buffer_page(test);
	u8 *one = kmap_local_page(page);
	u8 *two = kmap_local_page(page);

	KUNIT_EXPECT_PTR_NE(test, one, two);
	memset(one, 0x11, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, page_filled_with(two, 0x11));
	memset(two, 0x22, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, page_filled_with(one, 0x22));
	kunmap_local(two);
	kunmap_local(one);
	expect_no_slots(test);
}

static void test_unmap_interior(struct kunit *test)
{
	void *addr = kmap_local_page(buffer_page(test));

	kunmap_local(addr + 123);
	KUNIT_EXPECT_EQ(test, probe_read(addr), -EFAULT);
	expect_no_slots(test);
}

static void test_to_page(struct kunit *test)
{
	struct page *plain = kunit_ordinary_page(test);
	struct folio *folio = buffer_folio(test, LARGE_ORDER);
	void *one = kmap_local_page(folio_page(folio, 1));
	void *two = kmap_local_page(folio_page(folio, 3));

	KUNIT_EXPECT_PTR_EQ(test, kmap_to_page(one), folio_page(folio, 1));
	KUNIT_EXPECT_PTR_EQ(test, kmap_to_page(two + 99), folio_page(folio, 3));
	KUNIT_EXPECT_PTR_EQ(test, kmap_to_page(page_address(plain)), plain);
	kunmap_local(two);
	kunmap_local(one);
	expect_no_slots(test);
}

static void test_is_kmap_addr(struct kunit *test)
{
	void *first = (void *)kmap_area_start;
	void *end = first + kmap_area_size;

	KUNIT_EXPECT_TRUE(test, is_kmap_addr(first));
	KUNIT_EXPECT_TRUE(test, is_kmap_addr(end - 1));
	KUNIT_EXPECT_FALSE(test, is_kmap_addr(first - 1));
	KUNIT_EXPECT_FALSE(test, is_kmap_addr(end));
	KUNIT_EXPECT_FALSE(test, is_kmap_addr(test));
	KUNIT_EXPECT_FALSE(test, is_kmap_addr(NULL));
}

/* Each CPU has slots of its own, as many as mm/highmem.c numbers. */
static void test_area_size(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, kmap_area_size,
			num_possible_cpus() * KM_MAX_IDX * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, kmap_area_start % (KM_MAX_IDX * PAGE_SIZE), 0);
}

static void test_pfn_and_prot(struct kunit *test)
{
	struct page *page = buffer_page(test);
	void *pfn = kmap_local_pfn(page_to_pfn(page));
	void *prot = kmap_local_page_prot(page, PAGE_KERNEL);

	KUNIT_EXPECT_TRUE(test, is_kmap_addr(pfn));
	KUNIT_EXPECT_TRUE(test, is_kmap_addr(prot));
	memset(pfn, 0x33, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, page_filled_with(prot, 0x33));
	kunmap_local(prot);
	kunmap_local(pfn);
	expect_no_slots(test);
}

/* The slot is that of the page with @offset, and @offset is in the address. */
static void test_folio_offset(struct kunit *test)
{
	u8 *want;
	struct folio *folio = patterned_folio(test, &want, 1);
	size_t offset = 2 * PAGE_SIZE + 77;
	u8 *addr = kmap_local_folio(folio, offset);
	u8 *tried = kmap_local_folio_try(folio, offset);

	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr));
	KUNIT_EXPECT_EQ(test, offset_in_page(addr), 77);
	KUNIT_EXPECT_EQ(test, *addr, want[offset]);
	KUNIT_EXPECT_EQ(test, addr[-77], want[2 * PAGE_SIZE]);
	KUNIT_EXPECT_TRUE(test, is_kmap_addr(tried));
	KUNIT_EXPECT_EQ(test, *tried, want[offset]);
	kunmap_local(tried);
	kunmap_local(addr);
	expect_no_slots(test);
}

static void test_atomic(struct kunit *test)
{
	struct page *page = buffer_page(test);
	void *addr = kmap_atomic(page);

	KUNIT_EXPECT_TRUE(test, pagefault_disabled());
	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr));
	memset(addr, 0x44, PAGE_SIZE);
	kunmap_atomic(addr + 5);
	KUNIT_EXPECT_FALSE(test, pagefault_disabled());
	KUNIT_EXPECT_EQ(test, probe_read(addr), -EFAULT);

	addr = kmap_local_page(page);
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0x44));
	kunmap_local(addr);
	expect_no_slots(test);
}

/*
 * Nesting.
 */

/* Maps pages of @folio until there is no slot. The page's number is in it. */
static unsigned int map_all(struct folio *folio, u8 **addrs, long *err)
{
	unsigned int nr;

	for (nr = 0; nr < folio_nr_pages(folio); nr++) {
		addrs[nr] = kmap_local_page_try(folio_page(folio, nr));
		if (IS_ERR(addrs[nr])) {
			*err = PTR_ERR(addrs[nr]);
			break;
		}
		memset(addrs[nr], nr, PAGE_SIZE);
	}
	return nr;
}

static unsigned int unmap_all(u8 **addrs, unsigned int nr)
{
	unsigned int bad = 0;

	while (nr--) {
		bad += !page_filled_with(addrs[nr], nr);
		kunmap_local(addrs[nr]);
	}
	return bad;
}

static void test_nest_to_limit(struct kunit *test)
{
	struct folio *folio = buffer_folio(test, 5);
	u8 *addrs[1 << 5], *first;
	unsigned int nr;
	long err = 0;

	nr = map_all(folio, addrs, &err);
	KUNIT_EXPECT_EQ(test, nr, MAX_SLOTS);
	KUNIT_EXPECT_EQ(test, err, -EBUSY);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmap_local_folio_try(folio, 9)), -EBUSY);
	KUNIT_EXPECT_NULL(test, page_access_map(folio_page(folio, 0)));
	first = addrs[0];
	KUNIT_EXPECT_EQ(test, unmap_all(addrs, nr), 0);
	expect_no_slots(test);

	/* All are there again, from the same one on */
	KUNIT_EXPECT_EQ(test, map_all(folio, addrs, &err), MAX_SLOTS);
	KUNIT_EXPECT_PTR_EQ(test, addrs[0], first);
	KUNIT_EXPECT_EQ(test, unmap_all(addrs, nr), 0);
	expect_no_slots(test);
}

/* Ordinary pages need no slot, so they never find all taken. */
static void test_ordinary_at_limit(struct kunit *test)
{
	struct page *plain = kunit_ordinary_page(test);
	struct folio *folio = buffer_folio(test, 5);
	u8 *addrs[1 << 5];
	unsigned int nr;
	void *addr;
	long err = 0;

	nr = map_all(folio, addrs, &err);
	addr = kmap_local_page(plain);
	KUNIT_EXPECT_PTR_EQ(test, addr, page_address(plain));
	kunmap_local(addr);
	addr = kmap_local_page_try(plain);
	KUNIT_EXPECT_PTR_EQ(test, addr, page_address(plain));
	kunmap_local(addr);
	KUNIT_EXPECT_EQ(test, unmap_all(addrs, nr), 0);
	expect_no_slots(test);
}

/* Ordinary mappings in between must not take part in the order of slots. */
static void test_nest_mixed(struct kunit *test)
{
	struct page *plain = kunit_ordinary_page(test);
	struct folio *folio = buffer_folio(test, 1);
	void *one = kmap_local_page(folio_page(folio, 0));
	void *mid = kmap_local_page(plain);
	void *two = kmap_local_page(folio_page(folio, 1));

	KUNIT_EXPECT_PTR_EQ(test, two, one + SLOT_STEP * PAGE_SIZE);
	kunmap_local(two);
	kunmap_local(mid);
	kunmap_local(one);
	expect_no_slots(test);
}

/*
 * What is left after the end: nothing, in page tables and TLBs.
 */

/* The read puts the entry into the TLB: kunmap has to flush it. */
static void test_stale_here(struct kunit *test)
{
	struct page *page = buffer_page(test);
	u8 *addr;
	long err;

	preempt_disable();
	addr = kmap_local_page(page);
	WRITE_ONCE(*addr, 1);
	kunmap_local(addr);
	err = probe_read(addr);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, err, -EFAULT);
	expect_no_slots(test);
}

struct remote_probe {
	const void *addr;
	long err;
};

static void probe_remotely(void *data)
{
	struct remote_probe *remote = data;

	remote->err = probe_read(remote->addr);
}

static void test_stale_elsewhere(struct kunit *test)
{
	struct page *page = buffer_page(test);
	struct remote_probe remote = { };
	u8 *addr;

	need_two_cpus(test);
	migrate_disable();
	addr = kmap_local_page(page);
	WRITE_ONCE(*addr, 1);
	kunmap_local(addr);
	remote.addr = addr;
	smp_call_function_single(other_cpu(), probe_remotely, &remote, 1);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, remote.err, -EFAULT);
	expect_no_slots(test);
}

/* A slot that served one page shows the next one's bytes at once. */
static void test_slot_reuse(struct kunit *test)
{
	struct folio *folio = buffer_folio(test, 1);
	unsigned int i, bad = 0;
	void *addr;

	for (i = 0; i < 2; i++)
		memset_page(folio_page(folio, i), 0, i + 1, PAGE_SIZE);
	for (i = 0; i < 20; i++) {
		addr = kmap_local_page(folio_page(folio, i % 2));
		bad += !page_filled_with(addr, i % 2 + 1);
		kunmap_local(addr);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	expect_no_slots(test);
}

static void map_once(void *data)
{
	struct remote_probe *remote = data;
	u8 *addr = kmap_local_page((struct page *)remote->addr);

	remote->err = is_kmap_addr(addr) ? *addr : -1;
	remote->addr = addr;
	kunmap_local(addr);
}

/* No two CPUs share a slot, and every CPU's slots work. */
static void test_each_cpu(struct kunit *test)
{
	struct page *page = buffer_page(test);
	const void *last = NULL;
	int cpu;

	memset_page(page, 0, 0x77, PAGE_SIZE);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		struct remote_probe remote = { .addr = page };

		smp_call_function_single(cpu, map_once, &remote, 1);
		KUNIT_EXPECT_EQ(test, remote.err, 0x77);
		KUNIT_EXPECT_PTR_NE(test, remote.addr, last);
		last = remote.addr;
	}
	cpus_read_unlock();
}

/*
 * Sleeping, migration, interrupts.
 */

struct neighbour {
	struct page *page;
	void *addr;
	bool intact;
	struct completion mapped;
	struct completion go_on;
	struct completion done;
};

/* Maps a page of its own in the slot that the sleeping test has, too. */
static int neighbour_fn(void *data)
{
	struct neighbour *other = data;

	other->addr = kmap_local_page(other->page);
	memset(other->addr, 0xbb, PAGE_SIZE);
	complete(&other->mapped);
	wait_for_completion(&other->go_on);
	other->intact = page_filled_with(other->addr, 0xbb);
	kunmap_local(other->addr);
	complete(&other->done);
	return 0;
}

static void init_neighbour(struct neighbour *other, struct page *page)
{
	other->page = page;
	init_completion(&other->mapped);
	init_completion(&other->go_on);
	init_completion(&other->done);
}

static void switch_with_neighbour(struct kunit *test, struct neighbour *other,
				  void *addr)
{
	struct task_struct *task;

	task = kthread_run_on_cpu(neighbour_fn, other, raw_smp_processor_id(),
				  "neighbour/%u");
	KUNIT_EXPECT_FALSE(test, IS_ERR(task));
	if (IS_ERR(task))
		return;
	wait_for_completion(&other->mapped);
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0xaa));
	complete(&other->go_on);
	wait_for_completion(&other->done);
}

/* Both tasks use one address: each must find its own page behind it. */
static void test_sleep_beside_another(struct kunit *test)
{
	struct page *page = buffer_page(test);
	struct neighbour other = { };
	void *addr;

	init_neighbour(&other, buffer_page(test));
	addr = kmap_local_page(page);
	memset(addr, 0xaa, PAGE_SIZE);
	switch_with_neighbour(test, &other, addr);
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0xaa));
	kunmap_local(addr);

	KUNIT_EXPECT_PTR_EQ(test, other.addr, addr);
	KUNIT_EXPECT_TRUE(test, other.intact);
	expect_no_slots(test);
}

static void test_sleep_nested(struct kunit *test)
{
	struct folio *folio = buffer_folio(test, 5);
	unsigned int nr;
	u8 *addrs[1 << 5];
	long err = 0;

	nr = map_all(folio, addrs, &err);
	fsleep(1000);
	KUNIT_EXPECT_EQ(test, nr, MAX_SLOTS);
	KUNIT_EXPECT_EQ(test, unmap_all(addrs, nr), 0);
	expect_no_slots(test);
}

struct asleep {
	const void *addr;
	long err;
	struct completion done;
};

static int probe_fn(void *data)
{
	struct asleep *asleep = data;

	asleep->err = probe_read(asleep->addr);
	complete(&asleep->done);
	return 0;
}

/* A task that sleeps leaves nothing in the slot for the next one to find. */
static void test_slot_empty_while_asleep(struct kunit *test)
{
	struct page *page = buffer_page(test);
	u8 *addr = kmap_local_page(page);
	struct asleep asleep = { .addr = addr };
	struct task_struct *task;

	init_completion(&asleep.done);
	WRITE_ONCE(*addr, 1);
	task = kthread_run_on_cpu(probe_fn, &asleep, raw_smp_processor_id(),
				  "probe/%u");
	KUNIT_EXPECT_FALSE(test, IS_ERR(task));
	if (!IS_ERR(task))
		wait_for_completion(&asleep.done);
	KUNIT_EXPECT_EQ(test, asleep.err, -EFAULT);
	KUNIT_EXPECT_EQ(test, *addr, 1);
	kunmap_local(addr);
	expect_no_slots(test);
}

struct move {
	struct task_struct *task;
	int cpu;
	struct completion started;
	struct completion moved;
};

/* Waits until the task has gone to the CPU. */
static int move_fn(void *data)
{
	struct move *move = data;

	complete(&move->started);
	set_cpus_allowed_ptr(move->task, cpumask_of(move->cpu));
	complete(&move->moved);
	return 0;
}

static void expect_unmoved(struct kunit *test, struct move *move, int cpu)
{
	KUNIT_EXPECT_FALSE(test,
			   IS_ERR(kthread_run(move_fn, move, "access_move")));
	if (!wait_for_completion_timeout(&move->started, 10 * HZ))
		return;
	fsleep(2000);
	schedule();
	KUNIT_EXPECT_EQ(test, raw_smp_processor_id(), cpu);
	KUNIT_EXPECT_FALSE(test, completion_done(&move->moved));
}

/* Sent to another CPU, the task goes when it has no slot, not before. */
static void test_not_migrated(struct kunit *test)
{
	struct page *page = buffer_page(test);
	struct move move = { .task = current };
	void *addr;

	need_two_cpus(test);
	init_completion(&move.started);
	init_completion(&move.moved);
	addr = kmap_local_page(page);
	memset(addr, 0xaa, PAGE_SIZE);
	move.cpu = other_cpu();
	expect_unmoved(test, &move, raw_smp_processor_id());
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0xaa));
	kunmap_local(addr);

	wait_for_completion(&move.moved);
	KUNIT_EXPECT_EQ(test, raw_smp_processor_id(), move.cpu);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	expect_no_slots(test);
}

struct intruder {
	struct irq_work work;
	struct hrtimer timer;
	struct page *page;
	void *addr;
	unsigned int hits;
	unsigned int bad;
	bool hard;
};

static void intrude(struct intruder *in)
{
	u8 *addr = kmap_local_page(in->page);

	in->hard = in_hardirq();
	in->addr = addr;
	memset(addr, in->hits, PAGE_SIZE);
	in->bad += !page_filled_with(addr, in->hits);
	kunmap_local(addr);
	WRITE_ONCE(in->hits, in->hits + 1);
}

static void intruder_work(struct irq_work *work)
{
	intrude(container_of(work, struct intruder, work));
}

/* An interrupt takes the slot after the task's, and leaves the task its own. */
static void test_interrupt(struct kunit *test)
{
	struct page *page = buffer_page(test);
	struct intruder in = {
		.work = IRQ_WORK_INIT_HARD(intruder_work),
		.page = buffer_page(test),
	};
	void *addr = kmap_local_page(page);

	memset(addr, 0xaa, PAGE_SIZE);
	irq_work_queue(&in.work);
	irq_work_sync(&in.work);
	KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0xaa));
	kunmap_local(addr);

	KUNIT_EXPECT_EQ(test, in.hits, 1);
	KUNIT_EXPECT_EQ(test, in.bad, 0);
	KUNIT_EXPECT_TRUE(test, in.hard);
	KUNIT_EXPECT_PTR_EQ(test, in.addr, addr + SLOT_STEP * PAGE_SIZE);
	expect_no_slots(test);
}

static enum hrtimer_restart intruder_timer(struct hrtimer *timer)
{
	struct intruder *in = container_of(timer, struct intruder, timer);

	intrude(in);
	hrtimer_forward_now(timer, ns_to_ktime(100 * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static unsigned int map_for(struct page *page, unsigned int msecs)
{
	unsigned long end = jiffies + msecs_to_jiffies(msecs) + 1;
	unsigned int bad = 0;
	u8 *addr, i = 0;

	while (time_before(jiffies, end)) {
		addr = kmap_local_page(page);
		WRITE_ONCE(*addr, ++i);
		bad += READ_ONCE(*addr) != i;
		kunmap_local(addr);
		cond_resched();
	}
	return bad;
}

/*
 * Interrupts in the middle of kmap and kunmap. They find a slot that is
 * taken, or half free, if the order of the steps in mm/highmem.c is wrong.
 */
static void test_interrupt_storm(struct kunit *test)
{
	struct page *page = buffer_page(test);
	struct intruder in = { .page = buffer_page(test) };

	migrate_disable();
	hrtimer_init_on_stack(&in.timer, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_PINNED_HARD);
	in.timer.function = intruder_timer;
	hrtimer_start(&in.timer, ns_to_ktime(100 * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_PINNED_HARD);
	KUNIT_EXPECT_EQ(test, map_for(page, 30), 0);
	hrtimer_cancel(&in.timer);
	destroy_hrtimer_on_stack(&in.timer);
	migrate_enable();

	KUNIT_EXPECT_GT(test, in.hits, 0);
	KUNIT_EXPECT_EQ(test, in.bad, 0);
	expect_no_slots(test);
}

/*
 * The helpers of linux/highmem.h, on one page.
 */

static void test_copy_highpage(struct kunit *test)
{
	struct page *plain = kunit_ordinary_page(test);
	struct folio *to = buffer_folio(test, 0);
	u8 *want = kunit_plain_buffer(test);

	make_pattern(want, PAGE_SIZE, 3);
	memcpy(page_address(plain), want, PAGE_SIZE);
	copy_highpage(folio_page(to, 0), plain);
	expect_contents(test, to, want);

	memset(page_address(plain), 0, PAGE_SIZE);
	copy_highpage(plain, folio_page(to, 0));
	KUNIT_EXPECT_MEMEQ(test, page_address(plain), want, PAGE_SIZE);
	expect_no_slots(test);
}

/* Both sides need a slot at once. */
static void test_copy_between(struct kunit *test)
{
	u8 *want;
	struct folio *from = patterned_folio(test, &want, 4);
	struct folio *to = buffer_folio(test, 0);

	copy_highpage(folio_page(to, 0), folio_page(from, 2));
	expect_contents(test, to, want + 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, copy_mc_highpage(folio_page(to, 0),
						  folio_page(from, 3)));
	expect_contents(test, to, want + 3 * PAGE_SIZE);

	memcpy_page(folio_page(to, 0), 100, folio_page(from, 1), 50, 1000);
	memcpy(want + 3 * PAGE_SIZE + 100, want + PAGE_SIZE + 50, 1000);
	expect_contents(test, to, want + 3 * PAGE_SIZE);
	expect_no_slots(test);
}

static void test_clear_highpage(struct kunit *test)
{
	u8 *want;
	struct folio *folio = patterned_folio(test, &want, 5);

	clear_highpage(folio_page(folio, 1));
	memset(want + PAGE_SIZE, 0, PAGE_SIZE);
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

static void test_memcpy_page(struct kunit *test)
{
	u8 *want;
	struct folio *folio = patterned_folio(test, &want, 6);
	struct page *page = folio_page(folio, 2);
	u8 *at = want + 2 * PAGE_SIZE;
	u8 buf[64];

	memcpy_from_page(buf, page, PAGE_SIZE - sizeof(buf), sizeof(buf));
	KUNIT_EXPECT_MEMEQ(test, buf, at + PAGE_SIZE - sizeof(buf),
			   sizeof(buf));
	memset(buf, 0xee, sizeof(buf));
	memcpy_to_page(page, 17, buf, sizeof(buf));
	memcpy(at + 17, buf, sizeof(buf));
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

static void test_memset_page(struct kunit *test)
{
	u8 *want;
	struct folio *folio = patterned_folio(test, &want, 7);

	memset_page(folio_page(folio, 1), 9, 0xcc, 300);
	memset(want + PAGE_SIZE + 9, 0xcc, 300);
	memzero_page(folio_page(folio, 3), PAGE_SIZE - 20, 20);
	memset(want + 4 * PAGE_SIZE - 20, 0, 20);
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

/*
 * The helpers that take a range of a large folio. One slot reaches one page:
 * a range has to be cut at each page boundary, on no other byte.
 */

static void test_zero_user(struct kunit *test)
{
	u8 *want;
	struct folio *folio = patterned_folio(test, &want, 8);

	zero_user(folio_page(folio, 0), PAGE_SIZE - 10, PAGE_SIZE + 20);
	memset(want + PAGE_SIZE - 10, 0, PAGE_SIZE + 20);
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

static void test_zero_segments(struct kunit *test)
{
	u8 *want;
	struct folio *folio = patterned_folio(test, &want, 9);

	zero_user_segments(folio_page(folio, 0), 5, PAGE_SIZE + 5,
			   2 * PAGE_SIZE, LARGE_SIZE - 1);
	memset(want + 5, 0, PAGE_SIZE);
	memset(want + 2 * PAGE_SIZE, 0, 2 * PAGE_SIZE - 1);
	expect_contents(test, folio, want);

	folio_zero_range(folio, PAGE_SIZE, PAGE_SIZE + 1);
	memset(want + PAGE_SIZE, 0, PAGE_SIZE + 1);
	folio_zero_segment(folio, LARGE_SIZE - 1, LARGE_SIZE);
	want[LARGE_SIZE - 1] = 0;
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

/* Nothing is asked for: nothing may be written, and no slot kept. */
static void test_zero_nothing(struct kunit *test)
{
	u8 *want;
	struct folio *folio = patterned_folio(test, &want, 10);

	zero_user_segments(folio_page(folio, 0), 7, 7, PAGE_SIZE, PAGE_SIZE);
	zero_user_segments(folio_page(folio, 0), 9, 3, LARGE_SIZE, LARGE_SIZE);
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

static void test_memcpy_from_folio(struct kunit *test)
{
	u8 *want, *got = kunit_plain_buffer(test);
	struct folio *folio = patterned_folio(test, &want, 11);

	memcpy_from_folio(got, folio, 0, LARGE_SIZE);
	KUNIT_EXPECT_EQ(test, memcmp(got, want, LARGE_SIZE), 0);

	memset(got, 0, LARGE_SIZE);
	memcpy_from_folio(got, folio, PAGE_SIZE - 3, PAGE_SIZE + 6);
	KUNIT_EXPECT_EQ(test, memcmp(got, want + PAGE_SIZE - 3, PAGE_SIZE + 6),
			0);
	KUNIT_EXPECT_EQ(test, got[PAGE_SIZE + 6], 0);
	expect_no_slots(test);
}

static void test_memcpy_to_folio(struct kunit *test)
{
	u8 *want, *from = kunit_plain_buffer(test);
	struct folio *folio = patterned_folio(test, &want, 12);

	make_pattern(from, LARGE_SIZE, 99);
	memcpy_to_folio(folio, 2 * PAGE_SIZE - 3, from, PAGE_SIZE + 6);
	memcpy(want + 2 * PAGE_SIZE - 3, from, PAGE_SIZE + 6);
	expect_contents(test, folio, want);
	memcpy_to_folio(folio, 0, from, LARGE_SIZE);
	expect_contents(test, folio, from);
	expect_no_slots(test);
}

/* May copy less than asked, but not more than one page. */
static void test_memcpy_from_file_folio(struct kunit *test)
{
	u8 *want, *got = kunit_plain_buffer(test);
	struct folio *folio = patterned_folio(test, &want, 13);
	size_t len;

	len = memcpy_from_file_folio(got, folio, PAGE_SIZE + 100, LARGE_SIZE);
	KUNIT_EXPECT_EQ(test, len, PAGE_SIZE - 100);
	KUNIT_EXPECT_EQ(test, memcmp(got, want + PAGE_SIZE + 100, len), 0);
	KUNIT_EXPECT_EQ(test, got[len], 0);
	expect_no_slots(test);
}

static void test_zero_tail(struct kunit *test)
{
	u8 *want;
	struct folio *folio = patterned_folio(test, &want, 14);
	size_t offset = PAGE_SIZE + 1000;
	void *addr = kmap_local_folio(folio, offset);

	addr = folio_zero_tail(folio, offset, addr);
	kunmap_local(addr);
	memset(want + offset, 0, LARGE_SIZE - offset);
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

static void test_fill_tail(struct kunit *test)
{
	u8 *want, *from = kunit_plain_buffer(test);
	struct folio *folio = patterned_folio(test, &want, 15);
	size_t offset = PAGE_SIZE - 200, len = PAGE_SIZE + 700;

	make_pattern(from, LARGE_SIZE, 77);
	folio_fill_tail(folio, offset, from, len);
	memcpy(want + offset, from, len);
	memset(want + offset + len, 0, LARGE_SIZE - offset - len);
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

/* What is copied ends with a page: the slot's end is not the next page. */
static void test_fill_tail_whole_pages(struct kunit *test)
{
	u8 *want, *from = kunit_plain_buffer(test);
	struct folio *folio = patterned_folio(test, &want, 16);

	make_pattern(from, LARGE_SIZE, 78);
	folio_fill_tail(folio, 0, from, 2 * PAGE_SIZE);
	memcpy(want, from, 2 * PAGE_SIZE);
	memset(want + 2 * PAGE_SIZE, 0, 2 * PAGE_SIZE);
	expect_contents(test, folio, want);

	folio_fill_tail(folio, 3 * PAGE_SIZE + 9, from, PAGE_SIZE - 9);
	memcpy(want + 3 * PAGE_SIZE + 9, from, PAGE_SIZE - 9);
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

static void test_partial_kmap(struct kunit *test)
{
	struct folio *plain = kunit_ordinary_folio(test, 2);

	KUNIT_EXPECT_TRUE(test, folio_test_partial_kmap(buffer_folio(test, 0)));
	KUNIT_EXPECT_TRUE(test, folio_test_partial_kmap(buffer_folio(test, 2)));
	KUNIT_EXPECT_FALSE(test, folio_test_partial_kmap(plain));
}

/* A large folio's tails need kmap as its head does. */
static void test_needs_kmap(struct kunit *test)
{
	struct folio *folio = buffer_folio(test, LARGE_ORDER);
	struct folio *plain = kunit_ordinary_folio(test, LARGE_ORDER);
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		KUNIT_EXPECT_TRUE(test, page_needs_kmap(folio_page(folio, i)));
		KUNIT_EXPECT_FALSE(test, page_needs_kmap(folio_page(plain, i)));
	}
}

/*
 * iov_iter.
 */

static void test_from_iter_kvec(struct kunit *test)
{
	u8 *want, *from = kunit_plain_buffer(test);
	struct folio *folio = patterned_folio(test, &want, 20);
	struct kvec kvec = { .iov_base = from, .iov_len = LARGE_SIZE };
	size_t offset = PAGE_SIZE - 100, len = PAGE_SIZE + 300;
	struct iov_iter iter;

	make_pattern(from, LARGE_SIZE, 55);
	iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, LARGE_SIZE);
	KUNIT_EXPECT_EQ(test, len,
			copy_page_from_iter_atomic(folio_page(folio, 0), offset,
						   len, &iter));
	memcpy(want + offset, from, len);
	expect_contents(test, folio, want);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), LARGE_SIZE - len);
	expect_no_slots(test);
}

/* Source and destination both have slots, cut at different places. */
static void test_from_iter_bvec(struct kunit *test)
{
	u8 *want, *src;
	struct folio *from = patterned_folio(test, &src, 21);
	struct folio *folio = patterned_folio(test, &want, 22);
	size_t offset = 2 * PAGE_SIZE - 100, len = PAGE_SIZE + 300;
	struct iov_iter iter;
	struct bio_vec bvec;

	bvec_set_folio(&bvec, from, len, PAGE_SIZE - 40);
	iov_iter_bvec(&iter, ITER_SOURCE, &bvec, 1, len);
	KUNIT_EXPECT_EQ(test, len,
			copy_page_from_iter_atomic(folio_page(folio, 0), offset,
						   len, &iter));
	memcpy(want + offset, src + PAGE_SIZE - 40, len);
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

static void test_to_iter_kvec(struct kunit *test)
{
	u8 *want, *to = kunit_plain_buffer(test);
	struct folio *folio = patterned_folio(test, &want, 23);
	struct kvec kvec = { .iov_base = to, .iov_len = LARGE_SIZE };
	size_t offset = PAGE_SIZE - 100, len = PAGE_SIZE + 300;
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, LARGE_SIZE);
	KUNIT_EXPECT_EQ(test, len, copy_page_to_iter(folio_page(folio, 0),
						     offset, len, &iter));
	KUNIT_EXPECT_EQ(test, memcmp(to, want + offset, len), 0);
	KUNIT_EXPECT_EQ(test, to[len], 0);
	expect_no_slots(test);
}

static void test_to_iter_bvec(struct kunit *test)
{
	u8 *want, *from = kunit_plain_buffer(test);
	struct folio *folio = patterned_folio(test, &want, 24);
	size_t offset = PAGE_SIZE - 5, len = 2 * PAGE_SIZE + 11;
	struct iov_iter iter;
	struct bio_vec bvec;

	make_pattern(from, LARGE_SIZE, 66);
	bvec_set_folio(&bvec, folio, len, offset);
	iov_iter_bvec(&iter, ITER_DEST, &bvec, 1, len);
	KUNIT_EXPECT_EQ(test, len, copy_to_iter(from, len, &iter));
	memcpy(want + offset, from, len);
	expect_contents(test, folio, want);
	expect_no_slots(test);
}

static void test_copy_folio_iter(struct kunit *test)
{
	u8 *want, *from = kunit_plain_buffer(test);
	struct folio *folio = patterned_folio(test, &want, 25);
	struct kvec kvec = { .iov_base = from, .iov_len = LARGE_SIZE };
	struct iov_iter iter;

	make_pattern(from, LARGE_SIZE, 44);
	iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, LARGE_SIZE);
	KUNIT_EXPECT_EQ(test, LARGE_SIZE,
			copy_page_from_iter(folio_page(folio, 0), 0,
					    LARGE_SIZE, &iter));
	expect_contents(test, folio, from);
	expect_no_slots(test);
}

/*
 * Ordinary pages, and pages that the kernel may not see.
 */

static void test_ordinary(struct kunit *test)
{
	struct folio *folio = kunit_ordinary_folio(test, LARGE_ORDER);
	struct page *page = folio_page(folio, 1);
	void *direct = page_address(page);

	KUNIT_EXPECT_PTR_EQ(test, kmap_local_page(page), direct);
	KUNIT_EXPECT_PTR_EQ(test, kmap_local_page_try(page), direct);
	KUNIT_EXPECT_PTR_EQ(test, kmap_local_folio(folio, PAGE_SIZE), direct);
	KUNIT_EXPECT_PTR_EQ(test, kmap_local_folio_try(folio, PAGE_SIZE),
			    direct);
	expect_no_slots(test);
	kunmap_local(direct);
	expect_no_slots(test);
	KUNIT_EXPECT_PTR_EQ(test, kmap_atomic(page), direct);
	kunmap_atomic(direct);
	KUNIT_EXPECT_FALSE(test, pagefault_disabled());
}

/* The classic forms cannot fail: theirs is the address that faults. */
static void test_refused(struct kunit *test)
{
	struct folio *folio = kunit_owned_folio(test, 0, secret_owner);
	struct page *page = folio_page(folio, 0);
	void *direct = page_address(page);

	KUNIT_EXPECT_PTR_EQ(test, kmap_local_page(page), direct);
	KUNIT_EXPECT_PTR_EQ(test, kmap_local_folio(folio, 11), direct + 11);
	expect_no_slots(test);
	KUNIT_EXPECT_EQ(test, probe_read(direct), -EFAULT);
	kunmap_local(direct + 11);
	kunmap_local(direct);
	expect_no_slots(test);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
}

static void test_refused_try(struct kunit *test)
{
	struct folio *folio = kunit_owned_folio(test, 1, secret_owner);
	struct page *tail = folio_page(folio, 1);

	KUNIT_EXPECT_EQ(test, PTR_ERR(kmap_local_page_try(tail)), -EACCES);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmap_local_folio_try(folio, 9)),
			-EACCES);
	expect_no_slots(test);
}

/* The owner itself is not asked for permission. */
static void test_owner_maps(struct kunit *test)
{
	struct folio *folio = kunit_owned_folio(test, 0, secret_owner);
	void *addr = page_access_map(folio_page(folio, 0));

	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr));
	if (addr) {
		KUNIT_EXPECT_TRUE(test, page_filled_with(addr, 0));
		kunmap_local(addr);
	}
	expect_no_slots(test);
}

/* The last put tells the owner, who lets nobody map a page without a user. */
static void test_last_put(struct kunit *test)
{
	struct folio *folio = unmapped_folio_alloc(GFP_KERNEL, 0,
						   buffer_owner);
	struct page *page;
	void *addr;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	page = folio_page(folio, 0);
	folio_put(folio);
	KUNIT_EXPECT_TRUE(test, page_inaccessible(page));
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
	addr = kmap_local_page_try(page);
	KUNIT_EXPECT_EQ(test, PTR_ERR(addr), -EACCES);
	if (!IS_ERR(addr))
		kunmap_local(addr);
	expect_no_slots(test);
}

/*
 * A file of the test's own, with a folio of the cache in it: what it takes to
 * split one.
 */

#define SPLIT_ORDER	3
#define SPLIT_PAGES	BIT(SPLIT_ORDER)

static struct address_space *empty_file(struct kunit *test)
{
	struct inode *inode = kunit_kzalloc(test, sizeof(*inode), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, inode);
	inode_init_once(inode);
	spin_lock_init(&inode->i_lock);
	inode->i_mapping = &inode->i_data;
	inode->i_mapping->host = inode;
	inode->i_mapping->a_ops = &empty_aops;
	i_size_write(inode, SPLIT_PAGES * PAGE_SIZE);
	/* Keeps the inode off the superblock's list, for it has none */
	atomic_set(&inode->i_count, 1);
	mapping_set_gfp_mask(inode->i_mapping, GFP_KERNEL);
	mapping_set_unevictable(inode->i_mapping);
	mapping_set_large_folios(inode->i_mapping);
	return inode->i_mapping;
}

static void drop_folio(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_lock_folio(mapping, index);

	if (IS_ERR(folio))
		return;
	filemap_remove_folio(folio);
	folio_unlock(folio);
	folio_put(folio);
}

/* Without the mark a page would enter the buddy and be out of the map. */
static unsigned int count_and_restore_marks(struct page *page, unsigned int nr)
{
	unsigned int marked = 0;

	for (; nr; page++, nr--) {
		marked += page_inaccessible(page);
		page_set_inaccessible(page);
	}
	return marked;
}

static void split_to(struct kunit *test, unsigned int new_order)
{
	struct address_space *mapping = empty_file(test);
	struct folio *folio = unmapped_folio_alloc(GFP_KERNEL, SPLIT_ORDER,
						   buffer_owner);
	struct page *page;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	page = folio_page(folio, 0);
	KUNIT_EXPECT_EQ(test, 0,
			filemap_add_folio(mapping, folio, 0, GFP_KERNEL));
	/* The lists of the CPUs have references to it */
	lru_add_drain_all();
	KUNIT_EXPECT_EQ(test, 0, split_huge_page_to_list_to_order(page, NULL,
								  new_order));
	KUNIT_EXPECT_EQ(test, folio_order(folio), new_order);
	KUNIT_EXPECT_EQ(test, SPLIT_PAGES,
			count_and_restore_marks(page, SPLIT_PAGES));
	folio_unlock(folio);
	folio_put(folio);

	for (i = 0; i < SPLIT_PAGES; i++)
		drop_folio(mapping, i);
	lru_add_drain_all();
	for (i = 0; i < SPLIT_PAGES; i++) {
		KUNIT_EXPECT_TRUE(test, page_inaccessible(page + i));
		KUNIT_EXPECT_FALSE(test, kernel_page_present(page + i));
	}
}

/* Each of the folios that a large one is split into belongs to its owner. */
static void test_split(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "folios are split with huge pages alone");
	split_to(test, 0);
	split_to(test, 2);
}

static struct kunit_case access_cases[] = {
	KUNIT_CASE(test_map),
	KUNIT_CASE(test_direct_map_untouched),
	KUNIT_CASE(test_alias),
	KUNIT_CASE(test_unmap_interior),
	KUNIT_CASE(test_to_page),
	KUNIT_CASE(test_is_kmap_addr),
	KUNIT_CASE(test_area_size),
	KUNIT_CASE(test_pfn_and_prot),
	KUNIT_CASE(test_folio_offset),
	KUNIT_CASE(test_atomic),
	KUNIT_CASE(test_nest_to_limit),
	KUNIT_CASE(test_ordinary_at_limit),
	KUNIT_CASE(test_nest_mixed),
	KUNIT_CASE(test_stale_here),
	KUNIT_CASE(test_stale_elsewhere),
	KUNIT_CASE(test_slot_reuse),
	KUNIT_CASE(test_each_cpu),
	KUNIT_CASE(test_sleep_beside_another),
	KUNIT_CASE(test_sleep_nested),
	KUNIT_CASE(test_slot_empty_while_asleep),
	KUNIT_CASE(test_not_migrated),
	KUNIT_CASE(test_interrupt),
	KUNIT_CASE(test_interrupt_storm),
	KUNIT_CASE(test_copy_highpage),
	KUNIT_CASE(test_copy_between),
	KUNIT_CASE(test_clear_highpage),
	KUNIT_CASE(test_memcpy_page),
	KUNIT_CASE(test_memset_page),
	KUNIT_CASE(test_zero_user),
	KUNIT_CASE(test_zero_segments),
	KUNIT_CASE(test_zero_nothing),
	KUNIT_CASE(test_memcpy_from_folio),
	KUNIT_CASE(test_memcpy_to_folio),
	KUNIT_CASE(test_memcpy_from_file_folio),
	KUNIT_CASE(test_zero_tail),
	KUNIT_CASE(test_fill_tail),
	KUNIT_CASE(test_fill_tail_whole_pages),
	KUNIT_CASE(test_partial_kmap),
	KUNIT_CASE(test_needs_kmap),
	KUNIT_CASE(test_from_iter_kvec),
	KUNIT_CASE(test_from_iter_bvec),
	KUNIT_CASE(test_to_iter_kvec),
	KUNIT_CASE(test_to_iter_bvec),
	KUNIT_CASE(test_copy_folio_iter),
	KUNIT_CASE(test_ordinary),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_refused_try),
	KUNIT_CASE(test_owner_maps),
	KUNIT_CASE(test_last_put),
	KUNIT_CASE(test_split),
	{}
};

static struct kunit_suite access_suite = {
	.name = "page_access",
	.init = kunit_make_owners,
	.exit = kunit_drop_owners,
	.test_cases = access_cases,
};

kunit_test_suite(access_suite);
