// SPDX-License-Identifier: GPL-2.0
/*
 * directmap - a picture of the kernel's direct map
 *
 * One cell for each 2M of memory: mapped by a leaf of 1G, by one of 2M, by leaves
 * of 4K, or out of the direct map, as a whole or in part. That is where time
 * goes that no profile shows: small leaves take TLB entries, and what splits
 * large ones is seldom what suffers from it.
 *
 * It reads /sys/kernel/debug/page_tables/kernel (CONFIG_PTDUMP_DEBUGFS), which
 * has the page tables, /proc/iomem, which says where memory is, and the nodes
 * from sysfs. Needs root. x86-64.
 *
 *	directmap [-s] [-t] [-d DIRECTORY]
 *
 *	-s	write an SVG image instead of characters
 *	-t	totals alone
 *	-d	read page_tables, iomem and meminfo there, as saved of some machine
 */
#include <ctype.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CELL_SHIFT	21
#define CELL		(1ULL << CELL_SHIFT)
#define MAX_NODES	64
#define ROW_CELLS	64	/* 128M a line */
#define SVG_CELL	9
#define SVG_MARGIN	12
#define SVG_LINE	16

enum shape { NOTHING, LEAF_1G, LEAF_2M, LEAF_4K, IN_PART, GONE, NR_SHAPES };

static const struct {
	const char *name;
	char letter;
	const char *terminal;	/* colour, as an escape sequence has it */
	const char *colour;
} shapes[NR_SHAPES] = {
	[NOTHING] = { "no memory",		' ', "0",  "none" },
	[LEAF_1G] = { "1G leaf",		'G', "32", "#2b8a3e" },
	[LEAF_2M] = { "2M leaf",		'M', "36", "#74b816" },
	[LEAF_4K] = { "4K leaves",		'k', "33", "#f08c00" },
	[IN_PART] = { "removed in part",	'p', "35", "#ae3ec9" },
	[GONE]	  = { "removed whole",		'.', "31", "#364fc7" },
};

/* Bytes of a cell's memory, and of those that leaves of each size map. */
struct cell {
	uint32_t memory;
	uint32_t mapped[LEAF_4K + 1];
	int node;
};

static struct cell *cells;
static size_t nr_cells;
static const char *directory;

static FILE *open_file(const char *saved, const char *path)
{
	char name[4096];
	FILE *f;

	if (directory) {
		snprintf(name, sizeof(name), "%s/%s", directory, saved);
		path = name;
	}
	f = fopen(path, "r");
	if (!f)
		err(1, "%s", path);
	return f;
}

static void grow(size_t wanted)
{
	if (wanted <= nr_cells)
		return;
	cells = realloc(cells, wanted * sizeof(*cells));
	if (!cells)
		err(1, "memory");
	memset(cells + nr_cells, 0, (wanted - nr_cells) * sizeof(*cells));
	nr_cells = wanted;
}

/* How much of a cell a range has. */
static uint32_t part_of(size_t cell, uint64_t start, uint64_t end)
{
	uint64_t from = cell * CELL, to = from + CELL;

	if (start > from)
		from = start;
	if (end < to)
		to = end;
	return from < to ? to - from : 0;
}

static void add_memory(uint64_t start, uint64_t end)
{
	size_t i;

	grow((end + CELL - 1) >> CELL_SHIFT);
	for (i = start >> CELL_SHIFT; i < nr_cells && i * CELL < end; i++)
		cells[i].memory += part_of(i, start, end);
}

static void add_leaves(uint64_t start, uint64_t end, enum shape leaf)
{
	size_t i;

	for (i = start >> CELL_SHIFT; i < nr_cells && i * CELL < end; i++)
		cells[i].mapped[leaf] += part_of(i, start, end);
}

/* What is inside of another entry, as the kernel's image, is indented. */
static void read_memory(void)
{
	FILE *f = open_file("iomem", "/proc/iomem");
	unsigned long long start, end;
	char line[256];

	while (fgets(line, sizeof(line), f))
		if (!isspace((unsigned char)line[0]) &&
		    strstr(line, ": System RAM") &&
		    sscanf(line, "%llx-%llx", &start, &end) == 2)
			add_memory(start, end + 1);
	fclose(f);
	if (!nr_cells || !end)
		errx(1, "/proc/iomem shows no addresses: are you root?");
}

/* The last word is the level; what is not present has no RW or ro before it. */
static enum shape leaf_of(const char *line)
{
	if (!strstr(line, " RW ") && !strstr(line, " ro "))
		return NOTHING;
	if (strstr(line, " pud"))
		return LEAF_1G;
	return strstr(line, " pmd") ? LEAF_2M : LEAF_4K;
}

