// SPDX-License-Identifier: GPL-2.0
/*
 * A libFuzzer target for mm/unmapped/block.c.
 *
 * The first byte of the input is the order of the block, each three bytes
 * after it a step: what to do and at what order, then which page, or which
 * owner. A step that the rules forbid is left out.
 */

#include <linux/kernel.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "block_model.h"

#define STEP_BYTES	3

static const char *do_step(struct model *m, const uint8_t *step)
{
	unsigned int order = (step[0] >> 2) % (UNMAPPED_BLOCK_ORDER + 1);
	unsigned int arg = step[1] | step[2] << 8;
	unsigned int idx = arg % m->nr;

	switch (step[0] % 4) {
	case 0:
		if (arg % 8 == 7)
			return model_take_some(m, arg >> 8, 1 + order);
		fallthrough;
	case 1:
		return model_take(m, order, 1 + arg % (MODEL_NR_OWNERS - 1));
	case 2:
		idx &= ~0U << order;
		return model_can_put(m, idx, order) ?
		       model_put(m, idx, order) : NULL;
	default:
		if (arg % 64 == 63)
			return model_withdraw(m);
		return model_can_mark_bad(m, idx) ?
		       model_mark_bad(m, idx) : NULL;
	}
}

static void must_be_right(const char *broken)
{
	if (!broken)
		return;
	fprintf(stderr, "unmapped_block_fuzz: %s\n", broken);
	abort();
}

/* The Makefile gives it the name that libFuzzer calls. */
int fuzz_one_input(const uint8_t *data, size_t size);
int fuzz_one_input(const uint8_t *data, size_t size)
{
	struct model m;
	size_t at;

	if (!size)
		return 0;
	must_be_right(model_init(&m, data[0] % (UNMAPPED_BLOCK_ORDER + 1)));
	for (at = 1; at + STEP_BYTES <= size; at += STEP_BYTES)
		must_be_right(do_step(&m, data + at));
	model_destroy(&m);
	return 0;
}
