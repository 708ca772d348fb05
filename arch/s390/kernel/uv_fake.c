// SPDX-License-Identifier: GPL-2.0
/*
 * An Ultravisor of software.
 *
 * Emulators have no Ultravisor (facility 158), so nothing there ever makes a
 * page secure and the hooks that export pages are dead code. With uv_fake on
 * the command line UV calls come here. All else is the real code: PG_arch_1,
 * the rules for making a page secure, and each place that exports one.
 *
 * A secure page is one that is invalid in the direct map, so that an access
 * which no hook prepared faults instead of being mended by the exception that
 * real machines have. An export maps it again, with the contents it had. A
 * test can have exports of a page refused, and count what was asked for.
 *
 * There are no guests, and no commands but those that change one page.
 */

#define KMSG_COMPONENT "uv_fake"
#define pr_fmt(fmt) KMSG_COMPONENT ": " fmt

#include <linux/init.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <linux/swap.h>
#include <linux/xarray.h>

#include <asm/facility.h>
#include <asm/uv.h>

DEFINE_STATIC_KEY_FALSE(uv_fake_key);
EXPORT_SYMBOL_GPL(uv_fake_key);

/* What is known of a secure page */
enum fake_state {
	FAKE_SECURE,
	FAKE_REFUSED,
};

/* The secure pages by their pfn. Its lock also protects the statistics. */
static DEFINE_XARRAY_FLAGS(fake_pages, XA_FLAGS_LOCK_IRQ);
static struct uv_fake_stats fake_stats;

static bool uv_fake_wanted __initdata;

/*
 * The direct map, where uv_fake_prepare() left leaves of one page.
 */

static void fake_unmap(unsigned long pfn)
{
	unsigned long addr = (unsigned long)pfn_to_virt(pfn);

	__ptep_ipte(addr, virt_to_kpte(addr), 0, 0, IPTE_GLOBAL);
}

static void fake_map(unsigned long pfn)
{
	pte_t *ptep = virt_to_kpte((unsigned long)pfn_to_virt(pfn));

	set_pte(ptep, clear_pte_bit(ptep_get(ptep), __pgprot(_PAGE_INVALID)));
}

/*
 * Commands. The lock of fake_pages is held.
 */

static int fake_done(struct uv_cb_header *uvcb)
{
	uvcb->rc = UVC_RC_EXECUTED;
	return UVC_CC_OK;
}

static int fake_failed(struct uv_cb_header *uvcb, u16 rc)
{
	uvcb->rc = rc;
	return UVC_CC_ERROR;
}

static int fake_import(struct uv_cb_cts *uvcb)
{
	unsigned long pfn = PHYS_PFN(uvcb->gaddr);
	void *state = xa_mk_value(FAKE_SECURE);

	if (xa_is_err(__xa_store(&fake_pages, pfn, state, GFP_ATOMIC)))
		return fake_failed(&uvcb->header, UVC_RC_INV_STATE);
	fake_unmap(pfn);
	return fake_done(&uvcb->header);
}

/* Could the page be made secure as soon as the caller has it? */
static bool fake_unguarded(unsigned long pfn)
{
	struct folio *folio = pfn_folio(pfn);

	return !folio_test_locked(folio) && !folio_test_writeback(folio) &&
	       folio_ref_count(folio) <= folio_expected_ref_count(folio);
}

static void fake_release(unsigned long pfn)
{
	fake_map(pfn);
	__xa_erase(&fake_pages, pfn);
}

static int fake_export(struct uv_cb_cfs *uvcb)
{
	unsigned long pfn = PHYS_PFN(uvcb->paddr);
	void *state = xa_load(&fake_pages, pfn);

	fake_stats.unguarded += fake_unguarded(pfn);
	if (!state) {
		fake_stats.useless++;
		return fake_done(&uvcb->header);
	}
	if (xa_to_value(state) == FAKE_REFUSED) {
		fake_stats.refused++;
		return fake_failed(&uvcb->header, UVC_RC_INV_STATE);
	}
	fake_stats.exports++;
	fake_release(pfn);
	return fake_done(&uvcb->header);
}

