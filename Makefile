# SPDX-License-Identifier: GPL-2.0
# `make help` lists the commands; the scripts are in dev/.

export KERNEL CONFIG CMD ROOT SMP MEM CPU MACHINE ACCEL APPEND QEMU_ARGS \
	TIMEOUT ICOUNT KEYID_PLANES KERNEL_TREE CACHE SRC JOBS KCONFIG \
	MONITOR QMP CONSOLE CONSOLE_OK KMEMLEAK IMAGE DURATION

# An empty variable is an unset one.
$(foreach v,KERNEL CONFIG ROOT SMP MEM CPU MACHINE ACCEL TIMEOUT ICOUNT \
	KEYID_PLANES KERNEL_TREE CACHE SRC JOBS KCONFIG MONITOR QMP CONSOLE \
	CONSOLE_OK KMEMLEAK IMAGE DURATION APPEND QEMU_ARGS CMD,\
	$(if $(value $v),,$(eval unexport $v)))

.PHONY: help run check check-long stress record bench guest mutate tree series \
	deb clean

help:
	@echo 'make run          set up, build, boot, run the demonstration'
	@echo 'make check        set up, then the tests (TESTS="name ...")'
	@echo 'make check-long   more cases, kernels, architectures; each commit'
	@echo 'make stress       all users of such memory at once; DURATION=600 seconds,'
	@echo '                  CONFIG=full (debug: failing allocations, no KVM)'
	@echo 'make record       look again at what the base does (dev/tests/base),'
	@echo '                  when make check-long says that it does something else'
	@echo 'make bench        base and patched side by side; the table'
	@echo "make guest        CMD='...' in a guest; ROOT=dir, KERNEL=base,"
	@echo '                  CONFIG=plain, SMP=, MEM=, APPEND=, QEMU_ARGS=,'
	@echo '                  TIMEOUT=, ICOUNT=1, ACCEL=, CPU=, MONITOR=,'
	@echo '                  KEYID_PLANES=n (memory for each of n keys)'
	@echo 'make mutate       every mutation must be caught; the table'
	@echo 'make tree         out/tree to edit in; dev/absorb takes it back'
	@echo 'make series       patches to mail, in out/series, a folder a series'
	@echo 'make deb          kernel packages in out/; KCONFIG=path'
	@echo 'make clean        removes out/ (the cache stays)'
	@echo
	@echo 'KERNEL_TREE=path  your own 6.12.y tree in place of linux-source'
	@echo 'CACHE=path        trees and builds (~/.cache/prepared-memory)'

run bench tree deb guest mutate record stress:
	@dev/$@

series:
	@dev/export

check:
	@dev/test quick $(TESTS)

check-long:
	@dev/test long $(TESTS)

clean:
	@dev/clean
