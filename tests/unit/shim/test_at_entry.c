/* SPDX-License-Identifier: Apache-2.0
 *
 * Vector arguments survive a call of ordinary code at a wrapped function's entry, at each width the
 * processor has, and what is not in use is not put to use.
 */
#include <cpuid.h>
#include <criterion/criterion.h>
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "shim/intercept/intercept.h"
#include "state.h"

#define USES_YMM (1u << 2)
#define USES_ZMM (1u << 6)

static int saved_calls;
static void *seen;

void ss_arch_call_saved(void (*fn)(void *), void *arg)
{
	saved_calls++;
	fn(arg);
}

static uint32_t in_use(void)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
	return low;
}

static void spoil_xmm(void *arg)
{
	seen = arg;
	cr_assert_eq((uintptr_t)__builtin_frame_address(0) % 16, 0);
	__asm__ volatile("pxor %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n pxor %%xmm2, %%xmm2\n"
			 "pxor %%xmm3, %%xmm3\n pxor %%xmm4, %%xmm4\n pxor %%xmm5, %%xmm5\n"
			 "pxor %%xmm6, %%xmm6\n pxor %%xmm7, %%xmm7" ::
				 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
}

__attribute__((target("avx"))) static void spoil_ymm(void *arg)
{
	spoil_xmm(arg);
	_mm256_zeroall();
}

static unsigned char before[8][64] __attribute__((aligned(64)));
static unsigned char after[8][64] __attribute__((aligned(64)));

static void set_up(void)
{
	for (unsigned int i = 0; i < sizeof(before); i++)
		before[i / 64][i % 64] = (unsigned char)(i * 37 + i / 64 + 1);
	memset(after, 0, sizeof(after));
	seen = NULL;
	ss_arch_measure_state();
	if (!ss_arch_tells_use)
		cr_skip_test("the processor does not tell what is in use");
}

TestSuite(at_entry, .init = set_up);

/* One basic block, so that the compiler keeps its hands off the registers. */
#define CALL(move, name, function)                                                               \
	__asm__ volatile(move " 0(%[b]), %%" name "0\n" move " 64(%[b]), %%" name "1\n" move     \
			      " 128(%[b]), %%" name "2\n" move " 192(%[b]), %%" name "3\n" move  \
			      " 256(%[b]), %%" name "4\n" move " 320(%[b]), %%" name "5\n" move  \
			      " 384(%[b]), %%" name "6\n" move " 448(%[b]), %%" name "7\n"       \
			      "mov %[f], %%rdi\n mov %[a], %%rsi\n"                              \
			      "call ss_arch_call_at_entry\n" move " %%" name "0, 0(%[t])\n" move \
			      " %%" name "1, 64(%[t])\n" move " %%" name "2, 128(%[t])\n" move   \
			      " %%" name "3, 192(%[t])\n" move " %%" name "4, 256(%[t])\n" move  \
			      " %%" name "5, 320(%[t])\n" move " %%" name "6, 384(%[t])\n" move  \
			      " %%" name "7, 448(%[t])"                                          \
			 :                                                                       \
			 : [b] "b"(before), [t] "r"(r12), [f] "r"(function), [a] "r"(r13)        \
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0",  \
			   "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "memory", "cc")

static void expect_kept(unsigned int bytes)
{
	cr_expect_eq(seen, &seen);
	cr_expect_eq(saved_calls, 0);
	for (int i = 0; i < 8; i++)
		cr_expect_eq(memcmp(before[i], after[i], bytes), 0, "register %d", i);
}

Test(at_entry, xmm)
{
	register void *r12 __asm__("r12") = after;
	register void *r13 __asm__("r13") = &seen;

	_mm_mfence();
	CALL("movaps", "xmm", spoil_xmm);
	expect_kept(16);
}

__attribute__((target("avx"))) static void check_ymm(void)
{
	register void *r12 __asm__("r12") = after;
	register void *r13 __asm__("r13") = &seen;

	CALL("vmovaps", "ymm", spoil_ymm);
	expect_kept(32);
}

Test(at_entry, ymm)
{
	if (!__builtin_cpu_supports("avx"))
		cr_skip_test("no AVX");
	check_ymm();
}

__attribute__((target("avx512f"))) static void check_zmm(void)
{
	register void *r12 __asm__("r12") = after;
	register void *r13 __asm__("r13") = &seen;

	CALL("vmovaps", "zmm", spoil_ymm);
	expect_kept(64);
}

Test(at_entry, zmm)
{
	if (!__builtin_cpu_supports("avx512f"))
		cr_skip_test("no AVX-512");
	check_zmm();
}

__attribute__((target("avx"))) static uint32_t use_after(void)
{
	_mm256_zeroupper();
	ss_arch_call_at_entry(spoil_ymm, &seen);
	return in_use();
}

Test(at_entry, widens_nothing)
{
	if (!__builtin_cpu_supports("avx"))
		cr_skip_test("no AVX");
	cr_expect_eq(use_after() & (USES_YMM | USES_ZMM), 0);
}

Test(at_entry, not_measured)
{
	ss_arch_tells_use = 0;
	ss_arch_call_at_entry(spoil_xmm, &seen);
	cr_expect_eq(saved_calls, 1);
	cr_expect_eq(seen, &seen);
}
