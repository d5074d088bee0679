/* SPDX-License-Identifier: Apache-2.0
 *
 * What valid entries compile to, where the built-in bindings do not show it; and that damaged files
 * never do worse than being refused.
 */
#include "support.h"

#include <criterion/criterion.h>

#include "collector/binding/locator.h"
#include "collector/binding/suggest.h"
#include "collector/binding/verify.h"
#include "shim/event.h"

Test(entries, chain_of_one_symbol)
{
	struct ss_binding_table *table = compile_entries(
		SS_ARCH_X86_64,
		"{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\", \"only_if\": {\"value\": "
		"\"arg 1\", \"above\": 3}},\n{\"symbol\": \"g\", \"role\": \"action\", \"when\": "
		"\"call\"},\n{\"symbol\": \"f\", \"role\": \"chat\", \"when\": \"call\", \"name\": \"m\"}");

	cr_assert_not_null(table);
	cr_expect_eq(entry_at(table, 0)->next_same_symbol, 2);
	cr_expect_eq(entry_at(table, 1)->next_same_symbol, SS_NO_INDEX);
	cr_expect_eq(entry_at(table, 2)->next_same_symbol, SS_NO_INDEX);
	cr_expect_eq(entry_at(table, 0)->only_if.op, SS_OP_ABOVE);
	cr_expect_eq(entry_at(table, 0)->only_if.value.type, SS_TYPE_INT);
	cr_expect_str_eq(text_of(table, entry_at(table, 2)->span_name), "chat m");
	cr_expect_eq(entry_at(table, 2)->hook_open, SS_HOOK_GENERATION_PRE_CALL);
	cr_expect_eq(entry_at(table, 2)->hook_point, SS_HOOK_GENERATION_EVENT);
	cr_expect_eq(entry_at(table, 2)->hook_close, SS_HOOK_GENERATION_POST_CALL);
	cr_expect_eq(entry_at(table, 2)->hook_error, SS_HOOK_GENERATION_ERROR);
	free(table);
}

Test(entries, conditions)
{
	struct ss_binding_table *table = compile_entries(
		SS_ARCH_X86_64,
		"{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\", \"returns\": \"int64\", "
		"\"only_if\": {\"value\": \"arg 2\", \"null\": false}, "
		"\"error\": {\"if\": {\"below\": -7}}},\n"
		"{\"symbol\": \"g\", \"role\": \"action\", \"when\": \"call\", \"returns\": \"pointer\", "
		"\"error\": {\"if\": {\"null\": true}, \"message\": \"out 3\"}},\n"
		"{\"symbol\": \"h\", \"role\": \"action\", \"when\": \"call\", \"error\": {\"if\": "
		"{\"value\": \"out 1\", \"is_not\": [4, 5]}}}");
	const struct ss_condition *error;
	const struct ss_capture *message;

	cr_assert_not_null(table);
	cr_expect_eq(entry_at(table, 0)->only_if.op, SS_OP_NOT_IN);
	cr_expect_eq(entry_at(table, 0)->only_if.value.type, SS_TYPE_POINTER);
	error = &entry_at(table, 0)->error;
	cr_expect(error->op == SS_OP_BELOW && error->operands[0] == -7 && error->count == 1);
	cr_expect_eq(error->value.type, SS_TYPE_INT64);
	error = &entry_at(table, 1)->error;
	cr_expect(error->op == SS_OP_IN && error->operands[0] == 0 && error->count == 1);
	message = capture_at(table, entry_at(table, 1)->error_message);
	cr_expect_eq(message->key, SS_KEY_STATUS_MESSAGE);
	cr_expect(message->value.out == 1 && message->value.type == SS_TYPE_STRING);
	error = &entry_at(table, 2)->error;
	cr_expect(error->op == SS_OP_NOT_IN && error->count == 2 && error->value.out == 1);
	free(table);
}

Test(entries, events_without_a_stream)
{
	struct ss_binding_table *table = compile_entries(
		SS_ARCH_X86_64,
		"{\"symbol\": \"o\", \"role\": \"session\", \"when\": \"open\", \"handle\": \"arg 1\"},\n"
		"{\"symbol\": \"f\", \"role\": \"session\", \"when\": \"event\", \"event\": \"tick\", "
		"\"stream\": false, \"handle\": \"arg 1\", \"attributes\": [{\"key\": \"n\", \"value\": "
		"\"arg 2\", \"type\": \"int\"}]}");

	cr_assert_not_null(table);
	cr_expect_eq(entry_at(table, 1)->stream_name, 0);
	cr_expect_str_eq(text_of(table, entry_at(table, 1)->event_name), "tick");
	cr_expect_eq(entry_at(table, 1)->event_if.op, SS_OP_ALWAYS);
	cr_expect_eq(entry_at(table, 1)->ends.op, SS_OP_NEVER);
	/* an event is written when its call ends, so nothing is taken before */
	cr_expect_eq(capture_at(table, 0)->flags, SS_CAPTURE_AT_EXIT);
	free(table);
}

