// SPDX-License-Identifier: GPL-2.0
/*
 * page_access=relaxed: repair what faults in strict mode.
 *
 * Kernel code that uses page_address() where kmap_local_page() is needed
 * faults on an inaccessible page. For machines that must go on until such code
 * is found, relaxed mode puts the page back into the direct map from the
 * page fault, and reports each caller once.
 *
 * The fault may have come in any context, so nothing is locked, allocated or
 * flushed. One page's leaf becomes present, never that of a page whose owner
 * refuses: the access to one of those faults in this mode, too. The owner sees
 * to it that each page has a leaf of its own, and takes a page that was
 * repaired out of the direct map again before somebody else gets it.
 *
 * Code with an exception handler is prepared for a fault and gets it, as in
 * strict mode: copy_to_user() returns what was not copied, and a probe finds
 * nothing.
 */

#define pr_fmt(fmt) "page_access: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <asm/page_access.h>

#include "access.h"

/* Callers that are reported. With more than this all is wrong. */
#define MAX_CALLERS	32

DEFINE_STATIC_KEY_FALSE(page_access_relaxed_key);

static unsigned long callers[MAX_CALLERS];

/* Each caller takes one entry, the first time that it is seen. */
VISIBLE_IF_KUNIT bool page_access_new_caller(unsigned long ip)
{
	unsigned int i;

	for (i = 0; i < MAX_CALLERS; i++) {
		unsigned long seen = cmpxchg(&callers[i], 0, ip);

		if (seen == ip)
			return false;
		if (!seen)
			return true;
	}
	return false;
}

VISIBLE_IF_KUNIT void page_access_report(unsigned long ip, struct page *page)
{
	KUNIT_STATIC_STUB_REDIRECT(page_access_report, ip, page);
	if (page_access_new_caller(ip))
		WARN(1, "page_access: page %#lx used at its direct-map address by %pS, repaired\n",
		     page_to_pfn(page), (void *)ip);
}

/*
 * The direct map has one protection, so a page that needs another stays out.
 * And to read poison, even in speculation, may be fatal.
 */
static bool may_repair(struct page *page)
{
	pgprot_t prot = PAGE_KERNEL;

	return page_inaccessible(page) && !PageHWPoison(page) &&
	       page_access_allowed(page, &prot) &&
	       pgprot_val(prot) == pgprot_val(PAGE_KERNEL);
}

bool page_access_repair_fault(unsigned long ip, unsigned long addr)
{
	struct page *page;

	if (!virt_addr_valid((void *)addr))
		return false;
	page = virt_to_page((void *)addr);
	if (!may_repair(page) || !arch_page_access_repair(page))
		return false;
	/* Freed since it was asked for, it may be another owner's */
	if (!may_repair(page)) {
		arch_page_access_undo_repair(page);
		return false;
	}
	page_access_report(ip, page);
	return true;
}

static int __init page_access_setup(char *str)
{
	if (!strcmp(str, "relaxed"))
		static_branch_enable(&page_access_relaxed_key);
	else if (!strcmp(str, "strict"))
		static_branch_disable(&page_access_relaxed_key);
	else
		pr_warn("page_access=%s is neither strict nor relaxed, ignored\n",
			str);
	return 1;
}
__setup("page_access=", page_access_setup);
