/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of several rings, read in batches, in the order in which plugins get them.
 */
#include "collector/plugin_order.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "shim/field.h"

static struct ss_plugin_order order;
static uint64_t delivered, last_ns;

static struct ss_hook_event event_of(uint8_t kind, uint64_t id, uint64_t time_ns)
{
	return (struct ss_hook_event){ .kind = kind,
				       .span_id = id,
				       .time_ns = time_ns,
				       .hook = SS_HOOK_COMPONENT_PRE_EXECUTE,
				       .parent_id = 99,
				       .payload = "" };
}

static void take(uint8_t kind, uint64_t id, uint64_t time_ns)
{
	struct ss_hook_event event = event_of(kind, id, time_ns);

	ss_plugin_order_take(&order, &event, true);
}

static void expect(uint8_t kind, uint64_t id)
{
	const struct ss_plugin_span *span;
	const struct ss_hook_event *event = ss_plugin_order_next(&order, &span);

	cr_assert_not_null(event, "expected kind %u of span %llu", kind, (unsigned long long)id);
	cr_assert_eq(event->kind, kind, "span %llu", (unsigned long long)event->span_id);
	cr_assert_eq(event->span_id, id);
	delivered++;
}

static void expect_stray(uint8_t kind, uint64_t id)
{
	const struct ss_plugin_span *span;
	const struct ss_hook_event *event = ss_plugin_order_next(&order, &span);

	cr_assert_not_null(event);
	cr_assert_eq(event->kind, kind);
	cr_assert_eq(event->span_id, id);
	cr_assert_null(span);
}

static void expect_none(void)
{
	const struct ss_plugin_span *span;

	cr_assert_null(ss_plugin_order_next(&order, &span));
}

static void begin(void)
{
	cr_assert_eq(ss_plugin_order_init(&order), 0);
}

TestSuite(plugin_order, .init = begin);

Test(plugin_order, a_batch_waits_for_the_next)
{
	take(SS_EVENT_OPEN, 1, 10);
	ss_plugin_order_settle(&order);
	expect_none();
	cr_expect_eq(ss_plugin_order_waiting(&order), 1);
	take(SS_EVENT_CLOSE, 1, 20);
	ss_plugin_order_settle(&order);
	expect(SS_EVENT_OPEN, 1);
	expect_none();
	ss_plugin_order_settle(&order);
	expect(SS_EVENT_CLOSE, 1);
	expect_none();
	cr_expect_eq(order.bytes, 0);
	cr_expect_eq(order.spans.map.count, 0);
	ss_plugin_order_deinit(&order);
}

Test(plugin_order, rings_are_merged_by_time)
{
	take(SS_EVENT_OPEN, 1, 10); /* one ring ... */
	take(SS_EVENT_CLOSE, 1, 40);
	take(SS_EVENT_OPEN, 2, 5); /* ... and another */
	take(SS_EVENT_OPEN, 3, 20);
	take(SS_EVENT_CLOSE, 3, 30);
	take(SS_EVENT_CLOSE, 2, 50);
	ss_plugin_order_settle(&order);
	ss_plugin_order_settle(&order);
	expect(SS_EVENT_OPEN, 2);
	expect(SS_EVENT_OPEN, 1);
	expect(SS_EVENT_OPEN, 3);
	expect(SS_EVENT_CLOSE, 3);
	expect(SS_EVENT_CLOSE, 1);
	expect(SS_EVENT_CLOSE, 2);
	expect_none();
	ss_plugin_order_deinit(&order);
}

/* Read in a batch before the one with the opening event, which happened earlier. */
Test(plugin_order, closing_read_first)
{
	take(SS_EVENT_CLOSE, 1, 30);
	take(SS_EVENT_POINT, 1, 20);
	ss_plugin_order_settle(&order);
	expect_none();
	take(SS_EVENT_OPEN, 2, 40);
	take(SS_EVENT_OPEN, 1, 10);
	ss_plugin_order_settle(&order);
	expect(SS_EVENT_OPEN, 1);
	expect(SS_EVENT_POINT, 1);
	expect(SS_EVENT_CLOSE, 1);
	expect_none();
	ss_plugin_order_deinit(&order);
}

