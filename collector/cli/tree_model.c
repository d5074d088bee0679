/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/dump.h"

#define LOSS_PREFIX      "spanshim.dropped."
#define VALUE_BYTES      400u
#define LONG_VALUE_BYTES 65536u
#define LIST_BYTES       4096u

struct ss_tree_process {
	const char *label;
	struct ss_tree_process *next;
};

struct adding {
	struct ss_tree *tree;
	const char *process;
	int error;
};

/* --- texts --- */

static const char *keep(struct ss_tree *tree, const char *text)
{
	size_t max = tree->options.long_values ? LONG_VALUE_BYTES : VALUE_BYTES;
	size_t bytes = strnlen(text, max);
	char *copy;

	if (!bytes)
		return "";
	if (!text[bytes])
		return ss_bump_text(&tree->memory, text, bytes);
	while (bytes && ((unsigned char)text[bytes] & 0xc0) == 0x80)
		bytes--;
	copy = ss_bump_text(&tree->memory, text, bytes + 3);
	if (copy)
		memcpy(copy + bytes, "...", 3);
	return copy;
}

/* What can be said of a value that is no array; the text is in it, or in `text`. */
static const char *value_text(const struct ss_dump_attr *attr, char *text, size_t bytes)
{
	switch (attr->type) {
	case SS_DUMP_STRING:
		return attr->text;
	case SS_DUMP_INT:
		snprintf(text, bytes, "%" PRId64, attr->integer);
		break;
	case SS_DUMP_BOOL:
		snprintf(text, bytes, "%s", attr->integer ? "true" : "false");
		break;
	case SS_DUMP_DOUBLE:
		snprintf(text, bytes, "%.6g", attr->number);
		break;
	case SS_DUMP_OTHER:
		snprintf(text, bytes, "(list)");
		break;
	}
	return text;
}

static const char *keep_list(struct ss_tree *tree, const struct cJSON *values)
{
	char text[LIST_BYTES] = "[", number[64];
	const struct cJSON *item;
	size_t used = 1;

	for (item = values->child; item && used < sizeof(text) - 1; item = item->next) {
		struct ss_dump_attr element;

		ss_dump_read_value(item, &element);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
					 item == values->child ? "" : ", ",
					 value_text(&element, number, sizeof(number)));
	}
	if (used < sizeof(text) - 1)
		strcpy(text + used, "]");
	return keep(tree, text);
}

static const char *keep_value(struct ss_tree *tree, const struct ss_dump_attr *attr)
{
	char text[64];

	if (attr->values)
		return keep_list(tree, attr->values);
	return keep(tree, value_text(attr, text, sizeof(text)));
}

static uint32_t list_length(const struct cJSON *list)
{
	const struct cJSON *cursor = NULL;
	struct ss_dump_attr attr;
	uint32_t count = 0;

	while (ss_dump_read_attr(list, &cursor, &attr))
		count++;
	return count;
}

static int keep_attrs(struct ss_tree *tree, const struct cJSON *list,
		      struct ss_tree_attr **ret_attrs, uint32_t *ret_count)
{
	uint32_t count = list_length(list), i;
	struct ss_tree_attr *attrs = ss_bump_alloc(&tree->memory, count * sizeof(*attrs));
	const struct cJSON *cursor = NULL;
	struct ss_dump_attr attr;

	if (!attrs)
		return -ENOMEM;
	for (i = 0; i < count && ss_dump_read_attr(list, &cursor, &attr); i++) {
		attrs[i].key = keep(tree, attr.key);
		attrs[i].value = keep_value(tree, &attr);
		attrs[i].text = attr.type == SS_DUMP_STRING;
		if (!attrs[i].key || !attrs[i].value)
			return -ENOMEM;
	}
	*ret_attrs = attrs;
	*ret_count = count;
	return 0;
}

/* --- events --- */

static struct ss_tree_event *same_event(struct ss_tree_span *span, const char *name)
{
	uint32_t i;

