/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_valid.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <cjson/cJSON.h>

/* In memory of its own, so that sanitizers see what is read behind it. */
static bool valid(const char *text, size_t bytes, size_t *byte)
{
	char *copy = malloc(bytes ? bytes : 1);
	bool is;

	memcpy(copy, text, bytes);
	is = ss_tree_valid(copy, bytes, byte);
	free(copy);
	return is;
}

Test(tree_valid, json)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		" [ 1 , -0.5e+3 , 0 , 12E2 ] \n",
		"\"a\"",
		"true",
		"{\"a\":{\"b\":[null,false,[[],{}]]},\"\":\"\"}",
		"\"\\u00e9\\ud83d\\ude00\\n\\/\\\\\\\"\"",
		"\"\xc3\xa9\"",
	};
	size_t byte, i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(valid(texts[i], strlen(texts[i]), &byte), "%s", texts[i]);
}

Test(tree_valid, no_json)
{
	static const struct {
		const char *text;
		size_t byte;
	} cases[] = {
		{ "", 0 },
		{ "  ", 2 },
		{ "{", 1 },
		{ "[1,]", 3 },
		{ "[1 2]", 3 },
		{ "{\"a\"}", 4 },
		{ "{\"a\":}", 5 },
		{ "{\"a\":1,}", 7 },
		{ "{a:1}", 1 },
		{ "[}", 1 },
		{ "{\"a\":[1}", 7 },
		{ "[]]", 2 },
		{ "[] x", 3 },
		{ "01", 1 },
		{ "-", 1 },
		{ "1.", 2 },
		{ "1e", 2 },
		{ "tru", 0 },
		{ "nil", 0 },
		{ "\"a", 2 },
		{ "\"a\nb\"", 2 },
		{ "\"\\x\"", 2 },
		{ "\"\\u12g4\"", 2 },
		{ "\"\\udc00\"", 2 },
		{ "\"\\ud800x\"", 7 },
		{ "\"\\ud800\\u0041\"", 7 },
		{ "\"\\", 2 },
	};
	size_t byte, i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		byte = 99;
		cr_expect_not(valid(cases[i].text, strlen(cases[i].text), &byte), "%s",
			      cases[i].text);
		cr_expect_eq(byte, cases[i].byte, "%s: byte %zu", cases[i].text, byte);
	}
}

Test(tree_valid, depth)
{
	char text[2000];
	size_t byte;

	memset(text, '[', 400);
	memset(text + 400, ']', 400);
	cr_assert(valid(text, 800, &byte));
	memset(text, '[', 900);
	memset(text + 900, ']', 900);
	cr_assert_not(valid(text, 1800, &byte));
}

/* Whatever it accepts, cJSON has to accept: spans are read again with that. */
Test(tree_valid, never_more_than_cjson)
{
	static const char base[] = "{\"a\":[1,-2.5e3,true,null,\"x\\u00e9\\ud83d\\ude00\\n\"],"
				   "\"b\":{\"c\":false,\"d\":\"\"}, \"e\" : [ [ ] ] }";
	static const char letters[] = "{}[]\",:\\u0aeE+-. tfn\t\001d";
	size_t byte, accepted = 0;
	char text[sizeof(base)];
	unsigned i, k;

	srand(5);
	for (i = 0; i < 200000; i++) {
		cJSON *json;

		memcpy(text, base, sizeof(base));
		for (k = 0; k < 1 + i % 3; k++)
			text[(unsigned)rand() % (sizeof(base) - 1)] =
				letters[(unsigned)rand() % (sizeof(letters) - 1)];
		if (!valid(text, sizeof(base) - 1, &byte))
			continue;
		accepted++;
		json = cJSON_ParseWithLength(text, sizeof(base) - 1);
		cr_assert_not_null(json, "%s", text);
		cJSON_Delete(json);
	}
	cr_assert_gt(accepted, 1000);
}
