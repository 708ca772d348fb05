// SPDX-License-Identifier: GPL-2.0
/*
 * Keys of Intel TME-MK.
 *
 * The BIOS says in an MSR how many bits of a physical address are a KeyID, and
 * locks it. The highest KeyIDs may be set apart for TDX, whose module has those
 * keys. The others are programmed by PCONFIG: for each package, once, on one of
 * its CPUs. The key is a random one that the hardware makes; no software ever
 * sees it.
 *
 * Memory encryption is of use here only with a key of 128 or 256 bits without
 * integrity: with integrity a line that is written in part under a new key is
 * poison.
 *
 * What makes keys unknown to a package is refused while any is in use: a CPU of
 * a package that was not there, and suspend to RAM, which powers the keys off.
 */

#define pr_fmt(fmt) "keyid: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/page_keyid.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/suspend.h>
#include <linux/topology.h>

#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "keyid.h"
#include "keyid_tme.h"

#define MSR_IA32_TME_CAPABILITY	0x981

/* Algorithms, as bits of both MSRs' fields */
#define TME_ALG_XTS_128		BIT(0)
#define TME_ALG_XTS_256		BIT(2)

#define TME_CAP_ALGS(x)		((x) & 0xf)
#define TME_CAP_MAX_KEYS(x)	(((x) >> 36) & 0x7fff)
#define TME_ACT_LOCKED		BIT_ULL(0)
#define TME_ACT_ENABLED		BIT_ULL(1)
#define TME_ACT_BITS(x)		(((x) >> 32) & 0xf)
#define TME_ACT_TDX_BITS(x)	(((x) >> 36) & 0xf)
#define TME_ACT_ALGS(x)		(((x) >> 48) & 0xf)

/* PCONFIG's leaf, and what it answers in RAX */
#define PCONFIG_KEY_PROGRAM	0
#define PCONFIG_ENTROPY		2
#define PCONFIG_BUSY		5

#define PCONFIG_TRIES		100
#define PCONFIG_WAIT_US		100

/* Targets that CPUID lists */
#define CPUID_PCONFIG		0x1b
#define PCONFIG_TARGET_TME	1

static_assert(sizeof(struct tme_key_program) == 192);
static_assert(offsetof(struct tme_key_program, ctrl) == 2);
static_assert(offsetof(struct tme_key_program, key) == 64);
static_assert(offsetof(struct tme_key_program, tweak) == 128);

static struct tme_layout tme_layout __ro_after_init;

/* Serialises those who program keys. */
static DEFINE_MUTEX(tme_lock);
/* Packages that have all keys. Grows while no key is in use. */
static DECLARE_BITMAP(tme_packages, MAX_LOCAL_APIC);
/* Keys that are in use. */
static unsigned int tme_keys;

/*
 * Discovery.
 */

/**
 * tme_parse() - Find out what the BIOS has set up
 * @capability: IA32_TME_CAPABILITY.
 * @activate: IA32_TME_ACTIVATE.
 * @phys_bits: Bits of a physical address, those of the KeyID included.
 * @layout: Filled in.
 *
 * Return: false if there is no key for us.
 */
VISIBLE_IF_KUNIT bool tme_parse(u64 capability, u64 activate,
				unsigned int phys_bits,
				struct tme_layout *layout)
{
	unsigned int algs = TME_CAP_ALGS(capability) & TME_ACT_ALGS(activate);
	unsigned int bits = TME_ACT_BITS(activate);
	unsigned int tdx = TME_ACT_TDX_BITS(activate);

	if ((activate & (TME_ACT_LOCKED | TME_ACT_ENABLED)) !=
	    (TME_ACT_LOCKED | TME_ACT_ENABLED))
		return false;
	if (bits >= phys_bits || tdx >= bits)
		return false;

	layout->alg = algs & TME_ALG_XTS_256 ?: algs & TME_ALG_XTS_128;
	layout->bits = bits;
	layout->shift = phys_bits - bits;
	layout->max = min(BIT(bits - tdx) - 1, TME_CAP_MAX_KEYS(capability));
	return layout->alg && layout->max;
}

/*
 * Programming.
 */

/* A fault leaves the number of the trap: neither 0 nor one to try again for. */
VISIBLE_IF_KUNIT u64 tme_pconfig(struct tme_key_program *program)
{
	u64 ret = PCONFIG_KEY_PROGRAM;

	KUNIT_STATIC_STUB_REDIRECT(tme_pconfig, program);
	asm volatile("1: .byte 0x0f, 0x01, 0xc5\n"
		     "2:\n"
		     _ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_FAULT)
		     : "+a" (ret) : "b" (program) : "cc", "memory");
	return ret;
}

/* On a CPU of the package. */
VISIBLE_IF_KUNIT long tme_program_here(void *data)
{
	unsigned int tries = PCONFIG_TRIES;
	u64 ret;

	do {
		ret = tme_pconfig(data);
		if (ret != PCONFIG_ENTROPY && ret != PCONFIG_BUSY)
			return ret ? -EIO : 0;
		usleep_range(PCONFIG_WAIT_US, 2 * PCONFIG_WAIT_US);
	} while (--tries);
	return -EBUSY;
}

