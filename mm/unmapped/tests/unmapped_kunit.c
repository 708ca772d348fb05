// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
static void t(struct kunit *test) { KUNIT_EXPECT_TRUE(test, true); }
static struct kunit_case cases[] = { KUNIT_CASE(t), {} };
static struct kunit_suite s = { .name = "unmapped_alloc", .test_cases = cases };
kunit_test_suite(s);
