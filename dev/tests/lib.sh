# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the test steps: TAP on stdout, details on stderr and as `#` lines.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

RECORDS=${RECORDS:-$DEV/tests/base}
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

ok()
{
	echo "ok - $*"
}

not_ok()
{
	echo "not ok - $*"
}

# check NAME COMMAND...: the command must succeed.
check()
{
	local name=$1
	shift
	if "$@" >"$TMP/check" 2>&1; then
		ok "$name"
	else
		not_ok "$name"
		head -n 20 "$TMP/check" | sed 's/^/# /'
	fi
}

# side_by_side: each line of stdin is a function of the step with its arguments,
# one of them running on each CPU. What they print comes in the lines' order.
side_by_side()
{
	local line n=0 i
	while read -r -a line; do
		while (($(jobs -pr | wc -l) >= JOBS)); do wait -n || true; done
		n=$((n + 1))
		in_directory "$TMP/side-$n" "${line[@]}" </dev/null &
	done
	wait
	for ((i = 1; i <= n; i++)); do
		cat "$TMP/side-$i/tap"
		rm -r "$TMP/side-$i"
	done
}

in_directory()
{
	local TMP=$1
	shift
	mkdir "$TMP"
	"$@" >"$TMP/tap" || not_ok "$* ended early (status $?)" >>"$TMP/tap"
}

# refuses NAME STATUS REGEX COMMAND...: must end so, and say so.
refuses()
{
	local name=$1 status=$2 regex=$3 code=0
	shift 3
	"$@" >"$TMP/refuses" 2>&1 || code=$?
	if ((code == status)) && grep -qE -- "$regex" "$TMP/refuses"; then
		ok "$name"
	else
		not_ok "$name: status $code, wanted $status and /$regex/"
		head -n 20 "$TMP/refuses" | sed 's/^/# /'
	fi
}

# A base of three files, as KERNEL_TREE; its kernel version is the argument.
synthetic_base()
{
	mkdir -p "$TMP/linux/mm"
	printf '%s\n' '# SPDX-License-Identifier: GPL-2.0' 'VERSION = 6' \
		"PATCHLEVEL = ${1#6.}" 'SUBLEVEL = 7' >"$TMP/linux/Makefile"
	seq 1 60 | sed 's/.*/int line_&;/' >"$TMP/linux/mm/a.c"
	printf '%s\n\n%s\n%s\n\n%s\n%s\n' 'List' 'AAA' $'F:\tmm/a.c' \
		'ZZZ' $'F:\tmm/z.c' >"$TMP/linux/MAINTAINERS"
	export KERNEL_TREE=$TMP/linux CACHE=$TMP/cache REPO=$TMP/repo
	export OUT=$TMP/repo/out
	mkdir -p "$REPO/patches"
	cp "$DEV/../BASE" "$REPO"
	echo '# comment' >"$REPO/series"
}

# entry SUBJECT FILE...: adds a commit to the synthetic repository; its diff
# comes on stdin.
entry()
{
	local subject=$1 slug
	shift
	slug=$(tr -cs 'A-Za-z0-9._\n' - <<<"$subject")
	echo "$slug" >>"$REPO/series"
	{
		printf 'Subject: %s\n\nWhy.\n---\n' "$subject"
		cat
	} >"$REPO/patches/$slug.patch"
	local file
	for file; do
		echo "    $file" >>"$REPO/series"
		mkdir -p "$(dirname "$REPO/$file")"
		echo "/* $file */" >"$REPO/$file"
	done
}

# A hook after line_N of the synthetic mm/a.c, as a canonical diff; SHIFT lines
# were added above it.
hook()
{
	local n=$1 shift=${2:-0}
	printf '%s\n' 'diff --git a/mm/a.c b/mm/a.c' '--- a/mm/a.c' \
		'+++ b/mm/a.c' \
		"@@ -$((n - 2 + shift)),6 +$((n - 2 + shift)),7 @@ int line_$((n - 3));"
	seq $((n - 2)) "$n" | sed 's/.*/ int line_&;/'
	echo "+int hook_$n;"
	seq $((n + 1)) $((n + 3)) | sed 's/.*/ int line_&;/'
}