VISIBLE_IF_KUNIT long tme_on_cpu(int cpu, struct tme_key_program *program)
{
	KUNIT_STATIC_STUB_REDIRECT(tme_on_cpu, cpu, program);
	return work_on_cpu(cpu, tme_program_here, program);
}

/* One CPU of each package that is there. */
static int program_packages(struct tme_key_program *program)
{
	int cpu, err = 0;

	lockdep_assert_cpus_held();
	lockdep_assert_held(&tme_lock);

	if (!tme_keys)
		bitmap_zero(tme_packages, MAX_LOCAL_APIC);
	for_each_online_cpu(cpu) {
		if (cpumask_first_and(topology_core_cpumask(cpu),
				      cpu_online_mask) != cpu)
			continue;
		err = tme_on_cpu(cpu, program);
		if (err)
			break;
		__set_bit(topology_physical_package_id(cpu), tme_packages);
	}
	return err;
}

static struct tme_key_program *make_program(u16 keyid, unsigned int command)
{
	/* As large as it has to be aligned */
	struct tme_key_program *program = kzalloc(TME_PROGRAM_ALIGN,
						  GFP_KERNEL);

	if (!program)
		return NULL;
	program->keyid = keyid;
	program->ctrl = command | tme_layout.alg << TME_CTRL_ALG_SHIFT;
	return program;
}

static int command_all(u16 keyid, unsigned int command, int users)
{
	struct tme_key_program *program = make_program(keyid, command);
	int err;

	if (!program)
		return -ENOMEM;
	cpus_read_lock();
	mutex_lock(&tme_lock);
	err = program_packages(program);
	if (!err || users < 0)
		tme_keys += users;
	mutex_unlock(&tme_lock);
	cpus_read_unlock();
	kfree_sensitive(program);
	return err;
}

/* What was programmed before a package failed is cleared: all or none has it. */
VISIBLE_IF_KUNIT int tme_program(u16 keyid)
{
	int err = command_all(keyid, TME_SET_KEY_RANDOM, 1);

	if (err) {
		command_all(keyid, TME_CLEAR_KEY, 0);
		pr_warn_ratelimited("key %u cannot be programmed: %d\n", keyid,
				    err);
	}
	return err;
}

VISIBLE_IF_KUNIT void tme_clear(u16 keyid)
{
	command_all(keyid, TME_CLEAR_KEY, -1);
}

static const struct x86_keyid_ops tme_ops = {
	.program	= tme_program,
	.clear		= tme_clear,
};

/*
 * What would lose keys.
 */

static int tme_cpu_online(unsigned int cpu)
{
	bool known;

	mutex_lock(&tme_lock);
	known = !tme_keys || test_bit(topology_physical_package_id(cpu),
				      tme_packages);
	mutex_unlock(&tme_lock);
	return known ? 0 : -EBUSY;
}

static int tme_pm_notify(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	bool busy;

	if (action != PM_SUSPEND_PREPARE)
		return NOTIFY_DONE;
	mutex_lock(&tme_lock);
	busy = tme_keys;
	mutex_unlock(&tme_lock);
	return busy ? notifier_from_errno(-EBUSY) : NOTIFY_OK;
}

static struct notifier_block tme_pm_nb = { .notifier_call = tme_pm_notify };

/*
 * Boot. The boot CPU asks twice, and finds the same.
 */

static bool pconfig_has_target(void)
{
	unsigned int eax, ebx, ecx, edx, leaf = 0;

	if (!boot_cpu_has(X86_FEATURE_PCONFIG))
		return false;
	do {
		cpuid_count(CPUID_PCONFIG, leaf++, &eax, &ebx, &ecx, &edx);
		if ((eax & 0xfff) == 1 && (ebx == PCONFIG_TARGET_TME ||
					   ecx == PCONFIG_TARGET_TME ||
					   edx == PCONFIG_TARGET_TME))
			return true;
	} while ((eax & 0xfff) == 1);
	return false;
}

/**
 * x86_keyid_detect() - Look for keys of TME-MK
 * @activate: IA32_TME_ACTIVATE, of the boot CPU.
 *
 * Context: Before x86_phys_bits is reduced by the bits of the KeyID.
 */
void x86_keyid_detect(u64 activate)
{
	u64 capability;

	if (!pconfig_has_target() ||
	    rdmsrl_safe(MSR_IA32_TME_CAPABILITY, &capability) ||
	    !tme_parse(capability, activate, boot_cpu_data.x86_phys_bits,
		       &tme_layout))
		return;
	x86_keyid_reserve(&tme_ops, tme_layout.shift, tme_layout.bits,
			  tme_layout.max);
}

static int __init tme_init(void)
{
	int err;

	if (!tme_layout.max)
		return 0;
	err = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "x86/keyid:online",
					tme_cpu_online, NULL);
	if (err < 0)
		return err;
	return register_pm_notifier(&tme_pm_nb);
}
device_initcall(tme_init);
