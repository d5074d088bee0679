/* SPDX-License-Identifier: Apache-2.0
 *
 * An adapter's spans when things go wrong: exceptions, failures without one, arrays that are cut or
 * damaged, processes that die, payloads that make no sense.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapted.h"
#include "collector/recover.h"

#define ACTION "action 1 mellea.application "

/* --- failures --- */

static void put_failure(uint32_t entry, uint8_t status, const struct payload *payload)
{
	begin(1);
	open_span(entry, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, NULL);
	close_span(entry, SS_HOOK_COMPONENT_POST_ERROR, 7, status, payload);
}

static void exception(struct payload *payload)
{
	text(payload, SS_FIELD_ERROR_TYPE, "Trouble");
	text(payload, SS_FIELD_EXCEPTION_NAME, "talk.errors.Trouble");
	text(payload, SS_KEY_EXCEPTION_MESSAGE, "no \"way\"");
	text(payload, SS_FIELD_EXCEPTION_STACKTRACE, "Traceback:\n  line");
	text(payload, SS_KEY_STATUS_MESSAGE, "no \"way\"");
}

#define EXCEPTION                                                                       \
	" | exception exception.type=\"talk.errors.Trouble\""                           \
	" exception.message=\"no \"way\"\" exception.stacktrace=\"Traceback:\n  line\"" \
	" exception.escaped=\"False\" | ERROR no \"way\""

Test(dialect_fault, exception)
{
	struct payload payload = { 0 };

	exception(&payload);
	put_failure(NEW, SS_STATUS_EXCEPTION, &payload);
	expect(7, ACTION " error.type=\"Trouble\"" EXCEPTION);
	put_failure(OLD, SS_STATUS_EXCEPTION, &payload);
	expect(7, ACTION " error.type=\"Trouble\"" EXCEPTION);
}

Test(dialect_fault, exception_of_a_users_function)
{
	struct payload payload = { 0 };

	exception(&payload);
	put_failure(FIX_PYTHON, SS_STATUS_EXCEPTION, &payload);
	expect(7, "action talk 1 spanshim.native " SS_VERSION " thread.id=100"
		  " code.function.name=\"talk.client.Talk.ask\" error.type=\"Trouble\"" EXCEPTION);
}

Test(dialect_fault, exception_with_less)
{
	struct payload payload = { 0 };

	text(&payload, SS_FIELD_ERROR_TYPE, "Trouble");
	text(&payload, SS_KEY_EXCEPTION_MESSAGE, "");
	text(&payload, SS_KEY_STATUS_MESSAGE, "");
	put_failure(NEW, SS_STATUS_EXCEPTION, &payload);
	expect(7, ACTION " error.type=\"Trouble\" | exception exception.type=\"Trouble\""
			 " exception.message=\"\" exception.escaped=\"False\" | ERROR");
	put_failure(NEW, SS_STATUS_EXCEPTION, NULL);
	expect(7, ACTION " | exception exception.type=\"exception\" exception.escaped=\"False\""
			 " | ERROR");
	put_failure(FIX_PYTHON, SS_STATUS_EXCEPTION, NULL);
	expect(7, "action talk 1 spanshim.native " SS_VERSION " thread.id=100"
		  " code.function.name=\"talk.client.Talk.ask\" error.type=\"exception\""
		  " | exception exception.type=\"exception\" exception.escaped=\"False\" | ERROR");
}

