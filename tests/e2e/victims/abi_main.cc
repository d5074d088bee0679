/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls every function of libvictim.so that returns, and checks results, the caller's copies of its
 * arguments, and function pointers in data. Built once for each way of linking.
 * Wrapped calls: vi_none 1, vi_one 4, vi_avx and vi_avx_stack 1 each where there is AVX2, vi_avx512
 * 1 where there is AVX-512, everything else up to vi_quads 1. vi_vector_pcs is not wrapped.
 */
#include "abi.h"
#include "check.h"

#include <dlfcn.h>

static long (*const table[])(long) = { vi_one, vi_one };
static long (*volatile pointer)(long) = vi_one;

static void check_integers(int which)
{
	CHECK(vi_none() == 7);
	CHECK(vi_one(4) == 5);
	CHECK(vi_ten(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 385);
	CHECK(table[which](9) == 10);
	CHECK(pointer(-1) == 0);
	CHECK(reinterpret_cast<void *>(pointer) == dlsym(RTLD_DEFAULT, "vi_one"));
	CHECK(reinterpret_cast<long (*)(long)>(dlsym(RTLD_DEFAULT, "vi_one"))(1) == 2);
}

static void check_structures(void)
{
	struct vi_big big, result;
	struct vi_wide wide = {};
	struct vi_mixed mixed;

	for (int i = 0; i < 12; i++)
		big.a[i] = i + 1;
	result = vi_big(big, 3);
	for (int i = 0; i < 12; i++)
		CHECK(result.a[i] == 3 * (i + 1) && big.a[i] == i + 1);
	wide.a[7] = 5;
	CHECK(vi_aligned(1, wide) == 6);
	mixed = vi_mixed({ 1.5, 4 });
	CHECK(mixed.x == 3 && mixed.y == 12);
}

static void check_floats(void)
{
	struct vi_floats floats = vi_floats({ 1, 2, 3, 4 }, 2.5);
	struct vi_quads quads = vi_quads({ 1, 2, 3, 4 }, 3);
	_Complex long double z = vi_complex(3 + 0.5Li);

	CHECK(vi_long_double(1, 3) == 1.0L / 3);
	CHECK(__real__ z == 6 && __imag__ z == 1);
	CHECK(vi_variadic(12, 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 2.) == 90);
	for (int i = 0; i < 4; i++)
		CHECK(floats.d[i] == (i + 1) * 2.5 && quads.q[i] == (i + 1) / 3.0L);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void check_avx(void)
{
	__m256d a = _mm256_set_pd(1, 2, 3, 4), b = _mm256_set_pd(10, 20, 30, 40);
	double d[4];

	_mm256_storeu_pd(d, vi_avx(a, b));
	CHECK(d[3] == 11 && d[2] == 22 && d[1] == 33 && d[0] == 44);
	_mm256_storeu_pd(d, vi_avx_stack(a, a, a, a, a, a, a, a, b));
	CHECK(d[3] == -2 && d[2] == -4 && d[1] == -6 && d[0] == -8);
}

__attribute__((target("avx512f"))) static void check_avx512(void)
{
	double d[8];

	_mm512_storeu_pd(d, vi_avx512(_mm512_set_pd(8, 7, 6, 5, 4, 3, 2, 1), _mm512_set1_pd(1)));
	for (int i = 0; i < 8; i++)
		CHECK(d[i] == i);
}
#endif

static void check_vectors(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		check_avx();
	if (__builtin_cpu_supports("avx512f"))
		check_avx512();
#elif defined(__aarch64__)
	auto looked_up = reinterpret_cast<decltype(&vi_vector_pcs)>(
		dlsym(RTLD_DEFAULT, "vi_vector_pcs"));

	CHECK(vi_vector_pcs(4) == 8 && looked_up(2) == 4);
#endif
}

int main(int argc, char **argv)
{
	(void)argv;
	check_integers(argc > 1);
	check_structures();
	check_floats();
	check_vectors();
	return check_report("abi");
}
