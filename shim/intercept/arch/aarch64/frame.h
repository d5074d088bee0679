/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame that thunk.S builds on the host's stack for one wrapped call, and what is specific to
 * AArch64 about reading it. Procedure Call Standard (AAPCS64), section 6. Same file name in every
 * arch folder.
 */
#ifndef SS_FRAME_H
#define SS_FRAME_H

#include <stdint.h>

#define SS_FRAME_GPRS  8
#define SS_FRAME_FPRS  8
#define SS_FRAME_BYTES 256 /* below the frame record; thunk.S uses the same number */

struct ss_frame {
	uint64_t fpr[SS_FRAME_FPRS]
		    [2];             /*   0: q0-7 before the call; fpr[0] is the result after it */
	uint64_t gpr[SS_FRAME_GPRS]; /* 128: x0-7; what the real function will get */
	uint64_t x8;                 /* 192: where a large result goes */
	uint64_t x18;                /* 200: platform register; static chain */
	uint64_t slot;               /* 208: index in ss_slots (low 32 bits) */
	/* 216: record.c's: shadow index + 1. 0 when ss_record_enter returns: not recorded, so the
	 * frame is taken down and the call goes straight on; no stack words copied, no
	 * ss_record_exit */
	uint64_t span;
	uint64_t t0;             /* 224: record.c's */
	uint64_t entry;          /* 232: record.c's */
	uint64_t result;         /* 240: x0 after the call */
	uint64_t result2;        /* 248: x1 after the call */
	uint64_t saved_fp;       /* 256: frame record: x29 ... */
	uint64_t return_address; /* 264: ... and x30 */
	uint64_t stack_args[];   /* 272: as the caller stored them */
};

/* The virtual counter. The barrier keeps reads in program order, without which a child might begin
 * before its parent. */
static inline uint64_t ss_arch_ticks(void)
{
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks;
}

#endif
