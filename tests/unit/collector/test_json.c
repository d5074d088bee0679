/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/json.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct ss_json json;

static void setup(void)
{
	cr_assert_eq(ss_json_init(&json, 0), 0);
}

static void teardown(void)
{
	ss_json_deinit(&json);
}

TestSuite(json, .init = setup, .fini = teardown);

static const char *text(void)
{
	ss_json_raw(&json, "");
	ss_json_need(&json, 1);
	*json.p = '\0';
	return ss_json_text(&json);
}

static void expect_string(const char *input, size_t bytes, uint32_t max, const char *expected)
{
	json.p = ss_json_text(&json);
	ss_json_string(&json, input, bytes, max);
	cr_expect_str_eq(text(), expected);
}

static double uniform(void)
{
	return (double)rand() / RAND_MAX;
}

Test(json, integers)
{
	ss_json_uint(&json, 0);
	ss_json_raw(&json, " ");
	ss_json_uint(&json, UINT64_MAX);
	ss_json_raw(&json, " ");
	ss_json_int(&json, INT64_MIN);
	ss_json_raw(&json, " ");
	ss_json_int(&json, -7);
	ss_json_raw(&json, " ");
	ss_json_uint(&json, 100);
	cr_expect_str_eq(text(), "0 18446744073709551615 -9223372036854775808 -7 100");
}

/* Where the number of digits, or of pieces that they are made of, changes. */
Test(json, integers_of_every_length)
{
	struct ss_put_time last = { 0 };
	char expected[24], time[64];
	uint64_t value = 1;
	int digits, by;

	for (digits = 1; digits <= 20; digits++, value *= 10) {
		for (by = -1; by <= 1; by++) {
			uint64_t near = value + (uint64_t)by;

			snprintf(expected, sizeof(expected), "%llu", (unsigned long long)near);
			json.p = ss_json_text(&json);
			ss_json_uint(&json, near);
			cr_expect_str_eq(text(), expected);
			*ss_put_time(&last, time, near) = '\0';
			cr_expect_str_eq(time, expected);
			*ss_put_time(&last, time, near) = '\0';
			cr_expect_str_eq(time, expected, "the second time");
		}
	}
}

Test(json, hex)
{
	ss_json_hex(&json, 0x0123456789abcdefull);
	ss_json_hex(&json, 0xf0e0000000000009ull);
	cr_expect_str_eq(text(), "0123456789abcdeff0e0000000000009");
}

Test(json, escapes)
{
	expect_string("a\"b\\c\n\t\r\b\f\x01\x1f/\x7f", 14, UINT32_MAX,
		      "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u001f/\x7f\"");
	expect_string("plain and longer than eight", 27, UINT32_MAX,
		      "\"plain and longer than eight\"");
	expect_string("\0x", 2, UINT32_MAX, "\"\\u0000x\"");
	expect_string("", 0, UINT32_MAX, "\"\"");
}

Test(json, utf8)
{
	expect_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, UINT32_MAX,
		      "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	/* Lone continuation, overlong, surrogate, beyond U+10FFFF, cut off. */
	expect_string("\x80", 1, UINT32_MAX, "\"\xef\xbf\xbd\"");
	expect_string("\xc0\xaf", 2, UINT32_MAX, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	expect_string("\xed\xa0\x80", 3, UINT32_MAX, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	expect_string("\xf4\x90\x80\x80", 4, UINT32_MAX,
		      "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	expect_string("a\xe2\x82", 3, UINT32_MAX, "\"a\xef\xbf\xbd\"");
	expect_string("\xe2\x82x", 3, UINT32_MAX, "\"\xef\xbf\xbdx\"");
}

Test(json, cut_counts_characters)
{
	expect_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z", 10, 2, "\"\xc3\xa4\xe2\x82\xac\"");
	expect_string("abc", 3, 0, "\"\"");
	expect_string("abc", 3, 3, "\"abc\"");
}

Test(json, doubles)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ -0.0, "-0" },
		{ 1, "1" },
		{ -2.5, "-2.5" },
		{ 0.1, "0.1" },
		{ 123456.789, "123456.789" },
		{ 1e-7, "1.0e-07" },
		{ 1.5e300, "1.5e+300" },
		{ 9007199254740993.0, "9.007199254740992e+15" },
		{ 0.1 + 0.2, "3.0000000000000004e-01" },
		{ NAN, "\"NaN\"" },
		{ INFINITY, "\"Infinity\"" },
		{ -INFINITY, "\"-Infinity\"" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json.p = ss_json_text(&json);
		ss_json_double(&json, cases[i].value);
		cr_expect_str_eq(text(), cases[i].text);
	}
}

