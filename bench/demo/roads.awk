# SPDX-License-Identifier: GPL-2.0
# The output of fileroads as a table.

function get(kind, road, key,    name)
{
	name = kind "." road "." key
	return (name in value) ? value[name] : "-"
}

function changes(road)
{
	return get("hidden", road, "directmap") + \
	       get("hidden", road, "directmap2")
}

function row(road, label, same, plain, hidden)
{
	printf "%-34s %9s %9s %9s %7s %7d %5d %7d\n", label, same, plain,
	       hidden, plain + 0 ? sprintf("%.2f", hidden / plain) : "-",
	       get("hidden", road, "slots"), get("hidden", road, "ipis"),
	       changes(road)
}

function travel(road, label,    same)
{
	same = get("ordinary", road, "sha256") == sum &&
	       get("hidden", road, "sha256") == sum
	row(road, label, same ? "equal" : "DIFFERS",
	    get("ordinary", road, "instructions"),
	    get("hidden", road, "instructions"))
	if (!same || get("hidden", road, "ipis") + changes(road) > 0)
		bad = 1
	# A disk reads into the pages by itself; else each page takes a slot
	if (road != "odirect" && get("hidden", road, "slots") < value["pages"])
		bad = 1
}

{
	eq = index($0, "=")
	if (eq)
		value[substr($0, 1, eq - 1)] = substr($0, eq + 1)
}

END {
	printf "%-34s %9s %9s %9s %7s %7s %5s %7s\n", "", "", "ordinary",
	       "hidden", "", "slots", "", "direct"
	printf "%-34s %9s %9s %9s %7s %7s %5s %7s\n", "", "SHA-256",
	       "memfd", "memfd", "ratio", "mapped", "IPIs", "map"
	row("make", "file made, 2M of memory at a time", "-", "-", "-")
	travel("odirect", "disk, O_DIRECT, to the file")
	travel("sendfile", "file, sendfile, socket")
	travel("splice", "file, splice, second file")
	travel("loop", "file, loop device, O_DIRECT read")
	print "result", value["result"]
	# What counts nothing here would count nothing there
	if (!changes("make") || !get("hidden", "make", "ipis"))
		bad = 1
	if (value["result"] != "PASS" || bad)
		exit 1
}
