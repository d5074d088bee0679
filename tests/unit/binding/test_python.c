/* SPDX-License-Identifier: Apache-2.0
 *
 * What entries of Python functions compile to, and how they are explained.
 */
#include "support.h"

#include <criterion/criterion.h>

#include "collector/binding/explain.h"
#include "collector/binding/verify.h"
#include "shim/event.h"

/* A conversation in Python, with something of everything. */
static const char talk[] =
	"{\"python\": \"talk.client:Talk.__init__\", \"role\": \"session\", \"when\": \"open\",\n"
	" \"handle\": \"self\", \"attributes\": [{\"key\": \"model\", \"value\": \"arg model.name\"}]},\n"
	"{\"python\": \"talk.client:Talk.ask\", \"role\": \"action\", \"when\": \"call\",\n"
	" \"name\": \"ask\", \"parent\": \"self\", \"attributes\": [\n"
	"  {\"key\": \"prompt\", \"value\": \"arg 1\", \"content\": true},\n"
	"  {\"key\": \"tokens\", \"value\": \"result.usage.0.total\", \"type\": \"int\"},\n"
	"  {\"key\": \"warm\", \"value\": \"arg 2\", \"type\": \"double\"}]},\n"
	"{\"python\": \"talk.client:Talk.stream\", \"role\": \"stream\", \"when\": \"call\",\n"
	" \"event\": \"token\", \"attributes\": [\n"
	"  {\"key\": \"id\", \"value\": \"arg id\", \"type\": \"string\"},\n"
	"  {\"key\": \"text\", \"value\": \"item.text\", \"content\": true},\n"
	"  {\"key\": \"last\", \"value\": \"item.last\", \"type\": \"bool\"}]},\n"
	"{\"python\": \"talk:log\", \"role\": \"session\", \"when\": \"event\", \"event\": \"logged\",\n"
	" \"handle\": \"arg talk\", \"attributes\": [{\"key\": \"line\", \"value\": \"arg 2\"}]},\n"
	"{\"python\": \"talk.client:Talk.close\", \"role\": \"session\", \"when\": \"close\",\n"
	" \"handle\": \"self\"}";

static void expect_value(const struct ss_binding_table *table, const struct ss_value *value,
			 uint8_t place, uint8_t index, const char *name, const char *path)
{
	cr_expect_eq(value->place, place);
	cr_expect_eq(value->index, index);
	if (place == SS_PLACE_PY_NAMED)
		cr_expect_str_eq(text_of(table, value->argument), name);
	cr_expect_str_eq(text_of(table, (uint32_t)value->constant), path);
}

Test(python, entries)
{
	struct ss_binding_table *table = compile_entries(SS_ARCH_X86_64, talk);
	const struct ss_entry *entry;

	cr_assert_not_null(table);
	cr_expect_eq(ss_binding_verify(table, table->bytes), 0);
	for (uint32_t i = 0; i < 5; i++) {
		entry = entry_at(table, i);
		cr_expect(entry->flags & SS_ENTRY_PYTHON, "entry %u", i);
		cr_expect_eq(entry->next_same_symbol, SS_NO_INDEX);
		cr_expect_eq(entry->error_message, SS_NO_INDEX);
		cr_expect_eq(entry->stream_name, 0);
		cr_expect_eq(entry->error.op, SS_OP_NEVER);
		cr_expect_eq(entry->only_if.op, SS_OP_ALWAYS);
	}
	entry = entry_at(table, 0);
	cr_expect_str_eq(text_of(table, entry->symbol), "talk.client:Talk.__init__");
	cr_expect_str_eq(text_of(table, entry->span_name), "session t");
	cr_expect_eq(entry->flags, SS_ENTRY_PYTHON | SS_ENTRY_HAS_HANDLE);
	cr_expect_eq(entry->event_name, 0);
	expect_value(table, &entry->handle, SS_PLACE_PY_ARG, 0, NULL, "");
	entry = entry_at(table, 1);
	cr_expect_str_eq(text_of(table, entry->span_name), "action ask");
	cr_expect_eq(entry->flags, SS_ENTRY_PYTHON | SS_ENTRY_HAS_PARENT);
	cr_expect_eq(entry->hook_open, SS_HOOK_COMPONENT_PRE_EXECUTE);
	cr_expect_eq(entry->hook_close, SS_HOOK_COMPONENT_POST_SUCCESS);
	cr_expect_eq(entry->hook_error, SS_HOOK_COMPONENT_POST_ERROR);
	expect_value(table, &entry->parent, SS_PLACE_PY_ARG, 0, NULL, "");
	entry = entry_at(table, 2);
	cr_expect_str_eq(text_of(table, entry->event_name), "token");
	cr_expect_eq(entry->hook_point, SS_HOOK_STREAMING_EVENT);
	entry = entry_at(table, 3);
	cr_expect_str_eq(text_of(table, entry->event_name), "logged");
	expect_value(table, &entry->handle, SS_PLACE_PY_NAMED, 0, "talk", "");
	free(table);
}

