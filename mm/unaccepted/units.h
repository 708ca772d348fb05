/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_UNACCEPTED_UNITS_H
#define _MM_UNACCEPTED_UNITS_H

/*
 * From addresses to units, the bits of the table. Pure arithmetic: it also
 * builds in user space, see tools/testing/unaccepted.
 */

#include <linux/types.h>

#ifndef __KERNEL__
#define UNACCEPTED_PAGE_SIZE	4096ULL
#else
#define UNACCEPTED_PAGE_SIZE	((u64)PAGE_SIZE)
#endif

/**
 * struct unaccepted_map - the part of memory that a table describes
 * @base: First address, bytes, a multiple of the unit.
 * @shift: log2 of the size of a unit in bytes, at least that of a page.
 * @nr: Units.
 */
struct unaccepted_map {
	u64 base;
	unsigned int shift;
	unsigned long nr;
};

/**
 * struct unaccepted_span - some units of a map
 * @first: The first.
 * @end: The one after the last; @first if there is none.
 * @guard: As @end, but without the guard of the range. Units from here on are
 *	not the range's own.
 */
struct unaccepted_span {
	unsigned long first;
	unsigned long end;
	unsigned long guard;
};

/**
 * unaccepted_span() - Find the units to accept before a range is used
 * @map: The map.
 * @start: First address of the range, bytes.
 * @size: Its size, bytes.
 *
 * The range is that of whole pages, as their owner may use them to the end.
 * If it ends where a unit ends, the next unit belongs to the span. It is the
 * guard: load_unaligned_zeropad() may read up to seven bytes past the end,
 * and no exception handler could mend that if it hits unaccepted memory.
 *
 * Return: The span; empty if the map has no unit of the range.
 */
static inline struct unaccepted_span
unaccepted_span(const struct unaccepted_map *map, u64 start, u64 size)
{
	u64 mask = UNACCEPTED_PAGE_SIZE - 1, unit = 1ULL << map->shift;
	u64 limit = map->base + ((u64)map->nr << map->shift);
	struct unaccepted_span span = { };
	u64 end = limit;

	if (!size || start >= limit)
		return span;
	if (size < limit - start)
		end = (start + size + mask) & ~mask;
	if (end < map->base)
		return span;

	start &= ~mask;
	if (start > map->base)
		span.first = (start - map->base) >> map->shift;
	end -= map->base;
	span.guard = (end + unit - 1) >> map->shift;
	span.end = (end + unit) >> map->shift;
	if (span.end > map->nr)
		span.end = map->nr;
	return span;
}

#endif /* _MM_UNACCEPTED_UNITS_H */
