// SPDX-License-Identifier: GPL-2.0
/*
 * guest_memfd outside the direct map: GUEST_MEMFD_FLAG_NO_DIRECT_MAP.
 *
 * The guest has what it always has: zeroes first, then what it wrote. The host
 * has the contents nowhere. For that all of the direct map is read through
 * /proc/kcore and searched for what the guest wrote; with an ordinary
 * guest_memfd the search must find it.
 */
#include <elf.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"
#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

#ifndef GUEST_MEMFD_FLAG_NO_DIRECT_MAP
#define GUEST_MEMFD_FLAG_NO_DIRECT_MAP	(1ULL << 2)
#define KVM_CAP_GUEST_MEMFD_FLAGS	244
#endif
#ifndef GUEST_MEMFD_FLAG_MEMKEY
#define GUEST_MEMFD_FLAG_MEMKEY		(1ULL << 3)
#endif

#define FLAG		GUEST_MEMFD_FLAG_NO_DIRECT_MAP
#define GVA		0xc0000000UL
#define GPA		GVA
#define SLOT		10
#define NPAGES		1024UL
#define BYTES		(NPAGES * PAGE_SIZE)
#define WORDS		4
#define HUGE		(2UL << 20)
#define CHUNK		(256 * PAGE_SIZE)
/* The kernel's image is mapped from here on, a second time */
#define IMAGE_START	0xffffffff80000000UL

/* What the guest is to do with a range of its pages */
enum command {
	EXPECT_ZERO,
	WRITE,
	EXPECT_WRITTEN,
	EXPECT_FILLED,
};

/* The secret: known to the host as a seed, never as it stands in memory. */
static inline uint64_t word(uint64_t seed, uint64_t page, uint64_t i)
{
	return (seed + page * WORDS + i) * 0x9e3779b97f4a7c15UL ^ seed;
}

static void guest_page(uint64_t command, uint64_t seed, uint64_t page)
{
	volatile uint64_t *p = (uint64_t *)(GVA + page * PAGE_SIZE);
	uint64_t i;

	for (i = 0; i < WORDS; i++) {
		if (command == WRITE)
			p[i] = word(seed, page, i);
		else if (command == EXPECT_WRITTEN)
			GUEST_ASSERT_EQ(p[i], word(seed, page, i));
		else
			GUEST_ASSERT_EQ(p[i], command == EXPECT_ZERO ? 0 :
					0x5a5a5a5a5a5a5a5aUL);
	}
}

static void guest_code(uint64_t command, uint64_t seed, uint64_t from,
		       uint64_t to)
{
	uint64_t page;

	for (page = from; page < to; page++)
		guest_page(command, seed, page);
	GUEST_DONE();
}

struct guest {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_regs regs;	/* before the guest has run */
	uint64_t seed;
	int memfd;
};

static uint64_t used_kb(void)
{
	static const char unused[] = "NoDirectMapFree:";
	static const char total[] = "NoDirectMap:";
	FILE *f = fopen("/proc/meminfo", "r");
	uint64_t used = 0;
	char line[128];

	TEST_ASSERT(f, "/proc/meminfo");
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, total, strlen(total)))
			used += strtoul(line + strlen(total), NULL, 10);
		if (!strncmp(line, unused, strlen(unused)))
			used -= strtoul(line + strlen(unused), NULL, 10);
	}
	fclose(f);
	return used;
}

