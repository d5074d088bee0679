/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_scan.h"

#include <errno.h>
#include <string.h>

#include "collector/cli/json_walk.h"
#include "collector/cli/tree_valid.h"

#define FLAG_HAS_REMOTE 0x100u
#define FLAG_IS_REMOTE  0x200u

struct scan {
	const struct ss_tree_scanner *scanner;
	int unread, result;
};

/* Same rules as ss_dump_parse_id. An empty one is 0 if may_be_empty. */
static bool read_id(const char *value, unsigned digits, bool may_be_empty, uint64_t ret_id[2])
{
	uint64_t id[2] = { 0, 0 };
	unsigned i;

	if (*value++ != '"')
		return false;
	if (may_be_empty && *value == '"')
		return true;
	for (i = 0; i < digits; i++) {
		char c = value[i];
		unsigned digit = c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10;

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		id[0] = id[0] << 4 | id[1] >> 60;
		id[1] = id[1] << 4 | digit;
	}
	ret_id[0] = id[0];
	ret_id[1] = id[1];
	return value[i] == '"' && (id[0] | id[1]);
}

/* Same rules as ss_dump_parse_uint. */
static bool read_time(const char *value, uint64_t *ret_ns)
{
	uint64_t ns = 0;

	if (*value++ != '"' || *value == '"' || (*value == '0' && value[1] != '"'))
		return false;
	for (; *value != '"'; value++)
		if (*value < '0' || *value > '9' || __builtin_mul_overflow(ns, 10, &ns) ||
		    __builtin_add_overflow(ns, (uint64_t)(*value - '0'), &ns))
			return false;
	*ret_ns = ns;
	return true;
}

static uint32_t read_small(const char *value)
{
	uint32_t number = 0;

	for (; *value >= '0' && *value <= '9' && number < UINT32_MAX / 10; value++)
		number = number * 10 + (uint32_t)(*value - '0');
	return number;
}

static bool read_error(const char *status)
{
	struct ss_tree_slice key;
	const char *at = status + 1, *value;

	for (; *status == '{' && ss_walk_next(&at, &key, &value); at = ss_walk_value(value))
		if (ss_walk_is(key, "code"))
			return read_small(value) == 2;
	return false;
}

/* The attribute "spanshim.unfinished" is there, and true. */
static bool read_unfinished(const char *attributes)
{
	const char *at = attributes + 1, *attr, *inner, *value, *any;
	struct ss_tree_slice key;

	for (; *attributes == '[' && ss_walk_next(&at, NULL, &attr); at = ss_walk_value(attr)) {
		bool named = false, yes = false;

		inner = attr + 1;
		for (; *attr == '{' && ss_walk_next(&inner, &key, &value);
		     inner = ss_walk_value(value)) {
			if (ss_walk_is(key, "key"))
				named = ss_walk_is(ss_walk_slice(value), "\"spanshim.unfinished\"");
			any = value + 1;
			if (ss_walk_is(key, "value") && *value == '{' &&
			    ss_walk_next(&any, &key, &any))
				yes = ss_walk_is(key, "boolValue") && *any == 't';
		}
		if (named)
			return yes;
	}
	return false;
}

static bool read_span(const char *object, const char **ret_end, struct ss_tree_scanned *span)
{
	const char *at = object + 1, *value, *attributes = NULL;
	uint64_t trace[2] = { 0, 0 }, id[2] = { 0, 0 }, parent[2] = { 0, 0 };
	struct ss_tree_slice key;
	uint32_t flags = 0;
	enum { TRACE = 1, ID = 2, START = 4, END = 8, NAME = 16, ALL = 31 };
	unsigned have = 0;
	bool sound = true;

	memset(span, 0, sizeof(*span));
	for (; *object == '{' && ss_walk_next(&at, &key, &value); at = ss_walk_value(value)) {
		if (ss_walk_is(key, "traceId") && read_id(value, 32, false, trace))
			have |= TRACE;
		else if (ss_walk_is(key, "spanId") && read_id(value, 16, false, id))
			have |= ID;
		else if (ss_walk_is(key, "startTimeUnixNano") && read_time(value, &span->start_ns))
			have |= START;
		else if (ss_walk_is(key, "endTimeUnixNano") && read_time(value, &span->end_ns))
			have |= END;
		else if (ss_walk_is(key, "name") && *value == '"') {
			span->name = ss_walk_slice(value);
			have |= NAME;
		} else if (ss_walk_is(key, "parentSpanId"))
			sound = read_id(value, 16, true, parent);
		else if (ss_walk_is(key, "flags"))
			flags = read_small(value);
		else if (ss_walk_is(key, "status"))
			span->error = read_error(value);
		else if (ss_walk_is(key, "attributes"))
			attributes = value;
	}
	*ret_end = *object == '{' ? at = ss_walk_blanks(at) + 1 : ss_walk_value(object);
	if (have != ALL || !sound)
		return false;
	span->trace_hi = trace[0];
	span->trace_lo = trace[1];
	span->span_id = id[1];
	span->parent_id = parent[1];
	span->parent_remote = (flags & FLAG_HAS_REMOTE) && (flags & FLAG_IS_REMOTE);
	/* Whatever is unfinished is an error too. */
	span->unfinished = span->error && attributes && read_unfinished(attributes);
	span->text = (struct ss_tree_slice){ object, (size_t)(at - object) };
	return true;
}

