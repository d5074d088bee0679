/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions that C has no words for, for the hot side: system calls without libc (no errno, no
 * vector register touched) and a compare-and-exchange that is atomic towards this thread's own
 * signal handlers only. Linux x86-64 ABI. Same file name and functions in every arch folder.
 */
#ifndef SS_ARCH_H
#define SS_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#define SS_PAGE_BYTES         4096ul
#define SS_PAGE_BYTES_MAX     4096ul /* what a file's parts that are mapped are aligned to */
#define SS_VDSO_CLOCK_GETTIME "__vdso_clock_gettime"
#define SS_CLOCKSOURCE        "tsc"             /* the kernel's own clock is what frame.h reads */
#define SS_ARCH_AUDIT         AUDIT_ARCH_X86_64 /* linux/audit.h: what a seccomp filter is told */

static inline long ss_arch_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* No lock prefix: another CPU never writes *word. On failure *expected gets the present value. */
static inline bool ss_arch_cmpxchg_local(uint64_t *word, uint64_t *expected, uint64_t desired)
{
	bool done;

	__asm__ volatile("cmpxchgq %3, %1"
			 : "=@ccz"(done), "+m"(*word), "+a"(*expected)
			 : "r"(desired)
			 : "memory");
	return done;
}

/* As that. Returns what was there. */
static inline uint64_t ss_arch_fetch_add_local(uint64_t *word, uint64_t amount)
{
	__asm__ volatile("xaddq %0, %1" : "+r"(amount), "+m"(*word) : : "memory");
	return amount;
}

/* Adds to a counter that only this thread and its signal handlers write. */
static inline void ss_arch_add_local(uint64_t *word, uint64_t amount)
{
	__asm__ volatile("addq %1, %0" : "+m"(*word) : "er"(amount) : "memory");
}

#endif