static void run(struct guest *g, enum command what, uint64_t from, uint64_t to)
{
	struct ucall uc;

	vcpu_regs_set(g->vcpu, &g->regs);
	vcpu_args_set(g->vcpu, 4, (uint64_t)what, g->seed, from, to);
	vcpu_run(g->vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(g->vcpu, KVM_EXIT_IO);
	switch (get_ucall(g->vcpu, &uc)) {
	case UCALL_DONE:
		return;
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
	default:
		TEST_FAIL("unexpected exit of the guest");
	}
}

/* Memory begins @pages behind the start of the file. */
static struct guest make_guest_behind(uint64_t flags, uint64_t pages)
{
	struct vm_shape shape = {
		.mode = VM_MODE_DEFAULT,
		.type = KVM_X86_SW_PROTECTED_VM,
	};
	struct guest g = { .seed = (uint64_t)random() << 32 | random() };

	g.vm = vm_create_shape_with_one_vcpu(shape, &g.vcpu, guest_code);
	g.memfd = vm_create_guest_memfd(g.vm, BYTES + HUGE, flags);
	/* Aligned, so that an entry of the guest may map a huge folio */
	vm_mem_add(g.vm, VM_MEM_SRC_ANONYMOUS_THP, GPA, SLOT, NPAGES,
		   KVM_MEM_GUEST_MEMFD, g.memfd, pages * PAGE_SIZE);
	virt_map(g.vm, GVA, GPA, NPAGES);
	vm_mem_set_private(g.vm, GPA, BYTES);
	vcpu_regs_get(g.vcpu, &g.regs);
	return g;
}

static struct guest make_guest(uint64_t flags)
{
	return make_guest_behind(flags, 0);
}

static void free_guest(struct guest *g)
{
	close(g->memfd);
	kvm_vm_free(g->vm);
}

/*
 * The search.
 */

static bool holds_secret(const uint64_t *p, uint64_t seed)
{
	uint64_t page, i;

	/* The page's number is not known: solve for it */
	page = ((p[0] ^ seed) * 0xf1de83e19937733dUL - seed) / WORDS;
	if (page >= NPAGES)
		return false;
	for (i = 0; i < WORDS; i++)
		if (p[i] != word(seed, page, i))
			return false;
	return true;
}

static uint64_t search_segment(int fd, const Elf64_Phdr *ph, uint64_t seed)
{
	/* Not static: the guest gets a copy of that */
	uint64_t *buf = malloc(CHUNK);
	uint64_t at, i, found = 0;
	ssize_t got;

	TEST_ASSERT(buf, "no memory");
	for (at = 0; at < ph->p_memsz; at += CHUNK) {
		memset(buf, 0, CHUNK);
		got = pread(fd, buf, min(CHUNK, ph->p_memsz - at),
			    ph->p_offset + at);
		for (i = 0; got > 0 && i < got / 8; i += PAGE_SIZE / 8)
			found += holds_secret(buf + i, seed);
	}
	/* Not to be found by the next search */
	memset(buf, 0, CHUNK);
	free(buf);
	return found;
}

static uint64_t search_memory(uint64_t seed)
{
	int fd = open("/proc/kcore", O_RDONLY), i;
	uint64_t found = 0;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	TEST_ASSERT(fd >= 0, "/proc/kcore");
	TEST_ASSERT(pread(fd, &eh, sizeof(eh), 0) == sizeof(eh), "no header");
	for (i = 0; i < eh.e_phnum; i++) {
		TEST_ASSERT(pread(fd, &ph, sizeof(ph),
				  eh.e_phoff + i * sizeof(ph)) == sizeof(ph),
			    "no segment");
		if (ph.p_type == PT_LOAD && ph.p_paddr != ~0UL &&
		    ph.p_vaddr < IMAGE_START)
			found += search_segment(fd, &ph, seed);
	}
	close(fd);
	return found;
}

/*
 * Tests.
 */

static void test_flags(uint64_t flags)
{
	struct kvm_vm *vm = vm_create_barebones_type(KVM_X86_SW_PROTECTED_VM);
	struct kvm_vm *plain = vm_create_barebones();
	int bit, fd;

	TEST_ASSERT_EQ(vm_check_cap(vm, KVM_CAP_GUEST_MEMFD_FLAGS), flags);
	TEST_ASSERT_EQ(vm_check_cap(plain, KVM_CAP_GUEST_MEMFD_FLAGS), 0);
	for (bit = 0; bit < 64; bit++) {
		/* That one wants a key as well: mm/keyid_kvm has it */
		if (flags & BIT_ULL(bit) & GUEST_MEMFD_FLAG_MEMKEY)
			continue;
		fd = __vm_create_guest_memfd(vm, BYTES, BIT_ULL(bit));
		if (flags & BIT_ULL(bit)) {
			TEST_ASSERT(fd >= 0, "flag %d is refused", bit);
			close(fd);
			continue;
		}
		TEST_ASSERT(fd < 0 && errno == EINVAL, "flag %d", bit);
	}
	fd = __vm_create_guest_memfd(plain, BYTES,
				     GUEST_MEMFD_FLAG_NO_DIRECT_MAP);
	TEST_ASSERT(fd < 0 && errno == EINVAL, "a VM without private memory");
	kvm_vm_free(plain);
	kvm_vm_free(vm);
}

/* What the guest wrote is in the host's memory, or it is not. */
static void test_contents(uint64_t flags)
{
	struct guest g = make_guest(flags);
	uint64_t found;

	run(&g, EXPECT_ZERO, 0, NPAGES);
	run(&g, WRITE, 0, NPAGES);
	run(&g, EXPECT_WRITTEN, 0, NPAGES);
	found = search_memory(g.seed);
	TEST_ASSERT(flags ? !found : found == NPAGES,
		    "the host has %lu of %lu pages", found, NPAGES);
	run(&g, EXPECT_WRITTEN, 0, NPAGES);
	free_guest(&g);
}

static void expect_hole(struct guest *g)
{
	run(g, EXPECT_WRITTEN, 0, 7);
	run(g, EXPECT_ZERO, 7, 8);
	run(g, EXPECT_WRITTEN, 8, NPAGES);
}

/* Mapped 2M at a time, until a hole parts them. */
static void test_huge(uint64_t flags)
{
	struct guest g = make_guest(flags);
	uint64_t huge;

	run(&g, WRITE, 0, NPAGES);
	huge = vm_get_stat(g.vm, "pages_2m");
	TEST_ASSERT(huge >= BYTES / HUGE, "%lu huge pages", huge);
	vm_guest_mem_punch_hole(g.vm, GPA + 7 * PAGE_SIZE, PAGE_SIZE);
	expect_hole(&g);
	TEST_ASSERT(vm_get_stat(g.vm, "pages_2m") < huge,
		    "an entry maps the hole");
	free_guest(&g);
}

/* The folio is aligned in the file, and not in the guest. */
static void test_misaligned(uint64_t flags)
{
	struct guest g = make_guest_behind(flags, 1);
	uint64_t huge = vm_get_stat(g.vm, "pages_2m");

	run(&g, WRITE, 0, NPAGES);
	TEST_ASSERT_EQ(vm_get_stat(g.vm, "pages_2m"), huge);
	vm_guest_mem_punch_hole(g.vm, GPA + 7 * PAGE_SIZE, PAGE_SIZE);
	expect_hole(&g);
	free_guest(&g);
}

static void test_punch_hole(uint64_t flags)
{
	struct guest g = make_guest(flags);

	run(&g, WRITE, 0, NPAGES);
	vm_guest_mem_punch_hole(g.vm, GPA + 16 * PAGE_SIZE, 100 * PAGE_SIZE);
	run(&g, EXPECT_WRITTEN, 0, 16);
	run(&g, EXPECT_ZERO, 16, 116);
	run(&g, EXPECT_WRITTEN, 116, NPAGES);
	free_guest(&g);
}

/* Shared memory is the host's, and private contents are there afterwards. */
static void test_conversion(uint64_t flags)
{
	struct guest g = make_guest(flags);

	run(&g, WRITE, 0, NPAGES);
	vm_mem_set_shared(g.vm, GPA, 64 * PAGE_SIZE);
	memset(addr_gpa2hva(g.vm, GPA), 0x5a, 64 * PAGE_SIZE);
	run(&g, EXPECT_FILLED, 0, 64);
	run(&g, EXPECT_WRITTEN, 64, NPAGES);
	vm_mem_set_private(g.vm, GPA, 64 * PAGE_SIZE);
	run(&g, EXPECT_WRITTEN, 0, NPAGES);
	free_guest(&g);
}

static void test_counted(uint64_t flags)
{
	uint64_t before = used_kb(), used;
	struct guest g = make_guest(flags);
	int r;

	r = fallocate(g.memfd, FALLOC_FL_KEEP_SIZE, 0, BYTES);
	TEST_ASSERT(!r, "fallocate: %m");
	used = used_kb() - before;
	TEST_ASSERT(used >= BYTES / 1024 && used < BYTES / 1024 + 64,
		    "%lu kB are used", used);
	run(&g, EXPECT_ZERO, 0, NPAGES);
	free_guest(&g);
	/* Lists of the CPUs give their pages back in a while */
	for (r = 0; r < 100 && used_kb() > before; r++)
		usleep(100000);
	TEST_ASSERT(used_kb() <= before, "%lu kB are left",
		    used_kb() - before);
}

static const struct {
	const char *name;
	void (*fn)(uint64_t flags);
	uint64_t flags;
} tests[] = {
	{ "the host finds the contents of an ordinary one", test_contents, 0 },
	{ "the host does not find the contents", test_contents, FLAG },
	{ "a hole is zeroes, all around it stays", test_punch_hole, FLAG },
	{ "huge folios, and a hole in one", test_huge, FLAG },
	{ "a huge folio that is not aligned in the guest", test_misaligned,
	  FLAG },
	{ "shared, and private again", test_conversion, FLAG },
	{ "pages are counted, and come back", test_counted, FLAG },
};

int main(int argc, char *argv[])
{
	uint64_t flags = kvm_check_cap(KVM_CAP_GUEST_MEMFD_FLAGS);
	unsigned int i;

	TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) &
		     BIT(KVM_X86_SW_PROTECTED_VM));
	srandom(time(NULL) ^ getpid());

	ksft_print_header();
	ksft_set_plan(1 + ARRAY_SIZE(tests));
	test_flags(flags);
	ksft_test_result_pass("flags are those of the capability\n");
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (tests[i].flags & ~flags) {
			ksft_test_result_skip("%s\n", tests[i].name);
			continue;
		}
		tests[i].fn(tests[i].flags);
		ksft_test_result_pass("%s\n", tests[i].name);
	}
	ksft_finished();
}
