// SPDX-License-Identifier: GPL-2.0
/*
 * Code that the kernel loads and generates: modules, BPF programs, trampolines.
 *
 * Its pages come from the cache and are mapped in the area for modules, and
 * only there. set_memory_ro() and its relatives change that mapping; in the
 * direct map there is nothing that would have to follow, so no leaf of it is
 * split. Those who read code by its pages, as /proc/kcore does, go through
 * kmap.
 *
 * What is freed is taken down by a worker: some milliseconds' worth at a time,
 * with one flush of the TLB, after which the pages may be used again. Nothing
 * resets permissions page by page, so VM_FLUSH_RESET_PERMS, which users of such
 * memory set as ever, means nothing here.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/kmemleak.h>
#include <linux/kstrtox.h>
#include <linux/page_access.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include <asm/tlbflush.h>

#include "../internal.h"
#include "execmem.h"
#include "unmapped.h"

/* A module is freed in some seven pieces, one after the other. */
#define EXEC_FREE_DELAY		msecs_to_jiffies(10)
/* As much as this does not wait. */
#define EXEC_FREE_PAGES		(SZ_4M / PAGE_SIZE)

static bool exec_enabled __ro_after_init = true;
static struct unmapped_owner *exec_owner __ro_after_init;

/* What was freed and is still mapped, linked by vm_struct.next */
static struct vm_struct *exec_freed;
static unsigned long exec_freed_pages;
static DEFINE_SPINLOCK(exec_freed_lock);

/*
 * Freeing.
 */

static void free_pages_of(struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		unmapped_pages_free(pages[i], 0);
		cond_resched();
	}
}

static void unmap_areas(const struct vm_struct *area)
{
	unsigned long start = ULONG_MAX, end = 0;

	for (; area; area = area->next) {
		unsigned long addr = (unsigned long)area->addr;
		unsigned long size = get_vm_area_size(area);

		vunmap_range_noflush(addr, addr + size);
		start = min(start, addr);
		end = max(end, addr + size);
	}
	if (end)
		flush_tlb_kernel_range(start, end);
}

static void exec_free_work(struct work_struct *work)
{
	struct vm_struct *area, *next;

	spin_lock(&exec_freed_lock);
	area = exec_freed;
	exec_freed = NULL;
	exec_freed_pages = 0;
	spin_unlock(&exec_freed_lock);

	unmap_areas(area);
	for (; area; area = next) {
		next = area->next;
		remove_vm_area(area->addr);
		free_pages_of(area->pages, area->nr_pages);
		kvfree(area->pages);
		kfree(area);
	}
}

static DECLARE_DELAYED_WORK(exec_free_dwork, exec_free_work);

/* Ordinary memory for code has pages that are in the direct map. */
static struct vm_struct *find_exec_area(const void *addr)
{
	struct vm_struct *area = find_vm_area(addr);

	if (!area || !area->nr_pages || !page_detached(area->pages[0]))
		return NULL;
	return area;
}

bool unmapped_exec_free(const void *addr)
{
	struct vm_struct *area;
	bool much;

	if (!page_access_active() || !addr)
		return false;
	area = find_exec_area(addr);
	if (!area)
		return false;

	kmemleak_free(addr);
	spin_lock(&exec_freed_lock);
	area->next = exec_freed;
	exec_freed = area;
	exec_freed_pages += area->nr_pages;
	much = exec_freed_pages >= EXEC_FREE_PAGES;
	spin_unlock(&exec_freed_lock);

	if (much)
		mod_delayed_work(system_unbound_wq, &exec_free_dwork, 0);
	else
		queue_delayed_work(system_unbound_wq, &exec_free_dwork,
				   EXEC_FREE_DELAY);
	return true;
}

/*
 * Allocating.
 */

