/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/config.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sampler.h"

#define TRACE_A   "0af7651916cd43dd8448eb211c80319c"
#define SPAN_A    "b7ad6b7169203331"
#define PARENT_A  "00-" TRACE_A "-" SPAN_A "-01"
#define OPT_IN    "OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental"
#define OTEL_GATE "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

static struct {
	int count;
	char name[128], value[64], expected[512];
} complaints;

static void note_complaint(const char *name, const char *value, const char *expected)
{
	complaints.count++;
	snprintf(complaints.name, sizeof(complaints.name), "%s", name);
	snprintf(complaints.value, sizeof(complaints.value), "%s", value);
	snprintf(complaints.expected, sizeof(complaints.expected), "%s", expected);
}

/* Reads an environment of at most three variables. */
static struct ss_config read3(char *a, char *b, char *c)
{
	char *envp[] = { a, b, c, NULL };
	struct ss_config config;

	memset(&complaints, 0, sizeof(complaints));
	ss_config_read(&config, envp, note_complaint);
	return config;
}

static struct ss_config read1(char *a)
{
	return read3(a, NULL, NULL);
}

static void assert_defaults(const struct ss_config *c)
{
	cr_assert_str_eq(c->out, "spanshim-%e-%p.jsonl");
	cr_assert_str_eq(c->bindings, "auto");
	cr_assert_str_eq(c->dir, "");
	cr_assert_str_eq(c->log, "");
	cr_assert_str_eq(c->trace_id, "");
	cr_assert_str_eq(c->previous, "");
	cr_assert_str_eq(c->service_name, "");
	cr_assert_str_eq(c->resource_attributes, "");
	cr_assert_str_eq(c->traceparent, "");
	cr_assert_str_eq(c->tracestate, "");
	cr_assert_str_eq(c->semconv_opt_in, "");
	cr_assert_eq(c->ring_bytes, 4u << 20);
	cr_assert_eq(c->on_full, SS_ON_FULL_DROP);
	cr_assert_eq(c->flush_ms, 200);
	cr_assert_eq(c->stacks, SS_STACKS_OFF);
	cr_assert_not(c->disabled);
	cr_assert_not(c->content);
	cr_assert_not(c->command_line);
	cr_assert_str_eq(c->metrics_out, "");
	cr_assert_str_eq(c->plugins, "");
	cr_assert_eq(c->metrics_ms, 60000);
	cr_assert_eq(c->sampler, SS_SAMPLER_PARENT_ALWAYS_ON);
	cr_assert_eq(c->sampler_ratio, 1);
	cr_assert_eq(c->attribute_count_limit, 128);
	cr_assert_eq(c->event_count_limit, 128);
	cr_assert_eq(c->link_count_limit, 128);
	cr_assert_eq(c->event_attribute_count_limit, 128);
	cr_assert_eq(c->attribute_value_limit, SS_CONFIG_UNLIMITED);
}

Test(config, nothing_set_gives_defaults)
{
	struct ss_config config;

	ss_config_read(&config, NULL, NULL);
	assert_defaults(&config);
	config = read1("HOME=/root");
	assert_defaults(&config);
	cr_assert_eq(complaints.count, 0);
}

Test(config, empty_is_unset_for_every_row)
{
	for (size_t i = 0; i < ss_env_rows; i++) {
		char variable[128];
		struct ss_config config;

		snprintf(variable, sizeof(variable), "%s=", ss_env_table[i].name);
		config = read1(variable);
		cr_assert_eq(complaints.count, 0, "%s", variable);
		assert_defaults(&config);
	}
}

Test(config, table_is_sound)
{
	for (size_t i = 0; i < ss_env_rows; i++) {
		const struct ss_env_row *row = &ss_env_table[i];

		cr_assert_gt(strlen(row->meaning), 0, "%s", row->name);
		cr_assert_not_null(row->fallback, "%s", row->name);
		cr_assert_eq(row->type == SS_ENV_CHOICE, row->choices != NULL, "%s", row->name);
		cr_assert_lt(row->offset, sizeof(struct ss_config));
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(row->name, ss_env_table[j].name);
	}
}

