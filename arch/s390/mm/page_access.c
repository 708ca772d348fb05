// SPDX-License-Identifier: GPL-2.0
/*
 * Access to pages of protected guests, see linux/page_access.h.
 *
 * The Ultravisor keeps the host from a secure page until the host exports it,
 * which encrypts it. The page stays in the direct map all the time: a CPU that
 * touches it gets an exception that exports the page, or kills who touched it
 * if the Ultravisor refuses. A device gets an error that nothing can mend.
 * Hence devices depend on the hook, and for kmap it spares the exception.
 *
 * A page is imported with its page-table lock and its folio lock held, while
 * it is not under writeback, and while there is no reference to it that the
 * host could have taken for I/O (make_folio_secure()). So what was made
 * accessible stays so until that reference or the writeback ends. Callers of
 * the hook have one of the two first.
 */

#include <linux/export.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/page_access.h>

#include <asm/uv.h>

/* If this is refused, the access ends in the exception, as without the hook. */
void *page_access_kmap(struct page *page)
{
	arch_make_folio_accessible(page_folio(page));
	return page_address(page);
}
EXPORT_SYMBOL(page_access_kmap);

void *page_access_kmap_try(struct page *page)
{
	if (arch_make_folio_accessible(page_folio(page)))
		return ERR_PTR(-EACCES);
	return page_address(page);
}
EXPORT_SYMBOL(page_access_kmap_try);

bool page_access_refused(struct page *page)
{
	return arch_make_folio_accessible(page_folio(page));
}
EXPORT_SYMBOL(page_access_refused);

static int uv_prepare_dma(struct page *page, enum dma_data_direction dir,
			  bool plain)
{
	return arch_make_folio_accessible(page_folio(page));
}

static const struct page_access_ops uv_access_ops = {
	.prepare_dma	= uv_prepare_dma,
};

static int __init page_access_init(void)
{
	if (!is_prot_virt_host())
		return 0;
	page_access_register(&uv_access_ops);
	return page_access_start();
}
arch_initcall(page_access_init);
