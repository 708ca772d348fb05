/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_PAGE_KEYID_H
#define _LINUX_PAGE_KEYID_H

/*
 * Pages encrypted under a key of their own.
 *
 * A KeyID names a key that the memory controller has. KeyID 0 is the key, or
 * no key, of all ordinary memory. A page of another key comes from the cache of
 * pages outside the direct map: there is no address of KeyID 0 for its
 * contents, and kmap maps it with its key.
 *
 * The page says which key is its own, from hand-out to free and beyond: a free
 * page remembers the last one. Page table entries take the key from the page.
 * The VMA says which key new pages get. The page allocator knows nothing of it.
 * Documentation/mm/page_keyid.rst tells how it works.
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/page_access.h>

struct page_key;
struct unmapped_owner;

/**
 * struct keyid_alloc_args - what kind of folio is wanted
 * @gfp: Allocation flags, as for the page allocator.
 * @order: Order of the folio.
 * @nid: The node to prefer, or %NUMA_NO_NODE.
 * @nodemask: The only nodes to take it from, or NULL for any.
 * @keyid: The key. Whoever asks has a reference to it, has a VMA or a page
 *	of it.
 */
struct keyid_alloc_args {
	gfp_t gfp;
	unsigned int order;
	int nid;
	const nodemask_t *nodemask;
	u16 keyid;
};

#ifdef CONFIG_PAGE_KEYID

#include <asm/page_keyid.h>

u16 __page_keyid(const struct page *page);
struct folio *__folio_alloc_keyid(const struct keyid_alloc_args *args);
bool __deferred_page_prep(struct folio *folio, u16 keyid, bool zero);
void __vma_keyid_get(struct vm_area_struct *vma);
void __vma_keyid_put(struct vm_area_struct *vma);

/**
 * page_keyid_active() - Ask whether there can be pages with a key
 *
 * Return: true from the first key on, and then for ever.
 */
static __always_inline bool page_keyid_active(void)
{
	return static_branch_unlikely(&page_keyid_key);
}

/**
 * page_keyid() - Find the key of a page
 * @page: The page, to which the caller has a reference.
 *
 * Return: Its KeyID, 0 for ordinary memory.
 */
static __always_inline u16 page_keyid(const struct page *page)
{
	if (!page_keyid_active() || !page_inaccessible(page))
		return 0;
	return __page_keyid(page);
}

/**
 * phys_keyid() - Find the key of the page at a physical address
 * @phys: The address, of memory to which the caller has a reference, or of
 *	something else.
 *
 * Return: The KeyID, 0 also where there is no page.
 */
static __always_inline u16 phys_keyid(phys_addr_t phys)
{
	unsigned long pfn = PHYS_PFN(phys);

	if (!page_keyid_active() || !pfn_valid(pfn))
		return 0;
	return page_keyid(pfn_to_page(pfn));
}

/**
 * dma_addr_set_keyid() - Let a device use a key
 * @addr: What the device would be given for memory without one.
 * @keyid: The KeyID.
 *
 * Return: The address with the KeyID. %DMA_MAPPING_ERROR stays.
 */
static __always_inline dma_addr_t dma_addr_set_keyid(dma_addr_t addr, u16 keyid)
{
	return page_keyid_active() ? arch_keyid_set(addr, keyid) : addr;
}

/**
 * dma_addr_clear_keyid() - Get an address back that has had no key
 * @addr: An address from dma_addr_set_keyid().
 *
 * Return: The address without KeyID.
 */
static __always_inline dma_addr_t dma_addr_clear_keyid(dma_addr_t addr)
{
	return page_keyid_active() ? arch_keyid_strip(addr) : addr;
}

/**
 * phys_with_keyid() - Find the address by which hardware reaches contents
 * @phys: As for phys_keyid().
 *
 * For page tables that are not the kernel's own, and whatever else hardware is
 * told. dma_addr_clear_keyid() takes the key off.
 *
 * Return: @phys, with the KeyID of its page.
 */
static __always_inline phys_addr_t phys_with_keyid(phys_addr_t phys)
{
	return dma_addr_set_keyid(phys, phys_keyid(phys));
}

