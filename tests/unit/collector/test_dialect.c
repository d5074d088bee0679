/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans and span events made of an adapter's events: names, kinds, scopes, attributes in the words
 * of the version.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "adapted.h"

#define APPLICATION "mellea.application 9.9"
#define BACKEND     "mellea.backend 9.9"

/* --- names, kinds, scopes --- */

struct opening {
	uint8_t open, close;
	const char *old, *new; /* "name kind scope", with this model, provider and tool */
};

static const struct opening openings[] = {
	{ SS_HOOK_STARTUP_BEGIN, SS_HOOK_STARTUP_END, "start_session 1 " APPLICATION,
	  "start_session 1 " APPLICATION },
	{ SS_HOOK_SESSION_ENTER, SS_HOOK_SESSION_EXIT, "session 1 " APPLICATION,
	  "session 1 " APPLICATION },
	{ SS_HOOK_COMPONENT_PRE_EXECUTE, SS_HOOK_COMPONENT_POST_ERROR, "action 1 " APPLICATION,
	  "action 1 " APPLICATION },
	{ SS_HOOK_GENERATION_PRE_CALL, SS_HOOK_GENERATION_POST_CALL, "chat 1 " BACKEND,
	  "chat m-1 3 " BACKEND },
	{ SS_HOOK_GENERATION_BATCH_PRE_CALL, SS_HOOK_GENERATION_BATCH_ERROR,
	  "text_completion 1 " BACKEND, "text_completion m-1 3 " BACKEND },
	{ SS_HOOK_STREAMING_START, SS_HOOK_STREAMING_END, "stream_with_chunking 1 " APPLICATION,
	  "stream 1 " APPLICATION },
	{ SS_HOOK_SAMPLING_LOOP_START, SS_HOOK_SAMPLING_LOOP_END, "sampling 1 " APPLICATION,
	  "sampling 1 " APPLICATION },
	{ SS_HOOK_VALIDATION_PRE_CHECK, SS_HOOK_VALIDATION_POST_CHECK, "validation 1 " APPLICATION,
	  "validation 1 " APPLICATION },
	{ SS_HOOK_TOOL_PRE_INVOKE, SS_HOOK_TOOL_POST_INVOKE, "execute_tool f 1 " APPLICATION,
	  "execute_tool f 1 " APPLICATION },
};
#define OPENINGS (sizeof(openings) / sizeof(*openings))

Test(dialect, names_kinds_and_scopes)
{
	struct payload payload = { 0 };
	size_t i;

	text(&payload, SS_FIELD_SCOPE_VERSION, "9.9");
	text(&payload, SS_FIELD_MODEL, "m-1");
	text(&payload, SS_FIELD_PROVIDER, "openai");
	text(&payload, SS_FIELD_TOOL_NAME, "f");
	begin(1);
	for (i = 0; i < OPENINGS; i++) {
		open_span(OLD, openings[i].open, 100 + i, &payload);
		open_span(NEW, openings[i].open, 200 + i, &payload);
		close_span(OLD, openings[i].close, 100 + i, SS_STATUS_OK, NULL);
		close_span(NEW, openings[i].close, 200 + i, SS_STATUS_OK, NULL);
	}
	finish();
	cr_assert_eq(output.span_count, 2 * OPENINGS);
	for (i = 0; i < OPENINGS; i++) {
		const char *at = output_text(&output, 100 + i);

		cr_expect_eq(strncmp(at, openings[i].old, strlen(openings[i].old)), 0, "%s", at);
		at = output_text(&output, 200 + i);
		cr_expect_eq(strncmp(at, openings[i].new, strlen(openings[i].new)), 0, "%s", at);
		cr_expect_null(strstr(at, "thread.id"));
		cr_expect_null(strstr(at, "code.function.name"));
	}
	end();
}

