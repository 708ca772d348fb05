/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_KMAP_AREA_H
#define _ASM_X86_KMAP_AREA_H

#include <asm/tlbflush.h>

/*
 * Nothing but the CPU that owns a slot uses its address, so only that CPU
 * flushes. The entry is global where the kernel's are, and INVLPG drops
 * global entries whatever the PCID; with page-table isolation it is not
 * global, and flush_tlb_one_kernel() marks the other PCIDs for a flush.
 */
#define arch_kmap_local_post_unmap(vaddr)	flush_tlb_one_kernel(vaddr)

#endif /* _ASM_X86_KMAP_AREA_H */
