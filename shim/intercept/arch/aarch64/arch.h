/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions that C has no words for, for the hot side: system calls without libc (no errno, no
 * vector register touched) and a compare-and-exchange that is atomic towards this thread's own
 * signal handlers. Linux, AArch64. Same file name and functions in every arch folder.
 */
#ifndef SS_ARCH_H
#define SS_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#define SS_PAGE_BYTES         4096ul  /* the smallest; 16 and 64 KiB are multiples */
#define SS_PAGE_BYTES_MAX     65536ul /* what a file's parts that are mapped are aligned to */
#define SS_VDSO_CLOCK_GETTIME "__kernel_clock_gettime"
#define SS_CLOCKSOURCE        "arch_sys_counter" /* the kernel's own clock is what frame.h reads */
#define SS_ARCH_AUDIT         AUDIT_ARCH_AARCH64 /* linux/audit.h: what a seccomp filter is told */

static inline long ss_arch_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

/* Another CPU never writes *word; a signal handler in between makes the exclusive store fail, since
 * the return from it clears the monitor. Release: whoever sees the new value sees what led to it,
 * on other threads as well; x86 gives that with every store. On failure *expected gets the present
 * value. */
static inline bool ss_arch_cmpxchg_local(uint64_t *word, uint64_t *expected, uint64_t desired)
{
	return __atomic_compare_exchange_n(word, expected, desired, false, __ATOMIC_RELEASE,
					   __ATOMIC_RELAXED);
}

/* Towards this thread's signal handlers. Returns what was there. */
static inline uint64_t ss_arch_fetch_add_local(uint64_t *word, uint64_t amount)
{
	return __atomic_fetch_add(word, amount, __ATOMIC_RELAXED);
}

/* Adds to a counter that only this thread and its signal handlers write. */
static inline void ss_arch_add_local(uint64_t *word, uint64_t amount)
{
	__atomic_fetch_add(word, amount, __ATOMIC_RELAXED);
}

#endif
