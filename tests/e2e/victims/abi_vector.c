/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of libvictim.so that need instructions not every processor has.
 */
#include "abi.h"

#if defined(__x86_64__)
__attribute__((target("avx2"))) __m256d vi_avx(__m256d a, __m256d b)
{
	return _mm256_add_pd(a, b);
}

__attribute__((target("avx2"))) __m256d vi_avx_stack(__m256d a, __m256d b, __m256d c, __m256d d,
						     __m256d e, __m256d f, __m256d g, __m256d h,
						     __m256d i)
{
	__m256d low = _mm256_add_pd(_mm256_add_pd(a, b), _mm256_add_pd(c, d));
	__m256d high = _mm256_add_pd(_mm256_add_pd(e, f), _mm256_add_pd(g, h));

	return _mm256_sub_pd(_mm256_add_pd(low, high), i);
}

__attribute__((target("avx512f"))) __m512d vi_avx512(__m512d a, __m512d b)
{
	return _mm512_sub_pd(a, b);
}
#elif defined(__aarch64__)
__attribute__((aarch64_vector_pcs)) double vi_vector_pcs(double a)
{
	return a * 2;
}
#endif
