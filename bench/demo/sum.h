/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BENCH_SUM_H
#define BENCH_SUM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Prints the SHA-256 of memory as a line "KEY=..." and compares it with one
 * computed outside; a difference is told on stderr.
 */
bool sum_matches(const char *key, const void *base, size_t bytes,
		 const char *expected);

#endif
