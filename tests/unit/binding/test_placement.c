/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the calling conventions put arguments, against hand-worked examples of the two ABIs.
 */
#include "support.h"

#include <criterion/criterion.h>

struct expectation {
	uint8_t place, index;
};

/* Compiles an entry that takes every named argument as an attribute and compares the places. */
static void expect_places(enum ss_arch arch, const char *args, const char *returns,
			  const char *attributes, const struct expectation *expected,
			  uint32_t count, uint8_t stack_words)
{
	struct ss_binding_table *table;
	char text[4096];

	snprintf(text, sizeof(text),
		 "{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\", %s \"returns\": "
		 "\"%s\", \"attributes\": [%s]}",
		 args, returns, attributes);
	table = compile_entries(arch, text);
	cr_assert_not_null(table, "%s", text);
	cr_assert_eq(entry_at(table, 0)->capture_count, count);
	cr_expect_eq(entry_at(table, 0)->stack_words, stack_words, "%s: %u stack words", args,
		     entry_at(table, 0)->stack_words);
	for (uint32_t i = 0; i < count; i++) {
		const struct ss_value *value = &capture_at(table, i)->value;

		cr_expect_eq(value->place, expected[i].place, "%s: attribute %u in place %u", args,
			     i, value->place);
		cr_expect_eq(value->index, expected[i].index, "%s: attribute %u at index %u", args,
			     i, value->index);
	}
	free(table);
}

#define GPR(n)                  \
	{                       \
		SS_PLACE_GPR, n \
	}
#define FPR(n)                  \
	{                       \
		SS_PLACE_FPR, n \
	}
#define STACK(n)                  \
	{                         \
		SS_PLACE_STACK, n \
	}
#define PLACES(...)                                    \
	((const struct expectation[]){ __VA_ARGS__ }), \
		sizeof((const struct expectation[]){ __VA_ARGS__ }) / sizeof(struct expectation)
#define A(n)  "{\"key\": \"k" #n "\", \"value\": \"arg " #n "\"}"
#define AT(n) "{\"key\": \"k" #n "\", \"value\": \"arg " #n "\", \"type\": \"int\"}"

Test(placement, integers_x86_64)
{
	expect_places(SS_ARCH_X86_64,
		      "\"args\": [\"int\", \"int64\", \"size\", \"bool\", \"string\", \"uint\", "
		      "\"int\", \"uint64\"],",
		      "int", A(1) "," A(3) "," A(6) "," A(7) "," A(8),
		      PLACES(GPR(0), GPR(2), GPR(5), STACK(0), STACK(1)), 2);
}

Test(placement, integers_aarch64)
{
	expect_places(SS_ARCH_AARCH64,
		      "\"args\": [\"int\", \"int64\", \"size\", \"bool\", \"string\", \"uint\", "
		      "\"int\", \"uint64\", \"int\"],",
		      "int", A(1) "," A(6) "," A(7) "," A(8) "," A(9),
		      PLACES(GPR(0), GPR(5), GPR(6), GPR(7), STACK(0)), 1);
}

Test(placement, mixed_registers)
{
	expect_places(SS_ARCH_X86_64, "\"args\": [\"double\", \"int\", \"float\", \"string\"],",
		      "int", A(1) "," A(2) "," A(3) "," A(4),
		      PLACES(FPR(0), GPR(0), FPR(1), GPR(1)), 0);
}

Test(placement, doubles_overflow_to_the_stack)
{
	expect_places(SS_ARCH_X86_64,
		      "\"args\": [\"double\", \"double\", \"double\", \"double\", \"double\", "
		      "\"double\", \"double\", \"double\", \"int\", \"double\"],",
		      "int", A(8) "," A(9) "," A(10), PLACES(FPR(7), GPR(0), STACK(0)), 1);
}

Test(placement, struct_by_value)
{
	expect_places(
		SS_ARCH_X86_64,
		"\"args\": [\"int\", \"struct:96\", \"int\", \"int\", \"int\", \"int\", \"int\", "
		"\"int\"],",
		"int", A(1) "," A(3) "," A(7) "," A(8), PLACES(GPR(0), GPR(1), GPR(5), STACK(12)),
		13);
	/* AAPCS64: a pointer to a copy, in an integer register */
	expect_places(SS_ARCH_AARCH64, "\"args\": [\"int\", \"struct:96\", \"int\"],", "int",
		      A(1) "," A(3), PLACES(GPR(0), GPR(2)), 0);
}

