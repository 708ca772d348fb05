// SPDX-License-Identifier: GPL-2.0
/*
 * Errors on demand, for tests of those who use inaccessible pages.
 *
 * fail_page_access hits a device that is about to reach an inaccessible page,
 * as if its owner had failed, and whoever asks for a slot and can do without.
 * Documentation/fault-injection/fault-injection.rst has the knobs.
 */

#include <linux/fault-inject.h>
#include <linux/init.h>

#include "access.h"

DECLARE_FAULT_ATTR(fail_page_access);

bool page_access_should_fail(void)
{
	return should_fail(&fail_page_access, 1);
}

static int __init setup_fail_page_access(char *str)
{
	return setup_fault_attr(&fail_page_access, str);
}
__setup("fail_page_access=", setup_fail_page_access);

static int __init fail_page_access_debugfs(void)
{
	fault_create_debugfs_attr("fail_page_access", NULL, &fail_page_access);
	return 0;
}
late_initcall(fail_page_access_debugfs);
