/* SPDX-License-Identifier: Apache-2.0
 *
 * --follow on a terminal: the last trace is drawn anew with each span that comes, in its place, as
 * long as it is shorter than the screen; so what stays is the tree that it became. Elsewhere, and
 * once it is longer, spans are appended. One thread.
 */
#ifndef SS_TREE_SCREEN_H
#define SS_TREE_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

struct ss_tree;
struct ss_tree_printer;

struct ss_tree_screen {
	struct ss_tree *tree;
	struct ss_tree_printer *printer;
	uint32_t kept; /* spans of the last trace, first in tree->fresh: to be drawn again */
	unsigned rows, columns;
};

void ss_tree_screen_init(struct ss_tree_screen *screen, struct ss_tree *tree,
			 struct ss_tree_printer *printer);

/* Before a view is linked: makes its place. */
void ss_tree_screen_begin(struct ss_tree_screen *screen);

/* After it was printed, instead of ss_tree_seen. */
void ss_tree_screen_end(struct ss_tree_screen *screen);

/* What is on the screen stays: something else was written below it, or its spans are forgotten. */
void ss_tree_screen_let_go(struct ss_tree_screen *screen);

#endif
