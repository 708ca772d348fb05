// SPDX-License-Identifier: GPL-2.0
/*
 * The area of kmap slots, see linux/kmap_area.h.
 *
 * The address is the vmalloc allocator's choice, so it is not the same in
 * every boot as the fixmap's would be. All page tables are made here: to map
 * a page later is to write one entry.
 */

#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/kmap_area.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

unsigned long kmap_area_start __read_mostly;
EXPORT_SYMBOL(kmap_area_start);
unsigned long kmap_area_size __read_mostly;
EXPORT_SYMBOL(kmap_area_size);

DEFINE_PER_CPU_READ_MOSTLY(pte_t *, kmap_area_pte);

/* Finds the entry. apply_to_page_range() has made its table. */
static int kmap_area_note_pte(pte_t *pte, unsigned long addr, void *data)
{
	unsigned long slot = (addr - *(unsigned long *)data) >> PAGE_SHIFT;
	unsigned int cpu = slot / KM_MAX_IDX;

	if (!(slot % KM_MAX_IDX) && cpu_possible(cpu))
		per_cpu(kmap_area_pte, cpu) = pte;
	return 0;
}

int kmap_area_init(void)
{
	unsigned long set = KM_MAX_IDX * PAGE_SIZE;
	unsigned long size = nr_cpu_ids * set;
	struct vm_struct *area;
	unsigned long start;

	/* One set more than needed: the start is moved up to a multiple. */
	area = get_vm_area(size + set, VM_SPARSE);
	if (!area)
		return -ENOMEM;

	start = roundup((unsigned long)area->addr, set);
	if (apply_to_page_range(&init_mm, start, size, kmap_area_note_pte,
				&start)) {
		free_vm_area(area);
		return -ENOMEM;
	}

	kmap_area_start = start;
	kmap_area_size = size;
	return 0;
}
