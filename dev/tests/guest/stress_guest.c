// SPDX-License-Identifier: GPL-2.0
/*
 * Workers that use private memory of guests: one fills and punches guest_memfd
 * without a guest, the other runs a guest while its memory is converted from
 * private to shared or back.
 *
 * The guest runs in real mode and has two halves of 64K. Either is the segment
 * ES in turn. There are two programs: one stores EAX in all of ES, the other
 * compares all of ES with EAX. So each half is full of one word, which is
 * known here. While the guest works in one half the host converts the other.
 */
#define _GNU_SOURCE
#include <linux/kvm.h>
#include <pthread.h>

#include "stress.h"

#ifndef GUEST_MEMFD_FLAG_NO_DIRECT_MAP
#define KVM_CAP_GUEST_MEMFD_FLAGS	244
#define GUEST_MEMFD_FLAG_NO_DIRECT_MAP	(1ULL << 2)
#endif

#define CODE		0x1000UL
#define STORE		CODE
#define COMPARE		(CODE + 16)
#define HALF		0x10000UL	/* bytes; the first one begins there */
#define BYTES		(3 * HALF)
#define ZERO_FLAG	0x40
#define STEPS		32

static const unsigned char store[] = {
	0xf3, 0x66, 0xab,	/* rep stosl %eax, %es:(%di) */
	0xe6, 0x10,		/* out %al, $0x10 */
};

static const unsigned char compare[] = {
	0xf3, 0x66, 0xaf,	/* repe scasl %es:(%di), %eax */
	0xe6, 0x10,
};

struct half {
	__u64 at;	/* in the guest's memory */
	bool private;
	__u32 word;
};

struct guest {
	int vm, vcpu, file;
	struct kvm_run *run;
	size_t run_bytes;
	char *shared;
	struct half half[2];
};

static int open_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	if (kvm < 0)
		return -1;
	vm = ioctl(kvm, KVM_CREATE_VM, KVM_X86_SW_PROTECTED_VM);
	close(kvm);
	return vm;
}

/* Every other one has a key, while there are any. */
static int private_file(int vm, __u64 bytes, bool wants_key)
{
	int key = wants_key ? open("/dev/memkey", O_RDWR | O_CLOEXEC) : -1, fd;
	struct kvm_create_guest_memfd args = {
		.size = bytes,
		.flags = key < 0 ? GUEST_MEMFD_FLAG_NO_DIRECT_MAP :
				   GUEST_MEMFD_FLAG_MEMKEY,
		.memkey_fd = key,
	};

	fd = ioctl(vm, KVM_CREATE_GUEST_MEMFD, &args);
	if (key >= 0)
		close(key);
	return fd;
}

const char *guest_lacks(void)
{
	int vm = open_vm();
	bool offered;

	if (vm < 0)
		return "no KVM with software-protected guests";
	offered = ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS) &
		  GUEST_MEMFD_FLAG_NO_DIRECT_MAP;
	close(vm);
	return offered ? NULL : "no GUEST_MEMFD_FLAG_NO_DIRECT_MAP";
}

/* --- without a guest ----------------------------------------------------- */

void guestmem_round(__u64 seed)
{
	__u64 pages = 256 + seed % 1024, at = (seed >> 16) % 128;
	int vm = open_vm(), fd;

	if (vm < 0)
		return refused(errno);
	fd = private_file(vm, pages * PAGE, seed & 1 << 24);
	if (fd < 0 ||
	    fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, pages * PAGE) ||
	    fallocate(fd, PUNCH, at * PAGE, (pages - at) / 2 * PAGE) ||
	    fallocate(fd, FALLOC_FL_KEEP_SIZE, at * PAGE, PAGE))
		refused(errno);
	else
		count(&mine->checked, 1);
	if (fd >= 0)
		close(fd);
	close(vm);
}

/* --- a guest that runs --------------------------------------------------- */

static bool set_private(struct guest *g, struct half *h, bool private)
{
	struct kvm_memory_attributes args = {
		.address = h->at,
		.size = HALF,
		.attributes = private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};

	if (ioctl(g->vm, KVM_SET_MEMORY_ATTRIBUTES, &args))
		return false;
	h->private = private;
	return true;
}

static bool add_memory(struct guest *g, bool wants_key)
{
	struct kvm_userspace_memory_region2 region = {
		.flags = KVM_MEM_GUEST_MEMFD,
		.memory_size = BYTES,
	};
	int i;

	g->shared = anonymous(BYTES / PAGE);
	/* Room for a huge folio */
	g->file = private_file(g->vm, 2 * MIB, wants_key);
	if (!g->shared || g->file < 0)
		return false;
	region.userspace_addr = (uintptr_t)g->shared;
	region.guest_memfd = g->file;
	memcpy(g->shared + STORE, store, sizeof(store));
	memcpy(g->shared + COMPARE, compare, sizeof(compare));
	for (i = 0; i < 2; i++) {
		g->half[i] = (struct half){ .at = (i + 1) * HALF };
		if (!set_private(g, &g->half[i], true))
			return false;
	}
	return !ioctl(g->vm, KVM_SET_USER_MEMORY_REGION2, &region);
}

