/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_line.h"

#include <errno.h>

#include "collector/cli/tree_valid.h"

static const char *const resources[SS_EXPORT_SIGNALS] = { "resourceSpans", "resourceMetrics" };

/* Each element of a list, or each value of an object, goes to count. */
static uint64_t sum(const char *container, uint64_t (*count)(const char *value))
{
	const char *at = container + 1, *value;
	struct ss_tree_slice key;
	uint64_t total = 0;

	if (*container != '[' && *container != '{')
		return 0;
	for (; ss_walk_next(&at, *container == '{' ? &key : NULL, &value);
	     at = ss_walk_value(value))
		total += count(value);
	return total;
}

/* Same for the lists that stand under that key. */
static uint64_t sum_under(const char *object, const char *wanted,
			  uint64_t (*count)(const char *value))
{
	const char *at = object + 1, *value;
	struct ss_tree_slice key;
	uint64_t total = 0;

	for (; *object == '{' && ss_walk_next(&at, &key, &value); at = ss_walk_value(value))
		if (ss_walk_is(key, wanted) && *value == '[')
			total += sum(value, count);
	return total;
}

static uint64_t one(const char *value)
{
	return 1;
}

static uint64_t count_spans(const char *scope)
{
	return sum_under(scope, "spans", one);
}

static uint64_t count_traces(const char *resource)
{
	return sum_under(resource, "scopeSpans", count_spans);
}

static uint64_t count_points(const char *data)
{
	return sum_under(data, "dataPoints", one);
}

/* Of whatever kind a metric is, its points are in an object under the kind's name. */
static uint64_t count_metric(const char *metric)
{
	return *metric == '{' ? sum(metric, count_points) : 0;
}

static uint64_t count_scope_metrics(const char *scope)
{
	return sum_under(scope, "metrics", count_metric);
}

static uint64_t count_metrics(const char *resource)
{
	return sum_under(resource, "scopeMetrics", count_scope_metrics);
}

static int take(const char *list, enum ss_export_signal signal, struct ss_export_line *line)
{
	struct ss_tree_slice whole = ss_walk_slice(list);

	if (line->elements.text || *list != '[')
		return -ENOMSG;
	line->signal = signal;
	line->elements = (struct ss_tree_slice){ whole.text + 1, whole.bytes - 2 };
	if (!sum(list, one))
		line->elements.bytes = 0;
	line->items = sum(list, signal == SS_EXPORT_TRACES ? count_traces : count_metrics);
	return 0;
}

int ss_export_line_read(struct ss_tree_slice text, struct ss_export_line *ret_line,
			size_t *ret_byte)
{
	struct ss_export_line line = { .elements = { NULL, 0 } };
	const char *object, *at, *value;
	struct ss_tree_slice key;
	unsigned signal;

	if (!ss_tree_valid(text.text, text.bytes, ret_byte))
		return -EBADMSG;
	object = ss_walk_blanks(text.text);
	for (at = object + 1; *object == '{' && ss_walk_next(&at, &key, &value);
	     at = ss_walk_value(value))
		for (signal = 0; signal < SS_EXPORT_SIGNALS; signal++)
			if (ss_walk_is(key, resources[signal]) && take(value, signal, &line))
				return -ENOMSG;
	if (!line.elements.text)
		return -ENOMSG;
	*ret_line = line;
	return 0;
}
