/* SPDX-License-Identifier: Apache-2.0
 *
 * The built-in bindings: what they compile to, counted and spot-checked, in both ways to get them.
 */
#include "support.h"

#include <errno.h>
#include <criterion/criterion.h>

#include "collector/binding/explain.h"
#include "collector/binding/verify.h"
#include "collector/collector.h"
#include "shim/bindings/builtin.h"
#include "shim/event.h"

static struct ss_binding_table *builtins(void)
{
	void *table = NULL;
	char error[ERROR_BYTES] = "";

	cr_assert_eq(ss_collector_compile(SS_COLLECTOR_ABI, "auto", &table, error, sizeof(error)),
		     0, "%s", error);
	return table;
}

static const struct ss_getter *getter_at(const struct ss_binding_table *table, uint32_t index)
{
	return (const struct ss_getter *)ss_binding_array(table, table->getters) + index;
}

static const struct ss_binding *binding_at(const struct ss_binding_table *table, uint32_t index)
{
	return (const struct ss_binding *)ss_binding_array(table, table->bindings) + index;
}

Test(builtins, counts)
{
	struct ss_binding_table *table = builtins();

	cr_expect_eq(table->bindings.count, 3);
	cr_expect_eq(table->entries.count, 22);
	cr_expect_eq(table->callbacks.count, 2);
	cr_expect_eq(table->constants.count, 1);
	cr_expect_eq(table->codes.count, 192);
	cr_expect_str_eq(text_of(table, binding_at(table, 0)->name), "curl");
	cr_expect_eq(binding_at(table, 0)->entry_count, 6);
	cr_expect_eq(binding_at(table, 0)->code_count, 86);
	cr_expect_str_eq(text_of(table, binding_at(table, 1)->name), "mellea");
	cr_expect_eq(binding_at(table, 1)->entry_count, 0);
	cr_expect_str_eq(text_of(table, binding_at(table, 1)->adapter), "mellea");
	cr_expect_str_eq(text_of(table, binding_at(table, 2)->name), "sqlite3");
	cr_expect_eq(binding_at(table, 2)->entry_count, 16);
	cr_expect_eq(binding_at(table, 2)->code_count, 106);
	cr_expect_eq(binding_at(table, 2)->adapter, 0);
	cr_expect_str_eq(text_of(table, binding_at(table, 2)->source), "built-in");
	free(table);
}

Test(builtins, embedded_table_is_what_the_collector_compiles)
{
	struct ss_binding_table *table = builtins();

	cr_expect_eq(ss_builtin_get()->bytes, table->bytes);
	cr_expect_eq(memcmp(ss_builtin_get(), table, table->bytes), 0);
	free(table);
}

Test(builtins, compiling_is_deterministic)
{
	struct ss_binding_table *a = builtins(), *b = builtins();

	cr_expect_eq(memcmp(a, b, a->bytes), 0);
	free(a);
	free(b);
}

Test(builtins, statement_is_an_action_of_its_connection)
{
	struct ss_binding_table *table = builtins();
	const struct ss_entry *entry = entry_of(table, "sqlite3_prepare_v2");
	const struct ss_capture *sql, *fallback;

	cr_assert_not_null(entry);
	cr_expect_eq(entry->when, SS_WHEN_OPEN);
	cr_expect_str_eq(text_of(table, entry->span_name), "action sqlite3");
	cr_expect_eq(entry->hook_open, SS_HOOK_COMPONENT_PRE_EXECUTE);
	cr_expect_eq(entry->hook_close, SS_HOOK_COMPONENT_POST_SUCCESS);
	cr_expect_eq(entry->hook_error, SS_HOOK_COMPONENT_POST_ERROR);
	cr_expect_eq(entry->handle.place, SS_PLACE_GPR);
	cr_expect_eq(entry->handle.index, 3);
	cr_expect_eq(entry->handle.out, 1);
	cr_expect_eq(entry->parent.index, 0);
	cr_expect_eq(entry->stack_words, 0);
	cr_assert_eq(entry->capture_count, 2);
	sql = capture_at(table, entry->first_capture);
	fallback = sql + 1;
	cr_expect_str_eq(text_of(table, sql->key), "db.query.text");
	cr_expect_str_eq(text_of(table, sql->length_key), "db.query.text_length");
	cr_expect_eq(sql->flags, SS_CAPTURE_AT_EXIT | SS_CAPTURE_CONTENT);
	cr_expect_str_eq(text_of(table, getter_at(table, sql->getter)->symbol), "sqlite3_sql");
	/* or it would win by being taken before the call */
	cr_expect_eq(fallback->flags, SS_CAPTURE_AT_EXIT | SS_CAPTURE_CONTENT);
	cr_expect_eq(fallback->getter, SS_NO_INDEX);
	cr_expect_eq(fallback->length.index, 2);
	cr_expect_eq(fallback->length.type, SS_TYPE_INT);
	free(table);
}