/* Long texts come in pieces before the closing event. */
Test(dialect_fault, exception_in_pieces)
{
	struct payload name = { 0 }, first = { 0 }, rest = { 0 }, message = { 0 }, more = { 0 };

	begin(1);
	text(&name, SS_FIELD_ERROR_TYPE, "E");
	text(&name, SS_FIELD_EXCEPTION_NAME, "E");
	text(&first, SS_FIELD_EXCEPTION_STACKTRACE, "stack \xe2\x82");
	payload_text(&rest, SS_FIELD_EXCEPTION_STACKTRACE, "\xac end", 5, SS_ATTR_CONTINUES);
	text(&message, SS_KEY_EXCEPTION_MESSAGE, "mess");
	text(&message, SS_KEY_STATUS_MESSAGE, "stat");
	payload_text(&more, SS_KEY_EXCEPTION_MESSAGE, "age", 3, SS_ATTR_CONTINUES);
	payload_text(&more, SS_KEY_STATUS_MESSAGE, "us", 2, SS_ATTR_CONTINUES);
	open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, NULL);
	annotate(NEW, SS_HOOK_COMPONENT_POST_ERROR, 7, &first);
	annotate(NEW, SS_HOOK_COMPONENT_POST_ERROR, 7, &rest);
	annotate(NEW, SS_HOOK_COMPONENT_POST_ERROR, 7, &message);
	annotate(NEW, SS_HOOK_COMPONENT_POST_ERROR, 7, &more);
	close_span(NEW, SS_HOOK_COMPONENT_POST_ERROR, 7, SS_STATUS_EXCEPTION, &name);
	expect(7, ACTION " error.type=\"E\" | exception exception.type=\"E\""
			 " exception.message=\"message\""
			 " exception.stacktrace=\"stack \xe2\x82\xac end\""
			 " exception.escaped=\"False\" | ERROR status");
}

Test(dialect_fault, failure_without_exception)
{
	struct payload payload = { 0 };

	put_failure(NEW, SS_STATUS_ERROR, NULL);
	expect(7, ACTION " | ERROR");
	text(&payload, SS_KEY_STATUS_MESSAGE, "");
	put_failure(NEW, SS_STATUS_ERROR, &payload);
	expect(7, ACTION " | ERROR");
	payload.bytes = 0;
	text(&payload, SS_KEY_STATUS_MESSAGE, "Quick check failed");
	put_failure(NEW, SS_STATUS_ERROR, &payload);
	expect(7, ACTION " | ERROR Quick check failed");
	text(&payload, SS_FIELD_ERROR_TYPE, "Why");
	put_failure(OLD, SS_STATUS_ERROR, &payload);
	expect(7, ACTION " error.type=\"Why\" | ERROR Quick check failed");
}

/* What the exception's fields are made of does not count against the limit of attributes. */
Test(dialect_fault, exceptions_at_the_attribute_limit)
{
	struct payload payload = { 0 }, stack = { 0 };

	begin(1);
	fixture.image->attribute_count_limit = 0;
	text(&stack, SS_FIELD_EXCEPTION_STACKTRACE, "stack");
	text(&payload, SS_FIELD_EXCEPTION_NAME, "E");
	open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, NULL);
	annotate(NEW, SS_HOOK_COMPONENT_POST_ERROR, 7, &stack);
	close_span(NEW, SS_HOOK_COMPONENT_POST_ERROR, 7, SS_STATUS_EXCEPTION, &payload);
	expect(7, ACTION " | exception exception.type=\"E\" exception.stacktrace=\"stack\""
			 " exception.escaped=\"False\" | ERROR");
}

/* --- arrays --- */

static void expect_reasons(const struct payload *payload, const char *expected)
{
	char whole[512];

	begin(1);
	open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, payload);
	close_span(NEW, SS_HOOK_COMPONENT_POST_SUCCESS, 7, SS_STATUS_OK, NULL);
	snprintf(whole, sizeof(whole), ACTION "%s", expected);
	expect(7, whole);
}

static void put_raw(struct payload *payload, const void *data, uint32_t bytes)
{
	payload->bytes = 0;
	payload_bytes(payload, SS_FIELD_FAILURE_REASONS, SS_ATTR_STRINGS, data, bytes, 0);
}

#define REASONS " mellea.validation.failure_reasons="

