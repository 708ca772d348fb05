/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _UNMAPPED_LINUX_BITMAP_H
#define _UNMAPPED_LINUX_BITMAP_H

/* What mm/unmapped/block.c uses of linux/bitmap.h and tools/include lacks. */

#include_next <linux/bitmap.h>

static inline void bitmap_set(unsigned long *map, unsigned int start,
			      unsigned int nbits)
{
	unsigned int i;

	for (i = start; i < start + nbits; i++)
		__set_bit(i, map);
}

static inline void bitmap_complement(unsigned long *dst,
				     const unsigned long *src,
				     unsigned int nbits)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(nbits); i++)
		dst[i] = ~src[i];
}

/* As in the kernel, more than @size means that there is none. */
static inline unsigned long
bitmap_find_next_zero_area(unsigned long *map, unsigned long size,
			   unsigned long start, unsigned int nr,
			   unsigned long align_mask)
{
	unsigned long idx, end, used;

	for (;;) {
		idx = find_next_zero_bit(map, size, start);
		idx = (idx + align_mask) & ~align_mask;
		end = idx + nr;
		if (end > size)
			return end;
		used = find_next_bit(map, end, idx);
		if (used >= end)
			return idx;
		start = used + 1;
	}
}

#endif /* _UNMAPPED_LINUX_BITMAP_H */
