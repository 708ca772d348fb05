// SPDX-License-Identifier: GPL-2.0
/*
 * What a context switch costs: two tasks on one CPU hand one byte to and fro
 * through two pipes, so that each hand-over is one write, one read that
 * blocks, and one switch between two address spaces. Prints the cost of one
 * hand-over; the pipe calls are part of it, the same on every kernel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#define TRIPS	2000
#define ROUNDS	15

static void pass_byte(int from, int to)
{
	char byte;

	if (read(from, &byte, 1) != 1)
		exit(0);
	if (write(to, &byte, 1) != 1)
		die("write to a pipe");
}

static void echo(int from, int to)
{
	for (;;)
		pass_byte(from, to);
}

static uint64_t round_of_trips(int from, int to)
{
	uint64_t begin;
	int i;

	begin = tsc();
	for (i = 0; i < TRIPS; i++)
		pass_byte(from, to);
	return tsc() - begin;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	int there[2], back[2], i;
	uint64_t cost[ROUNDS];

	pin_to_cpu(0);
	errno = 0;
	if (pipe(there) || pipe(back))
		die("pipe");
	if (!fork()) {
		close(there[1]);
		echo(there[0], back[1]);
	}
	if (write(back[1], "x", 1) != 1)
		die("write to a pipe");
	round_of_trips(back[0], there[1]);
	for (i = 0; i < ROUNDS; i++)
		cost[i] = round_of_trips(back[0], there[1]);
	close(there[1]);
	wait(NULL);
	qsort(cost, ROUNDS, sizeof(cost[0]), compare);
	printf("ctxsw min=%.2f median=%.2f max=%.2f\n",
	       per(cost[0], 2 * TRIPS), per(cost[ROUNDS / 2], 2 * TRIPS),
	       per(cost[ROUNDS - 1], 2 * TRIPS));
	return 0;
}
