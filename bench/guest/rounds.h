/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

/*
 * Makes kernel code come and go, @rounds times and once before, which pays for
 * what happens once. Prints a line: what a round costs, and what all leave behind
 * of the direct map.
 */
void measure_rounds(const char *kind, int rounds, void (*round)(void *arg),
		    void *arg);

#endif
