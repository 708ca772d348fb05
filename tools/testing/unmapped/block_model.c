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

#define MEMORY_SIZE	(sizeof(struct unmapped_block) + 2 * GUARD_SIZE)

static u8 *upper_guard(const struct model *m)
{
	return m->memory + GUARD_SIZE + sizeof(*m->block);
}

static bool alloc_memory(struct model *m)
{
	m->memory = malloc(MEMORY_SIZE);
	if (!m->memory)
		return false;
	memset(m->memory, GUARD_BYTE, MEMORY_SIZE);
	m->block = (struct unmapped_block *)(m->memory + GUARD_SIZE);
	memset(m->block, JUNK_BYTE, sizeof(*m->block));
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

static bool is_used(u16 page)
{
	return page < MODEL_NR_OWNERS;
}

static unsigned int count_pages(const struct model *m, u16 kind)
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

static const char *check_identity(const struct model *m)
{
	const struct unmapped_block *block = m->block;
	bool is_whole;

	if (block->pfn != MODEL_PFN)
		return "wrong pfn";
	if (block->nid != MODEL_NID)
		return "wrong nid";
	if (block->nr_pages != m->nr - count_pages(m, MODEL_GONE))
		return "wrong nr_pages";
	is_whole = block->nr_pages == MODEL_MAX_PAGES;
	if (block->split == is_whole)
		return "wrong split";
	if (!list_empty(&block->list))
		return "the list entry changed";
	return NULL;
}

static const char *check_page(const struct model *m, unsigned int i)
{
	u16 owner = is_used(m->page[i]) ? m->page[i] : UNMAPPED_NO_OWNER;
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

	if (m->block->hint > MODEL_MAX_PAGES)
		return "the hint is outside the block";
	for (i = 0; i < m->nr; i++) {
		broken = check_page(m, i);
		if (broken)
			return broken;
	}
	/* Nothing beyond has ever been the block's */
	for (; i < MODEL_MAX_PAGES && i < m->nr + BITS_PER_LONG; i++) {
		if (!bit_is_set(m->block->used, i) || m->block->owner[i])
			return "a page that is not the block's is free or owned";
	}
	return NULL;
}

/* None is used, and a bad one keeps the block. */
static bool only_bad_pages(const struct model *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		if (is_used(m->page[i]))
			return false;
	}
	return count_pages(m, MODEL_BAD);
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
	bool is_full = nr_free == 0, is_empty = nr_free == MODEL_MAX_PAGES;
	bool is_sparse = !is_empty && nr_free >= MODEL_MAX_PAGES / 2;

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
	if (is_empty ? bucket != UNMAPPED_EMPTY : bucket == UNMAPPED_EMPTY)
		return "the last bucket is not for empty blocks";
	if (is_sparse ? bucket != UNMAPPED_SPARSE : bucket == UNMAPPED_SPARSE)
		return "the last bucket but one is not for sparse blocks";
	if (block_is_poisoned(m->block) != only_bad_pages(m))
		return "wrong block_is_poisoned()";
	return NULL;
}

static const char *check(const struct model *m)
{
	const char *broken;

	if (!guard_is_intact(m->memory) || !guard_is_intact(upper_guard(m)))
		return "memory outside the descriptor changed";
	broken = check_identity(m);
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
 * model_init() - Make a block with free pages
 * @m: Filled in; to be given to model_destroy(), whatever this returns.
 * @order: How many: a whole block, or the beginning of a split one.
 *
 * Return: NULL, or the rule that is broken.
 */
const char *model_init(struct model *m, unsigned int order)
{
	const char *broken;

	memset(m, 0, sizeof(*m));
	m->order = order;
	m->nr = 1U << order;
	memset(m->page, 0xff, sizeof(m->page));	/* MODEL_FREE */
	if (!alloc_memory(m))
		return "no memory for the test";

	unmapped_block_init(m->block, MODEL_PFN, MODEL_NID,
			    order < UNMAPPED_BLOCK_ORDER);
	if (order < UNMAPPED_BLOCK_ORDER) {
		unmapped_block_add(m->block, order);
		unmapped_block_put(m->block, 0, order);
	}
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
		ASAN_UNPOISON_MEMORY_REGION(m->memory, MEMORY_SIZE);
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
 * @owner: Not 0, and less than %MODEL_NR_OWNERS.
 *
 * Return: NULL, or the rule that is broken.
 */
const char *model_take(struct model *m, unsigned int order, u16 owner)
{
	int idx = unmapped_block_take(m->block, order);
	unsigned int i, nr = 1U << order;

	if (idx < 0)
		return refused(m, order, idx);
	m->nr_taken++;
	if (idx % nr)
		return "take returned an unaligned range";
	if (idx + nr > m->nr)
		return "take returned pages outside the block";
	if (!range_is_free(m, idx, nr))
		return "take returned a page that is not free";
	unmapped_block_set_owner(m->block, idx, order, owner);
	for (i = idx; i < idx + nr; i++)
		m->page[i] = owner;
	return check(m);
}

/**
 * model_take_some() - Take pages one by one
 * @m: The model.
 * @nr: How many at most.
 * @owner: As for model_take().
 *
 * Return: NULL, or the rule that is broken.
 */
const char *model_take_some(struct model *m, unsigned int nr, u16 owner)
{
	unsigned int free = count_pages(m, MODEL_FREE), i, got;
	struct unmapped_page pages[MODEL_MAX_PAGES];
	int last = -1;

	got = unmapped_block_take_some(m->block, pages, nr);
	if (got != min(nr, free))
		return "take_some took more or less than it should";
	for (i = 0; i < got; i++) {
		int idx = pages[i].idx;

		if (pages[i].block != m->block || idx <= last)
			return "take_some is not in the order of addresses";
		if (idx >= (int)m->nr || m->page[idx] != MODEL_FREE)
			return "take_some took a page that is not free";
		unmapped_block_set_owner(m->block, idx, 0, owner);
		m->page[idx] = owner;
		last = idx;
	}
	m->nr_taken += got;
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
	unsigned int i;

	m->nr_put++;
	unmapped_block_set_owner(m->block, idx, order, UNMAPPED_NO_OWNER);
	unmapped_block_put(m->block, idx, order);
	for (i = idx; i < idx + (1U << order); i++)
		m->page[i] = MODEL_FREE;
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
	unmapped_block_set_owner(m->block, idx, 0, UNMAPPED_NO_OWNER);
	unmapped_block_mark_bad(m->block, idx);
	m->page[idx] = MODEL_BAD;
	return check(m);
}

/**
 * model_withdraw() - Take the free pages away from a block
 * @m: The model.
 *
 * Return: NULL, or the rule that is broken.
 */
const char *model_withdraw(struct model *m)
{
	DECLARE_BITMAP(pages, MODEL_MAX_PAGES);
	unsigned int nr = unmapped_block_withdraw(m->block, pages);
	unsigned int i;

	if (nr != count_pages(m, MODEL_FREE))
		return "withdraw returned another number of pages";
	for (i = 0; i < MODEL_MAX_PAGES; i++) {
		bool is_free = i < m->nr && m->page[i] == MODEL_FREE;

		if (bit_is_set(pages, i) != is_free)
			return "withdraw took other pages than the free ones";
		if (is_free)
			m->page[i] = MODEL_GONE;
	}
	/* As its caller does, when the pages are back */
	m->block->nr_pages -= nr;
	m->block->split |= nr;
	m->nr_withdrawn += nr;
	return check(m);
}