Test(json, doubles_read_back)
{
	int i;

	srand(7);
	for (i = 0; i < 100000; i++) {
		double value = ldexp(uniform() - 0.5, rand() % 2040 - 1020);
		cJSON *parsed;

		if (i % 3 == 0)
			value = (double)(rand() % 2000000 - 1000000) / pow(10, rand() % 7);
		json.p = ss_json_text(&json);
		ss_json_double(&json, value);
		parsed = cJSON_Parse(text());
		cr_assert(cJSON_IsNumber(parsed), "%s", text());
		cr_assert_eq(strtod(text(), NULL), value, "%s is not %.17g", text(), value);
		cJSON_Delete(parsed);
	}
}

Test(json, doubles_ignore_the_locale)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8" };
	size_t i;

	for (i = 0; i < 4 && setlocale(LC_ALL, names[i]) == NULL; i++)
		;
	ss_json_double(&json, 1.5);
	ss_json_raw(&json, " ");
	ss_json_double(&json, 1.25e-30);
	cr_expect_str_eq(text(), "1.5 1.25e-30");
}

/* What cJSON reads back must be the input, wherever the input is valid UTF-8; and always parse. */
Test(json, random_strings_against_cjson)
{
	static const char *const pieces[] = { "a",           "\"",         "\\",
					      "\n",          "\xc3\xa4",   "\xf0\x9f\x98\x80",
					      "\x1b",        "plain text", "\x7f",
					      "\xe2\x82\xac" };
	char input[512];
	int i;

	srand(1);
	for (i = 0; i < 20000; i++) {
		size_t bytes = 0;
		int valid = i % 2;
		cJSON *parsed;

		while (bytes < (size_t)(rand() % 300)) {
			if (valid)
				bytes += (size_t)sprintf(input + bytes, "%s", pieces[rand() % 10]);
			else
				input[bytes++] = (char)(rand() % 255 + 1);
		}
		input[bytes] = '\0';
		json.p = ss_json_text(&json);
		ss_json_string(&json, input, bytes, UINT32_MAX);
		parsed = cJSON_ParseWithOpts(text(), NULL, 1);
		cr_assert(cJSON_IsString(parsed), "%s", text());
		if (valid)
			cr_assert_str_eq(parsed->valuestring, input);
		cJSON_Delete(parsed);
	}
}

struct special {
	const char *bytes, *written;
};

/* Some letters with a special character among them, in memory that ends with them. */
static void expect_special(const struct special *special, int before, int behind)
{
	const char *letters = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	size_t bytes = strlen(special->bytes);
	char *input = malloc((size_t)(before + behind) + bytes), expected[128];

	memcpy(input, letters, (size_t)before);
	memcpy(input + before, special->bytes, bytes);
	memcpy(input + before + bytes, letters, (size_t)behind);
	snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"", before, letters, special->written,
		 behind, letters);
	expect_string(input, (size_t)(before + behind) + bytes, UINT32_MAX, expected);
	free(input);
}

/* What is looked at together, and what is left at the end. */
Test(json, a_special_character_at_every_place)
{
	static const struct special special[] = {
		{ "\"", "\\\"" },           { "\\", "\\\\" },
		{ "\x1f", "\\u001f" },      { " ", " " },
		{ "\x7f", "\x7f" },         { "\x80", "\xef\xbf\xbd" },
		{ "\xc3\xa4", "\xc3\xa4" }, { "\t\xff", "\\t\xef\xbf\xbd" },
	};
	int length, before;
	size_t kind;

	for (length = 0; length < 40; length++) {
		for (before = 0; before <= length; before++) {
			for (kind = 0; kind < sizeof(special) / sizeof(*special); kind++)
				expect_special(&special[kind], before, length - before);
		}
	}
}

Test(json, long_strings_cross_chunks)
{
	size_t bytes = 100001, i;
	char *input = malloc(bytes + 1);
	cJSON *parsed;

	for (i = 0; i + 3 <= bytes; i += 3)
		memcpy(input + i, "\xe2\x82\xac", 3);
	for (; i < bytes; i++)
		input[i] = '\n';
	input[bytes] = '\0';
	ss_json_string(&json, input, bytes, UINT32_MAX);
	parsed = cJSON_Parse(text());
	cr_assert(cJSON_IsString(parsed));
	cr_expect_str_eq(parsed->valuestring, input);
	cJSON_Delete(parsed);
	free(input);
}
