/* SPDX-License-Identifier: Apache-2.0
 *
 * From the words of the environment to the decision on a trace.
 */
#include "shim/sampler.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/config.h"

#define PARENT_TRACE "0af7651916cd43dd8448eb211c80319c"

static int complaint_count;
static char complaint_name[64];

static void note_complaint(const char *name, const char *value, const char *expected)
{
	complaint_count++;
	snprintf(complaint_name, sizeof(complaint_name), "%s", name);
}

static struct ss_config configured(char *a, char *b, char *c)
{
	char *envp[] = { a, b, c, NULL };
	struct ss_config config;

	complaint_count = 0;
	ss_config_read(&config, envp, note_complaint);
	return config;
}

Test(sampler, names)
{
	static const char *const names[] = {
		[SS_SAMPLER_ALWAYS_ON] = "always_on",
		[SS_SAMPLER_ALWAYS_OFF] = "always_off",
		[SS_SAMPLER_RATIO] = "traceidratio",
		[SS_SAMPLER_PARENT_ALWAYS_ON] = "parentbased_always_on",
		[SS_SAMPLER_PARENT_ALWAYS_OFF] = "parentbased_always_off",
		[SS_SAMPLER_PARENT_RATIO] = "parentbased_traceidratio",
	};
	static char *const unknown[] = { "OTEL_TRACES_SAMPLER=jaeger_remote",
					 "OTEL_TRACES_SAMPLER=xray",
					 "OTEL_TRACES_SAMPLER=parentbased_jaeger_remote",
					 "OTEL_TRACES_SAMPLER=ALWAYS_OFF",
					 "OTEL_TRACES_SAMPLER=always_off " };
	char variable[64];

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(variable, sizeof(variable), "OTEL_TRACES_SAMPLER=%s", names[i]);
		cr_assert_eq(configured(variable, NULL, NULL).sampler, i, "%s", variable);
		cr_assert_eq(complaint_count, 0, "%s", variable);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		cr_assert_eq(configured(unknown[i], NULL, NULL).sampler,
			     SS_SAMPLER_PARENT_ALWAYS_ON, "%s", unknown[i]);
		cr_assert_eq(complaint_count, 1, "%s", unknown[i]);
		cr_assert_str_eq(complaint_name, "OTEL_TRACES_SAMPLER");
	}
}

/* Whatever the compiler's own parser makes of the same text, to the last bit. */
Test(sampler, ratios)
{
	static const char *const good[] = {
		"0",
		"1",
		"0.",
		".5",
		"0.1",
		"0.15",
		"0.3",
		"0.7",
		"1.0",
		"1.000",
		"00.25",
		"0.123456789012345",
		"0.000000000000001",
		"1e-05",
		"1E-5",
		"3e-22",
		"25e-2",
		"0.001e+2",
		"0e0",
		"0.1e0",
		"0.99999999999999",
	};
	static const char *const bad[] = {
		"1.1",   "2",       "-0.1",
		"-0",    "+0.1",    "1e1",
		"10",    "1e400",   "99999999999999999999999",
		".",     "",        "e",
		"e-1",   "1e",      "1e-",
		"0.1.2", "0,1",     " 0.1",
		"0.1 ",  "10%",     "nan",
		"inf",   "0x1p-1",  "half",
		"1e--1", "0.1e1.0",
	};
	char variable[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(variable, sizeof(variable), "OTEL_TRACES_SAMPLER_ARG=%s", good[i]);
		cr_assert_eq(configured(variable, NULL, NULL).sampler_ratio, strtod(good[i], NULL),
			     "%s", variable);
		cr_assert_eq(complaint_count, 0, "%s", variable);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(variable, sizeof(variable), "OTEL_TRACES_SAMPLER_ARG=%s", bad[i]);
		cr_assert_eq(configured(variable, NULL, NULL).sampler_ratio, 1, "%s", variable);
		cr_assert_eq(complaint_count, *bad[i] != '\0', "%s", variable);
	}
}

#define LIMIT_10 0x1999999999999a00ull /* round(0.1 * 2^64) */

/* A trace of our own, just below and just at the limit; then the parent's, which is far above. */
Test(sampler, decisions)
{
	static const struct {
		char *sampler, *ratio, *flags;
		bool below, at, parents;
	} cases[] = {
		{ "always_on", "0", NULL, true, true, true },
		{ "always_on", "0", "00", true, true, true },
		{ "always_off", "1", NULL, false, false, false },
		{ "always_off", "1", "01", false, false, false },
		{ "traceidratio", "0.1", NULL, true, false, false },
		{ "traceidratio", "0.1", "01", true, false, false },
		{ "traceidratio", "0", "01", false, false, false },
		{ "traceidratio", "1", "00", true, true, true },
		{ "parentbased_always_on", "0", NULL, true, true, true },
		{ "parentbased_always_on", "0", "01", true, true, true },
		{ "parentbased_always_on", "0", "00", true, true, false },
		{ "parentbased_always_off", "1", NULL, false, false, false },
		{ "parentbased_always_off", "1", "01", false, false, true },
		{ "parentbased_always_off", "1", "ff", false, false, true },
		{ "parentbased_always_off", "1", "fe", false, false, false },
		{ "parentbased_traceidratio", "0.1", NULL, true, false, false },
		{ "parentbased_traceidratio", "0.1", "01", true, false, true },
		{ "parentbased_traceidratio", "0.1", "00", true, false, false },
		{ "parentbased_traceidratio", "1", "00", true, true, false },
		{ "parentbased_traceidratio", "1", NULL, true, true, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char sampler[64], ratio[64], parent[128];
		struct ss_sampling sampling;
		struct ss_config config;

		snprintf(sampler, sizeof(sampler), "OTEL_TRACES_SAMPLER=%s", cases[i].sampler);
		snprintf(ratio, sizeof(ratio), "OTEL_TRACES_SAMPLER_ARG=%s", cases[i].ratio);
		snprintf(parent, sizeof(parent),
			 "TRACEPARENT=00-" PARENT_TRACE "-b7ad6b7169203331-%s", cases[i].flags);
		config = configured(sampler, ratio, cases[i].flags ? parent : NULL);
		ss_config_sampling(&config, &sampling);
		cr_assert_eq(ss_is_sampled(&sampling, UINT64_MAX, LIMIT_10 - 1), cases[i].below,
			     "%zu", i);
		cr_assert_eq(ss_is_sampled(&sampling, 0, LIMIT_10), cases[i].at, "%zu", i);
		cr_assert_eq(ss_is_sampled(&sampling, 0x0af7651916cd43dd, 0x8448eb211c80319c),
			     cases[i].parents, "%zu", i);
	}
}

Test(sampler, thresholds)
{
	cr_assert_eq(ss_sampler_threshold(0), 0);
	cr_assert_eq(ss_sampler_threshold(0.1), LIMIT_10);
	cr_assert_eq(ss_sampler_threshold(0.5), 1ull << 63);
	cr_assert_eq(ss_sampler_threshold(0x1p-64), 1);
	cr_assert_eq(ss_sampler_threshold(0x1.8p-65), 1);
	cr_assert_eq(ss_sampler_threshold(0x1p-66), 0);
	cr_assert_eq(ss_sampler_threshold(0x1.fffffffffffffp-1), 0xfffffffffffff800);
}
