/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_MEMKEY_H
#define _UAPI_LINUX_MEMKEY_H

/*
 * /dev/memkey: memory encrypted under a key of its own.
 *
 * Each open() makes a key that nobody has. Passing the file descriptor shares
 * it. It lasts as long as a descriptor, a mapping or a page of it does.
 */

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct memkey_info - what MEMKEY_INFO tells
 * @keyid: Number of the key in this machine, as in /proc/PID/smaps.
 * @max_keyid: The highest that there is.
 * @pages: Pages of the key that mappings have. A guest_memfd's are not counted.
 */
struct memkey_info {
	__u32 keyid;
	__u32 max_keyid;
	__u64 pages;
};

/**
 * struct memkey_range - what MEMKEY_PROTECT is given
 * @addr: Start, a multiple of the page size.
 * @len: Bytes, a multiple of the page size.
 *
 * Pages that the range gets from now on have the key. It lies in one mapping,
 * private and anonymous, and has no page yet. On error nothing has changed:
 *
 * EINVAL	@addr or @len is not aligned, the range is empty or wraps, or it
 *		does not lie in one mapping
 * ENOMEM	nothing is mapped at @addr, there is no memory for the change, or
 *		the keyed memory of the process exceeded RLIMIT_MEMLOCK
 * EOPNOTSUPP	the mapping is of a file, shared, of huge pages, a stack that
 *		grows, sealed, or otherwise special
 * EBUSY	the range has a page, or another key
 */
struct memkey_range {
	__u64 addr;
	__u64 len;
};

#define MEMKEY_IOC	0xB9

#define MEMKEY_INFO	_IOR(MEMKEY_IOC, 0x00, struct memkey_info)
#define MEMKEY_PROTECT	_IOW(MEMKEY_IOC, 0x01, struct memkey_range)

#endif /* _UAPI_LINUX_MEMKEY_H */
