/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics as lines: the exact text, what goes to a further line, whose series are left out, and the
 * native ones as a drain makes them of spans.
 */
#include "collector/otlp_metrics.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "collector/drain.h"
#include "fixture.h"
#include "totals.h"

static struct fixture fixture;
static struct ss_drain drain;
static struct ss_image_view view;
static char path[128];

static void begin(void)
{
	const char *reason = "";

	fixture_make(&fixture, 2, 65536);
	snprintf(path, sizeof(path), "%s/metrics.jsonl", fixture.directory);
	fixture_metrics(&fixture, path);
	cr_assert_eq(ss_image_attach(fixture.image, &view, &reason), 0, "%s", reason);
	cr_assert_eq(ss_drain_init(&drain, &view), 0);
}

static void end(void)
{
	ss_drain_deinit(&drain);
	fixture_remove(&fixture);
}

static void add(enum ss_instrument_id instrument, const char *text, double value)
{
	struct ss_label label = ss_label_text("name", text);

	ss_metrics_add(drain.metrics, instrument, &label, 1, value);
}

static char *lines;
static uint32_t line_count;
static size_t longest;

static void keep(void *context, const char *line, size_t bytes)
{
	size_t before = lines ? strlen(lines) : 0;

	lines = realloc(lines, before + bytes + 1);
	memcpy(lines + before, line, bytes);
	lines[before + bytes] = '\0';
	line_count++;
	longest = bytes > longest ? bytes : longest;
}

static int write_lines(const struct ss_losses *losses)
{
	struct ss_otlp_metrics what = { .view = &view,
					.metrics = drain.metrics,
					.time_ns = 2000000000,
					.losses = losses,
					.json = &drain.metrics_json,
					.line = keep };

	free(lines);
	lines = calloc(1, 1);
	line_count = 0;
	return ss_otlp_metrics_write(&what);
}

/* Without the resource, which is the spans' own. */
static const char *scopes(void)
{
	const char *at = strstr(lines, "\"scopeMetrics\"");

	cr_assert_not_null(at, "%s", lines);
	return at;
}

#define TIMES "\"startTimeUnixNano\":\"1000000000\",\"timeUnixNano\":\"2000000000\""
#define NAME(text) \
	"{\"attributes\":[{\"key\":\"name\",\"value\":{\"stringValue\":\"" text "\"}}]," TIMES

Test(metrics_line, exact)
{
	struct ss_label labels[] = { { .key = "yes", .type = SS_LABEL_BOOL, .flag = 1 },
				     { .key = "no", .type = SS_LABEL_BOOL } };

	begin();
	cr_expect_eq(write_lines(NULL), 0);
	cr_expect_eq(line_count, 0);
	strcpy(fixture.image->framework_version, "0.8.0");
	add(SS_INSTRUMENT_TTFB_0_7, "a\"", 0.05);
	add(SS_INSTRUMENT_TTFB_0_7, "a\"", 20);
	add(SS_INSTRUMENT_LLM_COST, "b", 0.1);
	add(SS_INSTRUMENT_LLM_COST, "c", 1);
	ss_metrics_add(drain.metrics, SS_INSTRUMENT_ENTRY_ERRORS, labels, 2, 3);
	cr_expect_eq(write_lines(NULL), 0);
	cr_expect_eq(line_count, 1);
	cr_expect_str_eq(
		scopes(),
		"\"scopeMetrics\":["
		"{\"scope\":{\"name\":\"mellea.metrics\",\"version\":\"0.8.0\"},\"metrics\":["
		"{\"name\":\"mellea.llm.cost.usd\",\"description\":\"Estimated LLM request cost in "
		"USD\",\"unit\":\"USD\",\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,"
		"\"dataPoints\":[" NAME("b") ",\"asDouble\":0.1}," NAME(
			"c") ",\"asDouble\":1}]}},"
			     "{\"name\":\"mellea.llm.ttfb\",\"description\":\"Time to first token for streaming "
			     "LLM requests\",\"unit\":\"s\",\"histogram\":{\"aggregationTemporality\":2,"
			     "\"dataPoints\":[" NAME(
				     "a\\\"") ",\"count\":\"2\",\"sum\":20.05,\"min\":0.05,"
					      "\"max\":20,\"bucketCounts\":[\"1\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"1\""
					      "],\"explicitBounds\":[0.05,0.1,0.25,0.5,1,2,5,10]}]}}]},"
					      "{\"scope\":{\"name\":\"spanshim.native\",\"version\":\"" SS_VERSION
					      "\"},\"metrics\":[{\"name\":\"spanshim.entry.errors\",\"description\":\"Number of a "
					      "declared entry point's spans that failed\",\"unit\":\"{error}\",\"sum\":{"
					      "\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[{\"attributes\":["
					      "{\"key\":\"yes\",\"value\":{\"boolValue\":true}},"
					      "{\"key\":\"no\",\"value\":{\"boolValue\":false}}]," TIMES
					      ",\"asInt\":\"3\"}]}}]}]}]}\n");
	end();
}

