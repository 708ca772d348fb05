# SPDX-License-Identifier: GPL-2.0
# The results of bench/bench as one table. Input: column run layout name value.
#
# A number is the mean over the layouts. The ratio is taken layout by layout;
# where it is not the same in all, its smallest and largest are shown.

function have(column, run, name)
{
	return (column, run, name) in count
}

function mean(column, run, name)
{
	if (!have(column, run, name))
		return 0
	return sum[column, run, name] / count[column, run, name]
}

function show(value)
{
	if (value == int(value))
		return sprintf("%d", value)
	return sprintf(value < 10 ? "%.4f" : "%.1f", value)
}

function shown(column, run, name)
{
	return have(column, run, name) ? show(mean(column, run, name)) : "-"
}

# Sets low and high to the ratios of two numbers over the layouts.
function ratios(c1, n1, c2, n2, run,   l, r, a)
{
	low = high = ""
	for (l = 1; l <= 9; l++) {
		if (!((c1, run, n1, l) in value && (c2, run, n2, l) in value))
			continue
		a = value[c1, run, n1, l]
		if (a == 0)
			continue
		r = value[c2, run, n2, l] / a
		if (low == "" || r < low)
			low = r
		if (high == "" || r > high)
			high = r
	}
}

function ratio_text()
{
	if (low == "")
		return "-"
	if (high - low < 0.0005)
		return sprintf("%.3f", high)
	return sprintf("%.3f-%.3f", low, high)
}

function line(label, a, b, ratio, goal, met, beside)
{
	printf "%-44s %10s %10s %13s  %-20s %s%s\n", label, a, b, ratio, goal,
		met, beside
	missed += met == "NO"
	not_run += met == "not run"
}

function verdict(yes)
{
	return yes ? "yes" : "NO"
}

function title(text)
{
	printf "\n%s\n", text
}

# A number on which there is an upper limit.
function limit(label, run, name, max, goal,   met)
{
	met = have("on", run, name) ? \
		verdict(mean("on", run, name) <= max) : "not run"
	line(label, shown("base", run, name), shown("on", run, name), "",
	     goal, goal == "" ? "" : met)
}

# A number whose ratio to the base's is limited; no limit, no verdict.
function relative(label, run, base_name, column, name, max, goal,   met)
{
	ratios("base", base_name, column, name, run)
	met = goal == "" ? (low != "" && high > 1.005 ? "(more)" : "") : \
		low == "" ? "not run" : verdict(high <= max)
	line(label, shown("base", run, base_name), shown(column, run, name),
	     ratio_text(), goal, met)
}

function same(label, name)
{
	relative(label, "single", "unused." name, "on", "unused." name, 1.005,
		 "1.000 +0.5 %")
}

# A fault or a free of ordinary memory, unused; beside it what it costs from the
# first memfd_secret() on.
function page_row(label, name,   before, met, after)
{
	ratios("base", "unused." name, "on", "unused." name, "single")
	before = ratio_text()
	met = low == "" ? "not run" : verdict(high <= 1.003)
	ratios("base", "after." name, "on", "after." name, "single")
	after = shown("on", "single", "after." name) " (" ratio_text() ")"
	line(label, shown("base", "single", "unused." name),
	     shown("on", "single", "unused." name), before, "1.000 +0.3 %",
	     met, ", used: " after)
}

# The same measure on a kernel that has used the cache: shown, no goal.
function later(label, base_state, state, column, name)
{
	relative(label, "single", base_state "." name, column, state "." name,
		 0, "")
}

{
	value[$1, $2, $4, $3] = $5
	sum[$1, $2, $4] += $5
	count[$1, $2, $4]++
	if ($2 == "size" && !($4 in seen)) {
		seen[$4]
		functions[++nr_functions] = $4
	}
}

function split_costs(label, run, prefix)
{
	relative(label ", fault", run, prefix ".min.fault", "on",
		 prefix ".min.fault", 0, "")
	relative(label ", free", run, prefix ".min.free", "on",
		 prefix ".min.free", 0, "")
	relative(label ", first pass", run, prefix ".first.sum", "on",
		 prefix ".first.sum", 0, "")
}

# Two numbers of the patched kernel, and a limit on their ratio if any.
function beside(label, run, name1, name2, max, goal,   met)
{
	ratios("on", name1, "on", name2, run)
	met = goal == "" ? "" : low == "" ? "not run" : verdict(high <= max)
	line(label, shown("on", run, name1), shown("on", run, name2),
	     ratio_text(), goal, met)
}