static unsigned int alloc_pages_of(struct page **pages, unsigned int nr,
				   unsigned int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	unsigned int i, got = 0;
	struct page *page;

	/* Small pages do as well, and are worth more effort */
	if (order)
		gfp |= __GFP_NORETRY;
	while (got < nr) {
		page = unmapped_pages_alloc(gfp, order, exec_owner);
		if (!page)
			break;
		/* They are freed one by one */
		if (order)
			split_page(page, order);
		for (i = 0; i < 1U << order; i++)
			pages[got++] = page + i;
	}
	return got;
}

static struct vm_struct *map_pages_of(const struct execmem_range *range,
				      struct page **pages, unsigned int nr,
				      unsigned int shift)
{
	unsigned long size = (unsigned long)nr << PAGE_SHIFT;
	unsigned long align = max_t(unsigned long, range->alignment,
				    1UL << shift);
	unsigned long flags = VM_MAP;
	struct vm_struct *area;
	unsigned long addr;

	if (range->flags & EXECMEM_KASAN_SHADOW)
		flags |= VM_DEFER_KMEMLEAK;
	area = get_vm_area_aligned(size, align, flags, range->start, range->end,
				   __builtin_return_address(0));
	if (!area)
		return NULL;
	addr = (unsigned long)area->addr;
	if (vmap_pages_range_noflush(addr, addr + size, range->pgprot, pages,
				     shift)) {
		/* Nobody had the address, but the CPUs may have guessed it */
		vunmap_range(addr, addr + size);
		free_vm_area(area);
		return NULL;
	}
	flush_cache_vmap(addr, addr + size);
	area->pages = pages;
	area->nr_pages = nr;
	return area;
}

static struct vm_struct *alloc_area(const struct execmem_range *range,
				    unsigned int nr, unsigned int order)
{
	struct vm_struct *area = NULL;
	struct page **pages;
	unsigned int got;

	pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL | __GFP_NOWARN);
	if (!pages)
		return NULL;
	got = alloc_pages_of(pages, nr, order);
	if (got == nr)
		area = map_pages_of(range, pages, nr, PAGE_SHIFT + order);
	if (!area) {
		free_pages_of(pages, got);
		kvfree(pages);
	}
	return area;
}

static struct vm_struct *try_alloc(const struct execmem_range *range,
				   unsigned int nr)
{
	struct vm_struct *area = NULL;

	if (IS_ALIGNED(nr, 1U << PMD_ORDER))
		area = alloc_area(range, nr, PMD_ORDER);
	return area ?: alloc_area(range, nr, 0);
}

static bool cache_started(enum execmem_type type)
{
	if (!exec_owner)
		return false;
	if (page_access_active())
		return true;
	return type != EXECMEM_KPROBES && type != EXECMEM_FTRACE &&
	       unmapped_alloc_start();
}

void *unmapped_exec_alloc(enum execmem_type type,
			  const struct execmem_range *range, size_t size)
{
	unsigned int nr = PAGE_ALIGN(size) >> PAGE_SHIFT;
	struct vm_struct *area;

	if (!nr || !cache_started(type))
		return NULL;
	area = try_alloc(range, nr);
	/* What waits to be taken down may be in the way */
	if (!area && flush_delayed_work(&exec_free_dwork))
		area = try_alloc(range, nr);
	if (!area)
		return NULL;

	/* Or who makes its shadow will do so */
	if (!(area->flags & VM_DEFER_KMEMLEAK))
		kmemleak_vmalloc(area, size, GFP_KERNEL);
	return area->addr;
}

static int __init unmapped_exec_setup(char *str)
{
	if (kstrtobool(str, &exec_enabled))
		pr_warn("unmapped_execmem=%s is neither on nor off, ignored\n",
			str);
	return 0;
}
early_param("unmapped_execmem", unmapped_exec_setup);

static int __init unmapped_exec_init(void)
{
	if (exec_enabled && unmapped_alloc_possible())
		exec_owner = unmapped_owner_create("execmem",
						   UNMAPPED_OWNER_KMAP |
						   UNMAPPED_OWNER_SYSCTL |
						   UNMAPPED_OWNER_IMAGE);
	return 0;
}
subsys_initcall(unmapped_exec_init);