Test(entries, captures_before_and_after)
{
	struct ss_binding_table *table = compile_entries(
		SS_ARCH_X86_64,
		"{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\", \"error\": {\"if\": "
		"{\"is\": 1}}, \"attributes\": ["
		"{\"key\": \"a\", \"value\": \"arg 1\", \"type\": \"int\"},"
		"{\"key\": \"b\", \"value\": \"out 1\", \"type\": \"double\"},"
		"{\"key\": \"c\", \"value\": \"arg 1\", \"type\": \"string\", \"length\": \"out 2\"},"
		"{\"key\": \"d\", \"value\": \"arg 1\", \"type\": \"int\", \"on\": \"error\"},"
		"{\"key\": \"e\", \"value\": \"arg 1\", \"type\": \"string\", \"length\": 8}]}");
	static const uint16_t flags[] = { 0, SS_CAPTURE_AT_EXIT, SS_CAPTURE_AT_EXIT,
					  SS_CAPTURE_AT_EXIT | SS_CAPTURE_ON_ERROR, 0 };

	cr_assert_not_null(table);
	cr_assert_eq(table->captures.count, 5);
	for (uint32_t i = 0; i < 5; i++)
		cr_expect_eq(capture_at(table, i)->flags, flags[i], "attribute %u", i);
	cr_expect_eq(capture_at(table, 4)->length.place, SS_PLACE_CONST);
	cr_expect_eq(capture_at(table, 4)->length.constant, 8);
	free(table);
}

Test(entries, callbacks_are_found_before_and_after)
{
	struct ss_binding_table *table = compile_entries(
		SS_ARCH_X86_64,
		"{\"callback\": \"early\", \"role\": \"stream\", \"when\": \"event\", \"event\": \"e\"},\n"
		"{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\", \"callbacks\": "
		"[{\"arg\": 8, \"callback\": \"late\"}, {\"arg\": 2, \"callback\": \"early\"}]},\n"
		"{\"callback\": \"late\", \"role\": \"stream\", \"when\": \"event\", \"event\": \"e\"}");
	const struct ss_callback *callbacks;

	cr_assert_not_null(table);
	callbacks = ss_binding_array(table, table->callbacks);
	cr_expect_eq(callbacks[0].entry, 2);
	cr_expect_eq(callbacks[0].value.place, SS_PLACE_STACK);
	cr_expect_eq(callbacks[0].value.index, 1);
	cr_expect_eq(callbacks[1].entry, 0);
	cr_expect_eq(callbacks[1].value.index, 1);
	free(table);
}

Test(entries, a_callback_may_be_called_like_a_symbol)
{
	struct ss_binding_table *table = compile_entries(
		SS_ARCH_X86_64,
		"{\"callback\": \"f\", \"role\": \"action\", \"when\": \"call\"},\n{\"symbol\": \"f\", "
		"\"role\": \"action\", \"when\": \"call\", \"callbacks\": [{\"arg\": 1, \"callback\": "
		"\"f\"}]}");

	cr_assert_not_null(table);
	cr_expect_eq(entry_at(table, 0)->flags, SS_ENTRY_CALLBACK);
	cr_expect_eq(entry_at(table, 0)->next_same_symbol, SS_NO_INDEX);
	free(table);
}

Test(entries, strings_are_shared)
{
	struct ss_block block;
	char text[32];
	uint32_t first;

	cr_assert_eq(ss_block_init(&block), 0);
	first = ss_block_string(&block, "text 0");
	cr_expect_eq(ss_block_string(&block, ""), SS_KEY_RESERVED);
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		cr_expect_str_eq(ss_block_text(&block, ss_block_string(&block, text)), text);
	}
	cr_expect_eq(ss_block_string(&block, "text 0"), first);
	ss_block_deinit(&block);
}

Test(entries, lines_of_nodes)
{
	static const char text[] =
		"\xef\xbb\xbf\n{ \"a\" :\n [1, \"x:,]\\\"\n\", {\"b\"\n:\n2}],\n\"c\": {}}";
	cJSON *root = cJSON_ParseWithLength(text, sizeof(text));
	const cJSON *array, *item;
	char path[64];

	cr_assert_not_null(root);
	array = cJSON_GetObjectItem(root, "a");
	cr_expect_eq(ss_locator_line(text, sizeof(text) - 1, root, root), 2);
	cr_expect_eq(ss_locator_line(text, sizeof(text) - 1, root, array), 2);
	cr_expect_eq(ss_locator_line(text, sizeof(text) - 1, root, cJSON_GetArrayItem(array, 1)),
		     3);
	item = cJSON_GetObjectItem(cJSON_GetArrayItem(array, 2), "b");
	cr_expect_eq(ss_locator_line(text, sizeof(text) - 1, root, item), 4);
	cr_expect_eq(ss_locator_path(root, item, path, sizeof(path)), 0);
	cr_expect_str_eq(path, "a[2].b");
	cr_expect_eq(ss_locator_path(root, item, path, 5), 0);
	cr_expect_str_eq(path, "a[2]");
	item = cJSON_GetObjectItem(root, "c");
	cr_expect_eq(ss_locator_line(text, sizeof(text) - 1, root, item), 7);
	cr_expect_eq(ss_locator_line(text, sizeof(text) - 1, array, item), 0);
	cJSON_Delete(root);
}

Test(entries, suggestions)
{
	static const char *const words[] = { "handle", "parent", "error" };

	cr_expect_str_eq(ss_suggest_nearest("handel", words, 3), "handle");
	cr_expect_str_eq(ss_suggest_nearest("parents", words, 3), "parent");
	cr_expect_null(ss_suggest_nearest("banana", words, 3));
	cr_expect_null(ss_suggest_nearest("", words, 3));
}

Test(entries, damaged_files_are_refused_or_compile, .timeout = 300)
{
	int refused = 0, rounds = 3000;

	srand(2);
	for (int i = 0; i < rounds; i++) {
		/* the first and the last: the one between them is short */
		const struct ss_binding_text *source = &ss_compile_builtins[i % 2 * 2];
		char *text = malloc(source->bytes + 256), error[ERROR_BYTES];
		struct ss_binding_table *table = NULL;

		strcpy(text, source->text);
		for (int j = rand() % 8; j >= 0; j--)
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
