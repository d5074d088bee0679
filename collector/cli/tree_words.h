/* SPDX-License-Identifier: Apache-2.0
 *
 * The few attributes that matter, as words on a span's line: what Mellea and the built-in bindings
 * write is in a table of what to say of it; of others the key is said as well. What an ancestor has
 * said already is left out, and so is what most readers never want to know. Must not: print.
 */
#ifndef SS_TREE_WORDS_H
#define SS_TREE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

struct ss_dump_attr;
struct ss_text_line;
struct ss_tree_content;
struct ss_tree_contents;

/* Appends them, each with a separator before it. `content` is the span's at that depth; its
 * ancestors are asked for. */
void ss_tree_words_add(struct ss_text_line *line, struct ss_tree_contents *contents,
		       const struct ss_tree_content *content, unsigned depth);

/* "key=value", the value in quotes if it is a text with blanks and cut after so many columns.
 * brief: the last part of the key is enough when its beginning is that of a known vocabulary. */
void ss_tree_words_pair(struct ss_text_line *line, const struct ss_dump_attr *attr,
			unsigned columns, bool brief);

#endif
