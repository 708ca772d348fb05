// SPDX-License-Identifier: GPL-2.0
/*
 * Where the KeyID is in a physical address, and what a change of it takes.
 *
 * With TME-MK the BIOS gives the topmost bits of a physical address to the
 * KeyID. For the kernel they are no part of the address: physical_mask ends
 * below them. A line of a CPU's cache is tagged with the whole of it, KeyID
 * included, so that a page has lines of its old key until they are written
 * back, maybe over what was stored under the new one.
 *
 * Here is what does not depend on the way by which keys are programmed.
 */

#define pr_fmt(fmt) "keyid: " fmt

#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page_keyid.h>

#include <asm/cacheflush.h>

#include "keyid.h"

/* The bits of an entry that hold it; 0 without keys. */
pteval_t x86_keyid_mask __ro_after_init;
EXPORT_SYMBOL(x86_keyid_mask);
unsigned int x86_keyid_shift __ro_after_init;
EXPORT_SYMBOL(x86_keyid_shift);
/* The highest that may be used. */
unsigned int x86_keyid_max __ro_after_init;

/* Set with x86_keyid_max. */
static const struct x86_keyid_ops *keyid_ops __ro_after_init;

/**
 * x86_keyid_reserve() - Take the KeyID's bits out of physical addresses
 * @ops: Who has the keys.
 * @shift: The lowest bit.
 * @bits: How many.
 * @max: The highest KeyID that may be used.
 *
 * Context: Before an address with such a bit could be in a page table.
 * Return: false if the CPU has no such bits, or they are taken.
 */
bool x86_keyid_reserve(const struct x86_keyid_ops *ops, unsigned int shift,
		       unsigned int bits, unsigned int max)
{
	if (keyid_ops || shift < PMD_SHIFT || !max || max >> bits ||
	    shift + bits > boot_cpu_data.x86_phys_bits ||
	    !boot_cpu_has(X86_FEATURE_CLFLUSH))
		return false;
	keyid_ops = ops;
	x86_keyid_shift = shift;
	x86_keyid_mask = GENMASK_ULL(shift + bits - 1, shift);
	x86_keyid_max = max;
	physical_mask &= BIT_ULL(shift) - 1;
	return true;
}

/**
 * arch_keyid_flush() - Write the lines of a page back
 * @page: The page.
 * @addr: An address that maps it with the key that the lines are of.
 */
void arch_keyid_flush(struct page *page, void *addr)
{
	clflush_cache_range(addr, PAGE_SIZE);
	if (keyid_ops->flushed)
		keyid_ops->flushed(page);
}

/**
 * arch_keyid_changed() - Note that a page has another key
 * @page: The page, not yet used under that key.
 * @keyid: The key.
 */
void arch_keyid_changed(struct page *page, u16 keyid)
{
	if (keyid_ops->changed)
		keyid_ops->changed(page, keyid);
}

/**
 * arch_keyid_program() - Make a key that nobody knows
 * @keyid: The KeyID, of which no page is.
 *
 * Context: Process context, may sleep.
 * Return: 0, or a negative errno.
 */
int arch_keyid_program(u16 keyid)
{
	return keyid_ops->program(keyid);
}

/**
 * arch_keyid_clear() - Forget a key
 * @keyid: The KeyID, of which no page is.
 *
 * Context: Process context, may sleep.
 */
void arch_keyid_clear(u16 keyid)
{
	keyid_ops->clear(keyid);
}

/*
 * BARs and other resources must stay below the KeyID, and memory does so
 * already or there are no keys. A CPU that comes later says again how many bits
 * it has, which nothing asks about by then.
 */
static int __init x86_keyid_init(void)
{
	if (!x86_keyid_max)
		return 0;
	if (PFN_PHYS(max_pfn) > BIT_ULL(x86_keyid_shift)) {
		pr_err("off: memory has addresses with KeyID bits\n");
		x86_keyid_max = 0;
		return 0;
	}
	boot_cpu_data.x86_phys_bits = x86_keyid_shift;
	iomem_resource.end = BIT_ULL(x86_keyid_shift) - 1;
	pr_info("KeyIDs 1 to %u at bit %u of physical addresses\n",
		x86_keyid_max, x86_keyid_shift);
	return 0;
}
arch_initcall(x86_keyid_init);
