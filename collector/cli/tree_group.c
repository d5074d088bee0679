/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_group.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/tree_model.h"
#include "collector/dump.h"

#define LOSS_PREFIX "spanshim.dropped."
#define GROUPS_MAX  65536u /* further ones look as the first: no dump has them but a made-up one */

static int add_loss(struct ss_tree *tree, const char *what, uint64_t count)
{
	struct ss_tree_loss **link = &tree->losses;

	while (*link && strcmp((*link)->what, what) != 0)
		link = &(*link)->next;
	if (!*link) {
		*link = ss_bump_alloc(&tree->memory, sizeof(**link));
		if (!*link)
			return -ENOMEM;
		(*link)->what = ss_bump_text(&tree->memory, what, strlen(what));
		if (!(*link)->what)
			return -ENOMEM;
	}
	(*link)->count += count;
	return 0;
}

/* The words for a process, and its losses. */
static int read_resource(struct ss_tree *tree, const cJSON *resource, char *label, size_t bytes,
			 bool *ret_losses)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(resource, "attributes"),
		    *cursor = NULL;
	char service[128] = "", program[128] = "";
	struct ss_dump_attr attr;
	int64_t pid = 0;
	int r = 0;

	while (!r && ss_dump_read_attr(list, &cursor, &attr)) {
		if (attr.type == SS_DUMP_STRING && !strcmp(attr.key, "service.name"))
			snprintf(service, sizeof(service), "%s", attr.text);
		if (attr.type == SS_DUMP_STRING && !strcmp(attr.key, "process.executable.name"))
			snprintf(program, sizeof(program), "%s", attr.text);
		if (attr.type == SS_DUMP_INT && !strcmp(attr.key, "process.pid"))
			pid = attr.integer;
		if (attr.type == SS_DUMP_INT && attr.integer > 0 &&
		    !strncmp(attr.key, LOSS_PREFIX, strlen(LOSS_PREFIX))) {
			*ret_losses = true;
			r = add_loss(tree, attr.key + strlen(LOSS_PREFIX), (uint64_t)attr.integer);
		}
	}
	if (pid)
		snprintf(label, bytes, "%s[%" PRId64 "]", *program ? program : service, pid);
	else
		snprintf(label, bytes, "%s", *program ? program : service);
	return r;
}

static const char *keep(struct ss_tree *tree, struct ss_tree_slice slice)
{
	return slice.bytes ? ss_bump_text(&tree->memory, slice.text, slice.bytes) : "";
}

static int read_group(struct ss_tree *tree, struct ss_tree_slice resource,
		      struct ss_tree_slice scope, struct ss_tree_group *ret_group)
{
	struct ss_tree_group group = { .resource = keep(tree, resource),
				       .scope = keep(tree, scope) };
	cJSON *json = cJSON_ParseWithLength(resource.text ? resource.text : "{}",
					    resource.text ? resource.bytes : 2);
	char label[192] = "";
	int r = read_resource(tree, json, label, sizeof(label), &group.losses);

	cJSON_Delete(json);
	group.label = ss_bump_text(&tree->memory, label, strlen(label));
	if (r || !group.label || !group.resource || !group.scope)
		return -ENOMEM;
	group.process = tree->by_process.count;
	r = ss_span_index_add(&tree->by_process, ss_dump_hash_text(SS_DUMP_HASH, label),
			      group.process, &group.process);
	*ret_group = group;
	return r == -EEXIST ? 0 : r;
}

static int again(struct ss_tree *tree, uint32_t at)
{
	const char *text = tree->groups[at].resource;
	bool losses = false;
	char label[192];
	cJSON *json;
	int r;

	if (!tree->groups[at].losses)
		return 0;
	json = cJSON_Parse(text);
	r = read_resource(tree, json, label, sizeof(label), &losses);
	cJSON_Delete(json);
	return r;
}

int ss_tree_group_add(struct ss_tree *tree, struct ss_tree_slice resource,
		      struct ss_tree_slice scope, uint32_t *ret_group)
{
	uint64_t key = ss_dump_hash(SS_DUMP_HASH, resource.text, resource.bytes);
	uint32_t at;
	int r;

	key = ss_dump_hash(key, scope.text, scope.bytes);
	at = ss_span_index_find(&tree->by_group, key);
	if (at == SS_SPAN_INDEX_NONE && tree->group_count == GROUPS_MAX)
		at = 0;
	if (at != SS_SPAN_INDEX_NONE) {
		*ret_group = at;
		return again(tree, at);
	}
	if (tree->group_count == tree->group_capacity) {
		uint32_t capacity = tree->group_capacity ? 2 * tree->group_capacity : 16;
		void *wider = realloc(tree->groups, capacity * sizeof(*tree->groups));

		if (!wider)
			return -ENOMEM;
		tree->groups = wider;
		tree->group_capacity = capacity;
	}
	r = read_group(tree, resource, scope, &tree->groups[tree->group_count]);
	if (!r)
		r = ss_span_index_add(&tree->by_group, key, tree->group_count, &at);
	if (r)
		return r;
	*ret_group = tree->group_count++;
	return 0;
}