Test(dialect, kind_and_name_are_of_the_opening_event)
{
	static const struct {
		const char *provider;
		const char *expected;
	} cases[] = {
		{ "openai", "chat 3" },  { "ollama", "chat 3" },      { "watsonx", "chat 3" },
		{ "litellm", "chat 3" }, { "huggingface", "chat 1" }, { "OpenAI", "chat 1" },
		{ "", "chat 1" },
	};
	size_t i;

	begin(1);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct payload first = { 0 }, last = { 0 };

		text(&first, SS_FIELD_PROVIDER, cases[i].provider);
		text(&first, SS_FIELD_MODEL, "");
		text(&last, SS_FIELD_PROVIDER, "openai");
		text(&last, SS_FIELD_MODEL, "late");
		open_span(NEW, SS_HOOK_GENERATION_PRE_CALL, i + 1, &first);
		close_span(NEW, SS_HOOK_GENERATION_POST_CALL, i + 1, SS_STATUS_OK, &last);
	}
	finish();
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *at = output_text(&output, i + 1);

		cr_expect_eq(strncmp(at, cases[i].expected, 6), 0, "%s: %s", cases[i].provider, at);
		cr_expect_not_null(strstr(at, "gen_ai.request.model=\"late\""), "%s", at);
	}
	end();
}

Test(dialect, an_unknown_hook_still_has_a_name)
{
	begin(1);
	open_span(NEW, SS_HOOK_SAMPLING_REPAIR, 7, NULL);
	close_span(NEW, SS_HOOK_SAMPLING_LOOP_END, 7, SS_STATUS_OK, NULL);
	expect(7, "span 1 mellea.application ");
}

/* --- attributes --- */

static void put_chat(uint32_t dialect)
{
	static const char *const reasons[] = { "stop", "length" };
	struct payload first = { 0 }, last = { 0 };

	text(&first, SS_FIELD_CORRELATION_ID, "gen-1");
	text(&first, SS_FIELD_SCOPE_VERSION, "9.9");
	text(&first, SS_FIELD_PROVIDER, "watsonx");
	text(&first, SS_FIELD_OPERATION, "chat");
	text(&first, SS_FIELD_GENERATION_COMPONENT_TYPE, "Instruction");
	payload_bool(&first, SS_FIELD_HAS_FORMAT, 1);
	payload_bool(&first, SS_FIELD_GENERATION_TOOL_CALLS, 0);
	payload_bool(&first, SS_FIELD_REQUEST_STREAM, 1);
	text(&first, SS_FIELD_CONVERSATION_ID, "s-1");
	text(&last, SS_FIELD_MODEL, "m \"1\"");
	payload_strings(&last, SS_FIELD_FINISH_REASONS, reasons, 2);
	payload_double(&last, SS_FIELD_TIME_TO_FIRST_CHUNK, 0.25);
	payload_int(&last, SS_FIELD_INPUT_TOKENS, 12);
	payload_int(&last, SS_FIELD_TOTAL_TOKENS, 46);
	text(&last, SS_FIELD_COMPONENT_TYPE, "Message"); /* the same key in both versions */
	payload_int(&last, SS_FIELD_CONTEXT_SIZE, 3);
	payload_bool(&last, SS_FIELD_STREAMING, 1);
	payload_double(&last, SS_FIELD_LATENCY_MS, 99.5);
	open_span(dialect, SS_HOOK_GENERATION_PRE_CALL, 7, &first);
	close_span(dialect, SS_HOOK_GENERATION_POST_CALL, 7, SS_STATUS_OK, &last);
}

Test(dialect, chat_0_7)
{
	begin(1);
	put_chat(OLD);
	expect(7, "chat 1 " BACKEND " gen_ai.provider.name=\"watsonx\""
		  " gen_ai.operation.name=\"chat\" mellea.action_type=\"Message\""
		  " mellea.has_format=true mellea.tool_calls_enabled=false"
		  " gen_ai.conversation.id=\"s-1\" gen_ai.request.model=\"m \"1\"\""
		  " gen_ai.response.finish_reasons=[\"stop\",\"length\"]"
		  " gen_ai.usage.input_tokens=12 gen_ai.usage.total_tokens=46"
		  " mellea.context_size=3 mellea.streaming=true");
}

Test(dialect, chat_0_8)
{
	begin(1);
	put_chat(NEW);
	expect(7, "chat 3 " BACKEND " gen_ai.provider.name=\"ibm.watsonx.ai\""
		  " gen_ai.operation.name=\"chat\" mellea.component.type=\"Message\""
		  " mellea.action.tool_calls=false gen_ai.request.stream=true"
		  " gen_ai.conversation.id=\"s-1\" gen_ai.request.model=\"m \"1\"\""
		  " gen_ai.response.finish_reasons=[\"stop\",\"length\"]"
		  " gen_ai.response.time_to_first_chunk=0.25f gen_ai.usage.input_tokens=12"
		  " mellea.usage.total_tokens=46 mellea.request.context_size=3");
}

