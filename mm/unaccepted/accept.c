// SPDX-License-Identifier: GPL-2.0
/*
 * Accepting memory, a unit at a time.
 *
 * The table that the EFI stub made has a bit for each unit, 2M on x86, that
 * the guest has not accepted from its host. To accept is slow, a millisecond
 * and more for a unit, so there is no lock: who wants a unit claims its bit
 * in a second bitmap, and whoever comes later waits for that unit alone.
 *
 * A claim is held with interrupts off, or an interrupt on the same CPU that
 * needs the same unit would wait for ever. Between units they are on again.
 *
 * No unit is accepted twice: the host may have put other contents there in
 * the meantime. So the table is looked at again after the claim, and it
 * decides, whatever marks the page allocator has.
 */

#define pr_fmt(fmt) "unaccepted memory: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/nmi.h>
#include <linux/panic.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>

#include <asm/unaccepted_memory.h>

#include "unaccepted.h"

DEFINE_STATIC_KEY_FALSE(unaccepted_list_key);

/* See struct unaccepted_state. */
static unsigned long *busy_units __ro_after_init;
static unsigned long *our_units __ro_after_init;

/**
 * unaccepted_get_state() - Find the table
 * @state: Filled in.
 *
 * Return: false if this machine has no unaccepted memory.
 */
bool unaccepted_get_state(struct unaccepted_state *state)
{
	struct efi_unaccepted_memory *table = efi_get_unaccepted_table();

	if (!table)
		return false;

	state->map.base = table->phys_base;
	state->map.shift = __ffs(table->unit_size);
	state->map.nr = table->size * BITS_PER_BYTE;
	state->bitmap = table->bitmap;
	state->busy = busy_units;
	state->ours = our_units;
	return true;
}

VISIBLE_IF_KUNIT void
unaccepted_platform_accept(const struct unaccepted_state *state,
			   unsigned long unit)
{
	phys_addr_t start = unaccepted_unit_start(state, unit);

	KUNIT_STATIC_STUB_REDIRECT(unaccepted_platform_accept, state, unit);
	arch_accept_memory(start, start + (1UL << state->map.shift));
	unaccepted_unit_ready(state, unit);
}

/* The caller has claimed the unit. Returns how long it took, in ns. */
static u64 accept_claimed(const struct unaccepted_state *state,
			  unsigned long unit)
{
	u64 begin = local_clock();

	unaccepted_platform_accept(state, unit);

	/* Pairs with the acquire in unaccepted_span_pending() */
	smp_mb__before_atomic();
	clear_bit(unit, state->bitmap);
	return local_clock() - begin;
}

/*
 * Only the unit matters here: its claim is released with interrupts off. But a
 * panic may have stopped the CPU that has the claim, in the middle of it. Then
 * nobody can say whether the unit is accepted, and the CPU that panics does
 * without: see unaccepted_span_pending().
 */
static void wait_for_unit(const struct unaccepted_state *state,
			  unsigned long unit)
{
	unaccepted_count_wait();
	while (test_bit_acquire(unit, state->bitmap) &&
	       atomic_read(&panic_cpu) != raw_smp_processor_id())
		cpu_relax();
}

static bool accept_unit(const struct unaccepted_state *state,
			unsigned long unit, enum accept_cause cause,
			bool guard)
{
	unsigned long flags;
	bool pending;
	u64 ns = 0;

	local_irq_save(flags);
	if (state->busy && test_and_set_bit_lock(unit, state->busy)) {
		local_irq_restore(flags);
		wait_for_unit(state, unit);
		return false;
	}

	/* Who had the claim before may have done it */
	pending = test_bit(unit, state->bitmap);
	if (pending)
		ns = accept_claimed(state, unit);

	if (state->busy)
		clear_bit_unlock(unit, state->busy);
	local_irq_restore(flags);

	/* Without the claim: what listens to the trace may need memory */
	if (pending)
		unaccepted_count_unit(state, unit, cause, guard, ns);

	/* A long range is no lockup */
	touch_softlockup_watchdog();
	return pending;
}

/**
 * unaccepted_accept_span() - Accept what is not accepted yet of some units
 * @state: From unaccepted_get_state().
 * @span: The units.
 * @cause: What for.
 *
 * Context: Any but NMI.
 * Return: Units that this call accepted. Others did the rest, but for what
 * they could not finish because of a panic: ask unaccepted_span_pending().
 */
unsigned int unaccepted_accept_span(const struct unaccepted_state *state,
				    struct unaccepted_span span,
				    enum accept_cause cause)
{
	unsigned long unit = span.first;
	unsigned int nr = 0;

	for_each_set_bit_from(unit, state->bitmap, span.end)
		nr += accept_unit(state, unit, cause, unit >= span.guard);

	/* What follows uses units that others have accepted, too */
	smp_acquire__after_ctrl_dep();
	return nr;
}

