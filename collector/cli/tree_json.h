/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the trees of a view as JSON, one object a line for each trace, spans nested in their
 * parents' "children". Attributes are plain objects, times are OTLP's. Keys are only ever added.
 */
#ifndef SS_TREE_JSON_H
#define SS_TREE_JSON_H

#include <stdio.h>

struct ss_tree;
struct ss_tree_contents;

/* Prints the view. Write errors stay in file. Returns 0. */
int ss_tree_json_print(const struct ss_tree *tree, struct ss_tree_contents *contents, FILE *file);

#endif
