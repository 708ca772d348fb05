// SPDX-License-Identifier: GPL-2.0
/*
 * Planes of memory that stand for keys.
 *
 *   keyid_emul=SHIFT,MAX	KeyIDs 1 to MAX at bit SHIFT
 *
 * An emulator can put memory of its own at KEYID << SHIFT for each key, as
 * large as the machine's and full of garbage. What is stored under a key is then
 * in its plane, and who reads with another key reads something else, as with
 * encryption. Nothing here is secret. With real keys to write with the wrong
 * one destroys what was there; so when a page changes its key the new plane is
 * overwritten with garbage here.
 *
 * Caches are not emulated. A ledger notes that a page was written back since it
 * last changed its key. That it was not is reported, and the page is spoilt
 * once more a while later, as lines that are written back late would do it.
 */

#define pr_fmt(fmt) "keyid_emul: " fmt

#include <linux/bitmap.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page_keyid.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include <asm/e820/api.h>

#include "keyid.h"

/* No plane is filled with this from outside */
#define EMUL_GARBAGE	0x9e3779b9

/* How long a line stays in a cache that nobody has written back. */
#define EMUL_LATE	(HZ / 10)

/* A bit a page: no line of its key is in a cache. */
static unsigned long *emul_flushed __ro_after_init;

/* The page that was not written back, and its key. One is enough to see. */
static struct page *emul_late_page;
static u16 emul_late_keyid;

static void spoil(struct page *page, u16 keyid)
{
	pgprot_t prot = arch_keyid_prot(PAGE_KERNEL, keyid);
	void *addr = page_access_map_prot(page, prot);

	if (!addr)
		return;
	memset32(addr, EMUL_GARBAGE, PAGE_SIZE / sizeof(u32));
	kunmap_local(addr);
}

static void late_work(struct work_struct *work)
{
	spoil(emul_late_page, emul_late_keyid);
}

static DECLARE_DELAYED_WORK(emul_late_work, late_work);

static void punish(struct page *page, u16 keyid)
{
	pr_err("BUG: pfn %#lx gets key %u and was not written back\n",
	       page_to_pfn(page), keyid);
	if (delayed_work_pending(&emul_late_work))
		return;
	emul_late_page = page;
	emul_late_keyid = keyid;
	schedule_delayed_work(&emul_late_work, EMUL_LATE);
}

static void emul_note_flushed(struct page *page)
{
	set_bit(page_to_pfn(page), emul_flushed);
}

static void emul_note_changed(struct page *page, u16 keyid)
{
	spoil(page, keyid);
	if (!test_and_clear_bit(page_to_pfn(page), emul_flushed))
		punish(page, keyid);
}

/* A plane is a key. That it is a new one is for pages to show, see spoil(). */
static int emul_program(u16 keyid)
{
	return 0;
}

static void emul_clear(u16 keyid)
{
}

static const struct x86_keyid_ops emul_ops = {
	.program	= emul_program,
	.clear		= emul_clear,
	.flushed	= emul_note_flushed,
	.changed	= emul_note_changed,
};

static bool keyid_emul __ro_after_init;

static int __init keyid_emul_setup(char *str)
{
	int arg[3];

	get_options(str, ARRAY_SIZE(arg), arg);
	if (arg[0] == 2 && arg[1] > 0 && arg[1] < BITS_PER_LONG &&
	    PFN_PHYS(e820__end_of_ram_pfn()) <= BIT_ULL(arg[1]) &&
	    arg[2] > 0 && arg[2] <= S16_MAX)
		keyid_emul = x86_keyid_reserve(&emul_ops, arg[1], fls(arg[2]),
					       arg[2]);
	if (!keyid_emul)
		pr_warn("keyid_emul=%s cannot be\n", str);
	return 0;
}
early_param("keyid_emul", keyid_emul_setup);

static int __init keyid_emul_init(void)
{
	if (!keyid_emul)
		return 0;
	emul_flushed = vzalloc(BITS_TO_LONGS(max_pfn) * sizeof(long));
	if (!emul_flushed)
		x86_keyid_max = 0;
	return 0;
}
postcore_initcall(keyid_emul_init);