/* Each of these takes an array, passes it, and stops working once there is a negative result. */

static const char *scan_spans(struct scan *scan, const char *list)
{
	struct ss_tree_scanned span;
	const char *at = list + 1, *value;

	if (*list != '[')
		return ss_walk_value(list);
	while (ss_walk_next(&at, NULL, &value)) {
		if (!read_span(value, &at, &span))
			scan->unread++;
		else if (scan->result >= 0)
			scan->result = scan->scanner->span(scan->scanner->data, &span);
	}
	return ss_walk_blanks(at) + 1;
}

static void begin_group(struct scan *scan, struct ss_tree_slice resource,
			struct ss_tree_slice scope)
{
	if (scan->result >= 0)
		scan->result = scan->scanner->group(scan->scanner->data, resource, scope);
}

/* What stands before the scope has to wait for it. */
static const char *scan_scope(struct scan *scan, const char *object, struct ss_tree_slice resource)
{
	struct ss_tree_slice key, scope = { NULL, 0 };
	const char *at = object + 1, *value, *waiting = NULL;
	bool begun = false;

	if (*object != '{')
		return ss_walk_value(object);
	while (ss_walk_next(&at, &key, &value)) {
		at = NULL;
		if (ss_walk_is(key, "scope")) {
			scope = ss_walk_slice(value);
			at = value + scope.bytes;
		} else if (ss_walk_is(key, "spans") && !scope.text) {
			waiting = value;
		} else if (ss_walk_is(key, "spans")) {
			begin_group(scan, resource, scope);
			begun = true;
			at = scan_spans(scan, value);
		}
		if (!at)
			at = ss_walk_value(value);
	}
	if (!begun)
		begin_group(scan, resource, scope);
	if (waiting)
		scan_spans(scan, waiting);
	return ss_walk_blanks(at) + 1;
}

static const char *scan_scopes(struct scan *scan, const char *list, struct ss_tree_slice resource)
{
	const char *at = list + 1, *value;

	if (*list != '[')
		return ss_walk_value(list);
	/* Losses may be told where there are no spans. */
	if (*ss_walk_blanks(at) == ']')
		begin_group(scan, resource, (struct ss_tree_slice){ NULL, 0 });
	while (ss_walk_next(&at, NULL, &value))
		at = scan_scope(scan, value, resource);
	return ss_walk_blanks(at) + 1;
}

/* And what stands before the resource, for that. */
static const char *scan_resource(struct scan *scan, const char *object)
{
	struct ss_tree_slice key, resource = { NULL, 0 };
	const char *at = object + 1, *value, *waiting = NULL;
	bool begun = false;

	if (*object != '{')
		return ss_walk_value(object);
	while (ss_walk_next(&at, &key, &value)) {
		at = NULL;
		if (ss_walk_is(key, "resource")) {
			resource = ss_walk_slice(value);
			at = value + resource.bytes;
		} else if (ss_walk_is(key, "scopeSpans") && !resource.text) {
			waiting = value;
		} else if (ss_walk_is(key, "scopeSpans")) {
			begun = true;
			at = scan_scopes(scan, value, resource);
		}
		if (!at)
			at = ss_walk_value(value);
	}
	if (waiting)
		scan_scopes(scan, waiting, resource);
	else if (!begun)
		begin_group(scan, resource, (struct ss_tree_slice){ NULL, 0 });
	return ss_walk_blanks(at) + 1;
}

int ss_tree_scan(struct ss_tree_slice line, const struct ss_tree_scanner *scanner, size_t *ret_byte)
{
	struct scan scan = { .scanner = scanner };
	bool metrics = false, found = false;
	const char *at, *value, *item;
	struct ss_tree_slice key;

	if (!ss_tree_valid(line.text, line.bytes, ret_byte))
		return -EBADMSG;
	line.text = ss_walk_blanks(line.text);
	at = line.text + 1;
	while (*line.text == '{' && ss_walk_next(&at, &key, &value)) {
		metrics |= ss_walk_is(key, "resourceMetrics");
		if (!ss_walk_is(key, "resourceSpans") || *value != '[') {
			at = ss_walk_value(value);
			continue;
		}
		found = true;
		for (at = value + 1; ss_walk_next(&at, NULL, &item);)
			at = scan_resource(&scan, item);
		at = ss_walk_blanks(at) + 1;
	}
	if (!found)
		return metrics ? -EXDEV : -ENOMSG;
	return scan.result < 0 ? scan.result : scan.unread;
}
