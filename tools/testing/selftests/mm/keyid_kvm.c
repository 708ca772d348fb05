// SPDX-License-Identifier: GPL-2.0
/*
 * Guests in memory with a key.
 *
 * The entries of KVM's page tables need the KeyID. Without it the guest reads
 * ciphertext, and what it writes is lost for the program, or for the guest. Wanted
 * is a KVM that runs real mode.
 *
 * With the argument "wait" a guest has a secret in private memory under a key for
 * some seconds, and then it is gone, so that somebody can look from outside.
 */
#define _GNU_SOURCE

#include <linux/falloc.h>
#include <linux/kvm.h>

#include "../kselftest.h"
#include "keyid_util.h"

#ifndef GUEST_MEMFD_FLAG_MEMKEY
#define GUEST_MEMFD_FLAG_NO_DIRECT_MAP	(1ULL << 2)
#define GUEST_MEMFD_FLAG_MEMKEY		(1ULL << 3)
#define KVM_CAP_GUEST_MEMFD_FLAGS	244
#endif

/* In the guest. A slot of 2M, for which a huge page will do. */
#define CODE	0x1000UL
#define DATA	0x2000UL
#define PRIVATE	0x400000UL
#define BYTES	HUGE
#define REST	(BYTES - DATA - PAGE)

/* movb $0x5a, DATA; incb DATA + 1; out %al, $0x10 */
static const unsigned char code[] = {
	0xc6, 0x06, 0x00, 0x20, 0x5a, 0xfe, 0x06, 0x01, 0x20, 0xe6, 0x10
};

/* What private memory has is told by out %eax, $0x10, before and after. */
#define SECRET	0x2179656bU	/* key! */
static const unsigned char private_code[] = {
	0x31, 0xff,				/* xor %di, %di */
	0x66, 0x26, 0xa1, 0x00, 0x00,		/* mov %es:0, %eax */
	0x66, 0xe7, 0x10,			/* out %eax, $0x10 */
	0x66, 0xb8, 'k', 'e', 'y', '!',		/* mov $SECRET, %eax */
	0xb9, 0x00, 0x04,			/* mov $1024, %cx */
	0xfc, 0xf3, 0x66, 0xab,			/* rep stos %eax, %es:(%di) */
	0x66, 0x26, 0xa1, 0xfc, 0x0f,		/* mov %es:0xffc, %eax */
	0x66, 0xe7, 0x10,			/* out %eax, $0x10 */
};

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
	sregs.es.base = PRIVATE;
	return !ioctl(vcpu, KVM_SET_SREGS, &sregs) &&
	       !ioctl(vcpu, KVM_SET_REGS, &regs);
}

static bool guest_open(struct guest *g, int type, void *memory)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = BYTES,
		.userspace_addr = (uintptr_t)memory,
	};

	/* With interrupts KVM may fault pages in, in the background */
	g->vm = ioctl(g->kvm, KVM_CREATE_VM, type);
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

/* To the next out. */
static bool runs(struct guest *g)
{
	int err = ioctl(g->vcpu, KVM_RUN, 0) ? errno : 0;

	if (!err && g->run->exit_reason == KVM_EXIT_IO)
		return true;
	ksft_print_msg("exit %u: %s\n", g->run->exit_reason, strerror(err));
	return false;
}

static bool runs_again(struct guest *g)
{
	return start_at_code(g->vcpu) && runs(g);
}

static __u32 told(const struct guest *g)
{
	__u32 value;

	memcpy(&value, (char *)g->run + g->run->io.data_offset, sizeof(value));
	return value;
}

/* That the guest works, or the other cases would say nothing. */
static int test_without(void)
{
	struct guest g = { .kvm = open_kvm() };
	char *p = anon(BYTES);

	if (g.kvm < 0)
		skip("no /dev/kvm");
	memcpy(p + CODE, code, sizeof(code));
	expect(guest_open(&g, 0, p), "no guest: %s", strerror(errno));
	expect(runs(&g), "it does not run");
	expect(p[DATA] == 0x5a && p[DATA + 1] == 1, "it has not written");
	guest_close(&g);
	return KSFT_PASS;
}