function secretmem_costs(   s)
{
	title("instructions per page, 64 MiB, one CPU, clearing included")
	s = "used.secretmem"
	relative("secretmem, fault + free", "single", s ".min.sum", "on",
		 s ".min.sum", 0.61, "0.61 or less")
	beside("  shmem | secretmem, both on patched", "single",
	       "unused.shmem.min.sum", s ".min.sum", 1, "1.000 or less")
	split_costs("  secretmem", "single", s)
	relative("secretmem, no 2M page to be had", "frag",
		 "secretmem.min.sum", "on", "secretmem.min.sum", 1.05,
		 "1.05 or less")
	split_costs("  no 2M page", "frag", "secretmem")
	title("shmem | secretmem by other roads, both on patched")
	beside("fault after fallocate()", "secret", "shmem.min.fault",
	       "fallocated.min.fault", 0.5, "0.5 or less")
	beside("fallocate() + fault + free", "secret", "shmem.min.sum",
	       "fallocated.min.sum", 0, "")
	limit("fault + free in huge folios", "secret", "huge.min.sum", 1300,
	      "1300 or less")
}

# What a slot adds to a copy, on the same kernel.
function slot_row(label, name,   plain, slot)
{
	plain = mean("on", "single", "used.copy.ordinary." name)
	slot = mean("on", "single", "used.copy.hidden." name)
	line(label, shown("on", "single", "used.copy.ordinary." name),
	     shown("on", "single", "used.copy.hidden." name),
	     have("on", "single", "used.copy.hidden." name) ? \
		sprintf("%+.0f", slot - plain) : "-",
	     "100 more or less",
	     have("on", "single", "used.copy.hidden." name) ? \
		verdict(slot - plain <= 100) : "not run")
}

function slots()
{
	title("4K of a memfd, ordinary | outside the direct map, both on patched")
	slot_row("pread", "read")
	slot_row("pwrite", "write")
}

# How often a page is written back from the caches.
function flushes(label, name, max, goal,   met)
{
	met = have("on", "keyed", name) ? \
		verdict(mean("on", "keyed", name) <= max) : "not run"
	line(label, "", shown("on", "keyed", name), "", goal,
	     goal == "" ? "" : met)
}

# A clear of a page is 512 of the emulator's instructions, in both.
function keyed(   plain, under_key, ratio)
{
	title("anonymous memory, ordinary | under a key, both on patched")
	plain = mean("on", "keyed", "anon.min.sum") - 512
	under_key = mean("on", "keyed", "keyed.min.sum") - 512
	ratio = plain > 0 ? under_key / plain : 0
	line("fault + free, the key as before",
	     shown("on", "keyed", "anon.min.sum"),
	     shown("on", "keyed", "keyed.min.sum"), sprintf("%.3f", ratio),
	     "1.35 without clear",
	     ratio ? verdict(ratio <= 1.35) : "not run")
	line("fault + free, another key",
	     shown("on", "keyed", "anon.min.sum"),
	     shown("on", "keyed", "changed.keyed.min.sum"), "", "", "")
	flushes("flushes per page, first use", "keyed.first.flush", 1, "1 or less")
	flushes("flushes per page, the key as before", "keyed.min.flush", 0, "0")
	flushes("flushes per page, another key", "changed.keyed.min.flush", 1,
		"1 or less")
}

function interrupts(   n)
{
	title("interprocessor interrupts per secretmem page (CAL row)")
	limit("fault, 1 CPU", "single", "used.secretmem.first.ipi_fault", 0.01,
	      "0.01 or less")
	for (n = 2; n <= 4; n += 2) {
		limit("fault, " n " CPUs, first pass", "smp" n,
		      "secretmem.first.ipi_fault", 0.01, "0.01 or less")
		limit("fault, " n " CPUs, later passes", "smp" n,
		      "secretmem.min.ipi_fault", 0.01, "0.01 or less")
		limit("free, " n " CPUs", "smp" n, "secretmem.first.ipi_free",
		      0, "")
	}
}