Test(config, all_choices_are_told)
{
	unsigned told = 0;

	for (size_t i = 0; i < ss_env_rows; i++) {
		const struct ss_env_row *row = &ss_env_table[i];
		char variable[128], expected[512];

		if (row->type != SS_ENV_CHOICE)
			continue;
		snprintf(variable, sizeof(variable), "%s=nonsense", row->name);
		snprintf(expected, sizeof(expected), "one of %s", row->choices);
		read1(variable);
		cr_assert_str_eq(complaints.expected, expected, "%s", row->name);
		told++;
	}
	cr_assert_geq(told, 3);
}

/* A fallback that is a value must be one that the row's own parser takes. */
Test(config, defaults_parse)
{
	for (size_t i = 0; i < ss_env_rows; i++) {
		char variable[256];
		struct ss_config config;

		if (!strncmp(ss_env_table[i].fallback, "OTEL_", 5))
			continue;
		snprintf(variable, sizeof(variable), "%s=%s", ss_env_table[i].name,
			 ss_env_table[i].fallback);
		config = read1(variable);
		cr_assert_eq(complaints.count, 0, "%s", variable);
		assert_defaults(&config);
	}
}

Test(config, strings_are_copied_as_they_are)
{
	static const struct {
		const char *name;
		size_t offset;
	} rows[] = {
		{ "SPANSHIM_OUT", offsetof(struct ss_config, out) },
		{ "SPANSHIM_BINDINGS", offsetof(struct ss_config, bindings) },
		{ "SPANSHIM_DIR", offsetof(struct ss_config, dir) },
		{ "SPANSHIM_LOG", offsetof(struct ss_config, log) },
		{ "SPANSHIM_METRICS_OUT", offsetof(struct ss_config, metrics_out) },
		{ "SPANSHIM_PLUGINS", offsetof(struct ss_config, plugins) },
		{ "SPANSHIM_PREVIOUS", offsetof(struct ss_config, previous) },
		{ "OTEL_SERVICE_NAME", offsetof(struct ss_config, service_name) },
		{ "OTEL_RESOURCE_ATTRIBUTES", offsetof(struct ss_config, resource_attributes) },
		{ "OTEL_SEMCONV_STABILITY_OPT_IN", offsetof(struct ss_config, semconv_opt_in) },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char variable[128];
		struct ss_config config;
		const char *value;

		snprintf(variable, sizeof(variable), "%s=a =b:%%c,\xc3\xa4", rows[i].name);
		config = read1(variable);
		memset(variable, 'X', sizeof(variable)); /* setproctitle */
		value = *(const char **)((char *)&config + rows[i].offset);
		cr_assert_str_eq(value, "a =b:%c,\xc3\xa4", "%s", rows[i].name);
	}
}

static uint64_t number_field(const struct ss_config *config, const struct ss_env_row *row)
{
	const void *at = (const char *)config + row->offset;

	return row->type == SS_ENV_BYTES ? *(const uint64_t *)at : *(const uint32_t *)at;
}

