/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_UNACCEPTED_UNACCEPTED_H
#define _MM_UNACCEPTED_UNACCEPTED_H

#include <linux/bitmap.h>
#include <linux/efi.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/unaccepted_memory.h>

#include "units.h"

/**
 * struct unaccepted_state - which units are accepted, and by whom just now
 * @map: What the table describes.
 * @bitmap: The table's: a bit for each unit that is not accepted. Bits are
 *	only ever cleared, by the holder of the unit's bit in @busy, after the
 *	memory can be used. Read without a lock.
 * @busy: A bit for each unit that some CPU accepts just now. %NULL while the
 *	boot CPU is alone and nothing can interrupt it.
 * @ours: A bit for each unit with memory of this kernel. The table may name
 *	more: what "mem=" cut off, or the memory of a kernel that crashed.
 *	Set at boot together with @busy.
 */
struct unaccepted_state {
	struct unaccepted_map map;
	unsigned long *bitmap;
	unsigned long *busy;
	unsigned long *ours;
};

/* accept.c */
bool unaccepted_get_state(struct unaccepted_state *state);
bool unaccepted_span_pending(const struct unaccepted_state *state,
			     struct unaccepted_span span);
unsigned int unaccepted_accept_span(const struct unaccepted_state *state,
				    struct unaccepted_span span,
				    enum accept_cause cause);

/* stats.c */
void unaccepted_count_unit(const struct unaccepted_state *state,
			   unsigned long unit, enum accept_cause cause,
			   bool guard, u64 ns);
void unaccepted_count_wait(void);
void unaccepted_count_stall(unsigned int units, u64 ns);

/* Units of this kernel's memory that are not accepted. */
static inline unsigned long
unaccepted_units_left(const struct unaccepted_state *state)
{
	return bitmap_weight_and(state->bitmap, state->ours, state->map.nr);
}

static inline phys_addr_t
unaccepted_unit_start(const struct unaccepted_state *state, unsigned long unit)
{
	return state->map.base + ((u64)unit << state->map.shift);
}

/* Without its guard. */
static inline bool unaccepted_pfn_pending(const struct unaccepted_state *state,
					  unsigned long pfn)
{
	u64 addr = (u64)pfn << PAGE_SHIFT;
	u64 unit = (addr - state->map.base) >> state->map.shift;

	return addr >= state->map.base && unit < state->map.nr &&
	       test_bit_acquire(unit, state->bitmap);
}

/* The value of accept_memory=. */
enum unaccepted_mode {
	UNACCEPTED_ON_DEMAND,
	UNACCEPTED_BACKGROUND,
	UNACCEPTED_EAGER,
	UNACCEPTED_LIST,
};

/* What a zone has at hand when init starts: see unaccepted_set_reserve(). */
#define UNACCEPTED_RESERVE_KBYTES	(SZ_8M / SZ_1K)

#if IS_ENABLED(CONFIG_UNACCEPTED_BUDDY)
extern enum unaccepted_mode unaccepted_mode;
extern const char * const unaccepted_modes[];

/* buddy.c */
bool unaccepted_buddy_init(const struct unaccepted_state *state);
void unaccepted_unit_ready(const struct unaccepted_state *state,
			   unsigned long unit);
bool unaccepted_reserve_short(struct zone *zone);
bool unaccepted_gather_pages(struct zone *zone);
bool unaccepted_accept_next(struct zone *zone);

/* worker.c */
extern unsigned long unaccepted_reserve_kbytes;
extern unsigned long unaccepted_rate_mbps;
extern bool unaccepted_background;
void unaccepted_wake_worker(int nid);
void unaccepted_start_background(void);
void unaccepted_set_reserve(unsigned long kbytes);
#else
static inline bool unaccepted_buddy_init(const struct unaccepted_state *state)
{
	return false;
}

static inline void unaccepted_unit_ready(const struct unaccepted_state *state,
					 unsigned long unit)
{
}

static inline void unaccepted_start_background(void)
{
}

static inline void unaccepted_set_reserve(unsigned long kbytes)
{
}
#endif

#if IS_ENABLED(CONFIG_KUNIT)
/* Static, but for the tests */
void unaccepted_platform_accept(const struct unaccepted_state *state,
				unsigned long unit);
#endif

#endif /* _MM_UNACCEPTED_UNACCEPTED_H */
