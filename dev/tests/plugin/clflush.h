/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PLUGIN_CLFLUSH_H
#define PLUGIN_CLFLUSH_H

/*
 * Between these two marks the plugin counts. A mark is a no-op with a long
 * displacement, `nopl MARK(%rax)`, which reaches no memory. Compilers pad code
 * with the like of it, but with a displacement of zero.
 */
#define CLFLUSH_BEGIN	0x436c4267
#define CLFLUSH_END	0x436c456e

#define mark(which)						\
	asm volatile(".byte 0x0f, 0x1f, 0x80\n\t"		\
		     ".long %c0" : : "i" (which) : "memory")

#endif
