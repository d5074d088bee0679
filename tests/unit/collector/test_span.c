/* SPDX-License-Identifier: Apache-2.0
 *
 * Assembly through the whole drain: what comes out for what order of events, and with which limits.
 */
#include "collector/drain.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static struct fixture fixture;
static struct ss_drain drain;
static struct ss_image_view view;

static void begin(uint32_t rings)
{
	const char *reason = "";

	fixture_make(&fixture, rings, 65536);
	cr_assert_eq(ss_image_attach(fixture.image, &view, &reason), 0, "%s", reason);
	cr_assert_eq(ss_drain_init(&drain, &view), 0);
}

static char *finish(void)
{
	char *text;

	ss_drain_finish(&drain);
	text = fixture_output(fixture.out_path);
	ss_drain_deinit(&drain);
	return text;
}

static void put(int what, uint32_t ring)
{
	switch (what) {
	case 0:
		fixture_open(&fixture, ring, FIX_ACTION, 7, 0, NULL);
		break;
	case 1:
		fixture_close(&fixture, ring, FIX_CLOSE, 7, SS_STATUS_OK, 0, NULL);
		break;
	default:
		fixture_point(&fixture, ring, 7, NULL);
		break;
	}
}

/* OPEN, CLOSE and two POINTs in every order and over every split into two batches and two rings:
 * one span with two events each time. An order is read only where it could have happened: an
 * event's ring is consumed later, never an event made later. */
Test(span, every_order)
{
	static const int orders[24][4] = {
		{ 0, 1, 2, 3 }, { 0, 1, 3, 2 }, { 0, 2, 1, 3 }, { 0, 2, 3, 1 }, { 0, 3, 1, 2 },
		{ 0, 3, 2, 1 }, { 1, 0, 2, 3 }, { 1, 0, 3, 2 }, { 1, 2, 0, 3 }, { 1, 2, 3, 0 },
		{ 1, 3, 0, 2 }, { 1, 3, 2, 0 }, { 2, 0, 1, 3 }, { 2, 0, 3, 1 }, { 2, 1, 0, 3 },
		{ 2, 1, 3, 0 }, { 2, 3, 0, 1 }, { 2, 3, 1, 0 }, { 3, 0, 1, 2 }, { 3, 0, 2, 1 },
		{ 3, 1, 0, 2 }, { 3, 1, 2, 0 }, { 3, 2, 0, 1 }, { 3, 2, 1, 0 },
	};
	int order, i;

	for (order = 0; order < 24; order++) {
		char *text;

		/* Ring i is consumed in i-th place, so event orders[..][i] in ring i is read i-th.
		 */
		begin(4);
		for (i = 0; i < 4; i++)
			put(orders[order][i], (uint32_t)i);
		ss_drain_batch(&drain);
		text = finish();
		cr_expect_eq(fixture_spans(text, 7), 1, "order %d: %s", order, text);
		cr_expect_eq(fixture_count(text, "\"name\":\"row\""), 2, "order %d: %s", order,
			     text);
		cr_expect_eq(fixture_count(text, "unfinished"), 0);
		cr_expect_eq(drain.spans.orphans, 0);
		free(text);
		fixture_remove(&fixture);
	}
}

Test(span, opening_event_read_a_batch_later)
{
	char *text;

	begin(2);
	put(1, 1);
	ss_drain_batch(&drain);
	put(0, 0);
	ss_drain_batch(&drain);
	text = finish();
	cr_expect_eq(fixture_spans(text, 7), 1);
	cr_expect_eq(drain.spans.orphans, 0);
	free(text);
	fixture_remove(&fixture);
}

Test(span, orphans_are_counted_and_forgotten)
{
	int i;

	begin(2);
	put(1, 0);
	put(2, 1);
	ss_drain_batch(&drain);
	cr_expect_eq(drain.spans.orphans, 0);
	cr_expect(ss_drain_waiting(&drain));
	ss_drain_batch(&drain);
	cr_expect_eq(drain.spans.orphans, 1);
	cr_expect_not(ss_drain_waiting(&drain));
	for (i = 0; i < 1000; i++) {
		fixture_close(&fixture, 0, FIX_CLOSE, (uint64_t)i + 100, SS_STATUS_OK, 0, NULL);
		ss_drain_batch(&drain);
	}
	cr_expect_leq(fixture.image->arena_bytes, SS_CHUNK_BYTES);
	free(finish());
	cr_expect_eq(drain.spans.orphans, 1001);
	fixture_remove(&fixture);
}

Test(span, discarded_spans_leave_nothing)
{
	struct ss_event discard = { .kind = SS_EVENT_DISCARD, .span_id = 7, .entry = FIX_ACTION };
	char *text;

	begin(2);
	put(0, 0);
	fixture_put(&fixture, 0, &discard, NULL);
	ss_drain_batch(&drain);
	text = finish();
	cr_expect_str_empty(text);
	cr_expect_eq(drain.spans.orphans, 0);
	free(text);
	fixture_remove(&fixture);
}