Test(config, counts_respect_their_bounds)
{
	static const char *const bad[] = { "x",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "1.5",
					   "0x10",
					   "1e3",
					   "1K",
					   "18446744073709551616",
					   "99999999999999999999999" };
	char variable[160];
	struct ss_config config;
	int rows = 0;

	for (size_t i = 0; i < ss_env_rows; i++) {
		const struct ss_env_row *row = &ss_env_table[i];
		const uint64_t good[] = { row->min, row->max, row->min + 7 };
		const uint64_t off[] = { row->max + 1, row->min ? row->min - 1 : row->max + 2 };

		if (row->type != SS_ENV_COUNT)
			continue;
		rows++;
		for (size_t j = 0; j < 3; j++) {
			snprintf(variable, sizeof(variable), "%s=%llu", row->name,
				 (unsigned long long)good[j]);
			config = read1(variable);
			cr_assert_eq(complaints.count, 0, "%s", variable);
			cr_assert_eq(number_field(&config, row), good[j], "%s", variable);
		}
		for (size_t j = 0; j < 2; j++) {
			snprintf(variable, sizeof(variable), "%s=%llu", row->name,
				 (unsigned long long)off[j]);
			config = read1(variable);
			cr_assert_eq(complaints.count, 1, "%s", variable);
			cr_assert_str_eq(complaints.name, row->name);
			assert_defaults(&config);
		}
		for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
			snprintf(variable, sizeof(variable), "%s=%s", row->name, bad[j]);
			config = read1(variable);
			cr_assert_eq(complaints.count, 1, "%s", variable);
			cr_assert_str_eq(complaints.value, bad[j]);
			assert_defaults(&config);
		}
	}
	cr_assert_eq(rows, 9);
}

Test(config, complaint_names_the_bounds)
{
	read1("SPANSHIM_FLUSH_MS=0");
	cr_assert_str_eq(complaints.expected, "a whole number from 1 to 60000");
	read1("SPANSHIM_RING_BYTES=1");
	cr_assert_str_eq(complaints.expected, "a size from 64K to 1024M, such as 512K or 4M");
	read1("SPANSHIM_ON_FULL=wait");
	cr_assert_str_eq(complaints.expected, "one of drop|block");
	read1("SPANSHIM_DISABLE=on");
	cr_assert_str_eq(complaints.expected, "1, true, yes, 0, false or no");
	read1("OTEL_TRACES_SAMPLER_ARG=10%");
	cr_assert_str_eq(complaints.expected, "a number from 0 to 1, such as 0.1");
	read1("OTEL_SDK_DISABLED=1");
	cr_assert_str_eq(complaints.expected, "true or false");
	read1("SPANSHIM_TRACE_ID=1");
	cr_assert_str_eq(complaints.expected, "32 lowercase hex digits, not all zero");
	read1("TRACEPARENT=1");
	cr_assert_str_eq(complaints.expected,
			 "00-TRACE_ID-PARENT_ID-FLAGS as W3C Trace Context has it");
}

