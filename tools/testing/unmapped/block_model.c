// SPDX-License-Identifier: GPL-2.0
/*
 * The naive reference of a block, see block_model.h.
 *
 * The descriptor lies between two guards. ASan stops an access to them;
 * without it a changed guard is seen after the step.
 */

#include <linux/kernel.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "block_model.h"

#define GUARD_SIZE	64
#define GUARD_BYTE	0xa5
#define JUNK_BYTE	0x5a

#define MODEL_PFN	0x12345600UL
#define MODEL_NID	3

/* Memory around the descriptor. */

static size_t memory_size(const struct model *m)
{
	return unmapped_block_size(m->order) + 2 * GUARD_SIZE;
}

static u8 *upper_guard(const struct model *m)
{
	return m->memory + GUARD_SIZE + unmapped_block_size(m->order);
}

static bool alloc_memory(struct model *m)
{
	m->memory = malloc(memory_size(m));
	if (!m->memory)
		return false;
	memset(m->memory, GUARD_BYTE, memory_size(m));
	m->block = (struct unmapped_block *)(m->memory + GUARD_SIZE);
	memset(m->block, JUNK_BYTE, unmapped_block_size(m->order));
	ASAN_POISON_MEMORY_REGION(m->memory, GUARD_SIZE);
	ASAN_POISON_MEMORY_REGION(upper_guard(m), GUARD_SIZE);
	return true;
}

/* Looks at memory that is poisoned for everybody else. */
__attribute__((no_sanitize("address")))
static bool guard_is_intact(const u8 *guard)
{
	unsigned int i;

	for (i = 0; i < GUARD_SIZE; i++) {
		if (guard[i] != GUARD_BYTE)
			return false;
	}
	return true;
}

/* What the reference knows. */

static bool is_used(u8 page)
{
	return page != MODEL_FREE && page != MODEL_BAD;
}

static unsigned int count_pages(const struct model *m, u8 kind)
{
	unsigned int i, nr = 0;

	for (i = 0; i < m->nr; i++)
		nr += m->page[i] == kind;
	return nr;
}

static bool range_is_free(const struct model *m, unsigned int idx,
			  unsigned int nr)
{
	unsigned int i;

	for (i = idx; i < idx + nr; i++) {
		if (m->page[i] != MODEL_FREE)
			return false;
	}
	return true;
}

static bool has_free_range(const struct model *m, unsigned int order)
{
	unsigned int idx, nr = 1U << order;

	for (idx = 0; idx + nr <= m->nr; idx += nr) {
		if (range_is_free(m, idx, nr))
			return true;
	}
	return false;
}

/**
 * model_can_put() - Ask whether a range may be put back
 * @m: The model.
 * @idx: First page.
 * @order: Order of the range, not necessarily that of a take: a user may put
 *	back page by page.
 *
 * Return: Whether it is aligned, in the block, in use, and has no bad page.
 */
bool model_can_put(const struct model *m, unsigned int idx, unsigned int order)
{
	unsigned int i, nr = 1U << order;

	if (idx % nr || idx + nr > m->nr)
		return false;
	for (i = idx; i < idx + nr; i++) {
		if (!is_used(m->page[i]))
			return false;
	}
	return true;
}

/**
 * model_can_mark_bad() - Ask whether a page may be marked bad
 * @m: The model.
 * @idx: The page.
 *
 * Return: Whether it is in use.
 */
bool model_can_mark_bad(const struct model *m, unsigned int idx)
{
	return idx < m->nr && is_used(m->page[idx]);
}

/* Comparing. */

static bool bit_is_set(const unsigned long *map, unsigned int bit)
{
	return map[bit / BITS_PER_LONG] >> (bit % BITS_PER_LONG) & 1;
}

static const char *check_layout(const struct model *m)
{
	const struct unmapped_block *block = m->block;
	const u8 *used = (const u8 *)block->used;
	const u8 *dirty = (const u8 *)block->dirty;
	size_t bytes = BITS_TO_LONGS(m->nr) * sizeof(long);

	if (used < (const u8 *)(block + 1) || dirty < used + bytes ||
	    block->owner < dirty + bytes)
		return "the arrays of the descriptor overlap";
	if (block->owner + m->nr > upper_guard(m))
		return "unmapped_block_size() is too small";
	return NULL;
}

static const char *check_identity(const struct model *m)
{
	const struct unmapped_block *block = m->block;

	if (block->pfn != MODEL_PFN)
		return "wrong pfn";
	if (block->nid != MODEL_NID)
		return "wrong nid";
	if (block->order != m->order || block_nr_pages(block) != m->nr)
		return "wrong order";
	if (!list_empty(&block->list))
		return "the list entry changed";
	return NULL;
}

static const char *check_page(const struct model *m, unsigned int i)
{
	u8 owner = is_used(m->page[i]) ? m->page[i] : UNMAPPED_NO_OWNER;
	bool is_free = m->page[i] == MODEL_FREE;

	if (bit_is_set(m->block->used, i) == is_free)
		return "wrong used bit";
	if (bit_is_set(m->block->dirty, i) != m->dirty[i])
		return "a dirty bit changed";
	if (m->block->owner[i] != owner)
		return "wrong owner";
	if (i < m->block->hint && is_free)
		return "a page below the hint is free";
	return NULL;
}

