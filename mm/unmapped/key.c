// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of pages.
 *
 * Each page has the KeyID under which it was used last, 0 for most. It changes
 * here alone, when the page is handed out to somebody with another one, or on
 * its way back to the direct map, where only key 0 is known. The lines that
 * the caches have of the page are written back first, through the key that
 * they are of. What is in the page then is garbage under the new key, so it is
 * dirty until it has been cleared, or written as a whole.
 *
 * A page that goes to the same key again is neither flushed nor cleared.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <linux/highmem.h>
#include <linux/page_access.h>
#include <linux/page_keyid.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "../internal.h"
#include "unmapped.h"

/* How many pages have each key, but for key 0. */
static atomic_long_t *unmapped_key_pages __read_mostly;
static unsigned int unmapped_key_max __read_mostly;

bool unmapped_key_start(unsigned int max)
{
	unmapped_key_max = max;
	if (!unmapped_key_pages)
		unmapped_key_pages = kvcalloc(max + 1,
					      sizeof(*unmapped_key_pages),
					      GFP_KERNEL);
	return unmapped_key_pages;
}

static void note_key(struct unmapped_block *block, unsigned int idx, u16 keyid)
{
	u16 old = block->key[idx];

	if (old)
		atomic_long_dec(&unmapped_key_pages[old]);
	if (keyid)
		atomic_long_inc(&unmapped_key_pages[keyid]);
	WRITE_ONCE(block->key[idx], keyid);
}

static bool switch_page(struct unmapped_block *block, unsigned int idx,
			u16 keyid)
{
	struct page *page = pfn_to_page(block->pfn + idx);
	void *addr = page_access_map_prot(page, unmapped_prot(page));

	if (!addr)
		return false;
	arch_keyid_flush(page, addr);
	kunmap_local(addr);

	set_bit(idx, block->dirty);
	note_key(block, idx, keyid);
	arch_keyid_changed(page, keyid);
	count_vm_event(UNMAPPED_KEY_FLUSH);
	return true;
}

/**
 * unmapped_key_switch() - Give pages another key
 * @p: The first; all are the caller's alone.
 * @nr: How many.
 * @keyid: The key. Those that have it stay as they are.
 *
 * Context: Any but NMI.
 * Return: false if there was no slot to reach one. Those before it have their
 * new key.
 */
bool unmapped_key_switch(const struct unmapped_page *p, unsigned int nr,
			 u16 keyid)
{
	unsigned int i;

	for (i = p->idx; i < p->idx + nr; i++)
		if (p->block->key[i] != keyid &&
		    !switch_page(p->block, i, keyid))
			return false;
	return true;
}

bool unmapped_pages_set_key(struct page *page, unsigned int order, u16 keyid,
			    bool zero)
{
	struct unmapped_page p = { unmapped_block_of(page) };

	p.idx = page_to_pfn(page) - p.block->pfn;
	if (!unmapped_key_switch(&p, 1U << order, keyid))
		return false;
	if (zero)
		return unmapped_clear_dirty(&p, 1U << order);
	unmapped_forget_dirty(&p, 1U << order);
	return true;
}

u16 unmapped_page_keyid(const struct page *page)
{
	struct unmapped_block *block;
	u16 keyid = 0;

	rcu_read_lock();
	block = unmapped_block_of(page);
	if (block)
		keyid = READ_ONCE(block->key[page_to_pfn(page) - block->pfn]);
	rcu_read_unlock();
	return keyid;
}

/* linux/page_keyid.h has it inline, but for this. */
u16 __page_keyid(const struct page *page)
{
	return unmapped_page_keyid(page);
}
EXPORT_SYMBOL_GPL(__page_keyid);

pgprot_t __page_keyid_prot(const struct page *page, pgprot_t prot)
{
	if (!page_inaccessible(page))
		return prot;
	return arch_keyid_prot(prot, unmapped_page_keyid(page));
}
EXPORT_SYMBOL(__page_keyid_prot);

/*
 * The end of a key.
 */

/**
 * unmapped_key_lost() - Note that a page will not be used under its key again
 * @block: The block.
 * @idx: The page, poisoned: it may not be touched, not even to be flushed.
 *
 * Should it ever be healed it is cleared before it has another user.
 */
void unmapped_key_lost(struct unmapped_block *block, unsigned int idx)
{
	if (!block->key[idx])
		return;
	note_key(block, idx, 0);
	set_bit(idx, block->dirty);
}

/* What finds no slot, or is poisoned since, is counted still. */
static void forget_pages(struct unmapped_page *pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (unlikely(PageHWPoison(unmapped_page(&pages[i]))))
			unmapped_key_lost(pages[i].block, pages[i].idx);
		else
			unmapped_key_switch(&pages[i], 1, 0);
	}
}

#define FORGET_BATCH	32

static void forget_on_node(struct unmapped_node *node, u16 keyid)
{
	struct unmapped_page pages[FORGET_BATCH];
	unsigned int nr;

	unmapped_front_drain(node->nid);
	do {
		nr = unmapped_node_take_keyed(node, keyid, pages, FORGET_BATCH);
		forget_pages(pages, nr);
		unmapped_node_put_some(node, pages, nr);
		cond_resched();
	} while (nr == FORGET_BATCH);
}

unsigned long unmapped_key_forget(u16 keyid)
{
	int nid;

	for_each_node(nid)
		if (atomic_long_read(&unmapped_key_pages[keyid]))
			forget_on_node(unmapped_nodes[nid], keyid);
	return atomic_long_read(&unmapped_key_pages[keyid]);
}

/**
 * unmapped_key_forget_all() - Let no free page remember any key
 *
 * Context: Process context, may sleep.
 */
void unmapped_key_forget_all(void)
{
	unsigned int keyid;

	for (keyid = 1; unmapped_key_pages && keyid <= unmapped_key_max; keyid++)
		unmapped_key_forget(keyid);
}

/**
 * unmapped_key_total() - Count the pages that have a key, or remember one
 *
 * Return: How many.
 */
unsigned long unmapped_key_total(void)
{
	unsigned long pages = 0;
	unsigned int keyid;

	for (keyid = 1; unmapped_key_pages && keyid <= unmapped_key_max; keyid++)
		pages += atomic_long_read(&unmapped_key_pages[keyid]);
	return pages;
}
