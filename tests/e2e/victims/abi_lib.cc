/* SPDX-License-Identifier: Apache-2.0
 *
 * libvictim.so: see abi.h. Each function computes something from every argument, so that a wrong
 * one is noticed.
 */
#include "abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <exception>
#include <stdexcept>
#include <string>

struct my_error : std::runtime_error {
	using runtime_error::runtime_error;
};

long vi_none(void)
{
	return 7;
}

long vi_one(long a)
{
	return a + 1;
}

long vi_ten(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

struct vi_big vi_big(struct vi_big big, long factor)
{
	struct vi_big result;

	for (int i = 0; i < 12; i++)
		result.a[i] = big.a[i] * factor;
	big.a[0] = -1; /* ours, not the caller's */
	return result;
}

long vi_aligned(long a, struct vi_wide wide)
{
	return (reinterpret_cast<uintptr_t>(&wide) & 63) ? -1 : a + wide.a[7];
}

struct vi_mixed vi_mixed(struct vi_mixed mixed)
{
	return { mixed.x * 2, mixed.y * 3 };
}

long double vi_long_double(long double a, long double b)
{
	return a / b;
}

_Complex long double vi_complex(_Complex long double a)
{
	return a * 2.0L;
}

double vi_variadic(int count, ...)
{
	double sum = 0;
	va_list list;

	va_start(list, count);
	for (int i = 0; i < count; i++)
		sum += va_arg(list, double) * (i + 1);
	va_end(list);
	return sum;
}

struct vi_floats vi_floats(struct vi_floats floats, double factor)
{
	for (double &d : floats.d)
		d *= factor;
	return floats;
}

struct vi_quads vi_quads(struct vi_quads quads, long double factor)
{
	for (long double &q : quads.q)
		q /= factor;
	return quads;
}

void vi_call(void (*callback)(void *), void *arg)
{
	struct guard { /* makes the frame one that has to be cleaned up */
		~guard()
		{
			__asm__ volatile("" ::: "memory");
		}
	} guard;

	callback(arg);
}

void vi_throw(int kind)
{
	switch (kind) {
	case 1:
		throw my_error("my message");
	case 2:
		throw 42;
	case 3:
		throw std::string("text");
	case 4:
		try {
			throw std::out_of_range("inner");
		} catch (...) {
			throw;
		}
	case 5:
		std::rethrow_exception(std::make_exception_ptr(std::domain_error("kept")));
	}
}

void vi_jump(void *buffer)
{
	longjmp(*static_cast<jmp_buf *>(buffer), 3);
}

void vi_block(void)
{
	for (;;)
		pause();
}