Test(python, captures)
{
	struct ss_binding_table *table = compile_entries(SS_ARCH_X86_64, talk);
	static const struct {
		uint8_t place, index;
		const char *name, *path;
		uint16_t type, flags;
	} expected[] = {
		{ SS_PLACE_PY_NAMED, 0, "model", ".name", SS_TYPE_NONE, 0 },
		{ SS_PLACE_PY_ARG, 1, NULL, "", SS_TYPE_STRING, SS_CAPTURE_CONTENT },
		{ SS_PLACE_PY_RESULT, 0, NULL, ".usage.0.total", SS_TYPE_INT64,
		  SS_CAPTURE_AT_EXIT },
		{ SS_PLACE_PY_ARG, 2, NULL, "", SS_TYPE_DOUBLE, 0 },
		{ SS_PLACE_PY_NAMED, 0, "id", "", SS_TYPE_STRING, 0 },
		{ SS_PLACE_PY_ITEM, 0, NULL, ".text", SS_TYPE_STRING,
		  SS_CAPTURE_EACH | SS_CAPTURE_CONTENT },
		{ SS_PLACE_PY_ITEM, 0, NULL, ".last", SS_TYPE_BOOL, SS_CAPTURE_EACH },
		/* as with native ones: an event is made when its call is over */
		{ SS_PLACE_PY_ARG, 2, NULL, "", SS_TYPE_NONE, SS_CAPTURE_AT_EXIT },
	};

	cr_assert_not_null(table);
	cr_assert_eq(table->captures.count, sizeof(expected) / sizeof(expected[0]));
	for (uint32_t i = 0; i < table->captures.count; i++) {
		const struct ss_capture *capture = capture_at(table, i);

		expect_value(table, &capture->value, expected[i].place, expected[i].index,
			     expected[i].name, expected[i].path);
		cr_expect_eq(capture->type, expected[i].type, "attribute %u", i);
		cr_expect_eq(capture->flags, expected[i].flags, "attribute %u", i);
		cr_expect_eq(capture->getter, SS_NO_INDEX);
		cr_expect_eq(capture->length_key != 0,
			     (expected[i].flags & SS_CAPTURE_CONTENT) != 0);
	}
	cr_expect_str_eq(text_of(table, capture_at(table, 1)->length_key), "prompt_length");
	free(table);
}

/* The result goes first, so the argument may not be taken before it; an item is none of the two. */
Test(python, fallbacks_wait)
{
	struct ss_binding_table *table = compile_entries(
		SS_ARCH_X86_64,
		"{\"python\": \"m:f\", \"role\": \"chat\", \"when\": \"call\", \"event\": \"e\",\n"
		" \"attributes\": [{\"key\": \"k\", \"value\": \"result.model\"},\n"
		"  {\"key\": \"k\", \"value\": \"item.model\"}, {\"key\": \"k\", \"value\": \"arg 1\"}]}");

	cr_assert_not_null(table);
	cr_expect_eq(capture_at(table, 0)->flags, SS_CAPTURE_AT_EXIT);
	cr_expect_eq(capture_at(table, 1)->flags, SS_CAPTURE_EACH);
	cr_expect_eq(capture_at(table, 2)->flags, SS_CAPTURE_AT_EXIT);
	free(table);
}

Test(python, names)
{
	static const char *const good[] = { "m:f", "_m.n2.o:C.D.e", "m:C.__call__", "m:_C__p.f",
					    "paquet.été:Über.ñ" };
	char text[256];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct ss_binding_table *table;

		snprintf(text, sizeof(text),
			 "{\"python\": \"%s\", \"role\": \"action\", \"when\": \"call\", "
			 "\"attributes\": [{\"key\": \"k\", \"value\": \"arg größe.β\"}]}",
			 good[i]);
		table = compile_entries(SS_ARCH_X86_64, text);
		cr_assert_not_null(table, "%s", good[i]);
		cr_expect_str_eq(text_of(table, entry_at(table, 0)->symbol), good[i]);
		free(table);
	}
}