/*
 * Both see what the other wrote, in small pages, in a huge one that these become
 * under the guest, and in small ones again.
 */
static int test_with(void)
{
	struct guest g = { .kvm = open_kvm() };
	int key;
	char *p;

	if (g.kvm < 0)
		skip("no /dev/kvm");
	open_key(key);
	p = keyed_huge(key, BYTES);
	expect(p != MAP_FAILED, "no memory with a key");
	pattern_fill(p + DATA + PAGE, REST, 1);
	memcpy(p + CODE, code, sizeof(code));
	p[DATA + 1] = 40;
	expect(guest_open(&g, 0, p), "no guest: %s", strerror(errno));
	expect(runs(&g), "it does not run");
	expect(p[DATA] == 0x5a && p[DATA + 1] == 41, "it wrote %x %d",
	       p[DATA], p[DATA + 1]);

	expect(access(THP, F_OK) || !madvise(p, BYTES, MADV_COLLAPSE),
	       "collapse: %s", strerror(errno));
	expect(runs_again(&g), "it does not run again");
	expect(p[DATA + 1] == 42, "in a huge page, %d", p[DATA + 1]);

	expect(!mprotect(p + DATA + PAGE, PAGE, PROT_READ), "mprotect");
	p[DATA + 1]++;
	expect(runs_again(&g), "it does not run again");
	expect(p[DATA + 1] == 44, "in pieces, %d", p[DATA + 1]);
	expect(!pattern_errors(p + DATA + PAGE, REST, 1), "other bytes");
	expect(info_of(key).pages == BYTES / PAGE, "%llu pages",
	       info_of(key).pages);
	guest_close(&g);
	munmap(p, BYTES);
	expect(!pages_of(key), "%llu pages are left", pages_of(key));
	close(key);
	return KSFT_PASS;
}

/*
 * Private memory.
 */

static int private_file(const struct guest *g, __u64 flags, int fd)
{
	/* As in linux/kvm.h, of which there may be an older one */
	struct {
		__u64 size, flags;
		__u32 memkey_fd, pad;
		__u64 reserved[5];
	} args = { BYTES, flags, fd };

	_Static_assert(sizeof(args) == sizeof(struct kvm_create_guest_memfd),
		       "another ioctl");
	return ioctl(g->vm, KVM_CREATE_GUEST_MEMFD, &args);
}

static bool bind_private(const struct guest *g, int fd)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = 1,
		.flags = KVM_MEM_GUEST_MEMFD,
		.guest_phys_addr = PRIVATE,
		.memory_size = BYTES,
		.userspace_addr = (uintptr_t)anon(BYTES),
		.guest_memfd = fd,
	};
	struct kvm_memory_attributes private = {
		.address = PRIVATE,
		.size = BYTES,
		.attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE,
	};

	return !ioctl(g->vm, KVM_SET_USER_MEMORY_REGION2, &region) &&
	       !ioctl(g->vm, KVM_SET_MEMORY_ATTRIBUTES, &private);
}

static int open_private(struct guest *g)
{
	char *p = anon(BYTES);

	if (g->kvm < 0)
		skip("no /dev/kvm");
	if (ioctl(g->kvm, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS) <= 0 ||
	    !(ioctl(g->kvm, KVM_CHECK_EXTENSION, KVM_CAP_VM_TYPES) &
	      1 << KVM_X86_SW_PROTECTED_VM))
		skip("no such guest_memfd");
	memcpy(p + CODE, private_code, sizeof(private_code));
	expect(guest_open(g, KVM_X86_SW_PROTECTED_VM, p), "no guest: %s",
	       strerror(errno));
	return KSFT_PASS;
}

/* With a new key, and a guest_memfd of that. */
static int open_keyed_private(struct guest *g, int *key, int *fd)
{
	int err = open_private(g);

	if (err)
		return err;
	open_key(*key);
	*fd = private_file(g, GUEST_MEMFD_FLAG_MEMKEY, *key);
	expect(*fd >= 0, "guest_memfd: %s", strerror(errno));
	return KSFT_PASS;
}

