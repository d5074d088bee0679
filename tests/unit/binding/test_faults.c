/* SPDX-License-Identifier: Apache-2.0
 *
 * Each kind of fault in a binding file has one exact message: file, line, key path, expectation.
 */
#include "support.h"

#include <errno.h>
#include <criterion/criterion.h>

#define FAULTS_MIN 197 /* a data file that lost its cases must not pass */

static int expect_fault(bool is_entry, const char *body, const char *message)
{
	struct ss_binding_table *table = NULL;
	char error[ERROR_BYTES], *text = NULL;
	int length, ret;

	length = asprintf(&text, "%s%s%s",
			  is_entry ? "{\"spanshim\": 1, \"name\": \"t\",\n\"entries\": [\n" : "",
			  body, is_entry ? "\n]}" : "");
	cr_assert(length >= 0);
	ret = compile(SS_ARCH_X86_64, text, &table, error);
	cr_expect_eq(ret, -EINVAL, "%s: got %d", body, ret);
	cr_expect_null(table);
	cr_expect_str_eq(error, message, "%s\n   says: %s\nexpected: %s", body, error, message);
	free(text);
	return 1;
}

Test(faults, exact_messages)
{
	FILE *file = fopen(FAULTS, "r");
	char line[4096], body[8192] = "";
	bool is_entry = false, in_body = false;
	int count = 0;

	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "-> ", 3) == 0) {
			line[strcspn(line, "\n")] = '\0';
			body[strlen(body) ? strlen(body) - 1 : 0] = '\0';
			count += expect_fault(is_entry, body, line + 3);
			in_body = false;
		} else if (in_body) {
			cr_assert(strlen(body) + strlen(line) < sizeof(body));
			strcat(body, line);
		} else if (strcmp(line, "entry\n") == 0 || strcmp(line, "file\n") == 0) {
			is_entry = line[0] == 'e';
			in_body = true;
			body[0] = '\0';
		}
	}
	fclose(file);
	cr_expect_geq(count, FAULTS_MIN);
}

static char *repeat(const char *head, const char *format, int count, const char *tail)
{
	char *text = malloc(strlen(head) + strlen(tail) + (strlen(format) + 16) * count + 1), *end;

	end = stpcpy(text, head);
	for (int i = 0; i < count; i++)
		end += sprintf(end, format, i ? "," : "", i);
	strcpy(end, tail);
	return text;
}

static void expect_error(char *text, const char *message)
{
	struct ss_binding_table *table = NULL;
	char error[ERROR_BYTES];

	compile(SS_ARCH_X86_64, text, &table, error);
	cr_expect_str_eq(error, message, "says: %s", error);
	free(table);
	free(text);
}

#define HEAD "{\"spanshim\": 1, \"name\": \"t\", \"entries\": [\n"

Test(faults, symbols_are_limited)
{
	const char *call = "%s{\"symbol\": \"f%d\", \"role\": \"action\", \"when\": \"call\"}";

	expect_error(repeat(HEAD, call, 400, "]}"), "");
	expect_error(
		repeat(HEAD, call, 401, "]}"),
		"t.json:2: entries[400]: expected at most 400 symbols in all bindings together");
}

Test(faults, python_functions_are_limited)
{
	const char *call = "%s{\"python\": \"m:f%d\", \"role\": \"action\", \"when\": \"call\"}";
	const char *symbols = HEAD "{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\"},";

	expect_error(repeat(symbols, call, 256, "]}"), "");
	expect_error(
		repeat(symbols, call, 257, "]}"),
		"t.json:2: entries[257]: expected at most 256 Python functions in all bindings "
		"together");
}

Test(faults, chains_are_limited)
{
	const char *call = "%s{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\", "
			   "\"only_if\": {\"value\": \"arg 1\", \"is\": %d}}";

	expect_error(repeat(HEAD, call, 16, "]}"), "");
	expect_error(repeat(HEAD, call, 17, "]}"),
		     "t.json:2: entries[16].symbol: expected at most 16 entries for one symbol");
}

Test(faults, getters_of_a_symbol_count_together)
{
	const char *call =
		"%s{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\", \"only_if\": "
		"{\"value\": \"arg 1\", \"is\": %d}, \"error\": {\"if\": {\"is\": 1}, \"message\": "
		"{\"call\": \"m\", \"args\": [{\"call\": \"n\", \"args\": []}]}}}";

	expect_error(repeat(HEAD, call, 2, "]}"), "");
	expect_error(repeat(HEAD, call, 3, "]}"),
		     "t.json:2: entries[2].symbol: expected at most 4 calls for one symbol");
}