# program LINK TREE HEADERS OUT ARGUMENT...: with the headers of that kernel.
program()
{
	local link=$1 tree=$2 headers=$3 out=$4
	shift 4
	gcc "$link" -O2 -w -U_FORTIFY_SOURCE -D_GNU_SOURCE \
		-I"$TMP/include" -I"$tree" -isystem "$headers/usr/include" \
		-isystem "$tree/tools/include/uapi" \
		-o "$out" "$@" -lrt -lpthread -lm
}

# For a guest without libraries.
static_program()
{
	program -static "$@"
}

# For one that something is preloaded into; copy_libraries has the rest. Glibc
# looks for libgcc_s when it cancels a thread.
dynamic_program()
{
	program -rdynamic "$@" -Wl,--no-as-needed -lgcc_s
}

# The libraries of what is in ROOT/bin, where its programs look for them.
copy_libraries()
{
	local file
	find "$1/bin" -type f -exec ldd {} + 2>/dev/null |
		sed -nE 's,^\t(.* => )?(/[^ ]+) .*,\2,p' | sort -u |
		while read -r file; do
			mkdir -p "$1${file%/*}"
			cp -L "$file" "$1$file"
		done
}

# The kernel's user headers for `kernel`'s build of CONFIG.
install_headers()
{
	(lock headers && make -s -C "$CACHE/tree/$1" O="$2" headers </dev/null)
	mkdir -p "$TMP/include"
	: >"$TMP/include/local_config.h"
}

# kvm_selftests KERNEL HEADERS BIN PROGRAM...: those of KERNEL's tree go to BIN.
kvm_selftests()
{
	local tree=$CACHE/tree/$1 headers=$2 bin=$3 out=$CACHE/selftests/kvm-$1
	shift 3
	mkdir -p "$out"
	quietly "$CACHE/log/kvm-selftests" 'building kvm selftests' \
		make -C "$tree/tools/testing/selftests/kvm" -j"$JOBS" \
		OUTPUT="$out" ARCH=x86_64 LDFLAGS='-pthread -static -no-pie' \
		KHDR_INCLUDES="-isystem $headers/usr/include" \
		top_srcdir="$tree" "${@/#/$out/}" &&
		cp "${@/#/$out/}" "$bin"
}

# record_header TREE CONFIG: the first lines of a record.
record_header()
{
	echo '# What the base does: dev/record writes it, make check-long compares.'
	echo "# tree $1"
	echo "# config $("$DEV/config" base "$2" | sha256sum | cut -c1-16)"
}

# recorded WHAT: prints the record of what the base does with $config. Fails
# when there is none that can be used: then the base must be built.
# shellcheck disable=SC2154
recorded()
{
	local file=$RECORDS/$1-$config tree
	tree=$(src_git rev-parse 'base^{tree}')

	[[ -f $file && ! ${LONG:-}${RECORD:-} ]] || return
	if [[ $(head -n 3 "$file") != "$(record_header "$tree" "$config")" ]]
	then
		say "building the base: $file is of another"
		return 1
	fi
	echo "$file"
}

# on_record WHAT FILE: FILE is what the base did. With RECORD=1 that is kept,
# else it must be what is on record of this base.
on_record()
{
	local file=$RECORDS/$1-$config tree
	tree=$(pinned tree)

	{ record_header "$tree" "$config"; cat "$2"; } >"$TMP/record"
	if [[ $(src_git rev-parse 'base^{tree}') != "$tree" ]]; then
		[[ ! ${RECORD:-} ]] || die 'the base in use is not that of BASE'
	elif [[ ${RECORD:-} ]]; then
		cp "$TMP/record" "$file"
	elif [[ -f $file ]]; then
		check "the base does what $1-$config has (renew: dev/record)" \
			diff "$file" "$TMP/record"
	fi
}

