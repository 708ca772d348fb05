// SPDX-License-Identifier: GPL-2.0
/*
 * A model check of mm/unmapped/block.c, in user space.
 *
 * Three kinds of test: a new block of every order; all states that a small
 * block can reach, breadth first, with every step that is allowed in each;
 * long random walks over blocks of all orders. block_model.c judges each step.
 *
 * usage: unmapped_block_test [-s seed] [-n steps]
 *	-s seed    only the random walk of this seed
 *	-n steps   of each random walk
 */

#include <linux/kernel.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"
#include "block_model.h"

#define DEFAULT_STEPS	200000

static const u64 default_seeds[] = {
	1, 2, 3, 4, 0x5eed, 0xb10c, 0xdeadbeef, 0x0123456789abcdef,
};

/* A step, to be done and to be told. */

enum step_kind { TAKE, TAKE_SOME, PUT, MARK_BAD, WITHDRAW };

static const char * const step_names[] = {
	"take", "take_some", "put", "mark_bad", "withdraw",
};

struct step {
	enum step_kind kind;
	unsigned int idx;
	unsigned int order;
	u16 owner;
};

static bool can_step(const struct model *m, const struct step *step)
{
	switch (step->kind) {
	case PUT:
		return model_can_put(m, step->idx, step->order);
	case MARK_BAD:
		return model_can_mark_bad(m, step->idx);
	default:
		return true;
	}
}

static bool do_step(struct model *m, const struct step *step)
{
	const char *broken;

	if (step->kind == TAKE)
		broken = model_take(m, step->order, step->owner);
	else if (step->kind == TAKE_SOME)
		broken = model_take_some(m, step->idx, step->owner);
	else if (step->kind == PUT)
		broken = model_put(m, step->idx, step->order);
	else if (step->kind == MARK_BAD)
		broken = model_mark_bad(m, step->idx);
	else
		broken = model_withdraw(m);
	if (broken)
		ksft_print_msg("block of order %u, %s(idx %u, order %u): %s\n",
			       m->order, step_names[step->kind], step->idx,
			       step->order, broken);
	return !broken;
}

static bool new_block(struct model *m, unsigned int order)
{
	const char *broken = model_init(m, order);

	if (broken)
		ksft_print_msg("new block of order %u: %s\n", order, broken);
	return !broken;
}

static void test_new_block(unsigned int order)
{
	struct model m;
	bool good = new_block(&m, order);

	model_destroy(&m);
	ksft_test_result(good, "new block of order %u\n", order);
}

/*
 * All states of small blocks. The bytes of the descriptor are the state, but
 * for the owners of pages that are never the block's.
 */

#define SMALL_ORDER	3
#define SMALL_PAGES	(1U << SMALL_ORDER)
#define SMALL_BYTES	(offsetof(struct unmapped_block, owner) + \
			 SMALL_PAGES * sizeof(u16))
#define SMALL_OWNER	0x4242

struct state {
	u16 page[SMALL_PAGES];
	u8 bytes[SMALL_BYTES];
};

/*
 * struct search - A search in progress
 * @m: The block, in the state that is looked at.
 * @states: Those found; the first @nr_done of them have been looked at.
 * @seen: By state_number().
 * @nr_pages_seen: States that differ in more than the hint.
 */
struct search {
	struct model m;
	struct state *states;
	bool *seen;
	unsigned int nr_states;
	unsigned int nr_done;
	unsigned int nr_pages_seen;
};

static unsigned int power_of_4(unsigned int exponent)
{
	return 1U << 2 * exponent;
}

static unsigned int page_number(u16 page)
{
	switch (page) {
	case MODEL_FREE:
		return 0;
	case MODEL_BAD:
		return 1;
	case MODEL_GONE:
		return 2;
	default:
		return 3;
	}
}

/* A page is free, used, bad or gone. All else follows from the hint. */
static unsigned int pages_number(const struct model *m)
{
	unsigned int i, number = 0;

	for (i = 0; i < m->nr; i++)
		number = 4 * number + page_number(m->page[i]);
	return number;
}

/* A hint behind the last page is as good as the one after it. */
static unsigned int state_number(const struct model *m, unsigned int hint)
{
	return pages_number(m) * (SMALL_PAGES + 1) + min(hint, SMALL_PAGES);
}