Test(metrics_line, resource_is_that_of_the_spans)
{
	char resource[4096], *text;
	size_t bytes;

	begin();
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	fixture_close(&fixture, 0, FIX_CALL, 1, SS_STATUS_OK, 0, NULL);
	ss_drain_batch(&drain);
	cr_expect_eq(write_lines(NULL), 0);
	bytes = (size_t)(scopes() - lines - strlen("{\"resourceMetrics\":["));
	cr_assert_lt(bytes, sizeof(resource));
	memcpy(resource, lines + strlen("{\"resourceMetrics\":["), bytes);
	resource[bytes] = '\0';
	text = fixture_output(fixture.out_path);
	cr_expect_eq(fixture_count(text, resource), 1, "%s", resource);
	free(text);
	end();
}

Test(metrics_line, the_framework_may_record_its_own)
{
	begin();
	add(SS_INSTRUMENT_TOOL_CALLS, "a", 1);
	fixture.image->own_metrics = 1;
	cr_expect_eq(write_lines(NULL), 0);
	cr_expect_eq(line_count, 0);
	add(SS_INSTRUMENT_ENTRY_ERRORS, "b", 1);
	cr_expect_eq(write_lines(NULL), 0);
	cr_expect_eq(fixture_count(lines, "mellea"), 0);
	cr_expect_eq(fixture_count(lines, "spanshim.entry.errors"), 1);
	end();
}

Test(metrics_line, without_a_version)
{
	begin();
	add(SS_INSTRUMENT_TOOL_CALLS, "a", 1);
	write_lines(NULL);
	cr_expect_eq(fixture_count(lines, "{\"name\":\"mellea.metrics\"}"), 1);
	/* A damaged file's, without an end. */
	memset(fixture.image->framework_version, 'v', sizeof(fixture.image->framework_version));
	write_lines(NULL);
	cr_expect_eq(fixture_count(lines, "\"version\":\"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\"}"), 1);
	end();
}

/* Texts that become six times as long: several lines, each series whole and in one of them. */
Test(metrics_line, whole_series_in_lines_of_bounded_length)
{
	static const enum ss_instrument_id ids[] = { SS_INSTRUMENT_TOOL_CALLS,
						     SS_INSTRUMENT_REQUEST_DURATION,
						     SS_INSTRUMENT_ENTRY_DURATION };
	char text[SS_LABEL_TEXT_MAX + 1], *rest, *line;
	uint32_t i, points = 0;

	begin();
	memset(text, '\x01', sizeof(text));
	text[SS_LABEL_TEXT_MAX] = '\0';
	for (i = 0; i < 300; i++) {
		snprintf(text, 8, "n%05u", i);
		text[6] = '.';
		add(ids[i % 3], text, i);
	}
	cr_expect_eq(write_lines(NULL), 0);
	cr_expect_geq(line_count, 4);
	cr_expect_leq(longest, SS_LINE_MAX);
	cr_expect_gt(longest, SS_LINE_MAX - 10000);
	for (i = 0; i < 300; i++) {
		snprintf(text, 8, "n%05u", i);
		cr_expect_eq(fixture_count(lines, text), 1, "%s", text);
	}
	for (rest = lines; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
		cJSON *json = cJSON_Parse(line);

		cr_assert_not_null(json);
		points += fixture_count(line, "timeUnixNano");
		cJSON_Delete(json);
	}
	cr_expect_eq(points, 300);
	end();
}

