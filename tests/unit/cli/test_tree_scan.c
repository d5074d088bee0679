/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <cjson/cJSON.h>

#include "collector/dump.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN                                                                           \
	"{\"traceId\":\"" TRACE "\",\"spanId\":\"00000000000000a1\",\"parentSpanId\":" \
	"\"00000000000000b2\",\"flags\":769,\"name\":\"a \\\"b\\\"\",\"kind\":1,"      \
	"\"startTimeUnixNano\":\"17\",\"endTimeUnixNano\":\"19\",\"attributes\":["     \
	"{\"key\":\"x\",\"value\":{\"stringValue\":\"}]\"}},{\"key\":"                 \
	"\"spanshim.unfinished\",\"value\":{\"boolValue\":true}}],\"status\":{\"code\":2}}"
#define SCOPE     "\"scope\":{\"name\":\"s\"}"
#define RESOURCE  "\"resource\":{\"attributes\":[]}"
#define LINE(...) "{\"resourceSpans\":[" __VA_ARGS__ "]}"

struct found {
	struct ss_tree_scanned spans[8];
	unsigned span_count, group_count;
	struct ss_tree_slice resource, scope; /* last ones */
	int result;
};

static int on_group(void *data, struct ss_tree_slice resource, struct ss_tree_slice scope)
{
	struct found *found = data;

	found->group_count++;
	found->resource = resource;
	found->scope = scope;
	return 0;
}

static int on_span(void *data, const struct ss_tree_scanned *span)
{
	struct found *found = data;

	if (found->span_count < 8)
		found->spans[found->span_count++] = *span;
	return found->result;
}

static int scan(const char *text, struct found *ret_found)
{
	const struct ss_tree_scanner scanner = { on_group, on_span, ret_found };
	size_t byte;

	return ss_tree_scan((struct ss_tree_slice){ text, strlen(text) }, &scanner, &byte);
}

static bool slice_is(struct ss_tree_slice slice, const char *text)
{
	return slice.bytes == strlen(text) && !strncmp(slice.text, text, slice.bytes);
}

Test(tree_scan, one_span)
{
	struct found found = { 0 };

	cr_assert_eq(scan(LINE("{" RESOURCE ",\"scopeSpans\":[{" SCOPE ",\"spans\":[" SPAN "]}]}"),
			  &found),
		     0);
	cr_assert_eq(found.span_count, 1);
	cr_assert_eq(found.group_count, 1);
	cr_assert_eq(found.spans[0].trace_hi, 0x0af7651916cd43ddu);
	cr_assert_eq(found.spans[0].trace_lo, 0x8448eb211c80319cu);
	cr_assert_eq(found.spans[0].span_id, 0xa1);
	cr_assert_eq(found.spans[0].parent_id, 0xb2);
	cr_assert_eq(found.spans[0].start_ns, 17);
	cr_assert_eq(found.spans[0].end_ns, 19);
	cr_assert(found.spans[0].error && found.spans[0].unfinished);
	cr_assert(found.spans[0].parent_remote);
	cr_assert(slice_is(found.spans[0].name, "\"a \\\"b\\\"\""));
	cr_assert(slice_is(found.spans[0].text, SPAN));
	cr_assert(slice_is(found.resource, "{\"attributes\":[]}"));
	cr_assert(slice_is(found.scope, "{\"name\":\"s\"}"));
}

/* Members come in any order, with any blanks between them. */
Test(tree_scan, any_order)
{
	struct found found = { 0 };

	cr_assert_eq(scan("{ \"x\" : [ { } ] , \"resourceSpans\" : [ { \"scopeSpans\" : [ { "
			  "\"spans\" : [ " SPAN " , " SPAN " ] , " SCOPE " } , { } ] , " RESOURCE
			  " } ] } ",
			  &found),
		     0);
	cr_assert_eq(found.span_count, 2);
	cr_assert_eq(found.group_count, 2);
	cr_assert(slice_is(found.resource, "{\"attributes\":[]}"));
	cr_assert_null(found.scope.text);
	cr_assert(slice_is(found.spans[1].text, SPAN));
}