static bool pages_are_new(const struct search *s)
{
	unsigned int hint;

	for (hint = 0; hint <= SMALL_PAGES; hint++) {
		if (s->seen[state_number(&s->m, hint)])
			return false;
	}
	return true;
}

static void save_state(struct search *s)
{
	unsigned int number = state_number(&s->m, s->m.block->hint);
	struct state *state;

	if (s->seen[number])
		return;
	s->nr_pages_seen += pages_are_new(s);
	s->seen[number] = true;
	state = &s->states[s->nr_states++];
	memcpy(state->page, s->m.page, sizeof(state->page));
	memcpy(state->bytes, s->m.block, SMALL_BYTES);
}

static void restore_state(struct search *s, unsigned int i)
{
	memcpy(s->m.page, s->states[i].page, sizeof(s->states[i].page));
	memcpy(s->m.block, s->states[i].bytes, SMALL_BYTES);
}

static bool try_step(struct search *s, const struct step *step)
{
	restore_state(s, s->nr_done);
	if (!can_step(&s->m, step))
		return true;
	if (!do_step(&s->m, step))
		return false;
	save_state(s);
	return true;
}

/* Also takes of more than the block has. */
static bool try_all_steps(struct search *s)
{
	struct step step = { .owner = SMALL_OWNER };
	bool good = true;

	for (step.order = 0; step.order <= SMALL_ORDER + 1; step.order++) {
		step.kind = TAKE;
		step.idx = 0;
		good = good && try_step(s, &step);
		step.kind = PUT;
		for (; step.idx < s->m.nr; step.idx++)
			good = good && try_step(s, &step);
	}
	step.kind = TAKE_SOME;
	for (step.idx = 1; step.idx <= s->m.nr; step.idx++)
		good = good && try_step(s, &step);
	step.kind = MARK_BAD;
	step.order = 0;
	for (step.idx = 0; step.idx < s->m.nr; step.idx++)
		good = good && try_step(s, &step);
	step.kind = WITHDRAW;
	return good && try_step(s, &step);
}

static bool visit_all(struct search *s)
{
	unsigned int max = power_of_4(SMALL_PAGES) * (SMALL_PAGES + 1);

	s->states = calloc(max, sizeof(*s->states));
	s->seen = calloc(max, sizeof(*s->seen));
	if (!s->states || !s->seen)
		ksft_exit_fail_msg("no memory for the search\n");

	save_state(s);
	for (; s->nr_done < s->nr_states; s->nr_done++) {
		if (!try_all_steps(s))
			return false;
	}
	return true;
}

/* Every page can be free, used, bad or gone, whatever the others are. */
static void test_all_states(unsigned int order)
{
	struct search s = {};
	bool good = new_block(&s.m, order) && visit_all(&s);

	if (good && s.nr_pages_seen != power_of_4(s.m.nr)) {
		ksft_print_msg("reached %u of %u combinations of pages\n",
			       s.nr_pages_seen, power_of_4(s.m.nr));
		good = false;
	}
	ksft_print_msg("order %u: %u states\n", order, s.nr_states);
	free(s.states);
	free(s.seen);
	model_destroy(&s.m);
	ksft_test_result(good, "all states of a block of order %u\n", order);
}

/* Random walks. */

/*
 * struct walk - A walk in progress
 * @m: The block.
 * @random: State of the generator.
 * @percent_take: How many of the steps are takes, for now.
 * @max_order: No range is of a higher order, for now.
 * @left: Steps to do.
 * @nr_taken: As in the model, over all blocks of the walk; the others too.
 */
struct walk {
	struct model m;
	u64 random;
	unsigned int percent_take;
	unsigned int max_order;
	unsigned long left;
	unsigned long nr_taken;
	unsigned long nr_refused;
	unsigned long nr_put;
	unsigned long nr_marked;
	unsigned long nr_withdrawn;
};

/* xorshift64*, its upper half. */
static unsigned int random_below(struct walk *w, unsigned int limit)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (w->random * 0x2545f4914f6cdd1dULL >> 32) % limit;
}

/* Blocks are to fill up and run empty, with large ranges and small ones. */
static void change_mood(struct walk *w)
{
	w->percent_take = 10 + random_below(w, 81);
	w->max_order = random_below(w, UNMAPPED_BLOCK_ORDER + 1);
}

