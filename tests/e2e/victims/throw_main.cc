/* SPDX-License-Identifier: Apache-2.0
 *
 * C++ exceptions that leave wrapped calls, also several at once. Built with the shared libgcc and
 * libstdc++, and with its own copies of both.
 * Wrapped calls: vi_throw 5, all left by exceptions (my_error, int, std::string, std::out_of_range,
 * std::domain_error), none of them with VICTIM_OWN_RUNTIME; vi_call 4, of which 3 are left by
 * std::logic_error and 1 by a std::runtime_error out of an exception_ptr; vi_one 3, all return.
 */
#include "abi.h"
#include "check.h"

#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

static int destroyed;

struct counter {
	~counter()
	{
		destroyed++;
	}
};

#ifndef VICTIM_OWN_RUNTIME
static void check_kind(int kind, const char *expected)
{
	std::string got;

	try {
		counter counter;

		vi_throw(kind);
	} catch (std::exception &e) {
		got = e.what();
	} catch (int i) {
		got = std::to_string(i);
	} catch (std::string &s) {
		got = s;
	}
	CHECK(got == expected);
}

static void check_kinds(void)
{
	static const char *const expected[] = { "my message", "42", "text", "inner", "kept" };

	for (int kind = 1; kind <= 5; kind++)
		check_kind(kind, expected[kind - 1]);
	CHECK(destroyed == 5);
	destroyed = 0;
}
#endif

static void throw_logic_error(void *arg)
{
	vi_one(1);
	throw std::logic_error(static_cast<const char *>(arg));
}

static void call_inner(void *arg)
{
	counter counter;

	vi_call(throw_logic_error, arg);
}

static void check_nested(void)
{
	char message[] = "from the callback";
	bool caught = false;

	try {
		vi_call(call_inner, message);
	} catch (std::logic_error &e) {
		caught = !strcmp(e.what(), message);
	}
	CHECK(caught);
	CHECK(vi_one(1) == 2);
	caught = false;
	try {
		vi_call(throw_logic_error, message);
	} catch (...) {
		caught = true;
	}
	CHECK(caught);
}

static void rethrow(void *arg)
{
	std::rethrow_exception(*static_cast<std::exception_ptr *>(arg));
}

static void check_rethrown(void)
{
	std::exception_ptr kept;
	std::string got;

	try {
		throw std::runtime_error("kept for later");
	} catch (...) {
		kept = std::current_exception();
	}
	try {
		vi_call(rethrow, &kept);
	} catch (std::runtime_error &e) {
		got = e.what();
	}
	CHECK(got == "kept for later");
}

int main(void)
{
#ifndef VICTIM_OWN_RUNTIME
	check_kinds();
#endif
	check_nested();
	CHECK(destroyed == 1);
	check_rethrown();
	return check_report("throw");
}
