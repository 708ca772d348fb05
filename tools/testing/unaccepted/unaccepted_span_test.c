// SPDX-License-Identifier: GPL-2.0
/*
 * A model check of mm/unaccepted/units.h, in user space: every range over
 * small maps whose ends lie on, just before or just after the border of a
 * page or a unit, then random ones over larger maps.
 */

#include <linux/kernel.h>
#include <linux/types.h>
#include <stdlib.h>

#include "kselftest.h"
#include "span_model.h"

static bool ok(const struct unaccepted_map *map, u64 start, u64 size)
{
	const char *broken = check_span(map, start, size);

	if (broken)
		ksft_print_msg("base 0x%llx shift %u nr %lu, 0x%llx + 0x%llx: %s\n",
			       (unsigned long long)map->base, map->shift,
			       map->nr, (unsigned long long)start,
			       (unsigned long long)size, broken);
	return !broken;
}

/* Border @i of the pages that the map and a unit around it touch, and @off. */
static u64 border(const struct unaccepted_map *map, unsigned int i, int off)
{
	u64 unit = 1ULL << map->shift;
	u64 from = map->base > unit ? map->base - unit : 0;

	return from + i * UNACCEPTED_PAGE_SIZE + off;
}

static bool check_borders(const struct unaccepted_map *map)
{
	unsigned int pages = (map->nr + 2) << (map->shift - 12), i, j;
	int a, b;

	for (i = 1; i <= pages; i++)
		for (j = i; j <= pages; j++)
			for (a = -1; a <= 1; a++)
				for (b = -1; b <= 1; b++) {
					u64 start = border(map, i, a);
					u64 end = border(map, j, b);

					if (end >= start &&
					    !ok(map, start, end - start))
						return false;
				}
	return true;
}

static void test_borders(unsigned int shift, unsigned long nr, u64 base)
{
	struct unaccepted_map map = {
		.base = base << shift, .shift = shift, .nr = nr,
	};

	ksft_test_result(check_borders(&map),
			 "borders, %lu units of %u pages at unit %llu\n", nr,
			 1U << (shift - 12), (unsigned long long)base);
}

static u64 random_u64(void)
{
	return (u64)random() << 42 ^ (u64)random() << 21 ^ random();
}

static void test_random(unsigned int seed)
{
	unsigned int i;

	srandom(seed);
	for (i = 0; i < 200000; i++) {
		struct unaccepted_map map = { .shift = 12 + random() % 19 };
		u64 bits = 12 + random() % 40;

		map.nr = random() % 64;
		map.base = (random_u64() & ((1ULL << 20) - 1)) << map.shift;
		if (!ok(&map, random_u64() & ((1ULL << bits) - 1),
			random_u64() & ((1ULL << bits) - 1)))
			break;
	}
	ksft_test_result(i == 200000, "200000 ranges, seed %u\n", seed);
}

int main(void)
{
	unsigned int seed, shift;

	ksft_print_header();
	ksft_set_plan(3 * 4 + 4);
	for (shift = 12; shift < 15; shift++) {
		test_borders(shift, 1, 0);
		test_borders(shift, 3, 0);
		test_borders(shift, 3, 2);
		test_borders(shift, 0, 1);
	}
	for (seed = 1; seed <= 4; seed++)
		test_random(seed);
	ksft_finished();
}