Test(metrics_line, losses_are_told_by_the_last_line)
{
	char *text;

	begin();
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	fixture_close(&fixture, 0, FIX_CALL, 1, SS_STATUS_OK, 0, NULL);
	fixture.image->dropped[SS_DROP_RING_FULL][SS_EVENT_OPEN] = 4;
	ss_drain_batch(&drain);
	ss_drain_export(&drain);
	ss_drain_export(&drain); /* nothing new */
	ss_metrics_record(drain.metrics, SS_NO_SERIES, 1);
	ss_drain_finish(&drain);
	text = fixture_output(path);
	cr_expect_eq(fixture_count(text, "\n"), 2);
	cr_expect_eq(fixture_count(text, "spanshim.dropped."), 2);
	cr_expect_eq(fixture_count(text, "{\"key\":\"spanshim.dropped.ring_full.open\",\"value\":{"
					 "\"intValue\":\"4\"}}"),
		     1);
	cr_expect_eq(fixture_count(text, "{\"key\":\"spanshim.dropped.assembly.measurement\","
					 "\"value\":{\"intValue\":\"1\"}}"),
		     1);
	free(text);
	end();
}

Test(metrics_line, no_file_without_metrics)
{
	begin();
	fixture.image->dropped[SS_DROP_RING_FULL][SS_EVENT_OPEN] = 4;
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL); /* never closed: no duration, no error */
	ss_drain_batch(&drain);
	ss_drain_finish(&drain);
	cr_expect_neq(access(path, F_OK), 0);
	end();
}

/* Entries, roles and errors as the spans have them; an unfinished one has no duration. */
Test(metrics_line, native)
{
	static const char *const texts[] = {
		"\"stringValue\":\"talk.client.Talk.ask\"}},{\"key\":\"spanshim.binding\",\"value\""
		":{\"stringValue\":\"talk\"}},{\"key\":\"spanshim.role\"",
		"\"stringValue\":\"db_step\"}},{\"key\":\"spanshim.binding\",\"value\":{"
		"\"stringValue\":\"db\"}},{\"key\":\"spanshim.role\",\"value\":{\"stringValue\":"
		"\"stream\"}}],",
		"\"key\":\"error.type\",\"value\":{\"stringValue\":\"BUSY\"}}],",
		"\"key\":\"error.type\",\"value\":{\"stringValue\":\"longjmp\"}}],",
	};
	struct ss_event failing = { .kind = SS_EVENT_POINT,
				    .flags = SS_EVENT_STATUS_ONLY,
				    .status = SS_STATUS_ERROR,
				    .hook = SS_HOOK_STREAMING_EVENT,
				    .span_id = 6,
				    .entry = FIX_STEP };
	struct totals spans, metrics;
	char *text;
	uint32_t i;

	begin();
	for (i = 1; i <= 5; i++)
		fixture_open(&fixture, i % 2, FIX_ACTION, i, 0, NULL);
	fixture_open(&fixture, 0, FIX_ACTION, 6, 0, NULL);
	fixture_open(&fixture, 0, FIX_STEP, 7, 6, NULL); /* a stream */
	fixture_open(&fixture, 0, FIX_PYTHON, 8, 6, NULL);
	fixture_open(&fixture, 0, FIX_CALL, 9, 0, NULL);
	ss_drain_batch(&drain);
	failing.time = fixture.now++;
	failing.close.result = 5;
	fixture_put(&fixture, 0, &failing, NULL);
	fixture_close(&fixture, 0, FIX_CLOSE, 1, SS_STATUS_OK, 0, NULL);
	fixture_close(&fixture, 1, FIX_CLOSE, 2, SS_STATUS_ERROR, 5, NULL);
	fixture_close(&fixture, 1, FIX_CLOSE, 3, SS_STATUS_ERROR, 77, NULL);
	fixture_close(&fixture, 1, FIX_CLOSE, 4, SS_STATUS_LONGJMP, 0, NULL);
	fixture_close(&fixture, 0, FIX_STEP, 7, SS_STATUS_OK, 0, NULL);
	fixture_close(&fixture, 0, FIX_PYTHON, 8, SS_STATUS_OK, 0, NULL);
	/* 5 and 9 are never closed; nor is 6, but one of its steps has failed. */
	ss_drain_finish(&drain);
	text = fixture_output(path);
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		cr_expect_eq(fixture_count(text, texts[i]), 1, "%s in %s", texts[i], text);
	free(text);
	totals_of_spans(&spans, fixture.out_path);
	totals_of_metrics(&metrics, path);
	totals_expect_same(&spans, &metrics, "native");
	cr_expect_eq(metrics.count, 6); /* db_prepare, its 3 errors, db_step, talk */
	cr_expect_str_eq(metrics.list[1].key, "db_prepare 77");
	cr_expect_str_eq(metrics.list[2].key, "db_prepare BUSY");
	cr_expect_eq(metrics.list[2].count, 2);
	end();
}