/* Whatever the clocks say. */
Test(plugin_order, opening_goes_first)
{
	take(SS_EVENT_CLOSE, 1, 30);
	ss_plugin_order_settle(&order);
	take(SS_EVENT_POINT, 1, 25);
	take(SS_EVENT_OPEN, 1, 31);
	ss_plugin_order_settle(&order);
	expect(SS_EVENT_OPEN, 1);
	expect(SS_EVENT_POINT, 1);
	expect(SS_EVENT_CLOSE, 1);
	expect_none();
	ss_plugin_order_settle(&order);
	expect_none();
	cr_expect_eq(ss_plugin_order_waiting(&order), 0);
	ss_plugin_order_deinit(&order);
}

Test(plugin_order, of_one_time_opening_first_closing_last)
{
	take(SS_EVENT_CLOSE, 1, 10);
	take(SS_EVENT_POINT, 1, 10);
	take(SS_EVENT_ATTR, 1, 10);
	take(SS_EVENT_OPEN, 1, 10);
	ss_plugin_order_settle(&order);
	ss_plugin_order_settle(&order);
	expect(SS_EVENT_OPEN, 1);
	expect(SS_EVENT_POINT, 1);
	expect(SS_EVENT_ATTR, 1);
	expect(SS_EVENT_CLOSE, 1);
	expect_none();
	ss_plugin_order_deinit(&order);
}

Test(plugin_order, unsettled_batches_are_held)
{
	take(SS_EVENT_CLOSE, 1, 30);
	/* batches that were not whole: no settling */
	take(SS_EVENT_POINT, 1, 20);
	expect_none();
	take(SS_EVENT_OPEN, 1, 10);
	ss_plugin_order_settle(&order);
	expect_none();
	ss_plugin_order_settle(&order);
	expect(SS_EVENT_OPEN, 1);
	expect(SS_EVENT_POINT, 1);
	expect(SS_EVENT_CLOSE, 1);
	ss_plugin_order_deinit(&order);
}

Test(plugin_order, strays_are_delivered)
{
	take(SS_EVENT_POINT, 7, 10);
	take(SS_EVENT_CLOSE, 7, 20);
	take(SS_EVENT_POINT, 0, 30);
	ss_plugin_order_settle(&order);
	ss_plugin_order_settle(&order);
	expect_stray(SS_EVENT_POINT, 7);
	expect_stray(SS_EVENT_CLOSE, 7);
	expect_stray(SS_EVENT_POINT, 0);
	expect_none();
	ss_plugin_order_deinit(&order);
}

/* A correlation id of any length, on each of its span's events. */
static void check_correlation(uint32_t bytes)
{
	_Alignas(8) char payload[4096] = { 0 };
	struct ss_attr *attr = (struct ss_attr *)payload;
	struct ss_hook_event event = event_of(SS_EVENT_OPEN, 5, 10);
	const struct ss_plugin_span *span;
	uint32_t i;

	*attr = (struct ss_attr){ .key = SS_FIELD_CORRELATION_ID,
				  .type = SS_ATTR_STRING,
				  .s = { bytes, bytes } };
	memset(attr + 1, 'x', bytes);
	event.payload = payload;
	event.payload_bytes = (uint32_t)sizeof(*attr) + ((bytes + 7) & ~7u);
	begin();
	ss_plugin_order_take(&order, &event, false);
	take(SS_EVENT_POINT, 5, 20);
	take(SS_EVENT_CLOSE, 5, 30);
	memset(payload, 0, sizeof(payload));
	ss_plugin_order_settle(&order);
	ss_plugin_order_settle(&order);
	for (i = 0; i < 3; i++) {
		cr_assert_not_null(ss_plugin_order_next(&order, &span));
		cr_assert_not_null(span);
		cr_expect_eq(strlen(ss_plugin_span_correlation(span)), bytes);
		cr_expect_eq(strspn(ss_plugin_span_correlation(span), "x"), bytes);
		cr_expect_eq(span->parent_id, 99);
	}
	expect_none();
	cr_expect_eq(order.spans.map.count, 0);
	ss_plugin_order_deinit(&order);
}

