/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/foo.h"

__attribute__((visibility("default"), noinline)) int foo(int x)
{
	/* keeps the compiler from seeing through the call */
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}