/* Samplers say what is written, not what is counted. */
Test(metrics_line, native_of_spans_that_are_not_sampled)
{
	struct totals metrics;
	uint32_t i;

	begin();
	fixture.image->sampling.sampler = SS_SAMPLER_ALWAYS_OFF;
	for (i = 1; i <= 50; i++) {
		fixture_open(&fixture, 0, FIX_CALL, i, 0, NULL);
		fixture_close(&fixture, 0, FIX_CALL, i, SS_STATUS_OK, 0, NULL);
	}
	ss_drain_finish(&drain);
	totals_of_metrics(&metrics, path);
	cr_assert_eq(metrics.count, 1);
	cr_expect_eq(metrics.list[0].count, 50);
	cr_expect_neq(access(fixture.out_path, F_OK), 0);
	end();
}

/* An adapter's events tell the version of what it adapts; its spans are none of the entries'. */
Test(metrics_line, an_adapters_spans)
{
	struct payload payload = { 0 };
	struct ss_event event = { .kind = SS_EVENT_POINT,
				  .flags = SS_EVENT_OBSERVED,
				  .hook = SS_HOOK_TOOL_PRE_INVOKE,
				  .entry = (uint32_t)SS_DIALECT_MELLEA_0_8 };

	begin();
	fixture_put(&fixture, 0, &event, NULL);
	payload_text(&payload, SS_FIELD_SCOPE_VERSION, "0.8.0.dev1+a.very.long.local.version", 36,
		     0);
	fixture_open(&fixture, 0, (uint32_t)SS_DIALECT_MELLEA_0_8, 1, 0, &payload);
	fixture_close(&fixture, 0, (uint32_t)SS_DIALECT_MELLEA_0_8, 1, SS_STATUS_OK, 0, NULL);
	ss_drain_finish(&drain);
	cr_expect_eq(fixture.image->dialect, (uint32_t)SS_DIALECT_MELLEA_0_8);
	cr_expect_str_eq(fixture.image->framework_version, "0.8.0.dev1+a.very.long.local.ve");
	cr_expect_neq(access(path, F_OK), 0);
	end();
}

Test(metrics_line, a_full_disk_is_tried_again)
{
	struct totals metrics;
	struct ss_sink sink;

	begin();
	sink = drain.metrics_sink;
	drain.metrics_sink.path = "/dev/full";
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	fixture_close(&fixture, 0, FIX_CALL, 1, SS_STATUS_OK, 0, NULL);
	ss_drain_batch(&drain);
	ss_drain_export(&drain);
	cr_expect_eq(drain.metrics_error, -ENOSPC);
	cr_expect(ss_metrics_changed(drain.metrics, false));
	ss_sink_deinit(&drain.metrics_sink);
	drain.metrics_sink = sink;
	ss_drain_export(&drain);
	cr_expect_eq(drain.metrics_error, 0);
	cr_expect_not(ss_metrics_changed(drain.metrics, false));
	totals_of_metrics(&metrics, path);
	cr_assert_eq(metrics.count, 1);
	end();
}