/**
 * phys_strip_keyid() - Take the bits of KeyIDs out of an address, or a mask
 * @phys: The address.
 *
 * Return: What is left, whether there is a key already or not.
 */
static inline phys_addr_t phys_strip_keyid(phys_addr_t phys)
{
	return arch_keyid_strip(phys);
}

/**
 * folio_keyid() - Find the key of a folio
 * @folio: The folio, to which the caller has a reference.
 *
 * Return: The KeyID of all its pages.
 */
static __always_inline u16 folio_keyid(const struct folio *folio)
{
	return page_keyid(&folio->page);
}

/**
 * vma_keyid() - Find the key that a VMA's new pages get
 * @vma: The VMA. Its key changes only under the mmap write lock, while it has
 *	no pages.
 *
 * Return: The KeyID, 0 for ordinary memory.
 */
static __always_inline u16 vma_keyid(const struct vm_area_struct *vma)
{
	if (!page_keyid_active())
		return 0;
	return (vma->vm_flags & VM_KEYID) >> VM_KEYID_SHIFT;
}

/**
 * vma_keyid_get() - Count a copy of a VMA as a user of its key
 * @vma: The copy.
 */
static __always_inline void vma_keyid_get(struct vm_area_struct *vma)
{
	if (vma_keyid(vma))
		__vma_keyid_get(vma);
}

/**
 * vma_keyid_put() - Let go of a VMA's key
 * @vma: The VMA, at its end.
 */
static __always_inline void vma_keyid_put(struct vm_area_struct *vma)
{
	if (vma_keyid(vma))
		__vma_keyid_put(vma);
}

/**
 * mm_keyid_hold() - Keep the key of new pages at an address
 * @mm: The address space, its mmap_lock held.
 * @addr: The address.
 *
 * For who allocates after mmap_lock has been dropped. The VMA may be gone then,
 * or another: vma_keyid() of the one that is found later has to be compared.
 *
 * Return: The KeyID, for keyid_drop(); 0 if there is none.
 */
u16 mm_keyid_hold(struct mm_struct *mm, unsigned long addr);

/**
 * keyid_drop() - Let go of a key
 * @keyid: What mm_keyid_hold() returned. Pages of it keep the key.
 */
void keyid_drop(u16 keyid);

/**
 * deferred_page_zero() - Put off zeroing until a page has its key
 * @keyid: The key that it will have.
 * @gfp: Flags of the allocation. __GFP_ZERO goes: what would be zeroes under
 *	one key is garbage under another.
 *
 * Return: What deferred_page_prep() is to be told of zeroing.
 */
static __always_inline bool deferred_page_zero(u16 keyid, gfp_t *gfp)
{
	bool zero = keyid && (*gfp & __GFP_ZERO);

	if (zero)
		*gfp &= ~__GFP_ZERO;
	return zero;
}

/**
 * deferred_page_prep() - Give a new folio its key, and then zero it
 * @folio: The folio, of the cache, which nobody else has seen.
 * @keyid: The key.
 * @zero: What deferred_page_zero() returned. Without it the caller is going to
 *	write all of the folio.
 *
 * The caches are written back through the key that the pages had, if that is
 * another, and pages that are zero under the new key already stay as they are.
 *
 * Context: Any but NMI.
 * Return: false if there was no slot to reach a page; the folio can only be
 * freed then.
 */
static __always_inline bool deferred_page_prep(struct folio *folio, u16 keyid,
					       bool zero)
{
	return !keyid || __deferred_page_prep(folio, keyid, zero);
}

/**
 * folio_alloc_keyid() - Allocate a folio of a key
 * @args: What is wanted.
 *
 * Context: As the flags say.
 * Return: The folio, or NULL.
 */
static __always_inline struct folio *
folio_alloc_keyid(const struct keyid_alloc_args *args)
{
	if (!args->keyid)
		return __folio_alloc(args->gfp, args->order,
				     args->nid == NUMA_NO_NODE ?
				     numa_mem_id() : args->nid,
				     (nodemask_t *)args->nodemask);
	return __folio_alloc_keyid(args);
}

