/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_UNACCEPTED_SIM_H
#define _ASM_X86_UNACCEPTED_SIM_H

#include <linux/types.h>

#ifdef CONFIG_UNACCEPTED_MEMORY_SIM

/**
 * unaccepted_sim_init() - Take the memory named by unaccepted_sim= away
 *
 * Context: Boot, when the direct map is made and memblock has the rest.
 */
void unaccepted_sim_init(void);

/**
 * unaccepted_sim_accept() - Give memory back
 * @start: First address, bytes, that of a unit.
 * @end: The one after the last, bytes.
 *
 * Context: Any.
 * Return: false if nothing is simulated.
 */
bool unaccepted_sim_accept(phys_addr_t start, phys_addr_t end);

/**
 * unaccepted_sim_oops() - Say so if a fault hit memory that is not accepted
 * @address: The address, for which there is no other explanation.
 * @ip: The instruction.
 *
 * Context: Any.
 */
void unaccepted_sim_oops(unsigned long address, unsigned long ip);

/**
 * unaccepted_sim_zeropad() - Report a read ahead that a guard should prevent
 * @address: What load_unaligned_zeropad() tried to read.
 *
 * Context: Any.
 */
void unaccepted_sim_zeropad(unsigned long address);

/**
 * unaccepted_sim_zeropads() - Count the reads ahead that were reported
 *
 * Return: How many since boot.
 */
long unaccepted_sim_zeropads(void);

#else

static inline void unaccepted_sim_init(void)
{
}

static inline bool unaccepted_sim_accept(phys_addr_t start, phys_addr_t end)
{
	return false;
}

static inline void unaccepted_sim_oops(unsigned long address,
				       unsigned long ip)
{
}

static inline void unaccepted_sim_zeropad(unsigned long address)
{
}

static inline long unaccepted_sim_zeropads(void)
{
	return 0;
}

#endif /* CONFIG_UNACCEPTED_MEMORY_SIM */

#endif /* _ASM_X86_UNACCEPTED_SIM_H */
