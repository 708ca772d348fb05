// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to populate and to free the private memory of a guest: a
 * guest_memfd of a VM without a vCPU, allocated whole by fallocate(). Ordinary
 * first, then outside the direct map where the kernel offers that, in huge folios
 * and without.
 *
 *	bench-guestmem [MIB]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "measure.h"

#define PASSES	3

/* include/uapi/linux/kvm.h as of Linux 6.8 */
#ifndef KVM_CREATE_GUEST_MEMFD
#define KVM_X86_SW_PROTECTED_VM	1

struct kvm_create_guest_memfd {
	__u64 size;
	__u64 flags;
	__u64 reserved[6];
};

#define KVM_CREATE_GUEST_MEMFD	_IOWR(KVMIO, 0xd4, struct kvm_create_guest_memfd)
#endif

/* And as the series has it */
#ifndef GUEST_MEMFD_FLAG_NO_DIRECT_MAP
#define KVM_CAP_GUEST_MEMFD_FLAGS	244
#define GUEST_MEMFD_FLAG_NO_DIRECT_MAP	(1ULL << 2)
#endif

struct cost {
	double populate, free, ipi;
};

static int open_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm;

	if (kvm < 0)
		die("/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, KVM_X86_SW_PROTECTED_VM);
	if (vm < 0)
		die("KVM_CREATE_VM of a software-protected VM");
	close(kvm);
	return vm;
}

static struct cost measure(int vm, size_t bytes, uint64_t flags)
{
	struct kvm_create_guest_memfd file = { .size = bytes, .flags = flags };
	uint64_t pages = bytes / PAGE_BYTES, begin, populated, freed;
	struct sample before, after;
	int fd;

	fd = ioctl(vm, KVM_CREATE_GUEST_MEMFD, &file);
	if (fd < 0)
		die("KVM_CREATE_GUEST_MEMFD, flags %#llx",
		    (unsigned long long)flags);
	sample_take(&before);
	begin = tsc();
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes))
		die("fallocate of %zu bytes of guest memory", bytes);
	populated = tsc() - begin;
	sample_take(&after);
	begin = tsc();
	close(fd);
	freed = tsc() - begin;

	return (struct cost){ per(populated, pages), per(freed, pages),
			      per(after.cal - before.cal, pages) };
}

/* The first pass takes blocks out of the direct map, later ones may reuse some. */
static void measure_kind(const char *kind, int vm, size_t bytes, uint64_t flags)
{
	struct cost c;
	int pass;

	for (pass = 1; pass <= PASSES; pass++) {
		c = measure(vm, bytes, flags);
		printf("guestmem kind=%s pass=%d populate=%.1f free=%.1f ", kind,
		       pass, c.populate, c.free);
		printf("sum=%.1f ipi=%.4f\n", c.populate + c.free, c.ipi);
	}
}

static void set_huge(bool huge)
{
	int fd = open("/sys/module/kvm/parameters/gmem_huge", O_WRONLY);

	if (fd < 0 || write(fd, huge ? "1" : "0", 1) != 1)
		die("kvm.gmem_huge");
	close(fd);
}

int main(int argc, char **argv)
{
	int mib = argc > 1 ? atoi(argv[1]) : 512;
	int vm;

	errno = 0;
	if (argc > 2 || mib < 1)
		die("usage: bench-guestmem [MIB]");
	pin_to_cpu(0);
	vm = open_vm();
	measure_kind("ordinary", vm, mib * MIB, 0);
	if (ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS) &
	    GUEST_MEMFD_FLAG_NO_DIRECT_MAP) {
		measure_kind("unmapped", vm, mib * MIB,
			     GUEST_MEMFD_FLAG_NO_DIRECT_MAP);
		set_huge(false);
		measure_kind("small", vm, mib * MIB,
			     GUEST_MEMFD_FLAG_NO_DIRECT_MAP);
	}
	return 0;
}
