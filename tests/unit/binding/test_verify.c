/* SPDX-License-Identifier: Apache-2.0
 *
 * The bounds check of tables from files that a crash may have torn.
 */
#include "support.h"

#include <errno.h>
#include <criterion/criterion.h>

#include "collector/binding/explain.h"
#include "collector/binding/verify.h"
#include "shim/bindings/builtin.h"

static struct ss_binding_table *copy_of_builtins(void)
{
	uint32_t bytes = ss_builtin_get()->bytes;

	return memcpy(aligned_alloc(8, bytes), ss_builtin_table, bytes);
}

/* Overwrites one field of a fresh copy, and expects that to be noticed. */
#define EXPECT_REFUSED(type, array, index, field, bad)                                          \
	do {                                                                                    \
		struct ss_binding_table *copy = copy_of_builtins();                             \
		type *item = (type *)ss_binding_array(copy, copy->array) + (index);             \
                                                                                                \
		item->field = (bad);                                                            \
		cr_expect_eq(ss_binding_verify(copy, copy->bytes), -EINVAL, #array "." #field); \
		free(copy);                                                                     \
	} while (0)

#define EXPECT_HEADER_REFUSED(field, bad)                                      \
	do {                                                                   \
		struct ss_binding_table *copy = copy_of_builtins();            \
		uint32_t bytes = copy->bytes;                                  \
                                                                               \
		copy->field = (bad);                                           \
		cr_expect_eq(ss_binding_verify(copy, bytes), -EINVAL, #field); \
		free(copy);                                                    \
	} while (0)

Test(verify, header)
{
	EXPECT_HEADER_REFUSED(magic, 0);
	EXPECT_HEADER_REFUSED(version, SS_BINDING_VERSION + 1);
	EXPECT_HEADER_REFUSED(bytes, bytes + 8);
	EXPECT_HEADER_REFUSED(bytes, 16);
	EXPECT_HEADER_REFUSED(entries.count, 100000000);
	EXPECT_HEADER_REFUSED(entries.offset, 4);
	EXPECT_HEADER_REFUSED(captures.offset, 0xfffffff8);
	EXPECT_HEADER_REFUSED(bindings.offset, copy->bindings.offset + 4);
	EXPECT_HEADER_REFUSED(strings.count, 10);
	EXPECT_HEADER_REFUSED(strings.count, copy->strings.count - 1);
	EXPECT_HEADER_REFUSED(strings.count, 0xffffffff);
}

Test(verify, truncated)
{
	struct ss_binding_table *copy = copy_of_builtins();

	cr_expect_eq(ss_binding_verify(copy, copy->bytes), 0);
	cr_expect_eq(ss_binding_verify(copy, copy->bytes - 1), -EINVAL);
	cr_expect_eq(ss_binding_verify(copy, sizeof(*copy) - 1), -EINVAL);
	cr_expect_eq(ss_binding_verify(copy, 0), -EINVAL);
	free(copy);
}

Test(verify, entries)
{
	EXPECT_REFUSED(struct ss_entry, entries, 3, symbol, 0);
	EXPECT_REFUSED(struct ss_entry, entries, 3, symbol, copy->strings.count);
	EXPECT_REFUSED(struct ss_entry, entries, 3, span_name, 0);
	EXPECT_REFUSED(struct ss_entry, entries, 3, event_name, 7);
	EXPECT_REFUSED(struct ss_entry, entries, 3, stream_name, 7);
	EXPECT_REFUSED(struct ss_entry, entries, 3, error_code_key, 7);
	EXPECT_REFUSED(struct ss_entry, entries, 3, binding, 3);
	EXPECT_REFUSED(struct ss_entry, entries, 3, role, SS_ROLE_COUNT);
	EXPECT_REFUSED(struct ss_entry, entries, 3, when, SS_WHEN_COUNT);
	EXPECT_REFUSED(struct ss_entry, entries, 3, hook_open, 200);
	EXPECT_REFUSED(struct ss_entry, entries, 3, hook_error, 200);
	EXPECT_REFUSED(struct ss_entry, entries, 3, next_same_symbol, 3);
	EXPECT_REFUSED(struct ss_entry, entries, 3, next_same_symbol, 22);
	EXPECT_REFUSED(struct ss_entry, entries, 3, error_message, 1000);
	EXPECT_REFUSED(struct ss_entry, entries, 3, capture_count, 1000);
	EXPECT_REFUSED(struct ss_entry, entries, 3, first_capture, 0xffffffff);
	EXPECT_REFUSED(struct ss_entry, entries, 3, callback_count, 3);
	EXPECT_REFUSED(struct ss_entry, entries, 3, error.op, SS_OP_COUNT);
	EXPECT_REFUSED(struct ss_entry, entries, 3, error.count, SS_OPERANDS_MAX + 1);
	EXPECT_REFUSED(struct ss_entry, entries, 3, error.count, 0);
	EXPECT_REFUSED(struct ss_entry, entries, 3, handle.place, SS_PLACE_COUNT);
	EXPECT_REFUSED(struct ss_entry, entries, 3, handle.place, SS_PLACE_GETTER);
	EXPECT_REFUSED(struct ss_entry, entries, 3, parent.index, 8);
	EXPECT_REFUSED(struct ss_entry, entries, 3, parent.type, SS_TYPE_COUNT);
}

Test(verify, parts)
{
	EXPECT_REFUSED(struct ss_capture, captures, 0, key, 63);
	EXPECT_REFUSED(struct ss_capture, captures, 0, length_key, copy->strings.count);
	EXPECT_REFUSED(struct ss_capture, captures, 0, getter, copy->getters.count);
	EXPECT_REFUSED(struct ss_capture, captures, 0, type, SS_TYPE_COUNT);
	EXPECT_REFUSED(struct ss_capture, captures, 0, length.out, 2);
	EXPECT_REFUSED(struct ss_getter, getters, 0, symbol, 1);
	EXPECT_REFUSED(struct ss_getter, getters, 0, arg_count, SS_GETTER_ARGS_MAX + 1);
	EXPECT_REFUSED(struct ss_getter, getters, 0, out, 2);
	EXPECT_REFUSED(struct ss_getter, getters, 0, args[0].place, SS_PLACE_GETTER);
	EXPECT_REFUSED(struct ss_callback, callbacks, 0, entry, 1000);
	EXPECT_REFUSED(struct ss_callback, callbacks, 0, entry, 0);
	EXPECT_REFUSED(struct ss_code, codes, 5, name, 0);
	EXPECT_REFUSED(struct ss_constant, constants, 0, key, 0);
	EXPECT_REFUSED(struct ss_constant, constants, 0, value, 0xffffffff);
	EXPECT_REFUSED(struct ss_binding, bindings, 1, name, 0);
	EXPECT_REFUSED(struct ss_binding, bindings, 2, entry_count, 1000);
	EXPECT_REFUSED(struct ss_binding, bindings, 2, first_code, 1000);
	EXPECT_REFUSED(struct ss_binding, bindings, 2, constant_count, 2);
	EXPECT_REFUSED(struct ss_binding, bindings, 1, adapter, 7);
	EXPECT_REFUSED(struct ss_binding, bindings, 1, adapter, copy->strings.count);
}

/* Values of Python calls name strings. */
Test(verify, python_values)
{
	struct ss_binding_table *table = compile_entries(
		SS_ARCH_X86_64, "{\"python\": \"m:C.f\", \"role\": \"stream\", \"when\": \"call\", "
				"\"parent\": \"arg a.b\"}");
	struct ss_entry *entry;
	uint32_t name;

	cr_assert_not_null(table);
	entry = (struct ss_entry *)entry_at(table, 0);
	cr_expect_eq(ss_binding_verify(table, table->bytes), 0);
	cr_expect_eq(entry->event_name, 0);
	entry->flags &= ~SS_ENTRY_PYTHON;
	cr_expect_eq(ss_binding_verify(table, table->bytes), -EINVAL, "others have a name there");
	entry->flags |= SS_ENTRY_PYTHON;
	name = entry->parent.argument;
	entry->parent.argument = table->strings.count;
	cr_expect_eq(ss_binding_verify(table, table->bytes), -EINVAL);
	entry->parent.argument = name;
	entry->parent.constant |= 1ll << 32;
	cr_expect_eq(ss_binding_verify(table, table->bytes), -EINVAL);
	entry->parent.constant = 3;
	cr_expect_eq(ss_binding_verify(table, table->bytes), -EINVAL);
	entry->parent.constant = -1;
	cr_expect_eq(ss_binding_verify(table, table->bytes), -EINVAL);
	free(table);
}

/* Getters of getters would be calls without end. */
Test(verify, getters_nest_once)
{
	struct ss_binding_table *copy = copy_of_builtins();
	struct ss_getter *getters = (struct ss_getter *)ss_binding_array(copy, copy->getters);

	getters[1].arg_count = 1;
	getters[1].args[0] = (struct ss_value){ .place = SS_PLACE_GETTER, .type = SS_TYPE_POINTER };
	getters[0].arg_count = 0;
	cr_expect_eq(ss_binding_verify(copy, copy->bytes), 0);
	getters[1].args[0].constant = 1;
	cr_expect_eq(ss_binding_verify(copy, copy->bytes), -EINVAL, "a getter of itself");
	getters[1].args[0].constant = 0;
	getters[2].arg_count = 1;
	getters[2].args[0] = (struct ss_value){ .place = SS_PLACE_GETTER, .constant = 1 };
	cr_expect_eq(ss_binding_verify(copy, copy->bytes), -EINVAL, "two levels");
	free(copy);
}

/* What verify lets through must be readable: under ASan, this test is about explain's reads. */
Test(verify, random_damage_is_refused_or_harmless)
{
	uint32_t bytes = ss_builtin_get()->bytes, refused = 0;
	char *text = NULL;
	size_t text_bytes;
	FILE *out = open_memstream(&text, &text_bytes);

	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct ss_binding_table *copy = copy_of_builtins();
		unsigned char *data = (unsigned char *)copy;

		for (int i = rand() % 4; i >= 0; i--)
			data[rand() % (i & 1 ? bytes : 12000)] = rand();
		if (ss_binding_verify(copy, bytes) < 0)
			refused++;
		else
			for (uint32_t b = 0; b < copy->bindings.count; b++)
				ss_explain_binding(out, copy, b);
		rewind(out);
		free(copy);
	}
	fclose(out);
	free(text);
	cr_expect(refused > 5000 && refused < 20000, "%u refused", refused);
}