Test(dialect_fault, arrays)
{
	static const char *const texts[] = { "", "a,\"b\"", "caf\xc3\xa9", "bad \xff\xc3" };
	struct payload payload = { 0 };

	payload_strings(&payload, SS_FIELD_FAILURE_REASONS, texts, 4);
	expect_reasons(&payload, REASONS "[\"\",\"a,\"b\"\",\"caf\xc3\xa9\","
					 "\"bad \xef\xbf\xbd\xef\xbf\xbd\"]");
	payload.bytes = 0;
	payload_strings(&payload, SS_FIELD_FAILURE_REASONS, texts, 0);
	expect_reasons(&payload, REASONS "[]");
}

Test(dialect_fault, damaged_arrays)
{
	static const unsigned char ok[] = "\3\0\0\0abc\2\0\0\0de";
	struct payload payload = { 0 };

	put_raw(&payload, ok, 13);
	expect_reasons(&payload, REASONS "[\"abc\",\"de\"]");
	put_raw(&payload, ok, 12); /* cut in the last element */
	expect_reasons(&payload, REASONS "[\"abc\",\"d\"]");
	put_raw(&payload, ok, 11); /* before its first byte */
	expect_reasons(&payload, REASONS "[\"abc\"]");
	put_raw(&payload, ok, 9); /* in its length */
	expect_reasons(&payload, REASONS "[\"abc\"]");
	put_raw(&payload,
		"\xff\xff\xff\xff"
		"xyz",
		7);
	expect_reasons(&payload, REASONS "[\"xyz\"]");
	put_raw(&payload, "\xff", 1);
	expect_reasons(&payload, REASONS "[]");
}

/* Pieces are cut anywhere: in a length, in a character. */
Test(dialect_fault, arrays_in_pieces)
{
	static const char whole[] = "\3\0\0\0abc\5\0\0\0d\xe2\x82\xac"
				    "f\0\0\0\0\1\0\0\0g";
	uint32_t bytes = sizeof(whole) - 1, cut;

	for (cut = 1; cut < bytes; cut++) {
		struct payload first = { 0 }, rest = { 0 };

		begin(1);
		payload_bytes(&first, SS_FIELD_FINISH_REASONS, SS_ATTR_STRINGS, whole, cut, 0);
		payload_bytes(&rest, SS_FIELD_FINISH_REASONS, SS_ATTR_STRINGS, whole + cut,
			      bytes - cut, SS_ATTR_CONTINUES);
		open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, NULL);
		annotate(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, &first);
		annotate(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, &rest);
		close_span(NEW, SS_HOOK_COMPONENT_POST_SUCCESS, 7, SS_STATUS_OK, NULL);
		expect(7, ACTION " gen_ai.response.finish_reasons=[\"abc\",\"d\xe2\x82\xac"
				 "f\",\"\",\"g\"]");
	}
}

Test(dialect_fault, array_elements_have_the_value_limit)
{
	static const char *const texts[] = { "abcdef", "gh",
					     "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
					     "x" };
	struct payload payload = { 0 };

	begin(1);
	fixture.image->attribute_value_limit = 3;
	payload_strings(&payload, SS_FIELD_FINISH_REASONS, texts, 3);
	open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, &payload);
	close_span(NEW, SS_HOOK_COMPONENT_POST_SUCCESS, 7, SS_STATUS_OK, NULL);
	expect(7, ACTION " gen_ai.response.finish_reasons=[\"abc\",\"gh\","
			 "\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\"]");
}

/* A piece of another type does not belong to the value; a users' key takes arrays as well. */
Test(dialect_fault, pieces_of_another_type)
{
	static const char *const texts[] = { "a", "b" };
	struct payload payload = { 0 }, rest = { 0 };

	begin(1);
	payload_strings(&payload, fixture.key_text, texts, 2);
	payload_text(&rest, fixture.key_text, "c", 1, SS_ATTR_CONTINUES);
	open_span(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, &payload);
	annotate(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, &rest);
	close_span(FIX_CALL, SS_HOOK_COMPONENT_POST_SUCCESS, 7, SS_STATUS_OK, NULL);
	expect(7, "action calc 1 spanshim.native " SS_VERSION " thread.id=100"
		  " code.function.name=\"calc_run\" text=[\"a\",\"b\"]");
}