static void put_session(uint32_t dialect, uint32_t backend_field)
{
	struct payload startup = { 0 }, session = { 0 };

	text(&startup, SS_FIELD_SESSION_ID, "s-1");
	text(&startup, SS_FIELD_BACKEND_NAME, "watsonx");
	text(&startup, SS_FIELD_MODEL, "m");
	text(&startup, SS_FIELD_CONTEXT_TYPE, "SimpleContext");
	text(&session, SS_FIELD_SESSION_ID, "s-1");
	text(&session, SS_FIELD_CONTEXT_TYPE, "SimpleContext");
	text(&session, backend_field, "watsonx");
	begin(1);
	open_span(dialect, SS_HOOK_STARTUP_BEGIN, 1, &startup);
	close_span(dialect, SS_HOOK_STARTUP_END, 1, SS_STATUS_OK, NULL);
	open_span(dialect, SS_HOOK_SESSION_ENTER, 2, &session);
	close_span(dialect, SS_HOOK_SESSION_EXIT, 2, SS_STATUS_OK, NULL);
	finish();
}

/* Whichever of the two fields the adapter uses for the backend of `session`. */
Test(dialect, sessions)
{
	static const uint32_t fields[] = { SS_FIELD_BACKEND_NAME, SS_FIELD_PROVIDER };
	int i;

	for (i = 0; i < 2; i++) {
		put_session(OLD, fields[i]);
		cr_expect_str_eq(output_text(&output, 1),
				 "start_session 1 mellea.application  mellea.session_id=\"s-1\""
				 " mellea.backend=\"watsonx\" mellea.model_id=\"m\""
				 " mellea.context_type=\"SimpleContext\"");
		cr_expect_str_eq(output_text(&output, 2),
				 "session 1 mellea.application  mellea.session_id=\"s-1\""
				 " mellea.context_type=\"SimpleContext\""
				 " mellea.backend=\"watsonx\"");
		end();
		put_session(NEW, fields[i]);
		cr_expect_str_eq(output_text(&output, 1),
				 "start_session 1 mellea.application  mellea.session.id=\"s-1\""
				 " mellea.session.backend_name=\"watsonx\""
				 " gen_ai.request.model=\"m\""
				 " mellea.session.context_type=\"SimpleContext\"");
		cr_expect_str_eq(output_text(&output, 2),
				 "session 1 mellea.application  mellea.session.id=\"s-1\""
				 " mellea.session.context_type=\"SimpleContext\""
				 " gen_ai.provider.name=\"ibm.watsonx.ai\"");
		end();
	}
}

/* What the opening event says first and the closing one last, whatever the order of reading. */
Test(dialect, closing_values_win_when_rings_are_read_in_another_order)
{
	struct payload first = { 0 }, last = { 0 };
	uint32_t i;

	text(&first, SS_FIELD_MODEL, "asked for");
	text(&last, SS_FIELD_MODEL, "had");
	for (i = 0; i < 2; i++) {
		begin(2);
		ring = i;
		open_span(NEW, SS_HOOK_GENERATION_PRE_CALL, 7, &first);
		ring = 1 - i;
		close_span(NEW, SS_HOOK_GENERATION_POST_CALL, 7, SS_STATUS_OK, &last);
		ss_drain_batch(&drain);
		expect(7, "chat asked for 1 mellea.backend  gen_ai.request.model=\"had\"");
	}
}

Test(dialect, attribute_limit)
{
	struct payload first = { 0 }, more = { 0 };

	begin(1);
	fixture.image->attribute_count_limit = 2;
	text(&first, SS_FIELD_SCOPE_VERSION, "9.9");
	text(&first, SS_FIELD_OPERATION, "chat");
	text(&first, SS_FIELD_MODEL, "m");
	payload_int(&first, SS_FIELD_INPUT_TOKENS, 1);
	payload_int(&more, SS_FIELD_OUTPUT_TOKENS, 2);
	payload_double(&more, SS_FIELD_LATENCY_MS, 1); /* no attribute: not counted */
	open_span(NEW, SS_HOOK_GENERATION_PRE_CALL, 7, &first);
	annotate(NEW, SS_HOOK_GENERATION_POST_CALL, 7, &more);
	close_span(NEW, SS_HOOK_GENERATION_POST_CALL, 7, SS_STATUS_OK, NULL);
	expect(7, "chat m 1 " BACKEND " gen_ai.operation.name=\"chat\" gen_ai.request.model=\"m\""
		  " (2 dropped)");
}

