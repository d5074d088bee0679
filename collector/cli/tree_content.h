/* SPDX-License-Identifier: Apache-2.0
 *
 * What spans say, read again from where they stand: name, attributes, events. The last ones are
 * kept, one per depth of the tree, so that a span's ancestors are at hand. One thread.
 */
#ifndef SS_TREE_CONTENT_H
#define SS_TREE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/cli/tree_source.h"
#include "collector/dump.h"

#define SS_TREE_CONTENT_KEPT 64u

struct ss_tree;

struct ss_tree_content {
	uint32_t position;
	bool filled;
	struct cJSON *json;
	struct ss_dump_attr *attrs;
	uint32_t attr_count;
	struct ss_dump_span span; /* name NULL: the text is gone, or another one stands there now */
};

struct ss_tree_contents {
	const struct ss_tree *tree;
	const struct ss_tree_sources *sources;
	struct ss_tree_content kept[SS_TREE_CONTENT_KEPT];
	char *text;
	size_t capacity;
	uint64_t unread; /* spans whose text could not be read again */
};

/* Of the span at that position and depth. Never NULL; holds until one of the same depth, or 64 off,
 * is asked for. */
const struct ss_tree_content *ss_tree_content_get(struct ss_tree_contents *contents,
						  uint32_t position, unsigned depth);

/* Forgets all: what positions mean is about to change. */
void ss_tree_contents_reset(struct ss_tree_contents *contents);
void ss_tree_contents_deinit(struct ss_tree_contents *contents);

/* The first attribute of that key. False if there is none. */
bool ss_tree_content_attr(const struct ss_tree_content *content, const char *key,
			  struct ss_dump_attr *ret_attr);

/* Same, as text: NULL if there is none. Numbers and lists are written into `buffer`. */
const char *ss_tree_content_text(const struct ss_tree_content *content, const char *key,
				 char *buffer, size_t bytes);
const char *ss_tree_value_text(const struct ss_dump_attr *attr, char *buffer, size_t bytes);

#endif
