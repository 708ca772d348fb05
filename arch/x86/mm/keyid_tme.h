/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _X86_MM_KEYID_TME_H
#define _X86_MM_KEYID_TME_H

#include <linux/types.h>

/**
 * struct tme_layout - what there is of TME-MK
 * @shift: Lowest bit of the KeyID in a physical address.
 * @bits: Number of its bits, those that are TDX's included.
 * @max: Highest KeyID that we may use.
 * @alg: Algorithm, as one bit.
 */
struct tme_layout {
	unsigned int shift;
	unsigned int bits;
	unsigned int max;
	unsigned int alg;
};

/* Commands, in the low byte of @ctrl; the algorithm is above */
#define TME_SET_KEY_RANDOM	1
#define TME_CLEAR_KEY		2
#define TME_CTRL_ALG_SHIFT	8

#define TME_PROGRAM_ALIGN	256

/**
 * struct tme_key_program - what PCONFIG's leaf MKTME_KEY_PROGRAM is given
 * @keyid: The KeyID.
 * @ctrl: Command and algorithm.
 * @reserved: Zero.
 * @key: Data key, or entropy for a random one.
 * @tweak: Tweak key, or entropy.
 */
struct tme_key_program {
	u16 keyid;
	u32 ctrl;
	u8 reserved[58];
	u8 key[64];
	u8 tweak[64];
} __packed;

#if IS_ENABLED(CONFIG_KUNIT)
/* Static, but for the tests that replace or call them */
long tme_program_here(void *data);
bool tme_parse(u64 capability, u64 activate, unsigned int phys_bits,
	       struct tme_layout *layout);
u64 tme_pconfig(struct tme_key_program *program);
long tme_on_cpu(int cpu, struct tme_key_program *program);
int tme_program(u16 keyid);
void tme_clear(u16 keyid);
#endif

#endif /* _X86_MM_KEYID_TME_H */