Test(tree_scan, without_spans)
{
	static const char *const lines[] = { LINE("{" RESOURCE "}"),
					     LINE("{" RESOURCE ",\"scopeSpans\":[]}"),
					     LINE("{\"scopeSpans\":[{}]," RESOURCE "}") };
	unsigned i;

	for (i = 0; i < 3; i++) {
		struct found found = { 0 };

		cr_assert_eq(scan(lines[i], &found), 0);
		cr_assert_eq(found.group_count, 1, "losses may be told there");
		cr_assert(slice_is(found.resource, "{\"attributes\":[]}"), "%s", lines[i]);
	}
}

Test(tree_scan, other_data)
{
	struct found found = { 0 };

	cr_assert_eq(scan("{\"resourceMetrics\":[]}", &found), -EXDEV);
	cr_assert_eq(scan("{\"resourceLogs\":[]}", &found), -ENOMSG);
	cr_assert_eq(scan("{\"resourceSpans\":{}}", &found), -ENOMSG);
	cr_assert_eq(scan("5", &found), -ENOMSG);
	cr_assert_eq(scan("[]", &found), -ENOMSG);
	cr_assert_eq(scan("{", &found), -EBADMSG);
	cr_assert_eq(scan(LINE("5,[],{\"scopeSpans\":7,\"resource\":[]},{\"resource\":1,"
			       "\"scopeSpans\":[[],3,{\"scope\":0,\"spans\":{}}]}"),
			  &found),
		     0);
	cr_assert_eq(scan(LINE("{\"scopeSpans\":[{\"spans\":[5,{},[],\"x\"]}]}"), &found), 4);
	cr_assert_eq(found.span_count, 0);
}

Test(tree_scan, callback_ends_it)
{
	struct found found = { .result = -ENOMEM };

	cr_assert_eq(scan(LINE("{" RESOURCE ",\"scopeSpans\":[{" SCOPE ",\"spans\":[" SPAN "," SPAN
			       "]}]}"),
			  &found),
		     -ENOMEM);
	cr_assert_eq(found.span_count, 1);
}

/* --- against the reader that prints --- */

static void on_resource(void *data, const struct cJSON *attributes)
{
}

static int on_dumped(void *data, const struct ss_dump_span *span)
{
	struct found *found = data;
	const struct ss_tree_scanned *other = &found->spans[0];

	cr_assert_eq(found->span_count, 1);
	cr_assert_eq(span->trace_hi, other->trace_hi);
	cr_assert_eq(span->trace_lo, other->trace_lo);
	cr_assert_eq(span->span_id, other->span_id);
	cr_assert_eq(span->parent_id, other->parent_id);
	cr_assert_eq(span->start_ns, other->start_ns);
	cr_assert_eq(span->end_ns, other->end_ns);
	cr_assert_eq(span->error, other->error);
	cr_assert_eq(span->parent_remote, other->parent_remote);
	found->result++;
	return 0;
}

/* Damages a line in many ways: what this scanner takes for a span, dump.h takes for the same. */
Test(tree_scan, same_as_dump)
{
	static const char base[] =
		LINE("{" RESOURCE ",\"scopeSpans\":[{" SCOPE ",\"spans\":[" SPAN "]}]}");
	static const char letters[] = "{}[]\",:0123456789abcdefxn";
	const struct ss_dump_visitor visitor = { on_resource, on_dumped, NULL };
	unsigned i, agreed = 0;

	srand(7);
	for (i = 0; i < 100000; i++) {
		struct ss_dump_visitor checking = visitor;
		struct found found = { 0 };
		char text[sizeof(base)];
		cJSON *json;

		memcpy(text, base, sizeof(base));
		text[(unsigned)rand() % (sizeof(base) - 1)] =
			letters[(unsigned)rand() % (sizeof(letters) - 1)];
		if (scan(text, &found) < 0 || !found.span_count)
			continue;
		json = cJSON_Parse(text);
		cr_assert_not_null(json, "%s", text);
		checking.data = &found;
		ss_dump_walk(json, &checking);
		cJSON_Delete(json);
		cr_assert_eq(found.result, 1, "%s", text);
		agreed++;
	}
	cr_assert_gt(agreed, 10000);
}