function module_rows(label, kind, ipis, goal)
{
	limit(label ", 2M leaves split", "modules", "modules." kind ".split2", 0,
	      "0")
	limit(label ", DirectMap4k gained, kB", "modules",
	      "modules." kind ".dm4k_more_kb", 0, "0")
	limit(label ", IPIs each", "modules", "modules." kind ".ipi", ipis, goal)
	relative(label ", instructions each", "modules",
		 "modules." kind ".cost", "on", "modules." kind ".cost", 0, "")
}

function modules()
{
	title("modules loaded and unloaded, 2 CPUs")
	module_rows("200 times a small one", "smallbench", 7, "7 or less")
	module_rows("20 times a large one", "largebench", 0, "")
}

function bpf()
{
	title("BPF programs loaded and freed 1000 times, 2 CPUs")
	limit("2M leaves split", "modules", "modules.bpf.split2", 0, "0")
	limit("IPIs each", "modules", "modules.bpf.ipi", 0, "")
	relative("instructions each", "modules", "modules.bpf.cost", "on",
		 "modules.bpf.cost", 1, "1.000 or less")
}

# Populating includes what clears the pages.
function guest_memory(   n, run)
{
	title("guest_memfd of 512 MiB, ordinary | no direct map, both on patched")
	for (n = 1; n <= 4; n *= 2) {
		run = "guest" n
		beside("populate, first time, " n " CPUs", run,
		       "guestmem.ordinary.1.populate",
		       "guestmem.unmapped.1.populate", 1.1, "1.10 or less")
		beside("populate + free, third time, " n " CPUs", run,
		       "guestmem.ordinary.3.sum", "guestmem.unmapped.3.sum", 0,
		       "")
		beside("the same without huge folios, " n " CPUs", run,
		       "guestmem.ordinary.3.sum", "guestmem.small.3.sum", 0,
		       "")
		beside("populate, without huge folios, " n " CPUs", run,
		       "guestmem.ordinary.1.populate",
		       "guestmem.small.1.populate", 0, "")
		limit("IPIs per page, first time, " n " CPUs", run,
		      "guestmem.unmapped.1.ipi", 0.01, "0.01 or less")
		limit("without huge folios, " n " CPUs", run,
		      "guestmem.small.1.ipi", 0.01, "0.01 or less")
	}
}

function direct_map()
{
	title("direct map, four times 64 MiB of secretmem, one CPU")
	limit("2M leaves split by the first", "single",
	      "used.secretmem.first.split2", 0, "0")
	limit("2M leaves split in the end", "single",
	      "used.secretmem.end.split2", 0, "0")
	limit("DirectMap2M lost in the end, kB", "single",
	      "used.secretmem.end.dm2m_lost_kb", 0, "0")
	limit("DirectMap4k gained in the end, kB", "single",
	      "used.secretmem.end.dm4k_more_kb", 0, "0")
	limit("2M leaves split, memory fragmented", "frag",
	      "secretmem.end.split2", 0, "")
}

BEGIN {
	names = "pair_order0 pair_order3 pair_order9 alloc_order0 " \
		"free_order0 kmap_local kmap_atomic memcpy_from_page " \
		"clear_highpage copy_highpage context_switch " \
		"copy.ordinary.read copy.ordinary.write"
	nr = split(names, name, " ")
	nr_memory = split("anon.min.fault anon.min.free shmem.min.fault " \
			  "shmem.min.free", memory, " ")
}

END {
	printf "%-44s %10s %10s %13s  %-20s %s\n", "", "base", "patched",
	       "ratio", "goal", "met"
	interrupts()
	direct_map()
	modules()
	bpf()
	secretmem_costs()
	title("feature built in and on, never used: instructions")
	for (i = 1; i <= nr; i++)
		same(name[i], name[i])
	for (i = 1; i <= nr_memory; i++)
		page_row(memory[i], memory[i])
	slots()
	keyed()
	guest_memory()
	title("built in, unmapped_alloc=off")
	for (i = 1; i <= nr; i++)
		later(name[i], "unused", "unused", "off", name[i])
	later("secretmem, fault + free", "used", "used", "off",
	      "secretmem.min.sum")
	title("on, and secretmem has been used (what got worse shows here)")
	for (i = 1; i <= nr; i++)
		later(name[i], "used", "used", "on", name[i])
	title("size of functions on those paths, bytes")
	for (i = 1; i <= nr_functions; i++)
		relative(functions[i], "size", functions[i], "off",
			 functions[i], 0, "")
	printf "\n%d goals missed, %d not measured\n", missed, not_run
}