	for (i = 0; i < span->event_count; i++)
		if (!strcmp(span->events[i].name, name))
			return &span->events[i];
	return NULL;
}

/* Room for one more event: doubled when event_count is a power of two, what it was is left unused.
 */
static struct ss_tree_event *new_event(struct ss_tree *tree, struct ss_tree_span *span)
{
	uint32_t count = span->event_count;
	struct ss_tree_event *wider;

	if (!(count & (count - 1))) {
		wider = ss_bump_alloc(&tree->memory, (count ? 2 * count : 1) * sizeof(*wider));
		if (!wider)
			return NULL;
		if (count)
			memcpy(wider, span->events, count * sizeof(*wider));
		span->events = wider;
	}
	span->event_count++;
	return &span->events[count];
}

static int keep_event(struct ss_tree *tree, struct ss_tree_span *span,
		      const struct ss_dump_event *event)
{
	struct ss_tree_event *kept = NULL;

	if (!tree->options.single_events)
		kept = same_event(span, event->name);
	if (kept) {
		kept->count++;
		return 0;
	}
	kept = new_event(tree, span);
	if (!kept)
		return -ENOMEM;
	kept->count = 1;
	kept->time_ns = event->time_ns;
	kept->name = keep(tree, event->name);
	if (!kept->name)
		return -ENOMEM;
	if (!tree->options.single_events)
		return 0;
	return keep_attrs(tree, event->attributes, &kept->attrs, &kept->attr_count);
}

static int keep_events(struct ss_tree *tree, struct ss_tree_span *span, const struct cJSON *list)
{
	const struct cJSON *cursor = NULL;
	struct ss_dump_event event;
	int r = 0;

	while (!r && ss_dump_read_event(list, &cursor, &event))
		r = keep_event(tree, span, &event);
	return r;
}

/* --- resources: which process, and what was lost --- */

static const char *keep_process(struct ss_tree *tree, const char *label)
{
	struct ss_tree_process *process;

	for (process = tree->processes; process; process = process->next)
		if (!strcmp(process->label, label))
			return process->label;
	process = ss_bump_alloc(&tree->memory, sizeof(*process));
	if (!process)
		return NULL;
	process->label = keep(tree, label);
	process->next = tree->processes;
	tree->processes = process;
	return process->label;
}

static int add_loss(struct ss_tree *tree, const char *what, uint64_t count)
{
	struct ss_tree_loss **link = &tree->losses;

	while (*link && strcmp((*link)->what, what) != 0)
		link = &(*link)->next;
	if (!*link) {
		*link = ss_bump_alloc(&tree->memory, sizeof(**link));
		if (!*link)
			return -ENOMEM;
		(*link)->what = keep(tree, what);
		if (!(*link)->what)
			return -ENOMEM;
	}
	(*link)->count += count;
	return 0;
}

static void on_resource(void *data, const struct cJSON *attributes)
{
	struct adding *adding = data;
	const struct cJSON *cursor = NULL;
	struct ss_dump_attr attr;
	char service[128] = "", program[128] = "", label[192] = "";
	int64_t pid = 0;

	while (ss_dump_read_attr(attributes, &cursor, &attr)) {
		if (attr.type == SS_DUMP_STRING && !strcmp(attr.key, "service.name"))
			snprintf(service, sizeof(service), "%s", attr.text);
		if (attr.type == SS_DUMP_STRING && !strcmp(attr.key, "process.executable.name"))
			snprintf(program, sizeof(program), "%s", attr.text);
		if (attr.type == SS_DUMP_INT && !strcmp(attr.key, "process.pid"))
			pid = attr.integer;
		if (attr.type == SS_DUMP_INT && attr.integer > 0 &&
		    !strncmp(attr.key, LOSS_PREFIX, strlen(LOSS_PREFIX)) &&
		    add_loss(adding->tree, attr.key + strlen(LOSS_PREFIX), attr.integer))
			adding->error = -ENOMEM;
	}
	snprintf(label, sizeof(label), "%s", *program ? program : service);
	if (pid)
		snprintf(label + strlen(label), sizeof(label) - strlen(label), "[%" PRId64 "]",
			 pid);
	adding->process = keep_process(adding->tree, label);
	if (!adding->process)
		adding->error = -ENOMEM;
}

