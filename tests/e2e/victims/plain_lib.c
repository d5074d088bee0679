/* SPDX-License-Identifier: Apache-2.0
 *
 * libvictim_plain.so: vi_call and vi_one without any C++ in them, so that a program with C++
 * runtime libraries of its own inside has the only ones.
 */
#include "abi.h"

void vi_call(void (*callback)(void *), void *arg)
{
	callback(arg);
	__asm__ volatile("" ::: "memory");
}

long vi_one(long a)
{
	return a + 1;
}