static bool add_cpu(struct guest *g, int bytes)
{
	g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0);
	if (g->vcpu < 0)
		return false;
	g->run_bytes = bytes;
	g->run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu,
		      0);
	return g->run != MAP_FAILED;
}

static int run_size(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	close(kvm);
	return bytes;
}

static void guest_close(struct guest *g)
{
	if (g->run != MAP_FAILED)
		munmap(g->run, g->run_bytes);
	if (g->shared)
		munmap(g->shared, BYTES);
	if (g->vcpu >= 0)
		close(g->vcpu);
	if (g->file >= 0)
		close(g->file);
	if (g->vm >= 0)
		close(g->vm);
}

static bool guest_open(struct guest *g, bool wants_key)
{
	*g = (struct guest){
		.vm = open_vm(), .vcpu = -1, .file = -1, .run = MAP_FAILED,
	};
	if (g->vm >= 0 && add_memory(g, wants_key) && add_cpu(g, run_size()))
		return true;
	refused(errno);
	guest_close(g);
	return false;
}

/* Runs a program on a half. False if there is no memory for it. */
static bool run_program(struct guest *g, const struct half *h, __u64 program,
			__u32 word, struct kvm_regs *regs)
{
	struct kvm_sregs sregs;

	*regs = (struct kvm_regs){
		.rip = program, .rflags = 2, .rax = word, .rcx = HALF / 4,
	};
	must(!ioctl(g->vcpu, KVM_GET_SREGS, &sregs), "sregs: %s",
	     strerror(errno));
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	sregs.es.base = h->at;
	sregs.es.selector = h->at >> 4;
	must(!ioctl(g->vcpu, KVM_SET_SREGS, &sregs) &&
	     !ioctl(g->vcpu, KVM_SET_REGS, regs), "sregs: %s",
	     strerror(errno));
	if (ioctl(g->vcpu, KVM_RUN, 0)) {
		refused(errno);
		return false;
	}
	must(g->run->exit_reason == KVM_EXIT_IO, "exit %u of the guest",
	     g->run->exit_reason);
	must(!ioctl(g->vcpu, KVM_GET_REGS, regs), "regs: %s", strerror(errno));
	return true;
}

/* The guest finds what was stored last, and stores another word. */
static bool guest_turn(struct guest *g, struct half *h, __u32 word)
{
	struct kvm_regs regs;

	if (!run_program(g, h, COMPARE, h->word, &regs))
		return false;
	must((regs.rflags & ZERO_FLAG) && !(regs.rcx & 0xffff),
	     "the guest has not %#x at %#llx, %s memory", h->word,
	     h->at + ((regs.rdi - 4) & 0xffff), h->private ? "private" :
							     "shared");
	count(&mine->checked, HALF / PAGE);
	if (!run_program(g, h, STORE, word, &regs))
		return false;
	h->word = word;
	return true;
}

static void fill_words(void *p, __u32 word)
{
	__u32 *at = p;
	size_t i;

	for (i = 0; i < HALF / 4; i++)
		at[i] = word;
}

static void check_words(const void *p, __u32 word)
{
	const __u32 *at = p;
	size_t i;

	for (i = 0; i < HALF / 4; i++)
		must(at[i] == word, "shared memory has %#x at %p, not %#x",
		     at[i], &at[i], word);
	count(&mine->checked, HALF / PAGE);
}

/*
 * The host makes private memory shared and frees the private pages, or makes
 * shared memory private, which is zeroes then.
 */
static bool host_turn(struct guest *g, struct half *h, __u32 word)
{
	if (h->private) {
		if (!set_private(g, h, false) ||
		    fallocate(g->file, PUNCH, h->at, HALF))
			return false;
		fill_words(g->shared + h->at, word);
		h->word = word;
		return true;
	}
	check_words(g->shared + h->at, h->word);
	h->word = 0;
	return set_private(g, h, true);
}

struct turn {
	struct guest *guest;
	struct half *half;
	__u32 word;
	bool done;
};

static void *turn_run(void *data)
{
	struct turn *t = data;

	t->done = host_turn(t->guest, t->half, t->word);
	if (!t->done)
		refused(errno);
	return NULL;
}

/* Both at the same time, in different halves. */
static bool both_turns(struct guest *g, int guests, __u64 seed)
{
	struct turn host = {
		.guest = g, .half = &g->half[!guests], .word = seed >> 32,
	};
	pthread_t thread;
	bool done;
	int err;

	err = pthread_create(&thread, NULL, turn_run, &host);
	if (err) {
		refused(err);
		return false;
	}
	done = guest_turn(g, &g->half[guests], seed);
	pthread_join(thread, NULL);
	return done && host.done;
}

void guest_round(__u64 seed)
{
	struct guest g;
	int i;

	if (!guest_open(&g, seed & 1))
		return;
	for (i = 0; i < STEPS; i++) {
		seed = mix(seed + i);
		if (!both_turns(&g, i % 2, seed))
			break;
	}
	guest_close(&g);
}
