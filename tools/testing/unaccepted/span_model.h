/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _UNACCEPTED_SPAN_MODEL_H
#define _UNACCEPTED_SPAN_MODEL_H

/*
 * unaccepted_span() beside a naive reference, which asks of each unit of the
 * map whether a byte of the range's pages lies in it, or whether it is the
 * one right after them.
 */

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "../../../mm/unaccepted/units.h"

static inline bool model_in_range(u64 unit, u64 size, u64 start, u64 last)
{
	return unit <= last && unit + size - 1 >= start;
}

/* NULL, or which rule was broken. Addresses are those of 52 bits. */
static inline const char *check_span(const struct unaccepted_map *map,
				     u64 start, u64 size)
{
	struct unaccepted_span span = unaccepted_span(map, start, size);
	u64 mask = UNACCEPTED_PAGE_SIZE - 1, unit_size = 1ULL << map->shift;
	u64 first = start & ~mask, last = (start + size - 1) | mask;
	bool in_range, is_guard, in_span, past_guard;
	unsigned long i;
	u64 unit;

	if (span.end > map->nr || span.first > span.end)
		return "the span is not in the map";
	for (i = 0; i < map->nr; i++) {
		unit = map->base + i * unit_size;
		in_range = size && model_in_range(unit, unit_size, first, last);
		is_guard = size && last + 1 == unit;
		in_span = i >= span.first && i < span.end;
		past_guard = i >= span.guard;
		if (in_range && !in_span)
			return "a unit of the range is missing";
		if (is_guard && !in_span)
			return "the guard is missing";
		if (in_span && !in_range && !is_guard)
			return "a unit too many";
		if (in_span && past_guard != (is_guard && !in_range))
			return "the guard is not told from the range";
	}
	return NULL;
}

#endif /* _UNACCEPTED_SPAN_MODEL_H */
