/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/stats_table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2u

struct ss_stats_cells {
	const char *text[SS_STATS_COLUMNS_MAX]; /* NULL: no value */
	bool red;
};

void ss_stats_table_init(struct ss_stats_table *table, const struct ss_stats_style *style,
			 const struct ss_stats_column *columns, unsigned column_count)
{
	memset(table, 0, sizeof(*table));
	table->style = style;
	table->columns = columns;
	table->column_count = column_count;
	table->red_from = column_count - 1;
	table->name_width = 24;
	table->line.utf8 = style->utf8;
}

void ss_stats_table_begin(struct ss_stats_table *table)
{
	struct ss_stats_cells *row = ss_bump_alloc(&table->memory, sizeof(*row));
	uint32_t capacity = table->capacity ? 2 * table->capacity : 64;
	void *wider;

	if (table->count == table->capacity) {
		wider = realloc(table->rows, capacity * sizeof(struct ss_stats_cells *));
		if (wider) {
			table->rows = wider;
			table->capacity = capacity;
		}
	}
	table->next = 0;
	table->failed |= !row || table->count == table->capacity;
	if (!table->failed)
		table->rows[table->count++] = row;
}

static void put(struct ss_stats_table *table, const char *text, size_t bytes)
{
	char *copy = ss_bump_text(&table->memory, text, bytes);

	table->failed |= !copy;
	if (!table->failed)
		table->rows[table->count - 1]->text[table->next++] = copy;
}

void ss_stats_table_cell(struct ss_stats_table *table, const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(table, text, strlen(text));
}

void ss_stats_table_duration(struct ss_stats_table *table, const char *before, uint64_t ns)
{
	ss_text_line_reset(&table->line);
	ss_text_line_add(&table->line, before, 0);
	ss_text_line_duration(&table->line, ns, 0);
	put(table, table->line.text, table->line.bytes);
}

void ss_stats_table_none(struct ss_stats_table *table)
{
	table->next++;
}

void ss_stats_table_end(struct ss_stats_table *table, const char *name, bool red)
{
	table->next = table->column_count - 1;
	put(table, name, strlen(name));
	if (!table->failed)
		table->rows[table->count - 1]->red = red;
}

/* --- layout --- */

/* Of our own text: no character is wider than one column. */
static unsigned columns_of(const char *text)
{
	unsigned columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

/* 0: no row has a value there. */
static unsigned column_width(const struct ss_stats_table *table, unsigned column)
{
	unsigned width = 0, columns;
	uint32_t i;

	for (i = 0; i < table->count; i++) {
		const char *text = table->rows[i]->text[column];

		columns = text ? columns_of(text) : 0;
		width = columns > width ? columns : width;
	}
	columns = columns_of(table->columns[column].title);
	return width && columns > width ? columns : width;
}

/* Leaves out columns until the names have room. */
static void fit(const struct ss_stats_table *table, unsigned *widths)
{
	unsigned last = table->column_count - 1, i, spare, used;

	while (table->style->width) {
		used = widths[last] < table->name_width ? widths[last] : table->name_width;
		for (i = 0, spare = last; i < last; i++) {
			used += widths[i] ? widths[i] + GAP : 0;
			if (widths[i] && table->columns[i].spare &&
			    (spare == last ||
			     table->columns[i].spare > table->columns[spare].spare))
				spare = i;
		}
		if (used <= table->style->width || spare == last)
			return;
		widths[spare] = 0;
	}
}

static void print_line(struct ss_stats_table *table, const unsigned *widths,
		       const char *const *texts, bool red)
{
	struct ss_text_line *line = &table->line;
	unsigned last = table->column_count - 1, i;

	ss_text_line_reset(line);
	for (i = 0; i <= last; i++) {
		const char *text = texts[i] ? texts[i] : "-";

		if (red && i == table->red_from)
			ss_text_line_colour(line, SS_COLOUR_RED);
		if (i < last && widths[i])
			ss_text_line_format(line, "%*s", (int)(widths[i] - columns_of(text)), "");
		if (i == last || widths[i])
			ss_text_line_add(line, text, 0);
		if (i < last && widths[i])
			ss_text_line_add(line, "  ", 0);
	}
	ss_text_line_print(line, table->style->colour, table->style->file);
}

int ss_stats_table_print(struct ss_stats_table *table)
{
	unsigned widths[SS_STATS_COLUMNS_MAX] = { 0 }, i;
	const char *titles[SS_STATS_COLUMNS_MAX];
	uint32_t k;

	for (i = 0; i < table->column_count && !table->failed; i++) {
		titles[i] = table->columns[i].title;
		widths[i] = column_width(table, i);
	}
	if (!table->failed && table->count) {
		fit(table, widths);
		table->line.width = table->style->width;
		print_line(table, widths, titles, false);
		for (k = 0; k < table->count; k++)
			print_line(table, widths, table->rows[k]->text, table->rows[k]->red);
	}
	free(table->rows);
	ss_bump_deinit(&table->memory);
	return table->failed ? -ENOMEM : 0;
}
