// SPDX-License-Identifier: GPL-2.0
/*
 * Looks at the memory of a crashed kernel: /proc/vmcore, or a dump of it in ELF
 * format. LIST names pages that were in use: `KIND PFN SEED`, see dump_pages.
 *
 * usage: dump_read rule VMCORE [LIST]	what a dump tool leaves out as free
 *        dump_read contents DUMP LIST	pages that do not have what was written
 *
 * The rule is that of makedumpfile from 1.7.8 on. It reads the struct pages in
 * their order. One of type PAGE_BUDDY_MAPCOUNT_VALUE is the head of a free
 * block, whose order is in page->private. One of type
 * PAGE_UNACCEPTED_MAPCOUNT_VALUE is followed by a block of the largest order
 * that nobody has accepted. Both are left out of the dump, and the tool goes on
 * behind them. Printed are the numbers of pages, and how many of those that are
 * left out as unaccepted have references: these are lost.
 *
 * Either use prints `KIND lost of listed` for each kind of LIST; the status is 1
 * when a page of LIST is lost.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE		4096UL
#define WORDS		(PAGE / sizeof(uint64_t))
#define KERNEL_MAP	0xffffffff80000000ULL
#define PRESENT		1ULL
#define LEAF		0x80ULL
#define ADDRESS		0x000ffffffffff000ULL
#define MAX_KINDS	32

static int core;
static Elf64_Phdr *headers;
static unsigned int nr_headers;
static char *info;

static bool read_at(void *to, size_t bytes, off_t at)
{
	return pread(core, to, bytes, at) == (ssize_t)bytes;
}

static void open_core(const char *name)
{
	Elf64_Ehdr elf;

	core = open(name, O_RDONLY);
	if (core < 0)
		err(1, "%s", name);
	if (!read_at(&elf, sizeof(elf), 0) ||
	    memcmp(elf.e_ident, ELFMAG, SELFMAG) ||
	    elf.e_ident[EI_CLASS] != ELFCLASS64)
		errx(1, "%s is not ELF of 64 bits", name);
	nr_headers = elf.e_phnum;
	headers = calloc(nr_headers, sizeof(*headers));
	if (!headers ||
	    !read_at(headers, nr_headers * sizeof(*headers), elf.e_phoff))
		errx(1, "no program headers in %s", name);
}

/* The segment that holds a physical address, and the bytes of it. */
static const Elf64_Phdr *segment_of(uint64_t phys, bool in_file)
{
	const Elf64_Phdr *p;

	for (p = headers; p < headers + nr_headers; p++)
		if (p->p_type == PT_LOAD && phys >= p->p_paddr &&
		    phys - p->p_paddr < (in_file ? p->p_filesz : p->p_memsz))
			return p;
	return NULL;
}

static bool read_phys(void *to, size_t bytes, uint64_t phys)
{
	const Elf64_Phdr *p = segment_of(phys, true);

	return p && phys - p->p_paddr + bytes <= p->p_filesz &&
	       read_at(to, bytes, p->p_offset + (phys - p->p_paddr));
}

/*
 * vmcoreinfo: lines of NAME=VALUE
 */

static size_t padded(size_t bytes)
{
	return (bytes + 3) / 4 * 4;
}

static bool note_is_info(const char *notes, const char *end)
{
	const Elf64_Nhdr *note;
	const char *text;

	for (; notes + sizeof(*note) <= end;
	     notes = text + padded(note->n_descsz)) {
		note = (const void *)notes;
		text = notes + sizeof(*note) + padded(note->n_namesz);
		if (note->n_namesz != sizeof("VMCOREINFO") ||
		    strcmp(notes + sizeof(*note), "VMCOREINFO"))
			continue;
		if (asprintf(&info, "\n%.*s\n", (int)note->n_descsz, text) < 0)
			err(1, "vmcoreinfo");
		return true;
	}
	return false;
}

static void find_info(void)
{
	const Elf64_Phdr *p;
	char *notes;

	for (p = headers; p < headers + nr_headers && !info; p++) {
		if (p->p_type != PT_NOTE)
			continue;
		notes = malloc(p->p_filesz);
		if (!notes || !read_at(notes, p->p_filesz, p->p_offset))
			errx(1, "cannot read the notes");
		note_is_info(notes, notes + p->p_filesz);
		free(notes);
	}
	if (!info)
		errx(1, "no note VMCOREINFO");
}

static uint64_t number(const char *name, int base)
{
	char key[128], *at;

	snprintf(key, sizeof(key), "\n%s=", name);
	at = strstr(info, key);
	if (!at)
		errx(1, "vmcoreinfo has no %s", name);
	at += strlen(key);
	return strtoull(at, NULL, base);
}

/*
 * struct page, by way of the page tables of the old kernel
 */

static uint64_t top_table;
static int levels;

/* The physical address, or 0. */
static uint64_t translate(uint64_t virt)
{
	uint64_t table = top_table, entry;
	int level, shift = 0;

	for (level = levels; level; level--) {
		shift = 12 + 9 * (level - 1);
		if (!read_phys(&entry, sizeof(entry),
			       table + (virt >> shift & 511) * sizeof(entry)))
			return 0;
		if (!(entry & PRESENT))
			return 0;
		table = entry & ADDRESS;
		if (level == 1 || (level < 4 && (entry & LEAF)))
			break;
	}
	table &= ~((1ULL << shift) - 1);
	return table + (virt & ((1ULL << shift) - 1));
}

static uint64_t vmemmap, page_size, at_mapcount, at_refcount, at_private, at_head;