/**
 * alloc_pages_node_keyid() - Allocate pages of a key
 * @nid: The node to prefer, or %NUMA_NO_NODE.
 * @gfp: Allocation flags.
 * @order: Order of the pages.
 * @keyid: The key.
 *
 * Context: As the flags say.
 * Return: The first page, of a folio if @keyid is not 0; or NULL.
 */
static __always_inline struct page *
alloc_pages_node_keyid(int nid, gfp_t gfp, unsigned int order, u16 keyid)
{
	struct keyid_alloc_args args = { gfp, order, nid, NULL, keyid };

	if (!keyid)
		return alloc_pages_node(nid, gfp, order);
	return folio_page(__folio_alloc_keyid(&args), 0);
}

struct folio *vma_alloc_folio_keyid(gfp_t gfp, unsigned int order,
				    struct vm_area_struct *vma,
				    unsigned long addr);

#ifdef CONFIG_PAGE_KEYID_DEBUG
void __page_keyid_check_entry(unsigned long pfn, u64 entry);
void __page_keyid_check_vma(const struct folio *folio,
			    const struct vm_area_struct *vma);

/**
 * page_keyid_check_entry() - Report a page that is mapped with a wrong key
 * @pfn: The page.
 * @entry: The entry of a user's page table.
 */
static inline void page_keyid_check_entry(unsigned long pfn, u64 entry)
{
	if (page_keyid_active())
		__page_keyid_check_entry(pfn, entry);
}

/**
 * page_keyid_check_vma() - Report a folio in a VMA of another key
 * @folio: The folio, anonymous.
 * @vma: The VMA.
 */
static inline void page_keyid_check_vma(const struct folio *folio,
					const struct vm_area_struct *vma)
{
	if (page_keyid_active())
		__page_keyid_check_vma(folio, vma);
}
#endif

/*
 * Keys, for those who give them to VMAs, or have pages of their own of them.
 */
struct page_key *page_key_create(void);
void page_key_put(struct page_key *key);
unsigned long page_key_pages(struct page_key *key);
u16 page_key_id(const struct page_key *key);
struct unmapped_owner *page_key_owner_create(struct page_key *key,
					     const char *name);

#else /* !CONFIG_PAGE_KEYID */

/* Macros: what depends on them is gone before the compiler numbers things. */
#define page_keyid_active()			(false)
#define page_keyid(page)			(0)
#define folio_keyid(folio)			(0)
#define phys_keyid(phys)			(0)
#define phys_with_keyid(phys)			(phys)
#define phys_strip_keyid(phys)			(phys)
#define dma_addr_set_keyid(addr, keyid)		(addr)
#define dma_addr_clear_keyid(addr)		(addr)
#define page_keyid_prot(page, prot)		(prot)
#define vma_keyid(vma)				(0)
#define vma_keyid_get(vma)			do { } while (0)
#define vma_keyid_put(vma)			do { } while (0)
#define vma_alloc_folio_keyid(gfp, order, vma, addr)	NULL
#define deferred_page_prep(folio, keyid, zero)	(true)

#endif /* CONFIG_PAGE_KEYID */

#ifdef CONFIG_MEMKEY
/**
 * memkey_possible() - Ask whether programs can have keys
 *
 * Return: false if the machine has none.
 */
bool memkey_possible(void);

/**
 * memkey_owner_create() - Make an owner of pages under a program's key
 * @fd: A file of /dev/memkey, which may be closed after this.
 * @name: For statistics; copied.
 *
 * The kernel does not map the pages. They get their key, and zeroes, from
 * deferred_page_prep(). unmapped_owner_destroy() lets it go.
 *
 * Context: Process context, may sleep.
 * Return: The owner; -EBADF if @fd is something else, or -ENOMEM.
 */
struct unmapped_owner *memkey_owner_create(unsigned int fd, const char *name);
#else
#define memkey_possible()			(false)
#define memkey_owner_create(fd, name)		ERR_PTR(-EBADF)
#endif

#ifndef CONFIG_PAGE_KEYID_DEBUG
#define page_keyid_check_entry(pfn, entry)	do { } while (0)
#define page_keyid_check_vma(folio, vma)	do { } while (0)
#endif

#endif /* _LINUX_PAGE_KEYID_H */
