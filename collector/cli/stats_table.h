/* SPDX-License-Identifier: Apache-2.0
 *
 * A table on a terminal: columns of numbers, right-aligned, and a name at the end. A column without
 * any value is left out, and where the lines are short, so are the least important ones. One
 * thread.
 */
#ifndef SS_STATS_TABLE_H
#define SS_STATS_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "collector/cli/bump.h"
#include "collector/cli/text_line.h"

#define SS_STATS_COLUMNS_MAX 14u

struct ss_stats_style {
	FILE *file;
	bool colour, utf8;
	unsigned width; /* columns of a line; 0: no limit */
};

struct ss_stats_column {
	const char *title;
	uint8_t spare; /* 0: always shown; else the higher, the sooner it is left out */
};

struct ss_stats_table {
	const struct ss_stats_style *style;
	const struct ss_stats_column *columns; /* the last one is the name's */
	unsigned column_count;
	unsigned red_from;   /* column: a row in red is so from there on */
	unsigned name_width; /* columns that a longer name should have at least */
	struct ss_bump memory;
	struct ss_stats_cells **rows;
	uint32_t count, capacity;
	unsigned next; /* column of the row being made */
	bool failed;   /* no memory */
	struct ss_text_line line;
};

void ss_stats_table_init(struct ss_stats_table *table, const struct ss_stats_style *style,
			 const struct ss_stats_column *columns, unsigned column_count);

/* A row: begin, a cell for each column but the last, end with the name. */
void ss_stats_table_begin(struct ss_stats_table *table);
void ss_stats_table_cell(struct ss_stats_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void ss_stats_table_duration(struct ss_stats_table *table, const char *before, uint64_t ns);
void ss_stats_table_none(struct ss_stats_table *table); /* no value */
void ss_stats_table_end(struct ss_stats_table *table, const char *name, bool red);

/* Prints all and frees the rows. Returns 0, or -ENOMEM with nothing printed. */
int ss_stats_table_print(struct ss_stats_table *table);

#endif