/**
 * unaccepted_span_pending() - Ask whether something is not accepted yet
 * @state: From unaccepted_get_state().
 * @span: The units to look at.
 *
 * Context: Any. No lock is needed: a bit that is clear stays clear.
 * Return: true if the memory must not be touched.
 */
bool unaccepted_span_pending(const struct unaccepted_state *state,
			     struct unaccepted_span span)
{
	bool pending = find_next_bit(state->bitmap, span.end, span.first) <
		       span.end;

	/* Pairs with smp_mb__before_atomic() in accept_claimed() */
	smp_acquire__after_ctrl_dep();
	return pending;
}

/**
 * accept_memory_for() - Make a range of memory usable
 * @start: First address, bytes.
 * @size: Bytes.
 * @cause: What for.
 *
 * Accepts the units of the range that are not accepted yet, and the one after
 * it if the range ends where a unit ends. Does nothing on a machine without
 * unaccepted memory.
 *
 * Context: Any but NMI. Interrupts are off for one unit at a time.
 * Return: Number of units that this call accepted.
 */
unsigned int accept_memory_for(phys_addr_t start, unsigned long size,
			       enum accept_cause cause)
{
	struct unaccepted_state state;

	if (!unaccepted_get_state(&state))
		return 0;
	return unaccepted_accept_span(&state, unaccepted_span(&state.map, start,
							      size), cause);
}

void accept_memory(phys_addr_t start, unsigned long size)
{
	accept_memory_for(start, size,
			  slab_is_available() ? ACCEPT_RANGE : ACCEPT_BOOT);
}

bool range_contains_unaccepted_memory(phys_addr_t start, unsigned long size)
{
	struct unaccepted_state state;

	if (!unaccepted_get_state(&state))
		return false;
	return unaccepted_span_pending(&state, unaccepted_span(&state.map,
							       start, size));
}

/*
 * Boot.
 */

/**
 * unaccepted_table_usable() - Look at what the firmware or the stub left
 * @table: The table; its bitmap is not looked at.
 *
 * Context: Boot.
 * Return: false, with a line in the log, if the table is none that this
 * kernel understands. Without it all memory counts as accepted.
 */
bool __init
unaccepted_table_usable(const struct efi_unaccepted_memory *table)
{
	u64 max = (1ULL << MAX_PHYSMEM_BITS) - 1;
	u64 unit = table->unit_size;
	const char *wrong = NULL;

	if (table->version != 1)
		wrong = "version";
	else if (unit < PAGE_SIZE || !is_power_of_2(unit))
		wrong = "unit size";
	else if (!IS_ALIGNED(table->phys_base, unit) || table->phys_base > max)
		wrong = "base";
	else if (!table->size ||
		 table->size > (max - table->phys_base) / unit / BITS_PER_BYTE)
		wrong = "size";
	if (!wrong)
		return true;

	pr_err("table refused for its %s (version %u, unit 0x%x, base 0x%llx, size 0x%llx)\n",
	       wrong, table->version, table->unit_size, table->phys_base,
	       table->size);
	return false;
}

static unsigned long * __init alloc_units(const struct unaccepted_state *state)
{
	unsigned long *units;

	units = memblock_alloc(BITS_TO_LONGS(state->map.nr) * sizeof(long),
			       sizeof(long));
	if (!units)
		panic("%s: no memory for %lu units\n", __func__,
		      state->map.nr);
	return units;
}

/*
 * Of a unit that "mem=" has cut, or with a hole, only a part is mapped, so
 * nobody can fill it.
 */
static void __init accept_edge(const struct unaccepted_state *state,
			       phys_addr_t edge)
{
	phys_addr_t unit = 1ULL << state->map.shift;

	if (!IS_ALIGNED(edge, unit))
		accept_memory(ALIGN_DOWN(edge, unit), 1);
}

static void __init find_our_units(const struct unaccepted_state *state)
{
	unsigned long start, end;
	struct unaccepted_span span;
	int i;

	for_each_mem_pfn_range(i, MAX_NUMNODES, &start, &end, NULL) {
		span = unaccepted_span(&state->map, PFN_PHYS(start),
				       PFN_PHYS(end - start));
		if (span.first < span.guard)
			bitmap_set(our_units, span.first,
				   min(span.guard, state->map.nr) - span.first);
		accept_edge(state, PFN_PHYS(start));
		accept_edge(state, PFN_PHYS(end));
	}
}

/*
 * Who reserved memory by its address has not accepted it, nor the guard after
 * it, and may give it to the page allocator later as any other.
 */
static void __init accept_reserved(void)
{
	phys_addr_t start, end;
	u64 i;

	for_each_reserved_mem_range(i, &start, &end)
		accept_memory(start, end - start);
}

void __init unaccepted_memory_init(void)
{
	struct unaccepted_state state;

	if (!unaccepted_get_state(&state))
		return;

	our_units = alloc_units(&state);
	find_our_units(&state);
	accept_reserved();
	busy_units = alloc_units(&state);
	unaccepted_get_state(&state);
	unaccepted_buddy_init(&state);
	static_branch_enable(&unaccepted_list_key);
}
