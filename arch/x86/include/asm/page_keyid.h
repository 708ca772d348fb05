/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_PAGE_KEYID_H
#define _ASM_X86_PAGE_KEYID_H

/*
 * KeyIDs in page table entries.
 *
 * The topmost bits of a physical address name the key that the memory
 * controller uses. Here they are flags of the entry: physical_mask leaves them
 * out, so that pte_pfn() and its relatives never see them, and pte_modify()
 * keeps them. They come from the page alone. No vm_page_prot has them, and the
 * zero page is right without a special case.
 */

#include <linux/types.h>

#include <asm/page_types.h>

struct page;

#ifdef CONFIG_PAGE_KEYID

#include <linux/jump_label.h>

#include <asm/pgtable_types.h>

extern pteval_t x86_keyid_mask;
extern unsigned int x86_keyid_shift;
extern unsigned int x86_keyid_max;

DECLARE_STATIC_KEY_FALSE(page_keyid_key);

pgprot_t __page_keyid_prot(const struct page *page, pgprot_t prot);

static __always_inline pgprot_t page_keyid_prot(const struct page *page,
						pgprot_t prot)
{
	if (static_branch_unlikely(&page_keyid_key))
		return __page_keyid_prot(page, prot);
	return prot;
}

/* For mk_pte() and mk_pmd(), which are macros for the sake of page_to_pfn() */
#define page_keyid_mk(level, p, prot)					\
({									\
	struct page *__page = (p);					\
									\
	pfn_##level(page_to_pfn(__page), page_keyid_prot(__page, prot));	\
})

/**
 * arch_keyid_max() - Count the keys that there can be
 *
 * Return: The highest KeyID, 0 if the machine has none.
 */
static inline unsigned int arch_keyid_max(void)
{
	return x86_keyid_max;
}

/**
 * arch_keyid_prot() - Name a key in a protection
 * @prot: The protection, with or without a KeyID.
 * @keyid: The key.
 *
 * Return: @prot for memory of that key.
 */
static inline pgprot_t arch_keyid_prot(pgprot_t prot, u16 keyid)
{
	return __pgprot((pgprot_val(prot) & ~x86_keyid_mask) |
			(pteval_t)keyid << x86_keyid_shift);
}

/**
 * arch_keyid_of() - Find the KeyID in an entry of a page table
 * @entry: The entry.
 *
 * Return: The KeyID.
 */
static inline u16 arch_keyid_of(u64 entry)
{
	return (entry & x86_keyid_mask) >> x86_keyid_shift;
}

/**
 * arch_keyid_set() - Name a key in an address of the memory controller
 * @addr: The address, without a key.
 * @keyid: The key.
 *
 * Return: The address with it.
 */
static inline u64 arch_keyid_set(u64 addr, u16 keyid)
{
	return addr | (u64)keyid << x86_keyid_shift;
}

/**
 * arch_keyid_strip() - Take the key out of an address
 * @addr: The address.
 *
 * Return: The address without it.
 */
static inline u64 arch_keyid_strip(u64 addr)
{
	return addr & ~x86_keyid_mask;
}

#ifdef CONFIG_X86_KEYID_TME
void x86_keyid_detect(u64 activate);
#endif

void arch_keyid_flush(struct page *page, void *addr);
void arch_keyid_changed(struct page *page, u16 keyid);
int arch_keyid_program(u16 keyid);
void arch_keyid_clear(u16 keyid);

#else /* !CONFIG_PAGE_KEYID */

#define page_keyid_mk(level, p, prot)	pfn_##level(page_to_pfn(p), (prot))

#endif /* CONFIG_PAGE_KEYID */

#ifndef CONFIG_X86_KEYID_TME
#define x86_keyid_detect(activate)	do { } while (0)
#endif

#endif /* _ASM_X86_PAGE_KEYID_H */