/* --- spans --- */

static bool wanted(const struct ss_tree_options *options, const struct ss_dump_span *span)
{
	if ((options->trace_hi | options->trace_lo) &&
	    (options->trace_hi != span->trace_hi || options->trace_lo != span->trace_lo))
		return false;
	return span->start_ns >= options->since_ns;
}

/* What the attributes say beyond themselves. */
static void read_meaning(struct ss_tree_span *span)
{
	uint32_t i;

	span->error_type = "";
	for (i = 0; i < span->attr_count; i++) {
		if (!strcmp(span->attrs[i].key, "error.type"))
			span->error_type = span->attrs[i].value;
		if (!strcmp(span->attrs[i].key, "spanshim.unfinished"))
			span->unfinished = !strcmp(span->attrs[i].value, "true");
	}
}

static int make_span(struct adding *adding, const struct ss_dump_span *from,
		     struct ss_tree_span **ret_span)
{
	struct ss_tree *tree = adding->tree;
	struct ss_tree_span *span = ss_bump_alloc(&tree->memory, sizeof(*span));

	if (!span)
		return -ENOMEM;
	span->trace_hi = from->trace_hi;
	span->trace_lo = from->trace_lo;
	span->span_id = from->span_id;
	span->parent_id = from->parent_id;
	span->start_ns = from->start_ns;
	span->end_ns = from->end_ns > from->start_ns ? from->end_ns : from->start_ns;
	span->error = from->error;
	span->parent_remote = from->parent_remote;
	span->dropped_events = from->dropped_events;
	span->process = adding->process;
	span->name = keep(tree, from->name);
	span->message = keep(tree, from->message);
	if (!span->name || !span->message ||
	    keep_attrs(tree, from->attributes, &span->attrs, &span->attr_count) ||
	    keep_events(tree, span, from->events))
		return -ENOMEM;
	read_meaning(span);
	*ret_span = span;
	return 0;
}

static int on_span(void *data, const struct ss_dump_span *from)
{
	struct adding *adding = data;
	struct ss_tree *tree = adding->tree;
	uint32_t found;
	int r;

	if (adding->error || !wanted(&tree->options, from))
		return adding->error;
	if (tree->span_count == tree->span_capacity) {
		uint32_t capacity = tree->span_capacity ? 2 * tree->span_capacity : 1024;
		void *wider = realloc(tree->spans, capacity * sizeof(struct ss_tree_span *));

		if (!wider)
			return -ENOMEM;
		tree->spans = wider;
		tree->span_capacity = capacity;
	}
	r = ss_span_index_add(&tree->by_id,
			      ss_span_index_key(from->trace_hi, from->trace_lo, from->span_id),
			      tree->span_count, &found);
	if (r == -EEXIST)
		tree->duplicates++;
	if (r)
		return r == -EEXIST ? 0 : r;
	r = make_span(adding, from, &tree->spans[tree->span_count]);
	tree->span_count += r == 0;
	return r;
}

int ss_tree_add(struct ss_tree *tree, const struct cJSON *json)
{
	struct adding adding = { .tree = tree, .process = "" };
	const struct ss_dump_visitor visitor = { on_resource, on_span, &adding };
	int r = ss_dump_walk(json, &visitor);

	return adding.error ? adding.error : r;
}

void ss_tree_deinit(struct ss_tree *tree)
{
	free(tree->spans);
	free(tree->traces);
	ss_span_index_deinit(&tree->by_id);
	ss_span_index_deinit(&tree->by_trace);
	ss_bump_deinit(&tree->memory);
	*tree = (struct ss_tree){ .options = tree->options };
}
