/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of a span on its line, right of the columns of tree_print.c. Must not: end the line.
 */
#ifndef SS_TREE_LINE_H
#define SS_TREE_LINE_H

struct ss_tree_content;
struct ss_tree_printer;
struct ss_tree_span;

#define SS_TREE_DURATION_COLUMNS 9

/* All that matters, in brief. */
void ss_tree_line_span(struct ss_tree_printer *printer, const struct ss_tree_span *span,
		       const struct ss_tree_content *content, unsigned depth);

/* The same without the name: how it ended and all that follows, each part with a separator before
 * it. */
void ss_tree_line_words(struct ss_tree_printer *printer, const struct ss_tree_span *span,
			const struct ss_tree_content *content, unsigned depth);

/* Of one that is there for what is below it. */
void ss_tree_line_context(struct ss_tree_printer *printer, const struct ss_tree_span *span,
			  const struct ss_tree_content *content);

/* Of one that is known from its children only: the whole line. */
void ss_tree_line_missing(struct ss_tree_printer *printer, const struct ss_tree_span *span);

#endif