Test(config, ring_bytes)
{
	static const struct {
		char *text;
		uint64_t bytes; /* 0: refused */
	} cases[] = {
		{ "65536", 65536 },
		{ "65535", 0 },
		{ "64K", 65536 },
		{ "63K", 0 },
		{ "65537", 131072 },
		{ "3M", 4 << 20 },
		{ "1G", 1 << 30 },
		{ "1025M", 0 },
		{ "2G", 0 },
		{ "4m", 0 },
		{ "4MB", 0 },
		{ "M", 0 },
		{ "1048576", 1 << 20 },
		{ "-4M", 0 },
		{ "18014398509481985K", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char variable[64];
		struct ss_config config;

		snprintf(variable, sizeof(variable), "SPANSHIM_RING_BYTES=%s", cases[i].text);
		config = read1(variable);
		cr_assert_eq(complaints.count, cases[i].bytes == 0, "%s", variable);
		cr_assert_eq(config.ring_bytes, cases[i].bytes ? cases[i].bytes : 4u << 20, "%s",
			     variable);
	}
}

Test(config, choices)
{
	cr_assert_eq(read1("SPANSHIM_ON_FULL=drop").on_full, SS_ON_FULL_DROP);
	cr_assert_eq(read1("SPANSHIM_ON_FULL=block").on_full, SS_ON_FULL_BLOCK);
	cr_assert_eq(read1("SPANSHIM_STACKS=off").stacks, SS_STACKS_OFF);
	cr_assert_eq(read1("SPANSHIM_STACKS=error").stacks, SS_STACKS_ERROR);
	cr_assert_eq(read1("SPANSHIM_STACKS=all").stacks, SS_STACKS_ALL);
	cr_assert_eq(complaints.count, 0);
	for (size_t i = 0; i < 5; i++) {
		static char *const bad[] = { "SPANSHIM_STACKS=al", "SPANSHIM_STACKS=all|off",
					     "SPANSHIM_STACKS=|", "SPANSHIM_STACKS=ALL",
					     "SPANSHIM_STACKS=off " };

		cr_assert_eq(read1(bad[i]).stacks, SS_STACKS_OFF);
		cr_assert_eq(complaints.count, 1, "%s", bad[i]);
	}
}

static bool disabled(char *variable, int complaint_count)
{
	bool value = read1(variable).disabled;

	cr_assert_eq(complaints.count, complaint_count, "%s", variable);
	return value;
}

Test(config, disabling)
{
	cr_assert(disabled("SPANSHIM_DISABLE=1", 0));
	cr_assert(disabled("SPANSHIM_DISABLE=true", 0));
	cr_assert(disabled("SPANSHIM_DISABLE=Yes", 0));
	cr_assert_not(disabled("SPANSHIM_DISABLE=0", 0));
	cr_assert_not(disabled("SPANSHIM_DISABLE=FALSE", 0));
	cr_assert_not(disabled("SPANSHIM_DISABLE=no", 0));
	cr_assert_not(disabled("SPANSHIM_DISABLE=on", 1));
	cr_assert_not(disabled("SPANSHIM_DISABLE=11", 1));
	cr_assert(disabled("OTEL_SDK_DISABLED=true", 0));
	cr_assert(disabled("OTEL_SDK_DISABLED=TRUE", 0));
	cr_assert_not(disabled("OTEL_SDK_DISABLED=false", 0));
	cr_assert_not(disabled("OTEL_SDK_DISABLED=1", 1));
	cr_assert_not(disabled("OTEL_SDK_DISABLED=yes", 1));
	/* the later of the two does not switch the earlier one off */
	cr_assert(read3("SPANSHIM_DISABLE=1", "OTEL_SDK_DISABLED=false", NULL).disabled);
}

Test(config, content_gates)
{
	static const struct {
		char *a, *b;
		bool content;
		int complaint_count;
	} cases[] = {
		{ "MELLEA_TRACES_CONTENT=1", NULL, true, 0 },
		{ "MELLEA_TRACES_CONTENT=true", NULL, true, 0 },
		{ "MELLEA_TRACES_CONTENT=YES", NULL, true, 0 },
		{ "MELLEA_TRACES_CONTENT=0", NULL, false, 0 },
		{ "MELLEA_TRACES_CONTENT=no", NULL, false, 0 },
		{ "MELLEA_TRACES_CONTENT=SPAN_ONLY", NULL, false, 1 },
		{ "MELLEA_TRACES_CONTENT=SPAN_ONLY", OPT_IN, false, 1 },
		{ OTEL_GATE "=1", NULL, true, 0 },
		{ OTEL_GATE "=True", NULL, true, 0 },
		{ OTEL_GATE "=yes", NULL, true, 0 },
		{ OTEL_GATE "=false", NULL, false, 0 },
		{ OTEL_GATE "=SPAN_ONLY", NULL, false, 1 },
		{ OTEL_GATE "=SPAN_ONLY", OPT_IN, true, 0 },
		{ OTEL_GATE "=span_and_event", OPT_IN, true, 0 },
		{ OTEL_GATE "=EVENT_ONLY", OPT_IN, false, 0 },
		{ OTEL_GATE "=NO_CONTENT", OPT_IN, false, 0 },
		{ OTEL_GATE "=true", OPT_IN, false, 1 },
		{ OTEL_GATE "=SPAN_ONLY", OPT_IN ",http", true, 0 },
		{ OTEL_GATE "=SPAN_ONLY", OPT_IN "s", false, 1 },
		{ OTEL_GATE "=SPAN_ONLY", "OTEL_SEMCONV_STABILITY_OPT_IN=http", false, 1 },
		{ OTEL_GATE "=false", "MELLEA_TRACES_CONTENT=1", true, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ss_config config = read3(cases[i].a, cases[i].b, NULL);

		cr_assert_eq(config.content, cases[i].content, "%s %s", cases[i].a, cases[i].b);
		cr_assert_eq(complaints.count, cases[i].complaint_count, "%s %s", cases[i].a,
			     cases[i].b);
	}
	read3(OTEL_GATE "=true", OPT_IN, NULL);
	cr_assert_str_eq(complaints.expected,
			 "NO_CONTENT, SPAN_ONLY, EVENT_ONLY or SPAN_AND_EVENT");
}

Test(config, specific_limits_beat_general_ones)
{
	struct ss_config config = read1("OTEL_ATTRIBUTE_COUNT_LIMIT=5");

	cr_assert_eq(config.attribute_count_limit, 5);
	cr_assert_eq(config.event_attribute_count_limit, 5);
	config = read3("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=6", "OTEL_ATTRIBUTE_COUNT_LIMIT=5", NULL);
	cr_assert_eq(config.attribute_count_limit, 6);
	cr_assert_eq(config.event_attribute_count_limit, 5);
	config = read3("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=7", "OTEL_ATTRIBUTE_COUNT_LIMIT=5", NULL);
	cr_assert_eq(config.attribute_count_limit, 5);
	cr_assert_eq(config.event_attribute_count_limit, 7);
	config = read1("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=6");
	cr_assert_eq(config.event_attribute_count_limit, 128);
	config = read3("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=100",
		       "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=10", NULL);
	cr_assert_eq(config.attribute_value_limit, 10);
	config = read1("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=100");
	cr_assert_eq(config.attribute_value_limit, 100);
	config = read3("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=100",
		       "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=ten", NULL);
	cr_assert_eq(config.attribute_value_limit, 100);
	cr_assert_eq(complaints.count, 1);
	config = read3("OTEL_SPAN_EVENT_COUNT_LIMIT=3", "OTEL_SPAN_LINK_COUNT_LIMIT=4", NULL);
	cr_assert_eq(config.event_count_limit, 3);
	cr_assert_eq(config.link_count_limit, 4);
}

Test(config, values_that_do_not_fit_are_refused)
{
	static char fits[SS_CONFIG_TEXT_BYTES + 32], more[] = "SPANSHIM_DIR=/ring";
	struct ss_config config;

	strcpy(fits, "SPANSHIM_OUT=");
	memset(fits + 13, 'x', SS_CONFIG_TEXT_BYTES - 1);
	config = read3(fits, more, NULL);
	cr_assert_eq(strlen(config.out), SS_CONFIG_TEXT_BYTES - 1);
	cr_assert_str_eq(config.dir, "");
	cr_assert_eq(complaints.count, 1);
	cr_assert_str_eq(complaints.name, "SPANSHIM_DIR");
	cr_assert_str_eq(complaints.expected, "at most 16384 bytes in all values together");
	fits[13 + SS_CONFIG_TEXT_BYTES - 1] = 'x';
	config = read3(fits, more, NULL);
	cr_assert_str_eq(config.out, "spanshim-%e-%p.jsonl");
	cr_assert_str_eq(config.dir, "/ring");
	cr_assert_str_eq(complaints.name, "SPANSHIM_OUT");
}

/* The cases of W3C Trace Context, section 3.2.2, and of its validation suite.
 */
static const struct {
	const char *text;
	bool valid;
	uint8_t flags;
} traceparents[] = {
	{ PARENT_A, true, 1 },
	{ "00-" TRACE_A "-" SPAN_A "-00", true, 0 },
	{ "00-" TRACE_A "-" SPAN_A "-ff", true, 0xff },
	{ "01-" TRACE_A "-" SPAN_A "-01", true, 1 },
	{ "cc-" TRACE_A "-" SPAN_A "-01-what-the-future-will-be-like", true, 1 },
	{ "cc-" TRACE_A "-" SPAN_A "-01.what-the-future-will-not-be-like", false, 0 },
	{ PARENT_A "-what", false, 0 },
	{ PARENT_A "-", false, 0 },
	{ PARENT_A " ", false, 0 },
	{ " " PARENT_A, false, 0 },
	{ "ff-" TRACE_A "-" SPAN_A "-01", false, 0 },
	{ "0-" TRACE_A "-" SPAN_A "-011", false, 0 },
	{ ".0-" TRACE_A "-" SPAN_A "-01", false, 0 },
	{ "00-00000000000000000000000000000000-" SPAN_A "-01", false, 0 },
	{ "00-" TRACE_A "-0000000000000000-01", false, 0 },
	{ "00-0AF7651916CD43DD8448EB211C80319C-" SPAN_A "-01", false, 0 },
	{ "00-" TRACE_A "-B7AD6B7169203331-01", false, 0 },
	{ "00-.af7651916cd43dd8448eb211c80319c-" SPAN_A "-01", false, 0 },
	{ "00-" TRACE_A "-.7ad6b7169203331-01", false, 0 },
	{ "00-" TRACE_A "-" SPAN_A "-.0", false, 0 },
	{ "00-" TRACE_A "-" SPAN_A "-0", false, 0 },
	{ "00-" TRACE_A "-" SPAN_A "-", false, 0 },
	{ "00-" TRACE_A "-" SPAN_A, false, 0 },
	{ "00_" TRACE_A "_" SPAN_A "_01", false, 0 },
	{ "00-" TRACE_A "1-" SPAN_A "-1", false, 0 },
	{ "", false, 0 },
	{ "-", false, 0 },
};

Test(config, traceparent)
{
	for (size_t i = 0; i < sizeof(traceparents) / sizeof(traceparents[0]); i++) {
		uint64_t trace[2] = { 1, 2 }, span_id = 3;
		uint8_t flags = 4;
		int r = ss_config_parse_traceparent(traceparents[i].text, trace, &span_id, &flags);

		if (traceparents[i].valid) {
			cr_assert_eq(r, 0, "%s", traceparents[i].text);
			cr_assert_eq(trace[0], 0x0af7651916cd43dd);
			cr_assert_eq(trace[1], 0x8448eb211c80319c);
			cr_assert_eq(span_id, 0xb7ad6b7169203331);
			cr_assert_eq(flags, traceparents[i].flags);
		} else {
			cr_assert_eq(r, -EINVAL, "%s", traceparents[i].text);
			cr_assert(trace[0] == 1 && trace[1] == 2 && span_id == 3 && flags == 4);
		}
	}
}

Test(config, malformed_traceparent_takes_tracestate_along)
{
	struct ss_config config = read3("TRACEPARENT=" PARENT_A, "TRACESTATE=k=v", NULL);

	cr_assert_str_eq(config.traceparent, PARENT_A);
	cr_assert_str_eq(config.tracestate, "k=v");
	config = read3("TRACEPARENT=" PARENT_A "-x", "TRACESTATE=k=v", NULL);
	cr_assert_str_eq(config.traceparent, "");
	cr_assert_str_eq(config.tracestate, "");
	cr_assert_eq(complaints.count, 1);
	cr_assert_str_eq(complaints.name, "TRACEPARENT");
	config = read1("TRACESTATE=k=v");
	cr_assert_str_eq(config.tracestate, "");
	cr_assert_eq(complaints.count, 0);
}

Test(config, trace_id)
{
	uint64_t trace[2] = { 1, 2 };

	cr_assert_eq(ss_config_parse_trace_id(TRACE_A "0", trace), -EINVAL);
	cr_assert_eq(ss_config_parse_trace_id("00000000000000000000000000000000", trace), -EINVAL);
	cr_assert_eq(ss_config_parse_trace_id("0AF7651916CD43DD8448EB211C80319C", trace), -EINVAL);
	cr_assert_eq(ss_config_parse_trace_id("0af7651916cd43dd8448eb211c80319", trace), -EINVAL);
	cr_assert_eq(ss_config_parse_trace_id("", trace), -EINVAL);
	cr_assert(trace[0] == 1 && trace[1] == 2);
	cr_assert_eq(ss_config_parse_trace_id(TRACE_A, trace), 0);
	cr_assert_eq(trace[0], 0x0af7651916cd43dd);
	cr_assert_eq(trace[1], 0x8448eb211c80319c);
	cr_assert_str_eq(read1("SPANSHIM_TRACE_ID=" TRACE_A).trace_id, TRACE_A);
	cr_assert_str_eq(read1("SPANSHIM_TRACE_ID=" TRACE_A "0").trace_id, "");
	cr_assert_eq(complaints.count, 1);
}

Test(config, getenv)
{
	char *envp[] = { "AB=1", "A", "A=2", "A=3", "B=", NULL };

	cr_assert_str_eq(ss_config_getenv(envp, "A"), "2");
	cr_assert_str_eq(ss_config_getenv(envp, "AB"), "1");
	cr_assert_str_eq(ss_config_getenv(envp, "B"), "");
	cr_assert_null(ss_config_getenv(envp, "C"));
	cr_assert_null(ss_config_getenv(NULL, "A"));
}

Test(config, expand)
{
	static const struct {
		const char *pattern, *cwd, *expected;
	} cases[] = {
		{ "/o/%e-%p-%n.jsonl", "/w", "/o/prog-123-00000000000000ab.jsonl" },
		{ "t.jsonl", "/w", "/w/t.jsonl" },
		{ "t.jsonl", "/", "/t.jsonl" },
		{ "t.jsonl", "", "t.jsonl" },
		{ "t.jsonl", NULL, "t.jsonl" },
		{ "/100%%", "/w", "/100%" },
		{ "/%x%", "/w", "/%x%" },
		{ "/%", "/w", "/%" },
		{ "/%%p", "/w", "/%p" },
		{ "/%p%p", "/w", "/123123" },
		{ "", "/w", "/w/" },
	};
	char buf[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(ss_config_expand(cases[i].pattern, "/usr/bin/prog", 123, 0xab,
					      cases[i].cwd, buf, sizeof(buf)),
			     0);
		cr_assert_str_eq(buf, cases[i].expected);
	}
	cr_assert_eq(ss_config_expand("/%e", "%p", 1, 1, "/", buf, sizeof(buf)), 0);
	cr_assert_str_eq(buf, "/%p", "what is filled in is not expanded again");
}

Test(config, expand_never_cuts)
{
	static const char *const patterns[] = { "/w/%e.jsonl", "w/%e.jsonl", "/%n", "/12345678" };
	static const char *const cwds[] = { "/", "/a/long/directory" };

	for (size_t i = 0; i < 8; i++) {
		char whole[64], buf[64];
		size_t need;

		ss_config_expand(patterns[i / 2], "prog", 1, 2, cwds[i % 2], whole, sizeof(whole));
		need = strlen(whole) + 1;
		for (size_t bytes = 0; bytes < sizeof(buf); bytes++) {
			int r;

			memset(buf, 'x', sizeof(buf));
			r = ss_config_expand(patterns[i / 2], "prog", 1, 2, cwds[i % 2], buf,
					     bytes);
			cr_assert_eq(r, bytes < need ? -ENAMETOOLONG : 0, "%s %zu", whole, bytes);
			cr_assert_eq(buf[bytes], 'x');
			if (bytes > 0)
				cr_assert_str_eq(buf, bytes < need ? "" : whole);
		}
	}
}