Test(dialect, a_long_value_in_pieces)
{
	struct payload more = { 0 }, rest = { 0 }, other = { 0 };

	begin(1);
	text(&more, SS_FIELD_RESPONSE, "one \xe2");
	payload_text(&rest, SS_FIELD_RESPONSE, "\x82\xac two", 6, SS_ATTR_CONTINUES);
	/* Pieces of what was replaced are nobody's. */
	text(&other, SS_FIELD_RESPONSE_MODEL, "x");
	payload_text(&other, SS_FIELD_RESPONSE_ID, "lost", 4, SS_ATTR_CONTINUES);
	open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, NULL);
	annotate(NEW, SS_HOOK_COMPONENT_POST_SUCCESS, 7, &more);
	annotate(NEW, SS_HOOK_COMPONENT_POST_SUCCESS, 7, &rest);
	close_span(NEW, SS_HOOK_COMPONENT_POST_SUCCESS, 7, SS_STATUS_OK, &other);
	expect(7, "action 1 mellea.application  mellea.action.response=\"one \xe2\x82\xac two\""
		  " gen_ai.response.model=\"x\"");
}

/* --- span events --- */

static void put_stream(uint32_t dialect)
{
	struct payload check = { 0 }, chunk = { 0 }, done = { 0 }, error = { 0 }, last = { 0 };

	text(&check, SS_FIELD_EVENT_NAME, "quick_check");
	payload_int(&check, SS_FIELD_STREAM_CHUNK_INDEX, 0);
	payload_bool(&check, SS_FIELD_STREAM_CHECK_PASSED, 1);
	payload_int(&check, SS_FIELD_STREAM_CHECK_COUNT, 2);
	text(&chunk, SS_FIELD_EVENT_NAME, "chunk");
	payload_int(&chunk, SS_FIELD_STREAM_CHUNK_INDEX, 9);
	payload_int(&chunk, SS_FIELD_STREAM_CHUNK_LENGTH, 40);
	payload_int(&chunk, SS_FIELD_STREAM_CHUNK_INDEX, 0); /* the later one counts */
	text(&done, SS_FIELD_EVENT_NAME, "completed");
	payload_bool(&done, SS_FIELD_STREAM_SUCCESS, 0);
	payload_int(&done, SS_FIELD_STREAM_FULL_LENGTH, 40);
	text(&error, SS_FIELD_EVENT_NAME, "error");
	text(&error, SS_FIELD_STREAM_ERROR_TYPE, "ValueError");
	text(&error, SS_FIELD_STREAM_ERROR_DETAIL, "no");
	payload_int(&last, SS_FIELD_STREAM_FULL_LENGTH, 40);
	open_span(dialect, SS_HOOK_STREAMING_START, 7, NULL);
	point(dialect, SS_HOOK_STREAMING_EVENT, 7, 0, &check);
	point(dialect, SS_HOOK_STREAMING_EVENT, 7, 0, &chunk);
	point(dialect, SS_HOOK_STREAMING_EVENT, 7, 0, &error);
	point(dialect, SS_HOOK_STREAMING_END, 7, 0, &done);
	close_span(dialect, SS_HOOK_STREAMING_END, 7, SS_STATUS_OK, &last);
}

Test(dialect, stream_events_0_7)
{
	begin(1);
	put_stream(OLD);
	expect(7, "stream_with_chunking 1 mellea.application  mellea.full_text_length=40"
		  " | quick_check chunk_index=0 passed=true requirement_count=2"
		  " | chunk chunk_index=0 text_length=40"
		  " | error exception_type=\"ValueError\" detail=\"no\""
		  " | completed success=false full_text_length=40");
}

Test(dialect, stream_events_0_8)
{
	begin(1);
	put_stream(NEW);
	expect(7,
	       "stream 1 mellea.application  mellea.streaming.full_text_length=40"
	       " | quick_check mellea.streaming.chunk_index=0 mellea.validation.passed=true"
	       " mellea.validation.requirement_count=2"
	       " | chunk mellea.streaming.chunk_index=0 mellea.streaming.chunk_text_length=40"
	       " | error mellea.error.type=\"ValueError\" mellea.error.detail=\"no\""
	       " | completed mellea.streaming.success=false mellea.streaming.full_text_length=40");
}