# compare_with_base STEP: run_on KERNEL makes $TMP/KERNEL; compares patched with
# $record, or else with base.
# shellcheck disable=SC2154
compare_with_base()
{
	if [[ ! $record ]]; then
		run_on base
		"$DEV/tests/compare" --record "$TMP/base" >"$TMP/seen"
		on_record "$1" "$TMP/seen"
		[[ ! ${RECORD:-} ]] || return 0
	fi
	run_on patched
	"$DEV/tests/compare" "${record:-$TMP/base}" "$TMP/patched"
}

# What the log says of each case that failed.
kunit_reasons()
{
	local line
	while read -r line; do
		echo "$line"
		[[ $line == 'not ok'* ]] || continue
		sed -n "/# ${line##*.}: .*FAILED/,+6s/^/# /p" "$TMP/kunit.log"
	done
}

# kunit_cases TREE CONSOLE: what ran there, as TAP, by the parser of TREE.
kunit_cases()
{
	tr -d '\r' <"$2" >"$TMP/kunit.log"
	"$CACHE/tree/$1/tools/testing/kunit/kunit.py" parse \
		--json="$TMP/kunit.json" "$TMP/kunit.log" >&2 || true
	[[ ! -s $TMP/kunit.json ]] ||
		"$DEV/kunit2tap" "$TMP/kunit.json" | kunit_reasons
}

# run_kunit KERNEL CONFIG [GLOB]: boots, prints the suites' cases as TAP. Those
# of unaccepted memory and of keys, if asked for, run where there are some.
run_kunit()
{
	local code=0 platform='' planes=${KEYID_PLANES:-}
	[[ ${3:-} != unaccepted* ]] || platform=unaccepted_sim=auto
	[[ ${3:-} != keyid* ]] || planes=6
	KERNEL=$1 CONFIG=$2 CONSOLE=$TMP/console CMD=true KMEMLEAK=1 \
		KEYID_PLANES=$planes \
		APPEND="kunit.filter_glob=${3:-*} $platform ${APPEND:-}" \
		"$DEV/boot" 2>"$TMP/boot" || code=$?
	cat "$TMP/boot" >&2
	kunit_cases "$1" "$TMP/console"
	if ((code)); then
		not_ok "the console of $1-$2 (status $code)"
		sed 's/^/# /' "$TMP/boot"
	else
		ok "no report on the console of $1-$2"
	fi
}

# scsi_disk NAME FILE: the same on a SCSI host.
scsi_disk()
{
	dma_disk "$1" "$2" virtio-scsi-pci
	echo "-device scsi-hd,drive=$1"
}

# look_from_outside COMMAND READER: boots $kernel-$config, whose COMMAND tells
# where to look, in memory that no suite has used. The function READER reads that,
# and may call save_page "$TMP/monitor" then.
# shellcheck disable=SC2154
look_from_outside()
{
	local code=0
	QEMU_ARGS=$(monitor_pipe "$TMP/monitor") APPEND=kunit.enable=0 \
	KERNEL=$kernel CONFIG=$config ROOT=$TMP/root CMD=$1 TIMEOUT=180 \
		"$DEV/boot" 2>"$TMP/boot" | "$2" || code=$?
	((code)) || return 0
	not_ok "the guest (status $code)"
	sed 's/^/# /' "$TMP/boot"
	return 1
}

# No package is set up: their scripts need a shell and more that is not there.
make_root_disk()
{
	mkdir -p "$CACHE/root"
	mmdebstrap --variant=extract --include="$2" "$3" "$1.tmp.ext2" &&
		mv "$1.tmp.ext2" "$1"
}

