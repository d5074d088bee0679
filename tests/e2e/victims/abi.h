/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of libvictim.so, one for each way of passing arguments and results that a wrapper
 * could get wrong, and some that do not return. C and C++.
 */
#ifndef VICTIM_ABI_H
#define VICTIM_ABI_H

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifdef __cplusplus
extern "C" {
#define VI_ALIGNED(bytes) alignas(bytes)
#else
#define VI_ALIGNED(bytes) _Alignas(bytes)
#endif

struct vi_big { /* passed and returned in memory */
	long a[12];
};

struct vi_wide { /* passed in memory, at a multiple of 64 */
	VI_ALIGNED(64) long a[8];
};

struct vi_mixed { /* x86: one vector and one integer register, both ways; ARM: two integer ones */
	double x;
	long y;
};

struct vi_floats { /* ARM: four vector registers, both ways; x86: in memory */
	double d[4];
};

struct vi_quads { /* the same with all of each register in use */
	long double q[4];
};

long vi_none(void);
long vi_one(long a);
long vi_ten(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j);
struct vi_big vi_big(struct vi_big big, long factor);
long vi_aligned(long a, struct vi_wide wide);
struct vi_mixed vi_mixed(struct vi_mixed mixed);
long double vi_long_double(long double a, long double b);
_Complex long double vi_complex(_Complex long double a);
double vi_variadic(int count, ...);
struct vi_floats vi_floats(struct vi_floats floats, double factor);
struct vi_quads vi_quads(struct vi_quads quads, long double factor);
#if defined(__x86_64__)
__m256d vi_avx(__m256d a, __m256d b);
__m256d vi_avx_stack(__m256d a, __m256d b, __m256d c, __m256d d, __m256d e, __m256d f, __m256d g,
		     __m256d h, __m256d i);
__m512d vi_avx512(__m512d a, __m512d b);
#elif defined(__aarch64__)
/* Must keep more vector registers than others: not to be wrapped. */
__attribute__((aarch64_vector_pcs)) double vi_vector_pcs(double a);
#endif

/* Calls callback(arg). */
void vi_call(void (*callback)(void *), void *arg);
/* 1: std::runtime_error, 2: int, 3: std::string, 4: rethrown std::out_of_range, 5: from an
 * exception_ptr. */
void vi_throw(int kind);
/* longjmp(*(jmp_buf *)buffer, 3) */
void vi_jump(void *buffer);
/* Sleeps until it is cancelled. */
void vi_block(void);

#ifdef __cplusplus
}
#endif

#endif
