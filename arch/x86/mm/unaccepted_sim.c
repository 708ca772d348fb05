// SPDX-License-Identifier: GPL-2.0
/*
 * A stand-in for a confidential guest's host.
 *
 * Units of memory that nobody uses when the direct map is ready are taken
 * out of it, and named as unaccepted in a table as the EFI stub makes it.
 * Accepting one puts it back. So whoever touches memory too early faults, as
 * a TDX guest would, and a unit that is accepted twice is noticed, which the
 * real platforms do not promise.
 *
 *   unaccepted_sim=SIZE[@START][,...]	this much memory, the topmost if no
 *					start is given
 *   unaccepted_sim=auto		all above 512 MiB
 *   unaccepted_sim=efi			what the firmware calls unaccepted
 *   unaccepted_sim_cost=NS		how long to accept a unit takes
 *   unaccepted_sim_fill=keep|zero|garbage	what is in it then
 *   unaccepted_sim_bug=skip|double	break it, to see that it is noticed
 *   unaccepted_sim_bug=storm		accept a block in each allocation until
 *					there are watermarks, as Linux 6.12
 *
 * A unit that the kernel, its page tables or the initrd lie in is accepted,
 * as it is when firmware has loaded them. To accept one makes an entry present
 * that was not: no TLB has it, and nothing is allocated or locked.
 *
 * SIZE and START are multiples of 2M, there are at most 8 ranges, and one that
 * is wrong turns it all off, as debug_pagealloc and a CPU without 2M leaves do.
 */

#define pr_fmt(fmt) "unaccepted_sim: " fmt

#include <linux/debugfs.h>
#include <linux/efi.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/processor.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaccepted_memory.h>

#include <asm/tlbflush.h>
#include <asm/tsc.h>
#include <asm/unaccepted_memory.h>
#include <asm/unaccepted_sim.h>

#define SIM_UNIT	PMD_SIZE
#define SIM_AUTO_START	SZ_512M
#define SIM_MAX_RANGES	8

enum sim_fill { SIM_KEEP, SIM_ZERO, SIM_GARBAGE };
enum sim_bug { SIM_SOUND, SIM_SKIP, SIM_DOUBLE, SIM_STORM };

static char sim_arg[256] __initdata;
static bool sim_wanted __ro_after_init;
static bool sim_unmapped __ro_after_init;	/* faults are ours from here */
static pmdval_t sim_leaf __ro_after_init;	/* a unit's entry, no address */
static unsigned int sim_cost_ns __ro_after_init;
static enum sim_fill sim_fill __ro_after_init;
static enum sim_bug sim_bug __ro_after_init;

static atomic_long_t sim_accepted, sim_doubled, sim_zeropads;

struct sim_range {
	u64 start;
	u64 end;
};

/*
 * The parameters.
 */

static int __init sim_setup(char *arg)
{
	if (!arg || strscpy(sim_arg, arg, sizeof(sim_arg)) < 0)
		return -EINVAL;
	/* Not even for a moment: there is real memory to accept */
	if (cpu_feature_enabled(X86_FEATURE_TDX_GUEST) ||
	    cc_platform_has(CC_ATTR_GUEST_SEV_SNP)) {
		pr_err("off: this is a real confidential guest\n");
		return 0;
	}
	sim_wanted = true;
	direct_gbpages = 0;	/* a unit is to have an entry of its own */
	return 0;
}
early_param("unaccepted_sim", sim_setup);

static int __init sim_cost_setup(char *arg)
{
	return kstrtouint(arg, 0, &sim_cost_ns);
}
early_param("unaccepted_sim_cost", sim_cost_setup);

static int __init sim_fill_setup(char *arg)
{
	static const char * const names[] __initconst = {
		[SIM_KEEP] = "keep",
		[SIM_ZERO] = "zero",
		[SIM_GARBAGE] = "garbage",
	};
	int i = match_string(names, ARRAY_SIZE(names), arg);

	if (i < 0)
		return i;
	sim_fill = i;
	return 0;
}
early_param("unaccepted_sim_fill", sim_fill_setup);

static int __init sim_bug_setup(char *arg)
{
	static const char * const names[] __initconst = {
		[SIM_SOUND] = "none",
		[SIM_SKIP] = "skip",
		[SIM_DOUBLE] = "double",
		[SIM_STORM] = "storm",
	};
	int i = match_string(names, ARRAY_SIZE(names), arg);

	if (i < 0)
		return i;
	sim_bug = i;
	if (sim_bug == SIM_STORM)
		unaccepted_boot_reserve = LONG_MAX;
	return 0;
}
early_param("unaccepted_sim_bug", sim_bug_setup);

static const char * __init check_range(const struct sim_range *ranges,
				       unsigned int nr)
{
	const struct sim_range *r = &ranges[nr];
	unsigned int i;

	if (r->end <= r->start)
		return "empty, or too large";
	if (!IS_ALIGNED(r->start | r->end, SIM_UNIT))
		return "not aligned to 2 MiB";
	if (!memblock_is_region_memory(r->start, r->end - r->start))
		return "not all RAM";
	for (i = 0; i < nr; i++)
		if (r->start < ranges[i].end && ranges[i].start < r->end)
			return "in another range, too";
	return NULL;
}

