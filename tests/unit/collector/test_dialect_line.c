/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes round an adapter's spans: scopes and resource of a line, native spans beside them; and
 * the spans of users' Python functions.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "adapted.h"

static void put_whole(uint32_t entry, uint8_t hook, uint64_t id, const char *version)
{
	struct payload payload = { 0 };

	if (version != NULL)
		text(&payload, SS_FIELD_SCOPE_VERSION, version);
	open_span(entry, hook, id, &payload);
	close_span(entry, SS_HOOK_COMPONENT_POST_SUCCESS, id, SS_STATUS_OK, NULL);
}

Test(dialect_line, scopes_change_within_a_line)
{
	static const struct {
		uint32_t entry;
		uint8_t hook;
		const char *version;
		uint32_t scope; /* expected place in the line */
		const char *name;
	} cases[] = {
		{ NEW, SS_HOOK_GENERATION_PRE_CALL, "1", 0, "mellea.backend" },
		{ NEW, SS_HOOK_GENERATION_PRE_CALL, "1", 0, "mellea.backend" },
		{ NEW, SS_HOOK_COMPONENT_PRE_EXECUTE, "1", 1, "mellea.application" },
		{ NEW, SS_HOOK_STREAMING_START, "1", 1, "mellea.application" },
		{ FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, NULL, 2, "spanshim.native" },
		{ FIX_ACTION, SS_HOOK_COMPONENT_PRE_EXECUTE, NULL, 2, "spanshim.native" },
		{ NEW, SS_HOOK_STREAMING_START, "1", 3, "mellea.application" },
		{ NEW, SS_HOOK_STREAMING_START, "2", 4, "mellea.application" },
		{ NEW, SS_HOOK_STREAMING_START, NULL, 5, "mellea.application" },
	};
	uint32_t i;

	begin(1);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		put_whole(cases[i].entry, cases[i].hook, i + 1, cases[i].version);
	ss_drain_batch(&drain); /* from one ring: written in the order of closing */
	finish();
	cr_expect_eq(output.line_count, 1);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct output_span *span = output_span(&output, i + 1);
		const cJSON *version = cJSON_GetObjectItem(span->scope, "version");

		cr_expect_eq(span->scope_index, cases[i].scope, "case %u", i);
		cr_expect_str_eq(cJSON_GetObjectItem(span->scope, "name")->valuestring,
				 cases[i].name);
		if (cases[i].version != NULL)
			cr_expect_str_eq(version->valuestring, cases[i].version);
		else if (ss_is_dialect(cases[i].entry))
			cr_expect_null(version);
		else
			cr_expect_str_eq(version->valuestring, SS_VERSION);
	}
	end();
}

/* A span that fits no line leaves the scope of the line as it was. */
Test(dialect_line, an_unreadable_span_does_not_change_the_scope)
{
	struct ss_span_view empty = { .id = 9, .log = "" };

	begin(1);
	put_whole(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 1, NULL);
	ss_drain_batch(&drain);
	cr_expect_not(ss_otlp_span(&drain.otlp, &empty));
	put_whole(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 2, NULL);
	finish();
	cr_expect_eq(output.span_count, 2);
	end();
}

static void set_string(uint32_t *offset, const char *string)
{
	char *area = (char *)fixture.image + fixture.image->strings_off;

	*offset = fixture.image->strings_used;
	strcpy(area + *offset, string);
	fixture.image->strings_used += (uint32_t)strlen(string) + 1;
}

/* `user` in what way the user gives a name: 0 none, 1 OTEL_SERVICE_NAME, 2 resource attributes. */
static void service(int user, const char *before, const char *after)
{
	begin(1);
	if (user == 1)
		set_string(&fixture.image->service_str, "mine");
	if (user == 2)
		set_string(&fixture.image->resource_str, "service.name=mine");
	ss_otlp_deinit(&drain.otlp);
	cr_assert_eq(ss_otlp_init(&drain.otlp, drain.view, drain.otlp.line, drain.otlp.context), 0);
	put_whole(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 1, NULL);
	ss_drain_batch(&drain);
	put_whole(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 2, NULL);
	open_span(NEW, SS_HOOK_SESSION_ENTER, 3, NULL); /* still open when 4 is written */
	put_whole(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 4, NULL);
	finish();
	cr_expect_str_eq(output_resource(output_span(&output, 1), "service.name"), before);
	cr_expect_str_eq(output_resource(output_span(&output, 2), "service.name"), before);
	cr_expect_str_eq(output_resource(output_span(&output, 3), "service.name"), after);
	cr_expect_str_eq(output_resource(output_span(&output, 4), "service.name"), after);
	cr_expect_str_eq(output_resource(output_span(&output, 4), "process.executable.name"),
			 "prog");
	end();
}

Test(dialect_line, service_name)
{
	service(0, "unknown_service:prog", "mellea");
	service(1, "mine", "mine");
	service(2, "mine", "mine");
}

/* One that only observed events tell of is as much of a Mellea program as any. */
Test(dialect_line, service_name_after_an_observed_event)
{
	begin(1);
	point(OLD, SS_HOOK_SAMPLING_LOOP_START, 0, SS_EVENT_OBSERVED, NULL);
	put_whole(FIX_CALL, SS_HOOK_COMPONENT_PRE_EXECUTE, 1, NULL);
	finish();
	cr_expect_eq(fixture.image->dialect, OLD);
	cr_expect_str_eq(output_resource(output_span(&output, 1), "service.name"), "mellea");
	end();
}

/* --- users' Python functions --- */

Test(dialect_line, python_function)
{
	struct payload payload = { 0 };

	begin(1);
	payload_int(&payload, fixture.key_number, 1);
	open_span(FIX_PYTHON, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, &payload);
	close_span(FIX_PYTHON, SS_HOOK_COMPONENT_POST_SUCCESS, 7, SS_STATUS_OK, NULL);
	expect(7, "action talk 1 spanshim.native " SS_VERSION " thread.id=100"
		  " code.function.name=\"talk.client.Talk.ask\" number=1");
}

/* Its events may come from another thread, whose ring is read after that of the closing one. */
Test(dialect_line, python_calls_wait_for_other_threads)
{
	begin(2);
	open_span(FIX_PYTHON, SS_HOOK_COMPONENT_PRE_EXECUTE, 7, NULL);
	ring = 1;
	point(FIX_STEP, SS_HOOK_STREAMING_EVENT, 7, 0, NULL);
	ring = 0;
	close_span(FIX_PYTHON, SS_HOOK_COMPONENT_POST_SUCCESS, 7, SS_STATUS_OK, NULL);
	ss_drain_batch(&drain);
	expect(7, "action talk 1 spanshim.native " SS_VERSION " thread.id=100"
		  " code.function.name=\"talk.client.Talk.ask\" | row");
}
