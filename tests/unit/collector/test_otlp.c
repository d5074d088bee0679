/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/drain.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "fixture.h"

static struct fixture fixture;
static struct ss_drain drain;
static struct ss_image_view view;

static void set_string(uint32_t *offset, const char *text)
{
	char *area = (char *)fixture.image + fixture.image->strings_off;

	*offset = fixture.image->strings_used;
	strcpy(area + *offset, text);
	fixture.image->strings_used += (uint32_t)strlen(text) + 1;
}

static void begin(void)
{
	const char *reason = "";

	cr_assert_eq(ss_image_attach(fixture.image, &view, &reason), 0, "%s", reason);
	cr_assert_eq(ss_drain_init(&drain, &view), 0);
}

static char *finish(void)
{
	char *text;

	ss_drain_finish(&drain);
	text = fixture_output(fixture.out_path);
	ss_drain_deinit(&drain);
	fixture_remove(&fixture);
	return text;
}

/* Around the longest text that is kept ready made; the second span finds it. */
Test(otlp, keys_of_every_length)
{
	char key[128], expected[192], *text;
	struct payload payload = { 0 };
	uint32_t length, offset;
	int i;

	fixture_make(&fixture, 1, 65536);
	for (length = 80; length <= 100; length++) {
		snprintf(key, sizeof(key), "%0*u", (int)length, length);
		set_string(&offset, key);
		payload_int(&payload, offset, 5);
	}
	begin();
	for (i = 1; i <= 2; i++) {
		fixture_open(&fixture, 0, FIX_ACTION, (uint64_t)i, 0, &payload);
		fixture_close(&fixture, 0, FIX_CLOSE, (uint64_t)i, SS_STATUS_OK, 0, NULL);
	}
	ss_drain_batch(&drain);
	text = finish();
	for (length = 80; length <= 100; length++) {
		snprintf(expected, sizeof(expected),
			 ",{\"key\":\"%0*u\",\"value\":{\"intValue\":\"5\"}}", (int)length, length);
		cr_expect_eq(fixture_count(text, expected), 2, "%s", expected);
	}
	free(text);
}

Test(otlp, exact_line)
{
	struct payload payload = { 0 }, event = { 0 }, message = { 0 };
	struct ss_event open = { .kind = SS_EVENT_OPEN,
				 .hook = SS_HOOK_COMPONENT_PRE_EXECUTE,
				 .flags = SS_EVENT_PARENT_REMOTE,
				 .time = 2000,
				 .span_id = 0x1122334455667788,
				 .entry = FIX_ACTION,
				 .open = { 0x99, 0xa0a1a2a3a4a5a6a7, 0xb0b1b2b3b4b5b6b7, 100, 0 } };
	char expected[4096], host[256] = "", *text;

	fixture_make(&fixture, 1, 65536);
	set_string(&fixture.image->service_str, "my service");
	set_string(&fixture.image->tracestate_str, "v=1");
	begin();
	payload_text(&payload, fixture.key_text, "SELECT \"x\"", 10, 0);
	payload_double(&payload, fixture.key_real, 0.25);
	payload_bool(&payload, fixture.key_flag, 1);
	payload_int(&event, fixture.key_number, -3);
	payload_text(&message, SS_KEY_STATUS_MESSAGE, "database is locked", 18, 0);
	fixture_put(&fixture, 0, &open, &payload);
	fixture.now = 3000;
	fixture_point(&fixture, 0, 0x1122334455667788, &event);
	fixture.now = 4500;
	fixture_close(&fixture, 0, FIX_ACTION, 0x1122334455667788, SS_STATUS_ERROR, 5, &message);
	ss_drain_batch(&drain);
	text = finish();
	gethostname(host, sizeof(host) - 1);
	snprintf(
		expected, sizeof(expected),
		"{\"resourceSpans\":[{\"resource\":{\"attributes\":["
		"{\"key\":\"service.name\",\"value\":{\"stringValue\":\"my service\"}},"
		"{\"key\":\"process.pid\",\"value\":{\"intValue\":\"1073741823\"}},"
		"{\"key\":\"process.executable.name\",\"value\":{\"stringValue\":\"prog\"}},"
		"{\"key\":\"process.executable.path\",\"value\":{\"stringValue\":\"/usr/bin/prog\"}},"
		"{\"key\":\"host.name\",\"value\":{\"stringValue\":\"%s\"}},"
		"{\"key\":\"telemetry.sdk.name\",\"value\":{\"stringValue\":\"spanshim\"}},"
		"{\"key\":\"telemetry.sdk.language\",\"value\":{\"stringValue\":\"c\"}},"
		"{\"key\":\"telemetry.sdk.version\",\"value\":{\"stringValue\":\"" SS_VERSION
		"\"}},"
		"{\"key\":\"spanshim.image\",\"value\":{\"stringValue\":\"0123456789abcdef\"}}]},"
		"\"scopeSpans\":[{\"scope\":{\"name\":\"spanshim.native\",\"version\":\"" SS_VERSION
		"\"},\"spans\":[{\"traceId\":\"a0a1a2a3a4a5a6a7b0b1b2b3b4b5b6b7\","
		"\"spanId\":\"1122334455667788\",\"parentSpanId\":\"0000000000000099\","
		"\"traceState\":\"v=1\",\"flags\":769,\"name\":\"action db\",\"kind\":1,"
		"\"startTimeUnixNano\":\"1000001000\",\"endTimeUnixNano\":\"1000003500\","
		"\"attributes\":[{\"key\":\"thread.id\",\"value\":{\"intValue\":\"100\"}},"
		"{\"key\":\"code.function.name\",\"value\":{\"stringValue\":\"db_prepare\"}},"
		"{\"key\":\"db.system\",\"value\":{\"stringValue\":\"testdb\"}},"
		"{\"key\":\"error.type\",\"value\":{\"stringValue\":\"BUSY\"}},"
		"{\"key\":\"db.code\",\"value\":{\"intValue\":\"5\"}},"
		"{\"key\":\"text\",\"value\":{\"stringValue\":\"SELECT \\\"x\\\"\"}},"
		"{\"key\":\"real\",\"value\":{\"doubleValue\":0.25}},"
		"{\"key\":\"flag\",\"value\":{\"boolValue\":true}}],"
		"\"events\":[{\"timeUnixNano\":\"1000002000\",\"name\":\"row\",\"attributes\":["
		"{\"key\":\"number\",\"value\":{\"intValue\":\"-3\"}}]}],"
		"\"status\":{\"message\":\"database is locked\",\"code\":2}}]}]}]}\n",
		host);
	cr_expect_str_eq(text, expected);
	free(text);
}