/* One "SIZE[@START]". Returns what is wrong with it. */
static const char * __init parse_range(char **arg, struct sim_range *ranges,
				       unsigned int nr)
{
	u64 top = ALIGN_DOWN(memblock_end_of_DRAM(), SIM_UNIT);
	struct sim_range *r = &ranges[nr];
	char *begin = *arg;
	u64 size;

	size = memparse(begin, arg);
	if (*arg == begin)
		return "no size";
	r->start = size <= top ? top - size : top;
	if (**arg == '@')
		r->start = memparse(*arg + 1, arg);
	if (**arg && **arg != ',')
		return "not SIZE[@START]";
	if (**arg)
		(*arg)++;
	r->end = r->start + size;
	return check_range(ranges, nr);
}

/* Half of what was asked for would be neither: all ranges, or none. */
static unsigned int __init parse_ranges(struct sim_range *ranges)
{
	char *arg = sim_arg, *begin;
	const char *wrong = NULL;
	unsigned int nr = 0;

	if (!strcmp(arg, "auto")) {
		ranges[0].start = SIM_AUTO_START;
		ranges[0].end = ALIGN_DOWN(memblock_end_of_DRAM(), SIM_UNIT);
		return ranges[0].end > ranges[0].start;
	}

	do {
		begin = arg;
		wrong = nr == SIM_MAX_RANGES ? "one too many" :
			parse_range(&arg, ranges, nr++);
	} while (!wrong && *arg);
	if (wrong) {
		pr_err("\"%s\" is %s: ignored, all memory is accepted\n", begin,
		       wrong);
		return 0;
	}
	return nr;
}

/*
 * Taking memory away.
 */

static struct efi_unaccepted_memory * __init
make_table(const struct sim_range *ranges, unsigned int nr)
{
	struct efi_unaccepted_memory *table;
	u64 start = U64_MAX, end = 0;
	unsigned int i;
	size_t bytes;

	for (i = 0; i < nr; i++) {
		start = min(start, ranges[i].start);
		end = max(end, ranges[i].end);
	}
	bytes = ALIGN(DIV_ROUND_UP((end - start) / SIM_UNIT, BITS_PER_BYTE),
		      sizeof(long));
	table = memblock_alloc(struct_size(table, bitmap,
					   bytes / sizeof(long)), PAGE_SIZE);
	if (!table)
		return NULL;

	table->version = 1;
	table->unit_size = SIM_UNIT;
	table->phys_base = start;
	table->size = bytes;
	return table;
}

/* Whole units of the range that nobody uses. */
static void __init mark_free_units(struct efi_unaccepted_memory *table,
				   const struct sim_range *range)
{
	phys_addr_t start, end;
	u64 i;

	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end,
				NULL) {
		start = ALIGN(max(start, range->start), SIM_UNIT);
		end = ALIGN_DOWN(min(end, range->end), SIM_UNIT);
		if (start < end)
			bitmap_set(table->bitmap,
				   (start - table->phys_base) / SIM_UNIT,
				   (end - start) / SIM_UNIT);
	}
}

static void __init unmap_units(struct efi_unaccepted_memory *table)
{
	unsigned long nr = table->size * BITS_PER_BYTE, unit;
	pmd_t *pmd;

	for_each_set_bit(unit, table->bitmap, nr) {
		pmd = pmd_off_k((unsigned long)__va(table->phys_base +
						    unit * SIM_UNIT));
		if (!pmd_present(*pmd)) {
			clear_bit(unit, table->bitmap);
		} else if (pmd_leaf(*pmd)) {
			sim_leaf = pmd_flags(*pmd);
			set_pmd(pmd, __pmd(0));
		} else {
			/* A hole in the unit: its table waits here */
			set_pmd(pmd, __pmd(pmd_val(*pmd) & ~_PAGE_PRESENT));
		}
	}
	__flush_tlb_all();
}

static struct efi_unaccepted_memory * __init get_table(void)
{
	struct sim_range ranges[SIM_MAX_RANGES + 1];
	struct efi_unaccepted_memory *table;
	unsigned int nr, i;

	if (!strcmp(sim_arg, "efi")) {
		table = efi_get_unaccepted_table();
		if (!table)
			pr_err("the firmware has no unaccepted memory\n");
		return table;
	}
	nr = parse_ranges(ranges);
	if (!nr)
		return NULL;
	table = make_table(ranges, nr);
	for (i = 0; table && i < nr; i++)
		mark_free_units(table, &ranges[i]);
	return table;
}

static const char * __init sim_obstacle(void)
{
	if (debug_pagealloc_enabled())
		return "debug_pagealloc maps the direct map page by page";
	if (!boot_cpu_has(X86_FEATURE_PSE))
		return "the CPU does not map 2M at once";
	return NULL;
}

