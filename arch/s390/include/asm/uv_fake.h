/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_S390_UV_FAKE_H
#define _ASM_S390_UV_FAKE_H

/*
 * An Ultravisor of software, for tests on machines without one. What it does
 * is told in arch/s390/kernel/uv_fake.c.
 */

/* The decompressor shares asm/uv.h and knows no static keys. */
#if defined(CONFIG_UV_FAKE) && !defined(__DECOMPRESSOR)

#include <linux/jump_label.h>
#include <linux/types.h>

struct folio;

/**
 * struct uv_fake_stats - what the fake Ultravisor was asked to do
 * @exports: Pages that became accessible.
 * @refused: Calls to export a page that it had been told to refuse.
 * @useless: Calls to export a page that was accessible.
 * @unguarded: Calls to export a page that nothing kept from being made secure
 *	again at once: no lock, no writeback, no additional reference. With a
 *	device in the place of the caller that is a race.
 */
struct uv_fake_stats {
	unsigned long exports;
	unsigned long refused;
	unsigned long useless;
	unsigned long unguarded;
};

DECLARE_STATIC_KEY_FALSE(uv_fake_key);

/**
 * uv_fake_active() - Ask whether the fake answers Ultravisor calls
 *
 * Return: true if the kernel was booted with uv_fake.
 */
static __always_inline bool uv_fake_active(void)
{
	return static_branch_unlikely(&uv_fake_key);
}

/**
 * uv_fake_call() - Do what the UV call instruction does
 * @uvcb: Address of a control block.
 *
 * Context: Any but NMI.
 * Return: A condition code, with the reason in the control block.
 */
int uv_fake_call(unsigned long uvcb);

/**
 * uv_fake_prepare() - Make ready to import a page
 * @folio: A folio of one page, in use as anonymous or page-cache memory.
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM.
 */
int uv_fake_prepare(struct folio *folio);

/**
 * uv_fake_import() - Make a page secure, as a protected guest's fault does
 * @folio: A folio that has been prepared. The caller has no reference to it,
 *	but knows that it does not go away. If it is mapped by more than the
 *	caller, the lock of its page table is held.
 *
 * Context: Does not sleep.
 * Return: 0; -EBUSY if there is a reference that may be for I/O; -EAGAIN if
 * it is under writeback or locked; -EINVAL if there was no memory for it.
 */
int uv_fake_import(struct folio *folio);

/**
 * uv_fake_refuse() - Tell whether a secure page may be exported
 * @folio: A folio that is secure.
 * @refuse: true to let each call for it fail.
 */
void uv_fake_refuse(struct folio *folio, bool refuse);

/**
 * uv_fake_secure() - Ask whether a page is secure
 * @folio: The folio.
 *
 * Return: true if the host cannot access it.
 */
bool uv_fake_secure(struct folio *folio);

/**
 * uv_fake_reset() - Make all pages accessible and set the statistics to 0
 */
void uv_fake_reset(void);

/**
 * uv_fake_get_stats() - Read the statistics
 * @stats: Filled in.
 */
void uv_fake_get_stats(struct uv_fake_stats *stats);

#else

#define uv_fake_active()	false

static inline int uv_fake_call(unsigned long uvcb)
{
	return 0;
}

#endif

#endif /* _ASM_S390_UV_FAKE_H */
