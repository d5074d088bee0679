/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame that thunk.S builds on the host's stack for one wrapped call, and what is specific to
 * x86-64 about reading it. System V psABI 1.0, section 3.2.3. Same file name in every arch folder.
 */
#ifndef SS_FRAME_H
#define SS_FRAME_H

#include <stdint.h>

#define SS_FRAME_GPRS  6
#define SS_FRAME_FPRS  8
#define SS_FRAME_BYTES 240 /* below the saved frame pointer; thunk.S uses the same number */

struct ss_frame {
	uint64_t fpr[SS_FRAME_FPRS]
		    [2]; /*   0: xmm0-7 before the call; fpr[0] is the result after it */
	uint64_t gpr[SS_FRAME_GPRS]; /* 128: rdi rsi rdx rcx r8 r9; what the real function will get
				      */
	uint64_t rax;                /* 176: number of vector varargs */
	uint64_t r10;                /* 184: static chain */
	uint64_t slot;               /* 192: index in ss_slots (low 32 bits) */
	/* 200: record.c's: shadow index + 1. 0 when ss_record_enter returns: not recorded, so the
	 * frame is taken down and the call goes straight on; no stack words copied, no
	 * ss_record_exit */
	uint64_t span;
	uint64_t t0;             /* 208: record.c's */
	uint64_t entry;          /* 216: record.c's */
	uint64_t result;         /* 224: rax after the call */
	uint64_t result2;        /* 232: rdx after the call */
	uint64_t saved_fp;       /* 240 */
	uint64_t return_address; /* 248 */
	uint64_t stack_args[];   /* 256: as the caller pushed them */
};

static inline uint64_t ss_arch_ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

#endif
