/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_UNACCEPTED_MEMORY_H
#define _LINUX_UNACCEPTED_MEMORY_H

/*
 * Memory that a confidential guest must accept from its host before use. See
 * Documentation/mm/unaccepted_memory.rst.
 */

#include <linux/jump_label.h>
#include <linux/types.h>

struct efi_unaccepted_memory;

/**
 * enum accept_cause - what a unit of memory is accepted for
 * @ACCEPT_BOOT: memblock, before there is a page allocator.
 * @ACCEPT_ALLOC: An allocation that may sleep.
 * @ACCEPT_ATOMIC: An allocation that may not, in an interrupt for instance.
 * @ACCEPT_BACKGROUND: Nothing yet: the worker, eager mode, or sysfs.
 * @ACCEPT_RANGE: A range of memory: contiguous allocations, CMA, kexec, and
 *	the blocks of the list.
 * @NR_ACCEPT_CAUSES: Their number.
 */
enum accept_cause {
	ACCEPT_BOOT,
	ACCEPT_ALLOC,
	ACCEPT_ATOMIC,
	ACCEPT_BACKGROUND,
	ACCEPT_RANGE,
	NR_ACCEPT_CAUSES
};

#ifdef CONFIG_UNACCEPTED_MEMORY

/* Blocks may be on the lists of the zones. Turned on at boot, or never. */
DECLARE_STATIC_KEY_FALSE(unaccepted_list_key);

/* See mm/page_alloc.c; the simulated platform can undo it. */
extern long unaccepted_boot_reserve;

void unaccepted_count_blocks(unsigned int blocks, u64 begin);
unsigned int accept_memory_for(phys_addr_t start, unsigned long size,
			       enum accept_cause cause);

bool unaccepted_table_usable(const struct efi_unaccepted_memory *table);

/**
 * unaccepted_memory_init() - Get ready for more than one CPU
 *
 * Call once, before memblock gives its memory to the page allocator.
 *
 * Context: Boot, one CPU, interrupts off.
 */
void unaccepted_memory_init(void);

/**
 * unaccepted_memory_booted() - Note how much is accepted when init starts
 *
 * Context: Process context.
 */
void unaccepted_memory_booted(void);

#else

static inline bool
unaccepted_table_usable(const struct efi_unaccepted_memory *table)
{
	return false;
}

static inline void unaccepted_memory_init(void)
{
}

static inline void unaccepted_memory_booted(void)
{
}

#endif /* CONFIG_UNACCEPTED_MEMORY */

#endif /* _LINUX_UNACCEPTED_MEMORY_H */