Test(faults, attributes_are_limited)
{
	char *head = HEAD "{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\", "
			  "\"attributes\": [";
	const char *number = "%s{\"key\": \"k%d\", \"value\": \"arg 1\", \"type\": \"int\"}";
	const char *content = "%s{\"key\": \"k%d\", \"value\": \"arg 1\", \"type\": \"string\", "
			      "\"content\": true}";

	expect_error(repeat(head, number, 15, "]}]}"), "");
	expect_error(repeat(head, number, 16, "]}]}"),
		     "t.json:2: entries[0].attributes: expected at most 15 elements, got 16");
	expect_error(repeat(head, content, 7, "]}]}"), "");
	expect_error(repeat(head, content, 8, "]}]}"),
		     "t.json:2: entries[0].attributes[7]: expected at most 15 attributes, where "
		     "content counts twice");
}

Test(faults, python_attributes_are_limited_like_others)
{
	char *head = HEAD "{\"python\": \"m:f\", \"role\": \"action\", \"when\": \"call\", "
			  "\"attributes\": [";
	const char *content = "%s{\"key\": \"k%d\", \"value\": \"arg a\", \"content\": true}";

	expect_error(repeat(head, content, 7, "]}]}"), "");
	expect_error(repeat(head, content, 8, "]}]}"),
		     "t.json:2: entries[0].attributes[7]: expected at most 15 attributes, where "
		     "content counts twice");
}

Test(faults, sizes_are_limited)
{
	expect_error(repeat("{\"spanshim\": 1, \"name\": \"t\", \"description\": \"", "%.0s%d", 500,
			    "\", \"entries\": []}"),
		     "t.json:1: description: expected 1 to 1024 bytes, got 1390");
	expect_error(repeat("", "%.0s%08d", (1 << 17) + 1, ""),
		     "t.json:1: expected at most 1048576 bytes, got 1048584");
	expect_error(repeat("{", "%s\"k%d\": 0", 2049, "}"),
		     "t.json:1: expected at most 2048 members");
}

Test(faults, names_are_unique_across_files)
{
	static const char text[] =
		HEAD "{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\"}]}";
	static const char other[] =
		"{\"spanshim\": 1, \"name\": \"u\",\n\"entries\": [\n{\"symbol\": \"f\", \"role\": "
		"\"action\",\n\"when\": \"call\"}]}";
	struct ss_binding_text texts[] = { { "a.json", "a.json", text, sizeof(text) - 1 },
					   { "b.json", "b.json", text, sizeof(text) - 1 },
					   { "c.json", "c.json", other, sizeof(other) - 1 } };
	struct ss_binding_table *table = NULL;
	char error[ERROR_BYTES];
	int ret;

	ret = ss_compile_texts(SS_ARCH_X86_64, texts, 2, &table, error, sizeof(error));
	cr_expect_eq(ret, -EINVAL);
	cr_expect_str_eq(error, "b.json:1: name: there is a binding \"t\" already");
	texts[1] = texts[2];
	ret = ss_compile_texts(SS_ARCH_X86_64, texts, 2, &table, error, sizeof(error));
	cr_expect_eq(ret, -EINVAL);
	cr_expect_str_eq(error,
			 "c.json:3: entries[0].symbol: can never be reached: binding \"t\" takes "
			 "every call of it");
}

/* Only the build's own files can ask for an adapter; what they may have beside it. */
Test(faults, adapters)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "{\"spanshim\": 1, \"name\": \"t\", \"adapter\": \"mellea\"}", "" },
		{ "{\"spanshim\": 1, \"name\": \"t\", \"adapter\": \"mellea\",\n\"entries\": []}",
		  "t:2: entries: not used beside \"adapter\"" },
		{ "{\"spanshim\": 1, \"name\": \"t\", \"adapter\": \"mellea\",\n\"codes\": {}}",
		  "t:2: codes: not used beside \"adapter\"" },
		{ "{\"spanshim\": 1, \"name\": \"t\", \"adapter\": \"x\"}",
		  "t:1: adapter: expected \"mellea\", got \"x\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ss_binding_text text = { "t", "built-in", cases[i].text,
						strlen(cases[i].text) };
		struct ss_binding_table *table = NULL;
		char error[ERROR_BYTES] = "";

		ss_compile_texts(SS_ARCH_X86_64, &text, 1, &table, error, sizeof(error));
		cr_expect_str_eq(error, cases[i].message, "says: %s", error);
		free(table);
	}
}

Test(faults, bytes_that_are_no_utf8)
{
	expect_error(strdup("{\"spanshim\": 1,\n\"name\": \"\xc3\x28\"}"),
		     "t.json:2: expected UTF-8 text, got byte 0xc3");
	expect_error(strdup("{\"a\": \"\xed\xa0\x80\"}"),
		     "t.json:1: expected UTF-8 text, got byte 0xed");
}

Test(faults, messages_are_cut_to_the_buffer)
{
	struct ss_binding_text text = { "t.json", "t.json", "[1]", 3 };
	struct ss_binding_table *table = NULL;
	char error[12];

	cr_expect_eq(ss_compile_texts(SS_ARCH_X86_64, &text, 1, &table, error, sizeof(error)),
		     -EINVAL);
	cr_expect_str_eq(error, "t.json:1: e");
}