static char *close_with(uint8_t status, int64_t result, const struct payload *payload)
{
	fixture_make(&fixture, 1, 65536);
	begin();
	fixture_open(&fixture, 0, FIX_ACTION, 7, 0, NULL);
	fixture_close(&fixture, 0, FIX_ACTION, 7, status, result, payload);
	ss_drain_batch(&drain);
	return finish();
}

static void expect_in(char *text, const char *part)
{
	cr_expect_eq(fixture_count(text, part), 1, "%s not in %s", part, text);
}

Test(otlp, fine_spans_have_an_empty_status)
{
	char *text = close_with(SS_STATUS_OK, 0, NULL);

	expect_in(text, "\"status\":{}}");
	expect_in(text, "\"flags\":257,");
	cr_expect_eq(fixture_count(text, "parentSpanId"), 0);
	cr_expect_eq(fixture_count(text, "\"events\""), 0);
	free(text);
}

Test(otlp, unknown_code)
{
	char *text = close_with(SS_STATUS_ERROR, -17, NULL);

	expect_in(text, "{\"key\":\"error.type\",\"value\":{\"stringValue\":\"-17\"}}");
	expect_in(text, "{\"key\":\"db.code\",\"value\":{\"intValue\":\"-17\"}}");
	expect_in(text, "\"status\":{\"message\":\"result -17\",\"code\":2}");
	free(text);
}

Test(otlp, other_ends)
{
	static const struct {
		uint8_t status;
		const char *type;
	} cases[] = { { SS_STATUS_CANCELLED, "cancelled" },
		      { SS_STATUS_LONGJMP, "longjmp" },
		      { SS_STATUS_THREAD_EXIT, "thread_exit" } };
	char part[128];
	size_t i;

	for (i = 0; i < 3; i++) {
		char *text = close_with(cases[i].status, 0, NULL);

		snprintf(part, sizeof(part), "\"error.type\",\"value\":{\"stringValue\":\"%s\"}",
			 cases[i].type);
		expect_in(text, part);
		expect_in(text, "\"code\":2}");
		free(text);
	}
}

Test(otlp, exception)
{
	struct payload payload = { 0 };
	char *text;

	payload_text(&payload, SS_KEY_EXCEPTION_TYPE, "9no_such_t", 10, 0);
	payload_text(&payload, SS_KEY_EXCEPTION_MESSAGE, "boom", 4, 0);
	text = close_with(SS_STATUS_EXCEPTION, 0, &payload);
	expect_in(text, "\"name\":\"exception\",\"attributes\":[{\"key\":\"exception.type\"");
	expect_in(text, "{\"key\":\"exception.message\",\"value\":{\"stringValue\":\"boom\"}}");
	expect_in(text, "\"status\":{\"message\":\"boom\",\"code\":2}");
	free(text);
}