/* A native event on an adapter's span, and one of an adapter that has no name. */
Test(dialect, other_events)
{
	struct payload number = { 0 };

	begin(1);
	payload_int(&number, fixture.key_number, 5);
	open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, NULL);
	point(FIX_STEP, SS_HOOK_STREAMING_EVENT, 7, 0, &number);
	point(NEW, SS_HOOK_STREAMING_EVENT, 7, 0, &number);
	close_span(NEW, SS_HOOK_COMPONENT_POST_SUCCESS, 7, SS_STATUS_OK, NULL);
	expect(7, "action 1 mellea.application  | row number=5 | event number=5");
}

/* As in Python's OpenTelemetry, where the oldest give way. */
Test(dialect, the_last_events_are_kept)
{
	struct payload payload;
	char expected[512];
	int i;

	begin(1);
	fixture.image->event_count_limit = drain.spans.points_max = 3;
	open_span(NEW, SS_HOOK_STREAMING_START, 7, NULL);
	for (i = 0; i < 300; i++) {
		payload.bytes = 0;
		text(&payload, SS_FIELD_EVENT_NAME, "chunk");
		payload_int(&payload, SS_FIELD_STREAM_CHUNK_INDEX, i);
		point(NEW, SS_HOOK_STREAMING_EVENT, 7, 0, &payload);
		if (i % 100 == 0)
			ss_drain_batch(&drain);
	}
	close_span(NEW, SS_HOOK_STREAMING_END, 7, SS_STATUS_EXCEPTION, NULL);
	snprintf(expected, sizeof(expected),
		 "stream 1 mellea.application  | chunk %s=298 | chunk %s=299"
		 " | exception exception.type=\"exception\" exception.escaped=\"False\""
		 " (298 dropped) | ERROR",
		 "mellea.streaming.chunk_index", "mellea.streaming.chunk_index");
	expect(7, expected);
}

Test(dialect, observed_events_touch_no_span)
{
	struct payload payload = { 0 };

	begin(1);
	text(&payload, SS_FIELD_EVENT_NAME, "seen");
	point(NEW, SS_HOOK_SAMPLING_LOOP_START, 0, SS_EVENT_OBSERVED, &payload);
	point(NEW, SS_HOOK_VALIDATION_PRE_CHECK, 4711, SS_EVENT_OBSERVED, &payload);
	open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, NULL);
	point(NEW, SS_HOOK_SESSION_PRE_INIT, 7, SS_EVENT_OBSERVED, &payload);
	point(NEW, SS_HOOK_ADAPTER_FUNCTION_PHASE_COMPLETE, 7, SS_EVENT_OBSERVED, &payload);
	ss_drain_batch(&drain);
	cr_expect_eq(drain.consumed, 5);
	cr_expect_eq(drain.torn, 0);
	cr_expect_eq(drain.spans.map.count, 1);
	cr_expect_not(ss_drain_waiting(&drain));
	close_span(NEW, SS_HOOK_COMPONENT_POST_SUCCESS, 7, SS_STATUS_OK, NULL);
	expect(7, "action 1 mellea.application ");
}

static void count_event(void *self, const struct ss_hook_event *event)
{
	uint32_t *counts = self;

	counts[0]++;
	counts[1] += event->span_id == 0;
}

Test(dialect, observed_events_reach_subscribers_of_every_hook)
{
	const struct ss_subscriber subscriber = { "test", ~0ull, count_event };
	uint32_t counts[2] = { 0, 0 };
	uint8_t hook;

	begin(1);
	cr_assert_eq(ss_dispatch_add(&drain.dispatch, &subscriber, counts), 0);
	for (hook = 0; hook < SS_HOOK_COUNT; hook++)
		point(NEW, hook, 0, SS_EVENT_OBSERVED, NULL);
	finish();
	cr_expect_eq(counts[0], SS_HOOK_COUNT);
	cr_expect_eq(counts[1], SS_HOOK_COUNT);
	cr_expect_eq(output.span_count, 0);
	cr_expect_eq(drain.torn + drain.spans.orphans, 0);
	end();
}

/* Only those: any other event without a span is torn. */
Test(dialect, other_events_need_a_span)
{
	begin(1);
	point(NEW, SS_HOOK_STREAMING_EVENT, 0, 0, NULL);
	close_span(NEW, SS_HOOK_STREAMING_END, 0, SS_STATUS_OK, NULL);
	finish();
	cr_expect_eq(drain.torn, 1, "both are passed over together");
	end();
}
