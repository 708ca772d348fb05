// SPDX-License-Identifier: GPL-2.0
/*
 * Feeds unaccepted_span() what libFuzzer comes up with. The first bytes make
 * a small map, the rest are ranges.
 */

#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "span_model.h"

int fuzz_one_input(const u8 *data, size_t size);

int fuzz_one_input(const u8 *data, size_t size)
{
	struct unaccepted_map map;
	const char *broken;
	u64 range[2];

	if (size < 4)
		return 0;
	map.shift = 12 + data[0] % 19;
	map.nr = data[1];
	map.base = (u64)(data[2] | data[3] << 8) << map.shift;

	for (data += 4, size -= 4; size >= sizeof(range);
	     data += sizeof(range), size -= sizeof(range)) {
		memcpy(range, data, sizeof(range));
		range[0] &= (1ULL << 52) - 1;
		range[1] &= (1ULL << 52) - 1;
		broken = check_span(&map, range[0], range[1]);
		if (!broken)
			continue;
		fprintf(stderr, "base 0x%llx shift %u nr %lu, 0x%llx + 0x%llx: %s\n",
			(unsigned long long)map.base, map.shift, map.nr,
			(unsigned long long)range[0],
			(unsigned long long)range[1], broken);
		abort();
	}
	return 0;
}
