/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "collector/cli/tree_model.h"
#include "collector/cli/tree_print.h"

/* Size of a screen on which lines can be drawn again: none wraps. */
static bool measure(const struct ss_tree_style *style, unsigned *ret_rows, unsigned *ret_columns)
{
	const char *term = getenv("TERM");
	struct winsize size;

	if (!term || !*term || !strcmp(term, "dumb") || !isatty(fileno(style->file)) ||
	    ioctl(fileno(style->file), TIOCGWINSZ, &size))
		return false;
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
	return style->width && style->width <= size.ws_col;
}

void ss_tree_screen_init(struct ss_tree_screen *screen, struct ss_tree *tree,
			 struct ss_tree_printer *printer)
{
	*screen = (struct ss_tree_screen){ .tree = tree, .printer = printer };
	if (!measure(printer->style, &screen->rows, &screen->columns))
		screen->rows = 0;
}

void ss_tree_screen_let_go(struct ss_tree_screen *screen)
{
	struct ss_tree *tree = screen->tree;
	uint32_t i;

	if (!screen->kept)
		return;
	for (i = 0; i < screen->kept; i++)
		tree->spans[tree->fresh[i]].flags &= ~SS_TREE_NEW;
	tree->fresh_count -= screen->kept;
	memmove(tree->fresh, tree->fresh + screen->kept, tree->fresh_count * sizeof(*tree->fresh));
	screen->kept = 0;
}

void ss_tree_screen_begin(struct ss_tree_screen *screen)
{
	struct ss_tree_printer *printer = screen->printer;
	struct ss_tree *tree = screen->tree;
	unsigned rows, columns;
	uint32_t i;

	if (!screen->kept)
		return;
	if (!measure(printer->style, &rows, &columns) || rows != screen->rows ||
	    columns != screen->columns) {
		ss_tree_screen_let_go(screen);
		screen->rows = 0; /* where lines are now is anybody's guess */
		return;
	}
	/* Up to the header, and what is from there on goes. */
	fprintf(printer->style->file, "\033[%uF\033[J", printer->lines);
	for (i = 0; i < tree->order_count; i++)
		if (tree->spans[tree->order[i]].trace == printer->last_trace)
			tree->spans[tree->order[i]].flags &= ~SS_TREE_TOLD;
	printer->last = printer->last_trace = SS_TREE_NONE;
	printer->any = printer->any_before;
}

void ss_tree_screen_end(struct ss_tree_screen *screen)
{
	const struct ss_tree_printer *printer = screen->printer;
	struct ss_tree *tree = screen->tree;
	bool keep = printer->headed && printer->lines < screen->rows;
	uint32_t i, kept = 0;

	for (i = 0; i < tree->fresh_count; i++) {
		struct ss_tree_span *span = &tree->spans[tree->fresh[i]];

		if (keep && span->trace == printer->last_trace)
			tree->fresh[kept++] = tree->fresh[i];
		else
			span->flags &= ~SS_TREE_NEW;
	}
	tree->fresh_count = screen->kept = kept;
}