/* Zeroes under the key, then what the guest wrote. */
static int use_private(struct guest *g, int fd)
{
	expect(bind_private(g, fd), "bind: %s", strerror(errno));
	expect(runs(g), "it does not run");
	expect(!told(g), "it begins with %x", told(g));
	expect(runs(g), "it does not run on");
	expect(told(g) == SECRET, "it read %x", told(g));
	return KSFT_PASS;
}

/* The file is closed, the guest_memfd keeps the key, and then it comes back. */
static int test_private(void)
{
	struct guest g = { .kvm = open_kvm() };
	int key, fd, err;
	__u64 flushes;
	__u32 keyid;

	err = open_keyed_private(&g, &key, &fd);
	if (err)
		return err;
	keyid = info_of(key).keyid;
	close(key);
	flushes = vmstat("unmapped_key_flush");
	err = use_private(&g, fd);
	if (err)
		return err;
	expect(vmstat("unmapped_key_flush") > flushes, "no page got the key");

	for (int i = 0; i < 3; i++) {
		key = open("/dev/memkey", O_RDWR);
		expect(key < 0 || info_of(key).keyid != keyid,
		       "the KeyID stands for another key");
		close(key);
	}
	/* Private memory that is given back is new memory */
	expect(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			  BYTES), "hole: %s", strerror(errno));
	expect(runs_again(&g), "it does not run again");
	expect(!told(&g), "the hole has %x", told(&g));
	guest_close(&g);
	close(fd);
	for (int i = 0; i < 100; i++) {
		key = new_key();
		if (key >= 0 && info_of(key).keyid == keyid)
			return KSFT_PASS;
		if (key < 0)
			break;
	}
	expect(false, "the KeyID does not come back");
}

static int test_bad_private(void)
{
	struct guest g = { .kvm = open_kvm() };
	int null = open("/dev/null", O_RDWR), key, err;

	err = open_private(&g);
	if (err)
		return err;
	open_key(key);
	expect(ioctl(g.vm, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS) ==
	       (GUEST_MEMFD_FLAG_NO_DIRECT_MAP | GUEST_MEMFD_FLAG_MEMKEY),
	       "it is not announced");
	expect(private_file(&g, GUEST_MEMFD_FLAG_MEMKEY, null) < 0 &&
	       errno == EBADF, "a file of another kind: %s", strerror(errno));
	expect(private_file(&g, GUEST_MEMFD_FLAG_MEMKEY, -1) < 0 &&
	       errno == EBADF, "no file: %s", strerror(errno));
	expect(private_file(&g, GUEST_MEMFD_FLAG_MEMKEY << 1, key) < 0 &&
	       errno == EINVAL, "another flag: %s", strerror(errno));
	guest_close(&g);
	g.kvm = open_kvm();
	expect(guest_open(&g, 0, anon(BYTES)), "no guest: %s",
	       strerror(errno));
	expect(private_file(&g, GUEST_MEMFD_FLAG_MEMKEY, key) < 0,
	       "for a guest that cannot have it");
	guest_close(&g);
	return KSFT_PASS;
}

static void say(const char *what, __u32 keyid)
{
	printf("%s %u\n", what, keyid);
	fflush(stdout);
	sleep(12);
}

/* Somebody looks into all memory after each line. */
static int show_private(void)
{
	struct guest g = { .kvm = open_kvm() };
	int key, fd, err;
	__u32 keyid;

	err = open_keyed_private(&g, &key, &fd);
	if (err)
		return err;
	keyid = info_of(key).keyid;
	err = use_private(&g, fd);
	if (err)
		return err;
	say("used", keyid);
	guest_close(&g);
	close(fd);
	say("freed", keyid);
	return KSFT_PASS;
}

static const struct test tests[] = {
	{ "a guest in ordinary memory runs", test_without },
	{ "a guest in memory with a key", test_with },
	{ "private memory with a key", test_private },
	{ "what cannot have a key", test_bad_private },
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "wait"))
		return show_private() != KSFT_PASS;
	ksft_print_header();
	need_memkey();
	ksft_set_plan(ARRAY_SIZE(tests));
	run_tests(tests, ARRAY_SIZE(tests));
	ksft_finished();
}
