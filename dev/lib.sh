# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by every script in dev/; sourced, never run.
#
# CACHE   where the trees and builds live; may be deleted at any time
# REPO    the repository (tests point it at a copy)
# QUIET   set: no progress lines

DEV=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=${REPO:-$(dirname "$DEV")}
CACHE=${CACHE:-$HOME/.cache/prepared-memory}
OUT=${OUT:-$REPO/out}
JOBS=${JOBS:-$(nproc)}
export REPO CACHE OUT

# Top-level directories that mirror the kernel's.
# shellcheck disable=SC2034
MIRRORED=(mm include arch tools Documentation kernel virt fs drivers block
	  net init lib security samples scripts)

export LC_ALL=C
export CCACHE_DIR=${CCACHE_DIR:-$HOME/.cache/ccache}
export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-10G}
export CCACHE_BASEDIR=$CACHE CCACHE_NOHASHDIR=1
export CCACHE_DEPEND=1	# the first compilation needs no preprocessor of its own
export PATH=$DEV/bin:$PATH	# our ccache
export KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 UTC'
export KBUILD_BUILD_USER=dev KBUILD_BUILD_HOST=localhost
export KBUILD_BUILD_VERSION=1
export LOCALVERSION=

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

say()
{
	[[ -n ${QUIET:-} ]] || echo "$*" >&2
}

# The pinned value of a key: package, version, sha256, tree.
pinned()
{
	awk -v key="$1" '$1 == key { print $2 }' "$REPO/BASE"
}

# git on the cache's own repository, deaf to the user's configuration.
src_git()
{
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
		git --git-dir="$CACHE/src" "$@"
}

# Commits made here depend on their contents alone.
fixed_identity()
{
	export GIT_AUTHOR_NAME='Prepared Memory' GIT_AUTHOR_EMAIL=dev@localhost
	export GIT_COMMITTER_NAME='Prepared Memory'
	export GIT_COMMITTER_EMAIL=dev@localhost
	export GIT_AUTHOR_DATE='1767225600 +0000'
	export GIT_COMMITTER_DATE='1767225600 +0000'
}

# canonical_diff TREE FROM TO: existing files only, and the same text for every
# git version and configuration.
canonical_diff()
{
	local func='!^[ \t]*[A-Za-z_][A-Za-z_0-9]*:[ \t]*($|/[/*])
^[A-Za-z_].*$'
	local attributes=$DEV/gitattributes

	git -C "$1" -c core.attributesFile="$attributes" -c core.quotePath=true \
		-c diff.cpp.xfuncname="$func" -c diff.algorithm=myers \
		-c diff.interHunkContext=0 -c diff.indentHeuristic=true \
		-c diff.suppressBlankEmpty=false -c core.abbrev=40 \
		diff-tree -p -U3 --no-color --no-ext-diff --no-textconv \
		--no-renames --src-prefix=a/ --dst-prefix=b/ --full-index \
		--diff-filter=a "$2" "$3" -- . ':(exclude)MAINTAINERS' |
		sed -E '/^index [0-9a-f]{40}/d'
}

# lock NAME: one holder at a time; a script's children share its lock.
lock()
{
	[[ " ${PM_LOCKS:-} " != *" $1 "* ]] || return 0
	mkdir -p "$CACHE/lock"
	local fd
	exec {fd}>"$CACHE/lock/$1"
	if ! flock -n "$fd"; then
		say "waiting for another run that uses $CACHE ($1)"
		flock "$fd"
	fi
	export PM_LOCKS="${PM_LOCKS:-} $1"
}

# need_space PATH GIB WHAT
need_space()
{
	local path=$1 need=${DISK_NEED_GIB:-$2} have

	while [[ ! -d $path ]]; do path=$(dirname "$path"); done
	have=$(($(df -Pk "$path" | awk 'NR == 2 { print $4 }') / 1024 / 1024))
	((have >= need)) ||
		die "$3 needs $need GiB in $1, only $have GiB are available"
}

# scratch_tree NAME GIB COMMIT: $CACHE/tree/NAME there, but for what was built.
scratch_tree()
{
	local tree=$CACHE/tree/$1
	git -C "$tree" rev-parse -q --verify HEAD &>/dev/null || {
		need_space "$CACHE" "$2" "$tree"
		rm -rf "$tree"
		src_git worktree prune
		src_git worktree add -q --detach "$tree" "$3"
	}
	git -C "$tree" reset -q --hard "$(src_git rev-parse "$3")"
	git -C "$tree" clean -qfdx -e '/build-*'
}

# quietly LOG WHAT COMMAND...: the log's end is shown only on failure.
quietly()
{
	local log=$1 what=$2 start=$SECONDS pid status=0
	shift 2
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	watch_step "$pid" "$log" "$what" &
	local watcher=$!
	wait "$pid" || status=$?
	kill "$watcher" 2>/dev/null || true
	wait "$watcher" 2>/dev/null || true
	((status)) || return 0
	show_failure "$log" >&2
	echo "$what failed after $((SECONDS - start)) s; log: $log" >&2
	return "$status"
}

# A line every 20 s: seconds, and the objects that the log shows.
watch_step()
{
	local start=$SECONDS count never
	# No sleep(1): it would outlive us, and hold our locks meanwhile
	exec {never}<> <(:)
	while ! read -rt 20 -u "$never" && kill -0 "$1" 2>/dev/null; do
		count=$(grep -cE '^  (CC|AS|LD|AR|HOSTCC)' "$2") || true
		say "  $3: $((SECONDS - start)) s, $count objects"
	done
}

show_failure()
{
	grep -nE '(error|Error|undefined reference|fatal)' "$1" | head -n 12
	echo "--- end of the log"
	tail -n 15 "$1"
}

# Where KERNEL's build of CONFIG lives; SRC is a tree outside the cache.
# Inside the cache the build is a child of its tree, so that every path the
# compiler sees is relative and the compiler cache serves all the trees.
build_dir()
{
	if [[ -n ${SRC:-} ]]; then
		echo "$CACHE/build/$(cd "$SRC" && pwd | cksum | cut -d' ' -f1)-$2"
	else
		echo "$CACHE/tree/$1/build-$2"
	fi
}

# dma_disk NAME FILE[,OPTION] [DEVICE]: QEMU's arguments for a disk on FILE that
# uses DMA mappings.
dma_disk()
{
	echo "-drive if=none,id=$1,format=raw,file=$2" \
		"-device ${3:-virtio-blk-pci,drive=$1},$dma"
}
dma=iommu_platform=on,disable-legacy=on

# monitor_pipe PATH: QEMU's arguments for a monitor that is spoken to by pipes.
monitor_pipe()
{
	mkfifo "$1.in" "$1.out"
	echo "-chardev pipe,id=look,path=$1 -mon chardev=look"
}

# save_page PIPE FILE ADDRESS [COMMAND [BYTES]]: that page of the guest whose
# monitor it is. With memsave the address is a virtual one, and nothing there leaves
# no file.
save_page()
{
	local tries=50 size=0 bytes=${5:-4096}

	# Without quotes the path would be a quotient
	echo "${4:-pmemsave} $3 $bytes \"$2\"" >"$1.in"
	while ((size < bytes && tries--)); do
		sleep 0.1
		size=$(stat -c %s "$2" 2>/dev/null || echo 0)
	done
}

# ask_monitor PIPE COMMAND REGEX: the first of its answers that matches.
ask_monitor()
{
	echo "$2" >"$1.in"
	timeout 10 grep -aom 1 -E "$3" <"$1.out"
}
