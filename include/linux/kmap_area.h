/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_KMAP_AREA_H
#define _LINUX_KMAP_AREA_H

/*
 * The slots of kmap_local_page() in the vmalloc space.
 *
 * 32-bit kernels keep the slots in the fixmap, sized by NR_CPUS. On 64 bit
 * that limits NR_CPUS to a few hundred, so here the slots are one vmalloc
 * area sized by nr_cpu_ids. Slot numbers are those of mm/highmem.c:
 * KM_MAX_IDX a CPU. The area starts on a multiple of KM_MAX_IDX pages, thus
 * (a power of two, without the guard slots of DEBUG_KMAP_LOCAL) no CPU's
 * slots cross a page table and one pointer a CPU reaches their entries.
 */

#ifdef CONFIG_KMAP_LOCAL_AREA

#include <linux/percpu-defs.h>
#include <linux/pgtable.h>

#include <asm/kmap_area.h>
#include <asm/kmap_size.h>

extern unsigned long kmap_area_start;
extern unsigned long kmap_area_size;
DECLARE_PER_CPU_READ_MOSTLY(pte_t *, kmap_area_pte);

/**
 * kmap_slot_addr() - Tell the address of a slot
 * @idx: Number of the slot, counted over all CPUs.
 *
 * Return: The slot's kernel virtual address.
 */
static inline unsigned long kmap_slot_addr(int idx)
{
	return kmap_area_start + ((unsigned long)idx << PAGE_SHIFT);
}

/**
 * is_kmap_slot() - Ask whether an address is in a slot of any CPU
 * @addr: Any kernel virtual address.
 *
 * Return: true for an address in the area; false until the area exists.
 */
static inline bool is_kmap_slot(unsigned long addr)
{
	return addr - kmap_area_start < kmap_area_size;
}

/**
 * kmap_slot_pte() - Find the page-table entry of one of this CPU's slots
 * @addr: Page-aligned address of the slot.
 *
 * Context: The caller cannot be migrated.
 * Return: Pointer to the entry.
 */
static inline pte_t *kmap_slot_pte(unsigned long addr)
{
	if (IS_ENABLED(CONFIG_DEBUG_KMAP_LOCAL))
		return virt_to_kpte(addr);
	return this_cpu_read(kmap_area_pte) +
	       ((addr >> PAGE_SHIFT) & (KM_MAX_IDX - 1));
}

/**
 * kmap_area_init() - Reserve the slots of all possible CPUs
 *
 * Context: Process context, may sleep. Called once.
 * Return: 0, or -ENOMEM with nothing reserved.
 */
int kmap_area_init(void);

#endif /* CONFIG_KMAP_LOCAL_AREA */

#endif /* _LINUX_KMAP_AREA_H */
