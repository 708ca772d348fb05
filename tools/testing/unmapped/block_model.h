/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _UNMAPPED_BLOCK_MODEL_H
#define _UNMAPPED_BLOCK_MODEL_H

/*
 * A block beside a naive reference, which knows each page by a number and finds
 * out everything else by looking at all of them. Each step is taken on the
 * block, its result judged by the reference, and then all that the block says
 * of itself compared.
 *
 * A step returns NULL, or which rule the block broke.
 */

#include <linux/bits.h>
#include <linux/types.h>

#include "../../../mm/unmapped/block.h"

#define MODEL_MAX_PAGES		BIT(UNMAPPED_BLOCK_ORDER)

/* Who owns a page, or one of these. */
#define MODEL_FREE		0xffff
#define MODEL_BAD		0xfffe
#define MODEL_GONE		0xfffd	/* not the block's, or no longer */
#define MODEL_NR_OWNERS		0xfff0

/**
 * struct model - A block and its reference
 * @block: What is tested.
 * @memory: The allocation around it, with guards.
 * @order: Of the pages that the block began with: whole, or split.
 * @nr: How many that were. All else is %MODEL_GONE for ever.
 * @page: The reference.
 * @dirty: What the dirty bits are; block.c never touches them.
 * @nr_taken: Successful takes, so that a run can tell what it covered.
 * @nr_refused: Takes that found no range.
 * @nr_put: Ranges put back.
 * @nr_marked: Pages marked bad.
 * @nr_withdrawn: Pages withdrawn.
 */
struct model {
	struct unmapped_block *block;
	u8 *memory;
	unsigned int order;
	unsigned int nr;
	u16 page[MODEL_MAX_PAGES];
	bool dirty[MODEL_MAX_PAGES];
	unsigned long nr_taken;
	unsigned long nr_refused;
	unsigned long nr_put;
	unsigned long nr_marked;
	unsigned long nr_withdrawn;
};

const char *model_init(struct model *m, unsigned int order);
void model_destroy(struct model *m);

bool model_can_put(const struct model *m, unsigned int idx, unsigned int order);
bool model_can_mark_bad(const struct model *m, unsigned int idx);

const char *model_take(struct model *m, unsigned int order, u16 owner);
const char *model_take_some(struct model *m, unsigned int nr, u16 owner);
const char *model_put(struct model *m, unsigned int idx, unsigned int order);
const char *model_mark_bad(struct model *m, unsigned int idx);
const char *model_withdraw(struct model *m);

#endif /* _UNMAPPED_BLOCK_MODEL_H */
