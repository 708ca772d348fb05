/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BENCH_FRAGMENT_H
#define BENCH_FRAGMENT_H

/*
 * Breaks up free memory so that no free block of more than max_order is left,
 * and holds it that way until the program ends. Half of memory stays free
 * with max_order 0, more with larger ones. Needs root.
 */
void fragment_memory(int max_order);

/*
 * Prints /proc/buddyinfo added up over zones, marked with a word, and ends the
 * program if an order-9 page could be had after all.
 */
void fragment_check(int max_order, const char *when);

#endif