/* --- the process died --- */

/* Session, action and stream open, with what they have; a chat that is whole; a pair of events
 * still in the ring. */
static void put_program(bool batches)
{
	struct payload first = { 0 }, model = { 0 }, chunk = { 0 };
	int i;

	begin(1);
	text(&first, SS_FIELD_SCOPE_VERSION, "9.9");
	text(&first, SS_FIELD_SESSION_ID, "s");
	text(&model, SS_FIELD_SCOPE_VERSION, "9.9");
	text(&model, SS_FIELD_MODEL, "m");
	text(&chunk, SS_FIELD_EVENT_NAME, "chunk");
	payload_int(&chunk, SS_FIELD_STREAM_CHUNK_INDEX, 0);
	open_span(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 5, NULL);
	open_span(NEW, SS_HOOK_SESSION_ENTER, 1, &first);
	open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 2, NULL);
	open_span(NEW, SS_HOOK_GENERATION_PRE_CALL, 4, &model);
	close_span(NEW, SS_HOOK_GENERATION_POST_CALL, 4, SS_STATUS_OK, NULL);
	if (batches)
		ss_drain_batch(&drain);
	open_span(NEW, SS_HOOK_STREAMING_START, 3, NULL);
	for (i = 0; i < 3; i++)
		point(NEW, SS_HOOK_STREAMING_EVENT, 3, 0, &chunk);
	if (batches)
		ss_drain_batch(&drain);
	point(NEW, SS_HOOK_STREAMING_EVENT, 3, 0, &chunk);
	close_span(FIX_CALL, SS_HOOK_COMPONENT_POST_SUCCESS, 5, SS_STATUS_OK, NULL);
	open_span(NEW, SS_HOOK_GENERATION_PRE_CALL, 6, &model);
}

#define UNFINISHED " spanshim.unfinished=true"
#define ENDED      " | ERROR unfinished: the process ended"
#define CHUNK      " | chunk mellea.streaming.chunk_index=0"

static void expect_program(void)
{
	uint64_t id;

	cr_expect_eq(output.span_count, 6);
	cr_expect_str_eq(output_text(&output, 1), "session 1 mellea.application 9.9" UNFINISHED
						  " mellea.session.id=\"s\"" ENDED);
	cr_expect_str_eq(output_text(&output, 2), ACTION UNFINISHED ENDED);
	cr_expect_str_eq(output_text(&output, 3),
			 "stream 1 mellea.application " UNFINISHED CHUNK CHUNK CHUNK CHUNK ENDED);
	cr_expect_str_eq(output_text(&output, 4),
			 "chat m 1 mellea.backend 9.9 gen_ai.request.model=\"m\"");
	cr_expect_str_eq(output_text(&output, 5),
			 "action calc 1 spanshim.native " SS_VERSION " thread.id=100"
			 " code.function.name=\"calc_run\"");
	cr_expect_str_eq(output_text(&output, 6), "chat m 1 mellea.backend 9.9" UNFINISHED
						  " gen_ai.request.model=\"m\"" ENDED);
	for (id = 1; id <= 6; id++)
		cr_expect_str_eq(output_resource(output_span(&output, id), "service.name"),
				 "mellea");
}

/* The drain is left as a kill would leave it, and the file recovered. */
static void recover(void)
{
	struct ss_recover_stats stats;
	char *all;
	int rc;

	ss_drain_deinit(&drain);
	rc = ss_recover_file(fixture.ring_path, &stats);
	cr_assert_eq(rc, 0, "%s", stats.reason);
	cr_expect_eq(stats.torn + stats.orphans + stats.unreadable, 0);
	all = fixture_output(fixture.out_path);
	output_read(&output, all);
	free(all);
}