Test(python, beside_native_entries)
{
	struct ss_binding_table *table = compile_entries(
		SS_ARCH_X86_64,
		"{\"symbol\": \"f\", \"role\": \"session\", \"when\": \"open\", \"handle\": \"arg 1\"},\n"
		"{\"python\": \"m:f\", \"role\": \"session\", \"when\": \"open\", \"handle\": \"arg 1\"},\n"
		"{\"callback\": \"m\", \"role\": \"stream\", \"when\": \"event\", \"event\": \"e\"},\n"
		"{\"python\": \"m:g\", \"role\": \"session\", \"when\": \"close\", \"handle\": \"arg 1\"},\n"
		"{\"symbol\": \"g\", \"role\": \"session\", \"when\": \"close\", \"handle\": \"arg 1\",\n"
		" \"callbacks\": [{\"arg\": 1, \"callback\": \"m\"}]}");
	const struct ss_callback *callbacks;

	cr_assert_not_null(table);
	cr_expect_eq(ss_binding_verify(table, table->bytes), 0);
	callbacks = ss_binding_array(table, table->callbacks);
	cr_expect_eq(callbacks[0].entry, 2);
	free(table);
}

Test(python, explanation)
{
	static const char expected[] =
		"t (t.json)\n"
		"  5 entries, 0 named result codes\n"
		"  Python talk.client:Talk.__init__: opens a span \"session t\"\n"
		"      handle: self\n"
		"      attribute model (as it is): name of argument \"model\"\n"
		"  Python talk.client:Talk.ask: each call is a span \"action ask\"\n"
		"      parent: self\n"
		"      attribute prompt (string, content): argument 1\n"
		"      attribute tokens (int): usage.0.total of the result\n"
		"      attribute warm (double): argument 2\n"
		"  Python talk.client:Talk.stream: each call is a span \"stream t\", each item an "
		"event \"token\"\n"
		"      attribute id (string): argument \"id\"\n"
		"      event's attribute text (string, content): text of the item\n"
		"      event's attribute last (bool): last of the item\n"
		"  Python talk:log: adds an event \"logged\"\n"
		"      handle: argument \"talk\"\n"
		"      attribute line (as it is): argument 2\n"
		"  Python talk.client:Talk.close: closes the session span\n"
		"      handle: self\n";
	struct ss_binding_table *table = compile_entries(SS_ARCH_X86_64, talk);
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	cr_assert_not_null(table);
	ss_explain_binding(out, table, 0);
	fclose(out);
	cr_expect_str_eq(text, expected, "%s", text);
	free(text);
	free(table);
}

Test(python, damaged_files_are_refused_or_compile)
{
	int refused = 0, rounds = 3000;

	srand(4);
	for (int i = 0; i < rounds; i++) {
		char *text = malloc(sizeof(talk) + 512), error[ERROR_BYTES];
		struct ss_binding_table *table = NULL;

		sprintf(text, "{\"spanshim\": 1, \"name\": \"t\", \"entries\": [%s]}", talk);
		for (int j = rand() % 4; j >= 0; j--)
			mutate(text);
		if (compile(SS_ARCH_X86_64, text, &table, error) == 0) {
			cr_expect_eq(ss_binding_verify(table, table->bytes), 0);
		} else {
			cr_expect_eq(strncmp(error, "t.json:", 7), 0, "%s", error);
			refused++;
		}
		free(table);
		free(text);
	}
	cr_expect(refused > rounds / 2 && refused < rounds, "%d refused", refused);
}

/* As in test_verify.c: what is let through must be readable. */
Test(python, damaged_tables_are_refused_or_harmless)
{
	struct ss_binding_table *table = compile_entries(SS_ARCH_X86_64, talk), *copy;
	uint32_t refused = 0, rounds = 20000;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	cr_assert_not_null(table);
	srand(5);
	for (uint32_t round = 0; round < rounds; round++) {
		copy = memcpy(aligned_alloc(8, table->bytes), table, table->bytes);
		for (int i = rand() % 4; i >= 0; i--)
			((unsigned char *)copy)[rand() % table->bytes] = rand();
		if (ss_binding_verify(copy, table->bytes) < 0)
			refused++;
		else if (copy->bindings.count > 0)
			ss_explain_binding(out, copy, 0);
		rewind(out);
		free(copy);
	}
	fclose(out);
	free(text);
	free(table);
	cr_expect(refused > rounds / 10 && refused < rounds, "%u refused", refused);
}
