# SPDX-License-Identifier: GPL-2.0
# Two outputs of secretload, cache off and cache on, as one table.

function get(side, key)
{
	return ((side, key) in value) ? value[side, key] : "-"
}

function row(label, off, on)
{
	printf "%-46s %14s %14s\n", label, off, on
}

function plain(label, key)
{
	row(label, get(1, key), get(2, key))
}

function phases(label, key)
{
	plain(label ", before", key ".before")
	plain("  while the file is loaded", key ".during")
	plain("  after it is freed", key ".after")
	plain("  after the shrinkers ran", key ".shrunk")
}

function times(key)
{
	if (get(2, key) + 0 == 0)
		return ""
	return sprintf("%.2f of off", get(2, key) / get(1, key))
}

function cost(label, key)
{
	printf "%-46s %14s %14s   %s\n", label, get(1, key), get(2, key),
		times(key)
}

function total(key, side)
{
	return get(side, key "_fault") + get(side, key "_free")
}

FNR == 1 { side++ }

{
	eq = index($0, "=")
	if (eq)
		value[side, substr($0, 1, eq - 1)] = substr($0, eq + 1)
}

END {
	row("unmapped_alloc=", "off", "on")
	row("", "------------", "------------")
	row("SHA-256, against the one computed outside",
	    get(1, "sha256") == sum ? "equal" : "DIFFERS",
	    get(2, "sha256") == sum ? "equal" : "DIFFERS")
	plain("IPIs per page, fault", "ipis_per_fault")
	plain("IPIs per page, free", "ipis_per_free")
	row("IPIs in all", total("ipis", 1), total("ipis", 2))
	plain("2M leaves split while the file is loaded", "split2m.during")
	plain("2M leaves left split in the end", "split2m.shrunk")
	plain("1G leaves split", "split1g.shrunk")
	phases("DirectMap2M (kB)", "directmap2m_kb")
	phases("DirectMap4k (kB)", "directmap4k_kb")
	plain("page tables added to the direct map (kB)", "tables_kb.during")
	plain("  and never given back", "tables_kb.shrunk")
	phases("NoDirectMap (kB)", "unmapped_kb")
	cost("instructions per page, fault", "instructions_per_fault")
	cost("instructions per page, free", "instructions_per_free")
	row("result", get(1, "result"), get(2, "result"))
	if (get(1, "result") != "PASS" || get(2, "result") != "PASS")
		exit 1
	if (get(2, "unmapped_kb.during") < get(2, "pages") * 4) {
		print "the cache held less than the file: it was not in use" \
			> "/dev/stderr"
		exit 1
	}
}
