/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_line.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "collector/cli/export_batch.h"

static int read_text(const char *text, struct ss_export_line *ret_line)
{
	size_t byte;

	return ss_export_line_read((struct ss_tree_slice){ text, strlen(text) }, ret_line, &byte);
}

static void assert_line(const char *text, enum ss_export_signal signal, const char *elements,
			uint64_t items)
{
	struct ss_export_line line;

	cr_assert_eq(read_text(text, &line), 0, "%s", text);
	cr_assert_eq(line.signal, signal);
	cr_assert_eq(line.elements.bytes, strlen(elements), "%.*s", (int)line.elements.bytes,
		     line.elements.text);
	cr_assert(!memcmp(line.elements.text, elements, strlen(elements)));
	cr_assert_eq(line.items, items, "%s: %lu", text, (unsigned long)line.items);
}

Test(export_line, traces)
{
	assert_line(" {\"x\":[{}], \"resourceSpans\" : [ {\"a\":\"]\\\"\"} ] }", SS_EXPORT_TRACES,
		    " {\"a\":\"]\\\"\"} ", 0);
	assert_line("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{},{}]},{\"spans\":[{}]}]},"
		    "{\"scopeSpans\":[{\"spans\":[7]}],\"spans\":[1,2]}]}",
		    SS_EXPORT_TRACES,
		    "{\"scopeSpans\":[{\"spans\":[{},{}]},{\"spans\":[{}]}]},"
		    "{\"scopeSpans\":[{\"spans\":[7]}],\"spans\":[1,2]}",
		    4);
	assert_line("{\"resourceSpans\":[1,\"scopeSpans\",[{\"scopeSpans\":1}]]}", SS_EXPORT_TRACES,
		    "1,\"scopeSpans\",[{\"scopeSpans\":1}]", 0);
	assert_line("{\"resourceSpans\":[ ]}", SS_EXPORT_TRACES, "", 0);
}

Test(export_line, metrics)
{
	assert_line(
		"{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"dataPoints\","
		"\"sum\":{\"dataPoints\":[{},{}]}},{\"gauge\":{\"dataPoints\":[{}]}},7]}]}]}",
		SS_EXPORT_METRICS,
		"{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"dataPoints\","
		"\"sum\":{\"dataPoints\":[{},{}]}},{\"gauge\":{\"dataPoints\":[{}]}},7]}]}",
		3);
}

Test(export_line, neither)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"7",
		"null",
		"\"resourceSpans\"",
		"{\"resourceSpans\":{}}",
		"{\"resourceSpans\":null}",
		"{\"resourceLogs\":[]}",
		"{\"resourceSpans\":[],\"resourceSpans\":[]}",
		"{\"resourceSpans\":[],\"resourceMetrics\":[]}",
	};
	struct ss_export_line line;
	size_t byte = 0;
	unsigned i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(read_text(texts[i], &line), -ENOMSG, "%s", texts[i]);
	cr_assert_eq(read_text("", &line), -EBADMSG);
	cr_assert_eq(ss_export_line_read((struct ss_tree_slice){ "{\"a\":]}", 7 }, &line, &byte),
		     -EBADMSG);
	cr_assert_eq(byte, 5);
}

static void add(struct ss_export_batch *batch, const char *text, uint64_t number)
{
	struct ss_export_line line;

	cr_assert_eq(read_text(text, &line), 0);
	cr_assert_eq(ss_export_batch_add(batch, &line, number, number * 100), 0);
}

static void assert_body(struct ss_export_batch *batch, uint32_t first, uint32_t end,
			const char *expected)
{
	const char *body;
	size_t bytes;

	cr_assert_eq(ss_export_batch_body(batch, first, end, &body, &bytes), 0);
	cr_assert_eq(bytes, strlen(expected));
	cr_assert(!memcmp(body, expected, bytes), "%.*s", (int)bytes, body);
}

Test(export_batch, any_run_of_lines_is_a_request)
{
	struct ss_export_batch batch = { .limit_bytes = 1000 };

	add(&batch, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[1,2]}]}]}", 1);
	add(&batch, "{\"resourceSpans\":[{},{}]}", 4);
	add(&batch, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[3]}]}]}", 5);
	assert_body(&batch, 0, 3,
		    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[1,2]}]},{},{},"
		    "{\"scopeSpans\":[{\"spans\":[3]}]}]}");
	assert_body(&batch, 1, 2, "{\"resourceSpans\":[{},{}]}");
	assert_body(&batch, 1, 3, "{\"resourceSpans\":[{},{},{\"scopeSpans\":[{\"spans\":[3]}]}]}");
	cr_assert_eq(ss_export_batch_items(&batch, 0, 3), 3);
	cr_assert_eq(ss_export_batch_items(&batch, 1, 2), 0);
	cr_assert_eq(batch.pieces[1].after, 400);
	ss_export_batch_empty(&batch);
	add(&batch, "{\"resourceMetrics\":[7]}", 9);
	assert_body(&batch, 0, 1, "{\"resourceMetrics\":[7]}");
	ss_export_batch_deinit(&batch);
}

/* To the byte, and only one signal. */
Test(export_batch, limit)
{
	struct ss_export_batch batch = { .limit_bytes = strlen("{\"resourceSpans\":[123,4567]}") };
	struct ss_export_line line;

	cr_assert_eq(read_text("{\"resourceSpans\":[1234567890123456789]}", &line), 0);
	cr_assert(ss_export_batch_fits(&batch, &line), "whatever its length, by itself");
	add(&batch, "{\"resourceSpans\":[123]}", 1);
	cr_assert_eq(read_text("{\"resourceSpans\":[4567]}", &line), 0);
	cr_assert(ss_export_batch_fits(&batch, &line));
	cr_assert_eq(read_text("{\"resourceSpans\":[45678]}", &line), 0);
	cr_assert(!ss_export_batch_fits(&batch, &line));
	cr_assert_eq(read_text("{\"resourceMetrics\":[4]}", &line), 0);
	cr_assert(!ss_export_batch_fits(&batch, &line));
	ss_export_batch_deinit(&batch);
}
