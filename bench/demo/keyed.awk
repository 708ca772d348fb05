# SPDX-License-Identifier: GPL-2.0
# The output of keyedwork as a table, and what was seen from outside: lines
# "seen WHAT key|plain COUNT".

function sums(a, b)
{
	if (value[a ".sha256"] == sum && (!b || value[b ".sha256"] == sum))
		return "equal"
	bad = 1
	return "DIFFERS"
}

# Of so many pages the key's plane and plane 0 have what the file has.
function planes(what, wanted)
{
	if (seen[what, "key"] + 0 != wanted || seen[what, "plain"] + 0 != 0)
		bad = 1
	return sprintf("%6d of %d %8d of %d", seen[what, "key"], looks,
		       seen[what, "plain"], looks)
}

function flushes(step, wanted,    each)
{
	each = value[step ".flushes"] / value["pages"]
	# The fronts of the CPUs may have some others
	if (each < wanted - 0.02 || each > wanted + 0.02)
		bad = 1
	return sprintf("%.2f", each)
}

function row(label, same, where, flushed)
{
	printf "%-42s %8s %27s %9s\n", label, same, where, flushed
}

/^seen / { seen[$2, $3] = $4; next }
{
	eq = index($0, "=")
	if (eq)
		value[substr($0, 1, eq - 1)] = substr($0, eq + 1)
}

END {
	looks = value["looks"]
	row("", "", "pages with the file's bytes", "flushes")
	row("", "SHA-256", "key's plane      plane 0", "per page")
	row("disk, O_DIRECT, to the keyed memory", sums("read"),
	    planes("read", looks), flushes("read", 1))
	row("fork; the child writes to a quarter", sums("child", "fork"), "", "")
	row("moved to the other node", sums("move"), planes("moved", looks), "")
	row("the pages that it moved from", "", planes("left", 0), "")
	row("freed", "", planes("freed", 0), "")
	row("half of it used again under the same key", "", "", flushes("again", 0))
	row("half of it used again under another key", "", "", flushes("other", 1))
	print "result", value["result"]
	if (value["result"] != "PASS" || bad || !looks)
		exit 1
}