Test(dialect_fault, spans_of_a_dead_process)
{
	put_program(true);
	finish(); /* not dead at all */
	expect_program();
	end();
	put_program(true);
	recover();
	expect_program();
	end();
	put_program(false);
	recover();
	expect_program();
	end();
}

/* All that told of Mellea has been written and forgotten: only the image remembers. */
Test(dialect_fault, service_name_of_a_dead_process)
{
	begin(1);
	open_span(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 5, NULL);
	open_span(NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, 1, NULL);
	close_span(NEW, SS_HOOK_COMPONENT_POST_SUCCESS, 1, SS_STATUS_OK, NULL);
	ss_drain_batch(&drain);
	recover();
	cr_expect_eq(output.span_count, 2);
	cr_expect_str_eq(output_resource(output_span(&output, 5), "service.name"), "mellea");
	end();
}

/* --- payloads that make no sense --- */

static uint32_t random_bits(void)
{
	static uint64_t state = 7;

	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33);
}

/* Half of the attributes well made, then some bytes overwritten. */
static void make_payload(struct payload *payload)
{
	uint32_t i, count = random_bits() % 8;

	payload->bytes = 0;
	for (i = 0; i < count; i++) {
		/* A binding's keys are told apart when it is compiled: once each. */
		uint32_t key = i == 0 && random_bits() % 2 ? fixture.key_text
							   : random_bits() % (SS_FIELD_END + 8);
		char bytes[64];
		uint32_t length = random_bits() % sizeof(bytes), k;

		if (key == SS_KEY_STACK) /* likewise */
			key = SS_KEY_EXCEPTION_TYPE;
		for (k = 0; k < length; k++)
			bytes[k] = random_bits() % 4 ? (char)random_bits() : 0;
		payload_bytes(payload, key, (uint8_t)(random_bits() % (SS_ATTR_TYPES + 2)), bytes,
			      length, (uint8_t)(random_bits() % 4));
	}
	for (i = random_bits() % 3; i > 0 && payload->bytes > 0; i--)
		payload->data[random_bits() % payload->bytes] = (char)random_bits();
	payload->bytes -= payload->bytes && random_bits() % 4 == 0 ? 8 : 0;
}

static void put_nonsense(uint64_t id)
{
	static struct payload payload;
	struct ss_event event = { .kind = SS_EVENT_OPEN,
				  .hook = (uint8_t)(random_bits() % SS_HOOK_COUNT),
				  .time = fixture.now++,
				  .span_id = id,
				  .entry = OLD + random_bits() % 2,
				  .open = { .trace_hi = 1, .trace_lo = 2 } };
	uint32_t i, count = random_bits() % 6;

	for (i = 0; i < count; i++) {
		make_payload(&payload);
		fixture_put(&fixture, 0, &event, &payload);
		event.kind = i + 2 < count ? SS_EVENT_POINT + random_bits() % 2 : SS_EVENT_CLOSE;
		event.hook = (uint8_t)(random_bits() % SS_HOOK_COUNT);
		event.flags = (uint8_t)(random_bits() % 8 ? 0 : random_bits());
		event.status = (uint8_t)(random_bits() % (SS_STATUS_COUNT + 1));
		event.entry = random_bits() % 8 ? OLD + random_bits() % 2
						: random_bits() % (FIX_ENTRIES + 1);
		event.close.result = (int64_t)random_bits();
		event.time = fixture.now++;
	}
}

Test(dialect_fault, nonsense_becomes_valid_lines, .timeout = 120)
{
	uint64_t written = 0;
	int round, i;

	for (round = 0; round < 300; round++) {
		begin(1);
		for (i = 1; i <= 40; i++)
			put_nonsense((uint64_t)i);
		if (round % 2) {
			ss_drain_batch(&drain);
			recover();
		} else {
			finish();
		}
		written += output.span_count;
		end();
	}
	cr_expect_gt(written, 5000);
}
