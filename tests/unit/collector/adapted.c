/* SPDX-License-Identifier: Apache-2.0 */
#include "adapted.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct fixture fixture;
struct ss_drain drain;
struct output output;
uint32_t ring;
static struct ss_image_view view;

void begin(uint32_t rings)
{
	const char *reason = "";

	ring = 0;
	fixture_make(&fixture, rings, 65536);
	cr_assert_eq(ss_image_attach(fixture.image, &view, &reason), 0, "%s", reason);
	cr_assert_eq(ss_drain_init(&drain, &view), 0);
}

void finish(void)
{
	char *all;

	ss_drain_finish(&drain);
	all = fixture_output(fixture.out_path);
	output_read(&output, all);
	free(all);
	ss_drain_deinit(&drain);
}

void end(void)
{
	output_free(&output);
	fixture_remove(&fixture);
}

void expect(uint64_t id, const char *expected)
{
	finish();
	cr_expect_str_eq(output_text(&output, id), expected);
	cr_expect_eq(drain.spans.orphans, 0);
	end();
}

void text(struct payload *payload, uint32_t key, const char *value)
{
	payload_text(payload, key, value, (uint32_t)strlen(value), 0);
}

static struct ss_event event_of(uint8_t kind, uint32_t entry, uint8_t hook, uint64_t id)
{
	return (struct ss_event){ .kind = kind,
				  .hook = hook,
				  .time = fixture.now++,
				  .span_id = id,
				  .entry = entry,
				  .close = { .tid = 100 + ring } };
}

static void put(const struct ss_event *event, const struct payload *payload)
{
	cr_assert_neq(fixture_put(&fixture, ring, event, payload), UINT64_MAX);
}

void open_span(uint32_t entry, uint8_t hook, uint64_t id, const struct payload *payload)
{
	struct ss_event event = event_of(SS_EVENT_OPEN, entry, hook, id);

	event.open.parent_id = 0;
	event.open.trace_hi = 1;
	event.open.trace_lo = 2;
	put(&event, payload);
}

void close_span(uint32_t entry, uint8_t hook, uint64_t id, uint8_t status,
		const struct payload *payload)
{
	struct ss_event event = event_of(SS_EVENT_CLOSE, entry, hook, id);

	event.status = status;
	event.flags = SS_EVENT_NO_RESULT;
	put(&event, payload);
}

void annotate(uint32_t entry, uint8_t hook, uint64_t id, const struct payload *payload)
{
	struct ss_event event = event_of(SS_EVENT_ATTR, entry, hook, id);

	put(&event, payload);
}

void point(uint32_t entry, uint8_t hook, uint64_t id, uint8_t flags, const struct payload *payload)
{
	struct ss_event event = event_of(SS_EVENT_POINT, entry, hook, id);

	event.flags = flags;
	put(&event, payload);
}