static void find_pages(void)
{
	top_table = number("SYMBOL(swapper_pg_dir)", 16) - KERNEL_MAP +
		    number("NUMBER(phys_base)", 10);
	levels = number("NUMBER(pgtable_l5_enabled)", 10) ? 5 : 4;
	vmemmap = number("SYMBOL(vmemmap)", 16);
	page_size = number("SIZE(page)", 10);
	at_mapcount = number("OFFSET(page._mapcount)", 10);
	at_refcount = number("OFFSET(page._refcount)", 10);
	at_private = number("OFFSET(page.private)", 10);
	at_head = number("OFFSET(page.compound_head)", 10);
	if (page_size > PAGE || PAGE % page_size)
		errx(1, "a struct page of %ju bytes", (uintmax_t)page_size);
}

/* The struct page, valid until another is asked for. */
static const char *page_of(uint64_t pfn)
{
	static char buffer[PAGE];
	static uint64_t have = ~0ULL;
	uint64_t virt = vmemmap + pfn * page_size;

	if (have != virt / PAGE) {
		have = virt / PAGE;
		if (!read_phys(buffer, PAGE, translate(have * PAGE)))
			errx(1, "no struct page for frame %#jx",
			     (uintmax_t)pfn);
	}
	return buffer + virt % PAGE;
}

static uint64_t field(const char *page, uint64_t at)
{
	uint64_t value;

	memcpy(&value, page + at, sizeof(value));
	return value;
}

static uint32_t type_of(const char *page)
{
	uint32_t value;

	memcpy(&value, page + at_mapcount, sizeof(value));
	return value;
}

/* A tail page has none; it is as much in use as its head is. */
static bool has_references(const char *page)
{
	uint32_t value;

	memcpy(&value, page + at_refcount, sizeof(value));
	return value || field(page, at_head) & 1;
}

/*
 * LIST
 */

static struct kind {
	char name[16];
	unsigned long listed;
	unsigned long lost;
} kinds[MAX_KINDS];

static struct kind *kind_of(const char *name)
{
	struct kind *kind;

	for (kind = kinds; kind < kinds + MAX_KINDS; kind++) {
		if (!kind->name[0])
			strcpy(kind->name, name);
		if (!strcmp(kind->name, name))
			return kind;
	}
	errx(1, "too many kinds");
}

/* Status: is one of them lost? */
static int look_at(const char *list, bool (*lost)(uint64_t pfn, uint64_t seed))
{
	unsigned long long pfn, seed;
	struct kind *kind;
	char name[16];
	int any = 0;
	FILE *in;

	in = fopen(list, "r");
	if (!in)
		err(1, "%s", list);
	while (fscanf(in, "%15s %llx %llx", name, &pfn, &seed) == 3) {
		kind = kind_of(name);
		kind->listed++;
		if (lost(pfn, seed))
			kind->lost++;
	}
	for (kind = kinds; kind < kinds + MAX_KINDS && kind->name[0]; kind++) {
		printf("%s %lu of %lu\n", kind->name, kind->lost, kind->listed);
		any |= kind->lost != 0;
	}
	if (kind == kinds)
		errx(1, "%s is empty", list);
	fclose(in);
	return any;
}

static uint64_t frames(void)
{
	const Elf64_Phdr *p;
	uint64_t end = 0;

	for (p = headers; p < headers + nr_headers; p++)
		if (p->p_type == PT_LOAD && p->p_paddr + p->p_memsz > end)
			end = p->p_paddr + p->p_memsz;
	return end / PAGE;
}

/* A byte for each frame: left out as one that nobody has accepted? */
static char *skipped;

static bool is_skipped(uint64_t pfn, uint64_t seed)
{
	(void)seed;
	return skipped[pfn];
}

static void apply_rule(void)
{
	uint32_t buddy = number("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", 10);
	uint32_t unaccepted =
		number("NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)", 10);
	uint64_t orders = number("LENGTH(zone.free_area)", 10);
	uint64_t pfn, step, end = frames();
	uint64_t nr_buddy = 0, nr_unaccepted = 0, nr_lost = 0;
	const char *page;

	skipped = calloc(end + (1UL << orders), 1);
	if (!skipped)
		err(1, "calloc");
	for (pfn = 0; pfn < end; pfn += step) {
		step = 1;
		if (!segment_of(pfn * PAGE, false))
			continue;
		page = page_of(pfn);
		if (field(page, at_head) & 1)
			continue;
		if (type_of(page) == buddy &&
		    field(page, at_private) < orders) {
			step = 1UL << field(page, at_private);
			nr_buddy += step;
		} else if (type_of(page) == unaccepted) {
			step = 1UL << (orders - 1);
			memset(skipped + pfn, 1, step);
			nr_unaccepted += step;
		}
	}
	for (pfn = 0; pfn < end; pfn++)
		if (skipped[pfn] && segment_of(pfn * PAGE, false) &&
		    has_references(page_of(pfn)))
			nr_lost++;
	printf("buddy %ju\nunaccepted %ju\nlost %ju\n", (uintmax_t)nr_buddy,
	       (uintmax_t)nr_unaccepted, (uintmax_t)nr_lost);
}

static bool is_different(uint64_t pfn, uint64_t seed)
{
	uint64_t words[WORDS];
	size_t i;

	if (!read_phys(words, PAGE, pfn * PAGE))
		return true;
	for (i = 0; i < WORDS; i++)
		if (words[i] != seed + i)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "contents")) {
		open_core(argv[2]);
		return look_at(argv[3], is_different);
	}
	if (argc < 3 || argc > 4 || strcmp(argv[1], "rule"))
		errx(1, "usage: dump_read rule|contents FILE [LIST]");
	open_core(argv[2]);
	find_info();
	find_pages();
	apply_rule();
	return argc == 4 ? look_at(argv[3], is_skipped) : 0;
}