# root_disk PACKAGES: a root disk with these of Debian, made once and kept in the
# cache; prints its path.
root_disk()
{
	local suite root
	EXTRA_PACKAGES='mmdebstrap genext2fs' "$DEV/packages" >&2
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	root=$CACHE/root/$suite-$(cksum <<<"$1" | cut -d' ' -f1).ext2
	(
		lock root
		[[ -f $root ]] || quietly "$CACHE/log/root" \
			'making a root disk' make_root_disk "$root" "$1" "$suite"
	) >&2
	echo "$root"
}

# guest_tap COMMAND: in $kernel-$config with $TMP/root; prints what is TAP.
# shellcheck disable=SC2154
guest_tap()
{
	local code=0
	KERNEL=$kernel CONFIG=$config ROOT=$TMP/root CONSOLE=$TMP/console \
		CMD=$1 TIMEOUT=${TIMEOUT:-1800} \
		APPEND=${APPEND:-kunit.enable=0} \
		"$DEV/boot" >"$TMP/out" 2>"$TMP/boot" || code=$?
	tr -d '\r' <"$TMP/out" | grep -E '^((not )?ok |#)' || true
	if ((code)); then
		not_ok "the console of $kernel-$config (status $code)"
		sed 's/^/# /' "$TMP/boot"
	else
		ok "no report on the console of $kernel-$config"
	fi
}

# run_programs KERNEL CONFIG ROOT LIST: each line of LIST is a command, with
# LIMIT seconds; prints `### begin`, the output, `### end STATUS`. GUEST_ENV:
# assignments for them.
run_programs()
{
	mkdir -p "$3/bin"
	cp "$4" "$3/list"
	cat >"$3/bin/run-list" <<-'EOF'
		#!/bin/sh
		cd /tmp
		while read -r line; do
			echo "### begin $line"
			timeout -k 5 "$1" sh -c "$line" 2>&1
			status=$?
			echo
			echo "### end $status"
		done </list
	EOF
	chmod +x "$3/bin/run-list"
	KERNEL=$1 CONFIG=$2 ROOT=$3 \
		CMD="${GUEST_ENV:+$GUEST_ENV }run-list ${LIMIT:-120}" \
		TIMEOUT=${TIMEOUT:-900} "$DEV/boot"
}

# run_selftests [WHERE]: what $TMP/list names, on $kernel-$config, as TAP; and
# there is no report on the console, which is kept in $TMP/console.
# shellcheck disable=SC2154
run_selftests()
{
	local code=0 console="the console of $kernel-$config${1:+, $1}"
	CONSOLE=$TMP/console run_programs "$kernel" "$config" "$TMP/root" \
		"$TMP/list" >"$TMP/out" 2>"$TMP/boot" || code=$?
	kselftest_tap "${1:-}" <"$TMP/out"
	if ((code)); then
		not_ok "$console (status $code)"
		sed 's/^/# /' "$TMP/boot"
	else
		ok "no report on $console"
	fi
}

# kselftest_tap [WHERE]: the ok lines of the programs that run_programs ran. One
# that dies, or prints none, counts as failed; one that skips all, as skipped.
kselftest_tap()
{
	awk -v where="${1:+, $1}" '
		/^### begin / { name = $3; n = bad = 0; next }
		/^### end / {
			if (($3 != 0 && $3 != 4 && !bad) || !n)
				print "not ok - " name ": status " $3 ", " n \
					" tests" where
			next }
		/^1\.\.0 # SKIP/ { n++; print "ok - " name where " # SKIP"; next }
		/^(not )?ok / {
			n++; if (/^not/) bad++
			sub(/ok [0-9]*( -)?/, "ok - " name ":")
			if (!sub(/ # SKIP/, where "&")) $0 = $0 where
			print; next }
		{ print "# " $0 }'
}

# boots WHAT APPEND [COMMAND]: $kernel of $config ends well, without a report.
# shellcheck disable=SC2154
boots()
{
	check "$1: boots" env KERNEL="$kernel" CONFIG="$config" APPEND="$2" \
		CMD="${3:-true}" ROOT="$TMP/root" CONSOLE="$TMP/console" \
		TIMEOUT=180 "$DEV/boot"
}