Test(builtins, step_is_a_stream_of_rows)
{
	struct ss_binding_table *table = builtins();
	const struct ss_entry *entry = entry_of(table, "sqlite3_step");
	const struct ss_getter *message, *database;

	cr_assert_not_null(entry);
	cr_expect_eq(entry->when, SS_WHEN_EVENT);
	cr_expect_str_eq(text_of(table, entry->event_name), "row");
	cr_expect_str_eq(text_of(table, entry->stream_name), "stream sqlite3");
	cr_expect_eq(entry->hook_point, SS_HOOK_STREAMING_EVENT);
	cr_expect_eq(entry->event_if.op, SS_OP_IN);
	cr_expect_eq(entry->event_if.operands[0], 100);
	cr_expect_eq(entry->ends.operands[0], 101);
	cr_expect_eq(entry->error.op, SS_OP_NOT_IN);
	cr_expect_eq(entry->error.count, 3);
	cr_expect_str_eq(text_of(table, entry->error_code_key), "db.response.status_code");
	cr_assert_neq(entry->error_message, SS_NO_INDEX);
	message = getter_at(table, capture_at(table, entry->error_message)->getter);
	cr_expect_str_eq(text_of(table, message->symbol), "sqlite3_errmsg");
	cr_expect_eq(message->args[0].place, SS_PLACE_GETTER);
	database = getter_at(table, message->args[0].constant);
	cr_expect_str_eq(text_of(table, database->symbol), "sqlite3_db_handle");
	free(table);
}

Test(builtins, busy_connection_stays_open)
{
	struct ss_binding_table *table = builtins();
	const struct ss_entry *entry = entry_of(table, "sqlite3_close");

	cr_assert_not_null(entry);
	cr_expect_eq(entry->when, SS_WHEN_CLOSE);
	cr_expect_eq(entry->role, SS_ROLE_SESSION);
	cr_expect_eq(entry->error.op, SS_OP_NOT_IN);
	cr_expect_eq(entry->error.operands[0], 0);
	cr_expect_eq(entry->ends.op, SS_OP_NEVER);
	entry = entry_of(table, "sqlite3_finalize");
	cr_expect_eq(entry->error.op, SS_OP_NEVER);
	cr_expect_eq(entry->error.value.place, SS_PLACE_RESULT);
	free(table);
}

Test(builtins, write_callback_becomes_chunks)
{
	struct ss_binding_table *table = builtins();
	const struct ss_entry *setopt = entry_of(table, "curl_easy_setopt");
	const struct ss_entry *write = entry_of(table, "write");
	const struct ss_callback *callbacks = ss_binding_array(table, table->callbacks);
	const struct ss_capture *size;

	cr_assert(setopt && write);
	cr_expect_eq(setopt->when, SS_WHEN_REGISTER);
	cr_expect_eq(setopt->only_if.operands[0], 20011);
	cr_expect_eq(setopt->only_if.value.index, 1);
	cr_assert_eq(setopt->callback_count, 1);
	cr_expect_eq(callbacks[setopt->first_callback].value.index, 2);
	cr_expect_eq(entry_at(table, callbacks[setopt->first_callback].entry), write);
	cr_expect_eq(write->flags, SS_ENTRY_CALLBACK);
	cr_assert_eq(write->capture_count, 2);
	size = capture_at(table, write->first_capture);
	cr_expect_eq(size->value.index, 1);
	cr_expect_eq(size->factor.index, 2);
	cr_expect_eq(size->type, SS_TYPE_UINT64);
	free(table);
}

