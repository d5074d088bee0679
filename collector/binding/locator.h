/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a cJSON node stands in the text it came from: its line and its key path. cJSON keeps no
 * positions, so the n-th value of the tree is matched with the n-th value of the text.
 * Only for texts that cJSON has accepted. Any thread; allocates nothing.
 */
#ifndef SS_LOCATOR_H
#define SS_LOCATOR_H

#include <stddef.h>
#include <cjson/cJSON.h>

/* Line (from 1) of the text's byte `offset`. */
unsigned int ss_locator_line_at(const char *text, size_t offset);

/* Line of `node`: of its key if it is a member of an object, else of its first character.
 * Returns 0 when `node` is not in the tree of `root`. */
unsigned int ss_locator_line(const char *text, size_t bytes, const cJSON *root, const cJSON *node);

/* Writes the path of `node` below `root`, like "entries[3].error.if" ("" for the root itself), cut
 * to fit. Returns 0, or -ENOENT when `node` is not in the tree. */
int ss_locator_path(const cJSON *root, const cJSON *node, char *ret_path, size_t bytes);

#endif