Test(plugin_order, correlation)
{
	static const uint32_t sizes[] = { 0, 1, 36, 47, 48, 49, 2000 };
	uint32_t i;

	ss_plugin_order_deinit(&order);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		check_correlation(sizes[i]);
}

Test(plugin_order, spans_are_bounded)
{
	uint64_t id;

	for (id = 1; id <= SS_PLUGIN_SPANS_MAX + 10; id++) {
		take(SS_EVENT_OPEN, id, id);
		if (id % 4096 == 0) {
			const struct ss_plugin_span *span;

			ss_plugin_order_settle(&order);
			while (ss_plugin_order_next(&order, &span) != NULL)
				;
		}
	}
	cr_expect_eq(order.spans.map.count, SS_PLUGIN_SPANS_MAX);
	ss_plugin_order_deinit(&order);
}

/* Spans of OPEN, two POINTs and CLOSE, 10 apart, on random rings. An event that another of its span
 * follows is read in the same batch as that one or before, or in the one after. */
#define SPANS  20000u
#define EVENTS 4u

static uint8_t seen[SPANS];

static void check_next(const struct ss_hook_event *event)
{
	static const uint8_t kinds[EVENTS] = { SS_EVENT_OPEN, SS_EVENT_POINT, SS_EVENT_POINT,
					       SS_EVENT_CLOSE };
	uint64_t span = event->span_id - 1;

	cr_assert_lt(seen[span], EVENTS);
	cr_assert_eq(event->kind, kinds[seen[span]], "span %llu, event %u",
		     (unsigned long long)event->span_id, seen[span]);
	seen[span]++;
	cr_assert_geq(event->time_ns, last_ns);
	last_ns = event->time_ns;
	delivered++;
}

static void deliver_all(void)
{
	const struct ss_plugin_span *span;
	const struct ss_hook_event *event;

	ss_plugin_order_settle(&order);
	while ((event = ss_plugin_order_next(&order, &span)) != NULL) {
		cr_assert_not_null(span);
		check_next(event);
	}
}

struct planned {
	uint64_t batch, time_ns, id;
	uint8_t kind;
	uint32_t ring;
};

static int by_batch(const void *a, const void *b)
{
	const struct planned *x = a, *y = b;

	if (x->batch != y->batch)
		return x->batch < y->batch ? -1 : 1;
	if (x->ring != y->ring)
		return x->ring < y->ring ? -1 : 1;
	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

Test(plugin_order, nothing_is_lost_or_turned_round, .timeout = 60)
{
	struct planned *plan = calloc(SPANS * EVENTS, sizeof(*plan));
	uint64_t batch = 0;
	uint32_t s, e, i = 0;

	srand(1);
	for (s = 0; s < SPANS; s++) {
		uint64_t start = (uint64_t)s * 7 + (uint64_t)rand() % 50;

		for (e = 0; e < EVENTS; e++, i++) {
			uint64_t time = start + e * 10 + (uint64_t)rand() % 5;

			plan[i].kind = e == 0            ? SS_EVENT_OPEN
				       : e == EVENTS - 1 ? SS_EVENT_CLOSE
							 : SS_EVENT_POINT;
			plan[i].id = s + 1;
			plan[i].time_ns = time;
			plan[i].ring = (uint32_t)rand() % 5;
			/* a batch every 1000; some rings are looked at a bit early */
			plan[i].batch = (time + 30 * plan[i].ring) / 1000;
		}
	}
	qsort(plan, i, sizeof(*plan), by_batch);
	for (i = 0; i < SPANS * EVENTS; i++) {
		if (plan[i].batch != batch)
			deliver_all();
		batch = plan[i].batch;
		take(plan[i].kind, plan[i].id, plan[i].time_ns);
	}
	deliver_all();
	deliver_all();
	cr_expect_eq(delivered, SPANS * EVENTS);
	cr_expect_eq(ss_plugin_order_waiting(&order), 0);
	cr_expect_eq(order.bytes, 0);
	cr_expect_eq(order.lost, 0);
	ss_plugin_order_deinit(&order);
	free(plan);
}