Test(builtins, status_code_only_when_there_is_one)
{
	struct ss_binding_table *table = builtins();
	const struct ss_entry *perform = entry_of(table, "curl_easy_perform");
	const struct ss_capture *status;
	const struct ss_getter *getter;

	cr_assert_eq(perform->capture_count, 2);
	status = capture_at(table, perform->first_capture + 1);
	getter = getter_at(table, status->getter);
	cr_expect_eq(status->flags, SS_CAPTURE_AT_EXIT | SS_CAPTURE_NONZERO);
	cr_expect_eq(getter->arg_count, 2);
	cr_expect_eq(getter->out, 1);
	cr_expect_eq(getter->args[1].constant, 2097154);
	free(table);
}

Test(builtins, codes_ascend)
{
	struct ss_binding_table *table = builtins();
	const struct ss_code *codes = ss_binding_array(table, table->codes);

	for (uint32_t b = 0; b < table->bindings.count; b++)
		for (uint32_t i = 1; i < binding_at(table, b)->code_count; i++)
			cr_expect_lt(codes[binding_at(table, b)->first_code + i - 1].value,
				     codes[binding_at(table, b)->first_code + i].value);
	free(table);
}

Test(builtins, explanation_names_every_symbol)
{
	struct ss_binding_table *table = builtins();
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	ss_explain_binding(out, table, 0);
	ss_explain_binding(out, table, 2);
	fclose(out);
	for (uint32_t i = 0; i < table->entries.count; i++)
		cr_expect_not_null(strstr(text, text_of(table, entry_at(table, i)->symbol)));
	cr_expect_not_null(strstr(text, "  sqlite3_close: closes the session span\n"
					"      handle: argument 1\n"
					"      stays open if the result is not 0\n"));
	cr_expect_not_null(strstr(text, "sqlite3_errmsg(sqlite3_db_handle(argument 1))\n"));
	free(text);
	free(table);
}

/* An adapter stands for entries: its spans and the hooks that make them are told instead. */
Test(builtins, adapter_is_explained)
{
	struct ss_binding_table *table = builtins();
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	ss_explain_binding(out, table, 1);
	fclose(out);
	cr_expect_eq(strncmp(text, "mellea (built-in): Mellea", 25), 0, "%s", text);
	cr_expect_not_null(strstr(text, "  span \"action\"\n      from component_pre_execute to "
					"component_post_success or component_post_error\n"));
	cr_expect_not_null(strstr(text, "  span \"stream\" (up to 0.7: stream_with_chunking)\n"));
	cr_expect_null(strstr(text, "entries"));
	free(text);
	free(table);
}

Test(builtins, selection)
{
	uint64_t enabled = 99;

	cr_expect_eq(ss_builtin_select("auto", &enabled), 0);
	cr_expect_eq(enabled, 7);
	cr_expect_eq(ss_builtin_select("sqlite3", &enabled), 0);
	cr_expect_eq(enabled, 4);
	cr_expect_eq(ss_builtin_select("mellea", &enabled), 0);
	cr_expect_eq(enabled, 2);
	cr_expect_eq(ss_builtin_select("sqlite3::curl:", &enabled), 0);
	cr_expect_eq(enabled, 5);
	cr_expect_eq(ss_builtin_select("none", &enabled), 0);
	cr_expect_eq(enabled, 0);
	cr_expect_eq(ss_builtin_select("", &enabled), 0);
	cr_expect_eq(enabled, 0);
	enabled = 99;
	cr_expect_eq(ss_builtin_select("sqlite3:./mine.json", &enabled), -ENOENT);
	cr_expect_eq(ss_builtin_select("sqlite", &enabled), -ENOENT);
	cr_expect_eq(ss_builtin_select("sqlite33", &enabled), -ENOENT);
	cr_expect_eq(enabled, 99, "untouched on failure");
}

Test(builtins, verified)
{
	cr_expect_eq(ss_binding_verify(ss_builtin_get(), ss_builtin_get()->bytes), 0);
}
