/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the trees of a view: a header per trace, a line per span with its duration first, then
 * what was lost. One printer may print many views, as --follow does: then what stands above a new
 * span is repeated only where the reader cannot see it right above.
 */
#ifndef SS_TREE_PRINT_H
#define SS_TREE_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "collector/cli/text_line.h"

struct ss_tree;
struct ss_tree_contents;
struct ss_tree_trace;

/* Writes the view in another format. Returns 0 or -errno; write errors stay in file. */
typedef int (*ss_tree_writer)(const struct ss_tree *tree, struct ss_tree_contents *contents,
			      FILE *file);

struct ss_tree_style {
	FILE *file;
	bool colour; /* red: errors, yellow: unfinished, pending; dim: what matters less */
	bool utf8;   /* box lines, else ASCII */
	bool events, attributes; /* below each span */
	ss_tree_writer write;    /* instead of all that; else NULL */
	bool follow;             /* more is to come: parents that are missing are pending */
	unsigned width;          /* columns; 0: lines are not cut */
};

struct ss_tree_printer {
	const struct ss_tree_style *style;
	struct ss_tree *tree;
	struct ss_tree_contents *contents;
	const struct ss_tree_trace *trace; /* that is being printed */
	uint32_t last, last_trace;         /* on the screen; SS_TREE_NONE */
	unsigned lines;                    /* since the last header, with it and the gap before */
	bool headed;                       /* the last header is of this view */
	bool any, any_before;              /* anything was printed; before the last header */
	struct ss_text_line line;
};

void ss_tree_printer_init(struct ss_tree_printer *printer, const struct ss_tree_style *style,
			  struct ss_tree *tree, struct ss_tree_contents *contents);

/* Prints the view. Write errors stay in style->file. */
void ss_tree_print(struct ss_tree_printer *printer);

/* What was lost, what stands twice, what was left out: after the last view. */
void ss_tree_print_end(struct ss_tree_printer *printer);

/* --- for tree_detail.c --- */

/* Start of a line that belongs to the span above it. */
void ss_tree_print_below(struct ss_tree_printer *printer, uint32_t span, unsigned depth);
void ss_tree_print_line(struct ss_tree_printer *printer);

/* All attributes of a span, one a line, and all its events, as the style wants them. */
void ss_tree_print_details(struct ss_tree_printer *printer, uint32_t span, unsigned depth);

#endif
