/* SPDX-License-Identifier: Apache-2.0
 *
 * What is worth knowing of a call of a language model, in brief: the model, tokens in and out, the
 * time to the first chunk, tokens a second, why it ended. By the GenAI semantic conventions, so
 * that it does for anyone's spans. Must not: print.
 */
#ifndef SS_TREE_GENERATION_H
#define SS_TREE_GENERATION_H

#include <stdbool.h>

struct ss_text_line;
struct ss_tree_content;

bool ss_tree_is_generation(const struct ss_tree_content *content);

/* Appends it, each part with a separator before it. */
void ss_tree_generation_add(struct ss_text_line *line, const struct ss_tree_content *content);

/* Whether ss_tree_generation_add tells that attribute. */
bool ss_tree_generation_tells(const struct ss_tree_content *content, const char *key);

#endif
