/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints linked trees: a header per trace, a line per span with its duration first, then what was
 * lost. Recurses nowhere, so that a chain of a hundred thousand spans is no trouble.
 */
#ifndef SS_TREE_PRINT_H
#define SS_TREE_PRINT_H

#include <stdbool.h>
#include <stdio.h>

struct ss_tree;

struct ss_tree_style {
	FILE *file;
	bool colour;             /* red: errors, yellow: unfinished */
	bool utf8;               /* box lines, else ASCII */
	bool events, attributes; /* below each span */
	unsigned width;          /* columns; 0: lines are not cut */
};

/* The tree must be linked. Write errors stay in style->file. */
void ss_tree_print(const struct ss_tree *tree, const struct ss_tree_style *style);

#endif
