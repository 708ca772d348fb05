# SPDX-License-Identifier: GPL-2.0
# The output of the guest programs, one number a line: "at name value", where
# at is a variable. "state=word" lines name what follows.

function put(name, value)
{
	print at, name, value
}

# The value of KEY= in this line.
function field(key,   i)
{
	for (i = 1; i <= NF; i++)
		if (index($i, key "=") == 1)
			return substr($i, length(key) + 2)
	return ""
}

/^state=/ { state = substr($0, 7) "." }

/^touch / {
	prefix = state field("kind") "." field("pass") "."
	for (i = 2; i <= NF; i++)
		if (split($i, kv, "=") == 2 && kv[2] ~ /^-?[0-9.]+$/)
			put(prefix kv[1], kv[2])
}

/pagebench: / {
	sub(/.*pagebench: /, "")
	split($1, kv, "=")
	put(state kv[1], kv[2])
}

/^copy / {
	put(state "copy." field("kind") ".read", field("read"))
	put(state "copy." field("kind") ".write", field("write"))
}

/^modules / {
	for (i = 3; i <= NF; i++)
		if (split($i, kv, "=") == 2)
			put("modules." field("kind") "." kv[1], kv[2])
}

/^guestmem / {
	prefix = "guestmem." field("kind") "." field("pass") "."
	put(prefix "sum", field("sum"))
	put(prefix "populate", field("populate"))
	put(prefix "ipi", field("ipi"))
}

/^ctxsw / { put(state "context_switch", field("min")) }