Test(placement, alignment_leaves_gaps)
{
	expect_places(
		SS_ARCH_X86_64,
		"\"args\": [\"struct:24\", \"struct:64:64\", \"int\", \"int\", \"int\", \"int\", "
		"\"int\", \"int\", \"int\"],",
		"int", A(3) "," A(9), PLACES(GPR(0), STACK(16)), 17);
	expect_places(SS_ARCH_X86_64,
		      "\"args\": [\"int\", \"int\", \"int\", \"int\", \"int\", \"int\", \"int\", "
		      "\"longdouble\", \"int\"],",
		      "int", A(7) "," A(9), PLACES(STACK(0), STACK(4)), 5);
}

Test(placement, long_double_and_vectors)
{
	expect_places(SS_ARCH_X86_64,
		      "\"args\": [\"vector:32\", \"double\", \"longdouble\", \"double\", \"int\"],",
		      "int", A(2) "," A(4) "," A(5), PLACES(FPR(1), FPR(2), GPR(0)), 2);
	expect_places(SS_ARCH_AARCH64,
		      "\"args\": [\"vector:16\", \"double\", \"longdouble\", \"double\"],", "int",
		      A(2) "," A(4), PLACES(FPR(1), FPR(3)), 0);
}

Test(placement, struct_results_shift_x86_64_only)
{
	expect_places(
		SS_ARCH_X86_64,
		"\"args\": [\"int\", \"int\", \"int\", \"int\", \"int\", \"int\", \"double\"],",
		"struct", A(1) "," A(5) "," A(6) "," A(7), PLACES(GPR(1), GPR(5), STACK(0), FPR(0)),
		1);
	expect_places(SS_ARCH_AARCH64, "\"args\": [\"int\", \"int\"],", "struct", A(1) "," A(2),
		      PLACES(GPR(0), GPR(1)), 0);
}

Test(placement, undeclared_arguments_are_words)
{
	expect_places(SS_ARCH_X86_64, "", "int", AT(1) "," AT(6) "," AT(7) "," AT(22),
		      PLACES(GPR(0), GPR(5), STACK(0), STACK(15)), 16);
	expect_places(SS_ARCH_X86_64, "", "struct", AT(1) "," AT(5) "," AT(6) "," AT(21),
		      PLACES(GPR(1), GPR(5), STACK(0), STACK(15)), 16);
	expect_places(SS_ARCH_AARCH64, "", "int", AT(8) "," AT(9), PLACES(GPR(7), STACK(0)), 16);
}

Test(placement, varargs_need_spare_words)
{
	expect_places(SS_ARCH_X86_64, "\"args\": [\"string\", \"...\"],", "int", A(1),
		      PLACES(GPR(0)), 16);
	expect_places(
		SS_ARCH_X86_64,
		"\"args\": [\"int\", \"int\", \"int\", \"int\", \"int\", \"int\", \"int\", \"...\"],",
		"int", A(7), PLACES(STACK(0)), 17);
}

Test(placement, results)
{
	static const struct {
		const char *returns;
		uint8_t place, type;
	} cases[] = {
		{ "int", SS_PLACE_RESULT, SS_TYPE_INT },
		{ "size", SS_PLACE_RESULT, SS_TYPE_UINT64 },
		{ "bool", SS_PLACE_RESULT, SS_TYPE_BOOL },
		{ "string", SS_PLACE_RESULT, SS_TYPE_STRING },
		{ "double", SS_PLACE_FRESULT, SS_TYPE_DOUBLE },
	};
	char text[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ss_binding_table *table;

		snprintf(
			text, sizeof(text),
			"{\"symbol\": \"f\", \"role\": \"action\", \"when\": \"call\", \"returns\": "
			"\"%s\", \"attributes\": [{\"key\": \"k\", \"value\": \"result\"}]}",
			cases[i].returns);
		table = compile_entries(SS_ARCH_X86_64, text);
		cr_assert_not_null(table);
		cr_expect_eq(capture_at(table, 0)->value.place, cases[i].place);
		cr_expect_eq(capture_at(table, 0)->value.type, cases[i].type);
		cr_expect_eq(capture_at(table, 0)->flags, SS_CAPTURE_AT_EXIT);
		free(table);
	}
}
