/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_UNMAPPED_EXECMEM_H
#define _MM_UNMAPPED_EXECMEM_H

#include <linux/execmem.h>
#include <linux/types.h>

#ifdef CONFIG_UNMAPPED_EXECMEM

/**
 * unmapped_exec_alloc() - Allocate memory for code, or for its data
 * @type: Who asks. The first module and the first BPF program start the cache,
 *	others may hold locks that do not go with that.
 * @range: Where to map it, and how.
 * @size: How many bytes.
 *
 * Memory that is a multiple of 2M is mapped by entries of 2M if the cache has
 * whole blocks for it.
 *
 * Context: Process context, may sleep.
 * Return: The address; NULL if the cache is off or not yet started, has reached
 * a cap, or there is no memory or no room in the range. Ordinary memory may be
 * had then.
 */
void *unmapped_exec_alloc(enum execmem_type type,
			  const struct execmem_range *range, size_t size);

/**
 * unmapped_exec_free() - Free what unmapped_exec_alloc() has returned
 * @addr: Its address, or that of other memory for code, or NULL.
 *
 * It stays mapped until a worker has taken down all that was freed meanwhile,
 * with one flush for all.
 *
 * Context: Process context.
 * Return: false if the memory is not from here.
 */
bool unmapped_exec_free(const void *addr);

#else /* !CONFIG_UNMAPPED_EXECMEM */

/* Macros: nothing is left of them, and the compiler numbers nothing. */
#define unmapped_exec_alloc(type, range, size)	NULL
#define unmapped_exec_free(addr)		false

#endif /* CONFIG_UNMAPPED_EXECMEM */

#endif /* _MM_UNMAPPED_EXECMEM_H */
