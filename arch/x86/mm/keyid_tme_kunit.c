// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for keys of TME-MK, with an instruction that is not there.
 *
 * What the BIOS may have set up is taken apart, and PCONFIG's place is taken by
 * a function that notes what it is given and answers as told. Once the real
 * instruction is executed: on a machine without keys that is an error.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>

#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/slab.h>

#include "keyid_tme.h"

#define LOCKED		BIT_ULL(0)
#define ENABLED		BIT_ULL(1)
#define ON		(LOCKED | ENABLED)
#define BITS(n)		((u64)(n) << 32)
#define TDX(n)		((u64)(n) << 36)
#define ALGS(n)		((u64)(n) << 48)
#define XTS_128		BIT(0)
#define XTS_128_I	BIT(1)
#define XTS_256		BIT(2)
#define KEYS(n)		((u64)(n) << 36)

struct tme_case {
	const char *name;
	u64 capability;
	u64 activate;
	bool good;
	struct tme_layout want;
};

static const struct tme_case tme_cases[] = {
	{ "six bits", KEYS(63) | XTS_128, ON | BITS(6) | ALGS(XTS_128), true,
	  { 46, 6, 63, XTS_128 } },
	{ "fewer keys than KeyIDs", KEYS(40) | XTS_128,
	  ON | BITS(6) | ALGS(XTS_128), true, { 46, 6, 40, XTS_128 } },
	{ "a part is TDX's", KEYS(63) | XTS_128,
	  ON | BITS(6) | TDX(4) | ALGS(XTS_128), true, { 46, 6, 3, XTS_128 } },
	{ "the longer key", KEYS(63) | XTS_128 | XTS_256,
	  ON | BITS(6) | ALGS(XTS_128 | XTS_256), true,
	  { 46, 6, 63, XTS_256 } },
	{ "the BIOS allows one", KEYS(63) | XTS_128 | XTS_256,
	  ON | BITS(6) | ALGS(XTS_128), true, { 46, 6, 63, XTS_128 } },
	{ "the CPU has one", KEYS(63) | XTS_128,
	  ON | BITS(6) | ALGS(XTS_128 | XTS_256), true,
	  { 46, 6, 63, XTS_128 } },
	{ "fifteen bits", KEYS(0x7fff) | XTS_128, ON | BITS(15) | ALGS(XTS_128),
	  true, { 37, 15, 0x7fff, XTS_128 } },
	{ "not locked", KEYS(63) | XTS_128,
	  ENABLED | BITS(6) | ALGS(XTS_128) },
	{ "not enabled", KEYS(63) | XTS_128,
	  LOCKED | BITS(6) | ALGS(XTS_128) },
	{ "no bits", KEYS(63) | XTS_128, ON | ALGS(XTS_128) },
	{ "all are TDX's", KEYS(63) | XTS_128,
	  ON | BITS(6) | TDX(6) | ALGS(XTS_128) },
	{ "more than all", KEYS(63) | XTS_128,
	  ON | BITS(6) | TDX(7) | ALGS(XTS_128) },
	{ "no keys", XTS_128, ON | BITS(6) | ALGS(XTS_128) },
	{ "integrity alone", KEYS(63) | XTS_128_I,
	  ON | BITS(6) | ALGS(XTS_128_I) },
	{ "nothing at all", 0, 0 },
};

