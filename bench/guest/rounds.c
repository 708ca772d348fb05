// SPDX-License-Identifier: GPL-2.0
/* Rounds of loading and freeing code. */
#include <stdio.h>
#include <unistd.h>

#include "measure.h"
#include "rounds.h"

/*
 * What frees later does so in here, for the interrupts and the direct map. The
 * clock has stopped before: under icount it counts a sleep as instructions.
 */
static void settle(void)
{
	usleep(100000);
}

void measure_rounds(const char *kind, int rounds, void (*round)(void *arg),
		    void *arg)
{
	struct sample start, before, after;
	uint64_t begin, cost;
	int i;

	pin_to_cpu(0);
	sample_take(&start);
	round(arg);
	settle();
	sample_take(&before);
	begin = tsc();
	for (i = 0; i < rounds; i++)
		round(arg);
	cost = tsc() - begin;
	settle();
	sample_take(&after);
	printf("modules kind=%s rounds=%d cost=%.0f ipi=%.2f split2=%ld ",
	       kind, rounds, per(cost, rounds),
	       per(after.cal - before.cal, rounds),
	       (long)(after.split2 - start.split2));
	printf("dm4k_more_kb=%ld\n", (long)(after.dm4k - start.dm4k));
}