void __init unaccepted_sim_init(void)
{
	const char *obstacle = sim_obstacle();
	struct efi_unaccepted_memory *table;

	if (!sim_wanted)
		return;
	table = obstacle ? NULL : get_table();
	if (!table || table->unit_size != SIM_UNIT) {
		pr_err("off: %s\n", obstacle ?: "nothing to simulate with");
		/* Nobody could accept what the firmware says is not */
		sim_wanted = strcmp(sim_arg, "efi") == 0 && !obstacle;
		return;
	}

	unmap_units(table);
	sim_unmapped = true;
	efi.unaccepted = __pa(table);
	pr_info("%lu MiB in [0x%llx, 0x%llx) are not accepted, %u ns for 2 MiB\n",
		bitmap_weight(table->bitmap, table->size * BITS_PER_BYTE) *
		SIM_UNIT / SZ_1M, table->phys_base,
		table->phys_base + table->size * BITS_PER_BYTE * SIM_UNIT,
		sim_cost_ns);
}

/*
 * Giving it back.
 */

/* Before the TSC is known time is of no use, nobody measures it either. */
static void spend(unsigned int ns)
{
	u64 end = rdtsc() + (u64)ns * tsc_khz / USEC_PER_SEC;

	while (rdtsc() < end)
		cpu_relax();
}

static void fill_unit(void *addr)
{
	/* Not memset(): the sanitizers know that nobody owns this memory */
	if (sim_fill == SIM_ZERO)
		memset64(addr, 0, SIM_UNIT / sizeof(u64));
	else if (sim_fill == SIM_GARBAGE)
		memset64(addr, 0xbadc0ffee0ddf00dULL, SIM_UNIT / sizeof(u64));
}

static void accept_sim_unit(phys_addr_t start)
{
	void *addr = __va(start);
	pmd_t *pmd = pmd_off_k((unsigned long)addr);

	if (sim_bug == SIM_SKIP && slab_is_available())
		return;
	if (pmd_present(*pmd)) {
		atomic_long_inc(&sim_doubled);
		WARN(1, "unaccepted_sim: accepted twice: 0x%llx\n",
		     (u64)start);
		return;
	}
	if (pmd_none(*pmd)) {
		set_pmd(pmd, __pmd(start | sim_leaf));
		fill_unit(addr);
	} else {
		set_pmd(pmd, __pmd(pmd_val(*pmd) | _PAGE_PRESENT));
	}
	if (sim_cost_ns)
		spend(sim_cost_ns);
	atomic_long_inc(&sim_accepted);
}

bool unaccepted_sim_accept(phys_addr_t start, phys_addr_t end)
{
	if (!sim_wanted)
		return false;

	for (; sim_unmapped && start < end; start += SIM_UNIT) {
		accept_sim_unit(start);
		if (sim_bug == SIM_DOUBLE && slab_is_available())
			accept_sim_unit(start);
	}
	return true;
}

/*
 * Who touched it.
 */

static bool sim_hit(unsigned long address, u64 *start)
{
	struct efi_unaccepted_memory *table = efi_get_unaccepted_table();

	if (!sim_unmapped || address < PAGE_OFFSET ||
	    !virt_addr_valid((void *)address))
		return false;

	*start = __pa(address);
	return *start >= table->phys_base &&
	       *start < table->phys_base +
			table->size * BITS_PER_BYTE * SIM_UNIT &&
	       !pmd_present(*pmd_off_k(address));
}

void unaccepted_sim_oops(unsigned long address, unsigned long ip)
{
	u64 start;

	if (sim_hit(address, &start))
		pr_alert("memory touched before it was accepted: pfn 0x%llx, by %pS\n",
			 start >> PAGE_SHIFT, (void *)ip);
}

void unaccepted_sim_zeropad(unsigned long address)
{
	u64 start;

	if (!sim_hit(address, &start))
		return;
	atomic_long_inc(&sim_zeropads);
	WARN(1, "unaccepted_sim: read ahead into unaccepted memory: pfn 0x%llx\n",
	     start >> PAGE_SHIFT);
}

long unaccepted_sim_zeropads(void)
{
	return atomic_long_read(&sim_zeropads);
}

static int unaccepted_sim_show(struct seq_file *m, void *private)
{
	seq_printf(m, "accepted %ld\n", atomic_long_read(&sim_accepted));
	seq_printf(m, "accepted_twice %ld\n", atomic_long_read(&sim_doubled));
	seq_printf(m, "zeropads %ld\n", unaccepted_sim_zeropads());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(unaccepted_sim);

static int __init unaccepted_sim_debugfs(void)
{
	if (sim_unmapped)
		debugfs_create_file("unaccepted_sim", 0400, NULL, NULL,
				    &unaccepted_sim_fops);
	return 0;
}
late_initcall(unaccepted_sim_debugfs);
