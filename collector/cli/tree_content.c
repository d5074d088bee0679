/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_content.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/tree_model.h"

static int list_attrs(struct ss_tree_content *content)
{
	const struct cJSON *list = content->span.attributes, *cursor = NULL;
	int count = cJSON_GetArraySize(list);

	/* One more: the end is found by reading one. */
	content->attrs = malloc(((size_t)count + 1) * sizeof(*content->attrs));
	if (!content->attrs)
		return -ENOMEM;
	while (ss_dump_read_attr(list, &cursor, &content->attrs[content->attr_count]))
		content->attr_count++;
	return 0;
}

static int load(struct ss_tree_contents *contents, const struct ss_tree_span *span,
		struct ss_tree_content *content)
{
	size_t bytes = ss_tree_text_bytes(span);
	int r;

	if (contents->capacity < bytes) {
		char *wider = realloc(contents->text, bytes);

		if (!wider)
			return -ENOMEM;
		contents->text = wider;
		contents->capacity = bytes;
	}
	r = ss_tree_source_read(contents->sources->list[span->source], ss_tree_text_offset(span),
				contents->text, bytes);
	if (r)
		return r;
	content->json = cJSON_ParseWithLength(contents->text, bytes);
	if (!content->json)
		return -EBADMSG;
	r = ss_dump_read_span(content->json, &content->span);
	if (!r && content->span.span_id != span->span_id)
		r = -ENODATA;
	return r ? r : list_attrs(content);
}

static void empty(struct ss_tree_content *content)
{
	cJSON_Delete(content->json);
	free(content->attrs);
	*content = (struct ss_tree_content){ 0 };
}

const struct ss_tree_content *ss_tree_content_get(struct ss_tree_contents *contents,
						  uint32_t position, unsigned depth)
{
	struct ss_tree_content *content = &contents->kept[depth % SS_TREE_CONTENT_KEPT];
	const struct ss_tree_span *span = &contents->tree->spans[position];

	if (content->filled && content->position == position)
		return content;
	empty(content);
	content->filled = true;
	content->position = position;
	if (!(span->flags & SS_TREE_MISSING) && load(contents, span, content)) {
		contents->unread++;
		content->attr_count = 0;
		content->span = (struct ss_dump_span){ .name = NULL };
	}
	return content;
}

void ss_tree_contents_reset(struct ss_tree_contents *contents)
{
	unsigned i;

	for (i = 0; i < SS_TREE_CONTENT_KEPT; i++)
		empty(&contents->kept[i]);
}

void ss_tree_contents_deinit(struct ss_tree_contents *contents)
{
	ss_tree_contents_reset(contents);
	free(contents->text);
	contents->text = NULL;
}

bool ss_tree_content_attr(const struct ss_tree_content *content, const char *key,
			  struct ss_dump_attr *ret_attr)
{
	uint32_t i;

	for (i = 0; i < content->attr_count; i++) {
		if (!strcmp(content->attrs[i].key, key)) {
			*ret_attr = content->attrs[i];
			return true;
		}
	}
	return false;
}

/* What can be said of a value that is no array. */
static const char *simple_text(const struct ss_dump_attr *attr, char *buffer, size_t bytes)
{
	switch (attr->type) {
	case SS_DUMP_STRING:
		return attr->text;
	case SS_DUMP_INT:
		snprintf(buffer, bytes, "%" PRId64, attr->integer);
		break;
	case SS_DUMP_BOOL:
		return attr->integer ? "true" : "false";
	case SS_DUMP_DOUBLE:
		snprintf(buffer, bytes, "%.6g", attr->number);
		break;
	case SS_DUMP_OTHER:
		return "(nested)";
	}
	return buffer;
}

const char *ss_tree_value_text(const struct ss_dump_attr *attr, char *buffer, size_t bytes)
{
	const struct cJSON *item;
	size_t used = 1;

	if (!attr->values)
		return simple_text(attr, buffer, bytes);
	snprintf(buffer, bytes, "[");
	for (item = attr->values->child; item && used < bytes - 1; item = item->next) {
		struct ss_dump_attr element;
		char number[64];

		ss_dump_read_value(item, &element);
		used += (size_t)snprintf(buffer + used, bytes - used, "%s%s",
					 item == attr->values->child ? "" : ", ",
					 simple_text(&element, number, sizeof(number)));
	}
	if (used < bytes - 1)
		strcpy(buffer + used, "]");
	else
		strcpy(buffer + bytes - 4, "...");
	return buffer;
}

const char *ss_tree_content_text(const struct ss_tree_content *content, const char *key,
				 char *buffer, size_t bytes)
{
	struct ss_dump_attr attr;

	if (!ss_tree_content_attr(content, key, &attr))
		return NULL;
	return ss_tree_value_text(&attr, buffer, bytes);
}
