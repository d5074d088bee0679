/* SPDX-License-Identifier: Apache-2.0
 *
 * The personality routine: which exceptions it reports as what. Real ones come from this compiler's
 * runtime in the end-to-end tests; here are made ones, also of the C++ runtime that is not
 * installed.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/event.h"
#include "shim/intercept/intercept.h"
#include "shim/probe.h"

bool ss_retired; /* shim/hot.h */

enum { CONTINUE = 8, SEARCH = 1, CLEANUP = 2, FORCED = 8 };

struct made_exception {
	const void *reserve, *primary; /* libc++abi only */
	const void *type;              /* also libstdc++'s primary of a dependent one */
	const void *others[9];
	uint64_t class;
	const void *rest[3];
	int object;
} __attribute__((aligned(16)));

int ss_unwind_personality(int version, int actions, uint64_t class, void *exception, void *context);

/* As main.c does. */
static void setup(void)
{
	const char *preload = getenv("LD_PRELOAD");

	ss_probe_valgrind = preload && strstr(preload, "/vgpreload_");
}

TestSuite(unwind, .init = setup);

static int reports, last_status;
static const char *last_type;

void ss_record_unwound(uintptr_t sp, int status, const char *type, const char *message)
{
	char here;

	cr_expect_gt(sp, (uintptr_t)&here, "an address in the caller's frame");
	cr_expect_null(message);
	reports++;
	last_status = status;
	last_type = type;
	errno = EIO;
}

static const void *const type[] = { "virtual table", "8my_error" };
static const void *const local_type[] = { "virtual table", "*N12_GLOBAL__N_15localE" };

static uint64_t class_of(const char *name)
{
	uint64_t class = 0;

	for (int i = 0; i < 8; i++)
		class = class << 8 | (unsigned char)name[i];
	return class;
}

static int unwind(int actions, const char *class, struct made_exception *exception)
{
	errno = ENOENT;
	return ss_unwind_personality(1, actions, class_of(class), &exception->class, NULL);
}

static void expect_type(const char *class, struct made_exception *exception, const char *expected)
{
	reports = 0;
	cr_expect_eq(unwind(CLEANUP, class, exception), CONTINUE);
	cr_expect_eq(errno, ENOENT);
	cr_expect_eq(reports, 1);
	cr_expect_eq(last_status, SS_STATUS_EXCEPTION);
	if (expected)
		cr_expect_str_eq(last_type ? last_type : "(none)", expected);
	else
		cr_expect_null(last_type);
}

Test(unwind, search_phase_changes_nothing)
{
	struct made_exception exception = { .type = type };

	cr_expect_eq(unwind(SEARCH, "GNUCC++\0", &exception), CONTINUE);
	cr_expect_eq(reports, 0);
}

Test(unwind, unknown_version_is_an_error)
{
	struct made_exception exception = { .type = type };

	cr_expect_neq(ss_unwind_personality(2, CLEANUP, 0, &exception.class, NULL), CONTINUE);
	cr_expect_eq(reports, 0);
}

Test(unwind, forced_unwinding_is_a_cancellation)
{
	struct made_exception exception = { .type = type };

	cr_expect_eq(unwind(CLEANUP | FORCED, "GNUCFOR\0", &exception), CONTINUE);
	cr_expect_eq(reports, 1);
	cr_expect_eq(last_status, SS_STATUS_CANCELLED);
	cr_expect_null(last_type);
}

Test(unwind, both_runtimes_primary_exceptions)
{
	struct made_exception exception = { .type = type };

	expect_type("GNUCC++\0", &exception, "8my_error");
	expect_type("CLNGC++\0", &exception, "8my_error");
	exception.type = local_type;
	expect_type("GNUCC++\0", &exception, "N12_GLOBAL__N_15localE");
}

Test(unwind, both_runtimes_dependent_exceptions)
{
	struct made_exception primary = { .type = type };
	struct made_exception gnu = { .type = &primary.object };
	struct made_exception llvm = { .primary = &primary.object, .type = local_type };

	expect_type("GNUCC++\1", &gnu, "8my_error");
	expect_type("CLNGC++\1", &llvm, "8my_error");
}

Test(unwind, other_languages)
{
	struct made_exception exception = { .type = type };

	expect_type("MOZ\0RUST", &exception, "rust panic");
	expect_type("GNUCOBJC", &exception, NULL);
}

Test(unwind, damaged_headers_are_not_followed)
{
	struct made_exception exception = { .type = NULL };

	expect_type("GNUCC++\0", &exception, NULL);
	expect_type("GNUCC++\1", &exception, NULL);
	exception.type = (void *)0x10;
	expect_type("GNUCC++\0", &exception, NULL);
	expect_type("GNUCC++\1", &exception, NULL);
	exception.type = (const char *)type + 1;
	expect_type("GNUCC++\0", &exception, NULL);
}