static void tme_case_name(const struct tme_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(tme, tme_cases, tme_case_name);

static void what_the_bios_set_up(struct kunit *test)
{
	const struct tme_case *c = test->param_value;
	struct tme_layout got = { };

	KUNIT_ASSERT_EQ(test, tme_parse(c->capability, c->activate, 52, &got),
			c->good);
	if (c->good)
		KUNIT_EXPECT_MEMEQ(test, &got, &c->want, sizeof(got));
}

/* The instruction that is not there. */
#define MAX_CALLS	256

struct fake {
	unsigned int nr;
	struct tme_key_program given[MAX_CALLS];
	u64 answers[MAX_CALLS];
	bool aligned;
};

static u64 fake_pconfig(struct tme_key_program *program)
{
	struct fake *f = kunit_get_current_test()->priv;

	if (f->nr == MAX_CALLS)
		return 0;
	f->aligned &= IS_ALIGNED((unsigned long)program, TME_PROGRAM_ALIGN);
	f->given[f->nr] = *program;
	return f->answers[f->nr++];
}

/* Here, where stubs are known, and not on the CPU. */
static long fake_on_cpu(int cpu, struct tme_key_program *program)
{
	return tme_program_here(program);
}

static struct fake *use_fake(struct kunit *test)
{
	struct fake *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->aligned = true;
	test->priv = f;
	kunit_activate_static_stub(test, tme_pconfig, fake_pconfig);
	kunit_activate_static_stub(test, tme_on_cpu, fake_on_cpu);
	return f;
}

static void packages_get_a_random_key(struct kunit *test)
{
	struct fake *f = use_fake(test);

	KUNIT_EXPECT_EQ(test, tme_program(5), 0);
	KUNIT_EXPECT_EQ(test, f->nr, 1);
	KUNIT_EXPECT_TRUE(test, f->aligned);
	KUNIT_EXPECT_EQ(test, f->given[0].keyid, 5);
	KUNIT_EXPECT_EQ(test, f->given[0].ctrl & 0xff, TME_SET_KEY_RANDOM);
	KUNIT_EXPECT_EQ(test, f->given[0].ctrl >> 24, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(f->given[0].reserved, 0,
					   sizeof(f->given[0].reserved)));
	tme_clear(5);
	KUNIT_EXPECT_EQ(test, f->nr, 2);
	KUNIT_EXPECT_EQ(test, f->given[1].keyid, 5);
	KUNIT_EXPECT_EQ(test, f->given[1].ctrl & 0xff, TME_CLEAR_KEY);
}

static void it_tries_again(struct kunit *test)
{
	struct fake *f = use_fake(test);

	f->answers[0] = 2;
	f->answers[1] = 5;
	KUNIT_EXPECT_EQ(test, tme_program(1), 0);
	KUNIT_EXPECT_EQ(test, f->nr, 3);
	tme_clear(1);
}

static void it_gives_up(struct kunit *test)
{
	struct fake *f = use_fake(test);
	unsigned int i;

	for (i = 0; i < 100; i++)
		f->answers[i] = 5;
	KUNIT_EXPECT_EQ(test, tme_program(1), -EBUSY);
	/* And clears what other packages may have */
	KUNIT_EXPECT_EQ(test, f->nr, 101);
	KUNIT_EXPECT_EQ(test, f->given[100].ctrl & 0xff, TME_CLEAR_KEY);
}

static void an_error_is_one(struct kunit *test)
{
	struct fake *f = use_fake(test);

	f->answers[0] = 1;
	KUNIT_EXPECT_EQ(test, tme_program(1), -EIO);
	KUNIT_EXPECT_EQ(test, f->given[1].ctrl & 0xff, TME_CLEAR_KEY);
}

static void the_real_one_does_not_oops(struct kunit *test)
{
	struct tme_key_program *program = kunit_kzalloc(test,
							TME_PROGRAM_ALIGN,
							GFP_KERNEL);
	u64 ret;

	KUNIT_ASSERT_NOT_NULL(test, program);
	if (boot_cpu_has(X86_FEATURE_PCONFIG))
		kunit_skip(test, "there is one");
	ret = tme_pconfig(program);
	KUNIT_EXPECT_NE(test, ret, 0);
	KUNIT_EXPECT_NE(test, ret, 2);
	KUNIT_EXPECT_NE(test, ret, 5);
}

static struct kunit_case keyid_tme_cases[] = {
	KUNIT_CASE_PARAM(what_the_bios_set_up, tme_gen_params),
	KUNIT_CASE(packages_get_a_random_key),
	KUNIT_CASE(it_tries_again),
	KUNIT_CASE(it_gives_up),
	KUNIT_CASE(an_error_is_one),
	KUNIT_CASE(the_real_one_does_not_oops),
	{}
};

static struct kunit_suite keyid_tme_suite = {
	.name = "keyid_tme",
	.test_cases = keyid_tme_cases,
};

kunit_test_suite(keyid_tme_suite);

MODULE_DESCRIPTION("KUnit tests for keys of TME-MK");
MODULE_LICENSE("GPL");