Test(span, event_limit)
{
	char *text;
	int i;

	begin(1);
	put(0, 0);
	for (i = 0; i < 300; i++)
		put(2, 0);
	put(1, 0);
	ss_drain_batch(&drain);
	text = finish();
	cr_expect_eq(fixture_count(text, "\"name\":\"row\""), 128);
	cr_expect_eq(fixture_count(text, "\"droppedEventsCount\":172"), 1);
	free(text);
	fixture_remove(&fixture);
}

Test(span, attribute_limit)
{
	struct payload payload = { 0 };
	char *text;

	begin(1);
	/* thread.id, code.function.name and db.system come first. */
	fixture.image->attribute_count_limit = 5;
	payload_int(&payload, fixture.key_number, 1);
	payload_bool(&payload, fixture.key_flag, 1);
	payload_double(&payload, fixture.key_real, 2.5);
	payload_int(&payload, fixture.key_number, 9); /* replaces the first */
	fixture_open(&fixture, 0, FIX_ACTION, 7, 0, &payload);
	put(1, 0);
	ss_drain_batch(&drain);
	text = finish();
	cr_expect_eq(fixture_count(text, "\"droppedAttributesCount\":1"), 1, "%s", text);
	cr_expect_eq(fixture_count(text, "\"key\":\"number\",\"value\":{\"intValue\":\"9\"}"), 1);
	cr_expect_eq(fixture_count(text, "\"key\":\"real\""), 0);
	free(text);
	fixture_remove(&fixture);
}

/* An ERROR span has thread.id, code.function.name, db.system, error.type, the library's code and
 * one attribute of its own; unfinished, spanshim.unfinished, thread.id, code.function.name,
 * db.system and its own. Whatever the limit: never more of them, and the others are counted. */
Test(span, no_attribute_is_beyond_the_limit)
{
	for (uint32_t limit = 0; limit < 8; limit++) {
		for (int unfinished = 0; unfinished < 2; unfinished++) {
			int all = unfinished ? 5 : 6, kept = (int)limit < all ? (int)limit : all;
			struct payload payload = { 0 };
			char *output, *text, dropped[64];

			begin(1);
			fixture.image->attribute_count_limit = limit;
			payload_int(&payload, fixture.key_number, 1);
			fixture_open(&fixture, 0, FIX_ACTION, 7, 0, &payload);
			if (!unfinished)
				fixture_close(&fixture, 0, FIX_ACTION, 7, SS_STATUS_ERROR, 5, NULL);
			ss_drain_batch(&drain);
			output = finish();
			text = strstr(output, "\"spans\":");
			cr_expect_eq(fixture_count(text, "{\"key\":"), kept, "%u: %s", limit, text);
			snprintf(dropped, sizeof(dropped), "\"droppedAttributesCount\":%d,",
				 all - kept);
			cr_expect_eq(fixture_count(text, dropped), kept < all, "%u: %s", limit,
				     text);
			cr_expect_eq(fixture_count(text, "spanshim.unfinished"),
				     unfinished && limit > 0, "%u: %s", limit, text);
			free(output);
			fixture_remove(&fixture);
		}
	}
}

Test(span, value_limit_and_pieces)
{
	struct ss_event event = { .kind = SS_EVENT_ATTR, .span_id = 7, .entry = FIX_ACTION };
	struct payload first = { 0 }, second = { 0 };
	char *text;

	begin(1);
	fixture.image->attribute_value_limit = 6;
	/* The euro sign is cut in two; 6 characters of "ab€def". */
	payload_text(&first, fixture.key_text, "ab\xe2", 3, 0);
	payload_text(&second, fixture.key_text,
		     "\x82\xac"
		     "defgh",
		     7, SS_ATTR_CONTINUES);
	put(0, 0);
	fixture_put(&fixture, 0, &event, &first);
	fixture_put(&fixture, 0, &event, &second);
	put(1, 0);
	ss_drain_batch(&drain);
	text = finish();
	cr_expect_eq(fixture_count(text, "{\"stringValue\":\"ab\xe2\x82\xac"
					 "def\"}"),
		     1, "%s", text);
	free(text);
	fixture_remove(&fixture);
}

Test(span, unfinished_ends_at_the_last_event)
{
	char *text;

	begin(2);
	put(0, 0); /* time 2000 */
	fixture_open(&fixture, 1, FIX_CALL, 8, 7, NULL);
	fixture.now = 5000;
	fixture_close(&fixture, 1, FIX_CALL, 8, SS_STATUS_OK, 0, NULL);
	ss_drain_batch(&drain);
	text = finish();
	cr_expect_eq(fixture_spans(text, 7), 1);
	cr_expect_eq(fixture_count(text,
				   "\"startTimeUnixNano\":\"1000001000\","
				   "\"endTimeUnixNano\":\"1000004000\","
				   "\"attributes\":[{\"key\":\"spanshim.unfinished\",\"value\":"
				   "{\"boolValue\":true}},{\"key\":\"thread.id\",\"value\":"
				   "{\"intValue\":\"100\"}}"),
		     1, "%s", text);
	cr_expect_eq(fixture_count(text,
				   "\"status\":{\"message\":\"unfinished: the process ended\","
				   "\"code\":2}"),
		     1);
	free(text);
	fixture_remove(&fixture);
}