static unsigned int random_used_page(struct walk *w)
{
	unsigned int idx = random_below(w, w->m.nr);
	unsigned int i;

	for (i = 0; i < w->m.nr && !model_can_put(&w->m, idx, 0); i++)
		idx = (idx + 1) % w->m.nr;
	return idx;
}

/* The largest range around a random page that can be put and is wanted. */
static struct step random_put(struct walk *w)
{
	unsigned int page = random_used_page(w);
	struct step step = { .kind = PUT, .idx = page };
	int order = random_below(w, w->max_order + 1);

	for (; order >= 0; order--) {
		step.order = order;
		step.idx = page & (~0U << order);
		if (model_can_put(&w->m, step.idx, order))
			break;
	}
	return step;
}

static struct step random_step(struct walk *w)
{
	struct step step = { .kind = TAKE };

	if (random_below(w, 100) < w->percent_take) {
		step.order = random_below(w, w->max_order + 1);
		step.owner = 1 + random_below(w, MODEL_NR_OWNERS - 1);
		if (!random_below(w, 8)) {
			step.kind = TAKE_SOME;
			step.idx = random_below(w, 64);
		}
		return step;
	}
	if (random_below(w, 128))
		return random_put(w);
	if (!random_below(w, 16)) {
		step.kind = WITHDRAW;
		return step;
	}
	step.kind = MARK_BAD;
	step.idx = random_below(w, w->m.nr);
	return step;
}

static bool walk_block(struct walk *w, unsigned long steps)
{
	unsigned long i;
	struct step step;

	for (i = 0; i < steps; i++) {
		if (i % (w->m.nr + 8) == 0)
			change_mood(w);
		step = random_step(w);
		if (can_step(&w->m, &step) && !do_step(&w->m, &step)) {
			ksft_print_msg("at step %lu of the block\n", i);
			return false;
		}
	}
	return true;
}

static void add_counts(struct walk *w)
{
	w->nr_taken += w->m.nr_taken;
	w->nr_refused += w->m.nr_refused;
	w->nr_put += w->m.nr_put;
	w->nr_marked += w->m.nr_marked;
	w->nr_withdrawn += w->m.nr_withdrawn;
}

/* One block after the other, for bad and withdrawn pages never come back. */
static bool walk(struct walk *w)
{
	unsigned int order;
	unsigned long steps;
	bool good = true;

	while (good && w->left) {
		order = random_below(w, UNMAPPED_BLOCK_ORDER + 1);
		steps = min(w->left, (16UL << order) + 64);
		good = new_block(&w->m, order) && walk_block(w, steps);
		add_counts(w);
		model_destroy(&w->m);
		w->left -= steps;
	}
	return good;
}

static void test_walk(u64 seed, unsigned long steps)
{
	struct walk w = {
		.random = seed ^ 0x9e3779b97f4a7c15ULL,
		.left = steps,
	};
	bool good;

	w.random = w.random ?: 1;	/* 0 would stay 0 */
	good = walk(&w);
	ksft_print_msg("%lu takes, %lu refused, %lu puts, %lu bad, %lu gone\n",
		       w.nr_taken, w.nr_refused, w.nr_put, w.nr_marked,
		       w.nr_withdrawn);
	ksft_test_result(good, "random walk: seed %#llx, %lu steps\n",
			 (unsigned long long)seed, steps);
}

static void test_everything(unsigned long steps)
{
	unsigned int i;

	ksft_set_plan(UNMAPPED_BLOCK_ORDER + 1 + SMALL_ORDER + 1 +
		      ARRAY_SIZE(default_seeds));
	for (i = 0; i <= UNMAPPED_BLOCK_ORDER; i++)
		test_new_block(i);
	for (i = 0; i <= SMALL_ORDER; i++)
		test_all_states(i);
	for (i = 0; i < ARRAY_SIZE(default_seeds); i++)
		test_walk(default_seeds[i], steps);
}

int main(int argc, char **argv)
{
	unsigned long steps = DEFAULT_STEPS;
	const char *seed = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:")) != -1) {
		if (opt == 's')
			seed = optarg;
		else if (opt == 'n')
			steps = strtoul(optarg, NULL, 0);
		else
			return KSFT_FAIL;
	}
	ksft_print_header();
	if (seed) {
		ksft_set_plan(1);
		test_walk(strtoull(seed, NULL, 0), steps);
	} else {
		test_everything(steps);
	}
	ksft_finished();
}