/* The guest's data are gone, and no policy can keep them. */
static int fake_destroy(struct uv_cb_cfs *uvcb)
{
	unsigned long pfn = PHYS_PFN(uvcb->paddr);

	if (xa_load(&fake_pages, pfn)) {
		fake_release(pfn);
		clear_page(pfn_to_virt(pfn));
	}
	return fake_done(&uvcb->header);
}

static int fake_command(struct uv_cb_header *uvcb)
{
	switch (uvcb->cmd) {
	case UVC_CMD_CONV_TO_SEC_STOR:
		return fake_import((struct uv_cb_cts *)uvcb);
	case UVC_CMD_CONV_FROM_SEC_STOR:
		return fake_export((struct uv_cb_cfs *)uvcb);
	case UVC_CMD_DESTR_SEC_STOR:
		return fake_destroy((struct uv_cb_cfs *)uvcb);
	default:
		return fake_failed(uvcb, UVC_RC_INV_CMD);
	}
}

int uv_fake_call(unsigned long uvcb)
{
	unsigned long flags;
	int cc;

	xa_lock_irqsave(&fake_pages, flags);
	cc = fake_command((struct uv_cb_header *)uvcb);
	xa_unlock_irqrestore(&fake_pages, flags);
	return cc;
}
EXPORT_SYMBOL_GPL(uv_fake_call);

/*
 * What tests use.
 */

int uv_fake_prepare(struct folio *folio)
{
	/* Lists of the CPUs have references that count as somebody's I/O */
	lru_add_drain_all();
	/* Splits the leaf, without any other change */
	return set_direct_map_default_noflush(&folio->page);
}

int uv_fake_import(struct folio *folio)
{
	struct uv_cb_cts uvcb = {
		.header.cmd = UVC_CMD_CONV_TO_SEC_STOR,
		.header.len = sizeof(uvcb),
		.gaddr = folio_to_phys(folio),
	};
	int err;

	if (!folio_trylock(folio))
		return -EAGAIN;
	err = make_folio_secure(folio, &uvcb.header);
	folio_unlock(folio);
	return err;
}

void uv_fake_refuse(struct folio *folio, bool refuse)
{
	void *state = xa_mk_value(refuse ? FAKE_REFUSED : FAKE_SECURE);

	xa_lock_irq(&fake_pages);
	/* Never allocates: it has a slot */
	if (xa_load(&fake_pages, folio_pfn(folio)))
		__xa_store(&fake_pages, folio_pfn(folio), state, 0);
	xa_unlock_irq(&fake_pages);
}

bool uv_fake_secure(struct folio *folio)
{
	return xa_load(&fake_pages, folio_pfn(folio));
}

void uv_fake_reset(void)
{
	unsigned long pfn;
	void *state;

	xa_lock_irq(&fake_pages);
	xa_for_each(&fake_pages, pfn, state) {
		fake_release(pfn);
		clear_bit(PG_arch_1, &pfn_folio(pfn)->flags);
	}
	fake_stats = (struct uv_fake_stats){ };
	xa_unlock_irq(&fake_pages);
}

void uv_fake_get_stats(struct uv_fake_stats *stats)
{
	xa_lock_irq(&fake_pages);
	*stats = fake_stats;
	xa_unlock_irq(&fake_pages);
}

static int __init uv_fake_param(char *str)
{
	uv_fake_wanted = true;
	return 0;
}
early_param("uv_fake", uv_fake_param);

/* Before arch_initcall(), when the hooks look for a host. */
static int __init uv_fake_init(void)
{
	if (!uv_fake_wanted)
		return 0;
	if (test_facility(158)) {
		pr_warn("not used, the machine has an Ultravisor\n");
		return 0;
	}
	prot_virt_host = 1;
	static_branch_enable(&uv_fake_key);
	pr_info("pages are as secure as a test needs them\n");
	return 0;
}
core_initcall(uv_fake_init);