/* Spans within spans, and a batch that ends after each event: what a span has got is with it,
 * wherever it was kept when the next event came. */
Test(span, nested_spans_keep_what_they_have)
{
	struct payload inner = { 0 };
	char *text;
	int split;

	for (split = 0; split <= 7; split++) {
		int step;

		begin(1);
		inner.bytes = 0;
		payload_int(&inner, fixture.key_number, 77);
		for (step = 0; step < 7; step++) {
			if (step == split)
				ss_drain_batch(&drain);
			if (step == 0 || step == 6)
				put(step == 0 ? 0 : 1, 0);
			else if (step == 1 || step == 5)
				put(2, 0);
			else if (step == 2)
				fixture_open(&fixture, 0, FIX_ACTION, 8, 7, &inner);
			else if (step == 3)
				fixture_point(&fixture, 0, 8, NULL);
			else
				fixture_close(&fixture, 0, FIX_CLOSE, 8, SS_STATUS_OK, 0, NULL);
		}
		ss_drain_batch(&drain);
		text = finish();
		cr_expect_eq(fixture_spans(text, 7), 1, "split %d: %s", split, text);
		cr_expect_eq(fixture_spans(text, 8), 1, "split %d: %s", split, text);
		cr_expect_eq(fixture_count(text, "\"name\":\"row\""), 3, "split %d", split);
		cr_expect_eq(fixture_count(text, "{\"intValue\":\"77\"}"), 1, "split %d", split);
		cr_expect_eq(fixture_count(text, "unfinished"), 0, "split %d", split);
		cr_expect_eq(drain.spans.orphans, 0);
		cr_expect_eq(drain.spans.map.count, 0);
		free(text);
		fixture_remove(&fixture);
	}
}

/* The arena is full: a span that needs no place in it is written, of another each event is counted.
 */
Test(span, without_memory_losses_are_counted)
{
	const uint64_t *lost;
	char *text;

	begin(1);
	lost = fixture.image->dropped[SS_DROP_ASSEMBLY];
	drain.spans.arena.chunk_count = SS_CHUNKS_MAX;
	put(0, 0);
	put(2, 0);
	fixture_open(&fixture, 0, FIX_ACTION, 8, 7, NULL);
	fixture_close(&fixture, 0, FIX_CLOSE, 8, SS_STATUS_OK, 0, NULL);
	put(1, 0);
	ss_drain_batch(&drain);
	cr_expect_eq(lost[SS_EVENT_OPEN], 1);
	cr_expect_eq(lost[SS_EVENT_POINT], 1);
	cr_expect_eq(lost[SS_EVENT_CLOSE], 1);
	drain.spans.arena.chunk_count = 0;
	text = finish();
	cr_expect_eq(fixture_spans(text, 7), 0, "%s", text);
	cr_expect_eq(fixture_spans(text, 8), 1, "%s", text);
	free(text);
	fixture_remove(&fixture);
}

Test(span, memory_is_flat_in_the_number_of_spans)
{
	uint64_t id = 1000;
	int round, i;

	begin(2);
	for (round = 0; round < 300; round++) {
		for (i = 0; i < 200; i++, id++) {
			fixture_open(&fixture, 0, FIX_ACTION, id, 0, NULL);
			fixture_close(&fixture, 1, FIX_CLOSE, id, SS_STATUS_OK, 0, NULL);
		}
		ss_drain_batch(&drain);
	}
	cr_expect_leq(fixture.image->arena_bytes, 2 * SS_CHUNK_BYTES);
	cr_expect_leq(drain.spans.map.mask, 2047);
	free(finish());
	cr_expect_eq(drain.spans_written, 60000);
	cr_expect_eq(drain.unfinished, 0);
	fixture_remove(&fixture);
}

Test(span, long_spans_are_chained_and_fit_a_line)
{
	char big[6000], *text;
	struct payload payload = { 0 };
	struct ss_event event = { .kind = SS_EVENT_ATTR, .span_id = 7, .entry = FIX_ACTION };
	int i;

	memset(big, '\n', sizeof(big));
	begin(1);
	put(0, 0);
	for (i = 0; i < 100; i++) {
		payload.bytes = 0;
		payload_text(&payload, fixture.key_text, big, sizeof(big),
			     i == 0 ? 0 : SS_ATTR_CONTINUES);
		fixture_put(&fixture, 0, &event, &payload);
		ss_drain_batch(&drain);
	}
	put(1, 0);
	text = finish();
	cr_expect_eq(fixture_spans(text, 7), 1);
	cr_expect_lt(strlen(text), SS_LINE_MAX);
	cr_expect_gt(strlen(text), 200000);
	free(text);
	fixture_remove(&fixture);
}
