// SPDX-License-Identifier: GPL-2.0
/*
 * Says where the code of a module is, and where the direct map begins, so that
 * somebody can look from outside the guest whether that leads to it, too.
 *
 *	code_at MODULE
 */
#define _GNU_SOURCE
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of a function; its name is of no interest. */
static unsigned long long code_of(const char *module)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	unsigned long long addr;
	char line[512], of[64], type;

	if (!f)
		err(1, "/proc/kallsyms");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %c %*s [%63[^]]", &addr, &type, of) == 3 &&
		    (type == 't' || type == 'T') && !strcmp(of, module))
			return addr;
	errx(1, "no code of %s", module);
}

/* Of the first range of memory that is not the kernel's image. */
static unsigned long long direct_map(void)
{
	int fd = open("/proc/kcore", O_RDONLY), i;
	Elf64_Phdr ph;
	Elf64_Ehdr eh;

	if (fd < 0 || pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		err(1, "/proc/kcore");
	for (i = 0; i < eh.e_phnum; i++) {
		if (pread(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph)) !=
		    sizeof(ph))
			err(1, "/proc/kcore");
		if (ph.p_type == PT_LOAD && ph.p_paddr != ~0ULL &&
		    ph.p_vaddr < 0xffffffff80000000ULL)
			return ph.p_vaddr - ph.p_paddr;
	}
	errx(1, "no direct map in /proc/kcore");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(1, "usage: code_at MODULE");
	printf("0x%llx 0x%llx\n", code_of(argv[1]), direct_map());
	fflush(stdout);
	sleep(10);
	return 0;
}