static void read_leaves(void)
{
	FILE *f = open_file("page_tables",
			    "/sys/kernel/debug/page_tables/kernel");
	unsigned long long start, end, base = 0;
	bool inside = false;
	enum shape leaf;
	char line[256];

	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "---[", 4)) {
			inside = strstr(line, "Low Kernel Mapping");
			continue;
		}
		if (!inside || sscanf(line, "%llx-%llx", &start, &end) != 2)
			continue;
		if (!base)
			base = start;
		leaf = leaf_of(line);
		if (leaf)
			add_leaves(start - base, end - base, leaf);
	}
	fclose(f);
	if (!base)
		errx(1, "the dump of the page tables has no direct map");
}

static uint64_t hex_in(const char *path)
{
	unsigned long long value = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		return 0;
	if (fscanf(f, "%llx", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

#define MEMORY	"/sys/devices/system/memory"
#define NODES	"/sys/devices/system/node"

static int node_of(uint64_t block)
{
	char path[128];
	int node;

	for (node = 0; node < MAX_NODES; node++) {
		snprintf(path, sizeof(path), NODES "/node%d/memory%llu", node,
			 (unsigned long long)block);
		if (!access(path, F_OK))
			return node;
	}
	return 0;
}

/* Memory is hot-plugged in blocks: each of these is of one node. */
static void read_nodes(void)
{
	uint64_t size = hex_in(MEMORY "/block_size_bytes");
	uint64_t block = UINT64_MAX;
	size_t i;
	int node = 0;

	if (directory || size < CELL)
		return;
	for (i = 0; i < nr_cells; i++) {
		if (i * CELL / size != block) {
			block = i * CELL / size;
			node = node_of(block);
		}
		cells[i].node = node;
	}
}

static enum shape shape_of(const struct cell *c)
{
	uint32_t mapped = c->mapped[LEAF_1G] + c->mapped[LEAF_2M] +
			  c->mapped[LEAF_4K];

	if (!c->memory)
		return NOTHING;
	if (!mapped)
		return GONE;
	if (mapped < c->memory)
		return IN_PART;
	if (c->mapped[LEAF_1G])
		return LEAF_1G;
	return c->mapped[LEAF_2M] >= c->memory ? LEAF_2M : LEAF_4K;
}

static size_t count(int node, enum shape shape)
{
	size_t i, found = 0;

	for (i = 0; i < nr_cells; i++)
		found += cells[i].node == node && shape_of(&cells[i]) == shape;
	return found;
}

static bool has_memory(int node)
{
	size_t i;

	for (i = 0; i < nr_cells; i++)
		if (cells[i].node == node && cells[i].memory)
			return true;
	return false;
}

static void totals(int node, char *text, size_t size)
{
	size_t used = snprintf(text, size, "node %d:", node), n;
	int s;

	for (s = LEAF_1G; s < NR_SHAPES; s++) {
		n = count(node, s);
		if (n && used < size)
			used += snprintf(text + used, size - used,
					 " %s %zu MiB,", shapes[s].name,
					 n * (size_t)(CELL >> 20));
	}
	text[strlen(text) - 1] = '\0';
}

/* What the kernel says of it, as a check and for what a cell cannot show. */
static void meminfo(char *text, size_t size)
{
	static const char * const names[] = { "DirectMap4k", "DirectMap2M",
					      "DirectMap1G", "NoDirectMap",
					      "NoDirectMapFree" };
	FILE *f = open_file("meminfo", "/proc/meminfo");
	size_t used = 0, i;
	unsigned long kb;
	char line[256];

	text[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			size_t len = strlen(names[i]);

			if (strncmp(line, names[i], len) || line[len] != ':' ||
			    used >= size)
				continue;
			kb = strtoul(line + len + 1, NULL, 10);
			if (kb)
				used += snprintf(text + used, size - used,
						 "%s%s %lu kB",
						 used ? ", " : "", names[i],
						 kb);
		}
	}
	fclose(f);
}

/* Rows of a node that have memory. */
static bool row_shown(int node, size_t row)
{
	size_t i;

	for (i = row * ROW_CELLS; i < (row + 1) * ROW_CELLS && i < nr_cells; i++)
		if (cells[i].node == node && cells[i].memory)
			return true;
	return false;
}

static size_t nr_rows(void)
{
	return (nr_cells + ROW_CELLS - 1) / ROW_CELLS;
}

static enum shape shape_at(int node, size_t i)
{
	if (i >= nr_cells || cells[i].node != node)
		return NOTHING;
	return shape_of(&cells[i]);
}

static void print_row(int node, size_t row, bool colours)
{
	enum shape last = NOTHING;
	size_t i;

	printf("%8zuM ", row * ROW_CELLS * (size_t)(CELL >> 20));
	for (i = row * ROW_CELLS; i < (row + 1) * ROW_CELLS; i++) {
		enum shape s = shape_at(node, i);

		if (colours && s != last)
			printf("\033[%sm", shapes[s].terminal);
		putchar(shapes[s].letter);
		last = s;
	}
	puts(colours ? "\033[0m" : "");
}

static void print_legend(void)
{
	int s;

	for (s = LEAF_1G; s < NR_SHAPES; s++)
		printf("%c %s  ", shapes[s].letter, shapes[s].name);
	putchar('\n');
}

static void print_text(bool only_totals)
{
	bool colours = isatty(STDOUT_FILENO);
	char text[512];
	size_t row;
	int node;

	for (node = 0; node < MAX_NODES; node++) {
		if (!has_memory(node))
			continue;
		totals(node, text, sizeof(text));
		puts(text);
		for (row = 0; row < nr_rows() && !only_totals; row++)
			if (row_shown(node, row))
				print_row(node, row, colours);
	}
	if (!only_totals)
		print_legend();
	meminfo(text, sizeof(text));
	puts(text);
}

static void svg_text(unsigned int x, unsigned int y, const char *text)
{
	printf("<text x=\"%u\" y=\"%u\">%s</text>\n", x, y, text);
}

/* One path has all cells of a colour, or the file would be several times as long */
static void svg_begin(enum shape s)
{
	printf("<path fill=\"%s\" d=\"", shapes[s].colour);
}

static void svg_cell(unsigned int x, unsigned int y)
{
	printf("M%u,%uh%dv%dh-%dz", x, y, SVG_CELL - 1, SVG_CELL - 1,
	       SVG_CELL - 1);
}

static void svg_end(void)
{
	puts("\"/>");
}

/* The cells of a node that look like this; where the node ends. */
static unsigned int svg_shape(int node, unsigned int y, enum shape s)
{
	size_t row, i;

	svg_begin(s);
	for (row = 0; row < nr_rows(); row++) {
		if (!row_shown(node, row))
			continue;
		for (i = 0; i < ROW_CELLS; i++)
			if (shape_at(node, row * ROW_CELLS + i) == s)
				svg_cell(SVG_MARGIN + i * SVG_CELL, y);
		y += SVG_CELL;
	}
	svg_end();
	return y;
}

static unsigned int svg_node(int node, unsigned int y)
{
	unsigned int end = y;
	char text[512];
	int s;

	totals(node, text, sizeof(text));
	svg_text(SVG_MARGIN, y + SVG_LINE - 4, text);
	for (s = LEAF_1G; s < NR_SHAPES; s++)
		end = svg_shape(node, y + SVG_LINE, s);
	return end + SVG_LINE / 2;
}

static void svg_legend(unsigned int y)
{
	unsigned int x = SVG_MARGIN;
	int s;

	for (s = LEAF_1G; s < NR_SHAPES; s++) {
		svg_begin(s);
		svg_cell(x, y);
		svg_end();
		svg_text(x + SVG_CELL + 4, y + SVG_CELL - 1, shapes[s].name);
		x += SVG_CELL + 20 + 7 * strlen(shapes[s].name);
	}
}

static void print_svg(void)
{
	unsigned int height = 2 * SVG_MARGIN + 2 * SVG_LINE, y = SVG_MARGIN;
	char text[512];
	size_t row;
	int node;

	for (node = 0; node < MAX_NODES; node++) {
		if (!has_memory(node))
			continue;
		height += SVG_LINE + SVG_LINE / 2;
		for (row = 0; row < nr_rows(); row++)
			height += row_shown(node, row) ? SVG_CELL : 0;
	}
	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\"\n"
	       "     font-family=\"sans-serif\" font-size=\"11\">\n"
	       "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
	       2 * SVG_MARGIN + ROW_CELLS * SVG_CELL, height);
	for (node = 0; node < MAX_NODES; node++)
		if (has_memory(node))
			y = svg_node(node, y);
	svg_legend(y);
	meminfo(text, sizeof(text));
	svg_text(SVG_MARGIN, y + 2 * SVG_LINE, text);
	puts("</svg>");
}

int main(int argc, char **argv)
{
	bool svg = false, only_totals = false;
	int option;

	while ((option = getopt(argc, argv, "std:")) != -1) {
		switch (option) {
		case 's':
			svg = true;
			break;
		case 't':
			only_totals = true;
			break;
		case 'd':
			directory = optarg;
			break;
		default:
			errx(2, "usage: directmap [-s | -t] [-d DIRECTORY]");
		}
	}
	if (optind != argc)
		errx(2, "usage: directmap [-s | -t] [-d DIRECTORY]");
	read_memory();
	read_leaves();
	read_nodes();
	if (svg)
		print_svg();
	else
		print_text(only_totals);
	return 0;
}
