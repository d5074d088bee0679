/* SPDX-License-Identifier: Apache-2.0
 *
 * AArch64's ss_arch_call_saved and ss_arch_call_at_entry: calls into code that spoils q0-q7 and
 * FPSR, which must come back as they were; what the callee gets and may change comes through.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "shim/intercept/intercept.h"

#define VECTORS 8

struct registers {
	uint64_t q[VECTORS][2];
	uint64_t fpsr;
};

static const char *argument = "the argument";
static int calls;

static void spoil(void *arg)
{
	calls += arg == (void *)argument;
	__asm__ volatile("movi v0.16b, #0xff\n\tmovi v1.16b, #0xff\n\tmovi v2.16b, #0xff\n\t"
			 "movi v3.16b, #0xff\n\tmovi v4.16b, #0xff\n\tmovi v5.16b, #0xff\n\t"
			 "movi v6.16b, #0xff\n\tmovi v7.16b, #0xff\n\tmsr fpsr, xzr"
			 :
			 :
			 : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "memory");
}

/* Loads the registers, calls, stores them again. */
static void around(void (*call)(void (*)(void *), void *), struct registers *registers)
{
	register uint64_t x19 __asm__("x19") = (uintptr_t)registers;
	register uint64_t x20 __asm__("x20") = (uintptr_t)call;
	register uint64_t x0 __asm__("x0") = (uintptr_t)spoil;
	register uint64_t x1 __asm__("x1") = (uintptr_t)argument;

	__asm__ volatile("ldp q0, q1, [x19]\n\tldp q2, q3, [x19, #32]\n\t"
			 "ldp q4, q5, [x19, #64]\n\tldp q6, q7, [x19, #96]\n\t"
			 "ldr x9, [x19, #128]\n\tmsr fpsr, x9\n\tblr x20\n\t"
			 "mrs x9, fpsr\n\tstr x9, [x19, #128]\n\t"
			 "stp q0, q1, [x19]\n\tstp q2, q3, [x19, #32]\n\t"
			 "stp q4, q5, [x19, #64]\n\tstp q6, q7, [x19, #96]"
			 : "+r"(x0), "+r"(x1)
			 : "r"(x19), "r"(x20)
			 : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			   "x13", "x14", "x15", "x16", "x17", "x18", "x30", "v0", "v1", "v2", "v3",
			   "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22",
			   "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc",
			   "memory");
}

static int check(const char *name, void (*call)(void (*)(void *), void *))
{
	struct registers before, after;
	int called = calls;

	memset(&before, 0x5a, sizeof(before));
	for (int i = 0; i < VECTORS; i++)
		before.q[i][1] = 0x0102030405060708u * (uint64_t)(i + 1);
	before.fpsr = 0x10; /* inexact */
	after = before;
	around(call, &after);
	if (calls == called + 1 && !memcmp(&before, &after, sizeof(before)))
		return 0;
	fprintf(stderr, "%s: called %d times, or registers are not as they were\n", name,
		calls - called);
	return 1;
}

int main(void)
{
	return check("ss_arch_call_saved", ss_arch_call_saved) |
	       check("ss_arch_call_at_entry", ss_arch_call_at_entry);
}