static const char *check_pages(const struct model *m)
{
	const char *broken;
	unsigned int i;

	if (m->block->hint > m->nr)
		return "the hint is outside the block";
	for (i = 0; i < m->nr; i++) {
		broken = check_page(m, i);
		if (broken)
			return broken;
	}
	return NULL;
}

/* Bucket n is for 1 << (n - 1) free pages and more, but not twice as many. */
static unsigned int bucket_for(unsigned int nr_free)
{
	unsigned int bucket = 0;

	while (nr_free >= 1U << bucket)
		bucket++;
	return bucket;
}

static const char *check_counts(const struct model *m)
{
	unsigned int nr_free = count_pages(m, MODEL_FREE);
	unsigned int bucket = block_bucket(m->block);
	bool is_full = nr_free == 0, is_empty = nr_free == m->nr;
	bool is_last = bucket == UNMAPPED_NR_BUCKETS - 1;
	bool is_whole = is_empty && m->order == UNMAPPED_BLOCK_ORDER;

	if (m->block->nr_free != nr_free)
		return "wrong nr_free";
	if (m->block->nr_bad != count_pages(m, MODEL_BAD))
		return "wrong nr_bad";
	if (block_is_empty(m->block) != is_empty)
		return "wrong block_is_empty()";
	if (bucket != bucket_for(nr_free) || bucket >= UNMAPPED_NR_BUCKETS)
		return "wrong block_bucket()";
	if (is_full != !bucket)
		return "bucket 0 is not for full blocks";
	if (is_last != is_whole)
		return "the last bucket is not for empty PMD-sized blocks";
	return NULL;
}

static const char *check(const struct model *m)
{
	const char *broken;

	if (!guard_is_intact(m->memory) || !guard_is_intact(upper_guard(m)))
		return "memory outside the descriptor changed";
	broken = check_identity(m);
	if (!broken)
		broken = check_layout(m);
	if (!broken)
		broken = check_pages(m);
	if (!broken)
		broken = check_counts(m);
	return broken;
}

/* Steps. */

/* Some of each, in every word. */
static void fill_dirty(struct model *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		m->dirty[i] = (i * 7 + i / 5) % 3 == 0;
		if (m->dirty[i])
			__set_bit(i, m->block->dirty);
	}
}

/**
 * model_init() - Make a block whose pages are all free
 * @m: Filled in; to be given to model_destroy(), whatever this returns.
 * @order: Order of the block.
 *
 * Return: NULL, or the rule that is broken.
 */
const char *model_init(struct model *m, unsigned int order)
{
	const char *broken;

	memset(m, 0, sizeof(*m));
	m->order = order;
	m->nr = 1U << order;
	memset(m->page, MODEL_FREE, sizeof(m->page));
	if (!alloc_memory(m))
		return "no memory for the test";

	unmapped_block_init(m->block, MODEL_PFN, order, MODEL_NID);
	broken = check(m);
	if (!broken)
		fill_dirty(m);
	return broken;
}

/**
 * model_destroy() - Free the block
 * @m: The model.
 */
void model_destroy(struct model *m)
{
	if (m->memory)
		ASAN_UNPOISON_MEMORY_REGION(m->memory, memory_size(m));
	free(m->memory);
	m->memory = NULL;
}

static const char *refused(struct model *m, unsigned int order, int idx)
{
	m->nr_refused++;
	if (idx != -1)
		return "take returned neither an index nor -1";
	if (has_free_range(m, order))
		return "take missed a free range";
	return check(m);
}

/**
 * model_take() - Take a range
 * @m: The model.
 * @order: Order of the range.
 * @owner: Less than %MODEL_NR_OWNERS.
 *
 * Return: NULL, or the rule that is broken.
 */
const char *model_take(struct model *m, unsigned int order, u8 owner)
{
	int idx = unmapped_block_take(m->block, order, owner);
	unsigned int nr = 1U << order;

	if (idx < 0)
		return refused(m, order, idx);
	m->nr_taken++;
	if (idx % nr)
		return "take returned an unaligned range";
	if (idx + nr > m->nr)
		return "take returned pages outside the block";
	if (!range_is_free(m, idx, nr))
		return "take returned a page that is not free";
	memset(m->page + idx, owner, nr);
	return check(m);
}

/**
 * model_put() - Put a range back
 * @m: The model.
 * @idx: First page.
 * @order: Order of the range; model_can_put() says whether it may be.
 *
 * Return: NULL, or the rule that is broken.
 */
const char *model_put(struct model *m, unsigned int idx, unsigned int order)
{
	m->nr_put++;
	unmapped_block_put(m->block, idx, order);
	memset(m->page + idx, MODEL_FREE, 1U << order);
	return check(m);
}

/**
 * model_mark_bad() - Mark a page bad
 * @m: The model.
 * @idx: The page; model_can_mark_bad() says whether it may be.
 *
 * Return: NULL, or the rule that is broken.
 */
const char *model_mark_bad(struct model *m, unsigned int idx)
{
	m->nr_marked++;
	unmapped_block_mark_bad(m->block, idx);
	m->page[idx] = MODEL_BAD;
	return check(m);
}
