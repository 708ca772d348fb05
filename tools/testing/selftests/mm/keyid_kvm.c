// SPDX-License-Identifier: GPL-2.0
/*
 * A guest in memory with a key.
 *
 * KVM's page tables carry no KeyID. The guest would read ciphertext, and what it
 * writes would be lost for the program: such memory is refused when the guest
 * touches it. Wanted is a KVM that runs real mode.
 */
#define _GNU_SOURCE

#include <linux/kvm.h>

#include "../kselftest.h"
#include "keyid_util.h"

#define CODE	0x1000UL	/* in the guest */
#define BYTES	(16 * PAGE)

/* movb $0x5a, DATA; out %al, $0x10 */
static const unsigned char code[] = { 0xc6, 0x06, 0x00, 0x20, 0x5a, 0xe6, 0x10 };
#define DATA	0x2000UL

struct guest {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	size_t run_bytes;
};

static bool map_run(struct guest *g)
{
	int bytes = ioctl(g->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (bytes <= 0)
		return false;
	g->run_bytes = bytes;
	g->run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu,
		      0);
	return g->run != MAP_FAILED;
}

/* A CPU that is to run the code in segment 0, and may be interrupted. */
static bool start_at_code(int vcpu)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 0x202 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return false;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return !ioctl(vcpu, KVM_SET_SREGS, &sregs) &&
	       !ioctl(vcpu, KVM_SET_REGS, &regs);
}

static bool guest_open(struct guest *g, void *memory)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = BYTES,
		.userspace_addr = (uintptr_t)memory,
	};

	/* With interrupts KVM may fault pages in, in the background */
	g->vm = ioctl(g->kvm, KVM_CREATE_VM, 0);
	if (g->vm < 0 || ioctl(g->vm, KVM_CREATE_IRQCHIP, 0) ||
	    ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return false;
	g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0);
	return g->vcpu >= 0 && map_run(g) && start_at_code(g->vcpu);
}

static void guest_close(struct guest *g)
{
	munmap(g->run, g->run_bytes);
	close(g->vcpu);
	close(g->vm);
	close(g->kvm);
}

static int open_kvm(void)
{
	return open("/dev/kvm", O_RDWR | O_CLOEXEC);
}

/* That the guest works, or the other case would say nothing. */
static int test_without(void)
{
	struct guest g = { .kvm = open_kvm() };
	char *p = anon(BYTES);

	if (g.kvm < 0)
		skip("no /dev/kvm");
	memcpy(p + CODE, code, sizeof(code));
	expect(guest_open(&g, p), "no guest: %s", strerror(errno));
	expect(!ioctl(g.vcpu, KVM_RUN, 0), "run: %s", strerror(errno));
	expect(g.run->exit_reason == KVM_EXIT_IO, "exit %u",
	       g.run->exit_reason);
	expect(p[DATA] == 0x5a, "it has not written");
	guest_close(&g);
	return KSFT_PASS;
}

/* Refused when it is touched first, and as often as it is tried. */
static int test_with(void)
{
	struct guest g = { .kvm = open_kvm() };
	int key, i;
	char *p;

	if (g.kvm < 0)
		skip("no /dev/kvm");
	key = new_key();
	p = keyed(key, BYTES);
	expect(p != MAP_FAILED, "no memory with a key");
	memcpy(p + CODE, code, sizeof(code));
	expect(guest_open(&g, p), "no guest: %s", strerror(errno));
	for (i = 0; i < 3; i++)
		expect(ioctl(g.vcpu, KVM_RUN, 0) < 0 && errno == EFAULT,
		       "exit %u: %s", g.run->exit_reason, strerror(errno));
	expect(!p[DATA] && !memcmp(p + CODE, code, sizeof(code)),
	       "the memory changed");
	guest_close(&g);
	munmap(p, BYTES);
	expect(!pages_of(key), "%llu pages are left", pages_of(key));
	close(key);
	return KSFT_PASS;
}

static const struct test tests[] = {
	{ "a guest in ordinary memory runs", test_without },
	{ "a guest in memory with a key is refused", test_with },
};

int main(void)
{
	ksft_print_header();
	need_memkey();
	ksft_set_plan(ARRAY_SIZE(tests));
	run_tests(tests, ARRAY_SIZE(tests));
	ksft_finished();
}