Test(otlp, failed_step_marks_its_action)
{
	struct ss_event fault = { .kind = SS_EVENT_POINT,
				  .flags = SS_EVENT_STATUS_ONLY,
				  .status = SS_STATUS_ERROR,
				  .time = 2500,
				  .span_id = 7,
				  .entry = FIX_ACTION,
				  .close = { .result = 5 } };
	char *text;

	fixture_make(&fixture, 1, 65536);
	begin();
	fixture_open(&fixture, 0, FIX_ACTION, 7, 0, NULL);
	fixture_put(&fixture, 0, &fault, NULL);
	fixture_put(&fixture, 0, &fault, NULL);
	fixture_close(&fixture, 0, FIX_CLOSE, 7, SS_STATUS_OK, 0, NULL);
	ss_drain_batch(&drain);
	text = finish();
	expect_in(text, "{\"key\":\"error.type\",\"value\":{\"stringValue\":\"BUSY\"}}");
	expect_in(text, "\"status\":{\"message\":\"BUSY\",\"code\":2}");
	cr_expect_eq(fixture_count(text, "\"events\""), 0);
	free(text);
}

Test(otlp, resource_attributes)
{
	char *text;

	fixture_make(&fixture, 1, 65536);
	set_string(&fixture.image->resource_str,
		   "service.name=from%20env, k%3D1 = a%2Cb ,host.name=h,process.pid=1");
	begin();
	cr_expect_not(drain.otlp.resource_ignored);
	fixture_open(&fixture, 0, FIX_CALL, 7, 0, NULL);
	text = finish();
	expect_in(text, "\"service.name\",\"value\":{\"stringValue\":\"from env\"}");
	expect_in(text, "{\"key\":\"k=1\",\"value\":{\"stringValue\":\"a,b\"}}");
	expect_in(text, "{\"key\":\"host.name\",\"value\":{\"stringValue\":\"h\"}}");
	expect_in(text, "\"process.pid\"");
	free(text);
}

Test(otlp, malformed_resource_attributes_are_left_out)
{
	static const char *const bad[] = { "a", "a=%4", "a=%zz", "=b", "a=1,b", "a=%00" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *text;

		fixture_make(&fixture, 1, 65536);
		set_string(&fixture.image->resource_str, bad[i]);
		begin();
		cr_expect(drain.otlp.resource_ignored, "%s", bad[i]);
		fixture_open(&fixture, 0, FIX_CALL, 7, 0, NULL);
		text = finish();
		expect_in(text, "\"unknown_service:prog\"");
		free(text);
	}
}

Test(otlp, losses)
{
	char *text;

	fixture_make(&fixture, 1, 65536);
	begin();
	view.rings[0].dropped[SS_DROP_RING_FULL][SS_EVENT_OPEN] = 12;
	fixture.image->dropped[SS_DROP_NO_RING][SS_EVENT_CLOSE] = 3;
	text = finish();
	expect_in(text,
		  "{\"key\":\"spanshim.dropped.ring_full.open\",\"value\":{\"intValue\":\"12\"}}");
	expect_in(text,
		  "{\"key\":\"spanshim.dropped.no_ring.close\",\"value\":{\"intValue\":\"3\"}}");
	expect_in(text, "\"scopeSpans\":[]}]}\n");
	cr_expect_eq(fixture_count(text, "\n"), 1);
	free(text);
}

/* Every line parses, none is too long, and all spans are there. */
Test(otlp, many_spans_in_short_lines)
{
	char *text, *line, *rest;
	int spans = 0, i;

	fixture_make(&fixture, 1, 1 << 20);
	begin();
	for (i = 1; i <= 5000; i++) {
		fixture_open(&fixture, 0, FIX_CALL, (uint64_t)i, 0, NULL);
		fixture_close(&fixture, 0, FIX_CALL, (uint64_t)i, SS_STATUS_OK, 0, NULL);
	}
	ss_drain_batch(&drain);
	rest = text = finish();
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		cJSON *parsed = cJSON_Parse(line), *at;

		cr_assert_not_null(parsed);
		cr_expect_lt(strlen(line), SS_LINE_MAX);
		at = cJSON_GetArrayItem(cJSON_GetObjectItem(parsed, "resourceSpans"), 0);
		at = cJSON_GetArrayItem(cJSON_GetObjectItem(at, "scopeSpans"), 0);
		spans += cJSON_GetArraySize(cJSON_GetObjectItem(at, "spans"));
		cJSON_Delete(parsed);
	}
	cr_expect_eq(spans, 5000);
	free(text);
}
